//! Runs that break a claim, or would break a stronger one.

use std::collections::BTreeSet;

use zab_explorer::{
    Claim, ExplorerModel, Fairness, LiveProperty, LiveVerdict, Met, Predicate, StateGraph,
};
use zab_paper::Phase;
use zab_paper::liveness::{
    STATEMENTS, Story, all_delivered, claims, fairness, is_established, misses_commit, supported,
    supporters,
};
use zab_paper::{Action, Paper, Role, Rules, State};

use crate::liveness::{options, repaired, run, set};
use crate::support::{bounds, paper, walk};

/// Server 2 has acknowledged NEWLEADER and fails before its ACK comes; server 3 learns the
/// transaction from NEWLEADER, so its ACK-LD makes the quorum. No ACK is to come for it, and none
/// for a later transaction can commit before it: the epoch stands still for good, although its
/// leader and a quorum are connected and nothing fails any more.
const MISSED: [Action; 22] = [
    Action::UpdateLeader(0),
    Action::FollowLeader(1),
    Action::ConnectAndFollowerSendCepoch(0, 1),
    Action::LeaderProcessCepoch(0, 1),
    Action::FollowerProcessNewEpoch(1, 0),
    Action::LeaderProcessAckEpoch(0, 1),
    Action::FollowerProcessNewLeader(1, 0),
    Action::LeaderProcessAckLd(0, 1),
    Action::LeaderProcessRequest(0),
    Action::LeaderBroadcastPropose(0),
    Action::FollowerProcessCommitLd(1, 0),
    Action::FollowerProcessPropose(1, 0),
    Action::FollowLeader(2),
    Action::ConnectAndFollowerSendCepoch(0, 2),
    Action::Timeout(0, 1),
    Action::UpdateLeader(1),
    Action::LeaderProcessCepoch(0, 2),
    Action::FollowerProcessNewEpoch(2, 0),
    Action::LeaderProcessAckEpoch(0, 2),
    Action::FollowerProcessNewLeader(2, 0),
    Action::LeaderProcessAckLd(0, 2),
    Action::FollowerProcessCommitLd(2, 0),
];

#[test]
fn an_epoch_stands_still_when_ack_ld_completes_a_quorum() {
    let rules = Rules::new(bounds(3, 2, 1, 0, None));
    let model = paper::<3, 2, 0>(rules);
    let state = run::<3, 2>(&rules, &MISSED);
    assert_eq!(supported(&model, &state), Some(0));
    assert!(misses_commit(&model, &state, 0) && !all_delivered(&state, 0));
    let again = [
        Action::LeaderProcessRequest(0),
        Action::LeaderBroadcastPropose(0),
        Action::FollowerProcessPropose(2, 0),
        Action::LeaderProcessAck(0, 2),
    ];
    let state = run::<3, 2>(&rules, &[&MISSED[..], &again].concat());
    assert_eq!(state.servers[0].history.len(), 2);
    assert!((0..3).all(|i| state.delivered(i).is_empty()));
    model.for_each_step(&state, |action, _| panic!("{action} is possible"));
    // Repaired, the same run has committed the first at once, and then the second.
    let rules = repaired(rules.bounds);
    assert_eq!(run::<3, 2>(&rules, &MISSED).delivered(0).len(), 1);
    let state = run::<3, 2>(&rules, &[&MISSED[..], &again].concat());
    assert_eq!(state.delivered(0).len(), 2);
}

/// A server that has promised too much is turned away for ever: it looks, connects, is offered an
/// epoch that it cannot take, and leaves.
const TURNED_AWAY: [&str; 4] = [
    "FollowLeader",
    "ConnectAndFollowerSendCEPOCH",
    "LeaderProcessCEPOCH",
    "FollowerProcessNEWEPOCH",
];

fn kinds(actions: &[Action]) -> BTreeSet<String> {
    actions.iter().map(|a| Action::KINDS[usize::from(a.kind())].to_owned()).collect()
}

/// Here runs go on as long as they can. While one server goes round and round, another may still
/// be neglected; with fairness it may not.
#[test]
fn what_goes_on_for_ever_may_hide_what_is_neglected() {
    let model = paper::<3, 1, 0>(repaired(bounds(3, 1, 2, 0, None)));
    let graph = StateGraph::explore(&model, &options(), claims(), &mut |_| {}).expect("it begins");
    let neglects = ["LeaderProcessACKLD", "FollowerProcessCOMMITLD", "FollowerProcessCOMMIT["];
    for (number, (lost, (name, _))) in neglects.into_iter().zip(STATEMENTS).enumerate() {
        let full = fairness(3);
        let report = graph.judge(number, &full).expect("the classes are there");
        assert!(matches!(report.verdict, LiveVerdict::Holds) && report.cycles > 0, "{name}");
        let mut conditions = full.conditions;
        conditions.retain(|condition| !condition.name.starts_with(lost));
        let less = Fairness { conditions, ..Fairness::default() };
        let report = graph.judge(number, &less).expect("the classes are there");
        let LiveVerdict::Violated(lasso) = report.verdict else { panic!("{name} holds") };
        let story = Story::new(&lasso, &less);
        assert_eq!(kinds(&story.cycle), set(&[&TURNED_AWAY]), "{name}");
        assert!(story.to_string().contains("then for ever:\n   1  "), "{story}");
    }
}

