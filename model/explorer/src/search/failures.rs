//! Failures of the model while threads work: a panic, or a state that its encoding does not give
//! back.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::Ordering;

use super::level::Place;
use super::shared::Shared;
use super::worker::{Recorder, Worker};
use crate::disk::DiskError;
use crate::fault::{Fault, Payload, said};
use crate::model::ExplorerModel;
use crate::stop::Stop;
use crate::stored::{BadCode, StoredState};
use crate::table::Table;
use crate::trace::Trace;

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

/// A failure of the model.
pub(crate) struct Failed<S> {
    pub(crate) at: At<S>,
    pub(crate) cause: Cause,
}

/// How a model fails.
pub(crate) enum Cause {
    /// It panics, and says this.
    Panic(String),
    /// A state is not what its encoding gives back.
    Encoding(BadCode),
}

impl<S> Failed<S> {
    pub(crate) fn stop(&self) -> Stop {
        match self.cause {
            Cause::Panic(_) => Stop::Panicked,
            Cause::Encoding(_) => Stop::Encoding,
        }
    }

    /// The failure with what was asked, in case that it is a panic, and the run to where it was.
    pub(crate) fn fault(&self, asked: &'static str, trace: Option<Trace<S>>) -> Fault<S> {
        match &self.cause {
            Cause::Panic(message) => Fault::panicked(asked, message.clone(), trace),
            Cause::Encoding(bad) => Fault::encoding(*bad, trace),
        }
    }
}

/// The state that the model was asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum At<S> {
    /// An initial state.
    Initial(S),
    /// A state that was being expanded.
    Source(Place),
    /// Where the step with that number leads, of a state that was being expanded.
    After(Place, u16),
}

/// How a thread ended.
pub(super) enum Ended {
    /// Something panicked.
    Panicked(Payload),
    /// The state after that step is not what its encoding gives back.
    BadCode { source: u32, ordinal: u16, bad: BadCode },
    /// States that wait in a file could not be read.
    Disk(DiskError),
}

impl<S: StoredState, R: Recorder<S>> Worker<S, R> {
    /// Works until there is nothing to do, all are to pause, or the model fails. Then the others
    /// are to pause as well, and none of them waits for this thread.
    pub(super) fn work_until_failure<M>(&mut self, shared: &Shared<'_, M>, between: impl FnMut())
    where
        M: ExplorerModel<State = S>,
    {
        let worked = catch_unwind(AssertUnwindSafe(|| self.work(shared, between)));
        let Err(payload) = worked else { return };
        shared.pause.any.store(true, Ordering::Relaxed);
        self.give_up(shared.table);
        self.ended = Some(Ended::Panicked(payload));
    }

    /// Lets nobody wait for what the model was to say of a state.
    pub(super) fn give_up(&mut self, table: &Table) {
        if let Asked::State { slot, .. } = self.asked {
            self.recorder.abandon(table, slot);
        }
    }

    /// Why states could not be read, if that has ended this thread's work, or what it has found cannot
    /// be written.
    pub(super) fn take_disk_error(&mut self) -> Option<DiskError> {
        match self.ended.take() {
            Some(Ended::Disk(error)) => Some(error),
            other => {
                self.ended = other;
                self.disk_error().cloned()
            }
        }
    }

    /// The failure of the model that has ended this thread's work, if one has. `level` is the number
    /// of the level that is being expanded.
    ///
    /// # Panics
    /// When it was not the model that panicked.
    pub(super) fn take_failure(&mut self, level: usize) -> Option<Failed<S>> {
        let place = |number: u32| Place { level, position: number as usize };
        match self.ended.take()? {
            Ended::Disk(error) => {
                self.ended = Some(Ended::Disk(error));
                None
            }
            Ended::BadCode { source, ordinal, bad } => {
                let cause = Cause::Encoding(bad);
                Some(Failed { at: At::After(place(source), ordinal), cause })
            }
            Ended::Panicked(payload) => {
                let at = match self.asked {
                    Asked::Nothing => resume_unwind(payload),
                    Asked::Steps(source) => At::Source(place(source)),
                    Asked::State { source, ordinal, .. } => At::After(place(source), ordinal),
                };
                Some(Failed { at, cause: Cause::Panic(said(&*payload)) })
            }
        }
    }
}
