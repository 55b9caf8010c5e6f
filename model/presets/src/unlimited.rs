//! The `paper` family without a bound on failures.

mod live;
mod shown;

use zab_explorer::{Options, PropertyReport, Refused, Report, Trace, Verdict as Found, check};
use zab_paper::{Epochs, Paper, State, Unlimited, WithModel};

use crate::now::{Now, Tell};
use crate::outcome::Outcome;
use crate::presets::Exploration;
use crate::reported::outcome;

pub(crate) use live::Live;
use shown::{Showing, Shown, published, replayed};

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
        let mut outcome = outcome(exploration, &report, &|trace| replayed(&without, trace, None));
        let mut fewest: Vec<Option<Shown<N, X>>> =
            report.properties.iter().map(|property| violation(property).map(Shown::of)).collect();
        // The shortest run may have more failures than others.
        let all = Options {
            stop_when_violated: false,
            // These are other runs than the one that saves itself.
            checkpoint: None,
            visited: None,
            ..*options
        };
        let mut searched = 0;
        while fewest.iter().flatten().any(|shown| shown.failures() > searched) {
            let limited = Unlimited::with_failures(model, epochs, searched);
            let report = check(&limited, &all, &mut |now| tell(Now::Fewer(now)))?;
            for (known, property) in fewest.iter_mut().zip(&report.properties) {
                if let (Some(known), Some(found)) = (known, violation(property)) {
                    known.take_if_fewer(Shown::of(found));
                }
            }
            if !report.complete() {
                break;
            }
            searched += 1;
        }
        for (property, shown) in outcome.properties.iter_mut().zip(&fewest) {
            let Some(shown) = shown else { continue };
            let mut showing = Showing { model: &without, searched, property };
            if showing.replayed(shown) {
                continue;
            }
            let found = match published(model, shown.failures()) {
                None => None,
                Some(bounded) => {
                    let report = check(&bounded, &all, &mut |now| tell(Now::Fewer(now)))?;
                    let complete = report.complete();
                    complete.then(|| violation_of(&report, showing.property.name).map(Shown::of))
                }
            };
            showing.in_other_epochs(model, shown, found);
        }
        Ok(outcome)
    }
}

/// The run that violates a property.
fn violation<S>(property: &PropertyReport<S>) -> Option<&Trace<S>> {
    match &property.verdict {
        Found::Violated(trace) => Some(trace),
        Found::Holds | Found::Reached(_) | Found::NeverReached | Found::Unknown => None,
    }
}

/// The run that violates the property of that name.
fn violation_of<'r, const N: usize, const X: usize>(
    report: &'r Report<State<N, X, 0>>,
    name: &str,
) -> Option<&'r Trace<State<N, X, 0>>> {
    report.properties.iter().find(|property| property.name == name).and_then(violation)
}
