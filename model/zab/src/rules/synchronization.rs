//! Phase 2: taking over the leader's history.

use super::guard::{Guard, holds, is, is_just};
use super::sync_plan::{SyncPlan, Window};
use super::{Node, Outcome, Refusal};
use crate::grain::Grain;
use crate::history::History;
use crate::message::Message;
use crate::number::Number;
use crate::outbox::{Decision, Effect};
use crate::probe::Probe;
use crate::profile::{
    AcksOfCut, CommitAfterSnap, Establishment, ListAtNewLeader, NewLeaderProgram, NewLeaderQueued,
    ObserverNewLeader, PositionWhenEstablished, SnapLabel, SyncApplyEntersWindow, TruncDurable,
    TruncEffect, TruncIntoSnapshot, TruncToAbsentRecord,
};
use crate::program::ProgramName;
use crate::server::{Progress, Stage, SyncMode, Synchronization};
use crate::shape::{Queue, Shape, TxnOf};
use crate::stores::{Database, Snapshot};
use crate::types::{Phase, ServerId, ServerSet, Zxid};

impl<'a, S: Shape, P: Probe> Node<'a, S, P> {
    /// l.2.1: bring a learner that reported `last` to the committed history, and join it to the
    /// stream: header, PROPOSAL and COMMIT for what is committed after the cursor, PROPOSAL for what
    /// is outstanding after it. This is the first of three steps of its handler; what is to be sent
    /// is queued until the last one (`LearnerHandler.syncFollower`, `Leader.startForwarding`).
    pub(super) fn l_2_1(&mut self, to: ServerId, last: Zxid<S::Num>) {
        self.fired("l.2.1");
        let window = Window::of(self.cfg, self.me);
        let log = self.cfg.history(self.me.disk.history);
        let SyncPlan { rule, header, cursor, from_log } = window.choose(last, log);
        self.fired(rule);
        self.set_progress(to, Progress::WaitsForNewLeader);
        match header {
            Some(header) => self.send_by_handler(to, header),
            None => self.set_progress(to, Progress::WaitsForSnap),
        }
        let of_log = log.range(cursor, from_log);
        for txn in of_log.chain(window.after(cursor.max(from_log))) {
            self.send_by_handler(to, Message::Proposal(txn));
            self.send_by_handler(to, Message::Commit { zxid: txn.zxid });
        }
        for txn in self.history().after(cursor.max(window.end())) {
            let is_committed =
                self.me.phase == Phase::Broadcast && txn.zxid <= self.me.last_committed;
            // An observer is told of what is outstanding when it is committed.
            if is_committed || self.cfg.ensemble.is_voter(to) {
                self.send_by_handler(to, Message::Proposal(txn));
            }
            if is_committed {
                self.send_by_handler(to, Message::Commit { zxid: txn.zxid });
            }
        }
        if header.is_none() && self.queues_new_leader_first() {
            self.queue_new_leader(to);
        }
        self.zk_sync_withdraw(to, cursor);
        match self.profile().snap_label {
            SnapLabel::Cursor if header.is_none() => self.send_snap(to),
            SnapLabel::Cursor | SnapLabel::WhenSent => {}
        }
    }

    /// The second step, after the choice of SNAP: the state of now is sent, before all that is
    /// queued (D-SNAP).
    pub(super) fn send_snap(&mut self, to: ServerId) {
        let zxid = Window::of(self.cfg, self.me).end();
        let history = self.me.database.state(self.cfg);
        self.send(to, Message::Snap { zxid, history });
        if self.queues_new_leader_first() {
            self.start_sending(to);
        } else {
            self.set_progress(to, Progress::WaitsForNewLeader);
        }
    }

    /// The last step: NEWLEADER is queued, and all that is queued is sent.
    pub(super) fn send_new_leader(&mut self, to: ServerId) {
        self.start_sending(to);
        self.queue_new_leader(to);
    }

    fn queue_new_leader(&mut self, to: ServerId) {
        self.send_by_handler(to, Message::NewLeader { epoch: self.me.accepted_epoch });
    }

