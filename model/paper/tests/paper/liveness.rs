//! Liveness: what holds under which fairness, what breaks it, and what the published protocol does
//! not promise.

use std::collections::BTreeSet;

use zab_explorer::{Fairness, LiveReport, LiveVerdict, Options, StateGraph, Verdict, check};
use zab_paper::liveness::{
    CannotJudge, STATEMENTS, Story, all_joined, explore, fairness, is_established, supported,
    supporters,
};
use zab_paper::{Action, Bounds, LateAckLd, Paper, Rules, Seat, State};

use crate::support::{bounds, paper, walk};

pub(crate) fn options() -> Options<'static> {
    Options { threads: 2, ..Options::default() }
}

/// As published, but that ACK-LD commits.
pub(crate) fn repaired(bounds: Bounds) -> Rules {
    let mut rules = Rules::new(bounds);
    rules.variant.late_ack_ld = LateAckLd::Commits;
    rules
}

/// The names of the claims that are violated under full fairness; none is decided by nothing.
fn violated<const N: usize, const X: usize>(rules: Rules) -> Vec<&'static str> {
    let model = paper::<N, X, 0>(rules);
    let graph = explore(&model, &options(), &mut |_| {}).expect("it begins");
    assert_eq!(graph.stopped, None);
    let judge = |number| graph.judge(number, &fairness(N)).expect("the classes are there");
    let is_violated = |report: &LiveReport<_>| {
        assert!(report.waiting > 0, "{} at {}", report.name, rules.bounds);
        match &report.verdict {
            LiveVerdict::Holds => false,
            LiveVerdict::Violated(_) => true,
            LiveVerdict::Vacuous | LiveVerdict::Unknown => panic!("{} is not judged", report.name),
        }
    };
    let reports = (0..STATEMENTS.len()).map(judge);
    reports.filter(is_violated).map(|report| report.name).collect()
}

const NONE: [&str; 0] = [];

#[test]
fn two_servers_keep_every_promise() {
    for rules in [Rules::new, repaired] {
        assert_eq!(violated::<2, 1>(rules(bounds(2, 1, 0, 0, None))), NONE);
        assert_eq!(violated::<2, 2>(rules(bounds(2, 2, 2, 0, None))), NONE);
        assert_eq!(violated::<2, 2>(rules(bounds(2, 2, 1, 1, None))), NONE);
    }
}

/// As published, three servers keep every promise until the first failure.
#[test]
fn three_servers_as_published_may_fail_to_deliver() {
    let published = |timeouts, restarts| Rules::new(bounds(3, 1, timeouts, restarts, None));
    assert_eq!(violated::<3, 1>(published(0, 0)), NONE);
    assert_eq!(violated::<3, 2>(Rules::new(bounds(3, 2, 0, 0, None))), NONE);
    assert_eq!(violated::<3, 1>(published(1, 0)), ["delivered"]);
    assert_eq!(violated::<3, 1>(published(0, 1)), ["delivered"]);
    assert_eq!(violated::<3, 2>(Rules::new(bounds(3, 2, 1, 0, None))), ["delivered"]);
    assert_eq!(violated::<3, 1>(published(2, 0)), ["delivered"]);
    assert_eq!(violated::<3, 1>(published(1, 1)), ["delivered"]);
}

#[test]
fn three_servers_repaired_keep_every_promise() {
    for failures in [(0, 0), (1, 0), (0, 1), (2, 0), (1, 1)] {
        let rules = repaired(bounds(3, 1, failures.0, failures.1, None));
        assert_eq!(violated::<3, 1>(rules), NONE, "{failures:?}");
    }
    assert_eq!(violated::<3, 2>(repaired(bounds(3, 2, 0, 0, None))), NONE);
    assert_eq!(violated::<3, 2>(repaired(bounds(3, 2, 1, 0, None))), NONE);
}

