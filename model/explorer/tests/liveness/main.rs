//! Liveness on graphs whose answers are known, and on random ones against every possible set.

mod graph;
mod oracle;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use stateright::{Checker, Model, Property};
use zab_explorer::{
    Claim, ExplorerModel, Fairness, LiveProperty, LiveVerdict, Met, Options, Refused, StateGraph,
    Stop, Strength, TwoPhase,
};

use graph::{CLASSES, FORMS, Form, Graph, fair, strong, unfair, weak, word};

const EVENTUALLY: Form = Form::Eventually;

/// Graphs with a counterexample to `<>P`, some of which stateright's `eventually` does not see: it
/// takes cycles and joins for the end of a path.
#[test]
fn counterexamples_on_cycles_and_joins_are_found() {
    let cases = [
        (Graph::new(&[(0, 1), (1, 0)]).p(&[2]), "a cycle"),
        (Graph::new(&[(0, 0), (0, 1)]).p(&[1]), "a step that changes nothing, for ever"),
        (Graph::new(&[(0, 1), (1, 3), (0, 2), (2, 3)]).p(&[1]), "the other way to a join"),
        (Graph::new(&[(0, 1), (1, 3), (0, 2), (2, 3)]).p(&[2]), "the one way to a join"),
        (Graph::new(&[(0, 1)]).p(&[2]), "the end of the only path"),
    ];
    for (graph, why) in cases {
        assert_eq!(word(&graph, EVENTUALLY, &unfair()), "violated", "{why}");
    }
}

/// The same five on stateright's breadth-first search, so that this file says when it changes.
#[test]
fn stateright_misses_three_of_them() {
    struct Eventually(Graph, u8);
    impl Model for Eventually {
        type State = u8;
        type Action = (u16, u8);
        fn init_states(&self) -> Vec<u8> {
            self.0.init_states()
        }
        fn actions(&self, state: &u8, actions: &mut Vec<(u16, u8)>) {
            self.0.actions(state, actions);
        }
        fn next_state(&self, state: &u8, action: (u16, u8)) -> Option<u8> {
            self.0.next_state(state, action)
        }
        fn properties(&self) -> Vec<Property<Self>> {
            // The second keeps it going until it has seen all.
            vec![
                Property::eventually("P", |model: &Self, state| *state == model.1),
                Property::always("anything", |_, _| true),
            ]
        }
    }
    let join = [(0, 1), (1, 3), (0, 2), (2, 3)];
    let finds = |steps: &[(u8, u8)], p: u8| {
        let checker = Eventually(Graph::new(steps), p).checker().spawn_bfs().join();
        checker.discovery("P").is_some()
    };
    let found = [
        finds(&[(0, 1), (1, 0)], 2),
        finds(&[(0, 0), (0, 1)], 1),
        finds(&join, 1),
        finds(&join, 2),
        finds(&[(0, 1)], 2),
    ];
    assert_eq!(found, [false, false, false, true, true]);
}

#[test]
fn what_every_run_meets_holds() {
    let diamond = Graph::new(&[(0, 1), (1, 3), (0, 2), (2, 3)]);
    assert_eq!(word(&diamond.clone().p(&[3]), EVENTUALLY, &unfair()), "holds");
    assert_eq!(word(&diamond.clone().p(&[1, 2]), EVENTUALLY, &unfair()), "holds");
    assert_eq!(word(&diamond.clone().p(&[0]), EVENTUALLY, &unfair()), "holds");
    // Again and again is more than once: the runs end in 3 and stay there.
    assert_eq!(word(&diamond.clone().p(&[0]), Form::AlwaysEventually, &unfair()), "violated");
    assert_eq!(word(&diamond.p(&[3]), Form::AlwaysEventually, &unfair()), "holds");
    let cycle = Graph::new(&[(0, 1), (1, 2), (2, 0)]).p(&[1]);
    assert_eq!(word(&cycle, Form::AlwaysEventually, &unfair()), "holds");
}

