//! Mutants where failures, requests and epochs have no bound: do they show there, with as few failures
//! as within bounds?

use zab_explorer::{LiveVerdict, Options, Reduced, check};

use crate::explore::{Seen, explore, quietly, seen};
use crate::ladder::LADDER;
use crate::list::Mutant;
use crate::paper::{Bounds, Epochs, Paper, Rules, Unlimited, liveness};

/// Bytes that one run may take.
const MEMORY: u64 = 1 << 30;

/// Different states at which the run of a mutant ends.
const STATES_MAX: u64 = 1_000_000;

/// How a mutant shows in the quotient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shows {
    /// What is violated, not reached or not live; or that a step panics.
    pub what: String,
    /// Failures that it takes.
    pub failures: u8,
}

/// Failures that it takes to kill a mutant within bounds in which it is killed: those of the run that
/// violates an invariant, or else as many as there are.
#[must_use]
pub fn failures_within(mutant: &Mutant, bounds: Bounds) -> u8 {
    let rung = LADDER.iter().find(|rung| rung.bounds == bounds);
    match rung.map(|rung| explore(Some(mutant), rung)) {
        Some(Seen::Violated { failures, .. }) => failures,
        Some(Seen::All { .. } | Seen::Part | Seen::Panicked(_)) | None => {
            bounds.timeouts + bounds.restarts
        }
    }
}

/// How a mutant shows without bounds on anything but failures, with the fewest of them and at most so
/// many; servers and transactions are those of the bounds. `None`: it does not.
///
/// What is violated or not live with so many failures is so with any number; what is not reached with
/// so many may be with more.
///
/// # Panics
/// When no model has the size of the bounds.
#[must_use]
pub fn shows(mutant: &Mutant, bounds: Bounds, most: u8) -> Option<Shows> {
    (0..=most).find_map(|failures| {
        let what = with(mutant, bounds, failures)?;
        Some(Shows { what, failures })
    })
}

/// How a mutant shows with at most so many failures.
fn with(mutant: &Mutant, bounds: Bounds, failures: u8) -> Option<String> {
    match (bounds.servers, bounds.txns) {
        (2, 0..=2) => of_size::<2, 2>(mutant, bounds, failures),
        (3, 0..=1) => of_size::<3, 1>(mutant, bounds, failures),
        (3, 2) => of_size::<3, 2>(mutant, bounds, failures),
        (4, 0..=1) => of_size::<4, 1>(mutant, bounds, failures),
        (servers, txns) => panic!("no model has {servers} servers and {txns} transactions"),
    }
}

fn of_size<const N: usize, const X: usize>(
    mutant: &Mutant,
    bounds: Bounds,
    failures: u8,
) -> Option<String> {
    let bounds = Bounds { timeouts: 0, restarts: 0, ..bounds };
    let paper = Paper::<N, X, 0>::new(Rules::new(bounds)).expect("bounds of a rung");
    let model = Unlimited::with_failures(&paper, Epochs::Next, failures);
    let options = Options {
        memory_max: Some(MEMORY),
        states_max: STATES_MAX,
        stop_when_violated: true,
        symmetry: true,
        ..Options::default()
    };
    let run = || check(&model, &options, &mut |_| {}).expect("a run that may begin");
    match quietly(Some(mutant), run) {
        Err(_) => Some("panics".to_owned()),
        Ok(report) => match seen::<N, _>(&report) {
            Seen::Violated { property, .. } => Some(format!("violates \"{property}\"")),
            Seen::Panicked(_) => Some("panics".to_owned()),
            Seen::All { unreached, .. } if !unreached.is_empty() => {
                Some(format!("never \"{}\"", unreached[0]))
            }
            Seen::All { .. } => not_live(mutant, &model),
            Seen::Part => None,
        },
    }
}

/// A claim that does not hold although it does for the protocol.
fn not_live<const N: usize, const X: usize>(
    mutant: &Mutant,
    model: &Reduced<Unlimited<N, X>>,
) -> Option<String> {
    let options =
        Options { memory_max: Some(MEMORY), states_max: STATES_MAX, ..Options::default() };
    let judge = || {
        let graph = liveness::explore(model, &options, &mut |_| {}).expect("a run that may begin");
        let fairness = liveness::after_failures(N);
        let verdict = |number| graph.judge(number, &fairness).expect("its classes").verdict;
        let all = 0..graph.properties().len();
        all.map(|number| match verdict(number) {
            LiveVerdict::Holds => Some(true),
            LiveVerdict::Violated(_) => Some(false),
            LiveVerdict::Vacuous | LiveVerdict::Unknown => None,
        })
        .collect::<Vec<_>>()
    };
    let of_mutant = quietly(Some(mutant), judge).ok()?;
    if of_mutant.iter().all(|holds| *holds != Some(false)) {
        return None;
    }
    let broken = judge().iter().zip(of_mutant).position(|pair| pair == (&Some(true), Some(false)));
    broken.map(|number| format!("not live, \"{}\"", liveness::STATEMENTS[number].0))
}
