//! A model that answers differently when it is asked again is told of, and nothing of it is shown.

use std::sync::atomic::{AtomicU32, Ordering};

use zab_explorer::{Claim, LiveVerdict, Options, Report, Stop, Verdict, check};

use crate::small::{Small, goal, threads};

/// `true` for the first so many questions.
fn at_first(questions: u32) -> impl Fn() -> bool + Send + Sync {
    let asked = AtomicU32::new(0);
    move || asked.fetch_add(1, Ordering::Relaxed) < questions
}

fn assert_unsteady(report: &Report<u32>) {
    assert_eq!(report.stopped, Some(Stop::Unsteady));
    let fault = report.fault.as_ref().expect("it is told");
    assert_eq!(fault.stop, Stop::Unsteady);
    assert!(fault.to_string().starts_with("the model is not deterministic: "), "{fault}");
    assert!(report.properties.iter().all(|p| matches!(p.verdict, Verdict::Unknown)));
    assert!(report.deadlock.is_none() && !report.complete());
}

/// A tree whose branches are listed in another order each time.
#[test]
fn another_order_of_steps() {
    for options in threads() {
        let turn = AtomicU32::new(0);
        let model = Small::new(move |state, steps| {
            if state < 4096 {
                let first = turn.fetch_add(1, Ordering::Relaxed);
                steps.extend((0..8).map(|i| (0, state * 8 + (first + i) % 8 + 1)));
            }
        });
        let model = model.bad(|state| state == 20_000);
        assert_unsteady(&check(&model, &options, &mut |_| {}).expect("it begins"));
    }
}

/// Steps that commute: whatever their order, the same state comes of them.
#[test]
fn another_order_that_comes_to_the_same() {
    for options in threads() {
        let turn = AtomicU32::new(0);
        let model = Small::new(move |state, steps| {
            let first = turn.fetch_add(1, Ordering::Relaxed);
            let bits = (0..6).map(|bit| 1 << ((first + bit) % 6));
            steps.extend(bits.filter(|bit| state & bit == 0).map(|bit| (0, state | bit)));
        });
        let model = model.bad(|state| state == 0b11_1111).may_end(|_| true);
        assert_unsteady(&check(&model, &options, &mut |_| {}).expect("it begins"));
    }
}

/// The step that was there is not, when it is asked for again: the first, or a later one.
#[test]
fn a_step_that_is_gone() {
    for (gone, bad) in [(0, 5), (4, 5), (7, 40)] {
        for options in threads() {
            let there = at_first(1);
            let model = Small::new(move |state, steps| {
                if state < 50 && (state != gone || there()) {
                    steps.push((0, state + 1));
                }
            });
            let model = model.bad(move |state| state == bad).may_end(|_| true);
            let report = check(&model, &options, &mut |_| {}).expect("it begins");
            assert_unsteady(&report);
            let fault = report.fault.expect("it is told");
            let last = fault.trace.expect("the run to it").states.last().copied();
            assert_eq!(last, Some(gone));
        }
    }
}

/// Every state on the way is one that was visited.
#[test]
fn a_step_that_leads_to_a_new_state() {
    let there = at_first(1);
    let model = Small::new(move |state, steps| match state {
        3 if !there() => steps.push((0, 1_000_004)),
        state if state % 1_000_000 < 50 => steps.push((0, state + 1)),
        _ => {}
    });
    let model = model.bad(|state| state % 1_000_000 == 10).may_end(|_| true);
    let report = check(&model, &Options::default(), &mut |_| {}).expect("it begins");
    assert_unsteady(&report);
    let trace = report.fault.expect("it is told").trace.expect("the run to it");
    assert_eq!(trace.states, [0, 1, 2, 3, 1_000_004]);
}

/// The last state is judged again.
#[test]
fn another_judgement_of_the_last_state() {
    for bad in [0, 6] {
        for options in threads() {
            let still = at_first(1);
            let model = Small::new(|state, steps| {
                if state < 9 {
                    steps.push((0, state + 1));
                }
            });
            let model = model.bad(move |state| state == bad && still()).may_end(|_| true);
            assert_unsteady(&check(&model, &options, &mut |_| {}).expect("it begins"));
        }
    }
}

