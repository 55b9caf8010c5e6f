//! Every seeded defect breaks a property, at the smallest bounds where it can.

use stateright::Expectation;
use zab_explorer::{Options, check};
use zab_model::paper::{Bounds, Mutant, Rules};

use crate::support::{bounds, paper};

/// The invariants that are violated, with everything remembered that a property may ask for.
fn violated<const N: usize, const X: usize>(rules: Rules) -> Vec<&'static str> {
    let options = Options { threads: 2, ..Options::default() };
    let model = paper::<N, X, 12>(rules);
    let report = check(&model, &options, &mut |_| {}).expect("a run that may begin");
    assert!(report.complete());
    let broken = report
        .properties
        .iter()
        .filter(|p| p.kind == Expectation::Always && p.verdict.trace().is_some());
    broken.map(|property| property.name).collect()
}

fn of(bounds: Bounds, mutant: Option<Mutant>) -> Vec<&'static str> {
    let rules = Rules { mutant, ..Rules::new(bounds) };
    match (bounds.servers, bounds.txns) {
        (3, 1) => violated::<3, 1>(rules),
        (3, 2) => violated::<3, 2>(rules),
        (4, 1) => violated::<4, 1>(rules),
        (servers, txns) => panic!("no test has {servers} servers and {txns} transactions"),
    }
}

const TWO_TXNS: Bounds = Bounds { servers: 3, txns: 2, epochs: None, timeouts: 1, restarts: 0 };

/// Where each defect shows, and one property that it breaks there.
fn symptom(mutant: Mutant) -> (Bounds, &'static str) {
    let timeout = bounds(3, 1, 1, 0, Some(2));
    let restart = bounds(3, 1, 0, 1, None);
    match mutant {
        Mutant::EpochNotRaised => (timeout, "one established leader per epoch ever"),
        Mutant::PromiseForgotten => (restart, "one established leader per epoch ever"),
        Mutant::HistoryForgotten => (restart, "no commit is lost"),
        Mutant::OwnHistoryKept => (TWO_TXNS, "prefix consistency"),
        Mutant::NewLeaderHistoryIgnored => (TWO_TXNS, "total order"),
        Mutant::NewLeaderEpochIgnored => (bounds(3, 1, 2, 0, Some(3)), "no commit is lost"),
        Mutant::AckWithoutAccepting => (timeout, "delivered is on a quorum"),
        Mutant::CommitWithoutQuorum => (bounds(4, 1, 0, 0, None), "delivered is on a quorum"),
        Mutant::CommitOutOfOrder | Mutant::CommitToUnsynced => (TWO_TXNS, "commits come in order"),
        Mutant::InitialHistoryUncommitted => (timeout, "primary integrity"),
        Mutant::NewestProposedFirst => (TWO_TXNS, "proposals fit the history"),
        Mutant::BuffersKept => (timeout, "no message outlives its connection"),
        Mutant::AckWithheld | Mutant::LateCepochUnanswered | Mutant::ProposalsHeldBack => {
            panic!("{mutant} breaks no property, only liveness")
        }
    }
}

#[test]
fn every_defect_breaks_a_property() {
    for mutant in Mutant::SAFETY {
        let (bounds, property) = symptom(mutant);
        let broken = of(bounds, Some(mutant));
        assert!(broken.contains(&property), "{mutant} at {bounds} breaks {broken:?}");
    }
}

/// What a defect breaks holds without it, with ghosts in the state.
#[test]
fn without_a_defect_nothing_breaks() {
    for bounds in Mutant::SAFETY.map(|mutant| symptom(mutant).0) {
        assert_eq!(of(bounds, None), Vec::<&str>::new(), "{bounds}");
    }
}
