//! `Persisted`.

use zab_model::{Item, Phase, Probe, Role, Server, Step, Wide};
use zab_trace::Persisted;

use super::{Choice, Miss};
use crate::state::{Candidate, Context};
use crate::trace::convert;

/// Something became durable.
///
/// | trace | model |
/// |---|---|
/// | `log`, written by the sync thread of an earlier role | `ZombieWrites`, whose write must be this one |
/// | `log`, while a program waits for the sync thread | `SyncLog.up_to` |
/// | while a program runs | `ProgramNext`, whose write must be this one |
/// | otherwise `log` | `SyncLog.up_to`: `zk.bcast.sync` |
/// | otherwise | nothing: every other write belongs to a program |
pub(super) fn persisted<P: Probe>(
    ctx: &mut Context<'_>,
    candidate: &mut Candidate,
    write: Persisted,
    choice: Choice,
    probe: &mut P,
) -> Result<(), Miss> {
    let program = candidate.core.server.program;
    let waits = program.is_finished() || program.next() == Item::Pause;
    if choice.zombie || !waits {
        let step = if choice.zombie { Step::ZombieWrites } else { Step::ProgramNext };
        if !candidate.step(ctx, step, probe) {
            return Err(Miss::Step(step));
        }
        let due = candidate.written.map(convert::persisted);
        return if due == Some(write) { Ok(()) } else { Err(Miss::Write(due)) };
    }
    match write {
        Persisted::Log(zxid) => {
            let step = Step::SyncLog { up_to: convert::zxid_in(zxid) };
            if candidate.step(ctx, step, probe) { Ok(()) } else { Err(Miss::Step(step)) }
        }
        Persisted::AcceptedEpoch(_)
        | Persisted::CurrentEpoch(_)
        | Persisted::Truncated(_)
        | Persisted::Snapshot(_) => Err(Miss::Write(None)),
    }
}

/// The rule that the line stands for: the one to read when it is wrong.
pub(super) fn rule(write: Persisted, server: &Server<Wide>) -> &'static str {
    let leads = server.role == Role::Leading;
    match write {
        Persisted::AcceptedEpoch(_) if leads => "l.1.1",
        Persisted::AcceptedEpoch(_) => "f.1.2",
        Persisted::CurrentEpoch(_) if leads => "l.1.2",
        Persisted::CurrentEpoch(_) | Persisted::Snapshot(_) => "f.2.1",
        Persisted::Truncated(_) => "f.2.0",
        Persisted::Log(_) => match (server.role, server.phase) {
            (Role::Looking, _) => "zk.fle.enter",
            (_, Phase::Broadcast) => "zk.bcast.sync",
            (_, Phase::Election | Phase::Discovery | Phase::Synchronization) => "f.2.1",
        },
    }
}
