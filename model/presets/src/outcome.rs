//! What an exploration of any family came to, ready to be shown.

use stateright::Expectation;
use zab_explorer::{Identity, LiveVerdict, Memory, Stop};
use zab_view::Run;

/// Everything that is told of one exploration.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Its name in its preset.
    pub name: &'static str,
    /// What it covers, in words.
    pub covers: &'static str,
    /// The family's name.
    pub model: &'static str,
    /// The bounds, and what else changes the counts.
    pub bounds: String,
    /// What was not told apart; empty if every state was one of its own.
    pub reductions: Vec<&'static str>,
    /// What was counted.
    pub counts: Counts,
    /// Why there was more to see.
    pub stopped: Option<Stop>,
    /// Different states that were found and not expanded.
    pub waiting: u64,
    /// Steps and initial states outside of the model's boundary.
    pub left_out: u64,
    /// States without a step.
    pub ends: Ends,
    /// What the model did that no model may do.
    pub fault: Option<Fault>,
    /// Which file could not be written or read, if that has ended the run.
    pub disk: Option<String>,
    /// Wall-clock time of the exploration, without liveness.
    pub seconds: f64,
    /// Threads that worked.
    pub threads: usize,
    /// What it took.
    pub memory: Memory,
    /// Bytes of table and log for each state.
    pub bytes_per_state: f64,
    /// How sure it is that no state was taken for another.
    pub identity: Identity,
    /// Verdicts, in the model's order; claims of liveness last.
    pub properties: Vec<Property>,
    /// What liveness took, if it was asked for.
    pub liveness: Option<Liveness>,
}

/// What it took to judge claims of liveness, on a graph of its own.
#[derive(Clone, Debug)]
pub struct Liveness {
    /// States in the graph.
    pub states: u64,
    /// Steps in the graph that change the state.
    pub steps: u64,
    /// Conditions of fairness.
    pub conditions: usize,
    /// What the claims assume, in words.
    pub assumption: &'static str,
    /// Wall-clock time, exploring and judging.
    pub seconds: f64,
    /// Why the graph is not complete, or says nothing of a claim.
    pub stopped: Option<Stop>,
}

/// The states without a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ends {
    /// All of them.
    pub terminal: u64,
    /// Those in which no run may end.
    pub deadlocks: u64,
    /// Steps of a shortest run to a deadlock.
    pub trace_length: Option<usize>,
    /// That run.
    pub run: Option<Run>,
}

/// A panic of the model, or an answer that was another when it was asked again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// In a sentence.
    pub text: String,
    /// The run to the state that the model was asked about, if the model makes it again.
    pub run: Option<Run>,
}

/// What two runs within equal bounds have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Different states; with symmetry, different orbits.
    pub distinct: u64,
    /// With symmetry: the different states that they stand for.
    pub unreduced: Option<u64>,
    /// States generated, repeats included.
    pub generated: u64,
    /// Levels, that of the first state included.
    pub depth: u64,
    /// How often each action was taken.
    pub actions: Vec<(String, u64)>,
}

/// What is told of one property.
#[derive(Clone, Debug)]
pub struct Property {
    /// Its name in the model.
    pub name: &'static str,
    /// `always`, `sometimes`, or the shape of a claim of liveness.
    pub kind: &'static str,
    /// Whether it is so.
    pub verdict: Verdict,
    /// Steps of the run that shows it, if one does.
    pub trace_length: Option<usize>,
    /// That run, for violations.
    pub run: Option<Run>,
    /// What else there is to say of that run, as lines; of a claim of liveness, what makes it fair.
    pub remarks: Vec<String>,
}

/// The name of the property that no run gets stuck, which is there where it was asked for.
pub const NO_DEADLOCK: &str = "no deadlock";

impl Property {
    /// What the run is that violates it.
    #[must_use]
    pub fn title(&self) -> String {
        match self.name {
            NO_DEADLOCK => "a run that ends in a deadlock".to_owned(),
            name => format!("a run that violates {name}"),
        }
    }

    /// That it is violated, in so many steps.
    #[must_use]
    pub fn is_violated_after(&self, steps: usize) -> String {
        match self.name {
            NO_DEADLOCK => format!("there is a deadlock after {steps} steps"),
            name => format!("{name} is violated after {steps} steps"),
        }
    }
}

