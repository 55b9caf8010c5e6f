//! What the threads of a round share.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use stateright::Property;

use super::claims::Claims;
use super::level::Level;
use crate::model::ExplorerModel;
use crate::options::Visited;
use crate::table::Table;

/// What all threads see of a round.
pub(crate) struct Shared<'a, M: ExplorerModel> {
    pub(crate) model: &'a M,
    pub(crate) properties: &'a [Property<M>],
    pub(crate) seed: u64,
    pub(crate) symmetry: bool,
    pub(crate) stop_when_violated: bool,
    pub(crate) visited: Option<Visited<'a>>,
    pub(crate) asked: Option<&'a AtomicBool>,
    pub(crate) deadline: Option<Instant>,
    pub(crate) table: &'a Table,
    pub(crate) level: &'a Level<M::State>,
    pub(crate) claims: &'a Claims,
    /// Different states so far.
    pub(crate) distinct: &'a AtomicU64,
    /// States generated so far.
    pub(crate) generated: &'a AtomicU64,
    pub(crate) usage: &'a Usage,
    /// Different states, and bytes, at which all pause.
    pub(crate) distinct_pause: u64,
    pub(crate) bytes_pause: u64,
    /// Bytes at which memory is short, so that states are packed while they wait.
    pub(crate) bytes_short: u64,
    /// Why all are to finish their range and return.
    pub(crate) pause: &'a Pause,
}

impl<M: ExplorerModel> Shared<'_, M> {
    /// Whether states are to be packed while they wait.
    pub(crate) fn is_short(&self) -> bool {
        self.usage.all() >= self.bytes_short
    }
}

/// Bytes in use besides the table, and the most of them so far.
#[derive(Default)]
pub(crate) struct Usage {
    all: AtomicU64,
    waiting: AtomicU64,
    all_peak: AtomicU64,
    waiting_peak: AtomicU64,
}

impl Usage {
    /// `waiting`: of the states that wait. `all`: of these, the recorders, and what is kept
    /// elsewhere.
    pub(crate) fn new(all: u64, waiting: u64) -> Self {
        let usage = Self::default();
        usage.add(all, waiting);
        usage
    }

    /// Adds what may also be less than nothing, as wrapping numbers. Gives back all.
    pub(crate) fn add(&self, all: u64, waiting: u64) -> u64 {
        let add = |sum: &AtomicU64, peak: &AtomicU64, more: u64| {
            let now = sum.fetch_add(more, Ordering::Relaxed).wrapping_add(more);
            peak.fetch_max(now, Ordering::Relaxed);
            now
        };
        add(&self.waiting, &self.waiting_peak, waiting);
        add(&self.all, &self.all_peak, all)
    }

    /// Subtracts a block of states that are expanded.
    pub(crate) fn give_back(&self, bytes: u64) {
        self.all.fetch_sub(bytes, Ordering::Relaxed);
        self.waiting.fetch_sub(bytes, Ordering::Relaxed);
    }

    pub(crate) fn all(&self) -> u64 {
        self.all.load(Ordering::Relaxed)
    }

    /// The most so far: of all, and of the states that wait.
    pub(crate) fn peaks(&self) -> (u64, u64) {
        (self.all_peak.load(Ordering::Relaxed), self.waiting_peak.load(Ordering::Relaxed))
    }
}

/// Reasons to pause, any of which ends the round.
#[derive(Default)]
pub(crate) struct Pause {
    pub(crate) any: AtomicBool,
    pub(crate) table_full: AtomicBool,
    pub(crate) violated: AtomicBool,
    pub(crate) too_many_steps: AtomicBool,
}

impl Pause {
    pub(crate) fn set(&self, reason: &AtomicBool) {
        reason.store(true, Ordering::Relaxed);
        self.any.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_set(&self) -> bool {
        self.any.load(Ordering::Relaxed)
    }
}
