//! Liveness without a bound on failures: after the last one, whenever that is.

use std::time::Instant;

use zab_explorer::{ExplorerModel, Fairness, LiveVerdict, Options, StateGraph, Trace};
use zab_paper::liveness::{self, CannotJudge};
use zab_paper::{Epochs, Paper, State, Unlimited, WithModel};

use super::shown::{Showing, Shown, published, replayed};
use crate::live::{Judged, judge};
use crate::now::{Now, Tell};
use crate::outcome::Liveness;

/// The graph to be explored, and the claims to be judged on it.
pub(crate) struct Live<'a, 't> {
    pub(crate) options: &'a Options<'a>,
    pub(crate) tell: &'a mut Tell<'t>,
    pub(crate) epochs: Epochs,
}

impl WithModel<0> for Live<'_, '_> {
    type Output = Result<Judged, CannotJudge>;

    fn run<const N: usize, const X: usize>(self, model: &Paper<N, X, 0>) -> Self::Output {
        let Live { options, tell, epochs } = self;
        let started = Instant::now();
        let without = Unlimited::new(model, epochs);
        let graph = liveness::explore(&without, options, &mut |now| tell(Now::Graph(now)))?;
        let fairness = liveness::after_failures(N);
        let told = |trace: &Trace<_>| replayed(&without, trace, None);
        let mut verdicts = judge(&graph, &fairness, &told, tell)?;
        let liveness = Liveness {
            states: graph.distinct,
            steps: graph.steps(),
            conditions: fairness.conditions.len(),
            assumption: liveness::ASSUMPTION_AFTER_FAILURES,
            seconds: started.elapsed().as_secs_f64(),
            stopped: verdicts.stopped,
        };
        let left_out = graph.left_out;
        drop(graph);
        let unrolled = |lasso| Shown::unrolled(lasso, &fairness);
        let mut fewest: Vec<Option<Shown<N, X>>> =
            verdicts.lassos.iter().map(|lasso| lasso.as_ref().map(unrolled)).collect();
        // The run that is found first may have more failures than others.
        let mut searched = 0;
        while fewest.iter().flatten().any(|shown| shown.failures() > searched) {
            let limited = Unlimited::with_failures(model, epochs, searched);
            let graph = liveness::explore(&limited, options, &mut |now| tell(Now::Fewer(now)))?;
            if graph.stopped.is_some() {
                break;
            }
            for (number, known) in fewest.iter_mut().enumerate() {
                if let Some(known) = known.as_mut().filter(|known| known.failures() > searched)
                    && let Some(found) = breaks(&graph, number, &fairness)?
                {
                    known.take_if_fewer(found);
                }
            }
            searched += 1;
        }
        for (number, shown) in fewest.iter().enumerate() {
            let Some(shown) = shown else { continue };
            let property = &mut verdicts.claims[number];
            let mut showing = Showing { model: &without, searched, property };
            if showing.replayed(shown) {
                continue;
            }
            let mut found = None;
            if let Some(bounded) = published(model, shown.failures()) {
                let graph = liveness::explore(&bounded, options, &mut |now| tell(Now::Fewer(now)))?;
                if graph.stopped.is_none() {
                    found = Some(breaks(&graph, number, &fairness)?);
                }
            }
            showing.in_other_epochs(model, shown, found);
        }
        Ok(Judged { claims: verdicts.claims, liveness, left_out, fault: verdicts.fault })
    }
}

/// A run that breaks the claim with that number.
fn breaks<M, const N: usize, const X: usize>(
    graph: &StateGraph<'_, M>,
    number: usize,
    fairness: &Fairness,
) -> Result<Option<Shown<N, X>>, CannotJudge>
where
    M: ExplorerModel<State = State<N, X, 0>>,
{
    Ok(match graph.judge(number, fairness)?.verdict {
        LiveVerdict::Violated(lasso) => Some(Shown::unrolled(&lasso, fairness)),
        LiveVerdict::Holds | LiveVerdict::Vacuous | LiveVerdict::Unknown => None,
    })
}
