//! A verdict is never stronger than the run.

use zab_model::explore::{Bounds, Kind, Limits, Search, Suite, Verdict, run};

use crate::{CALM, zab};

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
fn the_quick_suite_holds_and_shows_every_phase() {
    for exploration in Suite::Quick.explorations() {
        let name = exploration.name;
        let report = run(&exploration.model, Search::Depth, Limits::default(), &mut |_| ());
        assert!(report.complete, "{name}");
        for property in &report.properties {
            match property.kind {
                Kind::Always => assert_eq!(property.verdict, Verdict::Holds, "{name}"),
                Kind::Sometimes => {}
            }
        }
        let settled = report.property("everybody_settled").map(|property| property.verdict);
        assert_eq!(settled, Some(Verdict::Reached), "{name}");
    }
}
