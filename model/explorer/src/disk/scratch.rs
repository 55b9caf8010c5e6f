//! A file that one thread appends to and all may read.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crc32fast::Hasher;

use super::DiskError;

/// A file that is appended to, and read at any place.
pub(crate) struct Scratch {
    file: File,
    /// The file, or the folder of a file without a name.
    path: PathBuf,
    end: AtomicU64,
}

impl Scratch {
    /// A file without a name in that folder: however the process ends, nothing is left of it.
    pub(crate) fn unnamed(folder: &Path) -> Result<Self, DiskError> {
        let file = tempfile::tempfile_in(folder)
            .map_err(|error| DiskError::new("write into", folder, &error))?;
        Ok(Self { file, path: folder.to_owned(), end: AtomicU64::new(0) })
    }

    /// A new file of that name; one that is there is replaced.
    pub(crate) fn create(path: PathBuf) -> Result<Self, DiskError> {
        let file = File::options().read(true).write(true).create(true).truncate(true).open(&path);
        let file = file.map_err(|error| DiskError::new("write", &path, &error))?;
        Ok(Self { file, path, end: AtomicU64::new(0) })
    }

    /// A file that is there, of which so many bytes count. What is behind them is overwritten.
    pub(crate) fn open(path: PathBuf, end: u64, write: bool) -> Result<Self, DiskError> {
        let file = File::options().read(true).write(write).open(&path);
        let file = file.map_err(|error| DiskError::new("open", &path, &error))?;
        let length = file.metadata().map_err(|error| DiskError::new("read", &path, &error))?.len();
        if length < end {
            let path = path.display();
            return Err(DiskError(format!(
                "{path} is cut short: {length} bytes of {end} are left"
            )));
        }
        Ok(Self { file, path, end: AtomicU64::new(end) })
    }

    /// Bytes so far.
    pub(crate) fn end(&self) -> u64 {
        self.end.load(Ordering::Acquire)
    }

    /// Adds bytes, and gives back where they begin. If that fails, it is as if it had not been tried.
    /// One thread at a time may do this.
    pub(crate) fn append(&self, bytes: &[u8]) -> Result<u64, DiskError> {
        let start = self.end();
        self.file
            .write_all_at(bytes, start)
            .map_err(|error| DiskError::new("write into", &self.path, &error))?;
        self.end.store(start + bytes.len() as u64, Ordering::Release);
        Ok(start)
    }

    /// Forgets what was written.
    pub(crate) fn clear(&self) {
        self.end.store(0, Ordering::Release);
    }

    /// Fills `bytes` with what begins there.
    pub(crate) fn read(&self, start: u64, bytes: &mut [u8]) -> Result<(), DiskError> {
        self.file
            .read_exact_at(bytes, start)
            .map_err(|error| DiskError::new("read", &self.path, &error))
    }

    /// Gives back the hasher that has read all of it, if the checksum is that.
    pub(crate) fn confirm(&self, sum: u32) -> Result<Hasher, DiskError> {
        let (mut hasher, mut page) = (Hasher::new(), vec![0; 1 << 20]);
        for start in (0..self.end()).step_by(1 << 20) {
            let length = (self.end() - start).min(1 << 20);
            let page = &mut page[..usize::try_from(length).unwrap_or(0)];
            self.read(start, page)?;
            hasher.update(page);
        }
        if hasher.clone().finalize() == sum {
            return Ok(hasher);
        }
        Err(DiskError(format!("{} is damaged: its checksum is another", self.path.display())))
    }

    /// Waits until all of it is on the disk.
    pub(crate) fn sync(&self) -> Result<(), DiskError> {
        self.file.sync_all().map_err(|error| DiskError::new("write", &self.path, &error))
    }
}
