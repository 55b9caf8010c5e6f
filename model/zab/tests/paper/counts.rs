//! Distinct states and depth equal those of `Zab.tla`, as TLC counts them under the view that keeps
//! what the normal form keeps.

use stateright::{Checker, HasDiscoveries, Model};
use zab_model::paper::{Action, Bounds, Rules, State};

use crate::support::{bounds, paper, walk};

/// Explores everything with stateright's two checkers; all invariants hold and what must be
/// reachable is reached. Distinct states, and the depth with the initial state at 1.
fn explore<const N: usize, const X: usize>(bounds: Bounds) -> (usize, usize) {
    let model = paper::<N, X, 0>(Rules::new(bounds));
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

/// How many states TLC generates: the initial one, every step, and once more every step for each
/// further disjunct that its action reaches it by. Only LeaderProcessACK has disjuncts that
/// overlap: an ACK that needs no commit because nothing is outstanding *and* because the
/// transaction is committed, and one that cannot commit for want of a predecessor *and* a quorum.
fn generated<const N: usize, const X: usize>(bounds: Bounds) -> usize {
    let rules = Rules::new(bounds);
    let mut generated = 1;
    walk(&paper::<N, X, 0>(rules), |state, steps| {
        let twice =
            steps.iter().filter(|(action, next)| by_two_disjuncts(&rules, state, *action, next));
        generated += steps.len() + twice.count();
    });
    generated
}

fn by_two_disjuncts<const N: usize, const X: usize>(
    rules: &Rules,
    state: &State<N, X, 0>,
    action: Action,
    next: &State<N, X, 0>,
) -> bool {
    let Action::LeaderProcessAck(leader, follower) = action else { return false };
    let server = &state.servers[leader];
    let zxid = state.servers[follower].link.up.head().zxid;
    let position = server.history.position(zxid).expect("an ACK for what the leader has");
    let committed = usize::from(server.last_committed);
    let outstanding = committed < server.history.len();
    if position <= committed {
        return !outstanding;
    }
    let by_quorum = rules.is_quorum(next.servers[leader].leading.acks[position - 1]);
    outstanding && committed + 1 < position && !by_quorum
}

#[test]
fn as_many_states_are_generated_as_by_tlc() {
    assert_eq!(generated::<2, 2>(bounds(2, 2, 2, 0, None)), 5_269);
    assert_eq!(generated::<2, 2>(bounds(2, 2, 1, 1, None)), 6_367);
    assert_eq!(generated::<3, 1>(bounds(3, 1, 1, 0, Some(2))), 39_892);
    assert_eq!(generated::<3, 1>(bounds(3, 1, 0, 1, None)), 53_422);
}
