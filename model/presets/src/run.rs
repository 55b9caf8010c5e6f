//! Runs explorations of either family on the engine.

use thiserror::Error;
use zab_explorer::{ExplorerModel, Options, Refused, Trace, check};
use zab_model::explore::liveness::Live;
use zab_model::explore::{WithSize, Zab, with_size};
use zab_paper::liveness::CannotJudge;
use zab_paper::{BoundsError, Paper, WithModel, with_model};
use zab_view::Run as Told;

use crate::live;
use crate::now::{Now, Tell};
use crate::outcome::Outcome;
use crate::presets::{Exploration, Family};
use crate::reported::outcome;
use crate::told::told;
use crate::unlimited;

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
    /// Where elections have messages there are rounds, and at the fine grain it is not known which steps
    /// take an epoch; neither is renamed.
    #[error(
        "liveness of the model zookeeper is judged with --election oracle or anybody, at grain writes, \
         without observers"
    )]
    NoLiveness,
    /// A walk takes each step alike, failures too, so it would hardly ever get anywhere.
    #[error("random walks need a bound on failures, and this exploration has none")]
    Endless,
}

impl Exploration {
    /// Explores within these limits; the exploration says whether symmetry is used.
    ///
    /// # Errors
    /// When it cannot begin; the text says why, and what would do.
    pub fn run(&self, options: &Options<'_>, tell: &mut Tell<'_>) -> Result<Outcome, Impossible> {
        match &self.family {
            Family::Zookeeper(model) => {
                let options = &Options { symmetry: false, ..*options };
                if self.liveness && (options.spill.is_some() || options.checkpoint.is_some()) {
                    return Err(Refused::DiskInLiveness.into());
                }
                with_size(model, Run { exploration: self, options, tell })
            }
            Family::Paper(paper) => {
                let options = &Options { symmetry: paper.symmetry, ..*options };
                if paper.liveness && (options.spill.is_some() || options.checkpoint.is_some()) {
                    return Err(Refused::DiskInLiveness.into());
                }
                let rules = paper.rules;
                let mut outcome = match paper.unlimited {
                    Some(epochs) => {
                        let run = unlimited::Run { exploration: self, options, tell, epochs };
                        with_model::<0, _>(rules, run)??
                    }
                    None if paper.ghosts => {
                        let run = Run { exploration: self, options, tell };
                        with_model::<GHOSTS, _>(rules, run)??
                    }
                    None => {
                        let run = Run { exploration: self, options, tell };
                        with_model::<0, _>(rules, run)??
                    }
                };
                // A run that was interrupted or cut short would be cut short here as well.
                if paper.liveness && outcome.complete() {
                    // Whoever wants to see every state has seen it.
                    let options = &Options { visited: None, ..*options };
                    let live = match paper.unlimited {
                        Some(epochs) => {
                            with_model::<0, _>(rules, unlimited::Live { options, tell, epochs })??
                        }
                        None => with_model::<0, _>(rules, live::Run { options, tell })??,
                    };
                    outcome.judged(live);
                }
                Ok(outcome)
            }
        }
    }
}

impl Outcome {
    /// Adds what liveness came to.
    fn judged(&mut self, live: live::Judged) {
        self.properties.extend(live.claims);
        self.liveness = Some(live.liveness);
        self.left_out = self.left_out.max(live.left_out);
        self.fault = self.fault.take().or(live.fault);
    }
}

/// An exploration of either family.
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

impl WithSize for Run<'_, '_> {
    type Output = Result<Outcome, Impossible>;

    fn run<const N: usize, const P: usize>(self, model: &Zab<N, P>) -> Self::Output {
        let Self { exploration, options, tell } = self;
        let live = match exploration.liveness {
            true => Some(Live::new(model).ok_or(Impossible::NoLiveness)?),
            false => None,
        };
        let told = |trace: &Trace<_>| told(model, trace);
        let mut outcome = explore(exploration, model, options, &told, tell)?;
        if let Some(live) = live.filter(|_| outcome.complete()) {
            let options = Options { visited: None, ..*options };
            outcome.judged(live::zookeeper::judged(model, &live, &options, tell)?);
        }
        Ok(outcome)
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
