//! A model that is its graph.

use stateright::Model;
use zab_explorer::{
    Claim, Condition, ExplorerModel, Fairness, LiveProperty, LiveReport, LiveVerdict, Options,
    StateGraph, Strength,
};

/// States are numbers below 64; predicates are sets of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Graph {
    pub(crate) initial: Vec<u8>,
    /// From, class, to.
    pub(crate) steps: Vec<(u8, u16, u8)>,
    /// What is within the boundary.
    pub(crate) inside: u64,
    /// Where P and where Q is so.
    pub(crate) p: u64,
    pub(crate) q: u64,
}

pub(crate) const CLASSES: u16 = 3;

pub(crate) const FORMS: [Form; 4] =
    [Form::Eventually, Form::AlwaysEventually, Form::EventuallyAlways, Form::LeadsTo];

impl Model for Graph {
    type State = u8;
    type Action = (u16, u8);

    fn init_states(&self) -> Vec<u8> {
        self.initial.clone()
    }

    fn actions(&self, state: &u8, actions: &mut Vec<(u16, u8)>) {
        let from_here = self.steps.iter().filter(|(from, ..)| from == state);
        actions.extend(from_here.map(|(_, class, to)| (*class, *to)));
    }

    fn next_state(&self, _state: &u8, action: (u16, u8)) -> Option<u8> {
        Some(action.1)
    }

    fn within_boundary(&self, state: &u8) -> bool {
        self.inside >> state & 1 == 1
    }
}

impl ExplorerModel for Graph {
    fn class_names(&self) -> Vec<String> {
        (0..CLASSES).map(|class| format!("class {class}")).collect()
    }

    fn class(&self, action: &(u16, u8)) -> u16 {
        action.0
    }
}

/// What is claimed, by form; P and Q are the graph's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Eventually,
    AlwaysEventually,
    EventuallyAlways,
    LeadsTo,
}

impl Graph {
    /// Steps of class 0, from state 0.
    pub(crate) fn new(steps: &[(u8, u8)]) -> Self {
        Self::with_classes(&steps.iter().map(|(from, to)| (*from, 0, *to)).collect::<Vec<_>>())
    }

    pub(crate) fn with_classes(steps: &[(u8, u16, u8)]) -> Self {
        Self { initial: vec![0], steps: steps.to_vec(), inside: u64::MAX, p: 0, q: 0 }
    }

    pub(crate) fn p(mut self, states: &[u8]) -> Self {
        self.p = states.iter().fold(0, |set, state| set | 1 << state);
        self
    }

    pub(crate) fn q(mut self, states: &[u8]) -> Self {
        self.q = states.iter().fold(0, |set, state| set | 1 << state);
        self
    }

    pub(crate) fn judge(&self, form: Form, fairness: &Fairness) -> LiveReport<u8> {
        self.judge_with(form, fairness, &Options::default())
    }

    /// As if every run may stutter in every state.
    pub(crate) fn judge_stuttering(&self, form: Form, fairness: &Fairness) -> LiveReport<u8> {
        let graph = self.explore(form, &Options::default()).stuttering();
        graph.judge(0, fairness).expect("the classes are there")
    }

    pub(crate) fn judge_with(
        &self,
        form: Form,
        fairness: &Fairness,
        options: &Options<'_>,
    ) -> LiveReport<u8> {
        self.explore(form, options).judge(0, fairness).expect("the classes are there")
    }

    fn explore(&self, form: Form, options: &Options<'_>) -> StateGraph<'_, Self> {
        let p = |graph: &Self, state: &u8| graph.p >> state & 1 == 1;
        let q = |graph: &Self, state: &u8| graph.q >> state & 1 == 1;
        let claim = match form {
            Form::Eventually => Claim::Eventually(p),
            Form::AlwaysEventually => Claim::AlwaysEventually(p),
            Form::EventuallyAlways => Claim::EventuallyAlways(p),
            Form::LeadsTo => Claim::LeadsTo(p, q),
        };
        let properties = vec![LiveProperty { name: "it", claim }];
        StateGraph::explore(self, options, properties, &mut |_| {}).expect("the run begins")
    }

    /// Where the claim is met; for `<>[]P`, where it is not broken.
    pub(crate) fn goal(&self, form: Form) -> u64 {
        match form {
            Form::Eventually | Form::AlwaysEventually | Form::EventuallyAlways => self.p,
            Form::LeadsTo => self.q,
        }
    }

    /// Steps from a state that change it, of these classes.
    pub(crate) fn enables(&self, state: u8, classes: &[u16]) -> bool {
        self.steps
            .iter()
            .any(|(from, class, to)| *from == state && to != from && classes.contains(class))
    }
}

pub(crate) fn fair(strength: Strength, sets: &[&[u16]]) -> Fairness {
    let condition = |classes: &&[u16]| Condition {
        name: format!("{classes:?}"),
        strength,
        classes: classes.to_vec(),
    };
    Fairness { conditions: sets.iter().map(condition).collect(), finitely: Vec::new() }
}

pub(crate) fn weak(sets: &[&[u16]]) -> Fairness {
    fair(Strength::Weak, sets)
}

pub(crate) fn strong(sets: &[&[u16]]) -> Fairness {
    fair(Strength::Strong, sets)
}

pub(crate) fn unfair() -> Fairness {
    Fairness::default()
}

/// The verdict in a word; a lasso is checked first.
pub(crate) fn word(graph: &Graph, form: Form, fairness: &Fairness) -> &'static str {
    let report = graph.judge(form, fairness);
    match &report.verdict {
        LiveVerdict::Holds => "holds",
        LiveVerdict::Vacuous => "vacuous",
        LiveVerdict::Violated(lasso) => {
            crate::oracle::check_lasso(graph, form, fairness, lasso);
            "violated"
        }
        LiveVerdict::Unknown => "unknown",
    }
}
