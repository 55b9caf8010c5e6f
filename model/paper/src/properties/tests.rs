//! States that break each property, made by hand; and that only those break.

use stateright::{Expectation, Model};

use crate::types::Phase;
use crate::{
    AbstractStep, Bounds, History, Kind, Message, Paper, Role, Rules, Seat, Server, State, Txn,
    Violation, Zxid, abstract_step,
};

/// Three servers, three transactions, four remembered requests.
type Flat = State<3, 3, 4>;

const A: Txn = Txn { zxid: Zxid::new(1, 1), value: 0 };
const B: Txn = Txn { zxid: Zxid::new(1, 2), value: 1 };
/// Of the second epoch.
const C: Txn = Txn { zxid: Zxid::new(2, 1), value: 2 };

fn model() -> Paper<3, 3, 4> {
    let bounds = Bounds { servers: 3, txns: 1, epochs: None, timeouts: 1, restarts: 0 };
    Paper::new(Rules::new(bounds)).expect("bounds that fit")
}

/// A server that has adopted an epoch and a history, and has delivered all of that.
fn delivered<const N: usize>(epoch: u8, txns: &[Txn]) -> Server<N, 3> {
    Server {
        accepted_epoch: epoch,
        current_epoch: epoch,
        history: History::of(txns.iter().copied()),
        last_committed: txns.len().try_into().expect("few transactions"),
        ..Server::default()
    }
}

fn established<const N: usize>(epoch: u8, txns: &[Txn]) -> Server<N, 3> {
    Server { role: Role::Leading, phase: Phase::Broadcast, ..delivered(epoch, txns) }
}

/// These servers; whatever they have delivered was broadcast, and is what was ever committed.
fn state(servers: [Server<3, 3>; 3]) -> Flat {
    let mut state = Flat { servers, ..Flat::default() };
    for i in 0..3 {
        for txn in state.servers[i].history.txns() {
            assert!(state.ghost.broadcast(*txn).is_some());
        }
    }
    state
}

/// The invariants that a state breaks.
fn broken(state: &Flat) -> Vec<&'static str> {
    let model = model();
    let invariants = model.properties();
    let invariants = invariants.iter().filter(|p| p.expectation == Expectation::Always);
    invariants.filter(|p| !(p.condition)(&model, state)).map(|p| p.name).collect()
}

#[test]
fn nothing_is_broken_where_all_agree() {
    let mut fine =
        state([established(2, &[A, B, C]), delivered(2, &[A, B, C]), delivered(1, &[A])]);
    fine.ghost.establish(1);
    fine.ghost.establish(2);
    fine.ghost.commit(&[A], 1);
    fine.ghost.commit(&[A, B, C], 1);
    assert_eq!(broken(&fine), Vec::<&str>::new());
    assert_eq!(broken(&Flat::default()), Vec::<&str>::new());
}

#[test]
fn agreement_two_deliver_what_the_other_lacks() {
    let torn = state([delivered(1, &[A]), delivered(1, &[B]), delivered(1, &[])]);
    assert!(broken(&torn).contains(&"agreement"));
    // It does not matter what the two are at the moment.
    let mut torn = torn;
    torn.servers[0].role = Role::Following;
    assert!(broken(&torn).contains(&"agreement"));
}

#[test]
fn total_order_another_order() {
    let swapped = state([delivered(1, &[A, B]), delivered(1, &[B, A]), delivered(1, &[])]);
    assert!(broken(&swapped).contains(&"total_order"));
    assert!(!broken(&swapped).contains(&"agreement"));
    // Who has not delivered the second may lack the first; who has, may not.
    let behind = state([delivered(1, &[A, B]), delivered(1, &[A]), delivered(1, &[])]);
    assert!(!broken(&behind).contains(&"total_order"));
    let skipped = state([delivered(1, &[A, B]), delivered(1, &[B]), delivered(1, &[])]);
    assert!(broken(&skipped).contains(&"total_order"));
}

#[test]
fn local_primary_order_holds_for_all_pairs_not_for_some() {
    // The primary broadcast A, then B. That B is delivered before A is seen though A and C, and B
    // and C, are in order.
    let swapped = state([delivered(2, &[B, A, C]), delivered(2, &[B, A, C]), delivered(0, &[])]);
    assert_eq!(broken(&swapped), ["local_primary_order"]);
    // So is a gap, though everybody has the same.
    let mut gap = state([delivered(1, &[B]), delivered(1, &[B]), delivered(0, &[])]);
    assert!(!broken(&gap).contains(&"local_primary_order"), "A was not broadcast");
    assert!(gap.ghost.broadcast(A).is_some());
    assert_eq!(broken(&gap), ["local_primary_order"]);
}

#[test]
fn global_primary_order_an_earlier_epoch_later() {
    let late = state([delivered(2, &[C, A]), delivered(2, &[C, A]), delivered(0, &[])]);
    assert_eq!(broken(&late), ["global_primary_order"]);
}

