//! What lies in a server's data folder, as any release of ZooKeeper writes it.

use std::fs;
use std::path::{Path, PathBuf};

use zab_wire::{Record, Txn, log};

/// The folder of logs, snapshots and epochs below `dataDir`.
fn version_2(data: &Path) -> PathBuf {
    data.join("version-2")
}

/// The content of `acceptedEpoch` or `currentEpoch`.
pub(super) fn epoch(data: &Path, name: &str) -> Option<i64> {
    fs::read_to_string(version_2(data).join(name)).ok()?.trim().parse().ok()
}

/// The zxid of the last whole record in the newest log file.
pub(super) fn last_logged(data: &Path) -> Option<i64> {
    let entries = fs::read_dir(version_2(data)).ok()?;
    let mut logs: Vec<(u64, PathBuf)> = entries
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let first = path.file_name()?.to_str()?.strip_prefix("log.")?;
            Some((u64::from_str_radix(first, 16).ok()?, path))
        })
        .collect();
    logs.sort();
    logs.iter().rev().find_map(|(_, path)| last_of(path))
}

/// The zxid of the last whole record of a log file; none if it holds none.
fn last_of(path: &Path) -> Option<i64> {
    let mut bytes = fs::read(path).ok()?;
    // The file is longer than what was written into it.
    bytes.truncate(bytes.iter().rposition(|byte| *byte != 0)? + 1);
    let scan = log::scan(&bytes).ok()?;
    let record = scan.records.last()?;
    Txn::from_bytes(&bytes[record.clone()]).ok().map(|txn| txn.header.zxid)
}
