//! Phase 1: a quorum promises a new epoch and tells what it has.

use crate::queue::{Kind, Message};
use crate::state::{Report, Role, State, Violation};
use crate::types::Phase;
use crate::types::{Members, Seat};
use crate::variant::Rules;

impl<const N: usize, const X: usize, const G: usize> State<N, X, G> {
    /// `ConnectAndFollowerSendCEPOCH`: a follower without a leader connects to the one that the
    /// oracle names, and reports f.p.
    pub(super) fn connect_and_follower_send_cepoch(
        &mut self,
        leader: usize,
        follower: usize,
    ) -> Option<()> {
        let enabled = self.servers[leader].role == Role::Leading
            && !self.servers[leader].leading.learners.contains(follower)
            && self.servers[follower].role == Role::Following
            && self.servers[follower].leader == Seat::EMPTY
            && self.oracle == Seat::of(leader);
        enabled.then(|| {
            self.servers[leader].leading.learners.insert(follower);
            self.servers[follower].leader = Seat::of(leader);
            let promised = self.servers[follower].accepted_epoch;
            self.send_up(follower, Message::epoch(Kind::Cepoch, promised));
        })
    }

    /// The bound on epochs. The specification records the greatest epoch accepted by anybody when a
    /// leader takes a CEPOCH; only such a step raises it.
    fn may_take_cepoch(&self, rules: &Rules) -> bool {
        let reached = self.servers.iter().map(|server| server.accepted_epoch).max();
        rules.bounds.epochs.is_none_or(|bound| reached.unwrap_or(0) < bound)
    }

    /// `LeaderProcessCEPOCH`: once a quorum has reported, the epoch is one more than the greatest
    /// f.p, and is announced; later reports are answered with it.
    pub(super) fn leader_process_cepoch(
        &mut self,
        rules: &Rules,
        leader: usize,
        follower: usize,
    ) -> Option<()> {
        self.may_take_cepoch(rules).then_some(())?;
        let message = self.for_leader(leader, follower, Kind::Cepoch)?;
        self.servers[follower].link.up.pop();
        if self.servers[leader].leading.cepoch.senders.is_empty() {
            let epoch = self.servers[leader].accepted_epoch;
            self.send_down(follower, Message::epoch(Kind::NewEpoch, epoch));
            return Some(());
        }
        if self.servers[leader].phase != Phase::Discovery {
            self.note_violation(Violation::State);
        }
        let server = &mut self.servers[leader];
        server.leading.cepoch.hear(follower);
        server.leading.reports[follower].epoch = message.zxid.epoch();
        let heard = server.leading.cepoch;
        if rules.is_quorum(heard.senders) {
            let followers = heard.senders.without(leader).iter();
            let promised = followers.map(|f| server.leading.reports[f].epoch).max().unwrap_or(0);
            let greatest = promised.max(server.accepted_epoch);
            server.accepted_epoch = greatest + 1;
            let epoch = server.accepted_epoch;
            self.broadcast(leader, heard.connected, Message::epoch(Kind::NewEpoch, epoch));
        }
        Some(())
    }

    /// `FollowerProcessNEWEPOCH`: promises the epoch and tells f.a and the history; goes back to
    /// electing if it has promised a later one.
    pub(super) fn follower_process_new_epoch(
        &mut self,
        follower: usize,
        leader: usize,
    ) -> Option<()> {
        let message = self.for_follower(follower, leader, Kind::NewEpoch)?;
        let server = &mut self.servers[follower];
        if message.zxid.epoch() < server.accepted_epoch {
            self.drop_learner(leader, follower);
            return Some(());
        }
        server.link.down.pop();
        if server.phase != Phase::Discovery {
            self.note_violation(Violation::State);
            return Some(());
        }
        server.accepted_epoch = message.zxid.epoch();
        server.phase = Phase::Synchronization;
        server.link.history = server.history;
        let adopted = server.current_epoch;
        self.send_up(follower, Message::epoch(Kind::AckEpoch, adopted));
        Some(())
    }

    /// The history of whoever has the greatest (f.a, last zxid) among those heard. Equal summaries
    /// mean equal histories; should they not, the choice does not depend on who is who.
    fn adopt_most_recent(&mut self, leader: usize, heard: Members) {
        let server = &self.servers[leader];
        let own = Report { epoch: server.current_epoch, history: server.history };
        let reported = heard.without(leader).iter().map(|f| server.leading.reports[f]);
        let recency = |report: &Report<X>| (report.epoch, report.history.last(), report.history);
        if let Some(best) = reported.chain([own]).max_by_key(recency) {
            self.servers[leader].history = best.history;
        }
    }

    /// `LeaderProcessACKEPOCH`: once a quorum has told what it has, the leader adopts the most
    /// recent history and the epoch, and offers that history; later ones are offered what it has.
    pub(super) fn leader_process_ack_epoch(
        &mut self,
        rules: &Rules,
        leader: usize,
        follower: usize,
    ) -> Option<()> {
        let message = self.for_leader(leader, follower, Kind::AckEpoch)?;
        let link = &mut self.servers[follower].link;
        let history = std::mem::take(&mut link.history);
        link.up.pop();
        let server = &mut self.servers[leader];
        let offered = rules.is_quorum(server.leading.ack_epoch.senders);
        server.leading.ack_epoch.hear(follower);
        if offered {
            self.offer_history(leader, Members::of(follower));
            return Some(());
        }
        server.leading.reports[follower] = Report { epoch: message.zxid.epoch(), history };
        let heard = server.leading.ack_epoch;
        let phase = server.phase;
        if phase != Phase::Discovery {
            self.note_violation(Violation::State);
        }
        if rules.is_quorum(heard.senders) {
            self.adopt_most_recent(leader, heard.senders);
            let server = &mut self.servers[leader];
            server.current_epoch = server.accepted_epoch;
            server.phase = Phase::Synchronization;
            let length = server.history.len();
            server.leading.acks[..length].fill(Members::of(leader));
            let epoch = server.current_epoch;
            self.ghost.establish(epoch);
            self.offer_history(leader, heard.connected);
        }
        Some(())
    }
}
