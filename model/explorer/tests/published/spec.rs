//! What the models have in common: a list of first states, and of the steps of each state.

use stateright::{Model, Property};
use zab_explorer::{
    Claim, ExplorerModel, Fairness, LiveProperty, LiveVerdict, Options, Predicate, Report,
    StateGraph, StoredState, check,
};

/// A model in the manner of TLA+.
pub(crate) trait Spec: Sync {
    type State: StoredState;
    /// The names of the classes of its steps.
    fn classes(&self) -> Vec<String> {
        vec!["next".to_owned()]
    }
    fn init(&self) -> Vec<Self::State>;
    /// Appends every step of a state with its class.
    fn next(&self, state: &Self::State, steps: &mut Vec<(u16, Self::State)>);
    /// What is so in every state.
    fn invariant(&self, _state: &Self::State) -> bool {
        true
    }
    /// States beyond it are left out.
    fn constraint(&self, _state: &Self::State) -> bool {
        true
    }
}

/// The model of a specification.
pub(crate) struct Of<S>(pub(crate) S);

impl<S: Spec> Model for Of<S> {
    type State = S::State;
    type Action = (u16, S::State);

    fn init_states(&self) -> Vec<S::State> {
        self.0.init()
    }

    fn actions(&self, state: &S::State, actions: &mut Vec<Self::Action>) {
        self.0.next(state, actions);
    }

    fn next_state(&self, _state: &S::State, (_, next): Self::Action) -> Option<S::State> {
        Some(next)
    }

    fn within_boundary(&self, state: &S::State) -> bool {
        self.0.constraint(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::always("invariant", |model: &Self, state| model.0.invariant(state))]
    }
}

impl<S: Spec> ExplorerModel for Of<S> {
    fn class_names(&self) -> Vec<String> {
        self.0.classes()
    }

    fn class(&self, action: &Self::Action) -> u16 {
        action.0
    }
}

/// Explores a model; distinct states, generated ones, and the depth must be as published, and every
/// `always` property must hold. TLC counts states that the constraint leaves out as generated.
pub(crate) fn assert_counts<M: ExplorerModel>(model: &M, published: [u64; 3]) -> Report<M::State> {
    let explore = |threads| {
        let options = Options { threads, ..Options::default() };
        let report = check(model, &options, &mut |_| {}).expect("it begins");
        assert!(report.fault.is_none(), "{:?}", report.fault.map(|fault| fault.to_string()));
        assert!(report.complete());
        let counts = [report.distinct, report.generated + report.left_out, report.depth()];
        assert_eq!(counts, published, "{threads} threads");
        for property in &report.properties {
            let steps = property.verdict.trace().map(zab_explorer::Trace::steps);
            let violated = property.kind == stateright::Expectation::Always && steps.is_some();
            assert!(!violated, "{} is violated after {steps:?} steps", property.name);
        }
        report
    };
    explore(2);
    explore(1)
}

/// Whether claims hold, as TLA+ has it: runs may stutter, and only fairness makes them go on.
pub(crate) fn holds<S: Spec>(model: &Of<S>, claim: Claim<Of<S>>, fairness: &Fairness) -> bool {
    let claims = vec![LiveProperty { name: "the claim", claim }];
    let graph = StateGraph::explore(model, &Options::default(), claims, &mut |_| {});
    let report = graph.expect("it begins").stuttering().judge(0, fairness);
    match report.expect("the classes are there").verdict {
        LiveVerdict::Holds => true,
        LiveVerdict::Violated(_) => false,
        LiveVerdict::Vacuous | LiveVerdict::Unknown => panic!("not decided"),
    }
}

/// A claim that holds under that fairness, and not without it: so it is not empty.
pub(crate) fn assert_needs_fairness<S: Spec>(
    model: &Of<S>,
    claim: impl Fn() -> Claim<Of<S>>,
    fairness: &Fairness,
) {
    assert!(holds(model, claim(), fairness), "it does not hold under fairness");
    assert!(!holds(model, claim(), &Fairness::default()), "it holds without fairness");
}

/// A predicate as the engine wants it.
pub(crate) type Holds<S> = Predicate<Of<S>>;
