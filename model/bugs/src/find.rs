//! Looks for a bug, with as few faults as possible; and explores without it.

use std::ops::ControlFlow;

use thiserror::Error;
use zab_explorer::{Options, Progress, Refused, Report, Stop, Trace, Verdict, check};
use zab_model::Profile;
use zab_model::explore::{Action, State, TXNS_MAX};
use zab_model::profile::UnknownName;

use crate::budget::Budget;
use crate::hunt::{CAPACITY, DAMAGE, Hunt, PRECURSOR};
use crate::story::fewest_changes;
use crate::table::Scene;

/// Why nothing was explored.
#[derive(Debug, Error)]
pub enum Impossible {
    /// The budget is not one that a family has room for.
    #[error("an exploration has room for {TXNS_MAX} requests")]
    Room,
    /// A switch or a value that no profile has.
    #[error("{0}")]
    Name(#[from] UnknownName),
    /// The engine has no room.
    #[error(transparent)]
    Refused(#[from] Refused),
}

/// What came of looking for a bug.
#[derive(Clone, Debug)]
pub struct Search {
    /// The run that does the damage, if there is one.
    pub damage: Option<Shown>,
    /// The shortest run to anything that is not as it should be.
    pub precursor: Option<Shown>,
    /// Whether queues and histories of the exploration were too short for some run.
    pub overflow: bool,
    /// Why there was more to see, if nothing was found.
    pub stopped: Option<Stop>,
    /// Different states that were visited with as many faults as the run has.
    pub distinct: u64,
    /// Wall-clock time, with fewer faults included.
    pub seconds: f64,
}

/// A run that shows something.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The safety properties that its last state violates, except those that the base violates.
    pub properties: Vec<&'static str>,
    /// How many faults it has.
    pub faults: u8,
    /// Its actions, from empty disks.
    pub actions: Vec<Action>,
}

/// All that is within a budget, without a bug.
#[derive(Clone, Debug)]
pub struct Control {
    /// What the servers do.
    pub profile: Profile,
    /// The safety properties that are violated and are not known to be.
    pub violated: Vec<&'static str>,
    /// Why there was more to see.
    pub stopped: Option<Stop>,
    /// Different states.
    pub distinct: u64,
    /// Wall-clock time.
    pub seconds: f64,
}

impl Scene {
    /// What servers do with the bug.
    ///
    /// # Errors
    /// When a switch is misspelt.
    pub fn profile(&self) -> Result<Profile, UnknownName> {
        self.without()?.with(self.switch)
    }

    /// What they do without it.
    ///
    /// # Errors
    /// When a switch is misspelt.
    pub fn without(&self) -> Result<Profile, UnknownName> {
        Profile::FIXED.with(self.base)
    }

    /// The model in which the bug is looked for.
    ///
    /// # Errors
    /// When it has no room for the budget.
    pub fn model(&self, budget: Budget) -> Result<Hunt, Impossible> {
        let profile = self.profile()?;
        Hunt::new(profile, budget, self.damage, self.known).ok_or(Impossible::Room)
    }

    /// Looks for the damage: with no fault, with one, and so on up to the budget.
    ///
    /// # Errors
    /// When it cannot begin.
    pub fn find(
        &self,
        budget: Budget,
        options: &Options<'_>,
        tell: &mut dyn FnMut(&Progress),
    ) -> Result<Search, Impossible> {
        let options = Options { stop_when_violated: true, ..*options };
        let model = self.model(budget)?;
        let mut seconds = 0.0;
        let mut last = None;
        for faults in 0..=budget.faults() {
            let model = model.clone().with_faults(faults);
            let report = check(&model, &options, tell)?;
            seconds += report.seconds;
            let search = Search { seconds, ..self.search(&model, &report) };
            if search.ends().is_break() {
                return Ok(search);
            }
            last = Some(search);
        }
        last.ok_or(Impossible::Room)
    }

    fn search(&self, model: &Hunt, report: &Report<State>) -> Search {
        let trace = |name| report.property(name).and_then(|property| property.verdict.trace());
        let shown = |trace: &Trace<State>| self.shown(model, trace);
        let damage = trace(DAMAGE).and_then(shown);
        Search {
            stopped: report.stopped.filter(|_| damage.is_none()),
            overflow: trace(CAPACITY).is_some(),
            precursor: trace(PRECURSOR).and_then(shown),
            damage,
            distinct: report.distinct,
            seconds: report.seconds,
        }
    }

    /// A run in the order with the fewest changes of server.
    fn shown(&self, model: &Hunt, trace: &Trace<State>) -> Option<Shown> {
        let last = trace.states.last()?;
        let mut properties = model.violated(last);
        properties.retain(|name| !self.known.contains(name));
        let actions = trace.path(model)?.into_actions();
        let actions = fewest_changes(model, &actions, &|state| {
            let violated = model.violated(state);
            properties.iter().all(|name| violated.contains(name))
        });
        Some(Shown { properties, faults: model.faults(last), actions })
    }
}

impl Search {
    /// Whether there is nothing more to be looked for with more faults.
    fn ends(&self) -> ControlFlow<()> {
        let ends = self.damage.is_some() || self.overflow || self.stopped.is_some();
        if ends { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

/// Explores all that servers of a profile do within a budget; `known` are properties that they are
/// known to violate.
///
/// # Errors
/// When it cannot begin.
pub fn control(
    profile: Profile,
    budget: Budget,
    known: &[&str],
    options: &Options<'_>,
    tell: &mut dyn FnMut(&Progress),
) -> Result<Control, Impossible> {
    let all: Vec<&str> = Hunt::safety().filter(|name| !known.contains(name)).collect();
    let model = Hunt::new(profile, budget, &all, known).ok_or(Impossible::Room)?;
    let options = Options { stop_when_violated: false, ..*options };
    let report = check(&model, &options, tell)?;
    let violations = report.properties.iter().filter_map(|property| match &property.verdict {
        Verdict::Violated(trace) => trace.states.last(),
        Verdict::Holds | Verdict::Reached(_) | Verdict::NeverReached | Verdict::Unknown => None,
    });
    let mut violated: Vec<&str> = violations.flat_map(|state| model.violated(state)).collect();
    violated.retain(|name| !known.contains(name));
    violated.dedup();
    let Report { stopped, distinct, seconds, .. } = report;
    Ok(Control { profile, violated, stopped, distinct, seconds })
}
