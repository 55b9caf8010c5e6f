//! Snapshot files. See [`super::ArrivingSnapshot`] for how they come to be.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use zab_wire::snapshot::read_file;

use super::{StorageError, file};
use crate::zxid::{Zxid, from_wire, to_wire};

/// A whole snapshot file.
#[derive(Debug, Clone)]
pub(crate) struct Snapshot {
    /// The end of the history whose state it is.
    pub(crate) zxid: Zxid,
    /// The bytes of the file, checked.
    pub(crate) file: Bytes,
}

/// Where the snapshot that ends at `zxid` is kept.
pub(crate) fn path(directory: &Path, zxid: Zxid) -> PathBuf {
    directory.join(format!("snapshot.{:x}", to_wire(zxid)))
}

/// The newest valid snapshot of `directory`; a sentence into `notes` for each that is newer and
/// not valid. The caller finds out whether the log continues what is left.
pub(crate) fn newest(
    directory: &Path,
    notes: &mut Vec<String>,
) -> Result<Option<Snapshot>, StorageError> {
    for (number, path) in file::numbered(directory, "snapshot.")?.into_iter().rev() {
        let file = Bytes::from(std::fs::read(&path).map_err(StorageError::io("read", &path))?);
        match read_file(&file, |_| {}) {
            Ok(()) => {
                let zxid = from_wire(number.cast_signed());
                return Ok(Some(Snapshot { zxid, file }));
            }
            Err(error) => notes.push(format!("{} is skipped: {error}", path.display())),
        }
    }
    Ok(None)
}

/// Durably removes every snapshot but the one that ends at `keep`, if any is named.
pub(crate) fn remove_others(directory: &Path, keep: Option<Zxid>) -> Result<(), StorageError> {
    let keep = keep.map(|zxid| path(directory, zxid));
    for (_, path) in file::numbered(directory, "snapshot.")? {
        if Some(&path) != keep.as_ref() {
            file::remove(&path)?;
        }
    }
    file::sync_directory(directory)
}
