//! Runs without bounds as they are found: with ranks for epochs and for values of requests.

use zab_explorer::Trace;
use zab_view::{Pictured, changes, page};

use crate::action::Action;
use crate::model::Paper;
use crate::state::State;

/// The steps of a run with what each changed, and its last state, as lines. If it goes on for ever, it
/// goes back to the state at `returns_to` when it is over.
///
/// Where a new epoch takes a place between others, the ranks of those above it change in the same step,
/// wherever they stand.
#[must_use]
pub fn in_ranks<const N: usize, const X: usize>(
    paper: &Paper<N, X, 0>,
    trace: &Trace<State<N, X, 0>>,
    returns_to: Option<usize>,
) -> Vec<String> {
    let all = Action::all(N);
    let mut lines = Vec::new();
    for (number, (class, pair)) in trace.classes.iter().zip(trace.states.windows(2)).enumerate() {
        if returns_to == Some(number) {
            lines.push("then for ever:".to_owned());
        }
        lines.push(format!("{:>4}  {}", number + 1, all[usize::from(*class)]));
        let changed = changes(&paper.facts(&pair[0]), &paper.facts(&pair[1]));
        lines.extend(changed.into_iter().map(|change| format!("        {change}")));
    }
    if returns_to == Some(trace.steps()) {
        lines.push("then nothing happens any more".to_owned());
    }
    if let Some(last) = trace.states.last() {
        lines.push("the last state:".to_owned());
        lines.extend(page(&paper.facts(last), paper.columns()).lines().map(str::to_owned));
    }
    lines
}
