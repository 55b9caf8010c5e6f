//! Writing a snapshot file, while it arrives from a leader or from the own tree: whatever its size,
//! what is left to do when it is put in place is short.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use bytes::BytesMut;
use zab_wire::Record as _;
use zab_wire::log::FileHeader;
use zab_wire::snapshot::{Sealer, ZxidDigest};

use super::{StorageError, fault, file};

/// After so many bytes they are made durable, so that the last time does not take long.
const SYNC_AT: usize = 1 << 25;

/// A snapshot file that is not complete, or not in place. It is removed when this is dropped.
pub(crate) struct SnapshotWriter {
    file: File,
    path: PathBuf,
    sealer: Sealer,
    /// Bytes since the last sync.
    unsynced: usize,
}

impl std::fmt::Debug for SnapshotWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SnapshotWriter").field("path", &self.path).finish_non_exhaustive()
    }
}

impl SnapshotWriter {
    /// Begins the file of a leader's state; `number` tells it from others that arrive at the same
    /// time.
    pub(crate) fn arriving(directory: &Path, number: u64) -> Result<Self, StorageError> {
        Self::create(directory.join(format!("snapshot.arriving-{number}.tmp")))
    }

    /// Begins the file of this server's own state.
    pub(super) fn own(directory: &Path) -> Result<Self, StorageError> {
        Self::create(directory.join("snapshot.own.tmp"))
    }

    fn create(path: PathBuf) -> Result<Self, StorageError> {
        let file = File::create(&path).map_err(StorageError::io("create", &path))?;
        let mut writer = Self { file, path, sealer: Sealer::default(), unsynced: 0 };
        writer.write(&FileHeader::SNAPSHOT.to_bytes())?;
        Ok(writer)
    }

    /// Writes what comes next between the file's header and its seal.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), StorageError> {
        self.sealer.update(bytes);
        self.put(bytes)?;
        if self.unsynced >= SYNC_AT {
            self.sync()?;
        }
        Ok(())
    }

    /// Seals the file, perhaps with a digest of the tree, and makes it durable.
    pub(crate) fn finish(&mut self, digest: Option<ZxidDigest>) -> Result<(), StorageError> {
        let mut seal = BytesMut::new();
        self.sealer.seal(&mut seal);
        if let Some(digest) = digest {
            let start = seal.len();
            digest.encode(&mut seal);
            self.sealer.update(&seal[start..]);
            self.sealer.seal(&mut seal);
        }
        self.put(&seal)?;
        self.sync()
    }

    /// Durably gives the file its name. It has been finished.
    pub(super) fn put_in_place(self, path: &Path) -> Result<(), StorageError> {
        file::rename(&self.path, path)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), StorageError> {
        fault::before("write", &self.path)?;
        self.unsynced += bytes.len();
        self.file.write_all(bytes).map_err(StorageError::io("write", &self.path))
    }

    fn sync(&mut self) -> Result<(), StorageError> {
        fault::before("sync", &self.path)?;
        self.unsynced = 0;
        self.file.sync_all().map_err(StorageError::io("sync", &self.path))
    }
}

impl Drop for SnapshotWriter {
    fn drop(&mut self) {
        // It has another name by now, or the next start removes it.
        let _ = std::fs::remove_file(&self.path);
    }
}
