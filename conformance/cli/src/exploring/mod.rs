//! Runs explorations of either family on the engine.

mod live;

use std::time::Duration;

use stateright::Model;
use thiserror::Error;
use zab_explorer::{FlatModel, Options, Refused, Report, Trace, check};
use zab_model::explore::{Zab, trace_text};
use zab_model::presets::{Exploration, Family};
use zab_paper::liveness::CannotJudge;
use zab_paper::{BoundsError, Paper, WithModel, with_model};

use crate::args::Limits;
use crate::interrupt;
use crate::report::outcome::{Counts, Ends, Fault, Outcome, Property, kind};
use crate::report::progress::Progress;

/// As many requests as ghosts remember: enough for five servers with two transactions and three
/// failures. Within larger bounds the model refuses ghosts.
pub(crate) const GHOSTS: usize = 16;

/// Why nothing was explored.
#[derive(Debug, Error)]
pub(crate) enum Impossible {
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

/// Explores, with a line of progress.
///
/// # Errors
/// When it cannot begin; the text says why, and what would do.
pub(crate) fn explore(exploration: &Exploration, limits: &Limits) -> Result<Outcome, Impossible> {
    let run = Run { exploration, limits };
    match &exploration.family {
        Family::Zookeeper(model) => run.explore(model, &|trace| zookeeper_steps(model, trace)),
        Family::Paper(paper) => {
            let mut outcome = if paper.ghosts {
                with_model::<GHOSTS, _>(paper.rules, run)??
            } else {
                with_model::<0, _>(paper.rules, run)??
            };
            // A run that was interrupted or cut short would be cut short here as well.
            if paper.liveness && outcome.complete() {
                let live = live::Run { name: exploration.name, options: run.options() };
                let live = with_model::<0, _>(paper.rules, live)??;
                outcome.properties.extend(live.claims);
                outcome.liveness = Some(live.liveness);
                outcome.left_out = outcome.left_out.max(live.left_out);
                outcome.fault = outcome.fault.or(live.fault);
            }
            Ok(outcome)
        }
    }
}

/// One exploration and what it may use.
#[derive(Clone, Copy)]
struct Run<'a> {
    exploration: &'a Exploration,
    limits: &'a Limits,
}

impl<const G: usize> WithModel<G> for Run<'_> {
    type Output = Result<Outcome, Impossible>;

    fn run<const N: usize, const X: usize>(self, model: &Paper<N, X, G>) -> Self::Output {
        self.explore(model, &|trace| paper_steps(model, trace))
    }
}

impl Run<'_> {
    fn explore<M: FlatModel>(
        self,
        model: &M,
        steps: &dyn Fn(&Trace<M::State>) -> Vec<String>,
    ) -> Result<Outcome, Impossible> {
        let progress = Progress::start(&format!("exploring {}", self.exploration.name));
        let report = check(model, &self.options(), &mut |now| {
            let rate = now.distinct as f64 / now.seconds.max(0.001) / 1e6;
            progress.say(format!(
                "{} states, {rate:.2} M/s, {} waiting, depth {}, {} MiB",
                now.distinct,
                now.waiting,
                now.depth,
                now.memory >> 20,
            ));
        })?;
        drop(progress);
        Ok(self.outcome(&report, steps))
    }

    fn options(&self) -> Options<'static> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let symmetry = match &self.exploration.family {
            Family::Zookeeper(_) => false,
            Family::Paper(paper) => paper.symmetry,
        };
        Options {
            threads: self.limits.threads.unwrap_or(cores),
            memory_max: self.limits.memory.map(|memory| memory.as_u64()),
            states_max: self.limits.states_max.unwrap_or(u64::MAX),
            depth_max: self.limits.depth_max.unwrap_or(u64::MAX),
            time_max: self.limits.seconds_max.map(|seconds| Duration::from_secs(seconds.into())),
            symmetry,
            stop: Some(interrupt::flag()),
            ..Options::default()
        }
    }

    fn outcome<S>(&self, report: &Report<S>, steps: &dyn Fn(&Trace<S>) -> Vec<String>) -> Outcome {
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
            name: self.exploration.name,
            covers: self.exploration.covers,
            model: self.exploration.family.name(),
            bounds: self.exploration.family.to_string(),
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

#[cfg(test)]
mod tests;
