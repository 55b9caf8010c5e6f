//! What an exploration of any family came to, ready to be shown.

use stateright::Expectation;
use zab_explorer::{Identity, LiveVerdict, Memory, Stop};

use crate::exit::Exit;

/// Everything that is told of one exploration.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    /// Its name in its preset.
    pub(crate) name: &'static str,
    /// What it covers, in words.
    pub(crate) covers: &'static str,
    /// The family's name.
    pub(crate) model: &'static str,
    /// The bounds, and what else changes the counts.
    pub(crate) bounds: String,
    /// What was counted.
    pub(crate) counts: Counts,
    /// Why there was more to see.
    pub(crate) stopped: Option<Stop>,
    /// Different states that were found and not expanded.
    pub(crate) waiting: u64,
    /// Steps and initial states outside of the model's boundary.
    pub(crate) left_out: u64,
    /// States without a step.
    pub(crate) ends: Ends,
    /// What the model did that no model may do.
    pub(crate) fault: Option<Fault>,
    /// Wall-clock time of the exploration, without liveness.
    pub(crate) seconds: f64,
    /// Threads that worked.
    pub(crate) threads: usize,
    /// What it took.
    pub(crate) memory: Memory,
    /// Bytes of table and log for each state.
    pub(crate) bytes_per_state: f64,
    /// How sure it is that no state was taken for another.
    pub(crate) identity: Identity,
    /// Verdicts, in the model's order; claims of liveness last.
    pub(crate) properties: Vec<Property>,
    /// What liveness took, if it was asked for.
    pub(crate) liveness: Option<Liveness>,
}

/// What it took to judge claims of liveness, on a graph of its own.
#[derive(Clone, Debug)]
pub(crate) struct Liveness {
    /// Steps in the graph that change the state.
    pub(crate) steps: u64,
    /// Conditions of fairness.
    pub(crate) conditions: usize,
    /// What the claims assume, in words.
    pub(crate) assumption: &'static str,
    /// Wall-clock time, exploring and judging.
    pub(crate) seconds: f64,
    /// Why the graph is not complete, or says nothing of a claim.
    pub(crate) stopped: Option<Stop>,
}

/// The states without a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ends {
    /// All of them.
    pub(crate) terminal: u64,
    /// Those in which no run may end.
    pub(crate) deadlocks: u64,
    /// Steps of a shortest run to a deadlock.
    pub(crate) trace_length: Option<usize>,
    /// That run as lines.
    pub(crate) story: Vec<String>,
}

/// A panic of the model, or an answer that was another when it was asked again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// In a sentence.
    pub(crate) text: String,
    /// The run to the state that the model was asked about.
    pub(crate) story: Vec<String>,
}

/// What two runs within equal bounds have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Different states; with symmetry, different orbits.
    pub(crate) distinct: u64,
    /// With symmetry: the different states that they stand for.
    pub(crate) unreduced: Option<u64>,
    /// States generated, repeats included.
    pub(crate) generated: u64,
    /// Levels, that of the first state included.
    pub(crate) depth: u64,
    /// How often each action was taken.
    pub(crate) actions: Vec<(String, u64)>,
}

/// What is told of one property.
#[derive(Clone, Debug)]
pub(crate) struct Property {
    /// Its name in the model.
    pub(crate) name: &'static str,
    /// `always`, `sometimes`, or the shape of a claim of liveness.
    pub(crate) kind: &'static str,
    /// Whether it is so.
    pub(crate) verdict: Verdict,
    /// Steps of the run that shows it, if one does.
    pub(crate) trace_length: Option<usize>,
    /// That run as lines, for violations.
    pub(crate) story: Vec<String>,
}

/// Whether a property is so, as far as the run goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Holds,
    Violated,
    Reached,
    NeverReached,
    Vacuous,
    Unknown,
}

impl Verdict {
    pub(crate) fn word(self) -> &'static str {
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
pub(crate) fn kind(expectation: &Expectation) -> &'static str {
    match expectation {
        Expectation::Always => "always",
        Expectation::Sometimes => "sometimes",
        Expectation::Eventually => "eventually",
    }
}

impl Outcome {
    /// Why there was more to see, for properties of states or for liveness.
    pub(crate) fn cut(&self) -> Option<Stop> {
        self.stopped.or(self.liveness.as_ref().and_then(|liveness| liveness.stopped))
    }

    /// Whether every state within the bounds was visited.
    pub(crate) fn complete(&self) -> bool {
        self.cut().is_none()
    }

    /// Makes of what was found a property: that no run gets stuck.
    pub(crate) fn judge_deadlocks(&mut self) {
        let Ends { deadlocks, trace_length, story, .. } = &self.ends;
        let verdict = match trace_length {
            Some(_) => Verdict::Violated,
            None if self.stopped.is_none() && *deadlocks == 0 => Verdict::Holds,
            None => Verdict::Unknown,
        };
        self.properties.push(Property {
            name: "no deadlock",
            kind: "always",
            verdict,
            trace_length: *trace_length,
            story: story.clone(),
        });
    }

    /// How many properties have that verdict.
    pub(crate) fn count(&self, verdict: Verdict) -> usize {
        self.properties.iter().filter(|property| property.verdict == verdict).count()
    }

    /// How a command ends that explored this: a violation; doubt if the run was cut short, or if
    /// nothing was elected, delivered or otherwise reached, so that what holds, holds of nothing; the
    /// same for a claim of liveness whose premise is never met.
    pub(crate) fn exit(&self) -> Exit {
        if self.count(Verdict::Violated) > 0 {
            Exit::Bad
        } else if self.complete()
            && self.count(Verdict::Reached) > 0
            && self.count(Verdict::Vacuous) == 0
        {
            Exit::Good
        } else {
            Exit::Unknown
        }
    }

    /// The same in one word.
    pub(crate) fn word(&self) -> &'static str {
        match self.exit() {
            Exit::Good => "holds",
            Exit::Bad => "VIOLATED",
            Exit::Unknown | Exit::Usage if self.complete() => "vacuous",
            Exit::Unknown | Exit::Usage => "INCOMPLETE",
        }
    }
}
