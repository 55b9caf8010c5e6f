//! A model of either family to be looked at by hand, one path at a time.

use stateright::{Expectation, Model};
use thiserror::Error;
use zab_model::explore::{PROPERTIES, WithSize, Zab, with_size};
use zab_paper::properties::statement;
use zab_paper::{BoundsError, Paper, Rules, WithModel};
use zab_view::{Pictured, Run};

use crate::outcome::kind;
use crate::presets::Family;
use crate::run::GHOSTS;

/// Transactions that histories have room for.
const TXNS: usize = 6;

/// A model of any type.
pub trait Look: Send + Sync {
    /// How many initial states it has.
    fn starts(&self) -> usize;

    /// Its properties of states.
    fn properties(&self) -> Vec<Stated>;

    /// Where a path of numbers leads: that of the initial state, then that of an action of each
    /// state.
    ///
    /// # Errors
    /// When the model has no such path.
    fn follow(&self, path: &[usize]) -> Result<Place, Astray>;
}

/// A property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stated {
    /// Its name in the model.
    pub name: &'static str,
    /// `always` or `sometimes`.
    pub kind: &'static str,
    /// What it says, in a sentence.
    pub says: &'static str,
}

/// Where a path leads.
#[derive(Clone, Debug)]
pub struct Place {
    /// The run to here.
    pub run: Run,
    /// What its states violate or reach.
    pub shown: Vec<Shown>,
    /// What can happen here.
    pub next: Vec<Choice>,
}

/// A property that is shown by a run: violated, or reached if it is `sometimes`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Its name.
    pub name: &'static str,
    /// Whether it is violated.
    pub violated: bool,
    /// The first state of the run that shows it; 0 is the initial one.
    pub first: usize,
    /// Whether the last state of the run shows it.
    pub here: bool,
}

/// Something that can happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Its number, as paths have it.
    pub number: usize,
    /// The action.
    pub action: String,
    /// The ids of the rules that it follows.
    pub rules: Vec<String>,
}

/// Why a path leads nowhere.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Astray {
    /// There are not so many initial states or actions.
    #[error("number {place} is {offered}, but there are 0 to {last} only")]
    OutOf {
        /// Which number of the path, from 1.
        place: usize,
        /// The number.
        offered: usize,
        /// The largest that there is.
        last: usize,
    },
    /// A state without a step.
    #[error("nothing can happen before number {place}")]
    Over {
        /// Which number of the path, from 1.
        place: usize,
    },
    /// An action that its state does not allow after all.
    #[error("number {place}, {action}, is not possible there")]
    NotPossible {
        /// Which number of the path, from 1.
        place: usize,
        /// The action.
        action: String,
    },
}

impl Family {
    /// The model itself. Every state is one of its own, without symmetry.
    ///
    /// # Errors
    /// When the family has no room for the bounds.
    pub fn look(self) -> Result<Box<dyn Look>, BoundsError> {
        match self {
            Self::Zookeeper(model) => Ok(with_size(&model, Looking)),
            Self::Paper(run) if run.ghosts => with_any_size::<GHOSTS, _>(run.rules, Looking),
            Self::Paper(run) => with_any_size::<0, _>(run.rules, Looking),
        }
    }
}

/// Does something with the model of these rules. For those who are not in a hurry: one size for each
/// number of servers is enough to compile.
///
/// # Errors
/// When no model has room for the bounds.
pub(crate) fn with_any_size<const G: usize, W: WithModel<G>>(
    rules: Rules,
    work: W,
) -> Result<W::Output, BoundsError> {
    Ok(match rules.bounds.servers {
        2 => work.run(&Paper::<2, TXNS, G>::new(rules)?),
        4 => work.run(&Paper::<4, TXNS, G>::new(rules)?),
        5 => work.run(&Paper::<5, TXNS, G>::new(rules)?),
        // Three; any other number is refused by the model.
        _ => work.run(&Paper::<3, TXNS, G>::new(rules)?),
    })
}

struct Looking;

impl<const G: usize> WithModel<G> for Looking {
    type Output = Box<dyn Look>;

