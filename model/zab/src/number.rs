//! Numbers and other plain values of a state.

use std::fmt::{Debug, Display};
use std::hash::Hash;

/// A plain value in a state.
pub trait Value: Copy + Debug + Default + Eq + Hash + 'static {}
impl<T: Copy + Debug + Default + Eq + Hash + 'static> Value for T {}

/// A round of elections, from -1.
pub trait Round: Value + Ord + Display {
    /// -1, which is told before the first election of a process is over
    /// (`QuorumPeer.startLeaderElection`).
    const NONE: Self;
    /// The round of a process that has begun no election.
    const ZERO: Self;
    /// The round of the first election.
    const FIRST: Self;
    /// The round after this one; `None` after the last.
    fn next(self) -> Option<Self>;
}

/// An unsigned number: epoch, counter, or the length of a history.
pub trait Number: Value + Ord + Display {
    /// The rounds of servers with such numbers.
    type Round: Round;
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// The number after this one; `None` after the last.
    fn next(self) -> Option<Self>;
    /// The number as a length.
    fn to_usize(self) -> usize;
    /// A length as a number; the greatest number if it is too small, which no bounded run reaches.
    fn from_usize(length: usize) -> Self;
}

macro_rules! number {
    ($type:ty, $round:ty) => {
        impl Round for $round {
            const NONE: Self = -1;
            const ZERO: Self = 0;
            const FIRST: Self = 1;
            fn next(self) -> Option<Self> {
                self.checked_add(1)
            }
        }

        impl Number for $type {
            type Round = $round;
            const ZERO: Self = 0;
            const ONE: Self = 1;
            fn next(self) -> Option<Self> {
                self.checked_add(1)
            }
            fn to_usize(self) -> usize {
                usize::try_from(self).unwrap_or(usize::MAX)
            }
            fn from_usize(length: usize) -> Self {
                Self::try_from(length).unwrap_or(Self::MAX)
            }
        }
    };
}
number!(u8, i8);
number!(u32, i64);
