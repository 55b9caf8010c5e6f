//! A model that panics: an error with the run to the state, whatever it was asked, in every engine,
//! and nobody waits for ever.

use stateright::{Model, Property};
use zab_explorer::{
    Claim, ExplorerModel, Fault, Options, Refused, StateGraph, Stop, Verdict, check,
};

use crate::small::{Small, goal, threads, weak, word};

/// The state about which it panics.
const MINED: u32 = 1500;

/// Three steps from each state, up to 20,000: levels that are worth several threads.
fn tree() -> Small {
    Small::new(|state, steps| {
        if state < 20_000 {
            steps.extend((1..=3).map(|child| (0, state * 3 + child)));
        }
    })
}

/// The run to a state of the tree.
fn run_to(state: u32) -> Vec<u32> {
    let mut run = vec![state];
    while let Some(last) = run.last().filter(|last| **last > 0) {
        run.push((last - 1) / 3);
    }
    run.reverse();
    run
}

fn mine(state: u32) -> bool {
    assert!(state != MINED, "state {state} is mined");
    true
}

fn assert_told(fault: Option<&Fault<u32>>, last: u32) {
    let fault = fault.expect("it is told");
    assert_eq!((fault.stop, fault.message.as_str()), (Stop::Panicked, "state 1500 is mined"));
    let trace = fault.trace.as_ref().expect("with the run to it");
    assert_eq!(trace.states, run_to(last), "{fault}");
}

fn assert_safety(model: &Small, options: &Options<'_>, last: u32) {
    let report = check(model, options, &mut |_| {}).expect("it begins");
    assert_eq!(report.stopped, Some(Stop::Panicked));
    assert_told(report.fault.as_ref(), last);
    assert!(matches!(report.properties[0].verdict, Verdict::Unknown));
    assert!(report.waiting > 0 && report.waiting <= report.distinct, "{}", report.waiting);
}

fn assert_liveness(model: &Small, options: &Options<'_>, last: u32) {
    let graph = model.graph(Claim::AlwaysEventually(goal), options);
    assert_eq!(graph.stopped, Some(Stop::Panicked));
    assert_told(graph.fault.as_ref(), last);
    let report = graph.judge(0, &weak(&[0])).expect("the classes are there");
    assert_ne!(word(&report), "holds");
}

/// Asked for its steps, it panics at once, or after it has told some of them.
#[test]
fn in_the_steps() {
    for after in 0..3 {
        for options in threads() {
            let model = || {
                let tree = tree();
                Small::new(move |state, steps| {
                    (tree.steps)(state, steps);
                    if state == MINED {
                        steps.truncate(after);
                        mine(state);
                    }
                })
            };
            assert_safety(&model(), &options, MINED);
            assert_liveness(&model(), &options, MINED);
        }
    }
}

/// The boundary, and symmetry, are asked about where a step leads: the run is that to the state with
/// the step.
#[test]
fn in_the_boundary_and_in_symmetry() {
    let before = (MINED - 1) / 3;
    for options in threads() {
        assert_safety(&tree().inside(mine), &options, before);
        assert_liveness(&tree().inside(mine), &options, before);
        let symmetric = Options { symmetry: true, ..options };
        let model = tree().representative(|state| state + u32::from(!mine(state)));
        assert_safety(&model, &symmetric, before);
    }
}

/// Properties and predicates are asked about a state that was found.
#[test]
fn in_the_properties() {
    for options in threads() {
        assert_safety(&tree().bad(|state| !mine(state)), &options, MINED);
        assert_liveness(&tree().goal(mine), &options, MINED);
    }
}

/// A run may end there, or not: asked only of states without a step.
#[test]
fn in_the_question_whether_a_run_may_end() {
    for options in threads() {
        let tree = tree();
        let model = Small::new(move |state, steps| {
            if state != MINED {
                (tree.steps)(state, steps);
            }
        });
        assert_safety(&model.may_end(mine), &options, MINED);
    }
}

/// About an initial state.
#[test]
fn in_an_initial_state() {
    for options in threads() {
        let alone = |report: Option<&Fault<u32>>| {
            let trace = report.and_then(|fault| fault.trace.as_ref()).expect("it is told");
            assert_eq!(trace.states, [MINED]);
        };
        for starts in [vec![MINED], vec![1, 2, MINED, 4]] {
            for model in [
                tree().starts(starts.clone()).inside(mine),
                tree().starts(starts.clone()).bad(|state| !mine(state)),
            ] {
                let report = check(&model, &options, &mut |_| {}).expect("it begins");
                assert_eq!(report.stopped, Some(Stop::Panicked));
                alone(report.fault.as_ref());
            }
            let model = tree().starts(starts).goal(mine);
            let graph = model.graph(Claim::Eventually(goal), &options);
            assert_eq!(graph.stopped, Some(Stop::Panicked));
            alone(graph.fault.as_ref());
        }
    }
}