/// From some time on: P may be false for a while, and true at the end; not false again and again.
#[test]
fn from_some_time_on_is_not_again_and_again() {
    let ends = Graph::new(&[(0, 1), (1, 2), (2, 1), (2, 3)]);
    let form = Form::EventuallyAlways;
    // A run may go round in 1 and 2 for ever.
    assert_eq!(word(&ends.clone().p(&[3]), form, &unfair()), "violated");
    assert_eq!(word(&ends.clone().p(&[1, 3]), form, &unfair()), "violated");
    assert_eq!(word(&ends.clone().p(&[1, 2, 3]), form, &unfair()), "holds");
    // The state in which runs end is the one that is not P.
    assert_eq!(word(&ends.p(&[0, 1, 2]), form, &unfair()), "violated");
    let LiveVerdict::Violated(lasso) =
        Graph::new(&[(0, 1), (1, 2), (2, 0)]).p(&[0, 1]).judge(form, &unfair()).verdict
    else {
        panic!("2 comes again and again")
    };
    assert_eq!(lasso.cycle.states, [0, 1, 2, 0]);
    // Where class 1 is not neglected, every run ends in 2.
    let fair_end = Graph::with_classes(&[(0, 0, 1), (1, 0, 0), (0, 1, 2), (1, 1, 2)]).p(&[2]);
    assert_eq!(word(&fair_end, form, &unfair()), "violated");
    assert_eq!(word(&fair_end, form, &weak(&[&[1]])), "holds");
}

/// The way back of a cycle may enable what was not enabled on the way there; it is taken then.
#[test]
fn a_condition_that_is_met_until_the_cycle_goes_on_is_met_in_the_end() {
    // Class 1 is possible in 2 only, to which the third condition leads.
    let graph = Graph::with_classes(&[(0, 0, 1), (1, 0, 0), (1, 2, 2), (2, 0, 0), (2, 1, 0)]);
    let fairness = strong(&[&[0], &[1], &[2]]);
    assert_eq!(word(&graph, EVENTUALLY, &fairness), "violated");
}

/// A cycle that neglects a class which is possible all the time is unfair; it is no
/// counterexample, and is one as soon as the class loses its fairness.
#[test]
fn an_unfair_cycle_is_no_counterexample() {
    let graph = Graph::with_classes(&[(0, 0, 1), (1, 0, 0), (0, 1, 2), (1, 1, 2)]).p(&[2]);
    assert_eq!(word(&graph, EVENTUALLY, &unfair()), "violated");
    assert_eq!(word(&graph, EVENTUALLY, &weak(&[&[0]])), "violated");
    assert_eq!(word(&graph, EVENTUALLY, &weak(&[&[1]])), "holds");
    assert_eq!(word(&graph, EVENTUALLY, &weak(&[&[0], &[1]])), "holds");
    // One condition over both classes is met by going round.
    assert_eq!(word(&graph, EVENTUALLY, &weak(&[&[0, 1]])), "violated");
}

/// Possible again and again, but not all the time: only strong fairness forbids to neglect it.
#[test]
fn strong_fairness_is_more_than_weak() {
    let graph = Graph::with_classes(&[(0, 0, 1), (1, 0, 0), (0, 1, 2)]).p(&[2]);
    assert_eq!(word(&graph, EVENTUALLY, &weak(&[&[1]])), "violated");
    assert_eq!(word(&graph, EVENTUALLY, &strong(&[&[1]])), "holds");
    let report = graph.judge(EVENTUALLY, &weak(&[&[0], &[1]]));
    let LiveVerdict::Violated(lasso) = report.verdict else { panic!("{:?}", report.verdict) };
    assert_eq!(lasso.cycle.states, [0, 1, 0]);
    assert_eq!(lasso.fairness, [Met::Taken(0), Met::Disabled(1)]);
}