    fn run<const N: usize, const X: usize>(self, model: &Paper<N, X, G>) -> Self::Output {
        let says = |name: &str| statement(name).unwrap_or_default();
        Box::new(Looked { model: *model, says })
    }
}

impl WithSize for Looking {
    type Output = Box<dyn Look>;

    fn run<const N: usize, const P: usize>(self, model: &Zab<N, P>) -> Self::Output {
        Box::new(Looked { model: model.clone(), says: zookeeper_says })
    }
}

fn zookeeper_says(name: &str) -> &'static str {
    let property = PROPERTIES.iter().find(|property| property.name == name);
    property.map_or("", |property| property.statement)
}

/// A model, and what its properties say.
struct Looked<M> {
    model: M,
    says: fn(&str) -> &'static str,
}

impl<M> Look for Looked<M>
where
    M: Pictured + Model<State: PartialEq, Action: Clone + PartialEq> + Send + Sync,
{
    fn starts(&self) -> usize {
        self.model.init_states().len()
    }

    fn properties(&self) -> Vec<Stated> {
        let stated = |property: stateright::Property<M>| Stated {
            name: property.name,
            kind: kind(&property.expectation),
            says: (self.says)(property.name),
        };
        self.model.properties().into_iter().map(stated).collect()
    }

    fn follow(&self, path: &[usize]) -> Result<Place, Astray> {
        let model = &self.model;
        let (states, actions) = states(model, path)?;
        let first = path.first().copied().unwrap_or(0);
        let run = Run::of(model, first, &actions);
        let run = run.unwrap_or_else(|| unreachable!("these actions were possible just now"));
        let [.., last] = states.as_slice() else { unreachable!("a run has a state") };
        let mut offered = Vec::new();
        model.actions(last, &mut offered);
        let possible = offered
            .into_iter()
            .enumerate()
            .filter(|(_, action)| model.next_state(last, action.clone()).is_some());
        let next = possible.map(|(number, action)| Choice {
            number,
            rules: model.rules(last, &action),
            action: action.to_string(),
        });
        Ok(Place { run, shown: shown(model, &states), next: next.collect() })
    }
}

/// Of a run.
type StatesAndActions<M> = (Vec<<M as Model>::State>, Vec<<M as Model>::Action>);

/// The states and actions that a path of numbers stands for.
fn states<M: Model<State: Clone, Action: Clone + ToString>>(
    model: &M,
    path: &[usize],
) -> Result<StatesAndActions<M>, Astray> {
    let out_of = |offered: usize, place: usize, of: usize| match of.checked_sub(1) {
        Some(last) => Astray::OutOf { place, offered, last },
        None => Astray::Over { place },
    };
    let (first, numbers) = path.split_first().unwrap_or((&0, &[]));
    let starts = model.init_states();
    let mut last = starts.get(*first).ok_or_else(|| out_of(*first, 1, starts.len()))?.clone();
    let (mut states, mut taken) = (vec![last.clone()], Vec::new());
    for (place, chosen) in (2..).zip(numbers) {
        let mut actions = Vec::new();
        model.actions(&last, &mut actions);
        let action = actions.get(*chosen).ok_or_else(|| out_of(*chosen, place, actions.len()))?;
        let next = model.next_state(&last, action.clone());
        let refused = || Astray::NotPossible { place, action: action.to_string() };
        last = next.ok_or_else(refused)?;
        states.push(last.clone());
        taken.push(action.clone());
    }
    Ok((states, taken))
}

/// Every property that these states violate or reach.
fn shown<M: Model>(model: &M, states: &[M::State]) -> Vec<Shown> {
    let properties = model.properties();
    let shown = properties.iter().filter_map(|property| {
        // `eventually` is not about states.
        let violated = match property.expectation {
            Expectation::Always => true,
            Expectation::Sometimes => false,
            Expectation::Eventually => return None,
        };
        let shows = |state: &M::State| (property.condition)(model, state) != violated;
        let first = states.iter().position(shows)?;
        let here = states.last().is_some_and(shows);
        Some(Shown { name: property.name, violated, first, here })
    });
    shown.collect()
}
