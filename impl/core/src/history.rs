//! The history of one server, in memory. Log, tree and window are one here (D-STORES).

use std::collections::VecDeque;
use std::sync::Arc;

use zab_trace::{LogDigest, TxnDigest, txn_digest};

use crate::{Base, Message, RecoverError, Txn, Zxid};

/// Whether `zxid` may come right after `last`: `next` of the rules.
#[must_use]
pub fn is_next(last: Zxid, zxid: Zxid) -> bool {
    let same_epoch = zxid.epoch == last.epoch && last.counter.checked_add(1) == Some(zxid.counter);
    let newer_epoch = zxid.epoch > last.epoch && zxid.counter == 1;
    same_epoch || newer_epoch
}

/// One transaction of a history.
#[derive(Clone, Debug)]
struct Entry {
    zxid: Zxid,
    /// The digest of the log that ends here, if known.
    log: Option<LogDigest>,
    payload: Payload,
}

/// The bytes of a transaction.
#[derive(Clone, Debug)]
enum Payload {
    /// In memory.
    Held(Arc<[u8]>),
    /// In the log only.
    Stored(TxnDigest),
}

impl Payload {
    /// Its bytes in memory.
    fn held_bytes(&self) -> usize {
        match self {
            Self::Held(bytes) => bytes.len(),
            Self::Stored(_) => 0,
        }
    }
}

/// A history: a base, and the transactions after it.
///
/// The base moves: of what is committed only the last transactions are kept, as many as the window
/// of `zk.sync.diff` has. No rule asks for older ones: a commit is never taken back, so no leader
/// truncates to one of them.
///
/// 1. Each transaction is `is_next` of the one before, the first of the base.
/// 2. The first `durable` transactions are durable; the rest is the unsynced tail.
/// 3. The payload of the first `stored` transactions is in the log only, that of the others is in
///    memory: `held_bytes` in all.
/// 4. `stored <= durable <=` the number of transactions.
#[derive(Clone, Debug)]
pub(crate) struct History {
    base: Base,
    entries: VecDeque<Entry>,
    durable: usize,
    stored: usize,
    held_bytes: usize,
}

impl History {
    /// The history that a disk held: all of it is durable.
    pub(crate) fn recovered(base: Base, txns: Vec<Txn>) -> Result<Self, RecoverError> {
        let mut history = Self::after_snapshot(base);
        for txn in txns {
            if !is_next(history.last(), txn.zxid) {
                return Err(RecoverError::Gap { last: history.last(), found: txn.zxid });
            }
            history.append(txn);
        }
        history.mark_durable();
        Ok(history)
    }

    /// A history that is only a base.
    pub(crate) fn after_snapshot(base: Base) -> Self {
        Self { base, entries: VecDeque::new(), durable: 0, stored: 0, held_bytes: 0 }
    }

    /// What lies before the transactions that are kept.
    pub(crate) fn base(&self) -> Base {
        self.base
    }

    /// The last zxid; `0.0` if there is none.
    pub(crate) fn last(&self) -> Zxid {
        self.entries.back().map_or(self.base.zxid, |entry| entry.zxid)
    }

    /// The last durable zxid.
    pub(crate) fn last_durable(&self) -> Zxid {
        match self.durable.checked_sub(1) {
            Some(index) => self.entries[index].zxid,
            None => self.base.zxid,
        }
    }

    /// How many transactions it has, if known, and their log digest.
    pub(crate) fn log(&self) -> Option<(u64, LogDigest)> {
        let (base_length, base_digest) = self.base.log?;
        let digest = self.entries.back().map_or(Some(base_digest), |entry| entry.log)?;
        Some((base_length + self.entries.len() as u64, digest))
    }

    /// Appends to the unsynced tail; the digest of what was appended.
    pub(crate) fn append(&mut self, txn: Txn) -> TxnDigest {
        assert!(is_next(self.last(), txn.zxid), "{} appended after {}", txn.zxid, self.last());
        let digest = txn_digest(&txn.payload);
        let log = self.log().map(|(_, log)| log.after(txn.zxid, digest));
        self.held_bytes += txn.payload.len();
        self.entries.push_back(Entry { zxid: txn.zxid, log, payload: Payload::Held(txn.payload) });
        digest
    }

