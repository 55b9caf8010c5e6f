//! One set of rules, two shapes of state.
//!
//! [`Small`] is for exploration: bytes in place, copied and compared as bytes; a history is the
//! numbers of its transactions. [`Wide`] is for traces of any length: a history is a handle. Either
//! way the transactions themselves are in storage that all servers share.
//! A rule knows only this trait.

mod small;
mod wide;

use std::fmt::{Debug, Display};
use std::hash::Hash;

pub use self::small::{Few, Ledger, Small, SmallLog, Transactions};
pub use self::wide::{LogHandle, Logs, Wide};
use crate::number::{Number, Value};
use crate::types::{ServerId, Txn, Zxid};

/// A table with a row for each server.
pub trait Table<T>: Clone + Debug + Default + Eq + Hash {
    /// A server's row; the default for a server that has none.
    fn row(&self, id: ServerId) -> T;
    /// Changes a server's row; nothing happens if it has none.
    fn set(&mut self, id: ServerId, value: T);
}

/// A first-in, first-out queue. A `Small` one refuses what does not fit.
pub trait Queue<T>: Clone + Debug + Default + Eq + Hash {
    /// The items, first one first.
    fn as_slice(&self) -> &[T];
    /// The items, to be changed in place.
    fn as_mut_slice(&mut self) -> &mut [T];
    /// Appends; `false`, and no change, when the queue is full.
    fn push(&mut self, item: T) -> bool;
    /// Takes the first item away, if there is one.
    fn pop(&mut self);
}

/// The transaction type of a shape.
pub type TxnOf<S> = Txn<<S as Shape>::Num, <S as Shape>::Payload>;

/// A round of elections of a shape.
pub type RoundOf<S> = <<S as Shape>::Num as Number>::Round;

/// How the state of a server is laid out.
pub trait Shape: Copy + Debug + Default + Eq + Hash + 'static {
    /// How many servers a table has rows for; ids are 1 to this.
    const SERVERS_MAX: usize;
    /// Epochs, counters and lengths; rounds go with them ([`Number::Round`]).
    type Num: Number;
    /// Identifies a payload.
    type Payload: Value + Ord + Display;
    /// A history; equal values are equal histories of one storage, and the default is the empty one.
    type Log: Value;
    /// The storage of the transactions, which histories refer to.
    type Logs: Debug + Default;
    /// A table with a row for each server.
    type Table<T: Value>: Table<T>;
    /// A queue for what is in flight.
    type Queue<T: Value>: Queue<T>;

    /// How many transactions a history has.
    fn length(log: &Self::Log) -> usize;
    /// The transaction at an index, from 0.
    fn get(logs: &Self::Logs, log: &Self::Log, index: usize) -> Option<TxnOf<Self>>;
    /// The history with one more transaction; `None` if that does not fit.
    fn append(logs: &Self::Logs, log: &Self::Log, txn: TxnOf<Self>) -> Option<Self::Log>;
    /// The history's first `length` transactions; all of them if it has fewer.
    fn prefix(logs: &Self::Logs, log: &Self::Log, length: usize) -> Self::Log;
    /// The length of the prefix that ends with this transaction. It is looked for from the end, by
    /// place: zxids need not ascend.
    fn length_at(logs: &Self::Logs, log: &Self::Log, zxid: Zxid<Self::Num>) -> Option<usize>;
    /// The length of the prefix that ends with the last transaction at or before this position,
    /// looked for in the same way; 0 if there is none.
    fn count_to(logs: &Self::Logs, log: &Self::Log, zxid: Zxid<Self::Num>) -> usize;
    /// The digest of a history as `traces/README.md` defines it. The model has its own computation,
    /// so that an error in either shows.
    fn digest(logs: &Self::Logs, log: &Self::Log) -> u64;
}

/// FNV-1a, 64 bit, over a log's last digest and one more transaction.
fn chain_digest(before: u64, epoch: u32, counter: u32, payload: u64) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let bytes = before
        .to_be_bytes()
        .into_iter()
        .chain(epoch.to_be_bytes())
        .chain(counter.to_be_bytes())
        .chain(payload.to_be_bytes());
    for byte in bytes {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    hash
}
