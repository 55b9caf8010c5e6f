//! One mutant of the `zookeeper` family explored within one set of bounds.

use zab_explorer::{Options, Report, Verdict, check};

use super::ladder::Rung;
use crate::explore::quietly;
use crate::list::Mutant;
use crate::schema::{self, Asked};
use crate::zab::explore::State;

/// Bytes that one run may take.
pub(crate) const MEMORY: u64 = 1 << 30;

/// Different states at which the run of a mutant ends: some mutants have no end. The protocol has fewer
/// on every rung.
pub(crate) const STATES_MAX: u64 = 300_000;

/// What the protocol itself does within some bounds.
#[derive(Clone, Debug)]
pub(crate) struct Protocol {
    /// Different states.
    pub(crate) distinct: u64,
    /// What is not reached there.
    pub(crate) unreached: Vec<&'static str>,
    /// Whether it stops where it should go on.
    pub(crate) has_deadlock: bool,
    /// What its rules are asked.
    pub(crate) asked: Asked,
}

/// Explores the protocol.
///
/// # Panics
/// When it violates a property, or does not come to an end.
pub(crate) fn protocol(rung: &Rung) -> Protocol {
    let model = rung.model();
    let options = Options { memory_max: Some(MEMORY), ..Options::default() };
    let run = || check(&model, &options, &mut |_| {}).expect("a run that may begin");
    let (report, asked) = schema::noting(run);
    assert!(report.complete(), "{}: not all is seen", rung.name);
    if let Some((violated, _)) = violated(&report).next() {
        panic!("{}: the protocol violates {violated}", rung.name);
    }
    Protocol {
        distinct: report.distinct,
        unreached: unreached(&report),
        has_deadlock: report.deadlocks > 0,
        asked,
    }
}

/// What a run within one set of bounds shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// An `always` property is violated, so many steps from an initial state.
    Violated { property: &'static str, steps: usize },
    /// The program gave up in the middle of a step.
    Panicked(String),
    /// All states, and nothing wrong in them, but what is not reached.
    All { unreached: Vec<&'static str>, deadlock: Option<usize> },
    /// As many states as one run may see, and nothing wrong in them.
    Part,
}

/// Explores with a mutant, until a property is violated, or to the end.
pub(crate) fn explore(mutant: &Mutant, rung: &Rung) -> Seen {
    let model = rung.model();
    let options = Options {
        memory_max: Some(MEMORY),
        states_max: STATES_MAX,
        stop_when_violated: true,
        ..Options::default()
    };
    let run = || check(&model, &options, &mut |_| {}).expect("a run that may begin");
    let report = match quietly(Some(mutant), run) {
        Ok(report) => report,
        Err(said) => return Seen::Panicked(said),
    };
    if let Some(fault) = &report.fault {
        return Seen::Panicked(fault.message.clone());
    }
    if let Some((property, steps)) = violated(&report).min_by_key(|(_, steps)| *steps) {
        return Seen::Violated { property, steps };
    }
    if !report.complete() {
        return Seen::Part;
    }
    let deadlock = report.deadlock.as_ref().map(zab_explorer::Trace::steps);
    Seen::All { unreached: unreached(&report), deadlock }
}

fn violated(report: &Report<State>) -> impl Iterator<Item = (&'static str, usize)> {
    report.properties.iter().filter_map(|property| match &property.verdict {
        Verdict::Violated(trace) => Some((property.name, trace.steps())),
        Verdict::Holds | Verdict::Reached(_) | Verdict::NeverReached | Verdict::Unknown => None,
    })
}

fn unreached(report: &Report<State>) -> Vec<&'static str> {
    let unreached = |verdict: &Verdict<State>| matches!(verdict, Verdict::NeverReached);
    let properties = report.properties.iter().filter(|property| unreached(&property.verdict));
    properties.map(|property| property.name).collect()
}
