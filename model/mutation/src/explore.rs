//! One mutant explored within one set of bounds.

use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

use zab_explorer::{Options, Report, Verdict, check};

use crate::list::Mutant;
use crate::paper::{Action, Bounds, Paper, Rules};
use crate::schema;

/// Requests that ghosts remember: the most that the rungs of [`crate::LADDER`] make.
const GHOSTS: usize = 12;

/// Bytes that one run may take.
const MEMORY: u64 = 1 << 30;

/// How far one run goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rung {
    /// The bounds.
    pub bounds: Bounds,
    /// Whether one state stands for all that differ in the names of servers only.
    pub symmetry: bool,
    /// Different states of the protocol, ghosts included; with symmetry, orbits.
    pub distinct: u64,
    /// States that the protocol generates.
    pub generated: u64,
}

impl Rung {
    /// Different states at which the run of a mutant ends: some mutants have no end.
    fn states_max(&self) -> u64 {
        4 * self.distinct + 10_000
    }
}

/// What a run within one set of bounds shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// An `always` property is violated, so many steps from an initial state, by a run with so many
    /// failures.
    Violated { property: &'static str, steps: usize, failures: u8 },
    /// The program gave up in the middle of a step.
    Panicked(String),
    /// All states, and nothing wrong in them.
    All { distinct: u64, generated: u64, unreached: Vec<&'static str> },
    /// As many states as one run may see, and nothing wrong in them.
    Part,
}

/// Something to be done with the model of some bounds, whatever its size.
pub(crate) trait WithSize {
    /// What comes of it.
    type Output;

    /// Does it.
    fn run<const N: usize, const X: usize, const G: usize>(
        self,
        model: &Paper<N, X, G>,
    ) -> Self::Output;
}

/// Does something with the model of a rung.
///
/// # Panics
/// When there is no model of that size; the ladder has none such.
pub(crate) fn sized<W: WithSize>(rung: &Rung, work: W) -> W::Output {
    fn of<const N: usize, const X: usize, W: WithSize>(rung: &Rung, work: W) -> W::Output {
        let model = Paper::<N, X, GHOSTS>::new(Rules::new(rung.bounds));
        work.run(&model.expect("a rung that fits its model"))
    }
    match (rung.bounds.servers, rung.bounds.txns) {
        (2, 0..=2) => of::<2, 2, W>(rung, work),
        (3, 0..=1) => of::<3, 1, W>(rung, work),
        (3, 2) => of::<3, 2, W>(rung, work),
        (4, 0..=1) => of::<4, 1, W>(rung, work),
        (servers, txns) => panic!("no model has {servers} servers and {txns} transactions"),
    }
}

/// Explores with a mutant, until a property is violated, or without one, to the end.
pub(crate) fn explore(mutant: Option<&Mutant>, rung: &Rung) -> Seen {
    sized(rung, Exploration { mutant, rung })
}

/// The names of all invariants that a mutant violates within some bounds; each orbit is looked at
/// once.
///
/// # Panics
/// When the mutant does, or no model has the size of the bounds.
#[must_use]
pub fn violated(mutant: &Mutant, bounds: Bounds) -> Vec<&'static str> {
    let rung = Rung { bounds, symmetry: true, distinct: 0, generated: 0 };
    sized(&rung, Violated { mutant })
}

struct Violated<'a> {
    mutant: &'a Mutant,
}

impl WithSize for Violated<'_> {
    type Output = Vec<&'static str>;

    fn run<const N: usize, const X: usize, const G: usize>(
        self,
        model: &Paper<N, X, G>,
    ) -> Self::Output {
        let options = Options { symmetry: true, ..Options::default() };
        let run = || check(model, &options, &mut |_| {}).expect("a run that may begin");
        let report = schema::with(Some(self.mutant), run);
        assert!(report.complete(), "{}: not all is seen", self.mutant);
        let broken = |verdict: &Verdict<_>| matches!(verdict, Verdict::Violated(_));
        let properties = report.properties.iter().filter(|property| broken(&property.verdict));
        properties.map(|property| property.name).collect()
    }
}

struct Exploration<'a> {
    mutant: Option<&'a Mutant>,
    rung: &'a Rung,
}

impl WithSize for Exploration<'_> {
    type Output = Seen;

    fn run<const N: usize, const X: usize, const G: usize>(self, model: &Paper<N, X, G>) -> Seen {
        let options = Options {
            memory_max: Some(MEMORY),
            states_max: self.mutant.map_or(u64::MAX, |_| self.rung.states_max()),
            stop_when_violated: self.mutant.is_some(),
            symmetry: self.rung.symmetry,
            ..Options::default()
        };
        let run = || check(model, &options, &mut |_| {}).expect("a run that may begin");
        match quietly(self.mutant, run) {
            Ok(report) => seen::<N, _>(&report),
            Err(said) => Seen::Panicked(said),
        }
    }
}

/// What a report of a run with `N` servers shows.
pub(crate) fn seen<const N: usize, S>(report: &Report<S>) -> Seen {
    if let Some(fault) = &report.fault {
        return Seen::Panicked(fault.message.clone());
    }
    let violated = report.properties.iter().filter_map(|property| match &property.verdict {
        Verdict::Violated(trace) => Some((property.name, trace)),
        Verdict::Holds | Verdict::Reached(_) | Verdict::NeverReached | Verdict::Unknown => None,
    });
    if let Some((property, trace)) = violated.min_by_key(|(_, trace)| trace.steps()) {
        let all = Action::all(N);
        let is_failure = |class: &&u16| all[usize::from(**class)].is_failure();
        let failures = trace.classes.iter().filter(is_failure).count();
        let failures = u8::try_from(failures).unwrap_or(u8::MAX);
        return Seen::Violated { property, steps: trace.steps(), failures };
    }
    if !report.complete() {
        return Seen::Part;
    }
    let unreached = |verdict: &Verdict<S>| matches!(verdict, Verdict::NeverReached);
    let unreached = report.properties.iter().filter(|property| unreached(&property.verdict));
    Seen::All {
        distinct: report.distinct,
        generated: report.generated,
        unreached: unreached.map(|property| property.name).collect(),
    }
}

/// Does something with a mutant; what a panic said, if it comes to that, which nobody else hears.
pub(crate) fn quietly<T>(mutant: Option<&Mutant>, work: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let others = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !schema::is_active() {
                others(info);
            }
        }));
    });
    let result = panic::catch_unwind(AssertUnwindSafe(|| schema::with(mutant, work)));
    match (result, mutant) {
        (Ok(result), _) => Ok(result),
        (Err(panic), None) => panic::resume_unwind(panic),
        (Err(panic), Some(_)) => Err(said(&*panic)),
    }
}

fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("no words").to_owned()
}
