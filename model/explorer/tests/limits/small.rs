//! A model that is made of closures.

use stateright::{Model, Property};
use zab_explorer::{
    Claim, Condition, ExplorerModel, Fairness, LiveProperty, LiveReport, LiveVerdict, Options,
    StateGraph, Strength,
};

pub(crate) type Steps = Box<dyn Fn(u32, &mut Vec<(u16, u32)>) + Send + Sync>;
pub(crate) type Test = Box<dyn Fn(u32) -> bool + Send + Sync>;

/// Classes of its steps.
pub(crate) const CLASSES: u16 = 3;

/// States are numbers.
pub(crate) struct Small {
    pub(crate) starts: Vec<u32>,
    /// The class of each step, and where it leads.
    pub(crate) steps: Steps,
    pub(crate) inside: Test,
    /// Of the property `never bad`.
    pub(crate) bad: Test,
    /// Of claims of liveness.
    pub(crate) goal: Test,
    pub(crate) may_end: Test,
    /// The state that stands for others.
    pub(crate) representative: Box<dyn Fn(u32) -> u32 + Send + Sync>,
}

impl Small {
    pub(crate) fn new(steps: impl Fn(u32, &mut Vec<(u16, u32)>) + Send + Sync + 'static) -> Self {
        Self {
            starts: vec![0],
            steps: Box::new(steps),
            inside: Box::new(|_| true),
            bad: Box::new(|_| false),
            goal: Box::new(|_| false),
            may_end: Box::new(|_| false),
            representative: Box::new(|state| state),
        }
    }

    /// 0, 1, 2, …
    pub(crate) fn counter() -> Self {
        Self::new(|state, steps| steps.push((0, state + 1)))
    }

    pub(crate) fn starts(self, starts: impl IntoIterator<Item = u32>) -> Self {
        Self { starts: starts.into_iter().collect(), ..self }
    }

    pub(crate) fn inside(self, test: impl Fn(u32) -> bool + Send + Sync + 'static) -> Self {
        Self { inside: Box::new(test), ..self }
    }

    pub(crate) fn bad(self, test: impl Fn(u32) -> bool + Send + Sync + 'static) -> Self {
        Self { bad: Box::new(test), ..self }
    }

    pub(crate) fn goal(self, test: impl Fn(u32) -> bool + Send + Sync + 'static) -> Self {
        Self { goal: Box::new(test), ..self }
    }

    pub(crate) fn may_end(self, test: impl Fn(u32) -> bool + Send + Sync + 'static) -> Self {
        Self { may_end: Box::new(test), ..self }
    }

    pub(crate) fn representative(self, of: impl Fn(u32) -> u32 + Send + Sync + 'static) -> Self {
        Self { representative: Box::new(of), ..self }
    }

    /// What is found of the claim, where runs may stutter.
    pub(crate) fn judge(
        &self,
        claim: Claim<Self>,
        fair: &[u16],
        options: &Options<'_>,
    ) -> LiveReport<u32> {
        let graph = self.graph(claim, options).stuttering();
        graph.judge(0, &weak(fair)).expect("the classes are there")
    }

    pub(crate) fn graph(&self, claim: Claim<Self>, options: &Options<'_>) -> StateGraph<'_, Self> {
        let properties = vec![LiveProperty { name: "it", claim }];
        StateGraph::explore(self, options, properties, &mut |_| {}).expect("the run begins")
    }
}

impl Model for Small {
    type State = u32;
    type Action = (u16, u32);

    fn init_states(&self) -> Vec<u32> {
        self.starts.clone()
    }

    fn actions(&self, state: &u32, actions: &mut Vec<(u16, u32)>) {
        (self.steps)(*state, actions);
    }

    fn next_state(&self, _: &u32, (_, next): (u16, u32)) -> Option<u32> {
        Some(next)
    }

    fn within_boundary(&self, state: &u32) -> bool {
        (self.inside)(*state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::always("never bad", |model: &Self, state| !(model.bad)(*state))]
    }
}

impl ExplorerModel for Small {
    fn class_names(&self) -> Vec<String> {
        (0..CLASSES).map(|class| format!("class {class}")).collect()
    }

    fn class(&self, action: &(u16, u32)) -> u16 {
        action.0
    }

    fn may_end(&self, state: &u32) -> bool {
        (self.may_end)(*state)
    }

    fn representative(&self, state: &u32) -> u32 {
        (self.representative)(*state)
    }
}

/// The goal of the model.
pub(crate) fn goal(model: &Small, state: &u32) -> bool {
    (model.goal)(*state)
}

/// Weak fairness of each of these classes.
pub(crate) fn weak(classes: &[u16]) -> Fairness {
    let condition = |class: &u16| Condition {
        name: format!("class {class}"),
        strength: Strength::Weak,
        classes: vec![*class],
    };
    Fairness { conditions: classes.iter().map(condition).collect(), finitely: Vec::new() }
}

pub(crate) fn word(report: &LiveReport<u32>) -> &'static str {
    match report.verdict {
        LiveVerdict::Holds => "holds",
        LiveVerdict::Vacuous => "vacuous",
        LiveVerdict::Violated(_) => "violated",
        LiveVerdict::Unknown => "unknown",
    }
}

/// One thread and several.
pub(crate) fn threads() -> impl Iterator<Item = Options<'static>> {
    [1, 2, 4].into_iter().map(|threads| Options { threads, ..Options::default() })
}
