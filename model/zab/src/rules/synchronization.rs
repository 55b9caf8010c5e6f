//! Phase 2: taking over the leader's history.

use super::guard::{Guard, holds, is, is_just, is_next};
use super::sync_plan::{SyncPlan, Window};
use super::{Node, Outcome, Refusal};
use crate::history::History;
use crate::message::Message;
use crate::number::Number;
use crate::outbox::Decision;
use crate::probe::Probe;
use crate::profile::{AcksOfCut, Establishment, ListAtNewLeader, NewLeaderProgram, TruncEffect};
use crate::program::{Item, ProgramName};
use crate::server::{Progress, Stage, Synchronization};
use crate::shape::{Queue, Shape, Table, TxnOf};
use crate::types::{Phase, ServerId, ServerSet, Zxid};

impl<'a, S: Shape, P: Probe> Node<'a, S, P> {
    /// l.2.1: bring a learner that reported `last` to the committed history, and join it to the
    /// stream, in one step: header, PROPOSAL and COMMIT for what is committed after the cursor,
    /// PROPOSAL for what is outstanding after it, NEWLEADER.
    pub(crate) fn l_2_1(&mut self, to: ServerId, last: Zxid<S::Num>) {
        self.fired("l.2.1");
        let window = Window::of(self.cfg, self.me);
        let SyncPlan { rule, header, cursor } = window.choose(last);
        self.fired(rule);
        self.send(to, header);
        for txn in self.history().range(cursor, self.last()) {
            self.send(to, Message::Proposal(txn));
            if txn.zxid <= window.max() {
                self.send(to, Message::Commit { zxid: txn.zxid });
            }
        }
        self.zk_sync_withdraw(to, cursor);
        self.send(to, Message::NewLeader { epoch: self.me.accepted_epoch });
        self.set_progress(to, Progress::Forwarding);
    }

    /// zk.sync.withdraw: what this learner acknowledged above the cursor does not count any more:
    /// it is about to be told to drop it, or to get it again (D-H01).
    fn zk_sync_withdraw(&mut self, from: ServerId, cursor: Zxid<S::Num>) {
        match self.profile().acks_of_cut {
            AcksOfCut::Withdrawn => {}
            AcksOfCut::Kept => return,
        }
        let committed = self.me.committed(self.cfg);
        let kept = self.history().count_to(cursor).saturating_sub(committed);
        let mut withdrawn = false;
        for acks in self.me.leader.outstanding.as_mut_slice().iter_mut().skip(kept) {
            withdrawn |= acks.contains(from);
            acks.remove(from);
        }
        if withdrawn {
            self.fired("zk.sync.withdraw");
        }
    }

    /// What follows the write of `l.1.2`: `l.2.1` for every learner that waits.
    pub(crate) fn synchronize_waiting(&mut self) {
        for learner in self.learners_at(Progress::WaitsForGate) {
            self.l_2_1(learner, self.me.leader.learners.row(learner).last);
        }
        match self.profile().establishment {
            Establishment::Quorum => {}
            Establishment::AtOnce => self.become_established(),
        }
    }

    /// f.2.0: the first packet is DIFF, and the history is kept as it is.
    pub(crate) fn f_2_0_diff(&mut self) -> Outcome {
        self.expect_header()?;
        self.begin_synchronization(self.me.history, false);
        Ok(())
    }

    /// f.2.0: the first packet is TRUNC(z), and the history is durably cut after z (D-TR).
    pub(crate) fn f_2_0_trunc(&mut self, zxid: Zxid<S::Num>) -> Outcome {
        self.expect_header()?;
        let (history, base) = (self.history(), self.me.base.to_usize());
        let length = history.length_at(zxid).filter(|length| *length == 0 || *length >= base);
        let guard = Guard::new(length.is_some(), zxid, history.last());
        self.refuse_unless("f.2.0", "TRUNC zxid is in the history up to", guard)?;
        match self.profile().trunc_effect {
            TruncEffect::Cut => {
                self.me.history = history.truncate(zxid);
                self.me.base = S::Num::from_usize(base.min(history.count_to(zxid)));
            }
            TruncEffect::Ignored => {}
        }
        self.begin_synchronization(self.me.history, false);
        self.run(ProgramName::Truncate);
        Ok(())
    }

    /// f.2.0: the first packet is SNAP, and the state that comes with it is kept aside.
    pub(crate) fn f_2_0_snap(&mut self, state: S::Log) -> Outcome {
        self.expect_header()?;
        self.begin_synchronization(state, true);
        Ok(())
    }

    fn expect_header(&mut self) -> Outcome {
        self.refuse_unless_at("f.2.0", "the header comes first", &[Stage::Header])
    }

