//! The disk: transaction log, snapshots and epoch files in ZooKeeper's formats.
//!
//! `dataLogDir/version-2/log.<zxid>` hold the history, `dataDir/version-2/snapshot.<zxid>` states of
//! it: the empty one, one that a leader sent with SNAP, and this server's own, each of exactly the
//! moment in its name; `dataDir/version-2/{acceptedEpoch,currentEpoch}` the epochs.
//! Everything here blocks; every function that says "durable" returns after the disk has it,
//! directory entries included.

mod cadence;
mod epoch;
mod error;
mod fault;
mod file;
mod intent;
mod keeper;
mod log;
mod purge;
mod reach;
mod recall;
mod recovery;
mod scan;
mod snapshot;
mod thread;
mod writer;

use std::fs::File;
use std::path::{Path, PathBuf};

use zab_core::{Base, Recovered, Txn};

use crate::tree::Tree;
use crate::zxid::Zxid;
use cadence::Cadence;
pub use cadence::SnapLimits;
use epoch::NumberFile;
pub use error::StorageError;
use intent::{Intent, IntentFile};
use keeper::{Keeper, Task};
use log::Log;
pub(crate) use recall::Recall;
pub(crate) use recovery::{Recovery, State};
pub(crate) use thread::Completion;
use thread::LogThread;
pub(crate) use writer::SnapshotWriter;

/// The disk of one server, locked against other processes.
#[derive(Debug)]
pub(crate) struct Storage {
    snapshots: PathBuf,
    logs: PathBuf,
    pub(crate) accepted_epoch: NumberFile,
    pub(crate) current_epoch: NumberFile,
    incarnations: NumberFile,
    intent: IntentFile,
    log: LogThread,
    /// Transactions for the log that it has not been given yet.
    unwritten: Vec<Txn>,
    cadence: Cadence,
    keeper: Keeper,
    _locks: Vec<File>,
}

impl Storage {
    /// Opens and recovers the directories, creating them if need be. `report` is told of every
    /// completed append, and of a snapshot or a purge that failed, on another thread.
    pub(crate) fn open(
        data_dir: &Path,
        data_log_dir: &Path,
        limits: SnapLimits,
        report: impl Fn(Completion) + Clone + Send + Sync + 'static,
    ) -> Result<(Self, Recovery), StorageError> {
        let (snapshots, logs) = (data_dir.join("version-2"), data_log_dir.join("version-2"));
        file::create_directory(&snapshots)?;
        file::create_directory(&logs)?;
        let mut locks = vec![file::lock(&snapshots)?];
        if !recovery::is_same_directory(&snapshots, &logs)? {
            locks.push(file::lock(&logs)?);
        }
        file::remove_temporaries(&snapshots)?;
        let intent = IntentFile::new(&snapshots);
        recovery::finish_intent(&intent, &snapshots, &logs)?;
        let mut notes = Vec::new();
        let state = recovery::read_state(&snapshots, &logs, &mut notes)?;
        let last = state.last();
        if state.snapshot.is_none() && state.begins_at_the_first() {
            put_first_snapshot(&snapshots)?;
        }
        let accepted_epoch = NumberFile::new(&snapshots, "acceptedEpoch");
        let current_epoch = NumberFile::new(&snapshots, "currentEpoch");
        let recovered = Recovered {
            accepted_epoch: recovery::read_epoch(&accepted_epoch, last)?,
            current_epoch: recovery::read_epoch(&current_epoch, last)?,
            base: state.base,
            transactions: state.transactions,
        };
        let mut cadence = Cadence::new(limits);
        let snapshot = state.snapshot;
        cadence.count(recovery::after(&recovered.transactions, snapshot.as_ref()));
        let incarnations = NumberFile::new(&snapshots, "incarnation");
        let incarnation = incarnations.read()?.unwrap_or(0).saturating_add(1);
        let failed = report.clone();
        let keeper = Keeper::new(snapshots.clone(), logs.clone(), move |error| failed(Err(error)));
        let log = LogThread::start(Log::new(logs.clone(), last), report)
            .map_err(StorageError::io("start a thread for", &logs))?;
        let storage = Self {
            snapshots,
            logs,
            accepted_epoch,
            current_epoch,
            incarnations,
            intent,
            log,
            unwritten: Vec::new(),
            cadence,
            keeper,
            _locks: locks,
        };
        Ok((storage, Recovery { recovered, snapshot, incarnation, notes }))
    }

