//! What a run has found.

use stateright::Expectation;

use crate::fault::Fault;
use crate::stop::Stop;
use crate::trace::Trace;

/// The result of a safety run. Nothing in it is stronger than the run: look at [`stopped`] first.
///
/// [`stopped`]: Self::stopped
#[derive(Clone, Debug)]
pub struct Report<S> {
    /// Why the run ended although there was more to see; `None` for a run that saw everything.
    pub stopped: Option<Stop>,
    /// Different states; with symmetry, different orbits.
    pub distinct: u64,
    /// States generated, repeats and initial states included.
    pub generated: u64,
    /// Sum of the sizes of the orbits, with symmetry: the different states without it.
    pub unreduced: Option<u64>,
    /// What was not told apart: the model's own [reductions](crate::ExplorerModel::reductions), and
    /// symmetry. Counts with reductions are not those of the model without.
    pub reductions: Vec<&'static str>,
    /// Different states that were found and not expanded; 0 when the run saw everything. How many
    /// they would lead to, nobody knows.
    pub waiting: u64,
    /// Steps that [`within_boundary`](stateright::Model::within_boundary) left out, and initial
    /// states. If there are any, what is said to hold, holds within the boundary.
    pub left_out: u64,
    /// States without a step. One whose steps were left out is none of them.
    pub terminal: u64,
    /// Those of them in which no run [may end](crate::ExplorerModel::may_end).
    pub deadlocks: u64,
    /// A shortest run to a deadlock, if there is one.
    pub deadlock: Option<Trace<S>>,
    /// Which file could not be written or read, if the run ended with that ([`Stop::Disk`]).
    pub disk: Option<String>,
    /// What the model did that no model may do, if it did.
    pub fault: Option<Fault<S>>,
    /// Different states by level; the initial ones are the first. The depth is their number.
    pub levels: Vec<u64>,
    /// Wall-clock time.
    pub seconds: f64,
    /// Threads that worked.
    pub threads: usize,
    /// What it took.
    pub memory: Memory,
    /// How sure it is that no state was taken for another.
    pub identity: Identity,
    /// By [name](crate::ExplorerModel::action_name), in the order of their classes: the steps of each
    /// action that were generated.
    pub actions: Vec<(String, u64)>,
    /// In the order of the model.
    pub properties: Vec<PropertyReport<S>>,
}

impl<S> Report<S> {
    /// Number of levels, the initial states' included.
    #[must_use]
    pub fn depth(&self) -> u64 {
        self.levels.len() as u64
    }

    /// Whether every state was visited that can be reached within the boundary.
    #[must_use]
    pub fn complete(&self) -> bool {
        self.stopped.is_none()
    }

    /// Bytes of table and log for each state; the frontier is not among them.
    #[must_use]
    pub fn bytes_per_state(&self) -> f64 {
        (self.memory.table + self.memory.log) as f64 / self.distinct.max(1) as f64
    }

    /// The result for the property of that name.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<&PropertyReport<S>> {
        self.properties.iter().find(|property| property.name == name)
    }
}

/// Bytes that a run used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// What it was allowed.
    pub budget: u64,
    /// The table of fingerprints at the end.
    pub table: u64,
    /// The log from which counterexamples are rebuilt.
    pub log: u64,
    /// States waiting or being expanded, when they were most.
    pub frontier_peak: u64,
    /// How many states, not bytes, were packed while they waited: more than half of the budget was
    /// in use. States with an encoding of their own always wait as their bytes, and are not counted.
    pub packed: u64,
    /// How often the table was emptied onto the disk.
    pub emptied: u64,
    /// All that the run had in use, when it was most. A run that stops for want of memory may stop
    /// short of its budget: the table grows by at least a sixteenth, or not at all.
    pub peak: u64,
}

/// How long the identities of states are. Two states with equal identities are taken for one, and
/// what follows from the second is then not seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Identity {
    /// Bits that two states must share to be taken for one.
    pub bits: u32,
    /// States that are expected to be missing: pairs of states over `2^bits`.
    pub missing_expected: f64,
}

impl Identity {
    pub(crate) fn new(bits: u32, distinct: u64) -> Self {
        let distinct = distinct as f64;
        let pairs = distinct * (distinct - 1.0).max(0.0) / 2.0;
        Self { bits, missing_expected: pairs / f64::from(bits).exp2() }
    }
}

/// What a run says of one property.
#[derive(Clone, Debug)]
pub struct PropertyReport<S> {
    /// Its name in the model.
    pub name: &'static str,
    /// What it claims.
    pub kind: Expectation,
    /// Whether it is so.
    pub verdict: Verdict<S>,
}

/// Whether a property is so, as far as the run goes.
#[derive(Clone, Debug)]
pub enum Verdict<S> {
    /// `always`: in every state that can be reached within the boundary, and all were visited.
    Holds,
    /// `always`: not in the last state of this, and there is no shorter run to such a state.
    Violated(Trace<S>),
    /// `sometimes`: in the last state of this, and there is no shorter run to such a state.
    Reached(Trace<S>),
    /// `sometimes`: in no state that can be reached within the boundary, and all were visited.
    NeverReached,
    /// The run ended before it could tell, or it is `eventually`, which is not for a search of
    /// states: cycles and fairness decide it.
    Unknown,
}

impl<S> Verdict<S> {
    /// The run that shows it, if the verdict has one.
    #[must_use]
    pub fn trace(&self) -> Option<&Trace<S>> {
        match self {
            Self::Violated(trace) | Self::Reached(trace) => Some(trace),
            Self::Holds | Self::NeverReached | Self::Unknown => None,
        }
    }
}

/// How far a run has come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Different states visited so far.
    pub distinct: u64,
    /// States generated so far, repeats included.
    pub generated: u64,
    /// The level whose states are being expanded; the initial states' is 1.
    pub depth: u64,
    /// States that are known and not yet expanded.
    pub waiting: u64,
    /// Bytes in use.
    pub memory: u64,
    /// Seconds since the start.
    pub seconds: f64,
}
