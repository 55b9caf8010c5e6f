//! Runs and states for readers, the same for every family of models: a state as a table of its
//! servers, a step as what it changed, a run as a sequence diagram.
//!
//! A family says what there is to know of a state ([`Fact`]) and what a step does with messages
//! ([`Pictured`]). `facts` makes text of it, `sequence` finds out where each message began and
//! ended, `svg` and `mermaid` draw that. [`Run`] holds all of it; `json` gives it to other tools.

mod facts;
mod json;
mod mermaid;
mod run;
mod sequence;
mod svg;

pub use facts::{About, Fact, NOTHING, changes, list, page};
pub use json::{itf, json, state};
pub use mermaid::mermaid;
pub use run::{Run, RunStep};
pub use sequence::{Arrow, Channel, End, Lane, Pictured, Row, Sequence, Step, Way, sequence};
pub use svg::svg;
