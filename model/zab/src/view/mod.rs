//! Runs and states for readers, the same for both families: a state as a table of its servers, a
//! step as what it changed, a run as a sequence diagram.
//!
//! A family says what there is to know of a state ([`Fact`]) and what a step does with messages
//! ([`Pictured`]). `facts` makes text of it, `sequence` finds out where each message began and
//! ended, `svg` draws that.

mod facts;
mod sequence;
mod svg;
#[cfg(test)]
mod tests;

pub(crate) use facts::{Fact, NOTHING, changes, list, page};
pub(crate) use sequence::{Channel, Pictured, Step, Way, sequence};
pub(crate) use svg::svg;