/// Fairness is a matter of the part in which a run stays. The whole of states 0 to 3 is not fair,
/// since it neglects class 1; but a run may keep to 2 and 3, where class 1 is not possible.
#[test]
fn a_part_of_an_unfair_part_may_be_fair() {
    let steps = [(0, 0, 1), (1, 0, 2), (2, 0, 3), (3, 0, 2), (3, 0, 0), (0, 1, 4)];
    let graph = Graph::with_classes(&steps).p(&[4]);
    assert_eq!(word(&graph, EVENTUALLY, &strong(&[&[1]])), "violated");
    let report = graph.judge(EVENTUALLY, &strong(&[&[1]]));
    let LiveVerdict::Violated(lasso) = report.verdict else { panic!("{:?}", report.verdict) };
    assert_eq!(lasso.fairness, [Met::NeverEnabled]);
    // Without that refuge there is no fair run.
    let graph = Graph::with_classes(&[(0, 0, 1), (1, 0, 2), (2, 0, 0), (0, 1, 4)]).p(&[4]);
    assert_eq!(word(&graph, EVENTUALLY, &strong(&[&[1]])), "holds");
}

/// Twice over: without what enables class 1, the rest falls apart, and one part of it neglects
/// class 2 in turn.
#[test]
fn parts_are_searched_again_as_often_as_needed() {
    let mut steps = vec![(0, 0, 1), (1, 0, 2), (2, 0, 1), (2, 0, 0), (0, 1, 5), (2, 2, 6)];
    let graph = Graph::with_classes(&steps).p(&[5, 6]);
    assert_eq!(word(&graph, EVENTUALLY, &strong(&[&[1]])), "violated");
    assert_eq!(word(&graph, EVENTUALLY, &strong(&[&[1], &[2]])), "holds");
    // A place to stay in, found at the second time.
    steps.push((1, 0, 1));
    let graph = Graph::with_classes(&steps).p(&[5, 6]);
    assert_eq!(word(&graph, EVENTUALLY, &strong(&[&[1], &[2]])), "violated");
}

/// A step that changes nothing takes no class and enables none.
#[test]
fn standing_still_is_no_step_of_a_class() {
    // Class 1 loops at 0, and leads out of it: to loop neglects it.
    let graph = Graph::with_classes(&[(0, 1, 0), (0, 1, 1)]).p(&[1]);
    assert_eq!(word(&graph, EVENTUALLY, &unfair()), "violated");
    assert_eq!(word(&graph, EVENTUALLY, &weak(&[&[1]])), "holds");
    // All it does is to loop: it is not neglected, because it is not possible.
    let graph = Graph::with_classes(&[(0, 1, 0)]).p(&[1]);
    assert_eq!(word(&graph, EVENTUALLY, &weak(&[&[1]])), "violated");
    // The loop of 1 does not excuse the cycle for neglecting class 2.
    let steps = [(0, 0, 1), (1, 0, 0), (1, 2, 1), (0, 2, 2), (1, 2, 2)];
    let graph = Graph::with_classes(&steps).p(&[2]);
    assert_eq!(word(&graph, EVENTUALLY, &weak(&[&[2]])), "holds");
}

/// A run stutters where nothing is possible, whatever is fair; elsewhere it goes on.
#[test]
fn runs_stutter_only_where_nothing_is_possible() {
    let graph = Graph::new(&[(0, 1)]).p(&[9]);
    let everything = weak(&[&[0], &[1], &[2]]);
    assert_eq!(word(&graph, EVENTUALLY, &everything), "violated");
    let LiveVerdict::Violated(lasso) = graph.judge(EVENTUALLY, &everything).verdict else {
        panic!("it is violated");
    };
    assert!(lasso.stutters());
    assert_eq!(
        (lasso.stem.states.as_slice(), lasso.cycle.states.as_slice()),
        (&[0, 1][..], &[1][..])
    );
    assert_eq!(lasso.fairness, [Met::Disabled(0); 3]);
    assert_eq!(word(&Graph::new(&[(0, 1)]).p(&[1]), EVENTUALLY, &unfair()), "holds");
}

