//! Spreading the entries over more buckets, in place.

use std::ops::Range;
use std::sync::atomic::Ordering;

use super::{ATTEMPT_BITS, ATTEMPT_LAST, Inserted, Key, LANES, TAIL, Table, home, offset};

/// Buckets that are emptied as a whole, at the lower end, where moves would be too short.
const LAST_STAGE: usize = 16 * TAIL;

/// Fewer buckets than that are not worth a thread.
const ALONE: usize = 1 << 14;

/// Slots of a page of memory.
const PAGE: usize = 4096 / size_of::<u64>();

/// An entry on its way.
struct Entry {
    key: Key,
    tag: u32,
}

impl Table {
    /// Grows by a third, or by less where not so many bytes may be added. `false` when that would
    /// hardly help.
    pub(crate) fn grow_by_a_third(&mut self, bytes_more: u64, threads: usize) -> bool {
        let tagged = !self.tags.is_empty();
        let each = Self::bytes_of(1, tagged) - Self::bytes_of(0, tagged);
        let more = usize::try_from(bytes_more / each).unwrap_or(usize::MAX);
        let more = more.min(self.buckets / 3).min(self.buckets_max - self.buckets);
        if more < self.buckets / 16 {
            return false;
        }
        self.grow(self.buckets + more, threads);
        true
    }

    /// Goes from the buckets in use to so many, at most all there may be. Slots of entries change.
    ///
    /// # Panics
    /// When an entry finds no room in the larger table, which is emptier than it was before: the
    /// hash would have to be broken.
    pub(super) fn grow(&mut self, buckets: usize, threads: usize) {
        let (old, new) = (self.buckets, buckets.min(self.buckets_max));
        if new <= old {
            return;
        }
        self.buckets = new;
        self.prepare(old, threads);
        // From the last bucket down, in stages: what is at home in `start` or behind it will be at
        // home in `end` or behind it, where everything has moved already. The few that lie in this
        // stage but are at home before it wait until it is empty.
        let mut end = old + TAIL;
        let mut waiting: Vec<Entry> = Vec::new();
        while end > 0 {
            let start = if end > LAST_STAGE { end * old / new + 1 } else { 0 };
            self.move_stage(start..end, old, threads, &mut waiting);
            waiting.retain(|entry| {
                let here = home(entry.key, new) >= start;
                if here {
                    self.put(entry);
                }
                !here
            });
            end = start;
        }
    }

    /// Writes once to each page that has come into use. Growth would first read from it, and a page
    /// that was read before it is written costs the system twice, and every thread a pause.
    fn prepare(&self, old: usize, threads: usize) {
        let [from, to] = [old, self.buckets].map(|buckets| self.slot_of_bucket(buckets + TAIL));
        let part = |from: usize, to: usize| {
            for slot in (from..to).step_by(PAGE) {
                self.slots[slot].store(0, Ordering::Relaxed);
            }
            for slot in (from..to).step_by(2 * PAGE) {
                if let Some(tag) = self.tags.get(slot) {
                    tag.store(0, Ordering::Relaxed);
                }
            }
        };
        let each = (to - from).div_ceil(threads).next_multiple_of(2 * PAGE);
        std::thread::scope(|scope| {
            for start in (from + each..to).step_by(each) {
                let part = &part;
                scope.spawn(move || part(start, (start + each).min(to)));
            }
            part(from, (from + each).min(to));
        });
    }

    /// Moves what lies in these buckets to where it belongs; what does not belong behind them waits.
    fn move_stage(
        &self,
        stage: Range<usize>,
        old: usize,
        threads: usize,
        waiting: &mut Vec<Entry>,
    ) {
        let part = |range: Range<usize>| {
            let mut waiting = Vec::new();
            self.take_out(range, old, |entry| {
                if home(entry.key, self.buckets) >= stage.end {
                    self.put(&entry);
                } else {
                    waiting.push(entry);
                }
            });
            waiting
        };
        if threads == 1 || stage.len() < ALONE {
            waiting.extend(part(stage.clone()));
            return;
        }
        let each = stage.len().div_ceil(threads);
        let parts: Vec<Range<usize>> =
            stage.clone().step_by(each).map(|start| start..(start + each).min(stage.end)).collect();
        std::thread::scope(|scope| {
            let part = &part;
            let running: Vec<_> =
                parts.into_iter().map(|range| scope.spawn(move || part(range))).collect();
            let join = |thread: std::thread::ScopedJoinHandle<'_, Vec<Entry>>| {
                thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            waiting.extend(running.into_iter().flat_map(join));
        });
    }

    /// Empties buckets of the table as it was, when it had `old` of them.
    fn take_out(&self, buckets: Range<usize>, old: usize, mut taken: impl FnMut(Entry)) {
        for bucket in buckets {
            let first = self.slot_of_bucket(bucket);
            for slot in first..first + LANES {
                let held = self.slots[slot].load(Ordering::Relaxed);
                if held == 0 {
                    // A bucket fills from its first slot.
                    break;
                }
                self.slots[slot].store(0, Ordering::Relaxed);
                let attempt = usize::try_from(held & ATTEMPT_LAST as u64).unwrap_or(usize::MAX);
                let home = bucket - offset(attempt);
                let key = key_at(home, held >> ATTEMPT_BITS, old, self.base_bits);
                let tag = self.tags.get(slot).map_or(0, |tag| tag.swap(0, Ordering::Relaxed));
                taken(Entry { key, tag });
            }
        }
    }

    fn put(&self, entry: &Entry) {
        let Inserted::New(slot) = self.insert(entry.key) else {
            panic!("no room for an entry in a table that has just grown");
        };
        if let Some(tag) = self.tags.get(slot) {
            tag.store(entry.tag, Ordering::Relaxed);
        }
    }
}

/// The key with that home among so many buckets, and that rest.
///
/// Positions with one home are an interval no longer than the distance between positions with the
/// same rest and neighbouring bases, because there are at least `2^base_bits` buckets. So exactly
/// one base fits: the first that reaches into the interval, or the next.
pub(super) fn key_at(home_wanted: usize, rest: u64, buckets: usize, base_bits: u32) -> Key {
    // Rounded down, so the first base is this one or, rarely, the next.
    let position = home_wanted as u64 * (u64::MAX / buckets as u64);
    let first = position >> (u64::BITS - base_bits);
    let fits = |key: &Key| home(*key, buckets) == home_wanted;
    let candidates = (first..first + 3).map(|base| Key::new(base, rest, base_bits));
    candidates.into_iter().find(fits).expect("one base fits")
}
