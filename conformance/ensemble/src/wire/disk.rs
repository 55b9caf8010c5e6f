//! What lies in a server's data folder, as any release of ZooKeeper writes it.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use rustix::fs::{SeekFrom, seek};
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
    let bytes = written(path)?;
    let scan = log::scan(&bytes).ok()?;
    let record = scan.records.last()?;
    Txn::from_bytes(&bytes[record.clone()]).ok().map(|txn| txn.header.zxid)
}

/// What was written into a log file.
///
/// Servers make it 64 MB long at once and write it front to back (`FilePadding`), so what was never
/// written is a hole. Only what is before it is read: the file is looked at again and again while a
/// server writes. A file system without holes gives the whole file.
fn written(path: &Path) -> Option<Vec<u8>> {
    let mut file = File::open(path).ok()?;
    let end = seek(&file, SeekFrom::Hole(0)).ok().unwrap_or(u64::MAX);
    seek(&file, SeekFrom::Start(0)).ok()?;
    let mut bytes = Vec::new();
    (&mut file).take(end).read_to_end(&mut bytes).ok()?;
    bytes.truncate(bytes.iter().rposition(|byte| *byte != 0)? + 1);
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;
    use std::os::unix::fs::FileExt;

    use super::*;

    const LENGTH: u64 = 64 << 20;

    /// A file that ends there, in a hole, in a hole with a byte after it, in zeros that were written.
    #[test]
    fn what_was_never_written_is_no_part_of_a_log() {
        let folder = tempfile::TempDir::new().expect("a folder");
        let path = folder.path().join("log.1");
        fs::write(&path, b"a log, and a zero \0 in it").expect("written");
        let all = written(&path);
        assert_eq!(all.as_deref(), Some(&b"a log, and a zero \0 in it"[..]));
        let file = OpenOptions::new().write(true).open(&path).expect("there");
        file.set_len(LENGTH).expect("longer");
        assert_eq!(written(&path), all);
        file.write_at(&[0], LENGTH - 1).expect("its last byte");
        assert_eq!(written(&path), all);
        fs::write(&path, [all.clone().expect("read"), vec![0; 100_000]].concat()).expect("written");
        assert_eq!(written(&path), all);
        fs::write(&path, [0; 10]).expect("written");
        assert_eq!(written(&path), None);
    }
}
