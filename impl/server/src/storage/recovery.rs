//! What was durable when the last process ended.

use std::path::Path;

use zab_core::{Epoch, Recovered, Txn};

use super::StorageError;
use super::epoch::NumberFile;
use super::intent::{Intent, IntentFile};
use super::log::{self, Log};
use super::scan::Record;
use super::snapshot::{self, Snapshot};
use crate::zxid::Zxid;

/// What the disk held.
#[derive(Debug)]
pub(crate) struct Recovery {
    /// For the core.
    pub(crate) recovered: Recovered,
    /// The snapshot that the log continues.
    pub(crate) snapshot: Option<Snapshot>,
    /// Which life of this server may begin, from 1; see `Storage::begin`.
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

pub(super) fn read_state(
    snapshots: &Path,
    logs: &Path,
    notes: &mut Vec<String>,
) -> Result<State, StorageError> {
    let snapshot = snapshot::newest(snapshots, notes)?;
    let base = snapshot.as_ref().map_or(Zxid::ZERO, |snapshot| snapshot.zxid);
    let recovered = log::recover(logs, base)?;
    notes.extend(recovered.notes);
    let txn = |record: Record| Txn::new(record.zxid, &*record.payload);
    Ok(State { snapshot, transactions: recovered.records.into_iter().map(txn).collect() })
}

/// Completes a change that a crash interrupted.
pub(super) fn finish_intent(
    intent: &IntentFile,
    snapshots: &Path,
    logs: &Path,
) -> Result<(), StorageError> {
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
pub(super) fn read_epoch(file: &NumberFile, last: Zxid) -> Result<Epoch, StorageError> {
    match file.read()? {
        Some(epoch) => Ok(epoch),
        None => {
            file.write(last.epoch)?;
            Ok(last.epoch)
        }
    }
}

pub(super) fn is_same_directory(one: &Path, other: &Path) -> Result<bool, StorageError> {
    let real = |path: &Path| path.canonicalize().map_err(StorageError::io("resolve", path));
    Ok(real(one)? == real(other)?)
}
