//! A lasso for readers.

use std::fmt;

use zab_explorer::{Fairness, Lasso, Met};

use crate::action::Action;
use crate::state::State;

/// A fair run that breaks a claim: its actions, and what makes it fair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Story {
    /// What happens first.
    pub stem: Vec<Action>,
    /// What happens for ever after; nothing if it is empty.
    pub cycle: Vec<Action>,
    /// By name of the condition: how it is met.
    pub fairness: Vec<(String, Met)>,
}

impl Story {
    /// The story of a lasso that was found under this fairness.
    #[must_use]
    pub fn new<const N: usize, const X: usize, const G: usize>(
        lasso: &Lasso<State<N, X, G>>,
        fairness: &Fairness,
    ) -> Self {
        let all = Action::all(N);
        let actions =
            |classes: &[u16]| classes.iter().map(|class| all[usize::from(*class)]).collect();
        let names = fairness.conditions.iter().map(|condition| condition.name.clone());
        Self {
            stem: actions(&lasso.stem.classes),
            cycle: actions(&lasso.cycle.classes),
            fairness: names.zip(lasso.fairness.iter().copied()).collect(),
        }
    }

    /// What makes it fair, as lines: the conditions that steps of the cycle meet, and how many are
    /// met because nothing of theirs is possible, all the time or at some time in each round.
    #[must_use]
    pub fn why_fair(&self) -> Vec<String> {
        let mut lines = vec!["which is fair:".to_owned()];
        let mut impossible = 0;
        for (name, met) in &self.fairness {
            match met {
                Met::Taken(step) => {
                    lines.push(format!("      {name} takes step {} of the cycle", step + 1));
                }
                Met::Disabled(_) | Met::NeverEnabled => impossible += 1,
            }
        }
        let all = if lines.len() == 1 { "all" } else { "the other" };
        lines.push(format!(
            "      {all} {impossible} conditions ask for what is not possible throughout"
        ));
        lines
    }
}

/// One action a line; then what makes it fair.
impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, action) in (1..).zip(&self.stem) {
            writeln!(f, "{number:>4}  {action}")?;
        }
        if self.cycle.is_empty() {
            writeln!(f, "then nothing happens any more")?;
        } else {
            writeln!(f, "then for ever:")?;
        }
        for (number, action) in (1..).zip(&self.cycle) {
            writeln!(f, "{number:>4}  {action}")?;
        }
        self.why_fair().iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}
