//! Phase 3: requests become transactions, are proposed, acknowledged and committed in order.

use crate::queue::{Kind, Message};
use crate::state::{Role, State, Violation};
use crate::types::Phase;
use crate::types::{Members, Txn, Zxid, small};
use crate::variant::{LateAckLd, ProposalsTo, RepeatedProposal, Rules};

impl<const N: usize, const X: usize, const G: usize> State<N, X, G> {
    fn is_established(&self, i: usize) -> bool {
        self.servers[i].role == Role::Leading && self.servers[i].phase == Phase::Broadcast
    }

    /// `LeaderProcessRequest`: an established leader appends a request to its history.
    pub(super) fn leader_process_request(&mut self, rules: &Rules, leader: usize) -> Option<()> {
        let allowed = self.spent.txns < rules.bounds.txns && self.is_established(leader);
        allowed.then_some(())?;
        let value = self.spent.requests;
        let server = &mut self.servers[leader];
        let last = server.history.last();
        let before = if last.epoch() == server.current_epoch { last.counter() } else { 0 };
        let zxid = Zxid::new(server.current_epoch, before + 1);
        if server.history.push(Txn { zxid, value }).is_none() {
            self.note_violation(Violation::NoRoom);
            return Some(());
        }
        server.leading.acks[server.history.len() - 1] = Members::of(leader);
        let longest = self.servers.iter().map(|server| server.history.len()).max();
        self.spent.txns = small(longest.unwrap_or(0));
        self.spent.requests += 1;
        Some(())
    }

    /// `LeaderBroadcastPROPOSE`: the next transaction of the epoch that has not been proposed is.
    pub(super) fn leader_broadcast_propose(&mut self, rules: &Rules, leader: usize) -> Option<()> {
        self.is_established(leader).then_some(())?;
        let server = &mut self.servers[leader];
        let last = server.history.last();
        let epoch = server.current_epoch;
        (last.epoch() == epoch && server.leading.sent < last.counter()).then_some(())?;
        server.leading.sent += 1;
        let zxid = Zxid::new(epoch, server.leading.sent);
        let txn = server.history.at(server.history.position(zxid)?)?;
        let to = match rules.variant.proposals_to {
            ProposalsTo::Offered => server.leading.ack_epoch.connected,
            ProposalsTo::Synced => server.leading.ack_ld.connected,
        };
        let message = Message { kind: Kind::Propose, zxid, value: txn.value };
        self.broadcast(leader, to, message);
        if self.ghost.broadcast(txn).is_none() {
            self.note_violation(Violation::NoRoom);
        }
        self.commit_without_ack(rules, leader);
        Some(())
    }

    /// `FollowerProcessPROPOSE`: accepts the next transaction and acknowledges it; drops what it has
    /// already.
    pub(super) fn follower_process_propose(
        &mut self,
        rules: &Rules,
        follower: usize,
        leader: usize,
    ) -> Option<()> {
        let message = self.for_follower(follower, leader, Kind::Propose)?;
        let server = &mut self.servers[follower];
        server.link.down.pop();
        if server.history.last().next_is(message.zxid) {
            let txn = Txn { zxid: message.zxid, value: message.value };
            let accepted = server.history.push(txn).is_some();
            self.send_up(follower, Message::zxid(Kind::Ack, message.zxid));
            if !accepted {
                self.note_violation(Violation::NoRoom);
            }
            return Some(());
        }
        let known = server.history.position(message.zxid).is_some();
        if !known || rules.variant.repeated_proposal == RepeatedProposal::Illegal {
            self.note_violation(Violation::Proposal);
        }
        Some(())
    }

    /// `LeaderProcessACK`: counts the acknowledgement, and commits if it makes a quorum and all
    /// before is committed.
    pub(super) fn leader_process_ack(
        &mut self,
        rules: &Rules,
        leader: usize,
        follower: usize,
    ) -> Option<()> {
        let message = self.for_leader(leader, follower, Kind::Ack)?;
        self.servers[follower].link.up.pop();
        let server = &mut self.servers[leader];
        let position = server.history.position(message.zxid).unwrap_or(0);
        let acks = &mut server.leading.acks;
        let before = acks.iter().rposition(|acks| acks.contains(follower));
        let in_order = before.is_none_or(|index| index + 2 == position);
        if position == 0 || !in_order {
            self.note_violation(Violation::Ack);
            return Some(());
        }
        acks[position - 1].insert(follower);
        let acknowledged = acks[position - 1];
        let committed = usize::from(server.last_committed);
        let outstanding = committed < server.history.len();
        let already = message.zxid <= server.history.zxid_at(committed);
        if outstanding && !already {
            self.try_to_commit(rules, leader, position, acknowledged);
        }
        Some(())
    }

    /// Commits, one after the other, what is proposed and has its quorum, if this reading does so
    /// where no ACK has come.
    pub(super) fn commit_without_ack(&mut self, rules: &Rules, leader: usize) {
        if rules.variant.late_ack_ld != LateAckLd::Commits {
            return;
        }
        loop {
            let server = &self.servers[leader];
            let position = usize::from(server.last_committed) + 1;
            let proposed = Zxid::new(server.current_epoch, server.leading.sent);
            let Some(next) = server.history.at(position) else { return };
            let acks = server.leading.acks[position - 1];
            if next.zxid > proposed || !rules.is_quorum(acks) {
                return;
            }
            self.try_to_commit(rules, leader, position, acks);
        }
    }

    fn try_to_commit(&mut self, rules: &Rules, leader: usize, position: usize, acks: Members) {
        let server = &mut self.servers[leader];
        let committed = usize::from(server.last_committed);
        let in_order = committed + 1 >= position;
        if !in_order || !rules.is_quorum(acks) {
            return;
        }
        let next = committed + 1 == position;
        server.last_committed = small(position);
        let zxid = server.history.zxid_at(position);
        let to = server.leading.ack_ld.connected;
        self.note_commit(leader);
        self.broadcast(leader, to, Message::zxid(Kind::Commit, zxid));
        if !next {
            self.note_violation(Violation::Commit);
        }
    }

    /// `FollowerProcessCOMMIT`: the next transaction is committed. The specification only warns
    /// when there is none; here that is a violation as well, since no run of it comes to that.
    pub(super) fn follower_process_commit(&mut self, follower: usize, leader: usize) -> Option<()> {
        let message = self.for_follower(follower, leader, Kind::Commit)?;
        let server = &mut self.servers[follower];
        server.link.down.pop();
        let next = usize::from(server.last_committed) + 1;
        if server.history.at(next).is_some_and(|txn| txn.zxid == message.zxid) {
            server.last_committed = small(next);
            self.note_commit(follower);
        } else {
            self.note_violation(Violation::Commit);
        }
        Some(())
    }
}
