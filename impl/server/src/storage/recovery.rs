//! Opening the data directories: what was durable when the last process ended.

use std::fs::File;
use std::path::{Path, PathBuf};

use zab_core::{Base, Epoch, Recovered, Txn};

use super::arriving::ArrivingSnapshot;
use super::epoch::NumberFile;
use super::intent::{Intent, IntentFile};
use super::log::{self, Log};
use super::recall::Recall;
use super::snapshot::{self, Snapshot};
use super::thread::{Completion, LogThread};
use super::{StorageError, file};
use crate::zxid::Zxid;

/// The disk of one server, locked against other processes.
#[derive(Debug)]
pub(crate) struct Storage {
    snapshots: PathBuf,
    logs: PathBuf,
    accepted_epoch: NumberFile,
    current_epoch: NumberFile,
    incarnations: NumberFile,
    intent: IntentFile,
    log: LogThread,
    _locks: Vec<File>,
}

/// What the disk held.
#[derive(Debug)]
pub(crate) struct Recovery {
    /// For the core.
    pub(crate) recovered: Recovered,
    /// The snapshot that the log continues.
    pub(crate) snapshot: Option<Snapshot>,
    /// Which life of this server may begin, from 1; see [`Storage::begin`].
    pub(crate) incarnation: u32,
    /// What an operator should know, one sentence each: torn tails that were cut, snapshots that
    /// were skipped.
    pub(crate) notes: Vec<String>,
}

/// The state on disk at one moment.
#[derive(Debug)]
pub(crate) struct State {
    /// The snapshot that the log continues.
    pub(crate) snapshot: Option<Snapshot>,
    /// The transactions after it.
    pub(crate) transactions: Vec<Txn>,
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
        if !is_same_directory(&snapshots, &logs)? {
            locks.push(file::lock(&logs)?);
        }
        file::remove_temporaries(&snapshots)?;
        let intent = IntentFile::new(&snapshots);
        finish_intent(&intent, &snapshots, &logs)?;
        let mut notes = Vec::new();
        let State { snapshot, transactions } = read_state(&snapshots, &logs, &mut notes)?;
        let base = snapshot.as_ref().map_or(Zxid::ZERO, |snapshot| snapshot.zxid);
        let last = transactions.last().map_or(base, |txn| txn.zxid);
        let accepted_epoch = NumberFile::new(&snapshots, "acceptedEpoch");
        let current_epoch = NumberFile::new(&snapshots, "currentEpoch");
        let recovered = Recovered {
            accepted_epoch: read_epoch(&accepted_epoch, last)?,
            current_epoch: read_epoch(&current_epoch, last)?,
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

    /// Makes acceptedEpoch durable.
    pub(crate) fn write_accepted_epoch(&self, epoch: Epoch) -> Result<(), StorageError> {
        self.accepted_epoch.write(epoch)
    }

    /// Makes currentEpoch durable.
    pub(crate) fn write_current_epoch(&self, epoch: Epoch) -> Result<(), StorageError> {
        self.current_epoch.write(epoch)
    }

    /// Begins to append; the report follows when it is durable.
    pub(crate) fn append(&self, txns: Vec<Txn>) {
        self.log.append(txns);
    }

    /// Waits until everything appended is durable.
    pub(crate) fn sync_log(&self) -> Result<(), StorageError> {
        self.log.sync()
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
        read_state(&self.snapshots, &self.logs, &mut Vec::new())
    }
}

fn read_state(
    snapshots: &Path,
    logs: &Path,
    notes: &mut Vec<String>,
) -> Result<State, StorageError> {
    let snapshot = snapshot::newest(snapshots, notes)?;
    let base = snapshot.as_ref().map_or(Zxid::ZERO, |snapshot| snapshot.zxid);
    let recovered = log::recover(logs, base)?;
    notes.extend(recovered.notes);
    let txn = |record: super::scan::Record| Txn::new(record.zxid, &*record.payload);
    Ok(State { snapshot, transactions: recovered.records.into_iter().map(txn).collect() })
}

/// Completes a change that a crash interrupted.
fn finish_intent(intent: &IntentFile, snapshots: &Path, logs: &Path) -> Result<(), StorageError> {
    match intent.read()? {
        None => return Ok(()),
        Some(Intent::Truncate(keep)) => {
            Log::new(logs.to_owned(), Zxid::ZERO).truncate(keep)?;
            if keep == Zxid::ZERO {
                snapshot::remove_others(snapshots, None)?;
            }
        }
        Some(Intent::Replace(zxid)) => {
            // Without its snapshot the change did not happen: the log is still the history.
            if snapshot::path(snapshots, zxid).exists() {
                Log::new(logs.to_owned(), Zxid::ZERO).restart(zxid)?;
                snapshot::remove_others(snapshots, Some(zxid))?;
            }
        }
    }
    intent.clear()
}

/// A directory without the file is from before the file existed: then the epoch is that of the
/// last transaction (`QuorumPeer.loadDataBase`).
fn read_epoch(file: &NumberFile, last: Zxid) -> Result<Epoch, StorageError> {
    match file.read()? {
        Some(epoch) => Ok(epoch),
        None => {
            file.write(last.epoch)?;
            Ok(last.epoch)
        }
    }
}

fn is_same_directory(one: &Path, other: &Path) -> Result<bool, StorageError> {
    let real = |path: &Path| path.canonicalize().map_err(StorageError::io("resolve", path));
    Ok(real(one)? == real(other)?)
}
