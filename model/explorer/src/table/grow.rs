//! Spreading the entries over more buckets, in place.

use std::sync::atomic::AtomicU32;

use super::{ATTEMPT_BITS, ATTEMPT_LAST, Key, LANES, REST_BITS, TAIL, Table, home, offset};
use crate::hash::low;

/// Old buckets that are emptied at a time; their entries fit in the cache.
const CHUNK: usize = 2048;

/// An entry on its way.
#[derive(Clone, Copy)]
struct Entry {
    key: Key,
    /// Its home in the larger table.
    home: usize,
    tag: u32,
}

impl Table {
    /// Grows by half, or by less where not so many bytes may be added. `false` when that would
    /// hardly help.
    pub(crate) fn grow_by_half(&mut self, bytes_more: u64) -> bool {
        let tagged = !self.tags.is_empty();
        let each = Self::bytes_of(1, tagged) - Self::bytes_of(0, tagged);
        let more = usize::try_from(bytes_more / each).unwrap_or(usize::MAX);
        let more = more.min(self.buckets / 2).min(self.buckets_max - self.buckets);
        if more < self.buckets / 16 {
            return false;
        }
        self.grow(self.buckets + more);
        true
    }

    /// Goes from the buckets in use to so many, at most all there may be. Slots of entries change.
    ///
    /// # Panics
    /// When an entry finds no room in the larger table, which is then emptier than it was before:
    /// the hash would have to be broken.
    pub(super) fn grow(&mut self, buckets: usize) {
        let old = self.buckets;
        let new = buckets.min(self.buckets_max);
        if new <= old {
            return;
        }
        let mut waiting: Vec<Entry> = Vec::new();
        let mut end = old + TAIL;
        // From the last bucket down: every entry moves up, onto places that are empty already.
        // One that lies behind its home may have to wait until the bucket before is emptied too.
        while end > 0 {
            let start = end.saturating_sub(CHUNK);
            self.take_out(start..end, old, new, &mut waiting);
            self.buckets = new;
            let mut kept = 0;
            for at in 0..waiting.len() {
                let entry = waiting[at];
                if entry.home >= start {
                    self.put(entry);
                } else {
                    waiting[kept] = entry;
                    kept += 1;
                }
            }
            waiting.truncate(kept);
            end = start;
        }
        assert!(waiting.is_empty());
    }

    /// Empties old buckets, and appends what was in them.
    fn take_out(
        &mut self,
        buckets: std::ops::Range<usize>,
        old: usize,
        new: usize,
        entries: &mut Vec<Entry>,
    ) {
        let mut bases = Bases { base_bits: self.base_bits, old, home: usize::MAX, first: 0 };
        for bucket in buckets {
            let first = self.slot_of_bucket(bucket);
            for slot in first..first + LANES {
                let held = std::mem::take(self.slots[slot].get_mut());
                if held == 0 {
                    continue;
                }
                let attempt = usize::try_from(held & ATTEMPT_LAST as u64).unwrap_or(usize::MAX);
                let key = bases.key(bucket - offset(attempt), held >> ATTEMPT_BITS);
                let tag = self.tags.get_mut(slot).map_or(0, |tag| std::mem::take(tag.get_mut()));
                entries.push(Entry { key, home: home(key, self.base_bits, new), tag });
            }
        }
    }

    fn put(&mut self, entry: Entry) {
        for attempt in 0..=ATTEMPT_LAST {
            let first = self.slot_of_bucket(entry.home + offset(attempt));
            for slot in first..first + LANES {
                let place = self.slots[slot].get_mut();
                if *place == 0 {
                    *place = entry.key.rest << ATTEMPT_BITS | attempt as u64;
                    if let Some(tag) = self.tags.get_mut(slot) {
                        *tag = AtomicU32::new(entry.tag);
                    }
                    return;
                }
            }
        }
        panic!("no room for an entry within {TAIL} buckets of {}", entry.home);
    }
}

/// Gives back the part of an identity that only its home knew.
struct Bases {
    base_bits: u32,
    /// Buckets of the table in which the homes are.
    old: usize,
    /// The home that was asked for last, and the first base that can have it.
    home: usize,
    first: u64,
}

impl Bases {
    /// The key with that home and that rest.
    ///
    /// Positions with one home are an interval no longer than the distance between two positions
    /// with the same rest and neighbouring bases, because there are at least `2^base_bits` buckets.
    /// So exactly one base fits, and it is the first in the interval or the next.
    fn key(&mut self, home_wanted: usize, rest: u64) -> Key {
        if self.home != home_wanted {
            self.home = home_wanted;
            let first = ((home_wanted as u128) << u64::BITS).div_ceil(self.old as u128);
            self.first = low(first) >> (u64::BITS - self.base_bits);
        }
        debug_assert!(rest >> REST_BITS == 0);
        let key = Key { base: self.first, rest };
        if home(key, self.base_bits, self.old) == home_wanted {
            return key;
        }
        Key { base: self.first + 1, rest }
    }
}
