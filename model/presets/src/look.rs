//! A model of either family to be looked at by hand: stateright's Explorer, and single paths.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::hash::Hash;
use std::net::SocketAddr;

use stateright::{Model, Path};
use zab_paper::{BoundsError, Paper, Rules};

use crate::presets::Family;
use crate::run::GHOSTS;

/// Transactions that histories have room for.
const TXNS: usize = 6;

/// A model of any type.
pub trait Look: Send {
    /// Serves stateright's Explorer until the process ends. It panics where it cannot listen.
    fn serve(self: Box<Self>, address: SocketAddr);

    /// Where a path of numbers leads, as the Explorer's addresses have them.
    ///
    /// # Errors
    /// When the model has no such path; in words.
    fn follow(&self, path: &str) -> Result<Followed, String>;
}

/// Where a path leads.
#[derive(Clone, Debug)]
pub struct Followed {
    /// The actions on the way, the state that it leads to, and what can happen there; as lines.
    pub text: String,
    /// The sequence diagram of the run, as SVG.
    pub svg: String,
}

impl Family {
    /// The model itself. Every state is one of its own, without symmetry.
    ///
    /// # Errors
    /// When the family has no room for the bounds.
    pub fn look(self) -> Result<Box<dyn Look>, BoundsError> {
        match self {
            Self::Zookeeper(model) => Ok(Box::new(model)),
            Self::Paper(run) if run.ghosts => paper::<GHOSTS>(run.rules),
            Self::Paper(run) => paper::<0>(run.rules),
        }
    }
}

/// Nobody is in a hurry here: one size for each number of servers is enough to compile.
fn paper<const G: usize>(rules: Rules) -> Result<Box<dyn Look>, BoundsError> {
    Ok(match rules.bounds.servers {
        2 => Box::new(Paper::<2, TXNS, G>::new(rules)?),
        4 => Box::new(Paper::<4, TXNS, G>::new(rules)?),
        5 => Box::new(Paper::<5, TXNS, G>::new(rules)?),
        // Three; any other number is refused by the model.
        _ => Box::new(Paper::<3, TXNS, G>::new(rules)?),
    })
}

impl<M> Look for M
where
    M: Model + Send + Sync + 'static,
    M::State: Clone + Debug + Hash + PartialEq + Send + Sync,
    M::Action: Clone + Debug + PartialEq + Send + Sync,
{
    fn serve(self: Box<Self>, address: SocketAddr) {
        self.checker().serve(address);
    }

    fn follow(&self, path: &str) -> Result<Followed, String> {
        let run = follow(self, path)?;
        let svg = self.as_svg(run.clone()).unwrap_or_default();
        let last = run.last_state().clone();
        let mut lines = Vec::new();
        for (number, action) in (1..).zip(run.into_actions()) {
            lines.push(format!("{number:>4}  {}", self.format_action(&action)));
        }
        lines.push(format!("\n{last:#?}"));
        let mut actions = Vec::new();
        self.actions(&last, &mut actions);
        let before = lines.len();
        for (number, action) in actions.into_iter().enumerate() {
            if self.next_state(&last, action.clone()).is_some() {
                lines.push(format!("next {number}: {}", self.format_action(&action)));
            }
        }
        if lines.len() == before {
            lines.push("nothing more can happen".to_owned());
        }
        Ok(Followed { text: lines.join("\n"), svg })
    }
}

/// The run that a path of numbers stands for.
fn follow<M>(model: &M, path: &str) -> Result<Path<M::State, M::Action>, String>
where
    M: Model<State: Clone + Debug + Hash + PartialEq, Action: Clone + Debug + PartialEq>,
{
    let number = |part: &str| {
        let number = part.parse::<usize>();
        number.map_err(|_| format!("--path {path}: `{part}` is no number; expected 0/N/N…"))
    };
    let parts = path.trim_matches('/').split('/');
    let mut numbers = parts.map(number).collect::<Result<VecDeque<usize>, String>>()?;
    let out_of = |offered: usize, place: usize, of: usize| {
        format!("--path {path}: number {place} is {offered}, but there are 0 to {} only", of - 1)
    };
    let starts = model.init_states();
    let first = numbers.pop_front().unwrap_or(0);
    let start = starts.get(first).ok_or_else(|| out_of(first, 1, starts.len()))?.clone();
    let (mut last, mut taken) = (start.clone(), Vec::new());
    for (place, chosen) in (2..).zip(numbers) {
        let mut actions = Vec::new();
        model.actions(&last, &mut actions);
        if actions.is_empty() {
            return Err(format!("--path {path}: nothing can happen before number {place}"));
        }
        let action = actions.get(chosen).ok_or_else(|| out_of(chosen, place, actions.len()))?;
        let next = model.next_state(&last, action.clone());
        last = next.ok_or_else(|| {
            let name = model.format_action(action);
            format!("--path {path}: number {place}, {name}, is not possible there")
        })?;
        taken.push(action.clone());
    }
    let run = Path::from_actions(model, start, &taken);
    run.ok_or_else(|| format!("--path {path}: no run of the model"))
}
