//! The shape for traces: histories of any length, stored once for all servers.
//!
//! Histories form a tree of *branches*. A branch continues its parent from some length on. A
//! handle is a branch and a length. Appending what the branch already holds at that place returns
//! the longer handle and stores nothing, so the same transaction in five servers is one entry.
//! Appending something else starts a branch. Every history has exactly one handle (its branch is
//! the one that holds its last transaction), so handles are compared instead of histories.

use std::cell::RefCell;
use std::fmt::Debug;

use super::small::Rows;
use super::{Queue, Shape, chain_digest};
use crate::number::Value;
use crate::types::{Txn, Zxid};

/// As many transactions as memory holds, up to 16 servers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Wide;

/// A history: its first `length` transactions as the branch knows them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct LogHandle {
    branch: u32,
    length: u32,
}

/// A transaction and the digest of the history that ends with it: 24 bytes.
#[derive(Clone, Copy, Debug)]
struct Entry {
    txn: Txn<u32, u64>,
    digest: u64,
}

#[derive(Debug, Default)]
struct Branch {
    /// The branch that holds what comes before; the root is its own parent.
    parent: u32,
    /// How many transactions come before.
    start: u32,
    entries: Vec<Entry>,
    /// Branches that continue this one, with the length from which they do.
    children: Vec<u32>,
    /// How many transactions of the history that ends with this branch, from the front, have
    /// ascending zxids.
    ascending: u32,
}

/// The storage that all histories of one trace share. Entries are never changed or removed.
#[derive(Debug)]
pub struct Logs(RefCell<Vec<Branch>>);

impl Default for Logs {
    fn default() -> Self {
        Self(RefCell::new(vec![Branch::default()]))
    }
}

fn at<T>(items: &[T], index: u32) -> Option<&T> {
    usize::try_from(index).ok().and_then(|index| items.get(index))
}

/// The branch that holds the transaction at `index` of a history that ends in `branch`.
fn holder(branches: &[Branch], mut branch: u32, index: u32) -> Option<&Branch> {
    loop {
        let found = at(branches, branch)?;
        if index >= found.start {
            return Some(found);
        }
        branch = found.parent;
    }
}

fn entry(branches: &[Branch], log: LogHandle, index: u32) -> Option<Entry> {
    if index >= log.length {
        return None;
    }
    let branch = holder(branches, log.branch, index)?;
    at(&branch.entries, index - branch.start).copied()
}

impl Logs {
    /// How many transactions are stored, each counted once however many servers hold it.
    #[must_use]
    pub fn stored(&self) -> usize {
        self.0.borrow().iter().map(|branch| branch.entries.len()).sum()
    }

    fn append(&self, log: LogHandle, txn: Txn<u32, u64>) -> Option<LogHandle> {
        let mut branches = self.0.borrow_mut();
        let length = log.length.checked_add(1)?;
        let before = log.length.checked_sub(1).and_then(|index| entry(&branches, log, index));
        let digest = before.map_or(0, |entry| entry.digest);
        let digest = chain_digest(digest, txn.zxid.epoch, txn.zxid.counter, txn.payload);
        let ascends = before.is_none_or(|entry| entry.txn.zxid < txn.zxid);
        let new = u32::try_from(branches.len()).ok()?;
        let branch = branches.get_mut(usize::try_from(log.branch).ok()?)?;
        let place = log.length.checked_sub(branch.start)?;
        match at(&branch.entries, place) {
            None => {
                branch.entries.push(Entry { txn, digest });
                branch.ascending += u32::from(ascends && branch.ascending == log.length);
                return Some(LogHandle { length, ..log });
            }
            Some(held) if held.txn == txn => return Some(LogHandle { length, ..log }),
            Some(_) => {}
        }
        let continues = |child: &&u32| {
            at(&branches, **child).is_some_and(|child| {
                child.start == log.length && child.entries.first().is_some_and(|e| e.txn == txn)
            })
        };
        let known = at(&branches, log.branch)?.children.iter().find(continues).copied();
        if let Some(branch) = known {
            return Some(LogHandle { branch, length });
        }
        let entries = vec![Entry { txn, digest }];
        let ascending = at(&branches, log.branch)?.ascending.min(log.length);
        let ascending = ascending + u32::from(ascends && ascending == log.length);
        let (parent, start, children) = (log.branch, log.length, vec![]);
        branches.push(Branch { parent, start, entries, children, ascending });
        branches.get_mut(usize::try_from(log.branch).ok()?)?.children.push(new);
        Some(LogHandle { branch: new, length })
    }

