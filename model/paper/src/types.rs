//! The words of the family: sets of servers, positions, transactions, histories. All are bytes.

use std::fmt;

use zab_flat::flat;
use zab_view::Lane;

/// The greatest epoch, and the greatest counter, that a [`Zxid`] can hold.
pub const NUMBER_MAX: u8 = 15;

/// A set of servers, by index (id - 1), at most eight.
#[flat]
#[derive(Default)]
#[repr(transparent)]
pub struct Members(u8);

impl Members {
    /// The set of one server.
    #[must_use]
    pub fn of(index: usize) -> Self {
        Self(1 << index)
    }

    /// Adds a server.
    pub fn insert(&mut self, index: usize) {
        self.0 |= 1 << index;
    }

    /// Takes a server out.
    pub fn remove(&mut self, index: usize) {
        self.0 &= !(1 << index);
    }

    /// Whether a server is a member.
    #[must_use]
    pub fn contains(self, index: usize) -> bool {
        self.0 & (1 << index) != 0
    }

    /// The set without one server.
    #[must_use]
    pub fn without(self, index: usize) -> Self {
        Self(self.0 & !(1 << index))
    }

    /// The servers in both sets.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// How many members there are.
    #[must_use]
    pub fn len(self) -> u32 {
        self.0.count_ones()
    }

    /// Whether there is no member.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The members' indices, in order.
    pub fn iter(self) -> impl Iterator<Item = usize> {
        (0..8).filter(move |index| self.contains(*index))
    }

    /// The same set after the server at `index` has moved to `places[index]`.
    #[must_use]
    pub fn moved(self, places: &[u8]) -> Self {
        let bits = places.iter().enumerate().filter(|(index, _)| self.contains(*index));
        Self(bits.fold(0, |set, (_, place)| set | (1 << place)))
    }
}

impl fmt::Debug for Members {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(|index| index + 1)).finish()
    }
}

/// A server that may be nobody: 0, or index + 1.
#[flat]
#[derive(Default)]
#[repr(transparent)]
pub struct Seat(u8);

impl Seat {
    /// Nobody.
    pub const EMPTY: Self = Self(0);

    /// The server at an index.
    #[must_use]
    pub fn of(index: usize) -> Self {
        Self(small(index + 1))
    }

    /// The index of the server, if it is one.
    #[must_use]
    pub fn index(self) -> Option<usize> {
        usize::from(self.0).checked_sub(1)
    }

    /// The same server after the one at `index` has moved to `places[index]`.
    #[must_use]
    pub fn moved(self, places: &[u8]) -> Self {
        self.index()
            .and_then(|index| places.get(index))
            .map_or(Self::EMPTY, |place| Self(place + 1))
    }
}

impl fmt::Debug for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("nobody"),
            id => write!(f, "{id}"),
        }
    }
}

/// A number that the bounds keep small, as the byte it is stored in.
///
/// # Panics
/// When it does not fit; [`super::Bounds`] admits no such run.
#[must_use]
pub(super) fn small(number: usize) -> u8 {
    u8::try_from(number).expect("a number of a bounded run fits a byte")
}

/// The id of a transaction, and a position in a history: the epoch in the upper half of a byte, the
/// counter in the lower, so that bytes compare as zxids do. `0.0` is the position before the first.
#[flat]
#[derive(Default, PartialOrd, Ord)]
#[repr(transparent)]
pub struct Zxid(u8);

impl Zxid {
    /// The position before the first transaction.
    pub const ZERO: Self = Self(0);

    /// The zxid `epoch.counter`.
    ///
    /// # Panics
    /// When one of them is greater than [`NUMBER_MAX`]; [`super::Bounds`] admits no such run.
    #[must_use]
    pub const fn new(epoch: u8, counter: u8) -> Self {
        assert!(epoch <= NUMBER_MAX);
        assert!(counter <= NUMBER_MAX);
        Self(epoch << 4 | counter)
    }

    /// The epoch of the leader that proposed it.
    #[must_use]
    pub fn epoch(self) -> u8 {
        self.0 >> 4
    }

    /// Its place among the proposals of that epoch, from 1.
    #[must_use]
    pub fn counter(self) -> u8 {
        self.0 & NUMBER_MAX
    }

    /// Whether `later` may directly follow `self` in a history.
    #[must_use]
    pub fn next_is(self, later: Self) -> bool {
        let first_of_epoch = later.counter() == 1 && self.epoch() < later.epoch();
        let same_epoch = later.counter() > 1 && later.0 == self.0 + 1;
        first_of_epoch || same_epoch
    }
}

