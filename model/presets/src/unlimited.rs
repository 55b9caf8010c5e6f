//! The `paper` family without a bound on failures.

use zab_explorer::{Options, Reduced, Refused, Trace, Verdict as Found, check};
use zab_paper::{Action, Epochs, Paper, State, Unlimited, WithModel};
use zab_view::Run as Told;

use crate::now::{Now, Tell};
use crate::outcome::{Outcome, Property};
use crate::presets::Exploration;
use crate::reported::outcome;

/// An exploration to be run.
pub(crate) struct Run<'a, 't> {
    pub(crate) exploration: &'a Exploration,
    pub(crate) options: &'a Options<'a>,
    pub(crate) tell: &'a mut Tell<'t>,
    pub(crate) epochs: Epochs,
}

impl WithModel<0> for Run<'_, '_> {
    type Output = Result<Outcome, Refused>;

    fn run<const N: usize, const X: usize>(self, model: &Paper<N, X, 0>) -> Self::Output {
        let Run { exploration, options, tell, epochs } = self;
        let without = Unlimited::new(model, epochs);
        let report = check(&without, options, &mut |now| tell(Now::Exploring(now)))?;
        let mut outcome = outcome(exploration, &report, &|trace| replayed(&without, trace));
        let mut fewest: Vec<Option<Trace<_>>> = Vec::new();
        for property in &report.properties {
            fewest.push(match &property.verdict {
                Found::Violated(trace) => Some(trace.clone()),
                Found::Holds | Found::Reached(_) | Found::NeverReached | Found::Unknown => None,
            });
        }
        // The shortest run may have more failures than others.
        let all = Options { stop_when_violated: false, ..*options };
        let most = fewest.iter().flatten().map(failures::<N, X>).max().unwrap_or(0);
        let mut searched = 0;
        for most in 0..most {
            let limited = Unlimited::with_failures(model, epochs, most);
            let report = check(&limited, &all, &mut |now| tell(Now::Fewer(now)))?;
            for (trace, property) in fewest.iter_mut().zip(&report.properties) {
                if let (Some(known), Found::Violated(found)) = (&trace, &property.verdict)
                    && failures::<N, X>(found) < failures::<N, X>(known)
                {
                    *trace = Some(found.clone());
                }
            }
            if !report.complete() {
                break;
            }
            searched += 1;
            if fewest.iter().flatten().all(|trace| failures::<N, X>(trace) <= searched) {
                break;
            }
        }
        for (property, trace) in outcome.properties.iter_mut().zip(&fewest) {
            if let Some(trace) = trace {
                show(&without, property, trace, searched);
            }
        }
        Ok(outcome)
    }
}

/// How many failures there are in a run.
fn failures<const N: usize, const X: usize>(trace: &Trace<State<N, X, 0>>) -> u8 {
    let all = Action::all(N);
    let is_failure = |class: &&u16| {
        matches!(all[usize::from(**class)], Action::Timeout(..) | Action::Restart(_))
    };
    u8::try_from(trace.classes.iter().filter(is_failure).count()).unwrap_or(u8::MAX)
}

/// The run with whole numbers, as one of the published specification.
fn replayed<const N: usize, const X: usize>(
    model: &Reduced<Unlimited<N, X>>,
    trace: &Trace<State<N, X, 0>>,
) -> Option<Told> {
    let replayed = model.reduction().replay(trace)?;
    Told::of(&replayed.model, 0, &replayed.actions)
}

/// Shows this run for a property: with whole numbers, or its actions alone. All runs were looked at
/// that have fewer failures than `searched`.
fn show<const N: usize, const X: usize>(
    model: &Reduced<Unlimited<N, X>>,
    property: &mut Property,
    trace: &Trace<State<N, X, 0>>,
    searched: u8,
) {
    property.trace_length = Some(trace.steps());
    property.run = replayed(model, trace);
    let all = Action::all(N);
    let count = failures::<N, X>(trace);
    if count <= searched {
        property.remarks.push(format!("{count} failures; no run to it has fewer"));
    }
    if property.run.is_none() {
        property.remarks.push(
            "it needs other epochs than one more than the greatest heard, or more than fit: so it is \
             not shown to be a run of the published specification; its actions:"
                .to_owned(),
        );
        let actions = (1..).zip(&trace.classes);
        let line =
            |(number, class): (usize, &u16)| format!("{number:>4}  {}", all[usize::from(*class)]);
        property.remarks.extend(actions.map(line));
    }
}