/// Whether a claim is violated, under full fairness and with runs that may stutter; and how.
fn story<const N: usize, const X: usize>(
    rules: Rules,
    claim: Claim<Paper<N, X, 0>>,
) -> Option<(Story, State<N, X, 0>)> {
    let model = paper::<N, X, 0>(rules);
    let properties = vec![LiveProperty { name: "it", claim }];
    let graph = StateGraph::explore(&model, &options(), properties, &mut |_| {});
    let graph = graph.expect("it begins").stuttering();
    let report = graph.judge(0, &fairness(N)).expect("the classes are there");
    match report.verdict {
        LiveVerdict::Holds => None,
        LiveVerdict::Violated(lasso) => {
            let last = *lasso.stem.states.last().expect("a stem has a state");
            Some((Story::new(&lasso, &fairness(N)), last))
        }
        LiveVerdict::Vacuous | LiveVerdict::Unknown => panic!("it is not judged"),
    }
}

/// Whoever supports somebody follows it in the end, or leads: no exception for promises.
fn everybody_joined<const N: usize, const X: usize>() -> Claim<Paper<N, X, 0>> {
    let all: Predicate<Paper<N, X, 0>> = |model, state| {
        supported(model, state).is_none_or(|leader| {
            let supporters = supporters(state, leader);
            is_established(state, leader)
                && supporters.iter().all(|i| state.servers[i].phase == Phase::Broadcast)
        })
    };
    Claim::LeadsTo(|model, state| supported(model, state).is_some(), all)
}

#[test]
fn a_server_that_has_promised_more_may_never_join() {
    assert_eq!(story::<3, 1>(Rules::new(bounds(3, 1, 1, 0, None)), everybody_joined()), None);
    assert_eq!(story::<2, 2>(Rules::new(bounds(2, 2, 2, 0, None)), everybody_joined()), None);
    let rules = Rules::new(bounds(3, 1, 2, 0, None));
    let (story, state) = story::<3, 1>(rules, everybody_joined()).expect("it is violated");
    assert_eq!(kinds(&story.cycle), set(&[&TURNED_AWAY]));
    let turned = story.cycle[0].owner();
    assert!(story.cycle.iter().all(|action| action.owner() == turned), "{story}");
    let leader = state.oracle.index().expect("somebody is named");
    assert!(state.servers[turned].accepted_epoch > state.servers[leader].accepted_epoch);
    // Every condition is met: those of the cycle by its steps, the others because there is nothing.
    let taken = story.fairness.iter().filter(|(_, met)| matches!(met, Met::Taken(_)));
    assert_eq!(taken.count(), TURNED_AWAY.len());
}

/// Whether anybody is established.
fn somebody_leads<const N: usize, const X: usize>(
    _: &Paper<N, X, 0>,
    state: &State<N, X, 0>,
) -> bool {
    (0..N).any(|i| is_established(state, i))
}

/// The oracle may name everybody in turn, and whoever is named leads: then nobody is left to
/// follow. No failure is needed, and no fairness helps.
#[test]
fn without_the_assumption_all_may_lead_alone() {
    let model = paper::<2, 1, 0>(Rules::new(bounds(2, 1, 0, 0, None)));
    let claim = Claim::AlwaysEventually(somebody_leads);
    let promise = vec![LiveProperty { name: "somebody leads", claim }];
    let graph = StateGraph::explore(&model, &options(), promise, &mut |_| {}).expect("it begins");
    // Runs go on as long as they can, and every action of every server is fair, also the oracle's.
    let everything = Fairness::weak(&model.class_names(), 0..34);
    let report = graph.judge(0, &everything).expect("the classes are there");
    let LiveVerdict::Violated(lasso) = report.verdict else { panic!("somebody leads") };
    let story = Story::new(&lasso, &everything);
    let in_order = [Action::UpdateLeader(0), Action::UpdateLeader(1)];
    assert!(story.stem == in_order || story.stem.iter().rev().eq(&in_order), "{story}");
    let last = lasso.stem.states.last().expect("a stem has a state");
    assert!(lasso.stutters() && last.servers.iter().all(|server| server.role == Role::Leading));
    let model = paper::<3, 1, 0>(repaired(bounds(3, 1, 0, 0, None)));
    let alone: Predicate<Paper<3, 1, 0>> =
        |_, state| state.servers.iter().all(|server| server.role == Role::Leading);
    let mut ends = 0;
    walk(&model, |state, steps| ends += usize::from(steps.is_empty() && alone(&model, state)));
    assert_eq!(ends, 3, "each of three may be named last");
}
