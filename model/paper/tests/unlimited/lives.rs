//! Liveness over closed sets: after the last failure, whenever that is.

use std::collections::BTreeSet;

use stateright::Model;
use zab_explorer::{
    ExplorerModel, Fairness, Lasso, LiveVerdict, Options, Reduced, Reduction, StateGraph, Trace,
};
use zab_paper::liveness::{STATEMENTS, after_failures, claims, explore, fairness};
use zab_paper::{Action, Epochs, Paper, Rules, State, Unlimited, Variant, in_ranks, reading};

use crate::states::{paper, rules};

pub(crate) fn options() -> Options<'static> {
    Options { threads: 2, ..Options::default() }
}

fn read(names: &[&str]) -> Variant {
    let one = |name: &&str| reading(name).expect("a reading");
    names.iter().map(one).fold(Variant::default(), Variant::read)
}

/// As published, but that ACK-LD commits.
pub(crate) fn repaired() -> Variant {
    read(&["late-ack-ld-commits"])
}

/// The family with histories of so many transactions.
pub(crate) fn bounded<const N: usize, const X: usize>(
    variant: Variant,
    txns: u8,
) -> Paper<N, X, 0> {
    let Rules { bounds, .. } = rules::<N, X>(0, 0);
    paper(Rules { bounds: zab_paper::Bounds { txns, ..bounds }, variant })
}

/// A verdict in a word; of a lasso, that no failure is in its cycle.
pub(crate) fn word<M, const N: usize, const X: usize>(
    graph: &StateGraph<'_, M>,
    number: usize,
    fairness: &Fairness,
) -> &'static str
where
    M: ExplorerModel + Model<State = State<N, X, 0>>,
{
    match graph.judge(number, fairness).expect("the classes are there").verdict {
        LiveVerdict::Holds => "holds",
        LiveVerdict::Vacuous => "vacuous",
        LiveVerdict::Violated(lasso) => {
            let ends = |class: &u16| fairness.finitely.contains(class);
            assert!(!lasso.cycle.classes.iter().any(ends));
            "violated"
        }
        LiveVerdict::Unknown => "unknown",
    }
}

/// The names of the claims that are violated after the last failure, each with its lasso.
fn violated<const N: usize, const X: usize>(
    model: &Reduced<Unlimited<N, X>>,
    fairness: &Fairness,
) -> Vec<(&'static str, Lasso<State<N, X, 0>>)> {
    let graph = explore(model, &options(), &mut |_| {}).expect("it begins");
    assert_eq!(graph.stopped, None);
    let mut violated = Vec::new();
    for number in 0..STATEMENTS.len() {
        let report = graph.judge(number, fairness).expect("the classes are there");
        assert!(report.waiting > 0, "{}", report.name);
        match report.verdict {
            LiveVerdict::Holds => {}
            LiveVerdict::Violated(lasso) => violated.push((report.name, lasso)),
            LiveVerdict::Vacuous | LiveVerdict::Unknown => panic!("{} is open", report.name),
        }
    }
    violated
}

