//! Runs explorations of either family on the engine.

use stateright::Model;
use thiserror::Error;
use zab_explorer::{ExplorerModel, Options, Refused, Report, Trace, check};
use zab_model::explore::{Zab, trace_text};
use zab_paper::liveness::CannotJudge;
use zab_paper::{BoundsError, Paper, WithModel, with_model};

use crate::live;
use crate::now::{Now, Tell};
use crate::outcome::{Counts, Ends, Fault, Outcome, Property, kind};
use crate::presets::{Exploration, Family};

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
                let steps = |trace: &Trace<_>| zookeeper_steps(model, trace);
                Ok(explore(self, model, &options, &steps, tell)?)
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
        let steps = |trace: &Trace<_>| paper_steps(model, trace);
        explore(self.exploration, model, self.options, &steps, self.tell)
    }
}

/// Explores a model in the name of an exploration. `steps` puts a run into words, a step or a
/// change in each line.
///
/// # Errors
/// When it cannot begin.
pub fn explore<M: ExplorerModel>(
    exploration: &Exploration,
    model: &M,
    options: &Options<'_>,
    steps: &dyn Fn(&Trace<M::State>) -> Vec<String>,
    tell: &mut Tell<'_>,
) -> Result<Outcome, Refused> {
    let report = check(model, options, &mut |now| tell(Now::Exploring(now)))?;
    Ok(outcome(exploration, &report, steps))
}

fn outcome<S>(
    exploration: &Exploration,
    report: &Report<S>,
    steps: &dyn Fn(&Trace<S>) -> Vec<String>,
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
            story: violation.map(steps).unwrap_or_default(),
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
            story: report.deadlock.as_ref().map(steps).unwrap_or_default(),
        },
        fault: report.fault.as_ref().map(|fault| Fault {
            text: fault.to_string(),
            story: fault.trace.as_ref().map(steps).unwrap_or_default(),
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

/// The steps of a run, and what each changed.
fn zookeeper_steps(model: &Zab, trace: &Trace<<Zab as Model>::State>) -> Vec<String> {
    let Some(path) = trace.path(model) else { return Vec::new() };
    let Some(start) = trace.states.first() else { return Vec::new() };
    let steps = trace_text(model, start, &path.into_actions());
    let lines = steps.into_iter().flat_map(|step| {
        let action = format!("{:>4}  {}", step.number, step.action);
        let changes = step.changes.into_iter().map(|change| format!("        {change}"));
        std::iter::once(action).chain(changes)
    });
    lines.collect()
}

/// The actions of a run.
fn paper_steps<const N: usize, const X: usize, const G: usize>(
    model: &Paper<N, X, G>,
    trace: &Trace<<Paper<N, X, G> as Model>::State>,
) -> Vec<String> {
    let actions = trace.path(model).map(stateright::Path::into_actions).unwrap_or_default();
    (1..).zip(&actions).map(|(number, action)| format!("{number:>4}  {action}")).collect()
}
