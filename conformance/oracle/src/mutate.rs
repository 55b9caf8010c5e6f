//! Well-formed corruptions: what wrong servers would have written, in every line that a trace has.
//!
//! A [`Kind`] of corruption is a cell of a grid: a kind of line or message, what is done to it, and
//! to which of its fields. It is applied at a random place of an honest run; numbers close up
//! afterwards at both ends of a message. Unlike a [`Corruption`](crate::corrupt::Corruption), it
//! does not know whether the result is illegal: some corrupted traces are runs that could have been.
//! Where the checker accepts one, the search over the whole ensemble says whether that is right ([`Trial`]);
//! only where lines contradict each other is it known beforehand ([`Expected`]).
//!
//! # Reading order
//!
//! 1. `draft`: a trace while it is changed. `field`: the numbers in lines.
//! 2. `lines`, `messages`, `fields`, `states`: the regular part of the grid.
//! 3. `exchanges`, `links`, `lives`, `decisions`: corruptions of several lines together.
//! 4. `variants`: changes that leave a run honest.
//! 5. `trial`, `judge`: what the checker says, and whether a pass is right.

mod decisions;
mod draft;
mod exchanges;
mod field;
mod fields;
mod judge;
mod lines;
mod links;
mod lives;
mod messages;
mod retyped;
mod states;
mod trial;
mod variants;

use zab_trace::Event;

use crate::rng::Rng;

use draft::Draft;

pub use trial::{Run, Share, Tally, Trial, Wrong, contracts, walks};

/// What a kind does to a draft; none where there is no opportunity.
type Apply = Box<dyn Fn(&mut Draft, &mut Rng) -> Option<()> + Send + Sync>;

/// What a kind always makes of an honest run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// A trace that no run shows: its lines contradict each other, or the format.
    Illegal,
    /// A trace that another honest run shows.
    Legal,
    /// One or the other: the search says which.
    Either,
}

/// A kind of corruption.
pub struct Kind {
    /// The part of the grid that it belongs to.
    pub group: &'static str,
    /// What is done to what.
    pub name: String,
    /// What it always makes of an honest run.
    pub expected: Expected,
    apply: Apply,
}

impl std::fmt::Debug for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Kind({}, {:?})", self.title(), self.expected)
    }
}

impl Kind {
    fn new(
        group: &'static str,
        name: impl Into<String>,
        apply: impl Fn(&mut Draft, &mut Rng) -> Option<()> + Send + Sync + 'static,
    ) -> Self {
        Self { group, name: name.into(), expected: Expected::Either, apply: Box::new(apply) }
    }

    /// The same kind, of which no result may pass.
    fn illegal(self) -> Self {
        Self { expected: Expected::Illegal, ..self }
    }

    /// The same kind, of which every result has to pass.
    fn legal(self) -> Self {
        Self { expected: Expected::Legal, ..self }
    }

    /// Group and name.
    #[must_use]
    pub fn title(&self) -> String {
        format!("{}: {}", self.group, self.name)
    }

    /// The trace with this corruption at a random place; none if there is no opportunity.
    #[must_use]
    pub fn apply(&self, events: &[Event], rng: &mut Rng) -> Option<Vec<Event>> {
        let mut draft = Draft::new(events);
        (self.apply)(&mut draft, rng)?;
        let changed = draft.finish();
        (changed != events).then_some(changed)
    }
}

/// All kinds, in the order of the table.
#[must_use]
pub fn kinds() -> Vec<Kind> {
    let mut kinds = lines::kinds();
    kinds.extend(fields::kinds());
    kinds.extend(messages::kinds());
    kinds.extend(retyped::kinds());
    kinds.extend(exchanges::kinds());
    kinds.extend(decisions::kinds());
    kinds.extend(links::kinds());
    kinds.extend(lives::kinds());
    kinds.extend(states::kinds());
    kinds.extend(variants::kinds());
    kinds
}
