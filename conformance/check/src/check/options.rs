//! How a check is done, and what comes of it.

use zab_trace::Finding;

use crate::report::Verdict;
use crate::state::{Candidate, Closure, Witness};

/// How a check is done.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whether to keep the run of the model that explains the trace; it grows with the trace.
    pub witness: bool,
    /// Whether hidden steps that can be delayed are delayed.
    pub closure: Closure,
    /// How many bytes the states may take that explain one server at a time.
    pub memory_max: usize,
    /// How much memory lines may take that are read before their turn.
    pub early_bytes_max: usize,
    /// What the servers that are checked do where releases differ.
    pub profile: zab_model::Profile,
}

impl Options {
    /// How many states may explain a server: as many as fit into the memory, by the size of one.
    pub(super) fn states_max(&self, frontier: &[Candidate]) -> usize {
        let size = frontier.first().map_or(1, Candidate::size);
        (self.memory_max / size).max(1)
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            witness: false,
            closure: Closure::Reduced,
            memory_max: 256 << 20,
            early_bytes_max: 256 << 20,
            profile: zab_model::Profile::FIXED,
        }
    }
}

/// The outcome of a check.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What the check says.
    pub verdict: Verdict,
    /// The run of the model, if it was asked for and the trace conforms.
    pub witness: Option<Witness>,
    /// What a lint warns of, and files that were not read.
    pub notes: Vec<Finding>,
}

impl From<Verdict> for Outcome {
    fn from(verdict: Verdict) -> Self {
        Self { verdict, witness: None, notes: Vec::new() }
    }
}
