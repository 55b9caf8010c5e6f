//! Histories with the methods that rules use.

use crate::shape::{Shape, TxnOf};
use crate::types::Zxid;

/// A history with the storage of its transactions. A state holds the history alone, and so stays
/// flat.
#[derive(Debug)]
pub struct History<'a, S: Shape> {
    logs: &'a S::Logs,
    log: S::Log,
}

impl<S: Shape> Clone for History<'_, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S: Shape> Copy for History<'_, S> {}

impl<'a, S: Shape> History<'a, S> {
    /// A history whose transactions are in `logs`.
    pub fn new(logs: &'a S::Logs, log: S::Log) -> Self {
        Self { logs, log }
    }

    /// How many transactions it has.
    #[must_use]
    pub fn length(&self) -> usize {
        S::length(&self.log)
    }

    /// The transaction at an index, from 0.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<TxnOf<S>> {
        S::get(self.logs, &self.log, index)
    }

    /// The zxid of the transaction at an index, from 0.
    #[must_use]
    pub fn zxid(&self, index: usize) -> Option<Zxid<S::Num>> {
        self.get(index).map(|txn| txn.zxid)
    }

    /// The last zxid; `0.0` if there is none.
    #[must_use]
    pub fn last(&self) -> Zxid<S::Num> {
        self.zxid_at(self.length())
    }

    /// The zxid that the first `length` transactions end with; `0.0` for none.
    #[must_use]
    pub fn zxid_at(&self, length: usize) -> Zxid<S::Num> {
        length.checked_sub(1).and_then(|index| self.zxid(index)).unwrap_or_default()
    }

    /// The length of the prefix that ends with the last transaction at or before `zxid`.
    #[must_use]
    pub fn count_to(&self, zxid: Zxid<S::Num>) -> usize {
        S::count_to(self.logs, &self.log, zxid)
    }

    /// The length of the prefix that ends with `zxid`; 0 for `0.0`; `None` if no transaction has
    /// this zxid.
    #[must_use]
    pub fn length_at(&self, zxid: Zxid<S::Num>) -> Option<usize> {
        if zxid == Zxid::default() { Some(0) } else { S::length_at(self.logs, &self.log, zxid) }
    }

    /// The transaction after this position, if there is one.
    #[must_use]
    pub fn next_after(&self, zxid: Zxid<S::Num>) -> Option<Zxid<S::Num>> {
        self.zxid(self.count_to(zxid))
    }

    /// The transactions after `after`, up to and with `to`.
    pub fn range(
        self,
        after: Zxid<S::Num>,
        to: Zxid<S::Num>,
    ) -> impl Iterator<Item = TxnOf<S>> + use<'a, S> {
        let places = self.count_to(after)..self.count_to(to);
        places.filter_map(move |index| self.get(index))
    }

    /// The transactions after `after`.
    pub fn after(self, after: Zxid<S::Num>) -> impl Iterator<Item = TxnOf<S>> + use<'a, S> {
        let places = self.count_to(after)..self.length();
        places.filter_map(move |index| self.get(index))
    }

    /// The history continued with what `other` has from an index on; as far as there is room.
    #[must_use]
    pub fn continued(&self, other: &Self, from: usize) -> S::Log {
        if other.prefix(from) == self.log {
            return other.log;
        }
        let mut log = self.log;
        for txn in (from..other.length()).filter_map(|index| other.get(index)) {
            log = S::append(self.logs, &log, txn).unwrap_or(log);
        }
        log
    }

    /// The history with one more transaction; `None` if a `Small` one has no room for it.
    #[must_use]
    pub fn append(&self, txn: TxnOf<S>) -> Option<S::Log> {
        S::append(self.logs, &self.log, txn)
    }

    /// The first `length` transactions; all of them if there are fewer.
    #[must_use]
    pub fn prefix(&self, length: usize) -> S::Log {
        S::prefix(self.logs, &self.log, length)
    }

    /// The history without what comes after `zxid`.
    #[must_use]
    pub fn truncate(&self, zxid: Zxid<S::Num>) -> S::Log {
        self.prefix(self.count_to(zxid))
    }

    /// The digest as `traces/README.md` defines it.
    #[must_use]
    pub fn digest(&self) -> u64 {
        S::digest(self.logs, &self.log)
    }
}