#[test]
fn primary_integrity_what_the_primary_has_not_delivered() {
    let mut primary = established(2, &[A, B]);
    primary.last_committed = 1;
    let ahead = state([primary, delivered(2, &[A, B]), delivered(2, &[A, B])]);
    assert_eq!(broken(&ahead), ["primary_integrity"]);
    // Not of its own epoch, and not before it is established.
    let mut own_epoch = ahead;
    own_epoch.servers[0].current_epoch = 1;
    assert_eq!(broken(&own_epoch), Vec::<&str>::new());
    let mut not_yet = ahead;
    not_yet.servers[0].phase = Phase::Synchronization;
    assert_eq!(broken(&not_yet), Vec::<&str>::new());
}

#[test]
fn integrity_what_nobody_broadcast() {
    let other_zxid = Txn { zxid: Zxid::new(1, 2), ..A };
    let mut invented = state([delivered(1, &[A]), delivered(1, &[A]), delivered(0, &[])]);
    assert_eq!(broken(&invented), Vec::<&str>::new());
    invented.ghost = super::super::Ghost::default();
    assert_eq!(broken(&invented), ["integrity"]);
    assert!(invented.ghost.broadcast(other_zxid).is_some());
    assert_eq!(broken(&invented), ["integrity"]);
}

#[test]
fn prefix_consistency() {
    let forked = state([delivered(1, &[A, B]), delivered(1, &[A, C]), delivered(1, &[A, B])]);
    assert!(broken(&forked).contains(&"prefix_consistency"));
    let prefix = state([delivered(1, &[A, B]), delivered(1, &[A]), delivered(1, &[A, B])]);
    assert!(!broken(&prefix).contains(&"prefix_consistency"));
}

#[test]
fn leadership() {
    let mut two = state([established(1, &[]), established(1, &[]), delivered(1, &[])]);
    assert_eq!(broken(&two), ["one_established_leader_per_epoch_at_a_time"]);
    two.servers[1].phase = Phase::Discovery;
    assert_eq!(broken(&two), Vec::<&str>::new());
    two.ghost.establish(1);
    assert_eq!(broken(&two), Vec::<&str>::new());
    two.ghost.establish(1);
    assert_eq!(broken(&two), ["single_established_leader"]);
}

#[test]
fn delivered_is_on_a_quorum() {
    let alone = state([delivered(1, &[A]), delivered(0, &[]), delivered(0, &[])]);
    assert_eq!(broken(&alone), ["delivered_is_on_a_quorum"]);
    let mut held = alone;
    held.servers[1].history = History::of([A]);
    assert_eq!(broken(&held), Vec::<&str>::new());
}

#[test]
fn no_commit_is_lost() {
    let mut lost = state([established(2, &[]), delivered(2, &[]), delivered(1, &[])]);
    lost.ghost.commit(&[A], 1);
    assert_eq!(broken(&lost), ["committed_never_lost"]);
    lost.servers[0].phase = Phase::Discovery;
    assert_eq!(broken(&lost), Vec::<&str>::new(), "nothing is chosen yet");
    // A leader of an earlier epoch may live on without it, one of the same epoch not.
    let mut behind = state([established(1, &[]), delivered(2, &[]), delivered(2, &[])]);
    behind.ghost.commit(&[C], 2);
    assert_eq!(broken(&behind), Vec::<&str>::new());
    behind.servers[0].current_epoch = 2;
    behind.servers[0].accepted_epoch = 2;
    assert_eq!(broken(&behind), ["committed_never_lost"]);
    let mut torn = state([delivered(1, &[A]), delivered(1, &[A]), delivered(1, &[])]);
    torn.ghost.commit(&[A, B], 1);
    assert_eq!(broken(&torn), Vec::<&str>::new());
    torn.ghost.commit(&[A, C], 2);
    assert_eq!(broken(&torn), ["committed_never_lost"]);
}

#[test]
fn a_step_that_broadcast_does_not_have() {
    let before = state([delivered(1, &[A]), delivered(1, &[A]), delivered(1, &[])]);
    let deliver = |i: usize, txns: &[Txn]| {
        let mut after = before;
        after.servers[i] = delivered(1, txns);
        after.ghost.commit(txns, 1);
        txns.iter().for_each(|txn| assert!(after.ghost.broadcast(*txn).is_some()));
        after
    };
    let mut committed = before;
    committed.ghost.commit(&[A], 1);
    let step = |after: &Flat| abstract_step(&committed, after);
    assert_eq!(step(&committed), Some(AbstractStep::Stutter));
    assert_eq!(step(&deliver(2, &[A])), Some(AbstractStep::Deliver));
    assert_eq!(step(&deliver(0, &[])), None, "an order that is forgotten");
    assert_eq!(step(&deliver(2, &[B])), None, "a gap");
    let mut strayed = Flat::default();
    strayed.ghost.stray();
    assert_eq!(broken(&strayed), ["every_step_is_one_of_primary_order_broadcast"]);
}

