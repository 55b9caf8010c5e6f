//! What was durable when the last process ended.

use std::path::Path;

use zab_core::{Base, Epoch, Recovered, Txn, is_next};

use super::epoch::NumberFile;
use super::intent::{Intent, IntentFile};
use super::log::{self, Log};
use super::scan::Record;
use super::snapshot::{self, Snapshot};
use super::{StorageError, put_first_snapshot, reach};
use crate::mutant::Mutant;
use crate::tree::{ApplyError, Tree};
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
    /// What lies before the transactions that were read.
    pub(crate) base: Base,
    /// The transactions after the base. The snapshot may hold the first of them.
    pub(crate) transactions: Vec<Txn>,
}

impl State {
    /// The end of the history.
    pub(crate) fn last(&self) -> Zxid {
        self.transactions.last().map_or(self.base.zxid, |txn| txn.zxid)
    }

    /// Whether there is no transaction, or the first is one that nothing can lie before.
    pub(super) fn begins_at_the_first(&self) -> bool {
        self.transactions.first().is_none_or(|first| is_next(Zxid::ZERO, first.zxid))
    }

    /// The state at the end of the history.
    pub(crate) fn into_tree(self) -> Result<Tree, ApplyError> {
        let mut missing = after(&self.transactions, self.snapshot.as_ref());
        if Mutant::LogNotReplayed.is_on() {
            missing = &[];
        }
        let mut tree = self.snapshot.map_or_else(Tree::default, |snapshot| snapshot.tree);
        // A snapshot of Apache's may hold what the first transactions do: only in the end must the
        // digests be the same.
        let mut mismatch = None;
        for txn in missing {
            mismatch = tree.apply(&txn.payload)?.mismatch;
        }
        if let Some(mismatch) = mismatch {
            tracing::error!("at the end of the log, 0x{:x}, {mismatch}", tree.last_zxid());
        }
        Ok(tree)
    }
}

/// Those of `transactions` that the snapshot does not hold.
pub(super) fn after<'a>(transactions: &'a [Txn], snapshot: Option<&Snapshot>) -> &'a [Txn] {
    let end = snapshot.map_or(Zxid::ZERO, |snapshot| snapshot.zxid);
    &transactions[transactions.partition_point(|txn| txn.zxid <= end)..]
}

pub(super) fn read_state(
    snapshots: &Path,
    logs: &Path,
    notes: &mut Vec<String>,
) -> Result<State, StorageError> {
    let snapshot = snapshot::newest(snapshots, notes)?;
    let end = snapshot.as_ref().map_or(Zxid::ZERO, |snapshot| snapshot.zxid);
    let known = if end == Zxid::ZERO { Some(Base::EMPTY) } else { reach::read(snapshots, end)? };
    let mut base = known.unwrap_or(Base { zxid: end, log: None });
    let mut recovered = log::recover(logs, base.zxid)?;
    notes.extend(recovered.notes);
    if !leads(&recovered.records, base.zxid, end) {
        // Somebody has removed log files. The snapshot stands for what they held.
        base = Base { zxid: end, log: None };
        recovered.records.retain(|record| record.zxid > end);
    }
    let txn = |record: Record| Txn::new(record.zxid, &*record.payload);
    let transactions = recovered.records.into_iter().map(txn).collect();
    Ok(State { snapshot, base, transactions })
}

/// Whether the records begin right after `base` and go as far as `end`.
fn leads(records: &[Record], base: Zxid, end: Zxid) -> bool {
    let begins = records.first().is_some_and(|record| is_next(base, record.zxid));
    base == end || begins && records.iter().any(|record| record.zxid == end)
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
            snapshot::retain(snapshots, |zxid| zxid <= keep)?;
            Log::new(logs.to_owned(), Zxid::ZERO).truncate(keep)?;
            if keep == Zxid::ZERO {
                put_first_snapshot(snapshots)?;
            }
        }
        Some(Intent::Replace(zxid)) => {
            // Without its snapshot the change did not happen: the log is still the history.
            if snapshot::path(snapshots, zxid).exists() {
                Log::new(logs.to_owned(), Zxid::ZERO).restart(zxid)?;
                snapshot::retain_only(snapshots, zxid)?;
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