fn names<S>(violated: &[(&'static str, Lasso<S>)]) -> Vec<&'static str> {
    violated.iter().map(|(name, _)| *name).collect()
}

const NONE: [&str; 0] = [];

#[test]
fn two_servers_keep_every_promise_after_any_number_of_failures() {
    for variant in [Variant::default(), repaired()] {
        for epochs in [Epochs::Next, Epochs::Any] {
            let one = Unlimited::new(&bounded::<2, 1>(variant, 1), epochs);
            assert_eq!(names(&violated(&one, &after_failures(2))), NONE);
            let two = Unlimited::new(&bounded::<2, 2>(variant, 2), epochs);
            assert_eq!(names(&violated(&two, &after_failures(2))), NONE);
        }
    }
}

/// A run may fail for ever, and then nothing need come about.
#[test]
fn while_failures_go_on_nothing_is_promised() {
    let model = Unlimited::new(&bounded::<2, 1>(repaired(), 1), Epochs::Next);
    let all: Vec<&str> = STATEMENTS.iter().map(|(name, _)| *name).collect();
    let for_ever = violated(&model, &fairness(2));
    assert_eq!(names(&for_ever), all);
    for (_, lasso) in &for_ever {
        let all = Action::all(2);
        assert!(lasso.cycle.classes.iter().any(|class| all[usize::from(*class)].is_failure()));
    }
}

/// An epoch may stand still: one failure is enough, none is not. The lasso is one of the published
/// specification.
#[test]
fn an_epoch_stands_still_after_one_failure() {
    let published = bounded::<3, 1>(Variant::default(), 1);
    let calm = Unlimited::with_failures(&published, Epochs::Next, 0);
    assert_eq!(names(&violated(&calm, &after_failures(3))), NONE);
    let one = Unlimited::with_failures(&published, Epochs::Next, 1);
    let found = violated(&one, &after_failures(3));
    assert_eq!(names(&found), ["delivered"]);
    let lasso = &found[0].1;
    assert!(lasso.stutters());
    let without = Unlimited::new(&published, Epochs::Next);
    let (trace, begins) = unrolled(lasso);
    let replayed = without.reduction().replay(&trace, begins).expect("whole numbers do");
    assert_eq!(replayed.actions.iter().filter(|action| action.is_failure()).count(), 1);
    assert_eq!(replayed.actions.len(), lasso.stem.steps());
    // Repaired, it does not.
    let repaired = bounded::<3, 1>(repaired(), 1);
    let one = Unlimited::with_failures(&repaired, Epochs::Next, 1);
    assert_eq!(names(&violated(&one, &after_failures(3))), NONE);
}

/// Kinds of action that break a claim when one condition of theirs loses its fairness.
fn needed<const N: usize, const X: usize>(
    graph: &StateGraph<'_, Reduced<Unlimited<N, X>>>,
    number: usize,
) -> BTreeSet<String> {
    let all = after_failures(N);
    let mut kinds = BTreeSet::new();
    for lost in 0..all.conditions.len() {
        let mut less = all.clone();
        let lost = less.conditions.remove(lost);
        if word(graph, number, &less) == "violated" {
            kinds.insert(lost.name.split('[').next().unwrap_or_default().to_owned());
        }
    }
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

/// The same, for a follower as well.
const TO_FOLLOW: [&str; 1] = ["FollowerProcessCOMMITLD"];

const TO_DELIVER: [&str; 4] = [
    "LeaderBroadcastPROPOSE",
    "FollowerProcessPROPOSE",
    "LeaderProcessACK",
    "FollowerProcessCOMMIT",
];

/// By claim, the first three of them: the kinds of action whose fairness it needs.
fn needed_by_claims() -> [BTreeSet<String>; 3] {
    let all: [&[&[&str]]; 3] =
        [&[&TO_ESTABLISH], &[&TO_ESTABLISH, &TO_FOLLOW], &[&TO_ESTABLISH, &TO_FOLLOW, &TO_DELIVER]];
    all.map(|parts| parts.concat().iter().map(|name| (*name).to_owned()).collect())
}

/// Each class that a claim needs within bounds it needs here, and no other: without its fairness there
/// is a lasso.
#[test]
fn each_claim_needs_the_fairness_that_it_needs_within_bounds() {
    let model = Unlimited::new(&bounded::<2, 2>(Variant::default(), 2), Epochs::Next);
    let graph = explore(&model, &options(), &mut |_| {}).expect("it begins");
    assert_eq!([0, 1, 2].map(|number| needed(&graph, number)), needed_by_claims());
}

/// With three servers each claim needs the same, and the second one kind more: two can establish their
/// leader while a PROPOSE to the third stands before its COMMIT-LD. A lasso with at most one failure is
/// one of the closed graph.
#[test]
fn three_servers_need_that_fairness_and_a_kind_more() {
    let model = Unlimited::with_failures(&bounded::<3, 1>(repaired(), 1), Epochs::Next, 1);
    let graph = explore(&model, &options(), &mut |_| {}).expect("it begins");
    let mut expected = needed_by_claims();
    expected[1].insert("FollowerProcessPROPOSE".to_owned());
    assert_eq!([0, 1, 2].map(|number| needed(&graph, number)), expected);
}

/// The stem, and one round of the cycle; and where that begins.
fn unrolled<const N: usize, const X: usize>(
    lasso: &Lasso<State<N, X, 0>>,
) -> (Trace<State<N, X, 0>>, Option<usize>) {
    let mut trace = lasso.stem.clone();
    trace.states.extend(lasso.cycle.states.iter().skip(1).copied());
    trace.classes.extend(&lasso.cycle.classes);
    (trace, Some(lasso.stem.steps()))
}

/// A lasso that goes round, where runs go on as long as they can: a server that has promised too much
/// is turned away for ever, while another is neglected.
fn turned_away<M>(model: &M) -> Lasso<State<3, 1, 0>>
where
    M: ExplorerModel + Model<State = State<3, 1, 0>> + AsRef<Paper<3, 1, 0>>,
{
    let mut less = fairness(3);
    less.conditions.retain(|condition| !condition.name.starts_with("LeaderProcessACKLD"));
    let graph = StateGraph::explore(model, &options(), claims(), &mut |_| {}).expect("it begins");
    let report = graph.judge(0, &less).expect("the classes are there");
    let LiveVerdict::Violated(lasso) = report.verdict else { panic!("{:?}", report.verdict) };
    assert!(!lasso.stutters());
    lasso
}

/// A lasso of the published specification is found again from its images. One of the quotient may need
/// a gap between epochs that nothing in it has made.
#[test]
fn a_cycle_is_replayed_if_it_comes_back() {
    let Rules { bounds, .. } = rules::<3, 1>(2, 0);
    let published = paper::<3, 1>(Rules { bounds, variant: repaired() });
    let model = Unlimited::new(&published, Epochs::Next);
    let lasso = turned_away(&published);
    let (mut trace, begins) = unrolled(&lasso);
    let actions = trace.classes.clone();
    trace.states.iter_mut().for_each(|state| *state = model.reduction().canonical(state));
    let replayed = model.reduction().replay(&trace, begins).expect("it is one");
    let classes = replayed.actions.iter().map(|action| action.class(3));
    assert_eq!(classes.collect::<Vec<u16>>(), actions);
    // A run that does not come back is no cycle.
    assert!(model.reduction().replay(&trace, Some(0)).is_none());
    let limited = Unlimited::with_failures(&published, Epochs::Next, 2);
    let (trace, begins) = unrolled(&turned_away(&limited));
    assert!(model.reduction().replay(&trace, begins).is_none());
    // It is shown in ranks: every step, what it changes, and where the cycle begins.
    let lines = in_ranks(&published, &trace, begins);
    let steps = lines.iter().filter(|line| line.contains("  ") && line.ends_with(')')).count();
    assert!(steps >= trace.steps(), "{lines:#?}");
    let begins = lines.iter().position(|line| line == "then for ever:").expect("it goes round");
    assert!(lines[begins + 1].ends_with("  FollowLeader(1)"), "{lines:#?}");
    let last = lines.iter().position(|line| line == "the last state:").expect("it is shown");
    assert!(lines[last + 1].starts_with("server  "), "{lines:#?}");
    assert!(lines.iter().any(|line| line.contains("server 1 f.p: ")), "{lines:#?}");
}

/// The third server makes the closed graph large: by default only some failures are tried.
#[test]
fn three_servers_keep_every_promise_if_repaired() {
    let tried = |variant| {
        let bounded = bounded::<3, 1>(variant, 1);
        let model = match std::env::var("ZAB_RUNS").as_deref() {
            Ok("all") => Unlimited::new(&bounded, Epochs::Next),
            Ok(_) | Err(_) => Unlimited::with_failures(&bounded, Epochs::Next, 2),
        };
        names(&violated(&model, &after_failures(3)))
    };
    assert_eq!(tried(repaired()), NONE);
    assert_eq!(tried(Variant::default()), ["delivered"]);
}
