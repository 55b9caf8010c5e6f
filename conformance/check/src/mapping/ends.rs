//! `Stop` and `Killed`.

use zab_model::{Probe, Step};

use zab_trace::EventKind;

use super::{Choice, Miss};
use crate::state::{Candidate, Context};

/// `zk.crash`. Nothing that the server still had to do is done any more.
///
/// | trace | model |
/// |---|---|
/// | `Killed` | `Crash`; before it, the next write of the program may have become durable (`choice.written`): a process can die between fdatasync and the line that shows it |
/// | `Stop` | `Crash`, once the program is finished and every delivery and decision has been shown |
pub(super) fn end<P: Probe>(
    ctx: &mut Context<'_>,
    candidate: &mut Candidate,
    choice: Choice,
    probe: &mut P,
) -> Result<(), Miss> {
    if ctx.event().kind == EventKind::Stop
        && let Some(owed) = candidate.core.owed(ctx.shown)
    {
        return Err(Miss::Owed(owed));
    }
    if choice.written {
        let facts = candidate.facts.len();
        if !candidate.step(ctx, Step::ProgramNext, probe) {
            return Err(Miss::Step(Step::ProgramNext));
        }
        candidate.facts.truncate(facts);
    }
    if candidate.core.server.role != zab_model::Role::Down
        && !candidate.step(ctx, Step::Crash, probe)
    {
        return Err(Miss::Step(Step::Crash));
    }
    candidate.core.forget();
    Ok(())
}