    /// Notes that everything is durable.
    pub(crate) fn mark_durable(&mut self) {
        self.durable = self.entries.len();
    }

    /// Notes that the tail is durable up to here, and gives the zxids that were not before.
    /// Nothing, if this is no transaction of the tail.
    pub(crate) fn mark_durable_to(&mut self, zxid: Zxid) -> Vec<Zxid> {
        let Some(end) =
            self.find(zxid).ok().map(|index| index + 1).filter(|end| *end > self.durable)
        else {
            return Vec::new();
        };
        let synced = self.entries.range(self.durable..end).map(|entry| entry.zxid).collect();
        self.durable = end;
        synced
    }

    /// Whether `truncate` can cut here: `0.0`, the base, or a transaction.
    pub(crate) fn can_truncate(&self, zxid: Zxid) -> bool {
        zxid == Zxid::ZERO || zxid == self.base.zxid || self.find(zxid).is_ok()
    }

    /// Whether this is a position before the base, and not the very first: what is there is known
    /// only as a whole.
    pub(crate) fn is_before_base(&self, zxid: Zxid) -> bool {
        zxid != Zxid::ZERO && zxid < self.base.zxid
    }

    /// Cuts after `zxid`. Nothing may be unsynced: the cut is a write of its own.
    pub(crate) fn truncate(&mut self, zxid: Zxid) {
        assert!(self.can_truncate(zxid), "cut at {zxid}, outside of the history");
        assert_eq!(self.durable, self.entries.len(), "cut while a tail is unsynced");
        if zxid == Zxid::ZERO {
            *self = Self::after_snapshot(Base::EMPTY);
            return;
        }
        for entry in self.entries.drain(self.count_to(zxid)..) {
            self.held_bytes -= entry.payload.held_bytes();
        }
        self.durable = self.entries.len();
        self.stored = self.stored.min(self.durable);
    }

    /// The transaction after this position, if there is one.
    pub(crate) fn next_after(&self, zxid: Zxid) -> Option<Zxid> {
        self.entries.get(self.count_to(zxid)).map(|entry| entry.zxid)
    }

