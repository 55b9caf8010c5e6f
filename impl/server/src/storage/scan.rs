//! Reading one log file: which records are good, and what follows the last good one.
//!
//! A kill leaves a prefix of what was being written, so a file may end inside a record: that tail
//! is *torn*, nobody was told that it is durable, and it is cut. Anything else that does not read
//! as a record may have been durable once; it is *corrupt*, and guessing would lose what was
//! acknowledged. ZooKeeper makes the same difference (`FileTxnLog.FileTxnIterator`), but ends
//! silently at a length of 0; here only zeros up to the end of the file are padding.

use bytes::{Bytes, BytesMut};
use zab_wire::log::{self, FileHeader};
use zab_wire::{DecodeError, Reader, Record as _, TxnHeader};

use crate::zxid::{Zxid, from_wire};

/// A good record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    /// The transaction's id, from its header.
    pub(crate) zxid: Zxid,
    /// Header, body and digest of the transaction: the payload of a PROPOSAL.
    pub(crate) payload: Bytes,
    /// Offset in the file of the byte after the record.
    pub(crate) end: usize,
}

/// What follows the last good record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Tail {
    /// Nothing, or padding.
    Clean,
    /// The file ends inside its header or inside a record.
    Torn {
        /// What is missing.
        reason: String,
    },
    /// Bytes that are no record and cannot be the remains of a kill.
    Corrupt {
        /// Where they start.
        offset: usize,
        /// What is wrong with them.
        reason: String,
    },
}

/// The content of a log file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scan {
    /// The good records, in order.
    pub(crate) records: Vec<Record>,
    /// Offset of the byte after the last good record; 0 if not even the file's header is good.
    pub(crate) good_end: usize,
    /// What is there.
    pub(crate) tail: Tail,
}

/// Bytes before a record's transaction: checksum and length.
const PREFIX: usize = 12;

/// Reads all of a log file.
pub(crate) fn scan(file: &Bytes) -> Scan {
    let corrupt = |offset, reason: String| Scan {
        records: Vec::new(),
        good_end: 0,
        tail: Tail::Corrupt { offset, reason },
    };
    let header = FileHeader::LOG.to_bytes();
    if file.len() < header.len() && (header.starts_with(file) || is_zero(file)) {
        let reason = format!("{} of {} bytes of the file's header", file.len(), header.len());
        return Scan { records: Vec::new(), good_end: 0, tail: Tail::Torn { reason } };
    }
    let found = match log::scan(file) {
        Ok(found) => found,
        Err(error) => return corrupt(error.offset, error.to_string()),
    };
    let mut records = Vec::with_capacity(found.records.len());
    for range in found.records {
        let end = range.end + 1;
        let payload = file.slice(range);
        match Reader::new(&payload).read::<TxnHeader>() {
            Ok(header) => records.push(Record { zxid: from_wire(header.zxid), payload, end }),
            Err(error) => return corrupt(end, format!("no transaction in the record: {error}")),
        }
    }
    let tail = match found.torn {
        None => Tail::Clean,
        Some(error) if is_unfinished(&file[found.end..], &error) => {
            Tail::Torn { reason: error.to_string() }
        }
        Some(error) => Tail::Corrupt { offset: error.offset, reason: error.to_string() },
    };
    Scan { records, good_end: found.end, tail }
}

/// Whether a kill in the middle of a write can leave `rest`, which is no record because of
/// `error`: it ends too early, or in zeros where the file was allocated ahead.
///
/// A finished record with a damaged length also ends too early; then all of `rest` is a
/// transaction that fits the checksum.
fn is_unfinished(rest: &[u8], error: &DecodeError) -> bool {
    if error.is_incomplete() {
        return !is_finished(rest);
    }
    let last = rest.iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1);
    last < rest.len() && !is_finished(&rest[..last]) && claims_more_than(rest, last)
}

/// Whether the record's own length goes beyond its first `present` bytes.
fn claims_more_than(rest: &[u8], present: usize) -> bool {
    let Some(length) = rest.get(8..PREFIX).and_then(|bytes| bytes.first_chunk::<4>()) else {
        return true;
    };
    match usize::try_from(i32::from_be_bytes(*length)) {
        Ok(length) => PREFIX + length + 1 > present,
        Err(_) => false,
    }
}

/// Whether `rest` is a whole record but for its length.
fn is_finished(rest: &[u8]) -> bool {
    let Some(transaction) = rest.get(PREFIX..rest.len().saturating_sub(1)) else { return false };
    let mut whole = BytesMut::new();
    log::put_record(&mut whole, transaction);
    !transaction.is_empty() && whole[..8] == rest[..8] && whole.last() == rest.last()
}

fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}
