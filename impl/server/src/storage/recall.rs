//! Reading transactions back that are not in memory any more.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

use super::scan::Record;
use super::{StorageError, file, log};
use crate::zxid::{Zxid, to_wire};

/// Reads transactions of the log, mostly in order: the file that was read last is kept.
#[derive(Debug)]
pub(crate) struct Recall {
    logs: PathBuf,
    last: Mutex<Option<Vec<Record>>>,
}

impl Recall {
    pub(super) fn new(logs: PathBuf) -> Self {
        Self { logs, last: Mutex::new(None) }
    }

    /// The bytes of a transaction that is in the log.
    pub(crate) fn payload(&self, zxid: Zxid) -> Result<Bytes, StorageError> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(payload) = last.as_ref().and_then(|records| find(records, zxid)) {
            return Ok(payload);
        }
        *last = None;
        let missing = |path: PathBuf| StorageError::Malformed {
            path,
            reason: format!("transaction {zxid} is not there any more"),
        };
        // A file is named after its first transaction.
        let mut files = file::numbered(&self.logs, log::PREFIX)?;
        files.retain(|(first, _)| *first <= to_wire(zxid).cast_unsigned());
        let (_, path) = files.pop().ok_or_else(|| missing(self.logs.clone()))?;
        let records = log::read(&path)?.1.records;
        let payload = find(&records, zxid).ok_or_else(|| missing(path))?;
        *last = Some(records);
        Ok(payload)
    }
}

fn find(records: &[Record], zxid: Zxid) -> Option<Bytes> {
    let index = records.binary_search_by(|record| record.zxid.cmp(&zxid)).ok()?;
    Some(records[index].payload.clone())
}
