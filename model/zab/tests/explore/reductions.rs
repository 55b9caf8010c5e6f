//! What an exploration leaves out of its states changes nothing else.

use std::collections::HashSet;

use stateright::Model;
use zab_model::explore::{Bounds, State, Zab};
use zab_model::{Phase, Zxid};

use crate::{CALM, zab};

fn states(model: &Zab, normal: impl Fn(State) -> State) -> HashSet<State> {
    let mut pending = model.init_states();
    let mut seen: HashSet<State> = pending.iter().copied().collect();
    while let Some(state) = pending.pop() {
        for next in model.next_states(&state) {
            if seen.insert(next) {
                pending.push(next);
            }
        }
    }
    seen.into_iter().map(normal).collect()
}

/// `Ensemble::forget_committed`: nothing reads lastCommitted before broadcast.
#[test]
fn forgetting_what_is_committed_with_a_role_merges_states_that_behave_alike() {
    let bounds = Bounds { requests: 1, disconnects: 1, rounds: 2, ..CALM };
    let forgets = zab(bounds);
    let mut keeps = zab(bounds);
    keeps.ensemble.forget_committed = false;
    let forget = |mut state: State| {
        for server in &mut state.servers {
            if server.phase != Phase::Broadcast {
                server.last_committed = Zxid::default();
            }
        }
        state
    };
    let all = states(&keeps, |state| state);
    let merged = states(&forgets, |state| state);
    assert!(all.len() > merged.len());
    assert!(states(&keeps, forget) == merged);
}
