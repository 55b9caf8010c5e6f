//! Failures: a connection ends for both at once, with all that is under way on it; a leader without
//! a quorum and all its learners look for another in the same step; a crash is its own recovery.

use crate::queue::Link;
use crate::state::{Role, State, Violation};
use crate::types::Phase;
use crate::types::{Members, Seat};
use crate::variant::Rules;

impl<const N: usize, const X: usize, const G: usize> State<N, X, G> {
    /// Back to LOOKING; with it goes what is under way on the connection.
    fn look(&mut self, i: usize) {
        let server = &mut self.servers[i];
        server.role = Role::Looking;
        server.phase = Phase::Election;
        server.leader = Seat::EMPTY;
        server.link = Link::default();
    }

    /// The leader forgets a connected learner, which looks for a leader.
    pub(super) fn drop_learner(&mut self, leader: usize, follower: usize) {
        let leading = &mut self.servers[leader].leading;
        leading.learners.remove(follower);
        for heard in [&mut leading.cepoch, &mut leading.ack_epoch, &mut leading.ack_ld] {
            heard.connected.remove(follower);
        }
        self.look(follower);
    }

    /// The leader gives up, and all its learners with it.
    fn leader_shutdown(&mut self, leader: usize) {
        let learners = self.servers[leader].leading.learners;
        self.servers[leader].leading.learners = Members::default();
        for learner in learners.iter() {
            self.look(learner);
        }
    }

    /// A connection ends: the leader goes on if a quorum remains.
    fn disconnect(&mut self, rules: &Rules, leader: usize, follower: usize) {
        if rules.is_quorum(self.servers[leader].leading.learners.without(follower)) {
            self.drop_learner(leader, follower);
        } else {
            self.leader_shutdown(leader);
        }
    }

    /// `Timeout`: a connection ends although both ends live.
    pub(super) fn timeout(&mut self, rules: &Rules, leader: usize, follower: usize) -> Option<()> {
        let allowed = self.spent.timeouts < rules.bounds.timeouts;
        (allowed && self.connected(leader, follower)).then(|| {
            self.disconnect(rules, leader, follower);
            self.spent.timeouts += 1;
        })
    }

    /// `Restart`: a server crashes and recovers; it keeps its epochs and its history.
    pub(super) fn restart(&mut self, rules: &Rules, i: usize) -> Option<()> {
        let within = self.spent.timeouts < rules.bounds.timeouts;
        let allowed = self.spent.restarts < rules.bounds.restarts
            && (within || !rules.variant.restart_is_timeout);
        allowed.then_some(())?;
        match self.servers[i].role {
            Role::Looking => {}
            Role::Following => match self.servers[i].leader.index() {
                Some(leader) => self.disconnect(rules, leader, i),
                None => self.look(i),
            },
            Role::Leading => self.leader_shutdown(i),
        }
        let server = &mut self.servers[i];
        server.last_committed = 0;
        self.spent.timeouts += 1;
        self.spent.restarts += 1;
        Some(())
    }

    /// `FilterNonexistentMessage`: a message that its receiver cannot get is dropped, and noted.
    pub(super) fn filter_nonexistent_message(&mut self, i: usize) -> Option<()> {
        let under_way = !self.servers[i].link.is_empty();
        let leader = self.servers[i].leader.index();
        let live = leader.is_some_and(|leader| self.connected(leader, i));
        (under_way && !live).then(|| {
            self.servers[i].link = Link::default();
            self.note_violation(Violation::Message);
        })
    }
}
