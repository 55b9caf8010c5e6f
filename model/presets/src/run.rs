//! Runs explorations of either family on the engine.

use thiserror::Error;
use zab_explorer::{ExplorerModel, Options, Refused, Report, Trace, check};
use zab_paper::liveness::CannotJudge;
use zab_paper::{BoundsError, Paper, WithModel, with_model};
use zab_view::Run as Told;

use crate::live;
use crate::now::{Now, Tell};
use crate::outcome::{Counts, Ends, Fault, Outcome, Property, kind};
use crate::presets::{Exploration, Family};
use crate::told::told;

/// As many requests as ghosts remember: enough for five servers with two transactions and three
/// failures. Within larger bounds the model refuses ghosts.
pub const GHOSTS: usize = 16;

/// Why nothing was explored.
#[derive(Debug, Error)]
pub enum Impossible {
    /// The family has no room for the bounds.
    #[error(transparent)]
    Bounds(#[from] BoundsError),
    /// The engine has no room, or the wrong thing was asked of it.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// Liveness is not to be judged within these bounds.
    #[error(transparent)]
    CannotJudge(#[from] CannotJudge),
}

impl Exploration {
    /// Explores within these limits; the exploration says whether symmetry is used.
    ///
    /// # Errors
    /// When it cannot begin; the text says why, and what would do.
    pub fn run(&self, options: &Options<'_>, tell: &mut Tell<'_>) -> Result<Outcome, Impossible> {
        match &self.family {
            Family::Zookeeper(model) => {
                let options = Options { symmetry: false, ..*options };
                let told = |trace: &Trace<_>| told(model, trace);
                Ok(explore(self, model, &options, &told, tell)?)
            }
            Family::Paper(paper) => {
                let options = &Options { symmetry: paper.symmetry, ..*options };
                let run = Run { exploration: self, options, tell };
                let mut outcome = if paper.ghosts {
                    with_model::<GHOSTS, _>(paper.rules, run)??
                } else {
                    with_model::<0, _>(paper.rules, run)??
                };
                // A run that was interrupted or cut short would be cut short here as well.
                if paper.liveness && outcome.complete() {
                    let live = with_model::<0, _>(paper.rules, live::Run { options, tell })??;
                    outcome.properties.extend(live.claims);
                    outcome.liveness = Some(live.liveness);
                    outcome.left_out = outcome.left_out.max(live.left_out);
                    outcome.fault = outcome.fault.or(live.fault);
                }
                Ok(outcome)
            }
        }
    }
}

/// An exploration of the `paper` family.
struct Run<'a, 't> {
    exploration: &'a Exploration,
    options: &'a Options<'a>,
    tell: &'a mut Tell<'t>,
}

impl<const G: usize> WithModel<G> for Run<'_, '_> {
    type Output = Result<Outcome, Refused>;

    fn run<const N: usize, const X: usize>(self, model: &Paper<N, X, G>) -> Self::Output {
        let told = |trace: &Trace<_>| told(model, trace);
        explore(self.exploration, model, self.options, &told, self.tell)
    }
}

/// Explores a model in the name of an exploration. `told` makes a run ready to be shown; it gives
/// nothing for a run that the model does not make again.
///
/// # Errors
/// When it cannot begin.
pub fn explore<M: ExplorerModel>(
    exploration: &Exploration,
    model: &M,
    options: &Options<'_>,
    told: &dyn Fn(&Trace<M::State>) -> Option<Told>,
    tell: &mut Tell<'_>,
) -> Result<Outcome, Refused> {
    let report = check(model, options, &mut |now| tell(Now::Exploring(now)))?;
    Ok(outcome(exploration, &report, told))
}

fn outcome<S>(
    exploration: &Exploration,
    report: &Report<S>,
    told: &dyn Fn(&Trace<S>) -> Option<Told>,
) -> Outcome {
    let property = |property: &zab_explorer::PropertyReport<S>| {
        let violation = match &property.verdict {
            zab_explorer::Verdict::Violated(trace) => Some(trace),
            zab_explorer::Verdict::Holds
            | zab_explorer::Verdict::Reached(_)
            | zab_explorer::Verdict::NeverReached
            | zab_explorer::Verdict::Unknown => None,
        };
        Property {
            name: property.name,
            kind: kind(&property.kind),
            verdict: (&property.verdict).into(),
            trace_length: property.verdict.trace().map(Trace::steps),
            run: violation.and_then(told),
            fairness: Vec::new(),
        }
    };
    Outcome {
        name: exploration.name,
        covers: exploration.covers,
        model: exploration.family.name(),
        bounds: exploration.family.to_string(),
        counts: Counts {
            distinct: report.distinct,
            unreduced: report.unreduced,
            generated: report.generated,
            depth: report.depth(),
            actions: report.actions.clone(),
        },
        stopped: report.stopped,
        waiting: report.waiting,
        left_out: report.left_out,
        ends: Ends {
            terminal: report.terminal,
            deadlocks: report.deadlocks,
            trace_length: report.deadlock.as_ref().map(Trace::steps),
            run: report.deadlock.as_ref().and_then(told),
        },
        fault: report.fault.as_ref().map(|fault| Fault {
            text: fault.to_string(),
            run: fault.trace.as_ref().and_then(told),
        }),
        seconds: report.seconds,
        threads: report.threads,
        memory: report.memory,
        bytes_per_state: report.bytes_per_state(),
        identity: report.identity,
        properties: report.properties.iter().map(property).collect(),
        liveness: None,
    }
}
