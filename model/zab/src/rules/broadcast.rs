//! Phase 3: replicating requests.

use super::guard::{Guard, holds, is, is_just, is_next};
use super::{Node, Outcome, Refusal};
use crate::grain::Grain;
use crate::message::Message;
use crate::number::Number;
use crate::outbox::{Decision, Effect, Write};
use crate::probe::Probe;
use crate::profile::{
    Acknowledgement, Commit, CommitExtent, Delivery, FirstAck, Inform, OwnAcknowledgement,
    ProposalGap, WindowGrows,
};
use crate::server::{Progress, Stage};
use crate::shape::{Queue, Shape, TxnOf};
use crate::types::{Phase, Role, ServerId, ServerSet, Txn, Zxid};

impl<S: Shape, P: Probe> Node<'_, S, P> {
    /// l.3.1: an established leader makes a request into its next transaction, appends it to its
    /// own history and proposes it to every forwarding learner.
    pub(crate) fn l_3_1(&mut self, payload: S::Payload) -> Outcome {
        self.require("l.3.1", "role = LEADING", is(self.me.role, Role::Leading))?;
        self.require("l.3.1", "phase = BROADCAST", is(self.me.phase, Phase::Broadcast))?;
        let (last, epoch) = (self.last(), self.me.current_epoch);
        let counter = if last.epoch == epoch { last.counter } else { S::Num::ZERO };
        let zxid = Zxid::new(epoch, counter.next().ok_or(Refusal::Step)?);
        let txn = Txn { zxid, payload };
        self.append(txn)?;
        let acks = match self.profile().own_acknowledgement {
            OwnAcknowledgement::WhenDurable => ServerSet::default(),
            OwnAcknowledgement::AtProposal => ServerSet::of(self.me.id),
        };
        // The queue has room for every transaction that the history has room for.
        self.me.leader.outstanding.push(acks);
        self.fired("l.3.1");
        self.decide(Decision::Proposed { zxid });
        self.forward(Message::Proposal(txn));
        self.inform(Inform::AtProposal, txn);
        Ok(())
    }

    /// f.3.1: a PROPOSAL that follows the history is appended to it, unsynced (D-GAP). It is
    /// acknowledged when it is durable.
    pub(crate) fn f_3_1(&mut self, txn: TxnOf<S>) -> Outcome {
        let last = self.last().max(self.me.database.label);
        self.require_no_gap("f.3.1", "zxid = next(last)", txn.zxid, last)?;
        self.append(txn)?;
        self.fired("f.3.1");
        if self.acknowledges_at_append() {
            self.send_to_leader(Message::Ack { zxid: txn.zxid });
        }
        Ok(())
    }

    /// D-GAP: a PROPOSAL follows the one before it.
    pub(super) fn require_no_gap(
        &mut self,
        rule: &'static str,
        text: &'static str,
        zxid: Zxid<S::Num>,
        last: Zxid<S::Num>,
    ) -> Outcome {
        let defect = self.profile().proposal_gap == ProposalGap::Warned;
        self.refuse_unless(rule, text, is_next(zxid, last).or(defect))
    }

    fn acknowledges_at_append(&self) -> bool {
        match self.profile().acknowledgement {
            Acknowledgement::WhenDurable => false,
            Acknowledgement::AtAppend => self.votes(),
        }
    }

    /// zk.bcast.sync: a prefix of the unsynced tail is durable, and is acknowledged in order.
    pub(crate) fn zk_bcast_sync(&mut self, up_to: Zxid<S::Num>) -> Outcome {
        let durable = self.last_durable();
        let in_tail = up_to > durable && self.history().length_at(up_to).is_some();
        let guard = Guard::new(in_tail, up_to, durable);
        self.require("zk.bcast.sync", "zxid is in the history after", guard)?;
        self.fired("zk.bcast.sync");
        self.me.disk.history = self.history().truncate(up_to);
        self.out.push(Effect::Persisted(Write::Log(up_to)));
        if self.me.phase == Phase::Broadcast || self.me.synchronization.stage == Stage::Acknowledged
        {
            for txn in self.history().range(durable, up_to) {
                self.acknowledge(txn.zxid);
            }
        }
        self.let_commit_thread_go_on();
        Ok(())
    }

    /// A transaction is durable here: a follower tells the leader, and a leader counts it.
    fn acknowledge(&mut self, zxid: Zxid<S::Num>) {
        match self.me.role {
            Role::Following if !self.votes() || self.acknowledges_at_append() => {}
            Role::Following => self.send_to_leader(Message::Ack { zxid }),
            Role::Leading => self.count_ack(self.me.id, zxid),
            Role::Looking | Role::Down => {}
        }
    }

    /// l.3.2: ACK(z) from a learner that acknowledged NEWLEADER.
    pub(crate) fn l_3_2(&mut self, from: ServerId, zxid: Zxid<S::Num>) -> Outcome {
        let progress = self.progress(from);
        if progress == Progress::Forwarding && self.takes_any_for_ack_ld() {
            self.take_for_ack_ld(from);
            return Ok(());
        }
        let acknowledged = progress >= Progress::Acknowledged;
        self.refuse_unless("l.3.2", "ACK-LD came before ACK", holds(acknowledged))?;
        self.handler_reads(progress == Progress::Acknowledged)?;
        self.take_ack(from, zxid);
        Ok(())
    }

    /// Whether any first ACK ends the wait for ACK-LD (D-ACKLD).
    pub(super) fn takes_any_for_ack_ld(&self) -> bool {
        match self.profile().first_ack {
            FirstAck::MustBeAckLd => false,
            FirstAck::Any => true,
        }
    }

    /// ACK(z) of a learner counts, and the commit thread goes on.
    pub(super) fn take_ack(&mut self, from: ServerId, zxid: Zxid<S::Num>) {
        self.count_ack(from, zxid);
        self.let_commit_thread_go_on();
    }

    /// l.3.2: the sender joins the acknowledgements of an outstanding transaction; while the first
    /// outstanding one has a quorum, it is committed. The leader's own vote is like any other.
    fn count_ack(&mut self, from: ServerId, zxid: Zxid<S::Num>) {
        let Some(acks) = self.outstanding(zxid) else { return };
        acks.insert(from);
        self.fired("l.3.2");
        while let Some(acks) = self.me.leader.outstanding.as_slice().first().copied()
            && let Some(zxid) = self.history().next_after(self.me.last_committed)
        {
            let defect = self.profile().commit == Commit::FirstAck && !acks.is_empty();
            if !self.check("l.3.2", "acknowledgements >= quorum", self.quorum(acks).or(defect)) {
                break;
            }
            self.me.leader.outstanding.pop();
            self.grow_window(WindowGrows::AtCommit, self.me.last_committed, zxid);
            self.me.last_committed = zxid;
            self.decide(Decision::Committed { zxid });
            self.forward(Message::Commit { zxid });
            let length = self.me.committed(self.cfg);
            if let Some(txn) = length.checked_sub(1).and_then(|last| self.history().get(last)) {
                self.inform(Inform::AtCommit, txn);
            }
        }
    }

    /// INFORM to every forwarding observer, in order of ids, if this is the moment for it
    /// (`Leader.inform`).
    fn inform(&mut self, moment: Inform, txn: TxnOf<S>) {
        if moment == self.profile().inform {
            self.forward_to(self.cfg.ensemble.observers(), Message::Inform(txn));
        }
    }

    /// zk.bcast.inform: an INFORM is a PROPOSAL and its COMMIT in one, at an observer, which
    /// acknowledges nothing.
    pub(crate) fn zk_bcast_inform(&mut self, txn: TxnOf<S>) -> Outcome {
        let is_observer = holds(!self.votes());
        self.refuse_unless("zk.bcast.inform", "this server is an observer", is_observer)?;
        self.f_3_1(txn)?;
        self.f_3_3(txn.zxid)?;
        self.fired("zk.bcast.inform");
        Ok(())
    }

    /// Who acknowledged a transaction; `None` if it is not outstanding.
    fn outstanding(&mut self, zxid: Zxid<S::Num>) -> Option<&mut ServerSet> {
        let length = self.history().length_at(zxid)?;
        let place = length.checked_sub(self.me.committed(self.cfg) + 1)?;
        self.me.leader.outstanding.as_mut_slice().get_mut(place)
    }

    /// f.3.3: a COMMIT is for the transaction after lastCommitted, which is then committed.
    pub(crate) fn f_3_3(&mut self, zxid: Zxid<S::Num>) -> Outcome {
        let next = self.history().next_after(self.me.last_committed);
        self.refuse_unless("f.3.3", "zxid = next to commit", is_just(zxid, next))?;
        self.fired("f.3.3");
        let committed = match self.profile().commit_extent {
            CommitExtent::One => zxid,
            CommitExtent::All => self.last(),
        };
        self.grow_window(WindowGrows::AtCommit, self.me.last_committed, committed);
        self.me.last_committed = committed;
        self.let_commit_thread_go_on();
        Ok(())
    }

    /// The last durable zxid.
    fn last_durable(&self) -> Zxid<S::Num> {
        self.cfg.history(self.me.disk.history).last()
    }

    /// Where what is committed and durable here ends (D-4882).
    fn deliverable_end(&self) -> Zxid<S::Num> {
        match self.profile().delivery {
            Delivery::WhenDurable => self.me.last_committed.min(self.last_durable()),
            Delivery::WhenCommitted => self.me.last_committed,
        }
    }

    /// The commit thread goes on: at grain `writes` as far as it can, at grain `threads` when its
    /// steps come.
    fn let_commit_thread_go_on(&mut self) {
        match self.grain() {
            Grain::Writes => {
                while let Some(zxid) = self.next_to_apply() {
                    self.zk_bcast_apply(zxid);
                }
            }
            Grain::Threads => {}
        }
    }

    /// A step of the commit thread.
    pub(crate) fn apply_step(&mut self) -> Outcome {
        let next = self.next_to_apply();
        let text = "the next transaction is committed and durable here";
        self.require("zk.bcast.apply", text, holds(next.is_some()))?;
        next.into_iter().for_each(|zxid| self.zk_bcast_apply(zxid));
        Ok(())
    }

    /// In broadcast, the first transaction of the log after what is applied, if it is committed and
    /// durable here.
    fn next_to_apply(&self) -> Option<Zxid<S::Num>> {
        let applied = self.me.database.label;
        let next = self.history().next_after(applied);
        let is_due = |zxid: &Zxid<S::Num>| *zxid <= self.deliverable_end();
        next.filter(is_due).filter(|_| self.me.phase == Phase::Broadcast)
    }

    /// zk.bcast.apply: a transaction that is committed and durable here is delivered.
    fn zk_bcast_apply(&mut self, zxid: Zxid<S::Num>) {
        self.fired("zk.bcast.apply");
        let applied = self.me.database.label;
        self.grow_window(WindowGrows::AtApply, applied, zxid);
        self.deliver(applied, zxid);
    }
}