/// Where runs may stutter anywhere, only fairness makes them go on; the lasso stands still, and
/// says which condition is met by what is not possible.
#[test]
fn runs_may_stutter_anywhere_if_wanted() {
    let path = Graph::with_classes(&[(0, 0, 1), (1, 1, 2)]).p(&[2]);
    let word = |fairness: &Fairness| match path.judge_stuttering(EVENTUALLY, fairness).verdict {
        LiveVerdict::Holds => (true, Vec::new(), Vec::new()),
        LiveVerdict::Violated(lasso) => {
            assert!(lasso.stutters());
            (false, lasso.stem.states, lasso.fairness)
        }
        LiveVerdict::Vacuous | LiveVerdict::Unknown => panic!("the graph is complete"),
    };
    assert!(word(&weak(&[&[0], &[1]])).0);
    assert_eq!(word(&weak(&[&[1]])), (false, vec![0], vec![Met::Disabled(0)]));
    assert_eq!(word(&weak(&[&[0]])), (false, vec![0, 1], vec![Met::Disabled(0)]));
    assert_eq!(word(&strong(&[&[0]])), (false, vec![0, 1], vec![Met::NeverEnabled]));
}

#[test]
fn leads_to_speaks_of_every_time() {
    // P in 1 is answered by Q in 2; after that, P in 3 is not.
    let graph = Graph::new(&[(0, 1), (1, 2), (2, 3)]).q(&[2]);
    assert_eq!(word(&graph.clone().p(&[1]), Form::LeadsTo, &unfair()), "holds");
    assert_eq!(word(&graph.clone().p(&[1, 3]), Form::LeadsTo, &unfair()), "violated");
    // Q at the same time is an answer.
    assert_eq!(word(&graph.clone().p(&[2]), Form::LeadsTo, &unfair()), "holds");
    assert_eq!(word(&graph.clone().p(&[9]), Form::LeadsTo, &unfair()), "vacuous");
    assert_eq!(word(&graph.p(&[]), Form::LeadsTo, &unfair()), "vacuous");
}

/// Graphs of up to six states, random fairness, all forms; and what is shown is a counterexample.
#[test]
fn verdicts_on_random_graphs_are_those_of_trying_every_set() {
    let mut random = SmallRng::seed_from_u64(5);
    let mut violated = 0;
    const ROUNDS: u32 = 4000;
    for round in 0..ROUNDS {
        let states: u8 = random.random_range(1..=6);
        let steps = random.random_range(0..=12);
        let mut step = || {
            let ends = (random.random_range(0..states), random.random_range(0..states));
            (ends.0, random.random_range(0..CLASSES), ends.1)
        };
        let graph = Graph {
            initial: vec![0],
            steps: (0..steps).map(|_| step()).collect(),
            inside: u64::MAX,
            p: random.random_range(0..1 << states),
            q: random.random_range(0..1 << states),
        };
        let mut fairness = unfair();
        for class in 0..CLASSES {
            let strength = if random.random() { Strength::Weak } else { Strength::Strong };
            if random.random() {
                fairness = fairness.and(fair(strength, &[&[class]]));
            }
        }
        for form in FORMS {
            let expected = oracle::is_violated(&graph, form, &fairness, states);
            let word = word(&graph, form, &fairness);
            assert_eq!(word == "violated", expected, "round {round}: {graph:?} {fairness:?}");
            violated += u32::from(expected);
            // To stutter is to have a step everywhere that changes nothing.
            let mut loops = graph.clone();
            loops.steps.extend((0..states).map(|state| (state, 0, state)));
            let expected = oracle::is_violated(&loops, form, &fairness, states);
            let stuttering = graph.judge_stuttering(form, &fairness).verdict;
            assert_eq!(
                matches!(stuttering, LiveVerdict::Violated(_)),
                expected,
                "round {round}, stuttering: {graph:?} {fairness:?}"
            );
        }
    }
    // Neither answer is rare, so that both are tested.
    assert!((ROUNDS / 2..ROUNDS * 7 / 2).contains(&violated), "{violated} violated");
}

