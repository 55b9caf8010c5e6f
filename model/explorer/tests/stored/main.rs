//! States with heap: the same answers as for flat ones, and encodings that fail are noticed.

mod fat;
mod faults;

use stateright::Expectation;
use zab_explorer::{
    Claim, Fairness, LiveProperty, LiveVerdict, Options, Report, StateGraph, Stop, TwoPhase,
    Verdict, check,
};

use fat::{Fat, FatTwoPhase, flat_of};

const MANAGERS: u8 = 5;

fn models() -> (TwoPhase, FatTwoPhase) {
    (TwoPhase::new(MANAGERS).expect("few"), FatTwoPhase::new(MANAGERS))
}

/// All that does not depend on how states are kept.
fn summary<S>(report: &Report<S>) -> String {
    let property = |property: &zab_explorer::PropertyReport<S>| {
        let steps = property.verdict.trace().map(zab_explorer::Trace::steps);
        (property.name, property.kind == Expectation::Always, steps)
    };
    let all = (
        report.stopped,
        [report.distinct, report.generated, report.terminal, report.deadlocks, report.waiting],
        report.levels.clone(),
        report.unreduced,
        report.actions.clone(),
        report.properties.iter().map(property).collect::<Vec<_>>(),
        report.deadlock.as_ref().map(zab_explorer::Trace::steps),
    );
    format!("{all:?}")
}

#[test]
fn safety_is_the_same() {
    let (flat, fat) = models();
    for threads in [1, 2] {
        for symmetry in [false, true] {
            let options = Options { threads, symmetry, ..Options::default() };
            let of_flat = check(&flat, &options, &mut |_| {}).expect("it begins");
            let of_fat = check(&fat, &options, &mut |_| {}).expect("it begins");
            assert!(of_flat.complete());
            assert_eq!(summary(&of_flat), summary(&of_fat));
        }
    }
}

/// A run that is shown has the model's own states, and is a run of stateright's.
#[test]
fn traces_are_runs_of_the_model() {
    let (_, fat) = models();
    let report = check(&fat, &Options::default(), &mut |_| {}).expect("it begins");
    let trace = report.properties[1].verdict.trace().expect("all commit in some run");
    let path = trace.path(&fat).expect("a run of the model");
    let states: Vec<Fat> = path.into_states();
    assert_eq!(states, trace.states);
    assert!(states.last().is_some_and(|state| state.managers.len() == usize::from(MANAGERS)));
}

/// A run that has too little memory ends within it, and says nothing that it does not know.
#[test]
fn memory_is_kept_to_the_budget() {
    let fat = FatTwoPhase::new(7);
    for threads in [1, 2] {
        let options = Options { threads, memory_max: Some(4 << 20), ..Options::default() };
        let report = check(&fat, &options, &mut |_| {}).expect("it begins");
        assert_eq!(report.stopped, Some(Stop::Memory));
        assert!((20_000..296_448).contains(&report.distinct), "{}", report.distinct);
        // It pauses when the budget is reached, and by then has passed it by a few blocks.
        assert!(report.memory.peak < 5 << 20, "{:?}", report.memory);
        assert!(matches!(report.properties[2].verdict, Verdict::Unknown));
    }
}

/// A run that stops early waits with what it has found, and shows shortest runs as well.
#[test]
fn depths_are_kept() {
    let (flat, fat) = models();
    for depth in 1..15 {
        let options = Options { depth_max: depth, ..Options::default() };
        let of_flat = check(&flat, &options, &mut |_| {}).expect("it begins");
        let of_fat = check(&fat, &options, &mut |_| {}).expect("it begins");
        assert_eq!(summary(&of_flat), summary(&of_fat));
    }
}

/// What waits is packed, however much memory there is: what is on the heap would not be counted.
#[test]
fn the_frontier_is_bytes() {
    let fat = FatTwoPhase::new(6);
    let report = check(&fat, &Options::default(), &mut |_| {}).expect("it begins");
    assert_eq!((report.distinct, report.memory.packed), (50_816, 0));
    let widest = report.levels.iter().max().copied().unwrap_or(0);
    // The heap of one such state alone is more; and there are the last blocks, as they are.
    let most = widest * 40 + 2 * 256 * size_of::<Fat>() as u64 + (64 << 10);
    assert!(report.memory.frontier_peak < most, "{} {widest}", report.memory.frontier_peak);
}

#[test]
fn liveness_is_the_same() {
    let (flat, fat) = models();
    for threads in [1, 2] {
        let options = Options { threads, ..Options::default() };
        let claims = vec![LiveProperty {
            name: "all end",
            claim: Claim::Eventually(|model: &TwoPhase, state| model.is_done(state)),
        }];
        let of_flat = StateGraph::explore(&flat, &options, claims, &mut |_| {}).expect("it begins");
        let claims = vec![LiveProperty {
            name: "all end",
            claim: Claim::Eventually(|model: &FatTwoPhase, state: &Fat| {
                model.inner.is_done(&flat_of(state))
            }),
        }];
        let of_fat = StateGraph::explore(&fat, &options, claims, &mut |_| {}).expect("it begins");
        assert_eq!((of_flat.distinct, of_flat.steps()), (of_fat.distinct, of_fat.steps()));
        let all: Vec<String> = (0..7).map(|class| class.to_string()).collect();
        for fairness in
            [Fairness::default(), Fairness::weak(&all, 0..7), Fairness::weak(&all, 3..4)]
        {
            let one = of_flat.judge(0, &fairness).expect("the classes are there");
            let other = of_fat.judge(0, &fairness).expect("the classes are there");
            assert_eq!(
                (one.waiting, one.cycles, one.standstills),
                (other.waiting, other.cycles, other.standstills)
            );
            match (one.verdict, other.verdict) {
                (LiveVerdict::Holds, LiveVerdict::Holds) => {}
                (LiveVerdict::Violated(one), LiveVerdict::Violated(other)) => {
                    // With more threads, states have other numbers each time.
                    if threads == 1 {
                        assert_eq!(one.stem.steps(), other.stem.steps());
                    }
                    assert_eq!(one.stutters(), other.stutters());
                }
                (one, other) => panic!("{one:?} against {other:?}"),
            }
        }
    }
}
