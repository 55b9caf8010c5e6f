//! What a model did that no model may do, as a value: a panic, another answer to the same
//! question, or bytes of a state that do not give it back.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::disk::DiskError;
use crate::options::Refused;
use crate::stop::Stop;
use crate::stored::BadCode;
use crate::trace::Trace;

/// A model has panicked, has answered differently when it was asked again, or has a state that is
/// not what its encoding gives back. Nothing that depends
/// on the rest of its answers is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault<S> {
    /// [`Stop::Panicked`], [`Stop::Unsteady`], [`Stop::Encoding`] or [`Stop::Disk`].
    pub stop: Stop,
    /// What the model was asked for.
    pub asked: &'static str,
    /// What the panic says, how the answers differ, or how the encoding fails.
    pub message: String,
    /// The run to the state that it was asked about. `None` when it was asked about no state, or
    /// when the run cannot be rebuilt either.
    pub trace: Option<Trace<S>>,
}

impl<S> Fault<S> {
    /// The last state of the run is not what its encoding gives back.
    pub(crate) fn encoding(BadCode(how): BadCode, trace: Option<Trace<S>>) -> Self {
        let asked = "the encoding of a state";
        Self { stop: Stop::Encoding, asked, message: how.to_owned(), trace }
    }

    /// The log from which runs are rebuilt cannot be read.
    pub(crate) fn disk(error: DiskError) -> Self {
        let asked = "the log of how states were reached";
        Self { stop: Stop::Disk, asked, message: error.to_string(), trace: None }
    }

    pub(crate) fn panicked(asked: &'static str, message: String, trace: Option<Trace<S>>) -> Self {
        Self { stop: Stop::Panicked, asked, message, trace }
    }

    pub(crate) fn unsteady(
        asked: &'static str,
        message: &'static str,
        trace: Option<Trace<S>>,
    ) -> Self {
        Self { stop: Stop::Unsteady, asked, message: message.to_owned(), trace }
    }
}

impl<S> fmt::Display for Fault<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stop, asked, message, .. } = self;
        match stop {
            Stop::Panicked => {
                write!(f, "the model panicked when it was asked for {asked}: {message}")
            }
            Stop::Encoding => write!(f, "{asked} does not give it back: {message}"),
            Stop::Disk => write!(f, "{asked} cannot be read: {message}"),
            Stop::States
            | Stop::Depth
            | Stop::Time
            | Stop::Memory
            | Stop::Asked
            | Stop::Violated
            | Stop::Size
            | Stop::Unsteady => {
                write!(f, "the model is not deterministic: asked again for {asked}, {message}")
            }
        }
    }
}

/// What a panic carries.
pub(crate) type Payload = Box<dyn Any + Send>;

/// What a panic says.
pub(crate) fn said(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
    text.unwrap_or("without a message").to_owned()
}

/// Asks the model; what a panic says, if it comes to that. Nothing that the question has changed
/// is used after a panic, other than to tell how far it came.
pub(crate) fn ask<T>(question: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(question)).map_err(|payload| said(&*payload))
}

/// Asks the model for what a run cannot begin without.
pub(crate) fn ask_first<T>(
    asked: &'static str,
    question: impl FnOnce() -> T,
) -> Result<T, Refused> {
    ask(question).map_err(|message| Refused::ModelPanicked { asked, message })
}
