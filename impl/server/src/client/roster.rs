//! All connections of clients, for those who ask with a four-letter word.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicI32, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::limits::Stats;

/// All connections of clients.
#[derive(Debug, Default)]
pub(crate) struct Roster {
    entries: Arc<Mutex<Entries>>,
}

#[derive(Debug, Default)]
struct Entries {
    by_number: BTreeMap<u64, Arc<Entry>>,
    /// Numbers the connections.
    last: u64,
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Where the client is.
    pub(crate) address: SocketAddr,
    /// When it connected, in milliseconds since 1970.
    pub(crate) established_ms: u64,
    /// What it asked and was told.
    pub(crate) stats: Stats,
    /// Its session, or 0.
    session: AtomicI64,
    timeout_ms: AtomicI32,
    last_op: AtomicI32,
    last_xid: AtomicI32,
    last_zxid: AtomicI64,
    last_answer_ms: AtomicU64,
}

/// What a connection was last about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Now {
    /// Its session, or 0.
    pub(crate) session: i64,
    /// The session's timeout.
    pub(crate) timeout_ms: i32,
    /// The operation that was answered last; 0 if none was.
    pub(crate) op: i32,
    /// The client's number of that request.
    pub(crate) xid: i32,
    /// The zxid in that answer.
    pub(crate) zxid: i64,
    /// When it was answered, in milliseconds since 1970.
    pub(crate) answer_ms: u64,
}

/// A connection's place, until it is dropped.
#[derive(Debug)]
pub(super) struct Listed {
    number: u64,
    entry: Arc<Entry>,
    entries: Arc<Mutex<Entries>>,
}

impl Roster {
    /// One more connection.
    pub(super) fn enter(&self, address: SocketAddr, established_ms: u64) -> Listed {
        let entry = Arc::new(Entry {
            address,
            established_ms,
            stats: Stats::default(),
            session: AtomicI64::new(0),
            timeout_ms: AtomicI32::new(0),
            last_op: AtomicI32::new(0),
            last_xid: AtomicI32::new(0),
            last_zxid: AtomicI64::new(0),
            last_answer_ms: AtomicU64::new(0),
        });
        let mut entries = self.entries();
        entries.last += 1;
        let number = entries.last;
        entries.by_number.insert(number, Arc::clone(&entry));
        Listed { number, entry, entries: Arc::clone(&self.entries) }
    }

    /// All of them, in the order in which they came.
    pub(crate) fn all(&self) -> Vec<Arc<Entry>> {
        self.entries().by_number.values().cloned().collect()
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listed {
    /// The connection.
    pub(super) fn entry(&self) -> Arc<Entry> {
        Arc::clone(&self.entry)
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.by_number.remove(&self.number);
    }
}

impl Entry {
    /// It has a session now.
    pub(super) fn welcome(&self, session: i64, timeout_ms: i32) {
        self.session.store(session, Ordering::Relaxed);
        self.timeout_ms.store(timeout_ms, Ordering::Relaxed);
    }

    /// A request was answered.
    pub(super) fn answered(&self, op: i32, xid: i32, zxid: i64, answer_ms: u64) {
        self.last_op.store(op, Ordering::Relaxed);
        self.last_xid.store(xid, Ordering::Relaxed);
        self.last_zxid.store(zxid, Ordering::Relaxed);
        self.last_answer_ms.store(answer_ms, Ordering::Relaxed);
    }

    /// What it was last about.
    pub(crate) fn now(&self) -> Now {
        Now {
            session: self.session.load(Ordering::Relaxed),
            timeout_ms: self.timeout_ms.load(Ordering::Relaxed),
            op: self.last_op.load(Ordering::Relaxed),
            xid: self.last_xid.load(Ordering::Relaxed),
            zxid: self.last_zxid.load(Ordering::Relaxed),
            answer_ms: self.last_answer_ms.load(Ordering::Relaxed),
        }
    }
}
