//! The disk: transaction log, snapshots and epoch files in ZooKeeper's formats.
//!
//! `dataLogDir/version-2/log.<zxid>` hold the history, `dataDir/version-2/snapshot.<zxid>` a state
//! that a leader sent with SNAP, `dataDir/version-2/{acceptedEpoch,currentEpoch}` the epochs.
//! Everything here blocks; every function that says "durable" returns after the disk has it,
//! directory entries included.

mod arriving;
mod epoch;
mod error;
mod file;
mod intent;
mod log;
mod recall;
mod recovery;
mod scan;
mod snapshot;
mod thread;

use std::fs::File;
use std::path::{Path, PathBuf};

use zab_core::{Base, Recovered};

use crate::zxid::Zxid;
pub(crate) use arriving::ArrivingSnapshot;
use epoch::NumberFile;
pub use error::StorageError;
use intent::{Intent, IntentFile};
use log::Log;
pub(crate) use recall::Recall;
pub(crate) use recovery::{Recovery, State};
pub(crate) use thread::Completion;
use thread::LogThread;

/// The disk of one server, locked against other processes.
#[derive(Debug)]
pub(crate) struct Storage {
    snapshots: PathBuf,
    logs: PathBuf,
    pub(crate) accepted_epoch: NumberFile,
    pub(crate) current_epoch: NumberFile,
    incarnations: NumberFile,
    intent: IntentFile,
    pub(crate) log: LogThread,
    _locks: Vec<File>,
}

impl Storage {
    /// Opens and recovers the directories, creating them if need be. `report` is told of every
    /// completed append, on another thread.
    pub(crate) fn open(
        data_dir: &Path,
        data_log_dir: &Path,
        report: impl Fn(Completion) + Send + 'static,
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
        let State { snapshot, transactions } = recovery::read_state(&snapshots, &logs, &mut notes)?;
        let base = snapshot.as_ref().map_or(Zxid::ZERO, |snapshot| snapshot.zxid);
        let last = transactions.last().map_or(base, |txn| txn.zxid);
        let accepted_epoch = NumberFile::new(&snapshots, "acceptedEpoch");
        let current_epoch = NumberFile::new(&snapshots, "currentEpoch");
        let recovered = Recovered {
            accepted_epoch: recovery::read_epoch(&accepted_epoch, last)?,
            current_epoch: recovery::read_epoch(&current_epoch, last)?,
            base: if base == Zxid::ZERO { Base::EMPTY } else { Base { zxid: base, log: None } },
            transactions,
        };
        let incarnations = NumberFile::new(&snapshots, "incarnation");
        let incarnation = incarnations.read()?.unwrap_or(0).saturating_add(1);
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
            _locks: locks,
        };
        Ok((storage, Recovery { recovered, snapshot, incarnation, notes }))
    }

    /// Makes it durable that this life has begun. A start that fails before does not count.
    pub(crate) fn begin(&self, incarnation: u32) -> Result<(), StorageError> {
        self.incarnations.write(incarnation)
    }

    /// Durably cuts the log after `keep`; `0.0` removes snapshots too.
    pub(crate) fn truncate(&self, keep: Zxid) -> Result<(), StorageError> {
        self.intent.write(Intent::Truncate(keep))?;
        self.log.truncate(keep)?;
        if keep == Zxid::ZERO {
            snapshot::remove_others(&self.snapshots, None)?;
        }
        self.intent.clear()
    }

    /// Durably puts a snapshot in place of the log and of older snapshots: its state is the one at
    /// `zxid`, and it has arrived whole.
    pub(crate) fn install(
        &self,
        zxid: Zxid,
        snapshot: ArrivingSnapshot,
    ) -> Result<(), StorageError> {
        self.intent.write(Intent::Replace(zxid))?;
        snapshot.put_in_place(&snapshot::path(&self.snapshots, zxid))?;
        self.log.restart(zxid)?;
        snapshot::remove_others(&self.snapshots, Some(zxid))?;
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

#[cfg(test)]
mod tests;
