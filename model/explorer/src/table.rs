//! Which states were seen: a lock-free hash table of fingerprints that grows in place.
//!
//! A state's *identity* is `base_bits + 59` bits of its hash. A slot holds the low 59 of them, and
//! at which attempt it found a place; from both its home bucket follows, which gives the others back. So two states
//! are taken for one only when all bits of their identities agree, however full the table is, and
//! the table can be spread over more buckets without the states.
//!
//! The home is monotone in the identity and in the number of buckets. To grow is thus to stream
//! entries upwards through memory that the system only hands out when it is written.

mod grow;
mod sorted;

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use zerocopy::FromZeros;

use crate::hash::low;

/// Slots of a bucket; together one line of the processor's cache.
const LANES: usize = 8;

/// Bits of a slot that count the buckets that were full when the entry came.
const ATTEMPT_BITS: u32 = 5;

/// The last attempt to find a place. Only one of millions needs it in a table nine tenths full.
const ATTEMPT_LAST: usize = (1 << ATTEMPT_BITS) - 1;

/// Buckets behind the last home, for what does not fit there.
const TAIL: usize = offset(ATTEMPT_LAST);

/// Bits of an identity that a slot holds.
const REST_BITS: u32 = u64::BITS - ATTEMPT_BITS;

/// Bits of an identity that the home bucket holds, in a table that nobody said anything about.
pub(crate) const BASE_BITS_MIN: u32 = 14;

/// The most of them: beyond that, [`Key::brief`] would not be exact.
pub(crate) const BASE_BITS_MAX: u32 = BRIEF_BITS + ATTEMPT_BITS;

/// Bits of an identity, at most.
pub(crate) const NUMBER_BITS: u32 = BASE_BITS_MAX + REST_BITS;

/// Bits of the index in [`Key::brief`].
pub(crate) const BRIEF_BITS: u32 = 16;

/// A state as the table knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    /// The first 64 bits of the identity, which say where it is at home.
    position: u64,
    /// The last 59.
    rest: u64,
}

impl Key {
    fn new(base: u64, rest: u64, base_bits: u32) -> Self {
        let shift = u64::BITS - base_bits;
        Self { position: base << shift | rest >> (REST_BITS - shift), rest }
    }

    /// The whole identity as an index of 16 bits and a word that is not zero.
    #[inline]
    pub(crate) fn brief(self) -> (usize, u64) {
        let index = self.position >> (u64::BITS - BRIEF_BITS);
        // Of a base with more bits than the index, the others; else bits that are there anyway.
        let others = self.position << BRIEF_BITS >> REST_BITS;
        (usize::try_from(index).unwrap_or(0), others << REST_BITS | self.rest)
    }
}

/// What [`Table::insert`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Inserted {
    /// The state was not there. It now is, in this slot.
    New(usize),
    /// It was there, in this slot.
    Known(usize),
    /// There is no room for it near its home.
    Full,
}

/// The fingerprints, and a tag of 32 bits beside each if asked for.
pub(crate) struct Table {
    slots: Box<[AtomicU64]>,
    /// By slot; empty when there are no tags.
    tags: Box<[AtomicU32]>,
    /// Slots before the first bucket, so that buckets begin with lines of the cache.
    first: usize,
    buckets: usize,
    buckets_max: usize,
    base_bits: u32,
}

impl Table {
    /// A table that starts with so many buckets, `2^base_bits` or more, and may grow until it has
    /// `bytes_max` bytes. `None` when that is too little for its start, or when the system refuses.
    pub(crate) fn new(
        bytes_max: u64,
        buckets: usize,
        base_bits: u32,
        tagged: bool,
    ) -> Option<Self> {
        assert!((ATTEMPT_BITS..=BASE_BITS_MAX).contains(&base_bits));
        assert!(buckets >> base_bits > 0);
        let bytes_each = Self::bytes_of(1, tagged) - Self::bytes_of(0, tagged);
        let room = bytes_max.checked_sub(Self::bytes_of(0, tagged))? / bytes_each;
        let buckets_max = usize::try_from(room).ok()?;
        if buckets_max < buckets {
            return None;
        }
        let count = (buckets_max + TAIL + 1) * LANES;
        let slots = <[AtomicU64]>::new_box_zeroed_with_elems(count).ok()?;
        let tags = <[AtomicU32]>::new_box_zeroed_with_elems(if tagged { count } else { 0 }).ok()?;
        let first = (LANES - (slots.as_ptr().addr() / size_of::<u64>()) % LANES) % LANES;
        Some(Self { slots, tags, first, buckets, buckets_max, base_bits })
    }

    /// Bytes of a table with so many buckets.
    pub(crate) fn bytes_of(buckets: usize, tagged: bool) -> u64 {
        let slot = size_of::<u64>() + if tagged { size_of::<u32>() } else { 0 };
        ((buckets + TAIL + 1) * LANES * slot) as u64
    }

    /// Bytes in use; what the table may still grow into is not.
    pub(crate) fn bytes(&self) -> u64 {
        Self::bytes_of(self.buckets, !self.tags.is_empty())
    }

    /// Bits that two states must share to be taken for one.
    pub(crate) fn identity_bits(&self) -> u32 {
        self.base_bits + REST_BITS
    }