/// The same where runs take finitely many steps of some classes: those lead to where a run stays, and
/// are not taken there.
#[test]
fn what_is_taken_finitely_often_closes_no_cycle() {
    let mut random = SmallRng::seed_from_u64(11);
    let (mut violated, mut differ) = (0, 0);
    const ROUNDS: u32 = 3000;
    for round in 0..ROUNDS {
        let states: u8 = random.random_range(1..=6);
        let mut step = || {
            let ends = (random.random_range(0..states), random.random_range(0..states));
            (ends.0, random.random_range(0..CLASSES), ends.1)
        };
        let steps: Vec<_> = (0..12).map(|_| step()).collect();
        let bits = 1..1_u64 << states;
        let (p, q) = (random.random_range(bits.clone()), random.random_range(bits));
        let graph = Graph { initial: vec![0], steps, inside: u64::MAX, p, q };
        let mut loops = graph.clone();
        loops.steps.extend((0..states).map(|state| (state, CLASSES, state)));
        let mut all = unfair();
        for class in 0..CLASSES {
            let strength = if random.random() { Strength::Weak } else { Strength::Strong };
            if random.random_bool(0.8) {
                all = all.and(fair(strength, &[&[class]]));
            }
        }
        let ends: Vec<u16> = (0..CLASSES).filter(|_| random.random()).collect();
        let fairness = all.clone().finitely(ends.iter().copied());
        for form in FORMS {
            let expected = oracle::is_violated(&loops, form, &fairness, states);
            let verdict = graph.judge_stuttering(form, &fairness).verdict;
            if let LiveVerdict::Violated(lasso) = &verdict {
                assert!(lasso.cycle.classes.iter().all(|class| !ends.contains(class)));
                assert_eq!(lasso.cycle.states.first(), lasso.cycle.states.last());
            }
            let is_violated = matches!(verdict, LiveVerdict::Violated(_));
            assert_eq!(is_violated, expected, "round {round}: {graph:?} {fairness:?} {form:?}");
            violated += u32::from(expected);
            differ += u32::from(expected != oracle::is_violated(&loops, form, &all, states));
        }
    }
    assert!((ROUNDS / 2..ROUNDS * 7 / 2).contains(&violated), "{violated} violated");
    assert!(differ > ROUNDS / 50, "{differ} verdicts are others without that");
}

/// A failure after which a run stays is no reason to go on failing: 0 and 1 are a cycle only by the
/// failure (class 2), and 3 is reached by it only.
#[test]
fn failures_that_end_lead_to_where_a_run_stays() {
    let go_round = Graph::with_classes(&[(0, 2, 1), (1, 0, 0), (0, 0, 4)]).p(&[4]);
    let word = |graph: &Graph, fairness: &Fairness| {
        let verdict = graph.judge_stuttering(EVENTUALLY, fairness).verdict;
        matches!(verdict, LiveVerdict::Violated(_))
    };
    // Each time round, class 0 is taken once: as long as failures go on, that is fair.
    assert!(word(&go_round, &weak(&[&[0]])));
    assert!(!word(&go_round, &weak(&[&[0]]).finitely([2])));
    let away = Graph::with_classes(&[(0, 2, 1), (1, 0, 3), (0, 0, 4), (3, 2, 3)]).p(&[4]);
    assert!(word(&away, &weak(&[&[0]]).finitely([2])));
    let report = away.judge_stuttering(EVENTUALLY, &weak(&[&[0]]).finitely([2]));
    let LiveVerdict::Violated(lasso) = report.verdict else { panic!("{:?}", report.verdict) };
    assert_eq!((lasso.stem.states.as_slice(), lasso.stutters()), (&[0, 1, 3][..], true));
}

