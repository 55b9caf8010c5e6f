//! Distinct states and depth equal those of `Zab.tla`, as TLC counts them under the view that keeps
//! what the normal form keeps.

use stateright::{Checker, HasDiscoveries, Model};
use zab_model::paper::{Bounds, Paper, Rules};

fn bounds(servers: u8, txns: u8, timeouts: u8, restarts: u8, epochs: Option<u8>) -> Bounds {
    Bounds { servers, txns, epochs, timeouts, restarts }
}

/// Explores everything with stateright's two checkers; all invariants hold and what must be
/// reachable is reached. Distinct states, and the depth with the initial state at 1.
fn explore<const N: usize, const X: usize>(bounds: Bounds) -> (usize, usize) {
    let model = Paper::<N, X, 0>::new(Rules::new(bounds)).expect("bounds that fit");
    let complete = || model.checker().finish_when(HasDiscoveries::AnyFailures);
    let breadth_first = complete().spawn_bfs().join();
    breadth_first.assert_properties();
    let depth_first = complete().spawn_dfs().join();
    depth_first.assert_properties();
    assert_eq!(breadth_first.unique_state_count(), depth_first.unique_state_count());
    (breadth_first.unique_state_count(), breadth_first.max_depth())
}

#[test]
fn two_servers_two_timeouts() {
    assert_eq!(explore::<2, 2>(bounds(2, 2, 2, 0, None)), (4_001, 33));
}

#[test]
fn two_servers_a_timeout_and_a_restart() {
    assert_eq!(explore::<2, 2>(bounds(2, 2, 1, 1, None)), (4_014, 33));
}

#[test]
fn three_servers_a_timeout_two_epochs() {
    assert_eq!(explore::<3, 1>(bounds(3, 1, 1, 0, Some(2))), (18_541, 32));
}

#[test]
fn three_servers_a_restart() {
    assert_eq!(explore::<3, 1>(bounds(3, 1, 0, 1, None)), (24_509, 39));
}
