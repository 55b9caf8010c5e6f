//! Digests of transactions and of whole logs.

use std::fmt;
use std::str::FromStr;

use crate::Zxid;

/// FNV-1a, 64 bit, over a sequence of bytes.
#[must_use]
pub fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// The digest of one transaction: FNV-1a of its payload.
///
/// Written as 16 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TxnDigest(pub u64);

/// The digest of a log, which grows with every transaction. 0 is the empty log.
///
/// Written as 16 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogDigest(pub u64);

/// The digest of a transaction with this payload.
#[must_use]
pub fn txn_digest(payload: &[u8]) -> TxnDigest {
    TxnDigest(fnv1a(payload))
}

impl LogDigest {
    /// The digest of the empty log.
    pub const EMPTY: Self = Self(0);

    /// The digest after the transaction `zxid` is appended to a log with this digest: FNV-1a of 24
    /// bytes, big-endian: this digest, epoch and counter, the transaction's digest.
    #[must_use]
    pub fn after(self, zxid: Zxid, txn: TxnDigest) -> Self {
        let mut bytes = [0; 24];
        bytes[..8].copy_from_slice(&self.0.to_be_bytes());
        bytes[8..12].copy_from_slice(&zxid.epoch.to_be_bytes());
        bytes[12..16].copy_from_slice(&zxid.counter.to_be_bytes());
        bytes[16..].copy_from_slice(&txn.0.to_be_bytes());
        Self(fnv1a(&bytes))
    }
}

/// A text that is not 16 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a digest of 16 lower-case hexadecimal digits")]
pub struct DigestError;

/// Parses exactly the canonical spelling.
fn hexadecimal(text: &str) -> Result<u64, DigestError> {
    let canonical =
        text.len() == 16 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if !canonical {
        return Err(DigestError);
    }
    u64::from_str_radix(text, 16).map_err(|_| DigestError)
}

impl fmt::Display for TxnDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Display for LogDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for TxnDigest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        hexadecimal(text).map(Self)
    }
}

impl FromStr for LogDigest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        hexadecimal(text).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The published test vectors of FNV-1a.
    #[test]
    fn fnv1a_agrees_with_its_test_vectors() {
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn a_log_digest_depends_on_position_and_content() {
        let one = LogDigest::EMPTY.after(Zxid::new(1, 1), txn_digest(b"x"));
        assert_ne!(one, LogDigest::EMPTY.after(Zxid::new(1, 2), txn_digest(b"x")));
        assert_ne!(one, LogDigest::EMPTY.after(Zxid::new(1, 1), txn_digest(b"y")));
        assert_ne!(one.after(Zxid::new(1, 2), txn_digest(b"x")), one);
    }

    #[test]
    fn a_digest_has_one_spelling() {
        let digest = TxnDigest(0xab);
        assert_eq!(digest.to_string(), "00000000000000ab");
        assert_eq!("00000000000000ab".parse(), Ok(digest));
        for text in ["ab", "00000000000000AB", "+0000000000000ab", "00000000000000abc", ""] {
            assert_eq!(text.parse::<TxnDigest>(), Err(DigestError), "{text:?}");
        }
    }
}
