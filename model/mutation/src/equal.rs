//! Whether a mutant differs from the protocol at all: in every reachable state of the protocol all
//! steps are taken with and without it.
//!
//! If they are the same, so are the two graphs, state for state and step for step, since both begin
//! in the same state. A step is the name of an action and the state that it leads to; whom it is
//! about shows in that state. With symmetry one state of each orbit is looked at: a mutant breaks a
//! rule for every server alike.

use std::collections::{HashSet, VecDeque};

use stateright::{Model, Representative};

use crate::explore::{Rung, WithSize, quietly, sized};
use crate::list::Mutant;
use crate::paper::{Paper, State};
use crate::schema::every_action;

/// Those of some mutants whose graph is that of the protocol, within these bounds.
pub(crate) fn equal(mutants: Vec<&'static Mutant>, rung: &Rung) -> Vec<&'static Mutant> {
    sized(rung, Comparison { mutants, symmetry: rung.symmetry })
}

struct Comparison {
    mutants: Vec<&'static Mutant>,
    symmetry: bool,
}

/// The steps from a state: what each action leads to, and its name.
type Steps<const N: usize, const X: usize, const G: usize> = Vec<(u16, State<N, X, G>)>;

impl WithSize for Comparison {
    type Output = Vec<&'static Mutant>;

    fn run<const N: usize, const X: usize, const G: usize>(
        mut self,
        model: &Paper<N, X, G>,
    ) -> Self::Output {
        let symmetry = self.symmetry;
        let named = |state: State<N, X, G>| {
            if symmetry { state.representative() } else { state }
        };
        let steps = |state: &State<N, X, G>| -> Steps<N, X, G> {
            let step = |action: crate::paper::Action| {
                state.after(model.rules(), action).map(|next| (action.kind(), next))
            };
            every_action(N).filter_map(step).collect()
        };
        let mut queue: VecDeque<_> = model.init_states().into_iter().map(named).collect();
        let mut seen: HashSet<_> = queue.iter().copied().collect();
        while let (Some(state), false) = (queue.pop_front(), self.mutants.is_empty()) {
            let of_protocol = steps(&state);
            self.mutants.retain(|mutant| {
                let of_mutant = quietly(Some(mutant), || steps(&state));
                of_mutant.is_ok_and(|of_mutant| same(&of_mutant, &of_protocol))
            });
            let next = of_protocol.into_iter().map(|(_, next)| named(next));
            queue.extend(next.filter(|next| seen.insert(*next)));
        }
        self.mutants
    }
}

/// Whether two lists hold the same steps; how often, and in which order, does not matter.
fn same<const N: usize, const X: usize, const G: usize>(
    a: &Steps<N, X, G>,
    b: &Steps<N, X, G>,
) -> bool {
    a == b || (a.iter().all(|step| b.contains(step)) && b.iter().all(|step| a.contains(step)))
}
