//! Distinct states and depth equal those of `Zab.tla`, as TLC counts them under the view that keeps
//! what the normal form keeps.

use stateright::{Checker, Expectation, HasDiscoveries, Model};
use zab_explorer::{ExplorerModel, Options, Verdict, check};
use zab_paper::{Action, Bounds, BoundsError, Paper, Role, Rules, State, WithModel, with_model};

use crate::support::{bounds, paper, walk};

/// Distinct states, and depth with the initial state at 1.
type Size = (u64, u64);

/// Explores everything with stateright's two checkers and with our engine on one and two threads:
/// all find as many states, all invariants hold, and what must be reachable is reached.
fn explore<const N: usize, const X: usize>(bounds: Bounds) -> Size {
    let model = paper::<N, X, 0>(Rules::new(bounds));
    let complete = || model.checker().finish_when(HasDiscoveries::AnyFailures);
    let breadth_first = complete().spawn_bfs().join();
    breadth_first.assert_properties();
    let depth_first = complete().spawn_dfs().join();
    depth_first.assert_properties();
    assert_eq!(breadth_first.unique_state_count(), depth_first.unique_state_count());
    let (alone, together) = (engine::<N, X>(bounds, 1), engine::<N, X>(bounds, 2));
    assert_eq!(alone, together);
    assert_eq!(alone.0, breadth_first.unique_state_count() as u64);
    alone
}

fn engine<const N: usize, const X: usize>(bounds: Bounds, threads: usize) -> Size {
    let model = paper::<N, X, 0>(Rules::new(bounds));
    let options = Options { threads, ..Options::default() };
    let report = check(&model, &options, &mut |_| {}).expect("a run that may begin");
    assert!(report.complete());
    for property in &report.properties {
        match property.kind {
            Expectation::Always => {
                assert!(matches!(property.verdict, Verdict::Holds), "{}", property.name);
            }
            Expectation::Sometimes | Expectation::Eventually => {
                assert!(matches!(property.verdict, Verdict::Reached(_)), "{}", property.name);
            }
        }
    }
    (report.distinct, report.depth())
}

#[test]
fn two_servers_two_timeouts() {
    assert_eq!(explore::<2, 2>(bounds(2, 2, 2, 0, None)), (4_001, 33));
}

#[test]
fn two_servers_a_timeout_and_a_restart() {
    assert_eq!(explore::<2, 2>(bounds(2, 2, 1, 1, None)), (4_014, 33));
}

/// The states without a step, counted without any checker. Two that lead alone are stuck; a run may
/// end where all is delivered, and where a bound ends it.
#[test]
fn ends_are_counted_and_told_from_deadlocks() {
    let count = |bounds: Bounds| {
        let model = paper::<2, 2, 0>(Rules::new(bounds));
        let (mut terminal, mut deadlocks) = (0, 0);
        walk(&model, |state, steps| {
            if steps.is_empty() {
                terminal += 1;
                deadlocks += u64::from(!model.may_end(state));
            }
        });
        let report = check(&model, &Options::default(), &mut |_| {}).expect("it begins");
        assert_eq!((report.terminal, report.deadlocks), (terminal, deadlocks));
        let trace = report.deadlock.expect("a run to a deadlock");
        let end = trace.states.last().expect("a state");
        assert!(end.servers.iter().all(|server| server.role == Role::Leading), "{end:?}");
        (terminal, deadlocks)
    };
    assert_eq!(count(bounds(2, 2, 2, 0, None)), (478, 458));
    let (terminal, deadlocks) = count(bounds(2, 2, 2, 0, Some(1)));
    assert!(deadlocks > 0 && terminal - deadlocks > 20, "{terminal} {deadlocks}");
}

#[test]
fn three_servers_a_timeout_two_epochs() {
    assert_eq!(explore::<3, 1>(bounds(3, 1, 1, 0, Some(2))), (18_541, 32));
}