    /// FOLLOWING in SYNCHRONIZATION: the message is for one of these stages.
    fn refuse_unless_at(
        &mut self,
        rule: &'static str,
        text: &'static str,
        stages: &[Stage],
    ) -> Outcome {
        self.refuse_unless(rule, text, holds(self.is_at(Phase::Synchronization, stages)))
    }

    fn begin_synchronization(&mut self, base: S::Log, snapshot: bool) {
        self.fired("f.2.0");
        let length = S::Num::from_usize(self.cfg.history(base).length());
        self.me.synchronization = Synchronization {
            stage: Stage::Receiving,
            snapshot,
            start: length,
            received: base,
            committed: length,
        };
    }

    /// The base of this synchronization and everything received after it.
    fn received(&self) -> History<'a, S> {
        self.cfg.history(self.me.synchronization.received)
    }

    /// zk.sync.proposal: a PROPOSAL before UPTODATE follows what was received before it, and is
    /// kept in memory.
    pub(crate) fn zk_sync_proposal(&mut self, txn: TxnOf<S>) -> Outcome {
        let rule = "zk.sync.proposal";
        let stages = [Stage::Receiving, Stage::Acknowledged];
        self.refuse_unless_at(rule, "PROPOSAL comes after the header", &stages)?;
        let last = self.received().last();
        self.refuse_unless(rule, "zxid = next(received)", is_next(txn.zxid, last))?;
        self.me.synchronization.received = self.received().append(txn).ok_or(Refusal::Step)?;
        self.fired(rule);
        Ok(())
    }

    /// zk.sync.commit: a COMMIT before UPTODATE is for the first of *not logged* that is not
    /// committed yet, which is then marked.
    pub(crate) fn zk_sync_commit(&mut self, zxid: Zxid<S::Num>) -> Outcome {
        let rule = "zk.sync.commit";
        let stages = [Stage::Receiving, Stage::Acknowledged];
        self.refuse_unless_at(rule, "COMMIT comes after the header", &stages)?;
        let committed = self.me.synchronization.committed;
        if self.empties_list() && self.is_at(Phase::Synchronization, &[Stage::Acknowledged]) {
            let (logged, all) = (self.history().length(), self.received().length());
            let guard = Guard::new(all > logged, all, logged);
            self.refuse_unless(rule, "transactions received > transactions logged", guard)?;
        }
        let first = self.received().zxid(committed.to_usize());
        self.refuse_unless(rule, "zxid = first not committed", is_just(zxid, first))?;
        self.fired(rule);
        self.me.synchronization.committed = committed.next().unwrap_or(committed);
        Ok(())
    }

    /// f.2.1: on NEWLEADER(e), make durable, in this order: the received state, the committed
    /// prefix of what was received (and deliver it), currentEpoch. Only then acknowledge.
    pub(crate) fn f_2_1(&mut self, epoch: S::Num) -> Outcome {
        let text = "NEWLEADER comes once, after the header";
        self.refuse_unless_at("f.2.1", text, &[Stage::Receiving])?;
        let accepted = self.me.accepted_epoch;
        self.refuse_unless("f.2.1", "epoch = acceptedEpoch", is(epoch, accepted))?;
        self.fired("f.2.1");
        let Synchronization { snapshot, start, committed, received, .. } = self.me.synchronization;
        let NewLeader { program, logs } = self.new_leader();
        self.me.synchronization.stage = Stage::Acknowledged;
        self.me.history = match logs {
            Logs::Nothing => self.received().prefix(start.to_usize()),
            Logs::Committed => self.received().prefix(committed.to_usize()),
            Logs::All => received,
        };
        if self.empties_list() && logs == Logs::Committed {
            self.me.synchronization.received = self.me.history;
        }
        self.me.current_epoch = epoch;
        if snapshot {
            self.me.base = start;
        }
        self.run(program);
        Ok(())
    }

    /// What this profile does on NEWLEADER.
    fn new_leader(&self) -> NewLeader {
        use ProgramName as Name;
        let (program, logs) = match self.profile().newleader_program {
            NewLeaderProgram::Committed => (Name::NewLeader, Logs::Committed),
            NewLeaderProgram::EpochFirst => (Name::NewLeaderEpochFirst, Logs::Committed),
            NewLeaderProgram::AckBeforeLog => (Name::NewLeaderAckBeforeLog, Logs::Committed),
            NewLeaderProgram::AckFirst => (Name::NewLeaderAckFirst, Logs::Committed),
            NewLeaderProgram::LoggedAtUpToDate => (Name::NewLeaderUnlogged, Logs::Nothing),
            NewLeaderProgram::Queued => (Name::NewLeaderQueued, Logs::Nothing),
            NewLeaderProgram::SyncedAll => (Name::NewLeaderSynced, Logs::All),
        };
        NewLeader { program, logs }
    }

    /// Whether NEWLEADER empties the list of transactions that COMMITs are looked up in (4394).
    fn empties_list(&self) -> bool {
        match self.profile().list_at_newleader {
            ListAtNewLeader::Kept => false,
            ListAtNewLeader::Emptied => true,
        }
    }

    /// The delivery in the program of `f.2.1`. What lies before it is in the state machine already:
    /// `zk.fle.enter` and SNAP put it there.
    pub(crate) fn deliver_received(&mut self) {
        let start = self.me.synchronization.start.to_usize();
        self.deliver(self.history().zxid_at(start), self.last());
        self.me.synchronization.start = S::Num::ZERO;
        self.me.synchronization.snapshot = false;
    }

    /// In the program of `f.2.1`: everything received goes to the sync thread.
    pub(crate) fn queue_received(&mut self) {
        self.me.history = self.me.synchronization.received;
    }

    /// The acknowledgement in the program of `f.2.1`.
    pub(crate) fn acknowledge_new_leader(&mut self) {
        if self.me.program.is_finished() {
            self.me.synchronization.snapshot = false;
        }
        self.send_to_leader(Message::AckLd { epoch: self.me.accepted_epoch });
    }

    /// l.2.2: the first ACK-LD on this connection counts; a quorum of them establishes the leader.
    /// Later ones are ignored.
    pub(crate) fn l_2_2(&mut self, from: ServerId, epoch: S::Num) -> Outcome {
        let progress = self.progress(from);
        if progress == Progress::Acknowledged {
            return Ok(());
        }
        self.refuse_unless("l.2.2", "NEWLEADER was sent", holds(progress == Progress::Forwarding))?;
        self.refuse_unless("l.2.2", "epoch = newEpoch", is(epoch, self.me.accepted_epoch))?;
        self.fired("l.2.2");
        self.set_progress(from, Progress::Acknowledged);
        if self.me.phase == Phase::Broadcast {
            self.l_2_3(from);
            return Ok(());
        }
        self.me.leader.new_leader_acks.insert(from);
        let acks = self.quorum(self.me.leader.new_leader_acks);
        if self.check("l.2.2", "acknowledgements >= quorum", acks) {
            self.become_established();
        }
        Ok(())
    }

    /// `l.3.2`, where any first ACK is taken for ACK-LD: it counts nowhere, and the learner goes on.
    pub(super) fn take_for_ack_ld(&mut self, from: ServerId) {
        self.set_progress(from, Progress::Acknowledged);
        if self.me.phase == Phase::Broadcast {
            self.l_2_3(from);
        }
    }

    fn become_established(&mut self) {
        self.me.leader.new_leader_acks = ServerSet::default();
        self.me.last_committed = self.last();
        self.me.phase = Phase::Broadcast;
        self.zk_fle_update_vote();
        self.decide(Decision::Established { epoch: self.me.accepted_epoch });
        for learner in self.learners_at(Progress::Acknowledged) {
            self.l_2_3(learner);
        }
    }

    /// l.2.3: send UPTODATE.
    fn l_2_3(&mut self, to: ServerId) {
        self.fired("l.2.3");
        self.send(to, Message::UpToDate);
    }

    /// f.2.2: on UPTODATE, acknowledge again and enter broadcast: everything in the history is
    /// committed, and what is still not logged is treated as if it came only now.
    pub(crate) fn f_2_2(&mut self) -> Outcome {
        let text = "UPTODATE comes after NEWLEADER";
        self.refuse_unless_at("f.2.2", text, &[Stage::Acknowledged])?;
        self.fired("f.2.2");
        self.acknowledge_new_leader();
        let NewLeader { program, logs } = self.new_leader();
        let (received, logged) = (self.received(), self.last());
        let Synchronization { committed, start, .. } = self.me.synchronization;
        let delivered = if program.items().contains(&Item::Deliver) {
            logged
        } else {
            received.zxid_at(start.to_usize())
        };
        let committed = received.zxid_at(committed.to_usize());
        self.me.synchronization = Synchronization::default();
        self.me.phase = Phase::Broadcast;
        self.me.last_committed = delivered;
        self.zk_fle_update_vote();
        if logs == Logs::All {
            for txn in received.range(delivered, logged) {
                self.send_to_leader(Message::Ack { zxid: txn.zxid });
            }
        }
        for txn in received.range(logged, received.last()) {
            self.f_3_1(txn)?;
        }
        for txn in received.range(delivered, committed) {
            self.f_3_3(txn.zxid)?;
        }
        Ok(())
    }
}

/// What a profile does on NEWLEADER.
struct NewLeader {
    program: ProgramName,
    logs: Logs,
}

/// What of the received transactions becomes part of the log when NEWLEADER comes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Logs {
    Nothing,
    Committed,
    All,
}
