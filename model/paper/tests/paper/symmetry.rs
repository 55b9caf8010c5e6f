//! Server symmetry: orbits as TLC counts them when the view is the set of all renamings.

use std::collections::HashSet;

use stateright::{Checker, HasDiscoveries, Model, Representative};
use zab_explorer::{Options, check};
use zab_paper::{Bounds, Rules, State};

use crate::support::{bounds, paper, walk};

/// Every permutation of the indices.
fn permutations<const N: usize>() -> Vec<[u8; N]> {
    let mut all = vec![Vec::new()];
    for _ in 0..N {
        let extend = |start: Vec<u8>| {
            let rest = (0..).take(N).filter(|place| !start.contains(place)).collect::<Vec<u8>>();
            rest.into_iter().map(move |place| [start.clone(), vec![place]].concat())
        };
        all = all.into_iter().flat_map(extend).collect();
    }
    all.into_iter().map(|places| places.try_into().expect("N places")).collect()
}

/// Orbits found by a walk over all states. Each state is compared with all of its renamings: they
/// have one representative among them, and the orbit is as large as it says.
fn orbits<const N: usize, const X: usize>(bounds: Bounds) -> (usize, u64, usize) {
    let renamings = permutations::<N>();
    let mut representatives: HashSet<State<N, X, 0>> = HashSet::new();
    let states = walk(&paper::<N, X, 0>(Rules::new(bounds)), |state, _| {
        let orbit: HashSet<_> = renamings.iter().map(|places| state.renamed(places)).collect();
        let representative = state.representative();
        assert!(orbit.contains(&representative));
        assert!(orbit.iter().all(|renamed| renamed.representative() == representative));
        assert_eq!(state.orbit_size(), orbit.len() as u64);
        representatives.insert(representative);
    });
    let sum = representatives.iter().map(State::orbit_size).sum();
    (representatives.len(), sum, states)
}

/// Orbits that our engine visits, and the sum of their sizes.
fn engine<const N: usize, const X: usize>(bounds: Bounds, threads: usize) -> (u64, Option<u64>) {
    let model = paper::<N, X, 0>(Rules::new(bounds));
    let options = Options { threads, symmetry: true, ..Options::default() };
    let report = check(&model, &options, &mut |_| {}).expect("a run that may begin");
    assert!(report.complete());
    (report.distinct, report.unreduced)
}

/// Orbits that stateright's depth-first search visits; its breadth-first search has no symmetry.
fn reduced<const N: usize, const X: usize>(bounds: Bounds) -> usize {
    let model = paper::<N, X, 0>(Rules::new(bounds));
    let checker = model.checker().symmetry().finish_when(HasDiscoveries::AnyFailures);
    let checker = checker.spawn_dfs().join();
    checker.assert_properties();
    checker.unique_state_count()
}

#[test]
fn two_servers() {
    let bounds = bounds(2, 2, 2, 0, None);
    assert_eq!(orbits::<2, 2>(bounds), (2_001, 4_001, 4_001));
    assert_eq!(reduced::<2, 2>(bounds), 2_001);
    assert_eq!(engine::<2, 2>(bounds, 1), (2_001, Some(4_001)));
    assert_eq!(engine::<2, 2>(bounds, 2), (2_001, Some(4_001)));
}

#[test]
fn three_servers_a_timeout_two_epochs() {
    let bounds = bounds(3, 1, 1, 0, Some(2));
    assert_eq!(orbits::<3, 1>(bounds), (3_126, 18_541, 18_541));
    assert_eq!(reduced::<3, 1>(bounds), 3_126);
    assert_eq!(engine::<3, 1>(bounds, 1), (3_126, Some(18_541)));
    assert_eq!(engine::<3, 1>(bounds, 2), (3_126, Some(18_541)));
}

#[test]
fn three_servers_a_restart() {
    let bounds = bounds(3, 1, 0, 1, None);
    assert_eq!(orbits::<3, 1>(bounds), (4_169, 24_509, 24_509));
    assert_eq!(reduced::<3, 1>(bounds), 4_169);
    assert_eq!(engine::<3, 1>(bounds, 1), (4_169, Some(24_509)));
    assert_eq!(engine::<3, 1>(bounds, 2), (4_169, Some(24_509)));
}

#[test]
fn four_servers_a_timeout_two_epochs() {
    let (_, unreduced) = engine::<4, 1>(bounds(4, 1, 1, 0, Some(2)), 2);
    assert_eq!(unreduced, Some(271_485));
}

/// The representative does not depend on names where several leaders and five servers are at work.
#[test]
fn five_servers() {
    assert_eq!(permutations::<5>().len(), 120);
    let mut state = State::<5, 1, 0>::default();
    let rules = Rules::new(bounds(5, 1, 2, 0, None));
    let model = paper::<5, 1, 0>(rules);
    for turn in 0..60 {
        let mut steps = Vec::new();
        model.for_each_step(&state, |_, next| steps.push(next));
        let Some(next) = steps.get(turn * 7 % steps.len().max(1)) else { break };
        state = *next;
        let orbit: HashSet<_> = permutations::<5>().iter().map(|p| state.renamed(p)).collect();
        assert_eq!(state.orbit_size(), orbit.len() as u64);
        assert!(orbit.iter().all(|other| other.representative() == state.representative()));
    }
    assert!(state.spent.timeouts > 0);
}