#[test]
fn three_servers_a_restart() {
    assert_eq!(explore::<3, 1>(bounds(3, 1, 0, 1, None)), (24_509, 39));
}

#[test]
fn three_servers_two_transactions_a_timeout() {
    assert_eq!(explore::<3, 2>(bounds(3, 2, 1, 0, None)), (140_236, 40));
}

#[test]
fn four_servers_a_timeout_two_epochs() {
    assert_eq!(engine::<4, 1>(bounds(4, 1, 1, 0, Some(2)), 2), (271_485, 44));
}

#[test]
fn three_servers_two_timeouts() {
    assert_eq!(engine::<3, 1>(bounds(3, 1, 2, 0, None), 2), (160_258, 39));
}

#[test]
fn three_servers_two_transactions_a_restart() {
    assert_eq!(engine::<3, 2>(bounds(3, 2, 0, 1, None), 2), (137_861, 44));
}

#[test]
fn three_servers_a_timeout_and_a_restart() {
    assert_eq!(engine::<3, 1>(bounds(3, 1, 1, 1, None), 2), (192_170, 44));
}

#[test]
fn two_servers_three_transactions_two_of_each_failure() {
    assert_eq!(engine::<2, 3>(bounds(2, 3, 2, 2, None), 2), (143_599, 48));
}

#[test]
fn four_servers_two_transactions() {
    assert_eq!(engine::<4, 2>(bounds(4, 2, 0, 0, None), 2), (91_849, 43));
}

/// Nobody joins late in the last epoch, so that what all must deliver is not reached here.
#[test]
fn five_servers_one_epoch() {
    let rules = Rules::new(bounds(5, 1, 0, 0, Some(1)));
    assert_eq!(walk(&paper::<5, 1, 0>(rules), |_, _| {}), 47_941);
}

struct Distinct;

impl<const G: usize> WithModel<G> for Distinct {
    type Output = (u64, usize);

    fn run<const N: usize, const X: usize>(self, model: &Paper<N, X, G>) -> (u64, usize) {
        let report = check(model, &Options::default(), &mut |_| {}).expect("a run that may begin");
        (report.distinct, X)
    }
}

#[test]
fn the_size_is_chosen_by_the_bounds() {
    let distinct = |bounds| with_model::<0, _>(Rules::new(bounds), Distinct);
    assert_eq!(distinct(bounds(2, 2, 2, 0, None)), Ok((4_001, 2)));
    assert_eq!(distinct(bounds(3, 1, 1, 0, Some(2))), Ok((18_541, 2)));
    assert_eq!(distinct(bounds(5, 1, 0, 0, Some(1))), Ok((47_941, 2)));
    assert_eq!(distinct(bounds(2, 0, 0, 0, None)).map(|(_, room)| room), Ok(2));
    assert_eq!(distinct(bounds(2, 5, 0, 0, None)).map(|(_, room)| room), Ok(6));
    assert_eq!(distinct(bounds(6, 1, 0, 0, None)), Err(BoundsError::ServerRange { offered: 6 }));
    assert_eq!(distinct(bounds(2, 9, 0, 0, None)), Err(BoundsError::Txns { offered: 9, room: 6 }));
    let forgetful = with_model::<4, _>(Rules::new(bounds(2, 2, 1, 0, None)), Distinct);
    assert_eq!(forgetful, Err(BoundsError::Requests { needed: 6, room: 4 }));
}

/// Histories of more room, and ghosts that are off, are no difference.
#[test]
fn room_does_not_count() {
    assert_eq!(engine::<3, 4>(bounds(3, 1, 1, 0, Some(2)), 2), (18_541, 32));
}

/// Apache's copy of the specification has one guard more: a restart is also a timeout.
#[test]
fn the_guard_of_apaches_copy() {
    let mut rules = Rules::new(bounds(2, 2, 1, 1, None));
    rules.variant.restart_is_timeout = true;
    assert_eq!(walk(&paper::<2, 2, 0>(rules), |_, _| {}), 1_284);
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
