//! Numbers and other plain values of a state.

use std::fmt::{Debug, Display};
use std::hash::Hash;

/// A plain value in a state.
pub trait Value: Copy + Debug + Default + Eq + Hash + 'static {}
impl<T: Copy + Debug + Default + Eq + Hash + 'static> Value for T {}

/// An unsigned number: epoch, counter, round, or the length of a history.
pub trait Number: Value + Ord + Display {
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
    ($type:ty) => {
        impl Number for $type {
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
number!(u8);
number!(u32);