    /// Makes it durable that this life has begun. A start that fails before does not count.
    pub(crate) fn begin(&self, incarnation: u32) -> Result<(), StorageError> {
        self.incarnations.write(incarnation)
    }

    /// Queues transactions for the log, which gets them with the next [`Self::flush`] at the latest.
    /// `report` is told when they are durable.
    pub(crate) fn append(&mut self, txns: Vec<Txn>) {
        self.cadence.count(&txns);
        self.unwritten.extend(txns);
    }

    /// Lets what was appended be written, together.
    pub(crate) fn flush(&mut self) {
        if !self.unwritten.is_empty() {
            self.log.append(std::mem::take(&mut self.unwritten));
        }
    }

    /// Waits until everything that was appended is durable.
    pub(crate) fn sync(&mut self) -> Result<(), StorageError> {
        self.flush();
        self.log.sync()
    }

    /// Whether so much was appended since the last snapshot that it is time for one, and the last
    /// one is complete.
    pub(crate) fn is_snapshot_due(&self) -> bool {
        self.cadence.is_due() && !self.keeper.is_busy()
    }

    /// Begins to write the snapshot of `tree`, which is a committed and durable state, and a new
    /// log file. The log is its history after `base`. It is complete at some later time.
    pub(crate) fn take_snapshot(&mut self, tree: Tree, base: Base) -> Result<(), StorageError> {
        self.cadence.reset();
        self.flush();
        self.log.roll();
        self.keeper.start(Task::Snapshot(Box::new(tree), base))
    }

    /// Begins to remove what nothing needs any more but `retained` snapshots. `false`: something
    /// else is under way.
    pub(crate) fn purge(&mut self, retained: usize) -> Result<bool, StorageError> {
        let is_idle = !self.keeper.is_busy();
        if is_idle {
            self.keeper.start(Task::Purge(retained))?;
        }
        Ok(is_idle)
    }

    /// Durably cuts the log after `keep`, and removes the snapshots of later states; `0.0` leaves
    /// only the first of all states.
    pub(crate) fn truncate(&mut self, keep: Zxid) -> Result<(), StorageError> {
        self.keeper.stop();
        let all = snapshot::all(&self.snapshots)?;
        if keep > Zxid::ZERO && all.first().is_some_and(|oldest| *oldest > keep) {
            let (path, oldest) = (self.snapshots.clone(), all[0]);
            return Err(StorageError::NotKept { path, keep, oldest });
        }
        self.flush();
        self.intent.write(Intent::Truncate(keep))?;
        snapshot::retain(&self.snapshots, |zxid| zxid <= keep)?;
        self.log.truncate(keep)?;
        if keep == Zxid::ZERO {
            put_first_snapshot(&self.snapshots)?;
        }
        self.intent.clear()
    }

    /// Durably puts a snapshot in place of the log and of older snapshots: its state is the one at
    /// `zxid`, and it has arrived whole.
    pub(crate) fn install(
        &mut self,
        zxid: Zxid,
        snapshot: SnapshotWriter,
    ) -> Result<(), StorageError> {
        self.keeper.stop();
        self.cadence.reset();
        self.flush();
        self.intent.write(Intent::Replace(zxid))?;
        snapshot.put_in_place(&snapshot::path(&self.snapshots, zxid))?;
        self.log.restart(zxid)?;
        snapshot::retain_only(&self.snapshots, zxid)?;
        self.intent.clear()
    }

    /// Reads single transactions back, those of one learner.
    pub(crate) fn recall(&self) -> Recall {
        Recall::new(self.logs.clone())
    }

    /// Reads the state back. Everything appended must be durable.
    pub(crate) fn read_state(&self) -> Result<State, StorageError> {
        recovery::read_state(&self.snapshots, &self.logs, &mut Vec::new())
    }
}

impl Drop for Storage {
    fn drop(&mut self) {
        self.flush();
    }
}

/// Writes the snapshot of the state before the first transaction, as ZooKeeper does in a new
/// directory: its servers do not start from a log without any snapshot.
fn put_first_snapshot(snapshots: &Path) -> Result<(), StorageError> {
    snapshot::write(snapshots, Tree::default(), Base::EMPTY, &false.into()).map(drop)
}

#[cfg(test)]
mod tests;
