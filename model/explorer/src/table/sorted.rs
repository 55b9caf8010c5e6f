//! The entries in the order of their identities, without memory for it.

use std::collections::BinaryHeap;
use std::sync::atomic::Ordering;

use super::grow::key_at;
use super::{ATTEMPT_BITS, ATTEMPT_LAST, LANES, TAIL, Table, home, offset};

impl Table {
    /// Calls `visit` with the slot and the [number](Table::number) of each entry, the greatest
    /// number first, until it fails.
    ///
    /// Homes are monotone in numbers, and an entry is at home or in a later bucket. So from the last
    /// bucket down, all entries that are at home in a bucket have been met when it is its turn.
    ///
    /// # Errors
    /// What `visit` fails with.
    pub(crate) fn for_each_descending<E>(
        &self,
        mut visit: impl FnMut(usize, u128) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut displaced: BinaryHeap<(u128, usize)> = BinaryHeap::new();
        let mut here: Vec<(u128, usize)> = Vec::new();
        for bucket in (0..self.buckets + TAIL).rev() {
            let first = self.slot_of_bucket(bucket);
            for slot in first..first + LANES {
                let held = self.slots[slot].load(Ordering::Relaxed);
                if held == 0 {
                    // A bucket fills from its first slot.
                    break;
                }
                let attempt = usize::try_from(held & ATTEMPT_LAST as u64).unwrap_or(usize::MAX);
                let at = bucket - offset(attempt);
                let key = key_at(at, held >> ATTEMPT_BITS, self.buckets, self.base_bits);
                let entry = (self.number(key), slot);
                if attempt == 0 { here.push(entry) } else { displaced.push(entry) }
            }
            while let Some((number, _)) = displaced.peek()
                && home(self.key_of(*number), self.buckets) == bucket
            {
                here.extend(displaced.pop());
            }
            here.sort_unstable_by(|a, b| b.cmp(a));
            for (number, slot) in here.drain(..) {
                visit(slot, number)?;
            }
        }
        Ok(())
    }
}