/// Many threads panic at once, each about a state of its own, and others wait for what they found:
/// every one ends.
#[test]
fn everywhere_at_once() {
    for _ in 0..20 {
        let options = Options { threads: 8, ..Options::default() };
        let model = Small::new(|state, steps| {
            if state < 200_000 {
                steps.extend((0..40).map(|next| (0, (state * 40 + next) % 300_000)));
            }
        });
        let model = model.goal(|state| {
            assert!(state < 5000, "beyond 5000");
            false
        });
        let graph = model.graph(Claim::Eventually(goal), &options);
        assert_eq!(graph.stopped, Some(Stop::Panicked));
        assert!(graph.fault.is_some_and(|fault| fault.message == "beyond 5000"));
        let model = model.bad(|state| {
            assert!(state < 5000, "beyond 5000");
            false
        });
        let report = check(&model, &options, &mut |_| {}).expect("it begins");
        assert_eq!(report.stopped, Some(Stop::Panicked));
    }
}

/// It panics only when it is asked again.
#[test]
fn when_a_run_is_rebuilt() {
    use std::sync::atomic::{AtomicU32, Ordering};
    let second = |wanted: u32| {
        let times = AtomicU32::new(0);
        move |state: u32| {
            let again = state == wanted && times.fetch_add(1, Ordering::Relaxed) > 0;
            assert!(!again, "asked twice");
        }
    };
    for options in threads() {
        let asked = second(3);
        let model = Small::new(move |state, steps| {
            asked(state);
            if state < 9 {
                steps.push((0, state + 1));
            }
        });
        let model = model.bad(|state| state == 6).may_end(|_| true);
        let report = check(&model, &options, &mut |_| {}).expect("it begins");
        assert_eq!(report.stopped, Some(Stop::Panicked));
        let fault = report.fault.expect("it is told");
        assert_eq!(fault.trace.map(|trace| trace.states), Some(vec![0, 1, 2, 3]));
        assert!(matches!(report.properties[0].verdict, Verdict::Unknown));
        let asked = second(3);
        let model = Small::new(move |state, steps| {
            asked(state);
            steps.push((0, (state + 1) % 10));
        });
        let report = model.judge(Claim::Eventually(goal), &[0], &options);
        assert_eq!(word(&report), "unknown");
        assert_eq!(report.fault.map(|fault| fault.stop), Some(Stop::Panicked));
    }
}

/// What a run cannot begin without is refused; a class that has no name is a panic like any other.
#[test]
fn before_there_is_a_state() {
    #[derive(Clone, Copy, PartialEq)]
    enum In {
        Starts,
        Properties,
        Classes,
        Actions,
        NoName,
    }
    struct Broken(In);
    impl Broken {
        fn may_fail(&self, at: In) {
            assert!(self.0 != at, "not here");
        }
    }
    impl Model for Broken {
        type State = u8;
        type Action = u8;
        fn init_states(&self) -> Vec<u8> {
            self.may_fail(In::Starts);
            vec![0]
        }
        fn actions(&self, _: &u8, actions: &mut Vec<u8>) {
            actions.push(1);
        }
        fn next_state(&self, _: &u8, action: u8) -> Option<u8> {
            Some(action)
        }
        fn properties(&self) -> Vec<Property<Self>> {
            self.may_fail(In::Properties);
            Vec::new()
        }
    }
    impl ExplorerModel for Broken {
        fn class_names(&self) -> Vec<String> {
            self.may_fail(In::Classes);
            vec!["one".to_owned()]
        }
        fn class(&self, _: &u8) -> u16 {
            u16::from(self.0 == In::NoName) * 7
        }
        fn action_name(&self, _: u16) -> String {
            self.may_fail(In::Actions);
            "one".to_owned()
        }
    }
    let options = Options::default();
    for (at, what) in [
        (In::Starts, "its initial states"),
        (In::Properties, "its properties"),
        (In::Classes, "the names of its classes"),
        (In::Actions, "the names of its actions"),
    ] {
        let refused = check(&Broken(at), &options, &mut |_| {}).expect_err("it is refused");
        let message = "not here".to_owned();
        assert_eq!(refused, Refused::ModelPanicked { asked: what, message });
    }
    let report = check(&Broken(In::NoName), &options, &mut |_| {}).expect("it begins");
    let fault = report.fault.expect("it is told");
    assert_eq!(fault.message, "the model has no name for class 7");
    let graph = StateGraph::explore(&Broken(In::NoName), &options, Vec::new(), &mut |_| {});
    assert_eq!(graph.expect("it begins").stopped, Some(Stop::Panicked));
}

/// What somebody else does wrong is not the model's fault.
#[test]
#[should_panic(expected = "not the model")]
fn a_panic_of_the_caller_is_the_callers() {
    let options = Options { progress_every: std::time::Duration::ZERO, ..Options::default() };
    let _ = check(&tree(), &options, &mut |_| panic!("not the model"));
}
