//! What a model did that no model may do, as a value: a panic, or another answer to the same
//! question.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::options::Refused;
use crate::report::Stop;
use crate::trace::Trace;

/// A model has panicked, or has answered differently when it was asked again. Nothing that depends
/// on the rest of its answers is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault<S> {
    /// [`Stop::Panicked`] or [`Stop::Unsteady`].
    pub stop: Stop,
    /// What the model was asked for.
    pub asked: &'static str,
    /// What the panic says, or how the answers differ.
    pub message: String,
    /// The run to the state that it was asked about. `None` when it was asked about no state, or
    /// when the run cannot be rebuilt either.
    pub trace: Option<Trace<S>>,
}

impl<S> Fault<S> {
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
        if *stop == Stop::Panicked {
            write!(f, "the model panicked when it was asked for {asked}: {message}")
        } else {
            write!(f, "the model is not deterministic: asked again for {asked}, {message}")
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