impl fmt::Debug for Zxid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.epoch(), self.counter())
    }
}

/// One transaction. A zxid of `0.0` says that there is none.
#[flat]
#[derive(Default, PartialOrd, Ord)]
#[repr(C)]
pub struct Txn {
    /// Its id.
    pub zxid: Zxid,
    /// The number of the request that it came from, from 0: every request has another value.
    pub value: u8,
}

impl super::primary_order::Transaction for Txn {
    fn epoch(&self) -> u8 {
        self.zxid.epoch()
    }

    fn counter(&self) -> u8 {
        self.zxid.counter()
    }
}

impl fmt::Debug for Txn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}=v{}", self.zxid, self.value)
    }
}

/// A history of at most `X` transactions. Positions are counted from 1, as the paper does.
#[flat]
#[derive(PartialOrd, Ord)]
#[repr(transparent)]
pub struct History<const X: usize>([Txn; X]);

impl<const X: usize> Default for History<X> {
    fn default() -> Self {
        Self([Txn::default(); X])
    }
}

impl<const X: usize> History<X> {
    /// The history of these transactions; what does not fit is not in it.
    pub fn of(txns: impl IntoIterator<Item = Txn>) -> Self {
        let mut history = Self::default();
        history.0.iter_mut().zip(txns).for_each(|(slot, txn)| *slot = txn);
        history
    }

    /// How many transactions it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.iter().take_while(|txn| txn.zxid != Zxid::ZERO).count()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Its transactions in order.
    #[must_use]
    pub fn txns(&self) -> &[Txn] {
        &self.0[..self.len()]
    }

    /// Its first `count` transactions; all of them if it has fewer.
    #[must_use]
    pub fn prefix(&self, count: usize) -> &[Txn] {
        &self.0[..self.len().min(count)]
    }

    /// The transaction at a position from 1.
    #[must_use]
    pub fn at(&self, position: usize) -> Option<Txn> {
        self.txns().get(position.checked_sub(1)?).copied()
    }

    /// The zxid of its last transaction, `0.0` if there is none.
    #[must_use]
    pub fn last(&self) -> Zxid {
        self.txns().last().map_or(Zxid::ZERO, |txn| txn.zxid)
    }

    /// The zxid at a position from 0 (`0.0` at 0); that of the last transaction beyond the end.
    #[must_use]
    pub fn zxid_at(&self, position: usize) -> Zxid {
        self.prefix(position).last().map_or(Zxid::ZERO, |txn| txn.zxid)
    }

    /// The position of a zxid, 0 for `0.0`; `None` if it is not there, or there twice.
    #[must_use]
    pub fn position(&self, zxid: Zxid) -> Option<usize> {
        if zxid == Zxid::ZERO {
            return Some(0);
        }
        let mut found = self.txns().iter().enumerate().filter(|(_, txn)| txn.zxid == zxid);
        let first = found.next().map(|(index, _)| index + 1);
        found.next().map_or(first, |_| None)
    }

    /// Every place, also those that are free.
    pub(super) fn slots_mut(&mut self) -> std::slice::IterMut<'_, Txn> {
        self.0.iter_mut()
    }

    /// Appends a transaction; `None` if there is no room.
    pub fn push(&mut self, txn: Txn) -> Option<()> {
        let end = self.len();
        *self.0.get_mut(end)? = txn;
        Some(())
    }
}

impl<const X: usize> fmt::Debug for History<X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.txns()).finish()
    }
}

/// How far a server is in the protocol.
#[flat]
#[derive(Debug, Default, PartialOrd, Ord)]
#[repr(u8)]
pub enum Phase {
    /// Phase 0: finding a leader.
    #[default]
    Election,
    /// Phase 1: agreeing on a new epoch.
    Discovery,
    /// Phase 2: taking over the leader's history.
    Synchronization,
    /// Phase 3: replicating requests.
    Broadcast,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Election => "ELECTION",
            Self::Discovery => "DISCOVERY",
            Self::Synchronization => "SYNCHRONIZATION",
            Self::Broadcast => "BROADCAST",
        })
    }
}

impl From<Phase> for Lane {
    fn from(phase: Phase) -> Self {
        match phase {
            Phase::Election => Self::Election,
            Phase::Discovery => Self::Discovery,
            Phase::Synchronization => Self::Synchronization,
            Phase::Broadcast => Self::Broadcast,
        }
    }
}
