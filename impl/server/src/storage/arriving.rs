//! A snapshot that arrives is written while it does: whatever its size, what is left to do when it
//! is put in place is short, and the leader sees that it is taken.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use bytes::BytesMut;
use zab_wire::Record as _;
use zab_wire::log::FileHeader;
use zab_wire::snapshot::Sealer;

use super::{StorageError, file};

/// After so many bytes they are made durable, so that the last time does not take long.
const SYNC_AT: usize = 1 << 25;

/// A snapshot file that is not complete, or not in place. It is removed when this is dropped.
pub(crate) struct ArrivingSnapshot {
    file: File,
    path: PathBuf,
    sealer: Sealer,
    /// Bytes since the last sync.
    unsynced: usize,
}

impl std::fmt::Debug for ArrivingSnapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ArrivingSnapshot").field("path", &self.path).finish_non_exhaustive()
    }
}

impl ArrivingSnapshot {
    /// Begins a file; `number` tells it from others that arrive at the same time.
    pub(crate) fn create(directory: &Path, number: u64) -> Result<Self, StorageError> {
        let path = directory.join(format!("snapshot.arriving-{number}.tmp"));
        let file = File::create(&path).map_err(StorageError::io("create", &path))?;
        let mut incoming = Self { file, path, sealer: Sealer::default(), unsynced: 0 };
        incoming.write(&FileHeader::SNAPSHOT.to_bytes())?;
        Ok(incoming)
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

    /// Seals the file, and makes it durable.
    pub(crate) fn finish(&mut self) -> Result<(), StorageError> {
        let mut seal = BytesMut::new();
        self.sealer.seal(&mut seal);
        self.put(&seal)?;
        self.sync()
    }

    /// Durably gives the file its name. It has been finished.
    pub(super) fn put_in_place(self, path: &Path) -> Result<(), StorageError> {
        std::fs::rename(&self.path, path).map_err(StorageError::io("rename to", path))?;
        file::sync_parent(path)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), StorageError> {
        self.unsynced += bytes.len();
        self.file.write_all(bytes).map_err(StorageError::io("write", &self.path))
    }

    fn sync(&mut self) -> Result<(), StorageError> {
        self.unsynced = 0;
        self.file.sync_all().map_err(StorageError::io("sync", &self.path))
    }
}

impl Drop for ArrivingSnapshot {
    fn drop(&mut self) {
        // It has another name by now, or the next start removes it.
        let _ = std::fs::remove_file(&self.path);
    }
}
