//! How many states there are: asserted, and the same whoever counts.

use stateright::{Checker, Model};
use zab_explorer::{FlatModel, Options, check};
use zab_model::explore::{Action, Bounds, Limits, Search, State, Zab, run, uneven_starts};

use crate::{CALM, ELECTION, zab};

/// Bounds and their distinct and generated states.
fn known() -> [(Bounds, usize, usize); 3] {
    [
        (Bounds { servers: 2, requests: 1, crashes: 1, rounds: 2, ..CALM }, 412, 726),
        (ELECTION, 6_657, 25_160),
        (Bounds { requests: 1, disconnects: 1, rounds: 2, ..CALM }, 73_593, 219_604),
    ]
}

#[test]
fn breadth_first_and_depth_first_count_the_same_states() {
    for (bounds, distinct, generated) in known() {
        let breadth = zab(bounds).checker().spawn_bfs().join();
        let depth = zab(bounds).checker().spawn_dfs().join();
        let counts = [breadth.unique_state_count(), depth.unique_state_count()];
        assert_eq!(counts, [distinct; 2], "{bounds}");
        let counts = [breadth.state_count(), depth.state_count()];
        assert_eq!(counts, [generated; 2], "{bounds}");
    }
}

#[test]
fn a_report_counts_what_the_checkers_count() {
    for (bounds, distinct, generated) in known() {
        for search in [Search::Breadth, Search::Depth] {
            let report = run(&zab(bounds), search, Limits::default(), &mut |_| ());
            assert!(report.complete);
            assert_eq!(report.distinct, distinct as u64, "{bounds}");
            assert_eq!(report.generated, generated as u64, "{bounds}");
            // Every state but the initial ones was led to by an action.
            let led: u64 = report.actions.iter().map(|(_, count)| count).sum();
            assert_eq!(led + 1, report.generated, "{bounds}");
        }
    }
}

#[test]
fn the_engine_counts_the_same_with_one_thread_and_with_two() {
    for (bounds, distinct, generated) in known() {
        let model = zab(bounds);
        let mut led_before = None;
        for threads in [1, 2] {
            let options = Options { threads, ..Options::default() };
            let report = check(&model, &options, &mut |_| {}).expect("the run begins");
            assert!(report.complete());
            assert_eq!(report.distinct, distinct as u64, "{bounds}");
            assert_eq!(report.generated, generated as u64, "{bounds}");
            let led: u64 = report.actions.iter().map(|(_, count)| count).sum();
            assert_eq!(led + 1, report.generated, "every state but the first was led to");
            assert_eq!(*led_before.get_or_insert(report.actions.clone()), report.actions);
        }
    }
}

/// Along a run from each initial state.
#[test]
fn the_engine_sees_the_steps_and_properties_of_the_model() {
    let mut elections = zab(ELECTION);
    elections.starts = uneven_starts();
    let replication = zab(Bounds { requests: 1, crashes: 1, rounds: 2, ..CALM });
    for model in [elections, replication] {
        for start in model.init_states() {
            follow(&model, start);
        }
    }
}

fn follow(model: &Zab, mut state: State) {
    let names = model.class_names();
    for turn in 0.. {
        let steps = model.next_steps(&state);
        let expected: Vec<_> =
            steps.iter().map(|(action, next)| (model.class(action), *next)).collect();
        let mut taken = Vec::new();
        model.for_each_successor(&state, |class, next| taken.push((class, next)));
        assert!(taken == expected);
        for (action, _) in &steps {
            let (class, kind) = (model.class(action), Action::NAMES[action.kind()]);
            assert_eq!(names[usize::from(class)], format!("{kind}({})", action.server()));
            assert_eq!(model.action_name(class), kind);
        }
        let properties = model.properties();
        let holds = properties.iter().map(|property| (property.condition)(model, &state));
        let mask = holds.rev().fold(0, |mask, holds| mask << 1 | u64::from(holds));
        assert_eq!(model.property_mask(&properties, &state), mask);
        let Some((_, next)) = steps.get(turn % steps.len().max(1)) else { break };
        state = *next;
    }
    assert_ne!(state, model.init_states()[0], "the run has steps");
}
