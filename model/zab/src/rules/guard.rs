//! Guards: what a step offers, compared with what the server holds.

use std::fmt::{self, Display};

use crate::number::Number;

use crate::types::Zxid;

/// A comparison and its two sides, which the probe shows.
pub(crate) struct Guard<A, B> {
    pub(crate) holds: bool,
    pub(crate) offered: A,
    pub(crate) held: B,
}

impl<A, B> Guard<A, B> {
    /// A comparison for which there is no function below.
    pub(crate) fn new(holds: bool, offered: A, held: B) -> Self {
        Self { holds, offered, held }
    }

    /// With a seeded defect the guard holds in any case.
    pub(crate) fn or(self, defect: bool) -> Self {
        Self { holds: self.holds || defect, ..self }
    }
}

/// A single condition.
pub(crate) fn holds(condition: bool) -> Guard<bool, bool> {
    Guard::new(condition, condition, true)
}

/// Both sides are equal.
pub(crate) fn is<T: PartialEq>(offered: T, held: T) -> Guard<T, T> {
    Guard::new(offered == held, offered, held)
}

/// Both sides differ.
pub(crate) fn is_not<T: PartialEq>(offered: T, held: T) -> Guard<T, T> {
    Guard::new(offered != held, offered, held)
}

/// There is a value to compare with, and both sides are equal.
pub(crate) fn is_just<T: PartialEq + Default>(offered: T, held: Option<T>) -> Guard<T, T> {
    Guard::new(held.as_ref() == Some(&offered), offered, held.unwrap_or_default())
}

/// The left side is not smaller.
pub(crate) fn at_least<T: Ord>(offered: T, held: T) -> Guard<T, T> {
    Guard::new(offered >= held, offered, held)
}

/// The left side is not greater.
pub(crate) fn at_most<T: Ord>(offered: T, held: T) -> Guard<T, T> {
    Guard::new(offered <= held, offered, held)
}

/// `next` of the rules: the zxid may come right after the last one.
pub(crate) fn is_next<N: Number>(zxid: Zxid<N>, last: Zxid<N>) -> Guard<Zxid<N>, Zxid<N>> {
    Guard::new(last.next_is(zxid), zxid, last)
}

/// What two servers compare before one leads the other (ZooKeeper's `StateSummary`).
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct StateSummary<N> {
    pub(crate) current_epoch: N,
    pub(crate) last_zxid: Zxid<N>,
}

impl<N: Display> Display for StateSummary<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({}, {})", self.current_epoch, self.last_zxid)
    }
}
