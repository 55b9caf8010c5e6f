//! A verdict is never stronger than the run.

use std::time::Duration;

use stateright::Expectation;
use zab_explorer::{Options, Stop, Verdict};
use zab_model::explore::{Bounds, PROPERTIES, State, Zab, after_first_epoch, trace_text};

use crate::{CALM, explore, explore_within, violated, with, zab};

#[test]
fn a_run_cut_short_says_nothing_holds() {
    let bounds = Bounds { requests: 1, crashes: 1, rounds: 2, ..CALM };
    for (options, stop) in [
        (Options { states_max: 1, ..Options::default() }, Stop::States),
        (Options { time_max: Some(Duration::ZERO), ..Options::default() }, Stop::Time),
        (Options { depth_max: 3, ..Options::default() }, Stop::Depth),
    ] {
        let report = explore_within(&zab(bounds), &options);
        assert_eq!(report.stopped, Some(stop));
        for property in report.properties {
            let said = match property.kind {
                Expectation::Always => matches!(property.verdict, Verdict::Unknown),
                Expectation::Sometimes => !matches!(property.verdict, Verdict::NeverReached),
                Expectation::Eventually => false,
            };
            assert!(said, "{}: {:?}", property.name, property.verdict);
        }
    }
}

#[test]
fn what_is_out_of_bounds_is_not_reached_and_no_failure() {
    let report = explore(&zab(CALM));
    assert_eq!(violated(&report), Vec::<&str>::new());
    let verdict = |name| report.property(name).map(|property| &property.verdict);
    assert!(matches!(verdict("everybody_in_broadcast"), Some(Verdict::Reached(_))));
    assert!(matches!(verdict("request_committed"), Some(Verdict::NeverReached)));
    assert!(verdict("best_of_a_quorum_leads").is_none(), "says nothing about these bounds");
}

#[test]
fn requests_beyond_the_capacity_are_not_cut_silently() {
    let mut model = zab(Bounds { requests: 3, ..CALM });
    model.starts = vec![after_first_epoch()];
    assert!(violated(&explore(&model)).contains(&"capacity_suffices"));
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
fn a_state_is_small_and_flat() {
    // `State` is `Copy` and derives `IntoBytes`, so it holds no pointer and no padding.
    // With five stores and six threads a server it must stay below 768.
    assert_eq!(size_of::<State>(), 602);
}

#[test]
fn a_counterexample_is_told_step_by_step() {
    let mut model = zab(Bounds { requests: 1, ..CALM });
    model = with(model, "commit=first_ack");
    let report =
        explore_within(&model, &Options { stop_when_violated: true, ..Options::default() });
    let found = report.property("committed_is_durable_on_a_quorum").expect("it is reported");
    let trace = found.verdict.trace().expect("a violation has a trace");
    let actions = trace.path(&model).expect("the model makes these steps").into_actions();
    let steps = trace_text(&model, &trace.states[0], &actions);
    let numbers: Vec<usize> = steps.iter().map(|step| step.number).collect();
    assert_eq!(numbers, (1..=trace.steps()).collect::<Vec<_>>());
    let last = steps.last().expect("the trace has steps");
    assert!(last.action.contains("l.3.2"), "{}", last.action);
    assert!(last.changes.contains(&"known committed: - -> 1.1".to_owned()), "{last:?}");
}
