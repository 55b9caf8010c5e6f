//! What belongs to the server and to no role.

use zab_trace::State;

use crate::history::History;
use crate::{
    Config, Deliver, Effects, Epoch, Mutant, Phase, RecoverError, Recovered, Role, Vote, Write,
    Zxid,
};

/// Whether a server can keep its role; if not, it must leave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeepRole {
    Yes,
    No,
}

/// The state of one server that outlives its roles, as `docs/src/rules.md` lists it.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    pub(crate) config: Config,
    pub(crate) accepted_epoch: Epoch,
    pub(crate) current_epoch: Epoch,
    pub(crate) history: History,
    pub(crate) last_committed: Zxid,
    /// How far the state machine has been given the history.
    pub(crate) applied: Zxid,
    /// The election's round (`logicalclock`), kept across the elections of one process.
    pub(crate) round: u64,
}

impl Server {
    /// zk.start: memory := disk, lastCommitted := 0.0, round := 0. A history ahead of
    /// currentEpoch is accepted up to acceptedEpoch (D-H02).
    pub(crate) fn recover(config: Config, recovered: Recovered) -> Result<Self, RecoverError> {
        config.validate()?;
        let Recovered { accepted_epoch, current_epoch, base, transactions } = recovered;
        if accepted_epoch == Epoch::MAX {
            return Err(RecoverError::EpochExhausted { accepted: accepted_epoch });
        }
        if current_epoch > accepted_epoch {
            return Err(RecoverError::EpochsCrossed {
                accepted: accepted_epoch,
                current: current_epoch,
            });
        }
        let mut history = History::recovered(base, transactions)?;
        let last = history.last();
        // Nothing of it is known to be committed, so nothing is forgotten.
        history.trim(last, usize::MAX, config.held_bytes);
        if last.epoch > accepted_epoch {
            return Err(RecoverError::HistoryAhead { last, accepted: accepted_epoch });
        }
        Ok(Self {
            config,
            accepted_epoch,
            current_epoch,
            history,
            last_committed: Zxid::ZERO,
            applied: last,
            round: 0,
        })
    }

    /// The vote for this server itself: its position is a transaction, or `0.0` (D-L0). An
    /// observer's is for nobody, and less than every other (`FastLeaderElection.getInitId`).
    pub(crate) fn own_vote(&self) -> Vote {
        if self.config.is_observer() {
            return Vote { leader: 0, zxid: Zxid::ZERO, peer_epoch: 0 };
        }
        Vote { leader: self.config.id, zxid: self.history.last(), peer_epoch: self.current_epoch }
    }

    /// Writes acceptedEpoch, in memory and on disk.
    pub(crate) fn accept_epoch(&mut self, epoch: Epoch, out: &mut Effects) {
        assert!(epoch > self.accepted_epoch, "acceptedEpoch only grows");
        self.accepted_epoch = epoch;
        out.persist.push(Write::AcceptedEpoch(epoch));
    }

    /// Writes currentEpoch, in memory and on disk.
    pub(crate) fn adopt_epoch(&mut self, epoch: Epoch, out: &mut Effects) {
        assert_eq!(epoch, self.accepted_epoch, "only the accepted epoch is adopted");
        assert!(epoch >= self.current_epoch, "currentEpoch never goes back");
        self.current_epoch = epoch;
        out.persist.push(Write::CurrentEpoch(epoch));
    }

    /// zk.fle.enter, its first part: write the unsynced tail, and bring the state machine to the
    /// end of the log, committed or not.
    pub(crate) fn sync_and_catch_up(&mut self, out: &mut Effects) {
        let last = self.history.last();
        if self.history.last_durable() != last {
            out.persist.push(Write::SyncLog { zxid: last });
            self.history.mark_durable();
        }
        out.deliver.extend(self.history.range(self.applied, last).map(Deliver::CatchUp));
        self.applied = last;
    }

    /// zk.bcast.apply: deliver, in order, what is committed and durable here.
    ///
    /// The caller is in BROADCAST.
    pub(crate) fn deliver_committed(&mut self, out: &mut Effects) {
        let to = self.last_committed.min(self.deliverable_end());
        if to > self.applied {
            out.deliver.extend(self.history.range(self.applied, to).map(Deliver::Commit));
            self.applied = to;
        }
        let Config { window, held_bytes, .. } = self.config;
        self.history.trim(self.applied.min(self.last_committed), window, held_bytes);
    }

    /// Where the durable history ends (D-4882).
    fn deliverable_end(&self) -> Zxid {
        if self.config.has(Mutant::DeliverBeforeDurable) {
            return self.history.last();
        }
        self.history.last_durable()
    }

    /// The part of the server that a trace shows.
    pub(crate) fn state(&self, role: Role, phase: Phase) -> State {
        let log = self.history.log();
        State {
            role: Some(role),
            phase: Some(phase),
            accepted_epoch: Some(self.accepted_epoch),
            current_epoch: Some(self.current_epoch),
            log_length: log.map(|(length, _)| length),
            last_zxid: Some(self.history.last()),
            last_committed: Some(self.last_committed),
            log_digest: log.map(|(_, digest)| digest),
        }
    }
}
