//! Looks for a bug, with as few faults as possible; and explores without it.

use zab_explorer::{Options, Progress, Report, Stop, Trace, Verdict, check};
use zab_model::explore::{Action, State};
use zab_model::profile::UnknownName;
use zab_model::{Grain, Profile};

use crate::budget::Budget;
use crate::hunt::{CAPACITY, DAMAGE, Hunt, PRECURSOR};
use crate::impossible::Impossible;
use crate::sized::{WithHunt, with_hunt};
use crate::story::fewest_changes;
use crate::table::Scene;

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
    /// How much one step of a server does.
    pub grain: Grain,
    /// The safety properties that are violated and are not known to be.
    pub violated: Vec<&'static str>,
    /// Why there was more to see.
    pub stopped: Option<Stop>,
    /// Different states.
    pub distinct: u64,
    /// Wall-clock time.
    pub seconds: f64,
}

/// Who is told how far an exploration is.
type Tell<'t> = dyn FnMut(&Progress) + 't;

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

    /// Does something with the model in which the bug is looked for.
    ///
    /// # Errors
    /// When it has no room for the budget.
    pub fn with_model<W: WithHunt>(
        &self,
        budget: Budget,
        work: W,
    ) -> Result<W::Output, Impossible> {
        with_hunt(self.profile()?, self.grain, budget, self.damage, self.known, work)
    }

    /// Looks for the damage: with no fault, with one, and so on up to the budget.
    ///
    /// # Errors
    /// When it cannot begin.
    pub fn find(
        &self,
        budget: Budget,
        options: &Options<'_>,
        tell: &mut Tell<'_>,
    ) -> Result<Search, Impossible> {
        let options = &Options { stop_when_violated: true, ..*options };
        let most = budget.faults();
        self.with_model(budget, Finding { scene: self, most, options, tell })?
    }

    fn search<const N: usize, const P: usize>(
        &self,
        model: &Hunt<N, P>,
        report: &Report<State<N, P>>,
    ) -> Search {
        let trace = |name| report.property(name).and_then(|property| property.verdict.trace());
        let shown = |trace: &Trace<State<N, P>>| self.shown(model, trace);
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
    fn shown<const N: usize, const P: usize>(
        &self,
        model: &Hunt<N, P>,
        trace: &Trace<State<N, P>>,
    ) -> Option<Shown> {
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

/// A scene whose damage is looked for.
struct Finding<'a, 't> {
    scene: &'a Scene,
    /// The most faults of a run.
    most: u8,
    options: &'a Options<'a>,
    tell: &'a mut Tell<'t>,
}

impl WithHunt for Finding<'_, '_> {
    type Output = Result<Search, Impossible>;

    fn run<const N: usize, const P: usize>(self, model: &Hunt<N, P>) -> Self::Output {
        let (mut seconds, mut faults) = (0.0, 0);
        loop {
            let model = model.clone().with_faults(faults);
            let report = check(&model, self.options, self.tell)?;
            seconds += report.seconds;
            let search = Search { seconds, ..self.scene.search(&model, &report) };
            if search.ends() || faults == self.most {
                return Ok(search);
            }
            faults += 1;
        }
    }
}

impl Search {
    /// Whether there is nothing more to be looked for with more faults.
    fn ends(&self) -> bool {
        self.damage.is_some() || self.overflow || self.stopped.is_some()
    }
}

/// Explores all that servers of a profile do within a budget, at a grain; `known` are properties that
/// they are known to violate.
///
/// # Errors
/// When it cannot begin.
pub fn control(
    profile: Profile,
    grain: Grain,
    budget: Budget,
    known: &[&str],
    options: &Options<'_>,
    tell: &mut Tell<'_>,
) -> Result<Control, Impossible> {
    let all: Vec<&str> = Hunt::safety().filter(|name| !known.contains(name)).collect();
    let options = &Options { stop_when_violated: false, ..*options };
    let work = Controlling { profile, grain, known, options, tell };
    with_hunt(profile, grain, budget, &all, known, work)?
}

/// An exploration without a bug.
struct Controlling<'a, 't> {
    profile: Profile,
    grain: Grain,
    known: &'a [&'a str],
    options: &'a Options<'a>,
    tell: &'a mut Tell<'t>,
}

impl WithHunt for Controlling<'_, '_> {
    type Output = Result<Control, Impossible>;

    fn run<const N: usize, const P: usize>(self, model: &Hunt<N, P>) -> Self::Output {
        let report = check(model, self.options, self.tell)?;
        let violations = report.properties.iter().filter_map(|property| match &property.verdict {
            Verdict::Violated(trace) => trace.states.last(),
            Verdict::Holds | Verdict::Reached(_) | Verdict::NeverReached | Verdict::Unknown => None,
        });
        let mut violated: Vec<&str> = violations.flat_map(|state| model.violated(state)).collect();
        violated.retain(|name| !self.known.contains(name));
        violated.dedup();
        let Report { stopped, distinct, seconds, .. } = report;
        let Self { profile, grain, .. } = self;
        Ok(Control { profile, grain, violated, stopped, distinct, seconds })
    }
}
