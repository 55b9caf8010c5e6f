//! What several tests need: bounds in a line, and a walk over all states that shares no code with
//! any checker.

use std::collections::{HashSet, VecDeque};

use zab_paper::{Action, Bounds, Paper, Rules, State};

pub(crate) fn bounds(
    servers: u8,
    txns: u8,
    timeouts: u8,
    restarts: u8,
    epochs: Option<u8>,
) -> Bounds {
    Bounds { servers, txns, epochs, timeouts, restarts }
}

pub(crate) fn paper<const N: usize, const X: usize, const G: usize>(
    rules: Rules,
) -> Paper<N, X, G> {
    Paper::new(rules).expect("bounds that fit")
}

/// Visits every reachable state once, with the steps from it; the number of states.
pub(crate) fn walk<const N: usize, const X: usize, const G: usize>(
    model: &Paper<N, X, G>,
    mut visit: impl FnMut(&State<N, X, G>, &[(Action, State<N, X, G>)]),
) -> usize {
    let mut seen = HashSet::from([State::default()]);
    let mut queue = VecDeque::from([State::default()]);
    let mut steps = Vec::new();
    while let Some(state) = queue.pop_front() {
        steps.clear();
        model.for_each_step(&state, |action, next| steps.push((action, next)));
        visit(&state, &steps);
        let new = steps.iter().map(|(_, next)| *next).filter(|next| seen.insert(*next));
        queue.extend(new);
    }
    seen.len()
}