/// Initial states may be others, or fewer.
#[test]
fn other_initial_states() {
    struct Starts(Small, AtomicU32);
    impl stateright::Model for Starts {
        type State = u32;
        type Action = (u16, u32);
        fn init_states(&self) -> Vec<u32> {
            match self.1.fetch_add(1, Ordering::Relaxed) {
                0 => vec![7, 8],
                1 => vec![8, 7],
                _ => vec![],
            }
        }
        fn actions(&self, state: &u32, actions: &mut Vec<(u16, u32)>) {
            self.0.actions(state, actions);
        }
        fn next_state(&self, state: &u32, action: (u16, u32)) -> Option<u32> {
            self.0.next_state(state, action)
        }
        fn properties(&self) -> Vec<stateright::Property<Self>> {
            vec![stateright::Property::always("not 8", |_, state| *state != 8)]
        }
    }
    impl zab_explorer::ExplorerModel for Starts {}
    for asked_before in [0, 1] {
        let model = Starts(Small::new(|_, _| {}), AtomicU32::new(asked_before));
        assert_unsteady(&check(&model, &Options::default(), &mut |_| {}).expect("it begins"));
    }
}

/// A deadlock that is none the second time.
#[test]
fn a_deadlock_that_goes_on() {
    for options in threads() {
        let stuck = at_first(1);
        let model = Small::new(move |state, steps| {
            if state != 5 || !stuck() {
                steps.push((0, (state + 1) % 10));
            }
        });
        assert_unsteady(&check(&model, &options, &mut |_| {}).expect("it begins"));
    }
}

/// A lasso is asked for again, stem and loop: where its steps lead, which others there are, since
/// fairness depends on them, and what is so in its states.
#[test]
fn lassos_of_models_that_change() {
    // 0 to 4, then 5 to 9 for ever.
    let steps = |state: u32, steps: &mut Vec<(u16, u32)>| {
        steps.push((0, if state == 9 { 5 } else { state + 1 }));
    };
    let assert_told = |model: Small, options: &Options<'_>| {
        let report = model.judge(Claim::Eventually(goal), &[0], options);
        assert!(matches!(report.verdict, LiveVerdict::Unknown), "{:?}", report.verdict);
        let fault = report.fault.expect("it is told");
        assert_eq!(fault.stop, Stop::Unsteady);
    };
    for options in threads() {
        let sound = Small::new(steps).judge(Claim::Eventually(goal), &[0], &options);
        let LiveVerdict::Violated(lasso) = sound.verdict else { panic!("{:?}", sound.verdict) };
        assert_eq!((lasso.stem.steps(), lasso.cycle.steps()), (5, 5));
        for changed in 0..10 {
            // The step leads elsewhere, to a state that is known.
            let there = at_first(1);
            let model = Small::new(move |state, to| match state {
                state if state == changed && !there() => to.push((0, (state + 2) % 10)),
                state => steps(state, to),
            });
            assert_told(model, &options);
            // The same step is there, and another, of a class that this run neglects.
            let alone = at_first(1);
            let model = Small::new(move |state, to| {
                steps(state, to);
                if state == changed && !alone() {
                    to.push((1, 0));
                }
            });
            assert_told(model, &options);
            // It would meet the claim.
            let unmet = at_first(1);
            let model = Small::new(steps).goal(move |state| state == changed && !unmet());
            assert_told(model, &options);
        }
    }
}

/// A model that keeps to its word is believed, whatever it has done before.
#[test]
fn a_steady_model_is_believed() {
    for options in threads() {
        let model = Small::counter().inside(|state| state < 100).bad(|state| state == 50);
        let report = check(&model, &options, &mut |_| {}).expect("it begins");
        assert!(report.fault.is_none() && report.complete());
        assert_eq!(report.properties[0].verdict.trace().map(|trace| trace.steps()), Some(50));
    }
}
