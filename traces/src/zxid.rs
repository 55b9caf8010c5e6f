//! Zxids.

use std::fmt;
use std::str::FromStr;

/// An epoch: the number that a leader proposes transactions under. 0 before the first leader.
pub type Epoch = u32;

/// The identifier of a transaction, and the position after it: `0.0` is the position before the
/// first transaction. The derived order is the protocol's order.
///
/// Written `epoch.counter` in decimal, without signs or leading zeros.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Zxid {
    /// The epoch of the leader that proposed the transaction.
    pub epoch: Epoch,
    /// Its number within the epoch, from 1.
    pub counter: u32,
}

impl Zxid {
    /// The position before the first transaction.
    pub const ZERO: Self = Self { epoch: 0, counter: 0 };

    /// The zxid with these two parts.
    #[must_use]
    pub const fn new(epoch: Epoch, counter: u32) -> Self {
        Self { epoch, counter }
    }
}

impl fmt::Display for Zxid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.epoch, self.counter)
    }
}

/// Why a text is no zxid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ZxidError {
    /// Not two decimal numbers with a point between them, or written with signs or leading zeros.
    #[error("expected a zxid such as \"3.17\"")]
    Shape,
    /// A part does not fit into 32 bits.
    #[error("expected a zxid whose epoch and counter are at most 4294967295")]
    Range,
}

impl FromStr for Zxid {
    type Err = ZxidError;

    fn from_str(text: &str) -> Result<Self, ZxidError> {
        let (epoch, counter) = text.split_once('.').ok_or(ZxidError::Shape)?;
        Ok(Self { epoch: part(epoch)?, counter: part(counter)? })
    }
}

/// One half of a zxid. Only the canonical spelling is accepted, so that reading and writing again
/// gives the same text.
fn part(digits: &str) -> Result<u32, ZxidError> {
    let canonical = digits.bytes().all(|byte| byte.is_ascii_digit())
        && (digits.len() == 1 || !digits.starts_with('0'));
    if digits.is_empty() || !canonical {
        return Err(ZxidError::Shape);
    }
    // Of a text of digits nothing but its size can be wrong.
    digits.parse().map_err(|_| ZxidError::Range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_canonical_spelling_is_a_zxid() {
        assert_eq!("3.17".parse(), Ok(Zxid::new(3, 17)));
        assert_eq!("0.0".parse(), Ok(Zxid::ZERO));
        assert_eq!("4294967295.4294967295".parse(), Ok(Zxid::new(u32::MAX, u32::MAX)));
        for text in ["", ".", "3", "3.", ".17", "03.1", "3.01", "+3.1", "3.-1", "3.1.2", "3. 1"] {
            assert_eq!(text.parse::<Zxid>(), Err(ZxidError::Shape), "{text:?}");
        }
        assert_eq!("4294967296.0".parse::<Zxid>(), Err(ZxidError::Range));
    }

    #[test]
    fn the_order_is_epoch_then_counter() {
        assert!(Zxid::new(2, 0) > Zxid::new(1, 9));
        assert!(Zxid::new(2, 3) > Zxid::new(2, 2));
    }
}
