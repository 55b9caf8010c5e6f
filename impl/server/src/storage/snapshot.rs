//! Snapshot files. See [`super::SnapshotWriter`] for how they come to be.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use zab_core::Base;
use zab_wire::quorum::SNAPSHOT_SIGNATURE;

use super::{SnapshotWriter, StorageError, file, reach};
use crate::tree::Tree;
use crate::zxid::{Zxid, from_wire, to_wire};

/// What a snapshot file holds.
#[derive(Debug, Clone)]
pub(crate) struct Snapshot {
    /// The end of the history whose state it is.
    pub(crate) zxid: Zxid,
    /// The state.
    pub(crate) tree: Tree,
}

/// Where the snapshot that ends at `zxid` is kept.
pub(crate) fn path(directory: &Path, zxid: Zxid) -> PathBuf {
    directory.join(format!("snapshot.{:x}", to_wire(zxid)))
}

/// The zxids of all snapshots of `directory`, ascending.
pub(crate) fn all(directory: &Path) -> Result<Vec<Zxid>, StorageError> {
    let files = file::numbered(directory, "snapshot.")?;
    Ok(files.into_iter().map(|(number, _)| from_wire(number.cast_signed())).collect())
}

/// The newest snapshot of `directory` that is whole and holds a tree; a sentence into `notes` for
/// each that is newer. The caller finds out whether the log continues what is left.
pub(crate) fn newest(
    directory: &Path,
    notes: &mut Vec<String>,
) -> Result<Option<Snapshot>, StorageError> {
    for zxid in all(directory)?.into_iter().rev() {
        let path = path(directory, zxid);
        let file = std::fs::read(&path).map_err(StorageError::io("read", &path))?;
        match Tree::read_file(&file, to_wire(zxid)) {
            Ok((tree, mismatch)) => {
                notes.extend(mismatch.map(|mismatch| format!("{}: {mismatch}", path.display())));
                return Ok(Some(Snapshot { zxid, tree }));
            }
            Err(error) => notes.push(format!("{} is skipped: {error}", path.display())),
        }
    }
    Ok(None)
}

/// Durably writes the snapshot of a tree whose history the log holds from `base` on.
///
/// What is known of the log is written first: without its snapshot it means nothing, and a
/// snapshot without it is taken for one that the log does not lead to.
/// `false`: given up, because `is_cancelled`.
pub(crate) fn write(
    directory: &Path,
    tree: Tree,
    base: Base,
    is_cancelled: &AtomicBool,
) -> Result<bool, StorageError> {
    let zxid = from_wire(tree.last_zxid());
    let mut writer = SnapshotWriter::own(directory)?;
    // On the quorum port a signature follows what a file holds.
    let signature = SNAPSHOT_SIGNATURE.len() + size_of::<i32>();
    let digest = tree.zxid_digest();
    let mut pieces = tree.into_stream().peekable();
    while let Some(mut piece) = pieces.next() {
        if pieces.peek().is_none() {
            piece.truncate(piece.len() - signature);
        }
        writer.write(&piece)?;
        if is_cancelled.load(Ordering::Relaxed) {
            return Ok(false);
        }
    }
    writer.finish(Some(digest))?;
    reach::write(directory, zxid, base)?;
    writer.put_in_place(&path(directory, zxid))?;
    Ok(true)
}

/// Durably removes every snapshot but the one that ends at `zxid`, and what is known of the log
/// before any of them: it has come from a leader.
pub(crate) fn retain_only(directory: &Path, zxid: Zxid) -> Result<(), StorageError> {
    for (_, path) in file::numbered(directory, reach::PREFIX)? {
        file::remove(&path)?;
    }
    file::sync_directory(directory)?;
    retain(directory, |other| other == zxid)
}

/// Durably removes the snapshots that `keep` does not want, and what is known of the log before
/// them.
pub(crate) fn retain(directory: &Path, keep: impl Fn(Zxid) -> bool) -> Result<(), StorageError> {
    for prefix in ["snapshot.", reach::PREFIX] {
        for (number, path) in file::numbered(directory, prefix)? {
            if !keep(from_wire(number.cast_signed())) {
                file::remove(&path)?;
            }
        }
        file::sync_directory(directory)?;
    }
    Ok(())
}
