//! The shape for exploration: fixed capacity, bytes only, no padding, nothing on the heap.

use std::cell::Cell;
use std::fmt::Debug;

use zab_flat::flat;

use super::{Queue, Shape, Table, chain_digest};
use crate::number::Value;
use crate::types::{ServerId, Txn, Zxid};

/// Up to `SERVERS` servers whose histories have up to `LOG` transactions, of at most `LOG` in all.
/// A history is the numbers of its transactions in a [`Ledger`], one byte each.
///
/// Every number is a byte, so two states are equal exactly if their bytes are
/// (`zerocopy::IntoBytes::as_bytes`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Small<const SERVERS: usize = 3, const LOG: usize = 4>;

/// Exactly `N` values side by side: a table of servers.
#[flat]
#[derive(Debug)]
#[repr(transparent)]
pub struct Rows<T, const N: usize>([T; N]);

impl<T: Value, const N: usize> Default for Rows<T, N> {
    fn default() -> Self {
        Self([T::default(); N])
    }
}

impl<T: Value, const N: usize> Table<T> for Rows<T, N> {
    fn row(&self, id: ServerId) -> T {
        id.row().and_then(|row| self.0.get(row)).copied().unwrap_or_default()
    }

    fn set(&mut self, id: ServerId, value: T) {
        if let Some(place) = id.row().and_then(|row| self.0.get_mut(row)) {
            *place = value;
        }
    }
}

/// At most `N` values; the places beyond the last one hold the default, so that equal contents are
/// equal bytes.
#[flat]
#[derive(Debug)]
#[repr(C)]
pub struct Few<T, const N: usize> {
    length: u8,
    items: [T; N],
}

/// A history of at most `N` transactions: their numbers in a [`Ledger`], then zeros.
#[flat]
#[derive(Debug)]
#[repr(transparent)]
pub struct SmallLog<const N: usize>([u8; N]);

impl<const N: usize> Default for SmallLog<N> {
    fn default() -> Self {
        Self([0; N])
    }
}

impl<const N: usize> SmallLog<N> {
    /// A history of these numbers; `None` if there are too many.
    #[must_use]
    pub fn of(numbers: &[u8]) -> Option<Self> {
        let mut log = Self::default();
        log.0.get_mut(..numbers.len())?.copy_from_slice(numbers);
        Some(log)
    }

    /// The numbers of its transactions, first one first.
    #[must_use]
    pub fn numbers(&self) -> &[u8] {
        let length = self.0.iter().take_while(|number| **number != 0).count();
        &self.0[..length]
    }
}

/// The transactions that some history has or had. A transaction's number is its place here, from 1.
/// Free places, which hold the default, come last.
pub type Transactions<const N: usize> = [Txn<u8, u8>; N];

/// The transactions that all histories of a run share. Each is entered once, when the first history
/// gets it, and is never changed.
#[derive(Debug)]
pub struct Ledger<const N: usize>([Cell<Txn<u8, u8>>; N]);

impl<const N: usize> Default for Ledger<N> {
    fn default() -> Self {
        Self::new([Txn::default(); N])
    }
}

impl<const N: usize> Ledger<N> {
    /// A ledger that holds these already.
    #[must_use]
    pub fn new(transactions: Transactions<N>) -> Self {
        Self(transactions.map(Cell::new))
    }

    /// What it holds.
    #[must_use]
    pub fn transactions(&self) -> Transactions<N> {
        std::array::from_fn(|place| self.0[place].get())
    }

    /// The transaction with this number.
    fn get(&self, number: u8) -> Option<Txn<u8, u8>> {
        let place = usize::from(number).checked_sub(1)?;
        let txn = self.0.get(place)?.get();
        debug_assert_ne!(txn, Txn::default(), "number {number} is not in the ledger");
        Some(txn)
    }

    /// The number of a transaction, which is entered if it is new; `None` if there is no room.
    fn number(&self, txn: Txn<u8, u8>) -> Option<u8> {
        let fits = |place: &Cell<Txn<u8, u8>>| [txn, Txn::default()].contains(&place.get());
        let place = self.0.iter().position(fits)?;
        self.0[place].set(txn);
        u8::try_from(place + 1).ok()
    }
}

impl<T: Value, const N: usize> Default for Few<T, N> {
    fn default() -> Self {
        Self { length: 0, items: [T::default(); N] }
    }
}

impl<T: Value, const N: usize> Few<T, N> {
    /// Its first values.
    pub(crate) fn cut(&mut self, length: usize) {
        for place in self.items.iter_mut().skip(length) {
            *place = T::default();
        }
        self.length = self.length.min(u8::try_from(length).unwrap_or(u8::MAX));
    }
}

impl<T: Value, const N: usize> Queue<T> for Few<T, N> {
    fn as_slice(&self) -> &[T] {
        &self.items[..usize::from(self.length)]
    }

    fn as_mut_slice(&mut self) -> &mut [T] {
        &mut self.items[..usize::from(self.length)]
    }

    fn push(&mut self, item: T) -> bool {
        let Some(place) = self.items.get_mut(usize::from(self.length)) else { return false };
        *place = item;
        self.length += 1;
        true
    }

    fn pop(&mut self) {
        if self.length > 0 {
            self.items.copy_within(1.., 0);
            self.cut(usize::from(self.length) - 1);
        }
    }
}

impl<const SERVERS: usize, const LOG: usize> Shape for Small<SERVERS, LOG> {
    const SERVERS_MAX: usize = SERVERS;
    type Num = u8;
    type Payload = u8;
    type Log = SmallLog<LOG>;
    type Logs = Ledger<LOG>;
    type Table<T: Value> = Rows<T, SERVERS>;
    type Queue<T: Value> = Few<T, LOG>;

    fn length(log: &Self::Log) -> usize {
        log.numbers().len()
    }

    fn get(ledger: &Self::Logs, log: &Self::Log, index: usize) -> Option<Txn<u8, u8>> {
        ledger.get(*log.0.get(index)?)
    }

    fn append(ledger: &Self::Logs, log: &Self::Log, txn: Txn<u8, u8>) -> Option<Self::Log> {
        let mut longer = *log;
        *longer.0.get_mut(Self::length(log))? = ledger.number(txn)?;
        Some(longer)
    }

    fn prefix(_: &Self::Logs, log: &Self::Log, length: usize) -> Self::Log {
        let mut shorter = *log;
        shorter.0.iter_mut().skip(length).for_each(|number| *number = 0);
        shorter
    }

    fn length_at(ledger: &Self::Logs, log: &Self::Log, zxid: Zxid<u8>) -> Option<usize> {
        length_of(log.numbers(), |number| ledger.get(number).is_some_and(|txn| txn.zxid == zxid))
    }

    fn count_to(ledger: &Self::Logs, log: &Self::Log, zxid: Zxid<u8>) -> usize {
        let is_covered = |number| ledger.get(number).is_some_and(|txn| txn.zxid <= zxid);
        length_of(log.numbers(), is_covered).unwrap_or(0)
    }

    fn digest(ledger: &Self::Logs, log: &Self::Log) -> u64 {
        let txns = log.numbers().iter().filter_map(|number| ledger.get(*number));
        txns.fold(0, |before, Txn { zxid, payload }| {
            chain_digest(before, zxid.epoch.into(), zxid.counter.into(), payload.into())
        })
    }
}

/// How many numbers there are up to the last one that is meant.
fn length_of(numbers: &[u8], is_meant: impl Fn(u8) -> bool) -> Option<usize> {
    Some(numbers.iter().rposition(|number| is_meant(*number))? + 1)
}
