//! Panics of the model while threads work.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::Ordering;

use super::level::Place;
use super::shared::Shared;
use super::worker::{Recorder, Worker};
use crate::fault::{Payload, said};
use crate::model::{FlatModel, FlatState};
use crate::table::Table;

/// What a thread asks the model, so that a panic can be told with the state that it was about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Asked {
    /// Nothing.
    #[default]
    Nothing,
    /// About the state with that number within the level, which is being expanded.
    Steps(u32),
    /// About a state that has just been found: by that step, of the state with that number, and
    /// added in that slot of the table.
    State { source: u32, ordinal: u16, slot: usize },
}

/// A panic of the model.
pub(crate) struct Panicked<S> {
    pub(crate) at: At<S>,
    pub(crate) message: String,
}

/// The state that the model was asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At<S> {
    /// An initial state.
    Initial(S),
    /// A state that was being expanded.
    Source(Place),
    /// Where the step with that number leads, of a state that was being expanded.
    After(Place, u16),
}

impl<S: FlatState, R: Recorder<S>> Worker<S, R> {
    /// Works until there is nothing to do, all are to pause, or something panics. Then the others
    /// are to pause as well, and none of them waits for this thread.
    pub(super) fn work_until_panic<M>(&mut self, shared: &Shared<'_, M>, between: impl FnMut())
    where
        M: FlatModel<State = S>,
    {
        let worked = catch_unwind(AssertUnwindSafe(|| self.work(shared, between)));
        let Err(payload) = worked else { return };
        shared.pause.any.store(true, Ordering::Relaxed);
        self.give_up(shared.table);
        self.panicked = Some(payload);
    }

    /// Lets nobody wait for what the model was to say of a state.
    pub(super) fn give_up(&mut self, table: &Table) {
        if let Asked::State { slot, .. } = self.asked {
            self.recorder.abandon(table, slot);
        }
    }

    /// The panic of the model that has ended this thread's work, if one has. `level` is the number
    /// of the level that is being expanded.
    ///
    /// # Panics
    /// When it was not the model that panicked.
    pub(super) fn take_panic(&mut self, level: usize) -> Option<Panicked<S>> {
        let payload: Payload = self.panicked.take()?;
        let place = |number: u32| Place { level, position: number as usize };
        let at = match self.asked {
            Asked::Nothing => resume_unwind(payload),
            Asked::Steps(source) => At::Source(place(source)),
            Asked::State { source, ordinal, .. } => At::After(place(source), ordinal),
        };
        Some(Panicked { at, message: said(&*payload) })
    }
}
