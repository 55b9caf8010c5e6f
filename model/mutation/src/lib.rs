//! Is every guard and every effect of the rules watched by a property? Each guard is negated and
//! dropped, and each effect omitted, one at a time; then the family is explored.
//!
//! # How
//!
//! The build script reads the source of a family, finds all guards and effects (`scan`
//! says what counts), and writes a copy of the family in which each asks whether it is broken now.
//! So the rules stay as they are, the list is complete by construction, and all mutants are compiled
//! once. In the copy every action of every server is tried in every state, since the original's
//! preselection of actions repeats guards.
//!
//! A mutant goes up a [`LADDER`] of bounds until a property is violated, or one that says what must
//! be reachable is not reached; then [liveness](paper::liveness) is judged. A mutant is *equal* if
//! in every state of the protocol, on the whole ladder, it takes the same steps: no property of
//! states can tell it apart there. Whatever else survives needs a stated reason.
//!
//! What this says of the `paper` family stands in this module; [`zookeeper`] has the ladder and the
//! comparison of the other.
//!
//! # Why not an existing tool
//!
//! cargo-mutants replaces operators and whole bodies of functions and compiles once for each mutant;
//! it does not omit single effects, and its verdict is a failing test, not a property and a run.

mod equal;
mod explained;
mod explore;
mod ladder;
mod list;
mod live;
mod quotient;
#[cfg(test)]
mod scan;
mod schema;
mod table;
mod verdict;
pub mod zookeeper;

// The copy of the family as published, as the module `paper`.
include!(concat!(env!("OUT_DIR"), "/paper.rs"));
// And of the other, as the module `zab`.
include!(concat!(env!("OUT_DIR"), "/zab.rs"));

pub use explained::{explanation, explanations_in_vain};
pub use explore::{Rung, violated};
pub use ladder::LADDER;
pub use list::{Change, Excluded, Family, Mutant, Reason, excluded, list};
pub use live::broken_claims;
pub use quotient::{Shows, failures_within, shows};
pub use table::{Summary, label, row, table};
pub use verdict::{Outcome, Verdict, run};
