//! What is known of the log before a snapshot: from where on it is the history that led to it.
//!
//! A snapshot that a leader sent has no such file: the log before it, if there is any, is of
//! another history. ZooKeeper has no such file for any snapshot; its servers begin their window
//! anew with every start.

use std::path::{Path, PathBuf};

use zab_core::Base;

use super::{StorageError, file};
use crate::zxid::{Zxid, from_wire, to_wire};

/// What the names of these files begin with; the zxid of the snapshot follows.
pub(crate) const PREFIX: &str = "reach.";

fn path(directory: &Path, zxid: Zxid) -> PathBuf {
    directory.join(format!("{PREFIX}{:x}", to_wire(zxid)))
}

/// Durably notes that the log is the history of the snapshot that ends at `zxid` from `base` on.
pub(crate) fn write(directory: &Path, zxid: Zxid, base: Base) -> Result<(), StorageError> {
    let start = to_wire(base.zxid);
    let text = match base.log {
        Some((length, digest)) => format!("{start:x} {length} {digest}\n"),
        None => format!("{start:x}\n"),
    };
    file::replace(&path(directory, zxid), text.as_bytes())
}

/// From where on the log leads to the snapshot that ends at `zxid`; `None`: only from there on.
pub(crate) fn read(directory: &Path, zxid: Zxid) -> Result<Option<Base>, StorageError> {
    let path = path(directory, zxid);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StorageError::io("read", &path)(error)),
    };
    match parse(text.trim_end()).filter(|base| base.zxid <= zxid) {
        Some(base) => Ok(Some(base)),
        None => Err(StorageError::Malformed {
            path,
            reason: "expected a zxid in hexadecimal, and perhaps the length and the digest of the \
                     log up to it"
                .to_owned(),
        }),
    }
}

fn parse(text: &str) -> Option<Base> {
    let mut words = text.split(' ');
    let zxid = u64::from_str_radix(words.next()?, 16).ok()?;
    let log = match (words.next(), words.next(), words.next()) {
        (None, _, _) => None,
        (Some(length), Some(digest), None) => Some((length.parse().ok()?, digest.parse().ok()?)),
        _ => return None,
    };
    Some(Base { zxid: from_wire(zxid.cast_signed()), log })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_is_read_back_and_anything_else_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let zxid = Zxid::new(3, 4);
        assert_eq!(read(dir.path(), zxid).unwrap(), None);
        let digest = zab_trace::LogDigest(0xab);
        for base in [
            Base::EMPTY,
            Base { zxid, log: Some((9, digest)) },
            Base { zxid: Zxid::new(2, 7), log: None },
        ] {
            write(dir.path(), zxid, base).unwrap();
            assert_eq!(read(dir.path(), zxid).unwrap(), Some(base));
        }
        for text in ["", "x", "1 2", "1 2 3", "1 2 00000000000000ab 4", "300000005"] {
            std::fs::write(path(dir.path(), zxid), text).unwrap();
            let refused = read(dir.path(), zxid).unwrap_err().to_string();
            assert!(refused.contains("reach.300000004: expected a zxid"), "{text:?}: {refused}");
        }
    }
}