/// The repair breaks no property that holds as published.
#[test]
fn the_repair_is_safe() {
    for bounds in [bounds(3, 2, 1, 0, None), bounds(3, 1, 1, 1, None)] {
        let model = paper::<3, 2, 12>(repaired(bounds));
        let report = check(&model, &options(), &mut |_| {}).expect("it begins");
        assert!(report.complete());
        for property in &report.properties {
            let fine = matches!(property.verdict, Verdict::Holds | Verdict::Reached(_));
            assert!(fine, "{} at {bounds}", property.name);
        }
    }
}

/// Runs the actions, from the initial state.
pub(crate) fn run<const N: usize, const X: usize>(
    rules: &Rules,
    actions: &[Action],
) -> State<N, X, 0> {
    actions.iter().fold(State::default(), |state, action| {
        state.after(rules, *action).unwrap_or_else(|| panic!("{action} in\n{state:?}"))
    })
}

/// Kinds of action that break the claim when one condition of theirs, of whichever server, loses
/// its fairness.
fn needed<const N: usize, const X: usize>(
    graph: &StateGraph<'_, Paper<N, X, 0>>,
    number: usize,
) -> BTreeSet<String> {
    let all = fairness(N).conditions;
    let breaks = |lost: &usize| {
        let mut conditions = all.clone();
        conditions.remove(*lost);
        let fairness = Fairness { conditions, ..Fairness::default() };
        let report = graph.judge(number, &fairness).expect("the classes are there");
        match &report.verdict {
            LiveVerdict::Holds => false,
            LiveVerdict::Violated(lasso) => {
                let story = Story::new(lasso, &fairness);
                assert_eq!(story.fairness.len(), all.len() - 1);
                true
            }
            LiveVerdict::Vacuous | LiveVerdict::Unknown => panic!("{} is not judged", report.name),
        }
    };
    let lost: Vec<usize> = (0..all.len()).filter(breaks).collect();
    let kind = |lost: usize| all[lost].name.split('[').next().unwrap_or_default().to_owned();
    let kinds: BTreeSet<String> = lost.iter().map(|lost| kind(*lost)).collect();
    assert_eq!(lost.len(), kinds.len() * N, "servers are alike");
    kinds
}

const TO_ESTABLISH: [&str; 7] = [
    "FollowLeader",
    "ConnectAndFollowerSendCEPOCH",
    "LeaderProcessCEPOCH",
    "FollowerProcessNEWEPOCH",
    "LeaderProcessACKEPOCH",
    "FollowerProcessNEWLEADER",
    "LeaderProcessACKLD",
];

const TO_DELIVER: [&str; 4] = [
    "LeaderBroadcastPROPOSE",
    "FollowerProcessPROPOSE",
    "LeaderProcessACK",
    "FollowerProcessCOMMIT",
];

pub(crate) fn set(parts: &[&[&str]]) -> BTreeSet<String> {
    parts.iter().flat_map(|part| part.iter()).map(|name| (*name).to_owned()).collect()
}

#[test]
fn each_claim_needs_the_fairness_of_what_leads_to_it() {
    let model = paper::<2, 2, 0>(Rules::new(bounds(2, 2, 2, 0, None)));
    let two = explore(&model, &options(), &mut |_| {}).expect("it begins");
    assert_eq!(needed(&two, 0), set(&[&TO_ESTABLISH]));
    assert_eq!(needed(&two, 1), set(&[&TO_ESTABLISH, &["FollowerProcessCOMMITLD"]]));
    let everything = set(&[&TO_ESTABLISH, &["FollowerProcessCOMMITLD"], &TO_DELIVER]);
    assert_eq!(needed(&two, 2), everything);
    let model = paper::<3, 1, 0>(repaired(bounds(3, 1, 1, 0, None)));
    let three = explore(&model, &options(), &mut |_| {}).expect("it begins");
    assert_eq!(needed(&three, 0), set(&[&TO_ESTABLISH]));
    // A third server finds proposals ahead of COMMIT-LD.
    let joins = ["FollowerProcessCOMMITLD", "FollowerProcessPROPOSE"];
    assert_eq!(needed(&three, 1), set(&[&TO_ESTABLISH, &joins]));
    assert_eq!(needed(&three, 2), everything);
}

