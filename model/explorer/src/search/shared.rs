//! What the threads of a round share.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use stateright::Property;

use super::claims::Claims;
use super::level::Level;
use crate::model::FlatModel;
use crate::table::Table;

/// What all threads see of a round.
pub(crate) struct Shared<'a, M: FlatModel> {
    pub(crate) model: &'a M,
    pub(crate) properties: &'a [Property<M>],
    pub(crate) seed: u64,
    pub(crate) symmetry: bool,
    pub(crate) stop_when_violated: bool,
    pub(crate) asked: Option<&'a AtomicBool>,
    pub(crate) deadline: Option<Instant>,
    pub(crate) table: &'a Table,
    pub(crate) level: &'a Level<M::State>,
    pub(crate) claims: &'a Claims,
    /// Different states so far.
    pub(crate) distinct: &'a AtomicU64,
    /// States generated so far.
    pub(crate) generated: &'a AtomicU64,
    /// Bytes of recorders and waiting states.
    pub(crate) bytes: &'a AtomicU64,
    /// Different states, and bytes, at which all pause.
    pub(crate) distinct_pause: u64,
    pub(crate) bytes_pause: u64,
    /// Why all are to finish their range and return.
    pub(crate) pause: &'a Pause,
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
