//! Liveness of the `paper` family. Ghosts have no say in it, so it is judged without them.

pub(crate) mod zookeeper;

use std::time::Instant;

use zab_explorer::{ExplorerModel, Fairness, Lasso, LiveVerdict, Options, StateGraph, Stop, Trace};
use zab_paper::liveness::{self, CannotJudge, Story};
use zab_paper::{Paper, State, WithModel};
use zab_view::Run as Told;

use crate::now::{Now, Tell};
use crate::outcome::{Fault, Liveness, Property};
use crate::told::{told, unrolled};

/// The graph to be explored, and the claims to be judged on it.
pub(crate) struct Run<'a, 't> {
    pub(crate) options: &'a Options<'a>,
    pub(crate) tell: &'a mut Tell<'t>,
}

/// What came of it.
pub(crate) struct Judged {
    pub(crate) claims: Vec<Property>,
    pub(crate) liveness: Liveness,
    /// Steps and initial states outside of the model's boundary.
    pub(crate) left_out: u64,
    /// What the model did that no model may do.
    pub(crate) fault: Option<Fault>,
}

/// What came of the claims.
pub(crate) struct Verdicts<S> {
    pub(crate) claims: Vec<Property>,
    /// By claim: the run that breaks it.
    pub(crate) lassos: Vec<Option<Lasso<S>>>,
    /// Why the graph says nothing of a claim.
    pub(crate) stopped: Option<Stop>,
    /// What the model did that no model may do.
    pub(crate) fault: Option<Fault>,
}

/// Judges all claims; runs that break one are left to be shown. `told` makes a run ready to be.
pub(crate) fn judge<M: ExplorerModel>(
    graph: &StateGraph<'_, M>,
    fairness: &Fairness,
    told: &dyn Fn(&Trace<M::State>) -> Option<Told>,
    tell: &mut Tell<'_>,
) -> Result<Verdicts<M::State>, CannotJudge> {
    let fault = |fault: &zab_explorer::Fault<_>| Fault {
        text: fault.to_string(),
        run: fault.trace.as_ref().and_then(told),
    };
    let mut verdicts = Verdicts {
        claims: Vec::new(),
        lassos: Vec::new(),
        stopped: graph.stopped,
        fault: graph.fault.as_ref().map(fault),
    };
    for (number, claim) in graph.properties().iter().enumerate() {
        tell(Now::Judging(claim.name));
        let report = graph.judge(number, fairness)?;
        if let Some(other) = &report.fault {
            verdicts.stopped = Some(other.stop);
            verdicts.fault = verdicts.fault.or_else(|| Some(fault(other)));
        }
        let verdict = (&report.verdict).into();
        let lasso = match report.verdict {
            LiveVerdict::Violated(lasso) => Some(lasso),
            LiveVerdict::Holds | LiveVerdict::Vacuous | LiveVerdict::Unknown => None,
        };
        verdicts.claims.push(Property {
            name: report.name,
            kind: claim.claim.kind(),
            verdict,
            trace_length: lasso.as_ref().map(|lasso| lasso.stem.steps() + lasso.cycle.steps()),
            run: None,
            remarks: Vec::new(),
        });
        verdicts.lassos.push(lasso);
    }
    Ok(verdicts)
}

/// What makes a lasso fair, as lines.
pub(crate) fn why_fair<const N: usize, const X: usize>(
    lasso: &Lasso<State<N, X, 0>>,
    fairness: &Fairness,
) -> Vec<String> {
    Story::new(lasso, fairness).why_fair()
}

impl WithModel<0> for Run<'_, '_> {
    type Output = Result<Judged, CannotJudge>;

    fn run<const N: usize, const X: usize>(self, model: &Paper<N, X, 0>) -> Self::Output {
        let started = Instant::now();
        let graph =
            liveness::explore(model, self.options, &mut |now| (self.tell)(Now::Graph(now)))?;
        let fairness = liveness::fairness(N);
        let told = |trace: &Trace<_>| told(model, trace);
        let mut verdicts = judge(&graph, &fairness, &told, self.tell)?;
        for (claim, lasso) in verdicts.claims.iter_mut().zip(&verdicts.lassos) {
            let Some(lasso) = lasso else { continue };
            claim.run = unrolled(model, lasso);
            claim.remarks = why_fair(lasso, &fairness);
        }
        let liveness = Liveness {
            states: graph.distinct,
            steps: graph.steps(),
            conditions: fairness.conditions.len(),
            assumption: liveness::ASSUMPTION,
            seconds: started.elapsed().as_secs_f64(),
            stopped: verdicts.stopped,
        };
        let (claims, fault) = (verdicts.claims, verdicts.fault);
        Ok(Judged { claims, liveness, left_out: graph.left_out, fault })
    }
}
