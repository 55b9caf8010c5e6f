//! A server's disk: what is synced survives a kill, of what is not any prefix may.

use std::sync::Arc;

use zab_core::{Base, Epoch, Recovered, Txn, Write, Zxid};

use crate::defect::DriverMutant;
use crate::rng::Rng;

/// A state as SNAP carries it: the transactions whose outcome it is.
pub(crate) type Snapshot = Arc<[Txn]>;

/// The epoch files, the snapshot and the log of one server.
#[derive(Debug)]
pub(crate) struct Disk {
    accepted_epoch: Epoch,
    current_epoch: Epoch,
    /// The epoch files before the last write to one of them.
    older: (Epoch, Epoch),
    /// The end of the snapshot, `0.0` if there is none. It came from a leader, so the server does
    /// not know length and digest of the log behind it.
    base: Zxid,
    /// Every transaction of the history, those in the snapshot included.
    history: Vec<Txn>,
    /// How many of them the snapshot holds.
    in_base: usize,
    /// How many of them are synced.
    synced: usize,
    /// How many of them the fsync in the background will have synced.
    covered: Option<usize>,
    /// The write that a program waits for.
    writing: Option<Write>,
    /// The state that came with the last SNAP, until it is written.
    aside: Option<Snapshot>,
    /// What the last truncation removed.
    removed: Vec<Txn>,
    mutant: Option<DriverMutant>,
}

impl Disk {
    /// An empty disk.
    pub(crate) fn new(mutant: Option<DriverMutant>) -> Self {
        Self {
            accepted_epoch: 0,
            current_epoch: 0,
            older: (0, 0),
            base: Zxid::ZERO,
            history: Vec::new(),
            in_base: 0,
            synced: 0,
            covered: None,
            writing: None,
            aside: None,
            removed: Vec::new(),
            mutant,
        }
    }

    /// The whole history, with what is appended and not synced.
    pub(crate) fn history(&self) -> &[Txn] {
        &self.history
    }

    /// Nothing waits to become durable.
    pub(crate) fn is_synced(&self) -> bool {
        self.synced == self.history.len() && self.writing.is_none()
    }

    /// The state at `zxid`, for a SNAP.
    pub(crate) fn snapshot(&self, zxid: Zxid) -> Snapshot {
        self.history[..self.length_at(zxid)].into()
    }

    /// Keeps the state of a received SNAP until it is to be written.
    pub(crate) fn set_aside(&mut self, snapshot: Option<Snapshot>) {
        self.aside = snapshot;
    }

    /// Hands transactions over to be appended.
    pub(crate) fn append(&mut self, transactions: Vec<Txn>) {
        self.history.extend(transactions);
    }

    /// Begins a group fsync of everything appended so far, unless one is under way or there is
    /// nothing to sync; true if it began.
    pub(crate) fn begin_sync(&mut self) -> bool {
        let begins = self.covered.is_none() && self.synced < self.history.len();
        if begins {
            self.covered = Some(self.history.len());
        }
        begins
    }

    /// The group fsync has returned: the log is durable up to this zxid.
    pub(crate) fn end_sync(&mut self) -> Option<Zxid> {
        let covered = self.covered.take()?;
        self.synced = covered;
        self.history[..covered].last().map(|txn| txn.zxid)
    }

    /// Begins a write of a program.
    pub(crate) fn begin_write(&mut self, write: Write) {
        self.writing = Some(write);
    }

    /// The write of the program is durable.
    pub(crate) fn end_write(&mut self) -> Option<Write> {
        let write = self.writing.take()?;
        match &write {
            Write::AcceptedEpoch(epoch) => {
                self.older = (self.accepted_epoch, self.current_epoch);
                self.accepted_epoch = *epoch;
            }
            Write::CurrentEpoch(epoch) => {
                self.older = (self.accepted_epoch, self.current_epoch);
                self.current_epoch = *epoch;
            }
            Write::SyncLog { .. } => {
                // The group fsync that may be under way is overtaken by this one.
                self.covered = None;
                self.synced = self.history.len();
            }
            Write::CommittedLog(transactions) => {
                self.history.extend(transactions.iter().cloned());
                self.synced = self.history.len();
            }
            Write::Truncate { zxid } => self.truncate(*zxid),
            Write::Snapshot { zxid } => self.replace(*zxid),
        }
        Some(write)
    }

    /// The power goes: memory and what is not synced are lost, but any prefix of it may survive,
    /// and so may the write under way.
    pub(crate) fn crash(&mut self, rng: &mut Rng) {
        self.covered = None;
        if let Some(Write::CommittedLog(transactions)) = &self.writing {
            self.history.extend(transactions.iter().cloned());
            self.writing = None;
        } else if rng.chance(500) {
            self.end_write();
        }
        self.writing = None;
        self.aside = None;
        let mut certain = self.synced;
        if self.mutant == Some(DriverMutant::LyingDisk) {
            certain = self.in_base.max(certain.saturating_sub(2));
        }
        let kept = certain + rng.prefix(self.history.len() - certain);
        self.history.truncate(kept);
        self.synced = kept;
    }

