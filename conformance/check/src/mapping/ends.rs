//! `Stop` and `Killed`.

use zab_model::{Probe, Step};

use super::{Choice, Miss};
use crate::candidate::{Candidate, Scene};

/// `zk.crash`. Nothing that the server still had to do is done any more.
///
/// | trace | model |
/// |---|---|
/// | `Stop`, `Killed` | `Crash`; before it, the next write of the program may have become durable (`choice.written`): a process can die between fdatasync and the line that shows it |
pub(super) fn end<P: Probe>(
    scene: &mut Scene<'_>,
    candidate: &mut Candidate,
    choice: Choice,
    probe: &mut P,
) -> Result<(), Miss> {
    if choice.written {
        let facts = candidate.facts.len();
        if !candidate.step(scene, Step::ProgramNext, probe) {
            return Err(Miss::Step(Step::ProgramNext));
        }
        candidate.facts.truncate(facts);
    }
    if candidate.core.server.role != zab_model::Role::Down
        && !candidate.step(scene, Step::Crash, probe)
    {
        return Err(Miss::Step(Step::Crash));
    }
    candidate.core.forget();
    Ok(())
}
