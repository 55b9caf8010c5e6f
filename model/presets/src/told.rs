//! Runs that the engine has found, made ready to be shown.

use zab_explorer::{ExplorerModel, Lasso, Trace};
use zab_view::{Pictured, Run};

/// A run that the engine has found, with all that there is to know of it.
pub(crate) fn told<M>(model: &M, trace: &Trace<M::State>) -> Option<Run>
where
    M: ExplorerModel + Pictured,
    M::Action: Clone + PartialEq,
{
    let start = trace.states.first()?;
    let first = model.init_states().iter().position(|state| state == start)?;
    Run::of(model, first, &trace.path(model)?.into_actions())
}

/// The stem, and one round of the cycle.
pub(crate) fn unrolled<M>(model: &M, lasso: &Lasso<M::State>) -> Option<Run>
where
    M: ExplorerModel + Pictured,
    M::Action: Clone + PartialEq,
{
    let mut trace = lasso.stem.clone();
    trace.states.extend(lasso.cycle.states.iter().skip(1).cloned());
    trace.classes.extend(&lasso.cycle.classes);
    let run = told(model, &trace)?;
    Some(Run { returns_to: Some(lasso.stem.steps()), ..run })
}
