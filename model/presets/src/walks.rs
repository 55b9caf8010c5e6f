//! Random walks through the model of an exploration.

use zab_explorer::{ExplorerModel, Refused, Stop, Trace, WalkOptions, WalkReport, Walked, walk};
use zab_model::explore::{WithSize, Zab, with_size};
use zab_paper::{Paper, WithModel};
use zab_view::{Pictured, Run};

use crate::look::with_any_size;
use crate::outcome::{Fault, NO_DEADLOCK, Property, Verdict, kind};
use crate::presets::{Exploration, Family};
use crate::run::{GHOSTS, Impossible};
use crate::told::told;

/// What random walks have found. They show what is violated or reached, and never that something
/// holds.
#[derive(Clone, Debug)]
pub struct Walks {
    /// Why they ended before all that were asked for, if they did.
    pub stopped: Option<Stop>,
    /// Walks, the last of which may be unfinished.
    pub walks: u64,
    /// Steps of all walks together.
    pub steps: u64,
    /// Walks that were long enough, with more to come.
    pub cut: u64,
    /// Walks that ended in a state without a step.
    pub ended: u64,
    /// Those of them that ended where no run may end.
    pub deadlocks: u64,
    /// The shortest walk to a deadlock that was met.
    pub deadlock: Option<Shortest>,
    /// What the model did that no model may do.
    pub fault: Option<Fault>,
    /// Wall-clock time.
    pub seconds: f64,
    /// What is violated or reached by a walk; of anything else nothing is known.
    pub properties: Vec<Property>,
}

/// The shortest walk that was met, which is not the shortest that there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shortest {
    /// Its length.
    pub steps: usize,
    /// The walk itself, unless the model does not make it again.
    pub run: Option<Run>,
    /// The seed with which it is the first walk.
    pub seed: u64,
}

impl Walks {
    /// Whether a property is violated.
    #[must_use]
    pub fn violated(&self) -> bool {
        self.properties.iter().any(|property| property.verdict == Verdict::Violated)
    }

    /// Makes of what was met a property: that no run gets stuck.
    pub fn judge_deadlocks(&mut self) {
        self.properties.push(property(NO_DEADLOCK, "always", true, self.deadlock.as_ref()));
    }
}

/// Who is told how many walks there were so far, and how many steps.
type Tell<'t> = dyn FnMut(u64, u64) + 't;

impl Exploration {
    /// Walks at random through the model of this exploration: every state is one of its own, and no
    /// claim of liveness is judged.
    ///
    /// # Errors
    /// When it cannot begin; the text says why.
    pub fn walk(
        &self,
        options: &WalkOptions<'_>,
        tell: &mut Tell<'_>,
    ) -> Result<Walks, Impossible> {
        if self.family.is_unlimited() {
            return Err(Impossible::Endless);
        }
        match &self.family {
            Family::Zookeeper(model) => Ok(with_size(model, Walking { options, tell })?),
            Family::Paper(run) if run.ghosts => {
                Ok(with_any_size::<GHOSTS, _>(run.rules, Walking { options, tell })??)
            }
            Family::Paper(run) => Ok(with_any_size::<0, _>(run.rules, Walking { options, tell })??),
        }
    }
}

struct Walking<'a, 't> {
    options: &'a WalkOptions<'a>,
    tell: &'a mut Tell<'t>,
}

impl WithSize for Walking<'_, '_> {
    type Output = Result<Walks, Refused>;

    fn run<const N: usize, const P: usize>(self, model: &Zab<N, P>) -> Self::Output {
        walks(model, self.options, self.tell)
    }
}

impl<const G: usize> WithModel<G> for Walking<'_, '_> {
    type Output = Result<Walks, Refused>;

    fn run<const N: usize, const X: usize>(self, model: &Paper<N, X, G>) -> Self::Output {
        walks(model, self.options, self.tell)
    }
}

fn walks<M>(model: &M, options: &WalkOptions<'_>, tell: &mut Tell<'_>) -> Result<Walks, Refused>
where
    M: ExplorerModel + Pictured,
    M::Action: Clone + PartialEq,
{
    let report = walk(model, options, &mut |far| tell(far.walks, far.steps))?;
    let shortest = |met: &Walked<M::State>| Shortest {
        steps: met.walk.steps(),
        run: told(model, &met.walk),
        seed: met.seed,
    };
    let of_model = |walked: &zab_explorer::WalkedProperty<M::State>| {
        let is_claim = walked.kind == stateright::Expectation::Always;
        property(
            walked.name,
            kind(&walked.kind),
            is_claim,
            walked.found.as_ref().map(shortest).as_ref(),
        )
    };
    let properties = report.properties.iter().map(of_model).collect();
    let deadlock = report.deadlock.as_ref().map(shortest);
    let fault = report.fault.as_ref().map(|fault| Fault {
        text: fault.to_string(),
        run: fault.trace.as_ref().and_then(|trace: &Trace<M::State>| told(model, trace)),
    });
    let WalkReport { stopped, walks, steps, cut, ended, deadlocks, seconds, .. } = report;
    Ok(Walks { stopped, walks, steps, cut, ended, deadlocks, deadlock, fault, seconds, properties })
}

/// What is known of a property: `is_claim` if a walk to it violates it.
fn property(
    name: &'static str,
    kind: &'static str,
    is_claim: bool,
    shortest: Option<&Shortest>,
) -> Property {
    let verdict = match (shortest, is_claim) {
        (Some(_), true) => Verdict::Violated,
        (Some(_), false) => Verdict::Reached,
        (None, _) => Verdict::Unknown,
    };
    let remark = |found: &Shortest| {
        format!(
            "found by a random walk, so there may be a shorter one; again: --walks 1 --seed {}",
            found.seed
        )
    };
    Property {
        name,
        kind,
        verdict,
        trace_length: shortest.map(|found| found.steps),
        run: shortest.filter(|_| is_claim).and_then(|found| found.run.clone()),
        remarks: shortest.map(remark).into_iter().collect(),
    }
}