    /// The transactions after `after`, up to and with `to`, which are all in memory.
    pub(crate) fn range(&self, after: Zxid, to: Zxid) -> impl Iterator<Item = Txn> + '_ {
        let first = self.count_to(after);
        let end = self.count_to(to).max(first);
        self.entries.range(first..end).map(|entry| match &entry.payload {
            Payload::Held(payload) => Txn { zxid: entry.zxid, payload: Arc::clone(payload) },
            Payload::Stored(_) => unreachable!("{} is not in memory any more", entry.zxid),
        })
    }

    /// The transactions after `after`, up to and with `to`, as a learner gets them.
    pub(crate) fn proposals(
        &self,
        after: Zxid,
        to: Zxid,
    ) -> impl Iterator<Item = (Zxid, Message)> + '_ {
        let first = self.count_to(after);
        let end = self.count_to(to).max(first);
        self.entries.range(first..end).map(|Entry { zxid, payload, .. }| {
            let message = match payload {
                Payload::Held(payload) => {
                    let payload = Arc::clone(payload);
                    Message::Proposal { txn: Txn { zxid: *zxid, payload } }
                }
                Payload::Stored(digest) => Message::Stored { zxid: *zxid, digest: *digest },
            };
            (*zxid, message)
        })
    }

    /// The zxids of the last `window` transactions up to `to`, as far as they are kept.
    pub(crate) fn window(&self, to: Zxid, window: usize) -> Vec<Zxid> {
        let end = self.count_to(to);
        let first = end.saturating_sub(window);
        self.entries.range(first..end).map(|entry| entry.zxid).collect()
    }

    /// Forgets what lies more than `window` transactions before `to`, and leaves the payloads of the
    /// oldest others up to `to` to the log, until no more than `held` bytes are in memory.
    pub(crate) fn trim(&mut self, to: Zxid, window: usize, held: usize) {
        let end = self.count_to(to).min(self.durable);
        for _ in window..end {
            self.forget_first();
        }
        let end = end.min(window);
        while self.held_bytes > held && self.stored < end {
            let payload = &mut self.entries[self.stored].payload;
            if let Payload::Held(bytes) = payload {
                self.held_bytes -= bytes.len();
                *payload = Payload::Stored(txn_digest(bytes));
            }
            self.stored += 1;
        }
    }

    /// Moves the base over the first transaction, which is durable.
    fn forget_first(&mut self) {
        let Some(Entry { zxid, log, payload }) = self.entries.pop_front() else { return };
        let length = self.base.log.map(|(length, _)| length + 1);
        self.base = Base { zxid, log: length.zip(log) };
        self.held_bytes -= payload.held_bytes();
        self.durable -= 1;
        self.stored = self.stored.saturating_sub(1);
    }

    /// The transaction's place, or where it would be.
    fn find(&self, zxid: Zxid) -> Result<usize, usize> {
        self.entries.binary_search_by(|entry| entry.zxid.cmp(&zxid))
    }

    /// How many transactions are at or before `zxid`.
    fn count_to(&self, zxid: Zxid) -> usize {
        match self.find(zxid) {
            Ok(index) => index + 1,
            Err(index) => index,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(base: Zxid, zxids: &[(u32, u32)]) -> History {
        let base = Base { zxid: base, log: None };
        let txns = zxids.iter().map(|(e, c)| Txn::new(Zxid::new(*e, *c), [])).collect();
        History::recovered(base, txns).expect("no gap")
    }

    fn zxids(history: &History, after: Zxid) -> Vec<Zxid> {
        history.range(after, history.last()).map(|txn| txn.zxid).collect()
    }

    #[test]
    fn what_may_follow_what() {
        let next = |last: (u32, u32), zxid: (u32, u32)| {
            is_next(Zxid::new(last.0, last.1), Zxid::new(zxid.0, zxid.1))
        };
        assert!(next((0, 0), (1, 1)));
        assert!(next((1, 1), (1, 2)));
        assert!(next((1, 1), (4, 1)));
        assert!(!next((1, 1), (1, 1)));
        assert!(!next((1, 1), (1, 3)));
        assert!(!next((1, 1), (2, 2)));
        assert!(!next((2, 1), (1, 2)));
        assert!(!next((1, u32::MAX), (1, 0)));
    }

    #[test]
    fn a_cut_keeps_what_is_before_it() {
        let mut cut = history(Zxid::ZERO, &[(1, 1), (1, 2), (2, 1)]);
        assert!(!cut.can_truncate(Zxid::new(1, 3)));
        cut.truncate(Zxid::new(1, 2));
        assert_eq!(zxids(&cut, Zxid::ZERO), [Zxid::new(1, 1), Zxid::new(1, 2)]);
        assert_eq!(cut.last_durable(), Zxid::new(1, 2));
    }

    #[test]
    fn a_snapshot_can_be_kept_or_dropped_but_not_cut() {
        let base = Zxid::new(5, 3);
        let mut cut = history(base, &[(5, 4)]);
        assert!(!cut.can_truncate(Zxid::new(5, 2)));
        let before = [Zxid::ZERO, Zxid::new(5, 2), base, Zxid::new(5, 4)];
        assert_eq!(before.map(|zxid| cut.is_before_base(zxid)), [false, true, false, false]);
        cut.truncate(base);
        assert_eq!((cut.last(), cut.log()), (base, None));
        cut.truncate(Zxid::ZERO);
        assert_eq!(cut.log(), Some((0, LogDigest::EMPTY)));
    }

    #[test]
    fn a_report_makes_a_prefix_of_the_tail_durable() {
        let mut log = history(Zxid::ZERO, &[(1, 1)]);
        log.append(Txn::new(Zxid::new(1, 2), []));
        log.append(Txn::new(Zxid::new(1, 3), []));
        assert_eq!(log.last_durable(), Zxid::new(1, 1));
        assert_eq!(log.mark_durable_to(Zxid::new(1, 1)), []);
        assert_eq!(log.mark_durable_to(Zxid::new(1, 3)), [Zxid::new(1, 2), Zxid::new(1, 3)]);
        assert_eq!(log.mark_durable_to(Zxid::new(1, 2)), []);
    }

    #[test]
    fn payloads_are_kept_as_long_as_the_window_needs_them() {
        let mut log = history(Zxid::ZERO, &[(1, 1), (1, 2), (1, 3), (1, 4), (1, 5)]);
        log.trim(Zxid::new(1, 4), 2, usize::MAX);
        assert_eq!(log.window(Zxid::new(1, 4), 2), [Zxid::new(1, 3), Zxid::new(1, 4)]);
        assert_eq!(log.range(Zxid::new(1, 2), Zxid::new(1, 4)).count(), 2);
        assert_eq!(log.range(Zxid::new(1, 1), Zxid::new(1, 1)).count(), 0);
        // What was forgotten is in no window any more.
        log.truncate(Zxid::new(1, 3));
        assert_eq!(log.window(Zxid::new(1, 3), 2), [Zxid::new(1, 3)]);
    }

    /// The base moves with the window, and takes length and digest of the log along.
    #[test]
    fn no_more_than_the_window_and_what_is_not_committed_is_kept() {
        let zxid = |counter| Zxid::new(1, counter);
        let (mut trimmed, mut whole) = (history(Zxid::ZERO, &[]), history(Zxid::ZERO, &[]));
        trimmed.base = Base::EMPTY;
        whole.base = Base::EMPTY;
        for counter in 1..=1000 {
            for log in [&mut trimmed, &mut whole] {
                log.append(Txn::new(zxid(counter), [7; 10]));
                log.mark_durable();
            }
            trimmed.trim(zxid(counter.saturating_sub(3)), 5, usize::MAX);
            assert!(trimmed.entries.len() <= 8);
            assert_eq!(trimmed.log(), whole.log());
        }
        assert_eq!((trimmed.entries.len(), trimmed.held_bytes), (8, 80));
        assert_eq!(trimmed.base.zxid, zxid(992));
        assert!(!trimmed.can_truncate(zxid(991)));
        for log in [&mut trimmed, &mut whole] {
            log.truncate(zxid(992));
        }
        assert_eq!(trimmed.log(), whole.log());
        trimmed.truncate(Zxid::ZERO);
        assert_eq!((trimmed.last(), trimmed.log()), (Zxid::ZERO, Some((0, LogDigest::EMPTY))));
    }

    #[test]
    fn what_is_not_in_memory_is_still_in_the_window() {
        let mut log = history(Zxid::ZERO, &[]);
        for counter in 1..=6 {
            log.append(Txn::new(Zxid::new(1, counter), [7; 10]));
        }
        log.mark_durable();
        log.trim(Zxid::new(1, 5), 4, 25);
        // Forgotten: 1. In the log: 2, 3, 4. In memory: 5, and 6, which is not committed.
        assert_eq!(log.held_bytes, 20);
        assert_eq!(log.window(Zxid::new(1, 5), 9).len(), 4);
        let kinds: Vec<bool> = log
            .proposals(Zxid::new(1, 1), Zxid::new(1, 6))
            .map(|(zxid, message)| {
                let digest = txn_digest(&[7; 10]);
                let is_stored = message == Message::Stored { zxid, digest };
                let txn = Txn::new(zxid, [7; 10]);
                assert!(is_stored || message == Message::Proposal { txn });
                is_stored
            })
            .collect();
        assert_eq!(kinds, [true, true, true, false, false]);
        assert_eq!(log.range(Zxid::new(1, 4), Zxid::new(1, 6)).count(), 2);
        log.truncate(Zxid::new(1, 5));
        assert_eq!(log.held_bytes, 10);
        log.truncate(Zxid::new(1, 3));
        assert_eq!((log.held_bytes, log.stored), (0, 2));
        log.append(Txn::new(Zxid::new(1, 4), [7; 10]));
        assert_eq!(log.held_bytes, 10);
        log.trim(Zxid::new(1, 4), 4, 0);
        assert_eq!(log.held_bytes, 10, "what is not durable stays");
    }
}