/// No weaker assumption would do: an established leader with a quorum of learners is supported by
/// a quorum. And nobody supports two servers.
#[test]
fn the_assumption_is_no_more_than_is_needed() {
    let model = paper::<3, 1, 0>(Rules::new(bounds(3, 1, 1, 0, None)));
    let mut followed = 0;
    walk(&model, |state, _| {
        let quorum = |i: &usize| {
            let learners = state.servers[*i].leading.learners;
            is_established(state, *i) && model.rules().is_quorum(learners)
        };
        if let Some(leader) = (0..3).find(quorum) {
            assert_eq!(supported(&model, state), Some(leader), "{state:?}");
            followed += 1;
        }
        let supports = |j: &usize| supporters(state, *j);
        for i in 0..3 {
            assert!((0..3).filter(|j| supports(j).contains(i)).count() <= 1, "{i} in {state:?}");
        }
    });
    assert!(followed > 1000);
}

/// Without requests there is nothing to deliver, and that is said.
#[test]
fn what_never_comes_is_not_taken_for_kept() {
    let model = paper::<2, 1, 0>(Rules::new(bounds(2, 0, 1, 0, None)));
    let graph = explore(&model, &options(), &mut |_| {}).expect("it begins");
    let word = |number| graph.judge(number, &fairness(2)).expect("the classes are there").verdict;
    assert!(matches!(word(0), LiveVerdict::Holds) && matches!(word(1), LiveVerdict::Holds));
    assert!(matches!(word(2), LiveVerdict::Vacuous) && matches!(word(3), LiveVerdict::Vacuous));
}

#[test]
fn a_bound_on_epochs_is_refused() {
    let model = paper::<2, 1, 0>(Rules::new(bounds(2, 1, 1, 0, Some(2))));
    let refused = explore(&model, &options(), &mut |_| {}).err();
    assert_eq!(refused, Some(CannotJudge::EpochsBounded));
}

#[test]
fn fairness_of_five_servers_can_be_told_apart() {
    for servers in 2..=5 {
        let conditions = fairness(servers).conditions;
        assert_eq!(conditions.len(), 12 * servers);
        assert!(conditions.iter().all(|condition| !condition.classes.is_empty()));
    }
    assert!(fairness(5).conditions.len() <= 64);
}

/// Supporters are told from others by hand-made states.
#[test]
fn supporters_are_who_may_come_to_follow() {
    let rules = Rules::new(bounds(3, 1, 1, 0, None));
    let model = paper::<3, 1, 0>(rules);
    let who = |actions: &[Action]| supported(&model, &run::<3, 1>(&rules, actions));
    assert_eq!(who(&[]), None);
    // Two look, and the oracle names the third.
    assert_eq!(who(&[Action::UpdateLeader(0)]), Some(0));
    // One of them leads by itself, and is named: the first has lost the other too.
    assert_eq!(who(&[Action::UpdateLeader(0), Action::UpdateLeader(1)]), Some(1));
    let connected = [
        Action::UpdateLeader(0),
        Action::FollowLeader(1),
        Action::ConnectAndFollowerSendCepoch(0, 1),
        Action::UpdateLeader(2),
    ];
    assert_eq!(who(&connected), Some(0));
    assert_eq!(run::<3, 1>(&rules, &connected).oracle, Seat::of(2));
    let all_lead = [Action::UpdateLeader(0), Action::UpdateLeader(1), Action::UpdateLeader(2)];
    assert_eq!(who(&all_lead), None);
    assert!(!all_joined(&run::<3, 1>(&rules, &all_lead), 2));
}
