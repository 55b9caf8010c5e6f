//! Files of the transaction log: a header, then records of checksum, length, payload and the
//! letter B, then zeros up to the size that was allocated ahead. Source: `FileTxnLog`.

use std::ops::Range;

use bytes::{BufMut, BytesMut};

use crate::error::{DecodeError, Found};
use crate::jute::{MAX_SERVER_BUFFER, Reader, put_buffer, record};

/// `ZKLG`, what a log file starts with.
pub const LOG_MAGIC: i32 = i32::from_be_bytes(*b"ZKLG");

/// `ZKSN`, what a snapshot file starts with.
pub const SNAPSHOT_MAGIC: i32 = i32::from_be_bytes(*b"ZKSN");

/// Version of both kinds of file.
pub const FILE_VERSION: i32 = 2;

/// Bytes of a file header.
pub const FILE_HEADER_LENGTH: usize = 16;

/// Bytes of a record besides its payload.
pub const RECORD_OVERHEAD: usize = 13;

/// The letter after each record.
const END_OF_RECORD: u8 = b'B';

record! {
    /// What files of the log and snapshots start with.
    #[derive(Copy)]
    FileHeader {
        /// [`LOG_MAGIC`] or [`SNAPSHOT_MAGIC`].
        magic: i32,
        /// [`FILE_VERSION`].
        version: i32,
        /// Database id: 0 in logs, −1 in snapshots.
        dbid: i64,
    }
}

impl FileHeader {
    /// The header of a log file.
    pub const LOG: Self = Self { magic: LOG_MAGIC, version: FILE_VERSION, dbid: 0 };

    /// The header of a snapshot file.
    pub const SNAPSHOT: Self = Self { magic: SNAPSHOT_MAGIC, version: FILE_VERSION, dbid: -1 };

    /// Reads a header and requires magic and version of `like`.
    ///
    /// # Errors
    /// If they differ, or the file is shorter.
    pub fn expect(reader: &mut Reader<'_>, like: &Self) -> Result<Self, DecodeError> {
        let at = reader.clone();
        let header: Self = reader.read()?;
        if header.magic != like.magic {
            let expected = match like.magic {
                LOG_MAGIC => "the magic number of a log file (ZKLG)",
                _ => "the magic number of a snapshot file (ZKSN)",
            };
            return Err(at.refuse(expected, Found::Number(header.magic.into())));
        }
        if header.version != like.version {
            return Err(at.refuse("file version 2", Found::Number(header.version.into())));
        }
        Ok(header)
    }
}

/// Appends one record with this payload (a transaction's header, body and digest).
pub fn put_record(out: &mut BytesMut, payload: &[u8]) {
    out.put_i64(checksum(payload));
    put_buffer(out, payload);
    out.put_u8(END_OF_RECORD);
}

/// A log file, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    /// Where in the file each payload lies, in order.
    pub records: Vec<Range<usize>>,
    /// Where the next record goes: directly behind the last good one.
    pub end: usize,
    /// Why the bytes after `end` are no record. `None`: the file ends there, or only zeros
    /// follow. Otherwise a write was cut short, and they must be overwritten or cut off.
    pub torn: Option<DecodeError>,
}

/// Reads a whole log file.
///
/// A record that is not whole or whose checksum does not fit is a torn tail if no whole record
/// follows it, since a log is written front to back. If one follows, the file was damaged where it
/// had been good, and a reader that cut it there would drop what may have been acknowledged.
///
/// # Errors
/// A header that is not a log's, and damage in the middle, with its offset.
pub fn scan(file: &[u8]) -> Result<Scan, DecodeError> {
    let mut reader = Reader::new(file);
    FileHeader::expect(&mut reader, &FileHeader::LOG)?;
    let mut scan = Scan { records: Vec::new(), end: reader.offset(), torn: None };
    loop {
        match record_at(file, scan.end) {
            Ok(Some(payload)) => {
                scan.end = payload.end + 1;
                scan.records.push(payload);
            }
            Ok(None) => return Ok(scan),
            Err(error) => {
                let later = scan.end + 1..file.len();
                if later.into_iter().any(|at| whole_record(file, at).is_ok()) {
                    return Err(error);
                }
                scan.torn = Some(error);
                return Ok(scan);
            }
        }
    }
}

