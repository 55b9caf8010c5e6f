//! Phase 2 of a leader.

use std::collections::BTreeSet;

use crate::leader::sync_plan::{self, SyncPlan};
use crate::leader::{Leader, Progress, Stage};
use crate::server::Server;
use crate::{Decision, Effects, Epoch, Message, Mutant, ProtocolError, ServerId, Zxid};

impl Leader {
    /// l.2.1: bring a learner that reported `last` to the committed history, and join it to the
    /// stream, in one step: header, PROPOSAL and COMMIT for what is committed after the cursor,
    /// PROPOSAL for what is outstanding after it, NEWLEADER. An observer is told of what is
    /// outstanding when it is committed (`Leader.startForwarding`).
    pub(super) fn synchronize(
        &mut self,
        server: &Server,
        to: ServerId,
        last: Zxid,
        out: &mut Effects,
    ) {
        let max = self.committed_end(server);
        let plan = choose_plan(server, max, last);
        self.send(to, plan.message(), out);
        for (zxid, proposal) in server.history.proposals(plan.cursor, max) {
            self.send(to, proposal, out);
            self.send(to, Message::Commit { zxid }, out);
        }
        if !self.learner(to).observes {
            for txn in server.history.range(plan.cursor.max(max), server.history.last()) {
                self.send(to, Message::Proposal { txn }, out);
            }
        }
        self.send(to, Message::NewLeader { epoch: self.new_epoch }, out);
        self.withdraw(server, to, plan.cursor);
        self.learner(to).progress = Progress::Forwarding;
    }

    /// The end of the committed history: before the leader is established, of the initial one.
    fn committed_end(&self, server: &Server) -> Zxid {
        match self.stage {
            Stage::Epoch | Stage::AckEpoch | Stage::AckLd => self.initial_last,
            Stage::Broadcast => server.last_committed,
        }
    }

    /// zk.sync.withdraw: what this learner acknowledged above the cursor does not count any
    /// more: it is about to be told to drop it, or to get it again (D-H01).
    fn withdraw(&mut self, server: &Server, from: ServerId, cursor: Zxid) {
        if server.config.has(Mutant::NoWithdraw) {
            return;
        }
        for outstanding in &mut self.outstanding {
            if outstanding.zxid > cursor {
                outstanding.acks.remove(&from);
            }
        }
    }

    /// l.2.2: the first ACK-LD on this connection counts; a quorum of them establishes the leader.
    /// Later ones are ignored.
    pub(crate) fn on_ack_ld(
        &mut self,
        server: &mut Server,
        from: ServerId,
        epoch: Epoch,
        out: &mut Effects,
    ) -> Result<(), ProtocolError> {
        match self.learner(from).progress {
            Progress::WaitsForLeaderInfo | Progress::Offered | Progress::WaitsForGate { .. } => {
                return Err(self.unexpected(from, "ACK-LD"));
            }
            Progress::Acknowledged => return Ok(()),
            Progress::Forwarding => {}
        }
        if epoch != self.new_epoch {
            let (message, expected) = ("ACK-LD", self.new_epoch);
            return Err(ProtocolError::WrongEpoch { from, message, named: epoch, expected });
        }
        self.learner(from).progress = Progress::Acknowledged;
        self.new_leader_acks.insert(from);
        if self.stage == Stage::Broadcast {
            self.up_to_date(from, out);
        } else if acknowledged_by_quorum(server, &self.new_leader_acks) {
            self.become_established(server, out);
        }
        Ok(())
    }

    pub(crate) fn become_established(&mut self, server: &mut Server, out: &mut Effects) {
        server.last_committed = self.initial_last;
        self.enter_stage(Stage::Broadcast);
        self.elected.update_vote(self.new_epoch);
        out.decisions.push(Decision::Established { epoch: self.new_epoch });
        // From now on learners are expected to answer PINGs.
        self.learners.values_mut().for_each(|learner| learner.silent_ticks = 0);
        server.deliver_committed(out);
        for id in self.learners_at(|progress| progress == Progress::Acknowledged) {
            self.up_to_date(id, out);
        }
    }

    /// l.2.3: send UPTODATE.
    fn up_to_date(&self, to: ServerId, out: &mut Effects) {
        self.send(to, Message::UpToDate, out);
    }
}

fn acknowledged_by_quorum(server: &Server, acks: &BTreeSet<ServerId>) -> bool {
    if server.config.has(Mutant::EstablishedBeforeQuorum) {
        return true;
    }
    server.config.is_quorum(acks)
}

fn choose_plan(server: &Server, max: Zxid, last: Zxid) -> SyncPlan {
    let window = server.history.window(max, server.config.window);
    if server.config.has(Mutant::DiffInsteadOfTrunc) && last > max {
        return SyncPlan { header: sync_plan::Header::Diff, zxid: max, cursor: last };
    }
    sync_plan::choose(&window, max, last)
}