    /// What a process that starts reads.
    pub(crate) fn recover(&mut self) -> Recovered {
        self.misremember();
        let known = self.base == Zxid::ZERO;
        Recovered {
            accepted_epoch: self.accepted_epoch,
            current_epoch: self.current_epoch,
            base: if known { Base::EMPTY } else { Base { zxid: self.base, log: None } },
            transactions: self.history[self.in_base..].to_vec(),
        }
    }

    /// What mutants do between a kill and a start.
    fn misremember(&mut self) {
        match self.mutant {
            Some(DriverMutant::ResurrectedTail) => {
                let end = self.history.last().map_or(Zxid::ZERO, |txn| txn.zxid);
                if self.removed.first().is_some_and(|txn| txn.zxid > end) {
                    self.history.append(&mut self.removed);
                    self.synced = self.history.len();
                }
            }
            Some(DriverMutant::OlderEpochFile) => {
                let end = self.history.last().map_or(Zxid::ZERO, |txn| txn.zxid);
                // A history ahead of acceptedEpoch would be refused: the defect has to be subtle.
                if end.epoch <= self.older.0 {
                    (self.accepted_epoch, self.current_epoch) = self.older;
                }
            }
            Some(DriverMutant::DroppedTail) if self.history.len() > self.in_base => {
                self.history.pop();
                self.synced = self.history.len();
            }
            Some(_) | None => {}
        }
    }

    fn truncate(&mut self, zxid: Zxid) {
        if self.mutant == Some(DriverMutant::SkipTruncation) {
            return;
        }
        if zxid < self.base {
            self.base = Zxid::ZERO;
            self.in_base = 0;
        }
        let kept = self.length_at(zxid);
        self.removed = self.history.split_off(kept);
        self.synced = kept;
    }

    fn replace(&mut self, zxid: Zxid) {
        // Without a state there is nothing that could replace the history.
        let Some(snapshot) = self.aside.take() else { return };
        self.history = snapshot.to_vec();
        self.in_base = self.history.len();
        self.synced = self.in_base;
        self.base = zxid;
    }

    /// How many transactions lie at or before `zxid`.
    fn length_at(&self, zxid: Zxid) -> usize {
        self.history.partition_point(|txn| txn.zxid <= zxid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn txn(epoch: Epoch, counter: u32) -> Txn {
        Txn::new(Zxid::new(epoch, counter), vec![0])
    }

    fn zxids(disk: &Disk) -> Vec<Zxid> {
        disk.history().iter().map(|txn| txn.zxid).collect()
    }

    #[test]
    fn a_kill_keeps_what_is_synced_and_a_prefix_of_the_rest() {
        let mut lengths = std::collections::BTreeSet::new();
        for seed in 0..64 {
            let mut disk = Disk::new(None);
            disk.append(vec![txn(1, 1), txn(1, 2)]);
            assert!(disk.begin_sync());
            disk.append(vec![txn(1, 3), txn(1, 4)]);
            assert!(!disk.begin_sync());
            assert_eq!(disk.end_sync(), Some(Zxid::new(1, 2)));
            disk.crash(&mut Rng::new(seed));
            let all = [(1, 1), (1, 2), (1, 3), (1, 4)].map(|(e, c)| Zxid::new(e, c));
            assert_eq!(zxids(&disk), all[..disk.history().len()]);
            lengths.insert(disk.history().len());
        }
        assert_eq!(lengths.into_iter().collect::<Vec<_>>(), [2, 3, 4]);
    }

    #[test]
    fn a_lying_disk_loses_what_it_reported() {
        let lost = (0..64).any(|seed| {
            let mut disk = Disk::new(Some(DriverMutant::LyingDisk));
            disk.append(vec![txn(1, 1), txn(1, 2)]);
            disk.begin_sync();
            disk.end_sync();
            disk.crash(&mut Rng::new(seed));
            disk.history().len() < 2
        });
        assert!(lost);
    }

    #[test]
    fn a_snapshot_replaces_the_history_and_a_log_continues_it() {
        let mut disk = Disk::new(None);
        disk.append(vec![txn(1, 1), txn(1, 9)]);
        disk.begin_sync();
        disk.end_sync();
        disk.set_aside(Some([txn(1, 1), txn(2, 1)].into()));
        disk.begin_write(Write::Snapshot { zxid: Zxid::new(2, 1) });
        disk.end_write();
        disk.begin_write(Write::CommittedLog(vec![txn(2, 2)]));
        disk.end_write();
        let recovered = disk.recover();
        assert_eq!(recovered.base, Base { zxid: Zxid::new(2, 1), log: None });
        assert_eq!(recovered.transactions, [txn(2, 2)]);
    }
}
