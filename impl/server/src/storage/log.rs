//! Writing the transaction log.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use bytes::{Bytes, BytesMut};
use zab_wire::Record as _;
use zab_wire::log::{FILE_HEADER_LENGTH, FileHeader, RECORD_OVERHEAD, put_record};

use super::purge::first_needed;
use super::scan::{self, Scan, Tail};
use super::{StorageError, fault, file};
use crate::zxid::{Zxid, to_wire};

/// What the names of log files begin with; the zxid of their first transaction follows.
pub(super) const PREFIX: &str = "log.";

/// From this many bytes on, the next append starts a new file.
const FILE_LENGTH_MAX: u64 = 1 << 26;

/// From this many bytes on, appended records are written before the next sync.
const UNWRITTEN_MAX: usize = 1 << 20;

/// The log files of one directory, open for appending.
#[derive(Debug)]
pub(crate) struct Log {
    directory: PathBuf,
    open: Option<OpenFile>,
    /// The end of the log, or of the snapshot under it.
    last: Zxid,
}

#[derive(Debug)]
struct OpenFile {
    file: File,
    path: PathBuf,
    /// With what is not written yet.
    length: u64,
    /// Records that are appended and not written: one write takes all that one sync covers.
    unwritten: BytesMut,
    /// The directory does not durably name the file yet.
    is_new: bool,
}

impl Log {
    /// A log whose last transaction is `last`. The next append starts a new file, as ZooKeeper
    /// does; the files of `directory` have been recovered.
    pub(crate) fn new(directory: PathBuf, last: Zxid) -> Self {
        Self { directory, open: None, last }
    }

    /// Appends one transaction behind the last; durable after [`Self::sync`].
    pub(crate) fn append(&mut self, zxid: Zxid, payload: &[u8]) -> Result<(), StorageError> {
        assert!(zxid > self.last, "{zxid} is appended to a log that ends at {}", self.last);
        if self.open.as_ref().is_some_and(|open| open.length >= FILE_LENGTH_MAX) {
            self.roll()?;
        }
        let open = match &mut self.open {
            Some(open) => open,
            None => self.open.insert(OpenFile::create(&self.directory, zxid)?),
        };
        let before = open.unwritten.len();
        open.unwritten.reserve(payload.len() + RECORD_OVERHEAD);
        put_record(&mut open.unwritten, payload);
        open.length += (open.unwritten.len() - before) as u64;
        self.last = zxid;
        if open.unwritten.len() >= UNWRITTEN_MAX { open.write() } else { Ok(()) }
    }

    /// Ends the file: the next append starts a new one.
    pub(crate) fn roll(&mut self) -> Result<(), StorageError> {
        self.sync()?;
        self.open = None;
        Ok(())
    }

    /// Makes everything that was appended durable.
    pub(crate) fn sync(&mut self) -> Result<(), StorageError> {
        let Some(open) = &mut self.open else { return Ok(()) };
        open.write()?;
        fault::before("sync", &open.path)?;
        open.file.sync_data().map_err(StorageError::io("sync", &open.path))?;
        if open.is_new {
            file::sync_directory(&self.directory)?;
            open.is_new = false;
        }
        Ok(())
    }

    /// Durably cuts the log after `keep`, which is in it, or is the end of the snapshot under it,
    /// or `0.0`. Not atomic: see [`super::intent`].
    pub(crate) fn truncate(&mut self, keep: Zxid) -> Result<(), StorageError> {
        self.roll()?;
        for (_, path) in file::numbered(&self.directory, PREFIX)?.into_iter().rev() {
            let scan = read(&path)?.1;
            let kept = scan.records.iter().take_while(|record| record.zxid <= keep).last();
            match kept {
                None => {
                    file::remove(&path)?;
                    file::sync_directory(&self.directory)?;
                }
                Some(record) => {
                    cut(&path, record.end)?;
                    break;
                }
            }
        }
        self.last = keep;
        Ok(())
    }

    /// Durably removes every file; the log goes on after `base`. Not atomic either.
    pub(crate) fn restart(&mut self, base: Zxid) -> Result<(), StorageError> {
        self.open = None;
        for (_, path) in file::numbered(&self.directory, PREFIX)? {
            file::remove(&path)?;
        }
        file::sync_directory(&self.directory)?;
        self.last = base;
        Ok(())
    }
}

