//! The exploration: what it counts, what it finds, and what it cannot miss.

mod bugs;
mod coarse;
mod counts;
mod defects;
mod grain;
mod laws;
mod ledger;
mod observers;
mod profiles;
mod reductions;
mod refinement;
mod script;
mod sizes;
mod stories;
mod unlimited;
mod vacuity;
mod verdicts;

use zab_explorer::{Options, Report, Verdict, check};
use zab_model::Profile;
use zab_model::explore::{Bounds, Election, State, Zab};

const CALM: Bounds = Bounds::CALM;

/// Three servers that elect and do nothing else.
const ELECTION: Bounds = Bounds { rounds: 0, election: Election::FleOnly, ..CALM };

/// The model at these bounds with a window of 500.
fn zab(bounds: Bounds) -> Zab {
    Zab::new(bounds, 500).expect("the bounds fit")
}

/// The model with some switches of `fixed` set otherwise.
fn with(mut model: Zab, settings: &str) -> Zab {
    model.ensemble.profile = Profile::FIXED.with(settings).expect("the switches exist");
    model
}

/// Explores on one thread, within these limits.
fn explore_within(model: &Zab, options: &Options<'_>) -> Report<State> {
    check(model, options, &mut |_| {}).expect("the run begins")
}

/// Explores everything.
fn explore(model: &Zab) -> Report<State> {
    let report = explore_within(model, &Options::default());
    assert_eq!(report.stopped, None);
    report
}

/// The safety properties that are violated.
fn violated(report: &Report<State>) -> Vec<&'static str> {
    let is_violated = |verdict: &Verdict<State>| matches!(verdict, Verdict::Violated(_));
    let violated = report.properties.iter().filter(|property| is_violated(&property.verdict));
    violated.map(|property| property.name).collect()
}