    /// Slots in use, taken or not.
    pub(crate) fn capacity(&self) -> u64 {
        (self.buckets * LANES) as u64
    }

    /// All numbers of slots are below that.
    pub(crate) fn slots(&self) -> usize {
        self.slot_of_bucket(self.buckets + TAIL)
    }

    /// The identity in a pair of hashes.
    #[inline]
    pub(crate) fn key(&self, (high, low): (u64, u64)) -> Key {
        let rest = low >> ATTEMPT_BITS;
        // A slot of zero is an empty one.
        Key::new(high >> (u64::BITS - self.base_bits), rest.max(1), self.base_bits)
    }

    /// The whole identity as a number of at most [`NUMBER_BITS`] bits. Homes are monotone in it.
    #[inline]
    pub(crate) fn number(&self, key: Key) -> u128 {
        let base = key.position >> (u64::BITS - self.base_bits);
        u128::from(base) << REST_BITS | u128::from(key.rest)
    }

    /// The key with that [`number`](Self::number).
    pub(crate) fn key_of(&self, number: u128) -> Key {
        let rest = low(number) & (u64::MAX >> ATTEMPT_BITS);
        Key::new(low(number >> REST_BITS), rest, self.base_bits)
    }

    /// How many bits of an identity say where it is at home.
    pub(crate) fn base_bits(&self) -> u32 {
        self.base_bits
    }

    /// Takes all entries out. The table stays as large as it is.
    pub(crate) fn clear(&mut self) {
        let end = self.slot_of_bucket(self.buckets + TAIL);
        for slot in &mut self.slots[..end] {
            *slot.get_mut() = 0;
        }
    }

    /// The bucket in which to look first.
    #[inline]
    fn home(&self, key: Key) -> usize {
        home(key, self.buckets)
    }

    /// The first slot in which to look.
    #[inline]
    fn slot_of_bucket(&self, bucket: usize) -> usize {
        self.first + bucket * LANES
    }

    /// Reads where the key and its tag would be, for no other effect than that their lines of the
    /// cache are at hand when [`insert`](Self::insert) is called. Many such reads in a row overlap.
    #[inline]
    pub(crate) fn touch(&self, key: Key) -> u64 {
        let slot = self.slot_of_bucket(self.home(key));
        let tag = self.tags.get(slot).map_or(0, |tag| tag.load(Ordering::Relaxed));
        self.slots[slot].load(Ordering::Relaxed) ^ u64::from(tag)
    }

    /// The slot that holds the key, if any does.
    pub(crate) fn find(&self, key: Key) -> Option<usize> {
        let home = self.home(key);
        for attempt in 0..=ATTEMPT_LAST {
            let slot = self.slot_of_bucket(home + offset(attempt));
            let wanted = key.rest << ATTEMPT_BITS | attempt as u64;
            for (lane, entry) in self.slots[slot..slot + LANES].iter().enumerate() {
                match entry.load(Ordering::Relaxed) {
                    0 => return None,
                    seen if seen == wanted => return Some(slot + lane),
                    _ => {}
                }
            }
        }
        None
    }

    /// Gives the entry in a slot its tag, which is not 0.
    #[inline]
    pub(crate) fn set_tag(&self, slot: usize, tag: u32) {
        self.tags[slot].store(tag, Ordering::Relaxed);
    }

    /// The tag of the entry in a slot. Whoever added the entry is about to give it one; so this
    /// waits for it.
    #[inline]
    pub(crate) fn tag(&self, slot: usize) -> u32 {
        loop {
            let tag = self.tags[slot].load(Ordering::Relaxed);
            if tag != 0 {
                return tag;
            }
            std::thread::yield_now();
        }
    }

    /// Adds the key unless it is there. Threads may do so at the same time: exactly one of them is
    /// told that a key is new.
    // Relaxed is enough: a slot is written once, and nothing else is read because of it.
    #[inline]
    pub(crate) fn insert(&self, key: Key) -> Inserted {
        let home = self.home(key);
        for attempt in 0..=ATTEMPT_LAST {
            let slot = self.slot_of_bucket(home + offset(attempt));
            let wanted = key.rest << ATTEMPT_BITS | attempt as u64;
            for (lane, entry) in self.slots[slot..slot + LANES].iter().enumerate() {
                let mut seen = entry.load(Ordering::Relaxed);
                if seen == 0 {
                    let swap =
                        entry.compare_exchange(0, wanted, Ordering::Relaxed, Ordering::Relaxed);
                    match swap {
                        Ok(_) => return Inserted::New(slot + lane),
                        Err(other) => seen = other,
                    }
                }
                if seen == wanted {
                    return Inserted::Known(slot + lane);
                }
            }
        }
        Inserted::Full
    }
}

/// How far from home an attempt looks. The steps get longer, so that it leaves a crowd behind;
/// they stay short enough for growth to be a stream.
const fn offset(attempt: usize) -> usize {
    attempt * (attempt + 1) / 2
}

/// The bucket, of so many, in which a key belongs.
#[inline]
fn home(key: Key, buckets: usize) -> usize {
    let home = low((u128::from(key.position) * buckets as u128) >> u64::BITS);
    usize::try_from(home).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