impl OpenFile {
    fn create(directory: &Path, first: Zxid) -> Result<Self, StorageError> {
        let path = directory.join(format!("{PREFIX}{:x}", to_wire(first)));
        fault::before("create", &path)?;
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&path)
            .map_err(StorageError::io("create", &path))?;
        file.write_all(&FileHeader::LOG.to_bytes()).map_err(StorageError::io("write", &path))?;
        let length = FILE_HEADER_LENGTH as u64;
        Ok(Self { file, path, length, unwritten: BytesMut::new(), is_new: true })
    }

    /// Writes what is appended.
    fn write(&mut self) -> Result<(), StorageError> {
        if self.unwritten.is_empty() {
            return Ok(());
        }
        fault::before("append to", &self.path)?;
        self.file.write_all(&self.unwritten).map_err(StorageError::io("append to", &self.path))?;
        self.unwritten.clear();
        Ok(())
    }
}

/// Reads and scans a log file; its length in bytes and its content.
pub(crate) fn read(path: &Path) -> Result<(usize, Scan), StorageError> {
    let bytes = Bytes::from(std::fs::read(path).map_err(StorageError::io("read", path))?);
    Ok((bytes.len(), scan::scan(&bytes)))
}

/// Durably cuts a log file to its first `length` bytes.
pub(crate) fn cut(path: &Path, length: usize) -> Result<(), StorageError> {
    fault::before("cut", path)?;
    let file = OpenOptions::new().write(true).open(path).map_err(StorageError::io("open", path))?;
    file.set_len(length as u64)
        .and_then(|()| file.sync_all())
        .map_err(StorageError::io("cut", path))
}

/// What [`recover`] found.
#[derive(Debug, Default)]
pub(crate) struct Recovered {
    /// The transactions after the base, ascending.
    pub(crate) records: Vec<scan::Record>,
    /// What was cut, one sentence each.
    pub(crate) notes: Vec<String>,
}

/// Reads the log files of `directory` that may hold a transaction after `base`, and cuts a torn tail
/// of the last one. Transactions up to `base` are left out. Nothing is changed if anything is
/// refused: also a transaction that no tree can apply.
pub(crate) fn recover(directory: &Path, base: Zxid) -> Result<Recovered, StorageError> {
    let mut recovered = Recovered::default();
    let mut last = Zxid::ZERO;
    let mut files = file::numbered(directory, PREFIX)?;
    files.drain(..first_needed(&files, base));
    let mut torn = None;
    for (index, (_, path)) in files.iter().enumerate() {
        let (length, scan) = read(path)?;
        let corrupt = |offset, reason| StorageError::Corrupt { path: path.clone(), offset, reason };
        let mut start = FILE_HEADER_LENGTH;
        for record in scan.records {
            if record.zxid <= last {
                return Err(corrupt(start, format!("{} follows {last}", record.zxid)));
            }
            last = record.zxid;
            let end = record.end;
            if record.zxid > base {
                crate::tree::check(&record.payload).map_err(|error| {
                    StorageError::NotApplicable { path: path.clone(), offset: start, error }
                })?;
                recovered.records.push(record);
            }
            start = end;
        }
        match scan.tail {
            Tail::Clean => {}
            Tail::Corrupt { offset, reason } => return Err(corrupt(offset, reason)),
            Tail::Torn { reason } if index + 1 < files.len() => {
                return Err(corrupt(scan.good_end, format!("{reason}, but another file follows")));
            }
            Tail::Torn { reason } => torn = Some((path, scan.good_end, length, reason)),
        }
        if scan.good_end <= FILE_HEADER_LENGTH && index + 1 == files.len() && torn.is_none() {
            // Only a header: the next append may need the name.
            torn = Some((path, 0, length, "no record".to_owned()));
        }
    }
    if let Some((path, good_end, length, reason)) = torn {
        recovered.notes.push(format!(
            "{} ends in the middle of a write ({reason}): cut from {length} to {good_end} bytes, \
             the last good transaction is {last}",
            path.display()
        ));
        if good_end <= FILE_HEADER_LENGTH {
            file::remove(path)?;
            file::sync_directory(directory)?;
        } else {
            cut(path, good_end)?;
        }
    } else if let Some((_, path)) = files.last() {
        // What was read may be in the system's memory only, and from now on it counts as durable.
        File::open(path)
            .and_then(|file| file.sync_all())
            .map_err(StorageError::io("sync", path))?;
        file::sync_directory(directory)?;
    }
    Ok(recovered)
}
