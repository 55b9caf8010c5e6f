//! A run with all that there is to know of it: actions, states, changes, and where its messages went.

use stateright::Model;

use super::facts::{About, Fact, NOTHING, changes, page};
use super::sequence::{Pictured, Sequence, sequence};

/// A run of any model, ready to be read, drawn, and given to other tools.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Which initial state it begins in, then which of the actions of each state it takes: the
    /// numbers of a path of the Explorer.
    pub path: Vec<usize>,
    /// The state that it begins in.
    pub start: Vec<Fact>,
    /// Its steps.
    pub steps: Vec<RunStep>,
    /// The place of the state (0 for the first) that it goes back to when it is over, if it goes on for
    /// ever; that of the last state if nothing more happens.
    pub returns_to: Option<usize>,
    /// Its messages.
    pub sequence: Sequence,
    /// The names of the facts about a server that are columns of a table of servers.
    pub columns: &'static [&'static str],
}

/// A step of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunStep {
    /// The action.
    pub action: String,
    /// The ids of the rules that it follows.
    pub rules: Vec<String>,
    /// The state after it.
    pub state: Vec<Fact>,
    /// What it changed, one fact a line.
    pub changes: Vec<String>,
}

impl Run {
    /// The run that these actions make from the initial state of that number; `None` when there is
    /// no such state, or an action is not possible where it stands.
    pub fn of<M>(model: &M, first: usize, actions: &[M::Action]) -> Option<Self>
    where
        M: Pictured + Model<State: PartialEq, Action: Clone + PartialEq>,
    {
        let start = model.init_states().into_iter().nth(first)?;
        let mut run = Self {
            path: vec![first],
            start: model.facts(&start),
            steps: Vec::new(),
            returns_to: None,
            sequence: sequence(model, &start, actions.iter().cloned()),
            columns: model.columns(),
        };
        let mut state = start;
        for action in actions {
            let mut offered = Vec::new();
            model.actions(&state, &mut offered);
            run.path.push(offered.iter().position(|offered| offered == action)?);
            let next = model.next_state(&state, action.clone())?;
            let after = model.facts(&next);
            run.steps.push(RunStep {
                action: action.to_string(),
                rules: model.rules(&state, action),
                changes: changes(run.last(), &after),
                state: after,
            });
            state = next;
        }
        Some(run)
    }

    /// The state that it leads to.
    #[must_use]
    pub fn last(&self) -> &[Fact] {
        self.steps.last().map_or(&self.start, |step| &step.state)
    }

    /// Its states, the first one included, each with the action that led to it.
    pub fn states(&self) -> impl Iterator<Item = (Option<&RunStep>, &[Fact])> {
        let later = self.steps.iter().map(|step| (Some(step), step.state.as_slice()));
        std::iter::once((None, self.start.as_slice())).chain(later)
    }

    /// The path of numbers, as commands and addresses have it.
    #[must_use]
    pub fn path_text(&self) -> String {
        let numbers: Vec<String> = self.path.iter().map(usize::to_string).collect();
        numbers.join("/")
    }

    /// How many steps it has in common with another run, from their beginning.
    #[must_use]
    pub fn in_common(&self, other: &Self) -> usize {
        if self.start != other.start {
            return 0;
        }
        let pairs = self.steps.iter().zip(&other.steps);
        pairs.take_while(|(one, other)| one == other).count()
    }

    /// The steps after the first `skipped` as lines, each with what it changed.
    #[must_use]
    pub fn lines(&self, skipped: usize) -> Vec<String> {
        let steps = (1..).zip(&self.steps).skip(skipped);
        let lines = steps.flat_map(|(number, step)| {
            let changes = step.changes.iter().map(|change| format!("        {change}"));
            std::iter::once(format!("{number:>4}  {}", step.text())).chain(changes)
        });
        lines.collect()
    }

    /// The last state as a page of text.
    #[must_use]
    pub fn last_page(&self) -> String {
        page(self.last(), self.columns)
    }
}

impl RunStep {
    /// The action, with the rules that it follows.
    #[must_use]
    pub fn text(&self) -> String {
        if self.rules.is_empty() {
            self.action.clone()
        } else {
            format!("{} ({})", self.action, self.rules.join(", "))
        }
    }
}

/// The names of the facts about servers that occur in a state, each once, in their order.
pub(crate) fn server_facts(state: &[Fact]) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for fact in state.iter().filter(|fact| fact.about != About::System) {
        if !names.contains(&fact.name.as_str()) {
            names.push(&fact.name);
        }
    }
    names
}

/// The facts about anything but servers that are worth a word.
pub(crate) fn system_facts(state: &[Fact]) -> impl Iterator<Item = &Fact> {
    state.iter().filter(|fact| fact.about == About::System && fact.value != NOTHING)
}
