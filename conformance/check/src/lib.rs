//! Feeds traces back through the model: mapping, frontier search, verdict, explanation.
//!
//! [`check`] reads a trace (files or values), puts its lines into one causal order, and keeps for
//! each server all states of the model that explain what the server showed so far. A line that no
//! state explains is a divergence. It returns values and prints nothing.
//!
//! # Floors, each of which imports those before it only
//!
//! 1. `trace`: files, the order of lines without clocks, contracts, and what is on its way.
//! 2. `state`: one state that explains a server, and what is known of later lines.
//! 3. `mapping`: one function per event: which step of the model it is.
//! 4. `search`: the states that explain a server, unseen steps, lines that are only partially
//!    ordered.
//! 5. `properties`: what must hold of all servers together.
//! 6. `report`: what is said in the end.
//! 7. `check`: one run over a trace, and what follows from it.

mod check;
mod mapping;
mod properties;
mod report;
mod search;
mod state;
mod trace;

pub use check::{Options, Outcome, check, check_under_contract};
pub use properties::{Broken, Global, History};
pub use report::{
    Count, Counts, Divergence, Exit, Inconclusive, LINES_MAX, Mismatch, NeverSeen, Past, Reason,
    Refusal, Summary, Verdict, Violation, describe_event, describe_message,
};
pub use state::{Closure, Entry, Witness};
pub use trace::{
    Input, Inputs, Place, Shown, convert, everything, no_state, project, sends_and_receives, shows,
    silent,
};

/// How many servers an ensemble may have.
pub const SERVERS_MAX: usize = 16;