/// A verdict that is given although steps were left out is that of every graph which is the same
/// within the boundary, whatever is outside of it.
#[test]
fn a_verdict_within_a_boundary_is_true_of_whatever_is_outside() {
    let mut random = SmallRng::seed_from_u64(7);
    let (mut decided, mut open, mut outsides) = ([0, 0], 0, 0);
    for round in 0..1500 {
        // 0 to 3 are within, 4 to 6 are not.
        let step = |random: &mut SmallRng, from: std::ops::Range<u8>| {
            (random.random_range(from), random.random_range(0..CLASSES), random.random_range(0..7))
        };
        let count = random.random_range(1..=9);
        let steps: Vec<_> = (0..count).map(|_| step(&mut random, 0..4)).collect();
        let inner = Graph {
            initial: vec![0],
            steps,
            inside: 0b1111,
            p: random.random_range(0..1 << 4),
            q: random.random_range(0..1 << 4),
        };
        let mut fairness = unfair();
        for class in 0..CLASSES {
            let strength = if random.random() { Strength::Weak } else { Strength::Strong };
            if random.random() {
                fairness = fairness.and(fair(strength, &[&[class]]));
            }
        }
        for form in FORMS {
            let within = word(&inner, form, &fairness);
            match within {
                "unknown" => open += 1,
                "violated" => decided[1] += 1,
                _ => decided[0] += 1,
            }
            for _ in 0..6 {
                let mut whole = Graph { inside: u64::MAX, ..inner.clone() };
                let count = random.random_range(0..=6);
                whole.steps.extend((0..count).map(|_| step(&mut random, 4..7)));
                whole.p |= random.random_range(0..1 << 3) << 4;
                whole.q |= random.random_range(0..1 << 3) << 4;
                let is_violated = oracle::is_violated(&whole, form, &fairness, 7);
                outsides += 1;
                assert!(
                    within == "unknown" || (within == "violated") == is_violated,
                    "round {round}: {within}, but {whole:?} {fairness:?} {form:?}"
                );
            }
        }
    }
    // None of the answers is rare.
    assert!(decided.iter().all(|count| *count > 500) && open > 500, "{decided:?} {open}");
    assert_eq!(outsides, 1500 * 4 * 6);
}

/// What was not explored decides nothing; what was may still show a violation.
#[test]
fn an_incomplete_graph_never_makes_a_claim_hold() {
    let shallow = Options { depth_max: 3, ..Options::default() };
    // The claim would fail at the end of the path, which is not seen.
    let path = Graph::new(&[(0, 1), (1, 2), (2, 3), (3, 4)]).p(&[9]);
    let report = path.judge_with(EVENTUALLY, &unfair(), &shallow);
    assert!(matches!(report.verdict, LiveVerdict::Unknown), "{:?}", report.verdict);
    // It would hold, but that is not seen either.
    let path = path.p(&[3]);
    let report = path.judge_with(EVENTUALLY, &unfair(), &shallow);
    assert!(matches!(report.verdict, LiveVerdict::Unknown), "{:?}", report.verdict);
    // An antecedent that was not seen may still come.
    let path = path.p(&[4]).q(&[4]);
    let report = path.judge_with(Form::LeadsTo, &unfair(), &shallow);
    assert!(matches!(report.verdict, LiveVerdict::Unknown), "{:?}", report.verdict);
    let cycle = Graph::new(&[(0, 1), (1, 0), (1, 2), (2, 3), (3, 4)]).p(&[9]);
    let report = cycle.judge_with(EVENTUALLY, &unfair(), &shallow);
    assert!(matches!(report.verdict, LiveVerdict::Violated(_)), "{:?}", report.verdict);
}

