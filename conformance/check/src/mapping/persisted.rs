//! `Persisted`.

use zab_model::{Probe, Step};
use zab_trace::Persisted;

use super::Miss;
use crate::{
    candidate::{Candidate, Scene},
    convert,
};

/// Something became durable.
///
/// | trace | model |
/// |---|---|
/// | while a program runs | `ProgramNext`, whose write must be this one |
/// | otherwise `log` | `SyncLog.up_to`: `zk.bcast.sync` |
/// | otherwise | nothing: every other write belongs to a program |
pub(super) fn persisted<P: Probe>(
    scene: &mut Scene<'_>,
    candidate: &mut Candidate,
    write: Persisted,
    probe: &mut P,
) -> Result<(), Miss> {
    if !candidate.core.server.program.is_finished() {
        if !candidate.step(scene, Step::ProgramNext, probe) {
            return Err(Miss::Step(Step::ProgramNext));
        }
        let due = candidate.written.map(convert::persisted);
        return if due == Some(write) { Ok(()) } else { Err(Miss::Write(due)) };
    }
    match write {
        Persisted::Log(zxid) => {
            let step = Step::SyncLog { up_to: convert::zxid_in(zxid) };
            if candidate.step(scene, step, probe) { Ok(()) } else { Err(Miss::Step(step)) }
        }
        Persisted::AcceptedEpoch(_)
        | Persisted::CurrentEpoch(_)
        | Persisted::Truncated(_)
        | Persisted::Snapshot(_) => Err(Miss::Write(None)),
    }
}
