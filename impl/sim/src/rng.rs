//! The seed's stream of choices.

use rand_xoshiro::SplitMix64;
use rand_xoshiro::rand_core::{RngCore, SeedableRng};

/// Choices drawn from SplitMix64, whose output is defined for good: a seed printed in a trace's
/// header gives the same run in every later version.
#[derive(Debug, Clone)]
pub(crate) struct Rng(SplitMix64);

impl Rng {
    /// The stream that belongs to `seed`.
    pub(crate) fn new(seed: u64) -> Self {
        Self(SplitMix64::seed_from_u64(seed))
    }

    /// The next 64 bits.
    pub(crate) fn next(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number below `bound`; 0 if `bound` is 0. The bias of the modulus does not matter here.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.next() % bound }
    }

    /// A number in `low..=high`.
    pub(crate) fn within(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low) + 1)
    }

    /// True with probability `per_mille` / 1000.
    pub(crate) fn chance(&mut self, per_mille: u32) -> bool {
        // Nothing is drawn for an impossible fault, so that switching it off leaves the
        // rest of the run as it was.
        per_mille > 0 && self.below(1000) < u64::from(per_mille)
    }

    /// One of `items`, or none if there are none.
    pub(crate) fn pick<T: Copy>(&mut self, items: &[T]) -> Option<T> {
        let len = u64::try_from(items.len()).unwrap_or(u64::MAX);
        let index = usize::try_from(self.below(len)).unwrap_or(0);
        items.get(index).copied()
    }

    /// An index below or equal to `len`: how long a surviving prefix is.
    pub(crate) fn prefix(&mut self, len: usize) -> usize {
        let bound = u64::try_from(len).unwrap_or(u64::MAX).saturating_add(1);
        usize::try_from(self.below(bound)).unwrap_or(len).min(len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first numbers of two seeds: a change would change the run of every seed.
    #[test]
    fn a_seed_gives_the_numbers_that_it_always_gave() {
        for (seed, expected) in [
            (0, [0xe220_a839_7b1d_cdaf, 0x6e78_9e6a_a1b9_65f4]),
            (1, [0x910a_2dec_8902_5cc1, 0xbeeb_8da1_658e_ec67]),
        ] {
            let mut rng = Rng::new(seed);
            assert_eq!([rng.next(), rng.next()], expected, "seed {seed}");
        }
    }
}