/// Two-phase commit has no cycle but steps that change nothing: the same message received for ever.
/// What of fairness is needed is known, class by class: an abort may have to be decided, since a
/// commit may never become possible, and both decisions must be received.
#[test]
fn two_phase_commit_ends_under_fairness() {
    let model = TwoPhase::new(5).expect("few");
    let properties = || {
        vec![
            LiveProperty { name: "decided", claim: Claim::Eventually(TwoPhase::is_decided) },
            LiveProperty { name: "done", claim: Claim::Eventually(TwoPhase::is_done) },
            LiveProperty {
                name: "done after the decision",
                claim: Claim::LeadsTo(TwoPhase::is_decided, TwoPhase::is_done),
            },
        ]
    };
    let names = model.class_names();
    let all = 0..u16::try_from(names.len()).expect("few");
    for threads in [1, 2] {
        let options = Options { threads, ..Options::default() };
        let graph = StateGraph::explore(&model, &options, properties(), &mut |_| {});
        let graph = graph.expect("it begins");
        assert_eq!((graph.distinct, graph.generated, graph.stopped), (8_832, 58_146, None));
        let judge = |number, fairness: &Fairness| graph.judge(number, fairness).expect("classes");
        let weak = |classes: Vec<u16>| Fairness::weak(&names, classes);
        for (number, needed) in [
            (0, vec!["TmAbort"]),
            (1, vec!["TmAbort", "RmRcvCommitMsg", "RmRcvAbortMsg"]),
            (2, vec!["RmRcvCommitMsg", "RmRcvAbortMsg"]),
        ] {
            let report = judge(number, &unfair());
            let LiveVerdict::Violated(lasso) = report.verdict else { panic!("it is violated") };
            assert!(!lasso.stutters());
            let report = judge(number, &weak(all.clone().collect()));
            assert!(matches!(report.verdict, LiveVerdict::Holds));
            assert_eq!(report.cycles, 0);
            assert!(report.standstills > 0 && report.waiting > report.standstills);
            // Each class in turn loses its fairness.
            for class in all.clone() {
                let others = all.clone().filter(|other| *other != class);
                let verdict = judge(number, &weak(others.collect())).verdict;
                let matters = needed.contains(&names[usize::from(class)].as_str());
                let violated = matches!(verdict, LiveVerdict::Violated(_));
                assert_eq!(violated, matters, "claim {number} without {class}");
            }
        }
    }
}

#[test]
fn impossible_questions_are_refused() {
    let graph = Graph::new(&[(0, 1)]);
    let symmetric = Options { symmetry: true, ..Options::default() };
    let refused = StateGraph::explore(&graph, &symmetric, Vec::new(), &mut |_| {}).err();
    assert_eq!(refused, Some(Refused::SymmetryInLiveness));
    let none = Options { threads: 0, ..Options::default() };
    let refused = StateGraph::explore(&graph, &none, Vec::new(), &mut |_| {}).err();
    assert_eq!(refused, Some(Refused::NoThreads));
    let many = || LiveProperty { name: "it", claim: Claim::Eventually(|_: &Graph, _| true) };
    let properties = (0..16).map(|_| many()).collect();
    let refused = StateGraph::explore(&graph, &Options::default(), properties, &mut |_| {}).err();
    assert_eq!(refused, Some(Refused::TooManyProperties { count: 16, most: 15 }));
    let graph = StateGraph::explore(&graph, &Options::default(), vec![many()], &mut |_| {});
    let graph = graph.expect("it begins");
    assert_eq!(graph.judge(0, &weak(&[&[3]])).err(), Some(Refused::NoSuchClass { class: 3 }));
    let refused = graph.judge(0, &weak(&[&[0][..]; 65])).err();
    assert_eq!(refused, Some(Refused::TooManyConditions { count: 65 }));
    let refused = graph.judge(0, &unfair().finitely([0])).err();
    assert_eq!(refused, Some(Refused::FinitelyWithoutStuttering));
    let graph = graph.stuttering();
    let refused = graph.judge(0, &unfair().finitely([0, 3])).err();
    assert_eq!(refused, Some(Refused::NoSuchClass { class: 3 }));
}

/// Stopped early, for whatever reason, the graph says so.
#[test]
fn budgets_end_a_graph_incomplete() {
    let model = TwoPhase::new(7).expect("few");
    let options = [
        (Options { states_max: 1000, ..Options::default() }, Stop::States),
        (Options { memory_max: Some(4 << 20), ..Options::default() }, Stop::Memory),
    ];
    for (options, expected) in options {
        let claim = Claim::Eventually(TwoPhase::is_decided);
        let properties = vec![LiveProperty { name: "decided", claim }];
        let graph = StateGraph::explore(&model, &options, properties, &mut |_| {});
        let graph = graph.expect("it begins");
        assert_eq!(graph.stopped, Some(expected));
        let fair = Fairness::weak(&model.class_names(), 0..7);
        let report = graph.judge(0, &fair).expect("classes");
        assert!(matches!(report.verdict, LiveVerdict::Unknown));
    }
}
