//! Runs that are worth telling.

use zab_paper::{AbstractStep, Action, Role, Rules, State, abstract_step};

use crate::support::bounds;

/// A follower that turns NEWEPOCH down leaves, and its leader does not notice that no quorum
/// remains. So an established leader may outlive the establishment of the next, which is nowhere
/// in the paper; it cannot commit anything any more, and nothing is lost.
#[test]
fn an_established_leader_outlives_its_quorum() {
    let rules = Rules::new(bounds(3, 1, 2, 1, None));
    let run = [
        // Server 1 decides on two epochs that nobody hears of.
        Action::UpdateLeader(0),
        Action::FollowLeader(1),
        Action::ConnectAndFollowerSendCepoch(0, 1),
        Action::LeaderProcessCepoch(0, 1),
        Action::Timeout(0, 1),
        Action::FollowLeader(0),
        Action::FollowLeader(1),
        Action::ConnectAndFollowerSendCepoch(0, 1),
        Action::LeaderProcessCepoch(0, 1),
        Action::Timeout(0, 1),
        // Server 2 is established in epoch 1 with server 3, while server 1 has not yet seen its
        // NEWEPOCH; then server 3 crashes, but with server 1 there is a quorum still.
        Action::UpdateLeader(1),
        Action::FollowLeader(0),
        Action::ConnectAndFollowerSendCepoch(1, 0),
        Action::FollowLeader(2),
        Action::ConnectAndFollowerSendCepoch(1, 2),
        Action::LeaderProcessCepoch(1, 2),
        Action::LeaderProcessCepoch(1, 0),
        Action::FollowerProcessNewEpoch(2, 1),
        Action::LeaderProcessAckEpoch(1, 2),
        Action::FollowerProcessNewLeader(2, 1),
        Action::LeaderProcessAckLd(1, 2),
        Action::Restart(2),
        // Server 1 has promised epoch 2, turns epoch 1 down, and leads.
        Action::FollowerProcessNewEpoch(0, 1),
        Action::UpdateLeader(0),
        Action::FollowLeader(2),
        Action::ConnectAndFollowerSendCepoch(0, 2),
        Action::LeaderProcessCepoch(0, 2),
        Action::FollowerProcessNewEpoch(2, 0),
        Action::LeaderProcessAckEpoch(0, 2),
        Action::FollowerProcessNewLeader(2, 0),
        Action::LeaderProcessAckLd(0, 2),
    ];
    let mut state = State::<3, 1, 8>::default();
    for action in run {
        let next = state.after(&rules, action).unwrap_or_else(|| panic!("{action} in\n{state:?}"));
        assert!(abstract_step(&state, &next).is_some(), "{action} in\n{state:?}");
        state = next;
    }
    let established: Vec<u8> = state.ghost.epochs().collect();
    assert_eq!(established, [1, 3]);
    let leads = |i: usize| state.servers[i].role == Role::Leading;
    assert!(leads(0) && leads(1));
    assert_eq!(state.servers.map(|server| server.current_epoch), [3, 1, 3]);
    assert!(!rules.is_quorum(state.servers[1].leading.learners));

    // Both take what they are asked for, and propose it; only the one with a quorum can go on.
    for leader in [1, 0] {
        for action in [Action::LeaderProcessRequest(leader), Action::LeaderBroadcastPropose(leader)]
        {
            let mut rules = rules;
            rules.bounds.txns = 2;
            let next = state.after(&rules, action).expect("an established leader");
            let step = abstract_step(&state, &next).expect("an abstract step");
            assert!(matches!(step, AbstractStep::Stutter | AbstractStep::Broadcast));
            state = next;
        }
    }
    assert_eq!(state.ghost.broadcasts().count(), 2);
    assert!(state.servers[0].link.is_empty() && !state.servers[2].link.is_empty());
}
