//! Small files that must never be half written, directories, and the lock.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use super::{StorageError, fault};

/// Replaces the file at `path` by one that holds `bytes`: a temporary file is written and synced,
/// renamed over the old one, and the rename is synced. A crash leaves the old file or the new.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), StorageError> {
    let temporary = temporary_of(path);
    fault::before("create", &temporary)?;
    let mut file = File::create(&temporary).map_err(StorageError::io("create", &temporary))?;
    fault::before("write", &temporary)?;
    file.write_all(bytes).map_err(StorageError::io("write", &temporary))?;
    file.sync_all().map_err(StorageError::io("sync", &temporary))?;
    drop(file);
    rename(&temporary, path)
}

/// Durably gives a file, which is durable itself, another name.
pub(super) fn rename(from: &Path, to: &Path) -> Result<(), StorageError> {
    fault::before("rename to", to)?;
    std::fs::rename(from, to).map_err(StorageError::io("rename to", to))?;
    sync_parent(to)
}

/// Removes what crashes in the middle of [`replace`] left anywhere in a directory.
pub(crate) fn remove_temporaries(directory: &Path) -> Result<(), StorageError> {
    for entry in std::fs::read_dir(directory).map_err(StorageError::io("list", directory))? {
        let path = entry.map_err(StorageError::io("list", directory))?.path();
        if path.extension().is_some_and(|extension| extension == "tmp") {
            remove(&path)?;
        }
    }
    sync_directory(directory)
}

/// Removes a file; durable only after the next [`sync_directory`] of its folder.
pub(crate) fn remove(path: &Path) -> Result<(), StorageError> {
    fault::before("remove", path)?;
    std::fs::remove_file(path).map_err(StorageError::io("remove", path))
}

/// Makes creations, renames and removals in a directory durable.
pub(crate) fn sync_directory(directory: &Path) -> Result<(), StorageError> {
    fault::before("sync directory", directory)?;
    File::open(directory)
        .and_then(|file| file.sync_all())
        .map_err(StorageError::io("sync directory", directory))
}

/// Creates a directory and its parents, durably.
pub(crate) fn create_directory(directory: &Path) -> Result<(), StorageError> {
    if directory.is_dir() {
        return Ok(());
    }
    if let Some(parent) = directory.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        create_directory(parent)?;
    }
    match std::fs::create_dir(directory) {
        Ok(()) => sync_parent(directory),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(StorageError::io("create directory", directory)(error)),
    }
}

/// Takes the lock of a data directory. It is held as long as the file lives, and the kernel lets
/// it go when the process ends, however it ends.
pub(crate) fn lock(directory: &Path) -> Result<File, StorageError> {
    let path = directory.join("zab-server.lock");
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(StorageError::io("open", &path))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(StorageError::Locked { path }),
        Err(error) => Err(StorageError::io("lock", &path)(error.into())),
    }
}

/// The files of a directory whose name is `prefix` and a hexadecimal number, with that number,
/// ascending. ZooKeeper names its logs and snapshots so.
pub(crate) fn numbered(
    directory: &Path,
    prefix: &str,
) -> Result<Vec<(u64, PathBuf)>, StorageError> {
    let mut found = Vec::new();
    let entries = std::fs::read_dir(directory).map_err(StorageError::io("list", directory))?;
    for entry in entries {
        let entry = entry.map_err(StorageError::io("list", directory))?;
        let name = entry.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix(prefix)).and_then(parse_hex);
        if let Some(number) = number {
            found.push((number, entry.path()));
        }
    }
    found.sort();
    Ok(found)
}

/// Only the canonical spelling, so that two files cannot have one number.
fn parse_hex(digits: &str) -> Option<u64> {
    let number = u64::from_str_radix(digits, 16).ok()?;
    (format!("{number:x}") == digits).then_some(number)
}

fn temporary_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".tmp");
    PathBuf::from(name)
}

/// Makes creations, renames and removals beside a file durable.
fn sync_parent(path: &Path) -> Result<(), StorageError> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => sync_directory(parent),
        Some(_) | None => sync_directory(Path::new(".")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replaced_file_holds_the_new_bytes_and_no_temporary_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("currentEpoch");
        replace(&path, b"1").unwrap();
        replace(&path, b"23").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"23");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn two_owners_of_one_directory_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let held = lock(dir.path()).unwrap();
        assert!(matches!(lock(dir.path()), Err(StorageError::Locked { .. })));
        drop(held);
        lock(dir.path()).unwrap();
    }

    #[test]
    fn numbered_files_are_found_in_the_order_of_their_numbers() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["log.a", "log.100000001", "log.9", "log.x", "log.0a", "log.+1", "snapshot.1"] {
            std::fs::write(dir.path().join(name), b"").unwrap();
        }
        let numbers: Vec<u64> =
            numbered(dir.path(), "log.").unwrap().into_iter().map(|(number, _)| number).collect();
        assert_eq!(numbers, [9, 10, 0x1_0000_0001]);
    }
}
