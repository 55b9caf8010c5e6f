//! Traces as text: numbered steps, the rules that fired, and what changed.

use std::fmt::{self, Write};

use zab_view::{self as view, page};

use super::action::Action;
use super::facts::{COLUMNS, facts};
use super::model::Zab;
use super::state::State;
use crate::probe::Record;

/// One step of a counterexample or of an example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionText {
    /// Position in the trace, from 1.
    pub number: usize,
    /// The action with its rule ids, as [`Action`] displays.
    pub action: String,
    /// What the step changed, one fact a line: `server 2 phase: DISCOVERY -> SYNCHRONIZATION`.
    pub changes: Vec<String>,
}

/// The steps that a sequence of actions makes from a state, up to the first that is not possible.
#[must_use]
pub fn trace_text<const N: usize, const P: usize>(
    model: &Zab<N, P>,
    start: &State<N, P>,
    actions: &[Action],
) -> Vec<ActionText> {
    let mut state = *start;
    let mut steps = Vec::new();
    for (place, action) in actions.iter().enumerate() {
        let mut record = Record::default();
        let Some(next) = model.act(&state, *action, &mut record) else { break };
        let mut text = action.to_string();
        if !record.fired.is_empty() {
            let _ = write!(text, " ({})", record.fired.join(", "));
        }
        let changes = changes(&state, &next);
        steps.push(ActionText { number: place + 1, action: text, changes });
        state = next;
    }
    steps
}

/// One step as text, for the Explorer; `None` when it is not possible.
pub(super) fn step_text<const N: usize, const P: usize>(
    model: &Zab<N, P>,
    state: &State<N, P>,
    action: Action,
) -> Option<String> {
    let mut record = Record::default();
    let next = model.act(state, action, &mut record)?;
    let rules = (!record.fired.is_empty()).then(|| format!("rules: {}", record.fired.join(", ")));
    let lines = rules.into_iter().chain(changes(state, &next));
    Some(lines.chain([String::new(), format!("{next:?}")]).collect::<Vec<_>>().join("\n"))
}

/// What differs between two states, one fact a line.
#[must_use]
pub fn changes<const N: usize, const P: usize>(
    before: &State<N, P>,
    after: &State<N, P>,
) -> Vec<String> {
    view::changes(&facts(before), &facts(after))
}

/// A table of the servers, then what is in flight and what properties remember.
impl<const N: usize, const P: usize> fmt::Debug for State<N, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&page(&facts(self), &COLUMNS))
    }
}
