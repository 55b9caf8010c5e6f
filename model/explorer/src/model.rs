//! What the engines ask of a model, and what they can ask of a faster one.

use stateright::{Model, Property};

use crate::stored::StoredState;

/// A stateright model that the engines can explore: its state is [flat](crate::FlatState), or says
/// what its bytes are ([`StoredState`]). `impl ExplorerModel for MyModel {}` is enough to run; the
/// methods are there to be overridden where a model can do better.
///
/// # Contract
/// Methods are functions: the same answer to the same question, in the same order. Counterexamples
/// are rebuilt by asking again; a model that then answers differently is reported as
/// [`Stop::Unsteady`](crate::Stop::Unsteady), one that panics as
/// [`Stop::Panicked`](crate::Stop::Panicked).
pub trait ExplorerModel: Model<State: StoredState> + Sync {
    /// The names of the classes of actions, for coverage and for fairness; by class number.
    fn class_names(&self) -> Vec<String> {
        vec!["step".to_owned()]
    }

    /// The class of an action, below the number of [`class_names`](Self::class_names).
    fn class(&self, _action: &Self::Action) -> u16 {
        0
    }

    /// The name of the action that a class belongs to. Classes that tell apart by whom an action is
    /// taken share it; [`Report::actions`](crate::Report::actions) counts them together.
    fn action_name(&self, class: u16) -> String {
        self.class_names().swap_remove(usize::from(class))
    }

    /// Calls `visit` with the class and the state of every step possible in `state`, those that
    /// lead outside of [`Model::within_boundary`] among them: the engines leave these out, and count
    /// them.
    ///
    /// Override it where the states can be made without a list of actions. Steps must be the same
    /// as those of `actions` and `next_state`, though the order may differ.
    fn for_each_successor(&self, state: &Self::State, mut visit: impl FnMut(u16, Self::State)) {
        let mut actions = Vec::new();
        self.actions(state, &mut actions);
        for action in actions {
            let class = self.class(&action);
            if let Some(next) = self.next_state(state, action) {
                visit(class, next);
            }
        }
    }

    /// Whether a run may end in `state`: everything is done, or a budget of the model is spent.
    /// Asked only of states without a step; where it is `false`, the state is a deadlock.
    ///
    /// With symmetry the answer must be the same for all states of an orbit.
    fn may_end(&self, _state: &Self::State) -> bool {
        false
    }

    /// Bit `i` is set when the condition of property `i` holds in `state`. `properties` are those
    /// of [`Model::properties`], at most 64.
    fn property_mask(&self, properties: &[Property<Self>], state: &Self::State) -> u64 {
        let bit = |(i, property): (usize, &Property<Self>)| {
            u64::from((property.condition)(self, state)) << i
        };
        properties.iter().enumerate().map(bit).fold(0, |mask, bit| mask | bit)
    }

    /// The state that stands for all that are equal to `state` up to symmetry. Asked only when a
    /// run wants symmetry.
    ///
    /// The symmetry must be an automorphism of steps and properties; states of one orbit must have
    /// one representative.
    fn representative(&self, state: &Self::State) -> Self::State {
        state.clone()
    }

    /// How many states there are in the orbit of `state`, itself included. The sum over a reduced
    /// run is the number of states of the unreduced one.
    fn orbit_size(&self, _state: &Self::State) -> u64 {
        1
    }

    /// What the model's own states do not tell apart, in a few words each, for
    /// [`Report::reductions`](crate::Report::reductions): see [`Reduction`](crate::Reduction).
    fn reductions(&self) -> Vec<&'static str> {
        Vec::new()
    }
}