/// The payload of the record that starts at `start`; `None` if only zeros follow, or nothing.
fn record_at(file: &[u8], start: usize) -> Result<Option<Range<usize>>, DecodeError> {
    let rest = &file[start..];
    // Every record has a byte that is not zero, its last; the first 12 decide in the usual case.
    if rest.iter().take(12).all(|byte| *byte == 0) && rest.iter().all(|byte| *byte == 0) {
        return Ok(None);
    }
    whole_record(file, start).map(Some)
}

/// The payload of the record that starts at `start`.
fn whole_record(file: &[u8], start: usize) -> Result<Range<usize>, DecodeError> {
    let mut reader = Reader::new(&file[start..]);
    let refuse = |at: usize, expected, found| DecodeError { offset: start + at, expected, found };
    let shift = |mut error: DecodeError| {
        error.offset += start;
        error
    };
    let sum: i64 = reader.read().map_err(shift)?;
    let length: i32 = reader.read().map_err(shift)?;
    let length = match usize::try_from(length) {
        Ok(length) if (1..=2 * MAX_SERVER_BUFFER).contains(&length) => length,
        _ => return Err(refuse(8, "a record length", Found::Number(length.into()))),
    };
    let payload = reader.take(length, "a whole record").map_err(shift)?;
    let last = reader.take(1, "the end of a record").map_err(shift)?;
    if last != [END_OF_RECORD] {
        return Err(refuse(12 + length, "the letter B (66)", Found::Number(last[0].into())));
    }
    if checksum(payload) != sum {
        let expected = "the Adler-32 checksum of the record";
        return Err(refuse(0, expected, Found::Number(sum)));
    }
    let payload_start = start + 12;
    Ok(payload_start..payload_start + length)
}

/// Adler-32 of the bytes, as the files hold it.
fn checksum(bytes: &[u8]) -> i64 {
    simd_adler32::adler32(&bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jute::Record;

    fn file(payloads: &[&[u8]]) -> BytesMut {
        let mut out = BytesMut::new();
        FileHeader::LOG.encode(&mut out);
        for payload in payloads {
            put_record(&mut out, payload);
        }
        out
    }

    fn payloads<'a>(file: &'a [u8], scan: &Scan) -> Vec<&'a [u8]> {
        scan.records.iter().map(|range| &file[range.clone()]).collect()
    }

    #[test]
    fn records_end_at_the_padding() {
        let mut bytes = file(&[b"one", b"two"]);
        let end = bytes.len();
        bytes.put_bytes(0, 100);
        let scan = scan(&bytes).unwrap();
        assert_eq!(payloads(&bytes, &scan), [b"one", b"two"]);
        assert_eq!((scan.end, scan.torn), (end, None));
    }

    #[test]
    fn every_cut_keeps_the_whole_records_before_it() {
        let bytes = file(&[b"one", b"two", b"three"]);
        let ends = [16, 32, 48, bytes.len()];
        for cut in 16..bytes.len() {
            let scan = scan(&bytes[..cut]).unwrap();
            let whole = ends.iter().rposition(|end| *end <= cut).unwrap();
            assert_eq!(scan.records.len(), whole, "cut at {cut}");
            assert_eq!(scan.end, ends[whole]);
            // Up to seven bytes of a small checksum are zeros, like padding.
            let zeros = bytes[ends[whole]..cut].iter().all(|byte| *byte == 0);
            assert_eq!(scan.torn.is_none(), zeros, "cut at {cut}");
        }
    }

    #[test]
    fn damage_in_the_last_record_is_a_torn_tail() {
        let mut bytes = file(&[b"one", b"two"]);
        let at = bytes.len() - 2;
        bytes[at] ^= 1;
        let scan = scan(&bytes).unwrap();
        assert_eq!(payloads(&bytes, &scan), [b"one"]);
        assert_eq!(scan.torn.unwrap().offset, 32);
    }

    #[test]
    fn damage_before_a_good_record_is_refused_with_its_offset() {
        for at in 32..48 {
            let mut bytes = file(&[b"one", b"two", b"three"]);
            bytes[at] ^= 0x40;
            let error = scan(&bytes).unwrap_err();
            assert!((32..48).contains(&error.offset), "damage at {at}, reported {error}");
        }
    }

    #[test]
    fn another_kind_of_file_is_refused() {
        let error = scan(&FileHeader::SNAPSHOT.to_bytes()).unwrap_err();
        assert!(error.to_string().starts_with("at byte 0: expected the magic number of a log"));
        let newer = FileHeader { version: 3, ..FileHeader::LOG };
        assert_eq!(scan(&newer.to_bytes()).unwrap_err().found, Found::Number(3));
        assert!(scan(b"ZKLG").unwrap_err().is_incomplete());
    }
}
