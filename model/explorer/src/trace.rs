//! Runs of a model.

use stateright::{Model, Path};

use crate::model::ExplorerModel;

/// A run from an initial state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace<S> {
    /// The states, the initial one first; never empty.
    pub states: Vec<S>,
    /// The class of each step; one fewer than the states.
    pub classes: Vec<u16>,
}

impl<S> Trace<S> {
    /// Number of steps.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.classes.len()
    }

    /// The run as stateright has it, with the model's actions. `None` when the model does not make
    /// these steps, that is, when its fast successors are not those of its actions.
    #[must_use]
    pub fn path<M>(&self, model: &M) -> Option<Path<S, M::Action>>
    where
        M: ExplorerModel + Model<State = S>,
        S: PartialEq,
        M::Action: PartialEq,
    {
        let mut actions = Vec::with_capacity(self.classes.len());
        for (pair, class) in self.states.windows(2).zip(&self.classes) {
            let steps = model.next_steps(&pair[0]);
            let step = steps
                .into_iter()
                .find(|(action, next)| model.class(action) == *class && *next == pair[1])?;
            actions.push(step.0);
        }
        let first = self.states.first()?;
        let initial = model.init_states().into_iter().find(|state| state == first)?;
        Path::from_actions(model, initial, &actions)
    }
}
