//! Liveness of the `zookeeper` family.

use std::time::Instant;

use zab_explorer::{Fairness, Lasso, Met, Options, Trace};
use zab_model::ServerId;
use zab_model::explore::liveness::{ASSUMPTION, Action as Step, Live, STATEMENTS};
use zab_model::explore::{Action, Bounds, State, Zab};
use zab_paper::liveness::CannotJudge;
use zab_view::Run;

use super::{Judged, judge};
use crate::now::{Now, Tell};
use crate::outcome::Liveness;

/// Judges all claims of a model's runs; `live` has them.
pub(crate) fn judged<const N: usize, const P: usize>(
    model: &Zab<N, P>,
    live: &Live<N, P>,
    options: &Options<'_>,
    tell: &mut Tell<'_>,
) -> Result<Judged, CannotJudge> {
    let started = Instant::now();
    let graph = live.explore(options, &mut |now| tell(Now::Graph(now)))?;
    let fairness = live.fairness();
    let told = |trace: &Trace<State<N, P>>| within_bounds(model, &actions(live, trace)?);
    let mut verdicts = judge(&graph, &fairness, &told, tell)?;
    for (claim, lasso) in verdicts.claims.iter_mut().zip(&verdicts.lassos) {
        let Some(lasso) = lasso else { continue };
        let steps = actions(live, &unrolled(lasso)).unwrap_or_default();
        claim.run = within_bounds(model, &steps)
            .map(|run| Run { returns_to: Some(lasso.stem.steps()), ..run });
        if claim.run.is_none() {
            claim.remarks.push("a run whose epochs are ranks:".to_owned());
            let steps = (1..).zip(&steps);
            claim.remarks.extend(steps.map(|(number, step)| format!("{number:>4}  {step}")));
            claim.remarks.push(match lasso.cycle.steps() {
                0 => "then nothing happens any more".to_owned(),
                cycle => format!("the last {cycle} of them for ever"),
            });
        }
        claim.remarks.extend(why_fair(lasso, &fairness));
        claim.remarks.extend(live.waits(lasso).and_then(|server| d_wait(claim.name, server)));
    }
    let liveness = Liveness {
        states: graph.distinct,
        steps: graph.steps(),
        conditions: fairness.conditions.len(),
        assumption: ASSUMPTION,
        seconds: started.elapsed().as_secs_f64(),
        stopped: verdicts.stopped,
    };
    let (claims, fault) = (verdicts.claims, verdicts.fault);
    Ok(Judged { claims, liveness, left_out: graph.left_out, fault })
}

/// What is known of a lasso that has a server left out for ever, if the claim is one of two of which the
/// other leaves such servers out.
fn d_wait(claim: &str, server: ServerId) -> Option<String> {
    let or_promised = format!("{claim}_or_promised");
    STATEMENTS.iter().any(|(name, _)| *name == or_promised).then(|| {
        format!(
            "this is D-WAIT (docs/src/rules.md): server {server} has promised a later epoch than that of \
             the leader whom a quorum follows,\nso it cannot join until there is another leader. ZooKeeper \
             does the same. {or_promised} judges all other servers."
        )
    })
}

/// The stem, and one round of the cycle.
fn unrolled<const N: usize, const P: usize>(lasso: &Lasso<State<N, P>>) -> Trace<State<N, P>> {
    let mut trace = lasso.stem.clone();
    trace.states.extend(lasso.cycle.states.iter().skip(1).copied());
    trace.classes.extend(&lasso.cycle.classes);
    trace
}

/// What the family does in a run.
fn actions<const N: usize, const P: usize>(
    live: &Live<N, P>,
    trace: &Trace<State<N, P>>,
) -> Option<Vec<Action>> {
    let steps = trace.path(live)?.into_actions().into_iter();
    let action = |step| match step {
        Step::Step(step) | Step::GivesUp(step) | Step::Hasty(step) => step.action,
        Step::Timeout(id) => Action::LeaveRole(id),
    };
    Some(steps.map(action).collect())
}

/// The run with epochs as they are, within as many elections and timeouts as it has.
fn within_bounds<const N: usize, const P: usize>(
    model: &Zab<N, P>,
    actions: &[Action],
) -> Option<Run> {
    let count = |kind: fn(&&Action) -> bool| {
        u8::try_from(actions.iter().filter(kind).count()).unwrap_or(u8::MAX)
    };
    let rounds = count(|action| matches!(action, Action::Elect(..)));
    let timeouts = count(|action| matches!(action, Action::LeaveRole(_)));
    let timeouts = model.bounds.timeouts.saturating_add(timeouts);
    let bounds = Bounds { rounds, timeouts, ..model.bounds };
    Run::of(&Zab { bounds, ..model.clone() }, 0, actions)
}

/// What makes a run fair, as lines.
fn why_fair<const N: usize, const P: usize>(
    lasso: &Lasso<State<N, P>>,
    fairness: &Fairness,
) -> Vec<String> {
    let met = fairness.conditions.iter().zip(&lasso.fairness);
    let taken = met.filter_map(|(condition, met)| match met {
        Met::Taken(step) => {
            Some(format!("      {} takes step {} of the cycle", condition.name, step + 1))
        }
        Met::Disabled(_) | Met::NeverEnabled => None,
    });
    let taken: Vec<String> = taken.collect();
    let others = fairness.conditions.len() - taken.len();
    let all = if taken.is_empty() { "all" } else { "the other" };
    let last = format!("      {all} {others} conditions ask for what is not possible throughout");
    ["which is fair:".to_owned()].into_iter().chain(taken).chain([last]).collect()
}
