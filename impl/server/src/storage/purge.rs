//! Removing what no start needs any more. Source: `PurgeTxnLog.purge`, `DatadirCleanupManager`.

use std::path::Path;

use super::{StorageError, file, log, reach, snapshot};
use crate::mutant::Mutant;
use crate::zxid::{Zxid, from_wire};

/// Durably removes all but the newest `retained` snapshots, then the log files that none of those
/// needs: not to be continued, and not for the window before it (which ZooKeeper would not keep).
///
/// A crash anywhere in between leaves more files than are needed, and never fewer.
pub(super) fn purge(snapshots: &Path, logs: &Path, retained: usize) -> Result<(), StorageError> {
    let all = snapshot::all(snapshots)?;
    let first = all.len().saturating_sub(retained);
    let Some(oldest) = all.get(first).copied() else { return Ok(()) };
    let mut needed = oldest;
    for zxid in all.into_iter().skip(first) {
        let reached = reach::read(snapshots, zxid)?;
        needed = needed.min(reached.map_or(zxid, |base| base.zxid));
    }
    snapshot::retain(snapshots, |zxid| zxid >= oldest)?;
    let files = file::numbered(logs, log::PREFIX)?;
    let mut unneeded = first_needed(&files, needed);
    if Mutant::PurgesTooMuch.is_on() {
        unneeded = files.len().saturating_sub(1);
    }
    for (_, path) in &files[..unneeded] {
        file::remove(path)?;
    }
    file::sync_directory(logs)
}

/// Index of the first of these files that may hold a transaction after `base`.
pub(super) fn first_needed<P>(files: &[(u64, P)], base: Zxid) -> usize {
    // A file is named after its first transaction.
    let starts = files.iter().map(|(first, _)| from_wire(first.cast_signed()));
    starts.take_while(|first| *first <= base).count().saturating_sub(1)
}
