//! Runs of a model, rebuilt from what the log holds of them.

use crate::fault::{Fault, ask};
use crate::model::ExplorerModel;
use crate::trace::Trace;

/// The steps of a state, by class and the state that each leads to. For what is asked seldom: model
/// and engine are compiled together for each place that asks otherwise.
pub(crate) fn steps<M: ExplorerModel>(model: &M, state: &M::State) -> Vec<(u16, M::State)> {
    let mut steps = Vec::new();
    model.for_each_successor(state, |class, next| steps.push((class, next)));
    steps
}

/// A run that is being rebuilt: the model is asked again, and must answer as before. Each question is
/// asked twice, since a model that lists its steps in another order each time may come to the same
/// state by chance.
pub(crate) struct Rebuilt<'m, M: ExplorerModel> {
    model: &'m M,
    trace: Trace<M::State>,
}

impl<'m, M: ExplorerModel> Rebuilt<'m, M> {
    /// From a state that the model is known to have.
    pub(crate) fn from(model: &'m M, state: M::State) -> Self {
        Self { model, trace: Trace { states: vec![state], classes: Vec::new() } }
    }

    /// From the initial state that `wanted` chooses of all, given with their numbers.
    pub(crate) fn start(
        model: &'m M,
        wanted: &dyn Fn(usize, &M::State) -> bool,
    ) -> Result<Self, Fault<M::State>> {
        const ASKED: &str = "its initial states";
        let states = ask(|| (model.init_states(), model.init_states()));
        let (states, again) = states.map_err(|message| Fault::panicked(ASKED, message, None))?;
        if states != again {
            return Err(Fault::unsteady(ASKED, "it answers differently each time", None));
        }
        let found = states.into_iter().enumerate().find(|(at, state)| wanted(*at, state));
        match found {
            Some((_, state)) => Ok(Self::from(model, state)),
            None => Err(Fault::unsteady(ASKED, "it does not give the one that it gave", None)),
        }
    }

    /// The last state so far.
    pub(crate) fn last(&self) -> &M::State {
        let [.., last] = self.trace.states.as_slice() else {
            unreachable!("a run that is rebuilt has a state")
        };
        last
    }

    /// Takes the first step that `wanted` chooses, given with its number, class and state.
    pub(crate) fn step(
        &mut self,
        wanted: &dyn Fn(usize, u16, &M::State) -> bool,
    ) -> Result<(), Fault<M::State>> {
        const ASKED: &str = "the steps of this state";
        let (model, state) = (self.model, self.last().clone());
        let (steps, again) = self.asked(ASKED, || (steps(model, &state), steps(model, &state)))?;
        if steps != again {
            return Err(self.unsteady(ASKED, "it answers differently each time"));
        }
        let mut steps = steps.into_iter().enumerate();
        let found = steps.find(|(at, (class, next))| wanted(*at, *class, next));
        let Some((_, (class, next))) = found else {
            return Err(self.unsteady(ASKED, "it has not the one it took"));
        };
        self.trace.classes.push(class);
        self.trace.states.push(next);
        Ok(())
    }

    /// Asks the model about the last state.
    pub(crate) fn asked<T>(
        &self,
        asked: &'static str,
        question: impl FnOnce() -> T,
    ) -> Result<T, Fault<M::State>> {
        ask(question).map_err(|message| Fault::panicked(asked, message, Some(self.trace.clone())))
    }

    /// The model has answered differently when asked about the last state.
    pub(crate) fn unsteady(&self, asked: &'static str, how: &'static str) -> Fault<M::State> {
        Fault::unsteady(asked, how, Some(self.trace.clone()))
    }

    pub(crate) fn finish(self) -> Trace<M::State> {
        self.trace
    }
}
