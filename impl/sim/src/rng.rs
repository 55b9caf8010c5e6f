//! The seed's stream of choices.

/// SplitMix64 (Steele, Lea, Flood 2014): a seed printed in a trace's header has to give the same
/// run in every later version, which no general-purpose generator crate promises.
#[derive(Debug, Clone)]
pub(crate) struct Rng(u64);

impl Rng {
    /// The stream that belongs to `seed`.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
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
