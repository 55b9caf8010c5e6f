//! Which mutants differ from the protocol at all: whether in some reachable state of the protocol a
//! mutant takes other steps.
//!
//! If there is none, the two graphs are the same, state for state and step for step, since both begin
//! in the same states. In each state only those mutants are tried that would have been asked otherwise
//! there.

use std::collections::{HashSet, VecDeque};

use stateright::Model;
use zab_explorer::ExplorerModel;

use super::explore::Protocol;
use super::ladder::Rung;
use crate::explore::quietly;
use crate::list::Mutant;
use crate::schema::noting;
use crate::zab::explore::{State, Zab};

/// Those of some mutants that differ from the protocol within these bounds.
pub(crate) fn differing(
    mutants: &[&'static Mutant],
    rung: &Rung,
    protocol: &Protocol,
) -> Vec<&'static Mutant> {
    let model = rung.model();
    let of_protocol = model.init_states();
    let asked = mutants.iter().copied().filter(|mutant| protocol.asked.differs(mutant));
    let begins = |mutant: &Mutant| quietly(Some(mutant), || model.init_states());
    let (mut open, mut differing): (Vec<&Mutant>, Vec<_>) =
        asked.partition(|mutant| begins(mutant).is_ok_and(|states| states == of_protocol));
    let mut queue: VecDeque<_> = of_protocol.into();
    let mut seen: HashSet<_> = queue.iter().copied().collect();
    while let (Some(state), false) = (queue.pop_front(), open.is_empty()) {
        let (of_protocol, asked) = noting(|| steps(&model, &state));
        open.retain(|mutant| {
            let same = || quietly(Some(mutant), || steps(&model, &state));
            let is_same = !asked.differs(mutant) || same().is_ok_and(|steps| steps == of_protocol);
            if !is_same {
                differing.push(*mutant);
            }
            is_same
        });
        let next = of_protocol.into_iter().map(|(_, next)| next);
        queue.extend(next.filter(|next| seen.insert(*next)));
    }
    differing
}

/// The steps from a state: the kind of action and who takes it, and where it leads.
fn steps(model: &Zab, state: &State) -> Vec<(u16, State)> {
    let mut steps = Vec::new();
    model.for_each_successor(state, |class, next| steps.push((class, next)));
    steps
}
