//! The shape for exploration: fixed capacity, bytes only, no padding, nothing on the heap.

use std::fmt::Debug;

use zab_flat::flat;

use super::{Queue, Shape, Table, chain_digest};
use crate::number::Value;
use crate::types::{ServerId, Txn};

/// Up to `SERVERS` servers whose histories have up to `LOG` transactions.
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

/// A history of at most `N` transactions.
pub type SmallLog<const N: usize> = Few<Txn<u8, u8>, N>;

impl<T: Value, const N: usize> Default for Few<T, N> {
    fn default() -> Self {
        Self { length: 0, items: [T::default(); N] }
    }
}

impl<T: Value, const N: usize> Few<T, N> {
    fn cut(&mut self, length: usize) {
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
    type Logs = ();
    type Table<T: Value> = Rows<T, SERVERS>;
    type Queue<T: Value> = Few<T, LOG>;

    fn length(log: &Self::Log) -> usize {
        usize::from(log.length)
    }

    fn get((): &(), log: &Self::Log, index: usize) -> Option<Txn<u8, u8>> {
        log.as_slice().get(index).copied()
    }

    fn append((): &(), log: &Self::Log, txn: Txn<u8, u8>) -> Option<Self::Log> {
        let mut longer = *log;
        longer.push(txn).then_some(longer)
    }

    fn prefix((): &(), log: &Self::Log, length: usize) -> Self::Log {
        let mut shorter = *log;
        shorter.cut(length);
        shorter
    }

    fn digest((): &(), log: &Self::Log) -> u64 {
        log.as_slice().iter().fold(0, |before, txn| {
            let Txn { zxid, payload } = *txn;
            chain_digest(before, zxid.epoch.into(), zxid.counter.into(), payload.into())
        })
    }
}
