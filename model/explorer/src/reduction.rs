//! Reductions that a model offers beside symmetry: one state stands for all that no step and no
//! property tells apart, however many these are.

use std::fmt::Debug;

use stateright::{Model, Property};

use crate::model::ExplorerModel;

/// A state of the model that is reduced.
pub type StateOf<R> = <<R as Reduction>::Base as Model>::State;

/// An action of the model that is reduced.
pub type ActionOf<R> = <<R as Reduction>::Base as Model>::Action;

/// A way to take many states of a model for one. [`Reduced`] is the model of what is left.
///
/// The states that are taken for one form a class; each class has one state that stands for it, the
/// canonical one. A model without bounds may have infinitely many states and finitely many classes.
///
/// # Contract
///
/// The reduction speaks of a *whole* model, of which [`base`](Self::base) may be a part: the base
/// may have budgets, and the whole model may have none. What holds in all states of a [`Reduced`]
/// holds in all states of the whole model if, for every state `s` of it that can be reached:
///
/// * `canonical(s)` is in the class of `s`. If states of one class have several canonical states,
///   nothing is wrong, but there is more to visit.
/// * For each step from `s` to `t`, there is an outcome of an action of the same class from
///   `canonical(s)` that is in the class of `t`.
/// * Every property has the same value in `s` and in `canonical(s)`; where `s` has no step, so has
///   [`ExplorerModel::may_end`].
///
/// Claims of liveness carry over as well if their predicates have the same values, and if a class of
/// actions is possible in `s` just when it is in `canonical(s)`.
///
/// An outcome that no state of the class has is no harm to what holds; but a violation has to be
/// looked for in the whole model before it is said to be one of it. [`Reduced::covers`] asks all this
/// of one state of the base.
pub trait Reduction: Sized + Sync {
    /// The model that gives actions and steps.
    type Base: ExplorerModel<Action: Clone + Debug + PartialEq>;

    /// That model.
    fn base(&self) -> &Self::Base;

    /// What is not told apart, in a few words each, for reports.
    fn names(&self) -> Vec<&'static str>;

    /// The state that stands for the class of `state`.
    fn canonical(&self, state: &StateOf<Self>) -> StateOf<Self>;

    /// Calls `visit` with every state that the action leads to from some state of the class of
    /// `state`, which is canonical. Of states of one class, one is enough; they need not be
    /// canonical. Always the same in the same order.
    fn for_each_outcome(
        &self,
        state: &StateOf<Self>,
        action: &ActionOf<Self>,
        visit: impl FnMut(StateOf<Self>),
    );

    /// The properties of the model that is left.
    fn properties(&self) -> Vec<Property<Reduced<Self>>>;

    /// As [`ExplorerModel::representative`], of canonical states: the answer is canonical.
    fn representative(&self, state: &StateOf<Self>) -> StateOf<Self> {
        state.clone()
    }

    /// As [`ExplorerModel::orbit_size`]: how many classes there are in the orbit.
    fn orbit_size(&self, _state: &StateOf<Self>) -> u64 {
        1
    }

    /// The action in words; `outcome` says which of its outcomes it comes to, from 0.
    fn format_action(&self, action: &ActionOf<Self>, outcome: usize) -> String {
        match outcome {
            0 => self.base().format_action(action),
            _ => format!("{} (outcome {})", self.base().format_action(action), outcome + 1),
        }
    }
}

/// The model whose states are the canonical states of a reduction.
///
/// It is a model like any other, so that every engine runs it as it is; what it leaves out of the
/// model that it is made of is said by [`ExplorerModel::reductions`].
#[derive(Clone, Copy, Debug)]
pub struct Reduced<R>(R);

/// A step of a [`Reduced`]: an action, and which of its outcomes it comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReducedAction<A> {
    /// The action of the base.
    pub action: A,
    /// The number of the outcome, from 0.
    pub outcome: usize,
}

impl<R: Reduction> Reduced<R> {
    /// What the reduction leaves.
    pub fn new(reduction: R) -> Self {
        Self(reduction)
    }

    /// How it is reduced.
    pub fn reduction(&self) -> &R {
        &self.0
    }

