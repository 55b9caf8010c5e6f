//! A verdict is never stronger than the run.

use zab_model::Mutant;
use zab_model::explore::{
    Bounds, Limits, PROPERTIES, Search, State, Verdict, Zab, after_first_epoch, check, run,
};

use crate::{CALM, with_defect, zab};

#[test]
fn a_run_cut_short_says_nothing_holds() {
    let bounds = Bounds { requests: 1, crashes: 1, rounds: 2, ..CALM };
    for limits in [
        Limits { states_max: 1, ..Limits::default() },
        Limits { seconds_max: 0.0, ..Limits::default() },
    ] {
        let report = run(&zab(bounds), Search::Depth, limits, &mut |_| ());
        assert!(!report.complete);
        for property in report.properties {
            let said = match property.kind {
                Kind::Always => property.verdict == Verdict::Unknown,
                Kind::Sometimes => property.verdict != Verdict::NotReached,
            };
            assert!(said, "{}: {:?}", property.name, property.verdict);
        }
    }
}

#[test]
fn what_is_out_of_bounds_is_not_reached_and_no_failure() {
    let report = run(&zab(CALM), Search::Breadth, Limits::default(), &mut |_| ());
    assert!(report.complete);
    assert!(!report.violated());
    let verdict = |name| report.property(name).map(|property| property.verdict);
    assert_eq!(verdict("everybody_in_broadcast"), Some(Verdict::Reached));
    assert_eq!(verdict("request_committed"), Some(Verdict::NotReached));
    assert_eq!(verdict("best_of_a_quorum_leads"), None, "says nothing about these bounds");
}

#[test]
fn progress_is_told_and_ends_with_the_result() {
    let mut told = Vec::new();
    let report = run(&zab(CALM), Search::Breadth, Limits::default(), &mut |now| told.push(now));
    assert_eq!(told.last().map(|now| now.distinct), Some(report.distinct));
}

#[test]
fn requests_beyond_the_capacity_are_not_cut_silently() {
    let mut model = zab(Bounds { requests: 3, ..CALM });
    model.starts = vec![after_first_epoch()];
    let report = run(&model, Search::Breadth, Limits::default(), &mut |_| ());
    let capacity = report.property("capacity_suffices").map(|property| property.verdict);
    assert_eq!(capacity, Some(Verdict::Violated));
    assert!(Zab::new(Bounds { requests: 4, ..CALM }, 500).is_none());
    assert!(Zab::new(Bounds { servers: 4, ..CALM }, 500).is_none());
}

#[test]
fn names_are_unique() {
    let mut names: Vec<_> = PROPERTIES.iter().map(|property| property.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), PROPERTIES.len());
}

#[test]
fn fingerprints_are_wide_enough_for_the_bounds() {
    let bounds = Bounds { requests: 1, crashes: 1, rounds: 2, ..CALM };
    let report = run(&zab(bounds), Search::Depth, Limits::default(), &mut |_| ());
    assert!(report.collisions_expected() < 1e-6);
}

#[test]
fn a_state_is_small_and_flat() {
    // `State` is `Copy` and derives `IntoBytes`, so it holds no pointer and no padding.
    assert!(size_of::<State>() <= 640, "{}", size_of::<State>());
}

#[test]
fn a_counterexample_is_told_step_by_step() {
    let mut model = zab(Bounds { requests: 1, ..CALM });
    model = with_defect(model, Mutant::CommitWithoutQuorum);
    let report = check(&model, Limits::default(), &mut |_| ());
    let found = report.property("committed_is_durable_on_a_quorum").expect("it is reported");
    assert_eq!(found.verdict, Verdict::Violated);
    let trace = found.trace.as_ref().expect("a violation has a trace");
    let numbers: Vec<usize> = trace.iter().map(|step| step.number).collect();
    assert_eq!(numbers, (1..=trace.len()).collect::<Vec<_>>());
    let last = trace.last().expect("the trace has steps");
    assert!(last.action.contains("l.3.2"), "{}", last.action);
    assert!(last.changes.contains(&"known committed: - -> 1.1".to_owned()), "{last:?}");
}