#[test]
fn a_connection_with_one_end() {
    let mut half = state([established(1, &[]), delivered(1, &[]), delivered(1, &[])]);
    half.servers[0].leading.learners.insert(1);
    assert_eq!(broken(&half), ["a_connection_has_two_ends"]);
    let follower = &mut half.servers[1];
    (follower.role, follower.phase) = (Role::Following, Phase::Discovery);
    assert_eq!(broken(&half), ["a_connection_has_two_ends"]);
    half.servers[1].leader = Seat::of(0);
    assert_eq!(broken(&half), Vec::<&str>::new());
    half.servers[2].phase = Phase::Discovery;
    assert_eq!(broken(&half), ["phase_and_role_fit"]);
    half.servers[2].phase = Phase::Election;
    half.oracle = Seat::of(1);
    assert_eq!(broken(&half), ["whom_the_oracle_names_does_not_follow"]);
    half.oracle = Seat::of(0);
    half.servers[1].link.history = History::of([A]);
    assert_eq!(broken(&half), ["a_history_travels_with_its_message"]);
    let offer = Message::epoch(Kind::NewLeader, 1);
    assert!(half.servers[1].link.down.push(offer).is_some());
    assert_eq!(broken(&half), Vec::<&str>::new());
    half.spent.timeouts = 2;
    assert_eq!(broken(&half), ["budgets_are_kept"]);
}

#[test]
fn an_epoch_that_falls() {
    let before = state([delivered(1, &[]), delivered(1, &[]), delivered(1, &[])]);
    let lower = |change: fn(&mut Server<3, 3>)| {
        let mut after = before;
        change(&mut after.servers[1]);
        before.is_ahead_in_epochs(&after)
    };
    assert!(lower(|server| server.accepted_epoch = 0));
    assert!(lower(|server| server.current_epoch = 0));
    assert!(!lower(|server| server.accepted_epoch = 2));
    let mut fallen = before;
    fallen.ghost.fall();
    assert_eq!(broken(&fallen), ["epochs_only_rise"]);
}

#[test]
fn a_server_alone() {
    let mut beyond = state([delivered(1, &[]), delivered(1, &[]), delivered(1, &[])]);
    beyond.servers[2].last_committed = 1;
    assert_eq!(broken(&beyond), ["committed_is_within_the_history"]);
    let mut unpromised = Flat::default();
    unpromised.servers[0].current_epoch = 1;
    assert_eq!(broken(&unpromised), ["adopted_epoch_is_promised"]);
}

#[test]
fn violations() {
    let cases = [
        (Violation::State, "messages_fit_their_receivers_phase"),
        (Violation::Proposal, "proposals_fit_the_history"),
        (Violation::Commit, "commits_come_in_order"),
        (Violation::Ack, "acks_come_in_order"),
        (Violation::Message, "no_message_outlives_its_connection"),
        (Violation::NoRoom, "capacity_suffices"),
    ];
    for (violation, property) in cases {
        let mut state = Flat::default();
        state.note_violation(violation);
        assert_eq!(broken(&state), [property]);
        state.note_violation(Violation::State);
        assert_eq!(state.violation, violation, "the first violation stays");
    }
}

/// Without ghosts, what needs them is not offered rather than true.
#[test]
fn properties_that_need_ghosts_are_not_offered_without() {
    let bounds = *model().bounds();
    let plain = Paper::<3, 3, 0>::new(Rules::new(bounds)).expect("bounds that fit");
    let names: Vec<_> = plain.properties().iter().map(|property| property.name).collect();
    let all: Vec<_> = model().properties().iter().map(|property| property.name).collect();
    assert_eq!(names, [&all[..super::PLAIN], &all[super::GHOSTLY..]].concat());
    assert_eq!(all, super::STATEMENTS.map(|(name, _)| name), "each has its sentence");
}

/// A queue, a history and the ghosts say when they are full; nothing is dropped in silence.
#[test]
fn capacities() {
    let mut server = Server::<3, 3>::default();
    let message = Message::zxid(Kind::Ack, A.zxid);
    assert_eq!((0..9).filter(|_| server.link.up.push(message).is_some()).count(), 7);
    assert_eq!((0..9).filter(|_| server.history.push(A).is_some()).count(), 3);
    assert_eq!(server.history.position(A.zxid), None, "a zxid that is there twice has no place");
    let mut ghost = Flat::default().ghost;
    assert!(ghost.broadcast(Txn { value: 3, ..A }).is_some());
    assert!(ghost.broadcast(Txn { value: 4, ..A }).is_none());
}