/// Whether a property is so, as far as the run goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// `always`, or a claim of liveness: in every run.
    Holds,
    /// `always`, or a claim of liveness: not in this run.
    Violated,
    /// `sometimes`: in this run.
    Reached,
    /// `sometimes`: in no run.
    NeverReached,
    /// A claim of liveness: no run comes to what it speaks of.
    Vacuous,
    /// The exploration ended before it could tell.
    Unknown,
}

/// How an exploration ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// All was visited, and all that is claimed is so.
    Holds,
    /// A property is violated.
    Violated,
    /// All was visited, and what is claimed speaks of nothing that happens.
    Vacuous,
    /// Not all was visited.
    Incomplete,
}

impl Ending {
    /// In one word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Violated => "VIOLATED",
            Self::Vacuous => "vacuous",
            Self::Incomplete => "INCOMPLETE",
        }
    }
}

impl Verdict {
    /// In words.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Violated => "VIOLATED",
            Self::Reached => "reached",
            Self::NeverReached => "not within these bounds",
            Self::Vacuous => "vacuous",
            Self::Unknown => "unknown",
        }
    }
}

impl<S> From<&zab_explorer::Verdict<S>> for Verdict {
    fn from(verdict: &zab_explorer::Verdict<S>) -> Self {
        match verdict {
            zab_explorer::Verdict::Holds => Self::Holds,
            zab_explorer::Verdict::Violated(_) => Self::Violated,
            zab_explorer::Verdict::Reached(_) => Self::Reached,
            zab_explorer::Verdict::NeverReached => Self::NeverReached,
            zab_explorer::Verdict::Unknown => Self::Unknown,
        }
    }
}

impl<S> From<&LiveVerdict<S>> for Verdict {
    fn from(verdict: &LiveVerdict<S>) -> Self {
        match verdict {
            LiveVerdict::Holds => Self::Holds,
            LiveVerdict::Vacuous => Self::Vacuous,
            LiveVerdict::Violated(_) => Self::Violated,
            LiveVerdict::Unknown => Self::Unknown,
        }
    }
}

/// The word for what a property of states claims.
#[must_use]
pub fn kind(expectation: &Expectation) -> &'static str {
    match expectation {
        Expectation::Always => "always",
        Expectation::Sometimes => "sometimes",
        Expectation::Eventually => "eventually",
    }
}

impl Outcome {
    /// Why there was more to see, for properties of states or for liveness.
    #[must_use]
    pub fn cut(&self) -> Option<Stop> {
        self.stopped.or(self.liveness.as_ref().and_then(|liveness| liveness.stopped))
    }

    /// Whether every state within the bounds was visited.
    #[must_use]
    pub fn complete(&self) -> bool {
        self.cut().is_none()
    }

    /// Makes of what was found a property: that no run gets stuck.
    pub fn judge_deadlocks(&mut self) {
        let Ends { deadlocks, trace_length, run, .. } = &self.ends;
        let verdict = match trace_length {
            Some(_) => Verdict::Violated,
            None if self.stopped.is_none() && *deadlocks == 0 => Verdict::Holds,
            None => Verdict::Unknown,
        };
        self.properties.push(Property {
            name: NO_DEADLOCK,
            kind: "always",
            verdict,
            trace_length: *trace_length,
            run: run.clone(),
            remarks: Vec::new(),
        });
    }

    /// How many properties have that verdict.
    #[must_use]
    pub fn count(&self, verdict: Verdict) -> usize {
        self.properties.iter().filter(|property| property.verdict == verdict).count()
    }

    /// How it ended: nothing elected, delivered or otherwise reached means that what holds, holds of
    /// nothing; the same for a claim of liveness whose premise is never met.
    #[must_use]
    pub fn ending(&self) -> Ending {
        if self.count(Verdict::Violated) > 0 {
            Ending::Violated
        } else if !self.complete() {
            Ending::Incomplete
        } else if self.count(Verdict::Reached) > 0 && self.count(Verdict::Vacuous) == 0 {
            Ending::Holds
        } else {
            Ending::Vacuous
        }
    }
}
