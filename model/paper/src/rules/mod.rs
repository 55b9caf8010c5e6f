//! The seventeen actions. Each is one function, guard and effect together: `None` says that it is
//! not enabled, and the state is then not to be used. `leader`, `follower` and `i` are indices.

mod broadcast;
mod discovery;
mod election;
mod failure;
mod synchronization;

use super::abstraction::abstract_step;
use super::action::Action;
use super::ghost::Ghost;
use super::normal;
use super::queue::{Kind, Message};
use super::state::{Role, State, Violation};
use super::types::{Members, Seat};
use super::variant::Rules;

impl<const N: usize, const X: usize, const G: usize> State<N, X, G> {
    /// The state after an action, in normal form; `None` if the action is not enabled.
    #[must_use]
    pub fn after(&self, rules: &Rules, action: Action) -> Option<Self> {
        let mut next = *self;
        next.take(rules, action)?;
        Some(next)
    }

    /// Goes on to the state after an action, in normal form. If the action is not enabled the
    /// answer is `None`, and what the state is then says nothing.
    pub(super) fn take(&mut self, rules: &Rules, action: Action) -> Option<()> {
        let before = Ghost::<X, G>::KEPT.then_some(*self);
        self.act(rules, action)?;
        normal::normalize(rules, self);
        if before.is_some_and(|before| before.is_ahead_in_epochs(self)) {
            self.ghost.fall();
        }
        if before.is_some_and(|before| abstract_step(&before, self).is_none()) {
            self.ghost.stray();
        }
        Some(())
    }

    fn act(&mut self, rules: &Rules, action: Action) -> Option<()> {
        match action {
            Action::UpdateLeader(i) => self.update_leader(i),
            Action::FollowLeader(i) => self.follow_leader(i),
            Action::Timeout(leader, follower) => self.timeout(rules, leader, follower),
            Action::Restart(i) => self.restart(rules, i),
            Action::ConnectAndFollowerSendCepoch(leader, follower) => {
                self.connect_and_follower_send_cepoch(leader, follower)
            }
            Action::LeaderProcessCepoch(i, j) => self.leader_process_cepoch(rules, i, j),
            Action::FollowerProcessNewEpoch(i, j) => self.follower_process_new_epoch(i, j),
            Action::LeaderProcessAckEpoch(i, j) => self.leader_process_ack_epoch(rules, i, j),
            Action::FollowerProcessNewLeader(i, j) => self.follower_process_new_leader(rules, i, j),
            Action::LeaderProcessAckLd(i, j) => self.leader_process_ack_ld(rules, i, j),
            Action::FollowerProcessCommitLd(i, j) => self.follower_process_commit_ld(i, j),
            Action::LeaderProcessRequest(i) => self.leader_process_request(rules, i),
            Action::LeaderBroadcastPropose(i) => self.leader_broadcast_propose(rules, i),
            Action::FollowerProcessPropose(i, j) => self.follower_process_propose(rules, i, j),
            Action::LeaderProcessAck(i, j) => self.leader_process_ack(rules, i, j),
            Action::FollowerProcessCommit(i, j) => self.follower_process_commit(i, j),
            Action::FilterNonexistentMessage(i) => self.filter_nonexistent_message(i),
        }
    }

    /// Whether both ends agree that they are connected.
    pub(super) fn connected(&self, leader: usize, follower: usize) -> bool {
        let (up, down) = (&self.servers[leader], &self.servers[follower]);
        up.role == Role::Leading
            && up.leading.learners.contains(follower)
            && down.role == Role::Following
            && down.leader == Seat::of(leader)
    }

    /// The message of that kind that a leader may take from a connected follower.
    fn for_leader(&self, leader: usize, follower: usize, kind: Kind) -> Option<Message> {
        let message = self.servers[follower].link.up.head();
        (self.connected(leader, follower) && message.kind == kind).then_some(message)
    }

    /// The message of that kind that a follower may take from its leader.
    fn for_follower(&self, follower: usize, leader: usize, kind: Kind) -> Option<Message> {
        let message = self.servers[follower].link.down.head();
        (self.connected(leader, follower) && message.kind == kind).then_some(message)
    }

    /// Sends to one follower.
    fn send_down(&mut self, follower: usize, message: Message) {
        if self.servers[follower].link.down.push(message).is_none() {
            self.note_violation(Violation::NoRoom);
        }
    }

    /// Sends to the leader of one follower.
    fn send_up(&mut self, follower: usize, message: Message) {
        if self.servers[follower].link.up.push(message).is_none() {
            self.note_violation(Violation::NoRoom);
        }
    }

    /// Sends to those of a set that are the leader's learners, itself left out.
    fn broadcast(&mut self, leader: usize, to: Members, message: Message) {
        for follower in to.and(self.servers[leader].leading.learners).without(leader).iter() {
            self.send_down(follower, message);
        }
    }

    /// NEWLEADER with the leader's present history, to those of a set that are its learners.
    fn offer_history(&mut self, leader: usize, to: Members) {
        let (epoch, history) = (self.servers[leader].accepted_epoch, self.servers[leader].history);
        for follower in to.and(self.servers[leader].leading.learners).without(leader).iter() {
            self.servers[follower].link.history = history;
        }
        self.broadcast(leader, to, Message::epoch(Kind::NewLeader, epoch));
        for txn in history.txns() {
            if self.ghost.broadcast(*txn).is_none() {
                self.note_violation(Violation::NoRoom);
            }
        }
    }

    /// Tells the ghosts what a server has committed.
    fn note_commit(&mut self, index: usize) {
        let server = &self.servers[index];
        let delivered = server.history.prefix(usize::from(server.last_committed));
        self.ghost.commit(delivered, server.current_epoch);
    }
}
