//! Liveness of the `paper` family. Ghosts have no say in it, so it is judged without them.

use std::time::Instant;

use zab_explorer::{LiveVerdict, Options};
use zab_paper::liveness::{self, CannotJudge, Story};
use zab_paper::{Paper, WithModel};

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

impl WithModel<0> for Run<'_, '_> {
    type Output = Result<Judged, CannotJudge>;

    fn run<const N: usize, const X: usize>(self, model: &Paper<N, X, 0>) -> Self::Output {
        let started = Instant::now();
        let graph =
            liveness::explore(model, self.options, &mut |now| (self.tell)(Now::Graph(now)))?;
        let fairness = liveness::fairness(N);
        let fault = |fault: &zab_explorer::Fault<_>| Fault {
            text: fault.to_string(),
            run: fault.trace.as_ref().and_then(|trace| told(model, trace)),
        };
        let (mut stopped, mut seen) = (graph.stopped, graph.fault.as_ref().map(fault));
        let mut claims = Vec::new();
        for (number, claim) in graph.properties().iter().enumerate() {
            (self.tell)(Now::Judging(claim.name));
            let report = graph.judge(number, &fairness)?;
            if let Some(other) = &report.fault {
                (stopped, seen) = (Some(other.stop), seen.or_else(|| Some(fault(other))));
            }
            let lasso = match &report.verdict {
                LiveVerdict::Violated(lasso) => Some(lasso),
                LiveVerdict::Holds | LiveVerdict::Vacuous | LiveVerdict::Unknown => None,
            };
            let why_fair = |lasso| Story::new(lasso, &fairness).why_fair();
            claims.push(Property {
                name: report.name,
                kind: "leads to",
                verdict: (&report.verdict).into(),
                trace_length: lasso.map(|lasso| lasso.stem.steps() + lasso.cycle.steps()),
                run: lasso.and_then(|lasso| unrolled(model, lasso)),
                remarks: lasso.map(why_fair).unwrap_or_default(),
            });
        }
        let liveness = Liveness {
            steps: graph.steps(),
            conditions: fairness.conditions.len(),
            assumption: liveness::ASSUMPTION,
            seconds: started.elapsed().as_secs_f64(),
            stopped,
        };
        Ok(Judged { claims, liveness, left_out: graph.left_out, fault: seen })
    }
}