    /// The length up to the last transaction that is at or before `zxid`; the search halves the
    /// history as long as zxids ascend, as they do where every server follows the rules.
    fn count_to(&self, log: LogHandle, zxid: Zxid<u32>) -> u32 {
        let branches = self.0.borrow();
        let is_covered =
            |index| entry(&branches, log, index).is_some_and(|entry| entry.txn.zxid <= zxid);
        if at(&branches, log.branch).is_some_and(|branch| log.length > branch.ascending) {
            return (0..log.length).rfind(|index| is_covered(*index)).map_or(0, |index| index + 1);
        }
        let (mut low, mut high) = (0, log.length);
        while low < high {
            let middle = low + (high - low) / 2;
            if is_covered(middle) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// The length up to the last transaction with this zxid.
    fn length_at(&self, log: LogHandle, zxid: Zxid<u32>) -> Option<u32> {
        let mut length = self.count_to(log, zxid);
        let branches = self.0.borrow();
        let ascends = at(&branches, log.branch).is_none_or(|branch| log.length <= branch.ascending);
        let is_at = |length: u32| {
            let last = length.checked_sub(1).and_then(|index| entry(&branches, log, index));
            last.is_some_and(|entry| entry.txn.zxid == zxid)
        };
        while !is_at(length) {
            if ascends {
                return None;
            }
            length = length.checked_sub(1)?;
        }
        Some(length)
    }

    fn prefix(&self, log: LogHandle, length: u32) -> LogHandle {
        let branches = self.0.borrow();
        let mut cut = LogHandle { length: log.length.min(length), ..log };
        // A handle names the branch of its last transaction; the empty history is in the root.
        while let Some(branch) = at(&branches, cut.branch)
            && cut.branch != 0
            && cut.length <= branch.start
        {
            cut.branch = branch.parent;
        }
        cut
    }
}

impl<T: Value> Queue<T> for Vec<T> {
    fn as_slice(&self) -> &[T] {
        self
    }

    fn as_mut_slice(&mut self) -> &mut [T] {
        self
    }

    fn push(&mut self, item: T) -> bool {
        Self::push(self, item);
        true
    }

    fn pop(&mut self) {
        if !self.is_empty() {
            self.remove(0);
        }
    }
}

impl Shape for Wide {
    const SERVERS_MAX: usize = 16;
    type Num = u32;
    type Payload = u64;
    type Log = LogHandle;
    type Logs = Logs;
    type Table<T: Value> = Rows<T, 16>;
    type Queue<T: Value> = Vec<T>;

    fn length(log: &LogHandle) -> usize {
        usize::try_from(log.length).unwrap_or(usize::MAX)
    }

    fn get(logs: &Logs, log: &LogHandle, index: usize) -> Option<Txn<u32, u64>> {
        let index = u32::try_from(index).ok()?;
        entry(&logs.0.borrow(), *log, index).map(|entry| entry.txn)
    }

    fn append(logs: &Logs, log: &LogHandle, txn: Txn<u32, u64>) -> Option<LogHandle> {
        logs.append(*log, txn)
    }

    fn prefix(logs: &Logs, log: &LogHandle, length: usize) -> LogHandle {
        logs.prefix(*log, u32::try_from(length).unwrap_or(u32::MAX))
    }

    fn length_at(logs: &Logs, log: &LogHandle, zxid: Zxid<u32>) -> Option<usize> {
        logs.length_at(*log, zxid).and_then(|length| usize::try_from(length).ok())
    }

    fn count_to(logs: &Logs, log: &LogHandle, zxid: Zxid<u32>) -> usize {
        usize::try_from(logs.count_to(*log, zxid)).unwrap_or(usize::MAX)
    }

    fn digest(logs: &Logs, log: &LogHandle) -> u64 {
        let last = log.length.checked_sub(1);
        last.and_then(|index| entry(&logs.0.borrow(), *log, index)).map_or(0, |entry| entry.digest)
    }
}
