//! States without a step: counted, told apart, and shown.

use zab_explorer::{Options, Stop, check};

use crate::small::{Small, threads};

/// Two processes take two locks, each in its own order: 0 nothing held, 1 its own, 2 both.
fn locks() -> Small {
    Small::new(|state, steps| {
        let at = [state % 10, state / 10];
        for (me, unit) in [(0, 1), (1, 10)] {
            let (own, other) = (at[me], at[1 - me]);
            match own {
                0 if other < 2 => steps.push((0, state + unit)),
                1 if other == 0 => steps.push((1, state + unit)),
                2 => steps.push((2, state - 2 * unit)),
                _ => {}
            }
        }
    })
}

#[test]
fn a_deadlock_is_counted_and_shown() {
    for options in threads() {
        let report = check(&locks(), &options, &mut |_| {}).expect("it begins");
        assert_eq!((report.distinct, report.terminal, report.deadlocks), (6, 1, 1));
        let trace = report.deadlock.expect("a run to it");
        assert_eq!((trace.states.first(), trace.states.last()), (Some(&0), Some(&11)));
        assert_eq!(trace.steps(), 2);
        assert!(trace.path(&locks()).is_some(), "it is a run of the model");
    }
}

/// A run may end where the model says so; the others are deadlocks.
#[test]
fn expected_ends_are_no_deadlocks() {
    // Down from 30 by 1 or 7: it ends at 0, and in between it gets stuck at 8.
    let model = || {
        let steps = |state: u32, steps: &mut Vec<(u16, u32)>| {
            if state != 8 {
                steps.extend([1, 7].into_iter().filter_map(|n| Some((0, state.checked_sub(n)?))));
            }
        };
        Small::new(steps).starts([30])
    };
    for options in threads() {
        let report = check(&model(), &options, &mut |_| {}).expect("it begins");
        assert_eq!((report.terminal, report.deadlocks), (2, 2));
        let report = check(&model().may_end(|state| state == 0), &options, &mut |_| {});
        let report = report.expect("it begins");
        assert_eq!((report.terminal, report.deadlocks), (2, 1));
        let trace = report.deadlock.expect("a run to it");
        assert_eq!(trace.states.last(), Some(&8));
        // 22 is three times 7 and 1.
        assert_eq!(trace.steps(), 4);
        let report = check(&model().may_end(|_| true), &options, &mut |_| {}).expect("it begins");
        assert_eq!((report.terminal, report.deadlocks), (2, 0));
        assert!(report.deadlock.is_none());
    }
}

/// An initial state may be one; a state that only stays as it is has a step.
#[test]
fn the_first_state_and_one_that_stays() {
    for options in threads() {
        let stuck = check(&Small::new(|_, _| {}), &options, &mut |_| {}).expect("it begins");
        assert_eq!((stuck.terminal, stuck.deadlocks), (1, 1));
        assert_eq!(stuck.deadlock.map(|trace| trace.states), Some(vec![0]));
        let stays = Small::new(|state, steps| steps.push((0, state)));
        let stays = check(&stays, &options, &mut |_| {}).expect("it begins");
        assert_eq!((stays.terminal, stays.deadlocks), (0, 0));
    }
}

/// A wide tree with one leaf that is nearer than the others, whoever finds it.
#[test]
fn the_shortest_run_is_shown() {
    let tree = || {
        Small::new(|state, steps| {
            if state < 100_000 && state != 1234 {
                steps.extend((1..=8).map(|child| (0, state * 8 + child)));
            }
        })
    };
    for options in threads() {
        let report = check(&tree(), &options, &mut |_| {}).expect("it begins");
        let trace = report.deadlock.expect("a run to it");
        assert_eq!((trace.states.last(), trace.steps()), (Some(&1234), 4));
        assert!(report.deadlocks > 100_000);
    }
}

/// With symmetry the run is one of the model, not of representatives.
#[test]
fn symmetry_shows_a_run_of_the_model() {
    let swapped = |state: u32| state.min(state % 10 * 10 + state / 10);
    for options in threads() {
        let options = Options { symmetry: true, ..options };
        let model = locks().representative(swapped);
        let report = check(&model, &options, &mut |_| {}).expect("it begins");
        assert_eq!((report.distinct, report.terminal, report.deadlocks), (4, 1, 1));
        let trace = report.deadlock.expect("a run to it");
        assert_eq!(trace.states.last(), Some(&11));
        assert!(trace.path(&model).is_some());
    }
}

/// What was not expanded is not said to be without a step.
#[test]
fn a_state_that_waits_is_no_deadlock() {
    let options = Options { depth_max: 2, ..Options::default() };
    let report = check(&locks(), &options, &mut |_| {}).expect("it begins");
    assert_eq!((report.stopped, report.terminal), (Some(Stop::Depth), 0));
    assert!(report.deadlock.is_none());
}