    /// Calls `visit` with every step from a canonical state.
    pub fn for_each_step(
        &self,
        state: &StateOf<R>,
        mut visit: impl FnMut(ReducedAction<ActionOf<R>>, StateOf<R>),
    ) {
        let mut actions = Vec::new();
        self.0.base().actions(state, &mut actions);
        for action in actions {
            let mut outcome = 0;
            self.0.for_each_outcome(state, &action, |next| {
                let action = action.clone();
                visit(ReducedAction { action, outcome }, self.0.canonical(&next));
                outcome += 1;
            });
        }
    }

    /// Whether the contract holds in one state of the base, which need not be canonical: each of its
    /// steps is found from its canonical state, and properties are the same in both.
    ///
    /// # Errors
    /// What is different; in words.
    pub fn covers(&self, state: &StateOf<R>) -> Result<(), String> {
        let (reduction, base) = (&self.0, self.0.base());
        let canonical = reduction.canonical(state);
        if reduction.canonical(&canonical) != canonical {
            return Err("the canonical state of a canonical state is another".to_owned());
        }
        let mut reduced = Vec::new();
        self.for_each_step(&canonical, |step, next| {
            reduced.push((base.class(&step.action), next));
        });
        let (mut failed, mut is_end) = (Ok(()), true);
        base.for_each_successor(state, |class, next| {
            is_end = false;
            if !reduced.contains(&(class, reduction.canonical(&next))) {
                failed = Err(format!("a step of {} is missing", base.action_name(class)));
            }
        });
        failed?;
        let properties = reduction.properties();
        let values = |state| self.property_mask(&properties, state);
        if values(state) != values(&canonical) {
            return Err("a property has another value".to_owned());
        }
        if is_end && base.may_end(state) != base.may_end(&canonical) {
            return Err("a run may end in one of them only".to_owned());
        }
        Ok(())
    }
}

/// The base, for properties and predicates that ask it.
impl<R: Reduction> AsRef<R::Base> for Reduced<R> {
    fn as_ref(&self) -> &R::Base {
        self.0.base()
    }
}

impl<R: Reduction> Model for Reduced<R> {
    type State = StateOf<R>;
    type Action = ReducedAction<ActionOf<R>>;

    fn init_states(&self) -> Vec<Self::State> {
        let initial = self.0.base().init_states();
        initial.iter().map(|state| self.0.canonical(state)).collect()
    }

    fn actions(&self, state: &Self::State, actions: &mut Vec<Self::Action>) {
        self.for_each_step(state, |step, _| actions.push(step));
    }

    fn next_state(&self, state: &Self::State, step: Self::Action) -> Option<Self::State> {
        let (mut found, mut outcome) = (None, 0);
        self.0.for_each_outcome(state, &step.action, |next| {
            if outcome == step.outcome {
                found = Some(self.0.canonical(&next));
            }
            outcome += 1;
        });
        found
    }

    fn properties(&self) -> Vec<Property<Self>> {
        self.0.properties()
    }

    fn within_boundary(&self, state: &Self::State) -> bool {
        self.0.base().within_boundary(state)
    }

    fn format_action(&self, step: &Self::Action) -> String {
        self.0.format_action(&step.action, step.outcome)
    }
}

impl<R: Reduction> ExplorerModel for Reduced<R> {
    fn class_names(&self) -> Vec<String> {
        self.0.base().class_names()
    }

    fn class(&self, step: &Self::Action) -> u16 {
        self.0.base().class(&step.action)
    }

    fn action_name(&self, class: u16) -> String {
        self.0.base().action_name(class)
    }

    fn for_each_successor(&self, state: &Self::State, mut visit: impl FnMut(u16, Self::State)) {
        self.for_each_step(state, |step, next| visit(self.class(&step), next));
    }

    fn may_end(&self, state: &Self::State) -> bool {
        self.0.base().may_end(state)
    }

    fn representative(&self, state: &Self::State) -> Self::State {
        self.0.representative(state)
    }

    fn orbit_size(&self, state: &Self::State) -> u64 {
        self.0.orbit_size(state)
    }

    fn reductions(&self) -> Vec<&'static str> {
        self.0.names()
    }
}
