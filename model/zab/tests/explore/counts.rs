//! How many states there are: asserted, and the same whoever counts.

use std::collections::{BTreeMap, HashSet};

use stateright::{Checker, Model};
use zab_explorer::{ExplorerModel, Options};
use zab_model::explore::{Action, Bounds, State, Zab, uneven_starts};

use crate::{CALM, ELECTION, explore_within, zab};

/// Models, and their distinct and generated states.
fn known() -> [(Zab, usize, usize); 4] {
    let pair = Bounds { servers: 2, requests: 1, crashes: 1, rounds: 2, ..CALM };
    let link = Bounds { requests: 1, disconnects: 1, rounds: 2, ..CALM };
    let uneven = Zab { starts: uneven_starts(), ..zab(ELECTION) };
    [
        (zab(pair), 412, 726),
        (zab(ELECTION), 6_657, 25_160),
        (zab(link), 73_593, 219_604),
        (uneven, 19_971, 75_480),
    ]
}

#[test]
fn stateright_counts_these_states_breadth_first_and_depth_first() {
    for (model, distinct, generated) in known() {
        let breadth = model.clone().checker().spawn_bfs().join();
        let depth = model.clone().checker().spawn_dfs().join();
        let counts = [breadth.unique_state_count(), depth.unique_state_count()];
        assert_eq!(counts, [distinct; 2], "{}", model.bounds);
        let counts = [breadth.state_count(), depth.state_count()];
        assert_eq!(counts, [generated; 2], "{}", model.bounds);
    }
}

/// How often each action leads to a state, counted without any checker.
fn taken(model: &Zab) -> BTreeMap<String, u64> {
    let none = Action::NAMES.iter().map(|name| ((*name).to_owned(), 0));
    let mut taken: BTreeMap<String, u64> = none.collect();
    let mut pending = model.init_states();
    let mut seen: HashSet<State> = pending.iter().copied().collect();
    while let Some(state) = pending.pop() {
        for (action, next) in model.next_steps(&state) {
            *taken.entry(Action::NAMES[action.kind()].to_owned()).or_default() += 1;
            if seen.insert(next) {
                pending.push(next);
            }
        }
    }
    taken
}

/// The states without a step, and what in each of them a run may still do: counted without any
/// checker. Where one gets stuck, a timeout would help.
#[test]
fn ends_are_counted_and_only_a_timeout_leaves_a_deadlock() {
    let stuck = Bounds { disconnects: 2, rounds: 2, ..CALM };
    let models = known().map(|(model, ..)| model).into_iter().chain([zab(stuck)]);
    let mut deadlocks = Vec::new();
    for model in models {
        let mut pending = model.init_states();
        let mut seen: HashSet<State> = pending.iter().copied().collect();
        let mut ends = Vec::new();
        while let Some(state) = pending.pop() {
            let steps = model.next_steps(&state);
            if steps.is_empty() {
                ends.push(state);
            }
            pending.extend(steps.into_iter().map(|(_, next)| next).filter(|n| seen.insert(*n)));
        }
        let report = explore_within(&model, &Options { threads: 2, ..Options::default() });
        assert_eq!(report.terminal, ends.len() as u64, "{}", model.bounds);
        let terminal = ends.len();
        ends.retain(|state| !model.may_end(state));
        assert_eq!(report.deadlocks, ends.len() as u64, "{}", model.bounds);
        assert_eq!(report.deadlock.is_some(), !ends.is_empty(), "{}", model.bounds);
        for mut state in ends.iter().copied() {
            state.budget.timeouts += 1;
            assert!(!model.next_steps(&state).is_empty(), "{state:?}");
        }
        deadlocks.push((terminal, ends.len()));
    }
    assert_eq!(deadlocks.last(), Some(&(178, 2)));
    assert!(deadlocks.iter().all(|(terminal, _)| *terminal > 0));
    assert!(deadlocks[..4].iter().all(|(_, stuck)| *stuck == 0), "{deadlocks:?}");
}

#[test]
fn the_engine_counts_the_same_with_one_thread_and_with_two() {
    for (model, distinct, generated) in known() {
        let taken = taken(&model);
        for threads in [1, 2] {
            let report = explore_within(&model, &Options { threads, ..Options::default() });
            assert_eq!(report.stopped, None);
            assert_eq!(report.distinct, distinct as u64, "{}", model.bounds);
            assert_eq!(report.generated, generated as u64, "{}", model.bounds);
            // Every state but the initial ones was led to by an action.
            let led: u64 = report.actions.iter().map(|(_, count)| count).sum();
            assert_eq!(led + model.starts.len() as u64, report.generated, "{}", model.bounds);
            assert_eq!(report.actions.into_iter().collect::<BTreeMap<_, _>>(), taken);
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
