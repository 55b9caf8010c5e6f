//! Captures that were made wrong, for tests of the checker and for `selftest`: no verdict of a capture
//! depends on them.
//!
//! Each kind changes one message of a capture of real servers, takes one away, adds one, or puts one
//! elsewhere. What it makes may be legal all the same: an ACK that is not there may have been lost.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a change is about a few kinds of entries, and the others are nothing to it"
)]

mod discovery;
mod sheet;
mod transactions;
mod votes;
mod whole;

use rand_xoshiro::SplitMix64;
use rand_xoshiro::rand_core::{RngCore, SeedableRng};

pub use sheet::Sheet;

/// Changes a capture at a place that is taken by chance; none, if there is no such place.
type Change = fn(&mut Sheet, &mut Chance) -> Option<()>;

/// One way to make a capture wrong.
#[derive(Clone, Copy)]
pub struct Kind {
    /// Its name.
    pub name: &'static str,
    /// Why some captures that were changed so are accepted, if some are.
    pub accepted: Option<Accepted>,
    change: Change,
}

/// Why a wrong capture may be accepted.
#[derive(Clone, Copy, Debug)]
pub enum Accepted {
    /// Servers may say just this: nothing visible contradicts it.
    Legal(&'static str),
    /// It contradicts something that is not compared, since without a model it may be legal.
    NotCompared(&'static str),
}

impl Kind {
    /// A copy of the capture that is wrong in this way; none, if the capture has no place for it.
    #[must_use]
    pub fn apply(&self, sheet: &Sheet, seed: u64) -> Option<Sheet> {
        let mut changed = sheet.clone();
        let mut chance = Chance(SplitMix64::seed_from_u64(seed));
        (self.change)(&mut changed, &mut chance)?;
        Some(changed)
    }
}

/// All kinds.
#[must_use]
pub fn kinds() -> Vec<Kind> {
    [votes::KINDS, discovery::KINDS, transactions::KINDS, whole::KINDS].concat()
}

const fn kind(name: &'static str, change: Change) -> Kind {
    Kind { name, accepted: None, change }
}

/// What is decided by chance.
struct Chance(SplitMix64);

impl Chance {
    /// One of these.
    fn pick<T: Clone>(&mut self, from: &[T]) -> Option<T> {
        let count = u64::try_from(from.len()).ok().filter(|count| *count > 0)?;
        let index = usize::try_from(self.0.next_u64() % count).ok()?;
        from.get(index).cloned()
    }
}