    /// All that is queued is sent, and what is queued later is sent as it comes.
    fn start_sending(&mut self, to: ServerId) {
        match self.grain() {
            Grain::Writes => self.out.release(to),
            Grain::Threads => self.out.push(Effect::Started(to)),
        }
        self.set_progress(to, Progress::Forwarding);
    }

    /// Whether NEWLEADER is queued when SNAP is chosen, before it is sent.
    fn queues_new_leader_first(&self) -> bool {
        match self.profile().newleader_queued {
            NewLeaderQueued::AfterSnap => false,
            NewLeaderQueued::BeforeSnap => true,
        }
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

    /// What follows the write of `l.1.2`: the handlers of all learners that wait go on.
    pub(crate) fn synchronize_waiting(&mut self) {
        for learner in self.learners_at(Progress::WaitsForGate) {
            self.let_handler_go_on(learner);
        }
        match self.profile().establishment {
            Establishment::Quorum => {}
            Establishment::AtOnce => self.become_established(),
        }
    }

    /// f.2.0: the first packet is DIFF, and the history is kept as it is.
    pub(crate) fn f_2_0_diff(&mut self) -> Outcome {
        self.expect_header()?;
        self.begin_synchronization(SyncMode::Diff);
        Ok(())
    }

    /// f.2.0: the first packet is TRUNC(z), and the history is durably cut after z (D-TR).
    pub(crate) fn f_2_0_trunc(&mut self, zxid: Zxid<S::Num>) -> Outcome {
        self.expect_header()?;
        if self.is_in_snapshot(zxid) {
            match self.profile().trunc_into_snapshot {
                TruncIntoSnapshot::Dropped => return self.zk_sync_drop(),
                TruncIntoSnapshot::Refused => {
                    return self.refuse_unless("f.2.0", "TRUNC zxid is in the log", holds(false));
                }
                TruncIntoSnapshot::Loaded => {}
            }
        }
        let length = self.length_to_cut(zxid);
        let guard = Guard::new(length.is_some(), zxid, self.last());
        self.refuse_unless("f.2.0", "TRUNC zxid is in the history up to", guard)?;
        match self.profile().trunc_effect {
            TruncEffect::Cut => self.cut(length.unwrap_or_default(), zxid),
            TruncEffect::Ignored => {}
        }
        match self.profile().trunc_durable {
            TruncDurable::Yes => {
                self.begin_synchronization(SyncMode::Diff);
                self.run(ProgramName::Truncate);
            }
            TruncDurable::No => {
                self.leave_cut_unsynced();
                self.begin_synchronization(SyncMode::Trunc);
            }
        }
        Ok(())
    }

    /// How much of the log a TRUNC leaves; `None` if this server does not do what it says.
    fn length_to_cut(&self, zxid: Zxid<S::Num>) -> Option<usize> {
        let log = self.history();
        let next = match self.profile().trunc_to_absent_record {
            TruncToAbsentRecord::Refused => None,
            TruncToAbsentRecord::NextKept => Some((log.count_to(zxid) + 1).min(log.length())),
        };
        let found = self.me.length_at(&log, zxid);
        if found.is_none_or(|length| length == 0) { next.or(found) } else { found }
    }

    /// Whether a position is one that the newest snapshot has behind it, and not the very first.
    fn is_in_snapshot(&mut self, zxid: Zxid<S::Num>) -> bool {
        let label = self.me.disk.snapshot.label;
        let inside = zxid != Zxid::default() && zxid < label;
        self.check(
            "zk.sync.drop",
            "TRUNC zxid is before the snapshot",
            Guard::new(inside, zxid, label),
        )
    }

    /// zk.sync.drop: what a TRUNC cuts off is in a snapshot, which nobody can cut. So the history is to
    /// be replaced: the connection ends, and on a new one this server reports that it has none. Until
    /// NEWLEADER has written what comes in its place, the disk stays as it is.
    fn zk_sync_drop(&mut self) -> Outcome {
        self.fired("zk.sync.drop");
        self.me.phase = Phase::Discovery;
        self.me.synchronization = Synchronization { drops: true, ..Synchronization::default() };
        self.out.push(Effect::Closed(self.me.vote.leader));
        Ok(())
    }

    /// The log is cut and read again, with the newest snapshot, and the tree is taken to be at
    /// `zxid`.
    fn cut(&mut self, length: usize, zxid: Zxid<S::Num>) {
        self.me.history = self.history().prefix(length);
        let snapshot = self.me.kept_snapshot(zxid);
        self.me.database = Database::recovered(self.cfg, snapshot, self.me.history);
        self.me.database.label = zxid;
    }

    /// The log on disk is cut as in memory, and a power loss may undo it.
    fn leave_cut_unsynced(&mut self) {
        let disk = &mut self.me.disk;
        if S::length(&disk.cut) == 0 {
            disk.cut = disk.history;
        }
        disk.history = self.me.history;
    }

    /// f.2.0: the first packet is SNAP, and the state that comes with it takes the place of the
    /// tree. The disk is not touched.
    pub(crate) fn f_2_0_snap(&mut self, snapshot: Snapshot<S>) -> Outcome {
        self.expect_header()?;
        self.me.database = Database::of_snapshot(snapshot);
        self.begin_synchronization(SyncMode::Snap);
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

    fn begin_synchronization(&mut self, mode: SyncMode) {
        self.fired("f.2.0");
        let received = self.me.database.tree;
        let length = S::Num::from_usize(S::length(&received));
        self.me.synchronization = Synchronization {
            stage: Stage::Receiving,
            mode,
            start: length,
            received,
            committed: length,
            drops: false,
        };
    }

    /// The tree after the header, and everything received after it.
    fn received(&self) -> History<'a, S> {
        self.cfg.history(self.me.synchronization.received)
    }

    /// zk.sync.proposal: a PROPOSAL before UPTODATE follows what was received before it, and is
    /// kept in memory. One that came with the SNAP already takes its place there again (D-SNAP).
    pub(crate) fn zk_sync_proposal(&mut self, txn: TxnOf<S>) -> Outcome {
        let rule = "zk.sync.proposal";
        let stages = [Stage::Receiving, Stage::Acknowledged];
        self.refuse_unless_at(rule, "PROPOSAL comes after the header", &stages)?;
        let (received, start) = (self.received(), self.me.synchronization.start.to_usize());
        let is_first = received.length() <= start;
        let last = if is_first { self.me.database.label } else { received.last() };
        self.require_no_gap(rule, "zxid = next(received)", txn.zxid, last)?;
        self.go_back_before(txn.zxid);
        self.me.synchronization.received = self.received().append(txn).ok_or(Refusal::Step)?;
        self.fired(rule);
        Ok(())
    }

    /// What came with SNAP and comes again is received again, and all behind it will be. The tree is
    /// then as it was after what is applied last: like a node of which each transaction writes the
    /// whole value (the test of ZOOKEEPER-3104 reads such a node).
    fn go_back_before(&mut self, zxid: Zxid<S::Num>) {
        let Synchronization { mode, stage, start, .. } = self.me.synchronization;
        let before = self.received().length_at(zxid).and_then(|length| length.checked_sub(1));
        let Some(before) = before.filter(|before| *before < start.to_usize()) else { return };
        if mode == SyncMode::Snap && stage == Stage::Receiving {
            let length = S::Num::from_usize(before);
            let sync = &mut self.me.synchronization;
            sync.received = self.cfg.history(sync.received).prefix(before);
            (sync.start, sync.committed) = (length, length);
        }
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
        if self.applies_at_commit() {
            self.me.synchronization.start = self.me.synchronization.committed;
            if let Some(txn) = self.received().get(committed.to_usize()) {
                if self.me.synchronization.mode == SyncMode::Snap {
                    self.me.database.go_back_before(self.cfg, txn.zxid);
                }
                self.me.database.apply(self.cfg, txn);
                self.enter_window_in_synchronization(txn);
            }
        }
        Ok(())
    }

    /// zk.sync.inform: an INFORM before UPTODATE is a PROPOSAL and its COMMIT in one, at an observer.
    pub(crate) fn zk_sync_inform(&mut self, txn: TxnOf<S>) -> Outcome {
        let is_observer = holds(!self.votes());
        self.refuse_unless("zk.sync.inform", "this server is an observer", is_observer)?;
        self.zk_sync_proposal(txn)?;
        self.zk_sync_commit(txn.zxid)?;
        self.fired("zk.sync.inform");
        Ok(())
    }

    /// Whether a COMMIT before NEWLEADER changes the tree, of which a snapshot will be written.
    fn applies_at_commit(&self) -> bool {
        let Synchronization { mode, stage, .. } = self.me.synchronization;
        match self.profile().commit_after_snap {
            CommitAfterSnap::Logged => false,
            CommitAfterSnap::Applied => mode != SyncMode::Diff && stage == Stage::Receiving,
        }
    }

    /// A transaction that is applied before UPTODATE.
    fn enter_window_in_synchronization(&mut self, txn: TxnOf<S>) {
        match self.profile().sync_apply_enters_window {
            SyncApplyEntersWindow::Yes => {
                let window = &mut self.me.database.committed_log;
                if self.me.synchronization.mode == SyncMode::Snap {
                    window.go_back_before(self.cfg, txn.zxid);
                }
                window.push(self.cfg, txn);
            }
            SyncApplyEntersWindow::No => {}
        }
    }

    /// f.2.1: on NEWLEADER(e), make durable, in this order: the received state, the committed
    /// prefix of what was received (and deliver it), currentEpoch. Only then acknowledge.
    pub(crate) fn f_2_1(&mut self, epoch: S::Num) -> Outcome {
        let text = "NEWLEADER comes once, after the header";
        self.refuse_unless_at("f.2.1", text, &[Stage::Receiving])?;
        let accepted = self.me.accepted_epoch;
        self.refuse_unless("f.2.1", "epoch = acceptedEpoch", is(epoch, accepted))?;
        self.fired("f.2.1");
        let Synchronization { start, committed, .. } = self.me.synchronization;
        let NewLeader { program, logs } = self.new_leader();
        self.me.synchronization.stage = Stage::Acknowledged;
        self.log_received(match logs {
            Logs::Nothing => start.to_usize(),
            Logs::Committed => committed.to_usize(),
            Logs::All => self.received().length(),
        });
        if self.empties_list() && logs == Logs::Committed {
            self.me.synchronization.received = self.me.history;
        }
        self.me.current_epoch = epoch;
        self.run(program);
        Ok(())
    }

    /// The first `length` of what was received are the log, or the end of it: a snapshot may take
    /// the place of all that was in the log.
    fn log_received(&mut self, length: usize) {
        let Synchronization { mode, start, .. } = self.me.synchronization;
        let received = self.cfg.history(self.received().prefix(length));
        if mode != SyncMode::Diff && self.me.replaces_log_by_snapshot(self.cfg) {
            self.me.history = received.prefix(start.to_usize());
        }
        self.me.history = self.history().continued(&received, start.to_usize());
    }

    /// What this profile does on NEWLEADER.
    fn new_leader(&self) -> NewLeader {
        use ProgramName as Name;
        if self.logs_nothing_at_newleader() {
            return NewLeader { program: Name::NewLeaderUnlogged, logs: Logs::Nothing };
        }
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

    /// Whether this is an observer that acknowledges NEWLEADER with nothing logged (D-OBSERVER).
    fn logs_nothing_at_newleader(&self) -> bool {
        match self.profile().observer_newleader {
            ObserverNewLeader::AsFollower => false,
            ObserverNewLeader::Unlogged => !self.votes(),
        }
    }

    /// Whether NEWLEADER empties the list of transactions that COMMITs are looked up in (4394).
    fn empties_list(&self) -> bool {
        match self.profile().list_at_newleader {
            ListAtNewLeader::Kept => false,
            ListAtNewLeader::Emptied => !self.logs_nothing_at_newleader(),
        }
    }

    /// The delivery in the program of `f.2.1`. What lies before it is in the state machine already:
    /// `zk.fle.enter` and SNAP put it there.
    pub(crate) fn deliver_received(&mut self) {
        let (applied, last) = (self.me.database.label, self.last());
        for txn in self.history().range(applied, last) {
            self.enter_window_in_synchronization(txn);
        }
        self.deliver(applied, last);
        self.me.synchronization.start = S::Num::ZERO;
        self.me.synchronization.mode = SyncMode::Diff;
    }

    /// In the program of `f.2.1`: everything received goes to the sync thread.
    pub(crate) fn queue_received(&mut self) {
        self.log_received(self.received().length());
    }

    /// The acknowledgement in the program of `f.2.1`.
    pub(crate) fn acknowledge_new_leader(&mut self) {
        if self.me.program.is_finished() {
            self.me.synchronization.mode = SyncMode::Diff;
        }
        self.send_to_leader(Message::AckLd { epoch: self.me.accepted_epoch });
    }

    /// l.2.2: the first ACK-LD on this connection counts; a quorum of them establishes the leader.
    /// Later ones are ignored.
    pub(crate) fn l_2_2(&mut self, from: ServerId, epoch: S::Num) -> Outcome {
        let progress = self.progress(from);
        if progress >= Progress::Acknowledged {
            return self.handler_reads(progress == Progress::Acknowledged);
        }
        self.refuse_unless("l.2.2", "NEWLEADER was sent", holds(progress == Progress::Forwarding))?;
        self.refuse_unless("l.2.2", "epoch = newEpoch", is(epoch, self.me.accepted_epoch))?;
        self.fired("l.2.2");
        self.set_progress(from, Progress::Acknowledged);
        if self.me.phase == Phase::Broadcast {
            self.let_handler_go_on(from);
        } else {
            self.count_ack_ld(from);
        }
        Ok(())
    }

    /// Before the leader is established, a learner joins those who have acknowledged NEWLEADER.
    pub(super) fn count_ack_ld(&mut self, from: ServerId) {
        if self.cfg.ensemble.is_voter(from) {
            self.me.leader.new_leader_acks.insert(from);
        }
        let acks = self.quorum(self.me.leader.new_leader_acks);
        let is_quorum = self.check("l.2.2", "acknowledgements >= quorum", acks);
        // The main thread waits for the quorum, if it has come so far.
        if is_quorum && self.me.program.is_finished() {
            self.become_established();
        }
    }

    /// The last item in the program of `l.1.2`: the leader acknowledges its own NEWLEADER.
    pub(crate) fn own_ack_ld(&mut self) {
        if self.me.phase != Phase::Synchronization {
            return;
        }
        self.me.leader.new_leader_acks.insert(self.me.id);
        if self.quorum(self.me.leader.new_leader_acks).holds {
            self.become_established();
        }
    }

    /// `l.3.2`, where any first ACK is taken for ACK-LD: it counts nowhere, and the learner goes on.
    pub(super) fn take_for_ack_ld(&mut self, from: ServerId) {
        self.set_progress(from, Progress::Acknowledged);
        self.let_handler_go_on(from);
    }

    fn become_established(&mut self) {
        self.me.leader.new_leader_acks = ServerSet::default();
        self.me.last_committed = self.last();
        self.me.phase = Phase::Broadcast;
        match self.profile().position_when_established {
            PositionWhenEstablished::LastTransaction => {}
            PositionWhenEstablished::EpochStart => {
                let (epoch, counter) = (self.me.accepted_epoch, S::Num::ZERO);
                self.me.database.label = Zxid::new(epoch, counter);
            }
        }
        self.zk_fle_update_vote();
        self.decide(Decision::Established { epoch: self.me.accepted_epoch });
        for learner in self.learners_at(Progress::Acknowledged) {
            self.let_handler_go_on(learner);
        }
    }

    /// l.2.3: send UPTODATE.
    pub(super) fn l_2_3(&mut self, to: ServerId) {
        self.fired("l.2.3");
        self.set_progress(to, Progress::Served);
        self.send(to, Message::UpToDate);
    }

    /// f.2.2: on UPTODATE, acknowledge again and enter broadcast: everything in the history is
    /// committed, and what is still not logged is treated as if it came only now.
    pub(crate) fn f_2_2(&mut self) -> Outcome {
        let text = "UPTODATE comes after NEWLEADER";
        self.refuse_unless_at("f.2.2", text, &[Stage::Acknowledged])?;
        self.fired("f.2.2");
        self.acknowledge_new_leader();
        let NewLeader { logs, .. } = self.new_leader();
        let (received, delivered) = (self.received(), self.me.database.label);
        let logged = self.last().max(delivered);
        let Synchronization { committed, .. } = self.me.synchronization;
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
