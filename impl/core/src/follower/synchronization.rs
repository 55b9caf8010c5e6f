//! Phase 2 of a follower: from the header to UPTODATE.

use std::collections::VecDeque;

use crate::follower::{Follower, Stage};
use crate::history::{History, is_next};
use crate::server::Server;
use crate::{Base, Close, Deliver, Dial, Effects, Epoch, Message, ProtocolError, Txn, Write, Zxid};

/// What was received in this synchronization and is in neither the history nor the log yet.
///
/// 1. `committed <= not_logged.len()`.
/// 2. Each of `not_logged` is `is_next` of the one before; `last` is the last received, or where
///    the header put the history.
#[derive(Clone, Debug)]
pub(super) struct Synchronization {
    /// After SNAP: the end of the received state, until NEWLEADER makes it the history.
    snapshot: Option<Zxid>,
    last: Zxid,
    not_logged: VecDeque<Txn>,
    /// How many of `not_logged`, from the front, are marked committed.
    committed: usize,
    /// Whether NEWLEADER was answered.
    pub(super) acknowledged: bool,
}

impl Synchronization {
    fn after_header(last: Zxid, snapshot: Option<Zxid>) -> Self {
        Self { snapshot, last, not_logged: VecDeque::new(), committed: 0, acknowledged: false }
    }

    /// Takes the committed prefix of *not logged*.
    fn take_committed(&mut self) -> Vec<Txn> {
        let committed = self.not_logged.drain(..self.committed).collect();
        self.committed = 0;
        committed
    }
}

impl Follower {
    /// f.2.0: the first packet is DIFF, and the history is kept as it is.
    pub(crate) fn on_diff(&mut self, server: &Server) -> Result<(), ProtocolError> {
        self.expect_header("DIFF")?;
        self.begin_synchronization(server.history.last(), None);
        Ok(())
    }

    /// f.2.0: the first packet is TRUNC(z), and the history is durably cut after z (D-TR).
    pub(crate) fn on_trunc(
        &mut self,
        server: &mut Server,
        zxid: Zxid,
        out: &mut Effects,
    ) -> Result<(), ProtocolError> {
        self.expect_header("TRUNC")?;
        if server.history.is_before_base(zxid) {
            self.drop_history(out);
            return Ok(());
        }
        if !server.history.can_truncate(zxid) {
            let last = server.history.last();
            return Err(ProtocolError::TruncOutsideHistory { from: self.leader(), zxid, last });
        }
        server.history.truncate(zxid);
        server.applied = zxid;
        out.persist.push(Write::Truncate { zxid });
        out.deliver.push(Deliver::Rebuild { zxid });
        self.begin_synchronization(zxid, None);
        Ok(())
    }

    /// zk.sync.drop: what a TRUNC cuts off is in a snapshot, which nobody can cut. So the history is
    /// to be replaced: the connection ends, and on a new one this server reports that it has none.
    /// Until NEWLEADER has written what comes in its place, the disk stays as it is.
    fn drop_history(&mut self, out: &mut Effects) {
        out.close.extend(self.connection.take().map(Close::One));
        out.dial = Some(Dial::To(self.leader()));
        self.stage = Stage::Discovery;
        self.drops_history = true;
    }

    /// f.2.0: the first packet is SNAP(z), and the state that comes with it is kept aside.
    pub(crate) fn on_snap(&mut self, server: &Server, zxid: Zxid) -> Result<(), ProtocolError> {
        self.expect_header("SNAP")?;
        self.refuse_future_epoch(server, "SNAP", zxid)?;
        self.begin_synchronization(zxid, Some(zxid));
        Ok(())
    }

    fn expect_header(&self, message: &'static str) -> Result<(), ProtocolError> {
        match self.stage {
            Stage::Header => Ok(()),
            Stage::Discovery | Stage::Synchronization(_) | Stage::Broadcast => {
                Err(self.unexpected(message))
            }
        }
    }

    fn begin_synchronization(&mut self, last: Zxid, snapshot: Option<Zxid>) {
        self.drops_history = false;
        self.stage = Stage::Synchronization(Synchronization::after_header(last, snapshot));
    }

