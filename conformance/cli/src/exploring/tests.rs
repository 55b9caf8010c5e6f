//! What is told of models of which the families are none: with a boundary, or at fault.

use std::sync::atomic::{AtomicBool, Ordering};

use stateright::{Model, Property};
use zab_explorer::{ExplorerModel, Options, Trace};
use zab_presets::{Exploration, Outcome, Preset, explore};
use zab_view::{Run, RunStep, Sequence};

use crate::exit::{self, Exit};
use crate::report::model::json;

/// Counts to 9; what it does at 5 is to be said.
struct Counter {
    inside: fn(&u8) -> bool,
    at_five: fn(&Self) -> Option<u8>,
    first: AtomicBool,
}

impl Model for Counter {
    type State = u8;
    type Action = ();

    fn init_states(&self) -> Vec<u8> {
        vec![0]
    }

    fn actions(&self, _: &u8, actions: &mut Vec<()>) {
        actions.push(());
    }

    fn next_state(&self, state: &u8, (): ()) -> Option<u8> {
        match *state {
            5 => (self.at_five)(self),
            9 => None,
            state => Some(state + 1),
        }
    }

    fn within_boundary(&self, state: &u8) -> bool {
        (self.inside)(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("not 8", |_, state| *state != 8),
            Property::sometimes("3", |_, state| *state == 3),
        ]
    }
}

impl ExplorerModel for Counter {}

/// In whose name the counters are explored.
fn exploration() -> Exploration {
    Preset::Quick.explorations().swap_remove(0)
}

/// A run whose steps are the numbers counted.
fn counted(trace: &Trace<u8>) -> Option<Run> {
    let step = |state: &u8| RunStep {
        action: state.to_string(),
        rules: Vec::new(),
        state: Vec::new(),
        changes: Vec::new(),
    };
    Some(Run {
        path: vec![0; trace.states.len()],
        start: Vec::new(),
        steps: trace.states[1..].iter().map(step).collect(),
        returns_to: None,
        sequence: Sequence { lanes: Vec::new(), rows: Vec::new(), arrows: Vec::new() },
        columns: &[],
    })
}

fn outcome(inside: fn(&u8) -> bool, at_five: fn(&Counter) -> Option<u8>) -> Outcome {
    let options = Options { threads: 1, ..Options::default() };
    let model = Counter { inside, at_five, first: AtomicBool::new(true) };
    explore(&exploration(), &model, &options, &counted, &mut |_| {}).expect("it begins")
}

#[test]
fn a_sound_model_is_violated_with_its_run() {
    let outcome = outcome(|_| true, |_| Some(6));
    assert_eq!((exit::of(outcome.ending()), outcome.ending().word()), (Exit::Bad, "VIOLATED"));
    assert_eq!(outcome.properties[0].run.as_ref().map(|run| run.steps.len()), Some(8));
    let value = json(&exploration(), &outcome);
    assert_eq!((&value["left_out"], &value["terminal"]), (&0.into(), &1.into()));
    assert_eq!((&value["deadlocks"], &value["deadlock_length"]), (&1.into(), &9.into()));
    assert!(value["fault"].is_null());
}

/// What holds within a boundary is said with the number of steps outside.
#[test]
fn steps_that_were_left_out_are_told() {
    let outcome = outcome(|state| *state < 7, |_| Some(6));
    assert_eq!((exit::of(outcome.ending()), outcome.left_out), (Exit::Good, 1));
    assert_eq!(json(&exploration(), &outcome)["left_out"], 1);
    assert_eq!(json(&exploration(), &outcome)["terminal"], 0);
}

#[test]
fn a_panic_is_no_verdict_and_comes_with_the_run() {
    let outcome = outcome(|_| true, |_| panic!("five is too many"));
    assert_eq!(
        (exit::of(outcome.ending()), outcome.ending().word()),
        (Exit::Unknown, "INCOMPLETE")
    );
    let fault = outcome.fault.as_ref().expect("it is told");
    assert!(fault.text.ends_with("five is too many"), "{}", fault.text);
    let steps = fault.run.iter().flat_map(|run| run.steps.iter().map(RunStep::text));
    assert_eq!(steps.collect::<Vec<_>>(), ["1", "2", "3", "4", "5"]);
    assert_eq!(json(&exploration(), &outcome)["stopped"], "the model panicked");
    assert_eq!(json(&exploration(), &outcome)["fault"]["run"]["steps"][4]["action"], "5");
}

/// The first time it goes on from 5, later it does not.
#[test]
fn another_answer_is_no_verdict_and_no_counterexample() {
    let changes = |model: &Counter| model.first.swap(false, Ordering::Relaxed).then_some(6);
    let outcome = outcome(|_| true, changes);
    assert_eq!(
        (exit::of(outcome.ending()), outcome.ending().word()),
        (Exit::Unknown, "INCOMPLETE")
    );
    assert!(outcome.properties.iter().all(|property| property.run.is_none()));
    let fault = outcome.fault.as_ref().expect("it is told");
    assert!(fault.text.starts_with("the model is not deterministic"), "{}", fault.text);
    let last = fault.run.as_ref().and_then(|run| run.steps.last());
    assert_eq!(last.map(RunStep::text).as_deref(), Some("5"));
}

#[test]
fn deadlocks_are_a_violation_only_where_asked() {
    let mut outcome = outcome(|state| *state != 8, |_| None);
    assert_eq!((exit::of(outcome.ending()), outcome.ends.deadlocks), (Exit::Good, 1));
    outcome.judge_deadlocks();
    assert_eq!(exit::of(outcome.ending()), Exit::Bad);
    let property = outcome.properties.last().expect("the one that was added");
    assert_eq!((property.name, property.trace_length), ("no deadlock", Some(5)));
}
