//! Feeds traces back through the model: mapping, frontier search, verdict, explanation.
//!
//! [`check`] reads a trace (files or values), puts its lines into one causal order, and keeps for
//! each server all states of the model that explain what the server showed so far. A line that no
//! state explains is a divergence. It returns values and prints nothing.
//!
//! # Reading order
//!
//! 1. `merge`: the order of lines, without clocks.
//! 2. `mapping`: one function per event: which step of the model it is.
//! 3. `candidate`, `monitor`, `hidden`, `lazy`: the states that explain a server, and unseen steps.
//!    `order`, `poset`, `causes`: servers whose lines are only partially ordered.
//! 4. `properties`: what must hold of all servers together.
//! 5. `check`, `verdict`, `explain`, `diagnose`, `legal`, `notes`, `archive`: what is said in the
//!    end.

mod adequacy;
mod archive;
mod candidate;
mod causes;
mod check;
mod contract;
pub mod convert;
mod describe;
mod diagnose;
mod explain;
mod facts;
mod hidden;
mod input;
mod lazy;
mod legal;
mod links;
mod lookahead;
mod mapping;
mod merge;
mod monitor;
mod notes;
mod order;
mod owed;
mod poset;
mod properties;
mod read_ahead;
mod summary;
mod verdict;
mod witness;

pub use check::{Options, Outcome, check, check_under_contract};
pub use contract::{Shown, everything, no_state, project, sends_and_receives, shows, silent};
pub use explain::{Divergence, LINES_MAX, Mismatch, Past};
pub use hidden::Closure;
pub use input::{Input, Inputs, Place};
pub use owed::{Count, Counts, NeverSeen};
pub use properties::{Broken, Global, History};
pub use summary::Summary;
pub use verdict::{Exit, Inconclusive, Reason, Refusal, Verdict, Violation};
pub use witness::{Entry, Witness};

/// How many servers an ensemble may have.
pub const SERVERS_MAX: usize = 16;