    /// zk.sync.proposal: a PROPOSAL before UPTODATE follows what was received before it, and is
    /// kept in memory.
    pub(super) fn on_proposal_in_synchronization(&mut self, txn: Txn) -> Result<(), ProtocolError> {
        let from = self.leader();
        let sync = self.synchronization("PROPOSAL")?;
        if !is_next(sync.last, txn.zxid) {
            return Err(ProtocolError::ProposalGap { from, zxid: txn.zxid, last: sync.last });
        }
        sync.last = txn.zxid;
        sync.not_logged.push_back(txn);
        Ok(())
    }

    /// zk.sync.commit: a COMMIT before UPTODATE is for the first of *not logged* that is not
    /// committed yet, which is then marked.
    pub(super) fn on_commit_in_synchronization(&mut self, zxid: Zxid) -> Result<(), ProtocolError> {
        let from = self.leader();
        let sync = self.synchronization("COMMIT")?;
        let expected = sync.not_logged.get(sync.committed).map(|txn| txn.zxid);
        if expected != Some(zxid) {
            return Err(ProtocolError::CommitOutOfTurn { from, zxid, expected });
        }
        sync.committed += 1;
        Ok(())
    }

    /// f.2.1: on NEWLEADER(e), make durable, in this order: the received state, the committed
    /// prefix of what was received (and deliver it), currentEpoch. Only then acknowledge.
    pub(crate) fn on_new_leader(
        &mut self,
        server: &mut Server,
        epoch: Epoch,
        out: &mut Effects,
    ) -> Result<(), ProtocolError> {
        let from = self.leader();
        let expected = server.accepted_epoch;
        let sync = self.synchronization("NEWLEADER")?;
        if sync.acknowledged {
            return Err(self.unexpected("NEWLEADER"));
        }
        if epoch != expected {
            let message = "NEWLEADER";
            return Err(ProtocolError::WrongEpoch { from, message, named: epoch, expected });
        }
        sync.acknowledged = true;
        if let Some(zxid) = sync.snapshot.take() {
            server.history = History::after_snapshot(Base { zxid, log: None });
            server.applied = zxid;
            out.persist.push(Write::Snapshot { zxid });
        }
        let committed = sync.take_committed();
        for txn in &committed {
            server.history.append(txn.clone());
        }
        server.history.mark_durable();
        if !committed.is_empty() {
            server.applied = server.history.last();
            out.persist.push(Write::CommittedLog(committed));
        }
        server.adopt_epoch(epoch, out);
        self.send(Message::AckLd { epoch }, out);
        Ok(())
    }

    /// f.2.2: on UPTODATE, acknowledge again and enter broadcast: everything in the history is
    /// committed, and what is still not logged is treated as if it came only now.
    pub(crate) fn on_up_to_date(
        &mut self,
        server: &mut Server,
        out: &mut Effects,
    ) -> Result<(), ProtocolError> {
        let sync = self.synchronization("UPTODATE")?;
        if !sync.acknowledged {
            return Err(self.unexpected("UPTODATE"));
        }
        let committed: Vec<Zxid> =
            sync.not_logged.iter().take(sync.committed).map(|txn| txn.zxid).collect();
        let not_logged = std::mem::take(&mut sync.not_logged);

        let epoch = server.current_epoch;
        self.send(Message::AckLd { epoch }, out);
        self.stage = Stage::Broadcast;
        server.last_committed = server.history.last();
        self.elected.update_vote(epoch);
        for txn in not_logged {
            self.on_proposal_in_broadcast(server, txn, out)?;
        }
        for zxid in committed {
            self.on_commit_in_broadcast(server, zxid, out)?;
        }
        Ok(())
    }

    /// Nothing that a leader may send lies after its own epoch. Taking it would break this server
    /// at its next start.
    pub(super) fn refuse_future_epoch(
        &self,
        server: &Server,
        message: &'static str,
        zxid: Zxid,
    ) -> Result<(), ProtocolError> {
        let expected = server.accepted_epoch;
        if zxid.epoch > expected {
            let from = self.leader();
            return Err(ProtocolError::WrongEpoch { from, message, named: zxid.epoch, expected });
        }
        Ok(())
    }

    /// The synchronization that is under way.
    fn synchronization(
        &mut self,
        message: &'static str,
    ) -> Result<&mut Synchronization, ProtocolError> {
        match self.stage {
            Stage::Synchronization(ref mut sync) => Ok(sync),
            Stage::Discovery | Stage::Header | Stage::Broadcast => Err(self.unexpected(message)),
        }
    }
}
