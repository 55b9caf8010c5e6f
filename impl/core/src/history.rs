//! The history of one server, in memory.

use std::sync::Arc;

use zab_trace::{LogDigest, TxnDigest, txn_digest};

use crate::{Base, Message, RecoverError, Txn, Zxid};

/// Whether `zxid` may come right after `last`: `next` of the rules.
pub(crate) fn is_next(last: Zxid, zxid: Zxid) -> bool {
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
    /// Nobody can ask for it any more.
    Forgotten,
}

impl Payload {
    /// Its bytes in memory.
    fn held_bytes(&self) -> usize {
        match self {
            Self::Held(bytes) => bytes.len(),
            Self::Stored(_) | Self::Forgotten => 0,
        }
    }
}

/// A history: a base, and the transactions after it.
///
/// 1. Each transaction is `is_next` of the one before, the first of the base.
/// 2. The first `durable` transactions are durable; the rest is the unsynced tail.
/// 3. Exactly the first `forgotten` transactions have lost their payload; from there to `stored`
///    it is in the log only, and after that in memory: `held_bytes` in all.
/// 4. `forgotten <= stored <= durable <=` the number of transactions.
#[derive(Clone, Debug)]
pub(crate) struct History {
    base: Base,
    entries: Vec<Entry>,
    durable: usize,
    forgotten: usize,
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
        history.durable = history.entries.len();
        Ok(history)
    }

    /// A history that is only a base.
    pub(crate) fn after_snapshot(base: Base) -> Self {
        let (durable, forgotten, stored, held_bytes) = (0, 0, 0, 0);
        Self { base, entries: Vec::new(), durable, forgotten, stored, held_bytes }
    }

    /// The last zxid; `0.0` if there is none.
    pub(crate) fn last(&self) -> Zxid {
        self.entries.last().map_or(self.base.zxid, |entry| entry.zxid)
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
        let digest = self.entries.last().map_or(Some(base_digest), |entry| entry.log)?;
        Some((base_length + self.entries.len() as u64, digest))
    }

    /// Appends to the unsynced tail.
    pub(crate) fn append(&mut self, txn: Txn) {
        assert!(is_next(self.last(), txn.zxid), "{} appended after {}", txn.zxid, self.last());
        let log = self.log().map(|(_, log)| log.after(txn.zxid, txn_digest(&txn.payload)));
        self.held_bytes += txn.payload.len();
        self.entries.push(Entry { zxid: txn.zxid, log, payload: Payload::Held(txn.payload) });
    }

    /// Notes that everything is durable.
    pub(crate) fn mark_durable(&mut self) {
        self.durable = self.entries.len();
    }

    /// Notes that the tail is durable up to here, and gives the zxids that were not before.
    /// Nothing, if this is no transaction of the tail.
    pub(crate) fn mark_durable_to(&mut self, zxid: Zxid) -> Vec<Zxid> {
        let tail = &self.entries[self.durable..];
        let Some(position) = tail.iter().position(|entry| entry.zxid == zxid) else {
            return Vec::new();
        };
        let synced = tail[..=position].iter().map(|entry| entry.zxid).collect();
        self.durable += position + 1;
        synced
    }

    /// Whether `truncate` can cut here: `0.0`, the base, or a transaction.
    pub(crate) fn can_truncate(&self, zxid: Zxid) -> bool {
        zxid == Zxid::ZERO || zxid == self.base.zxid || self.find(zxid).is_ok()
    }

    /// Cuts after `zxid`. Nothing may be unsynced: the cut is a write of its own.
    pub(crate) fn truncate(&mut self, zxid: Zxid) {
        assert!(self.can_truncate(zxid), "cut at {zxid}, outside of the history");
        assert_eq!(self.durable, self.entries.len(), "cut while a tail is unsynced");
        if zxid < self.base.zxid {
            *self = Self::after_snapshot(Base::EMPTY);
            return;
        }
        for entry in self.entries.drain(self.count_to(zxid)..) {
            self.held_bytes -= entry.payload.held_bytes();
        }
        self.durable = self.entries.len();
        self.forgotten = self.forgotten.min(self.durable);
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
        self.entries[first..end].iter().map(|entry| match &entry.payload {
            Payload::Held(payload) => Txn { zxid: entry.zxid, payload: Arc::clone(payload) },
            Payload::Stored(_) | Payload::Forgotten => {
                unreachable!("{} is not in memory any more", entry.zxid)
            }
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
        self.entries[first..end].iter().map(|Entry { zxid, payload, .. }| {
            let message = match payload {
                Payload::Held(payload) => {
                    let payload = Arc::clone(payload);
                    Message::Proposal { txn: Txn { zxid: *zxid, payload } }
                }
                Payload::Stored(digest) => Message::Stored { zxid: *zxid, digest: *digest },
                Payload::Forgotten => unreachable!("{zxid} is in no window any more"),
            };
            (*zxid, message)
        })
    }

    /// The zxids of the last `window` transactions up to `to`, as far as they have a payload.
    pub(crate) fn window(&self, to: Zxid, window: usize) -> Vec<Zxid> {
        let end = self.count_to(to);
        let first = end.saturating_sub(window).max(self.forgotten).min(end);
        self.entries[first..end].iter().map(|entry| entry.zxid).collect()
    }

    /// Forgets the payloads that lie more than `window` transactions before `to`, and leaves those
    /// of the oldest others to the log, until no more than `held` bytes are in memory.
    pub(crate) fn trim(&mut self, to: Zxid, window: usize, held: usize) {
        let end = self.count_to(to).min(self.durable);
        while self.forgotten < end.saturating_sub(window) {
            let payload = &mut self.entries[self.forgotten].payload;
            self.held_bytes -= payload.held_bytes();
            *payload = Payload::Forgotten;
            self.forgotten += 1;
        }
        self.stored = self.stored.max(self.forgotten);
        while self.held_bytes > held && self.stored < end {
            let payload = &mut self.entries[self.stored].payload;
            if let Payload::Held(bytes) = payload {
                self.held_bytes -= bytes.len();
                *payload = Payload::Stored(txn_digest(bytes));
            }
            self.stored += 1;
        }
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
        // What lost its payload is in no window any more.
        log.truncate(Zxid::new(1, 3));
        assert_eq!(log.window(Zxid::new(1, 3), 2), [Zxid::new(1, 3)]);
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
        assert_eq!((log.held_bytes, log.stored), (0, 3));
        log.append(Txn::new(Zxid::new(1, 4), [7; 10]));
        assert_eq!(log.held_bytes, 10);
        log.trim(Zxid::new(1, 4), 4, 0);
        assert_eq!(log.held_bytes, 10, "what is not durable stays");
    }
}
