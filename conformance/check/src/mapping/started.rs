//! `Start`.

use zab_model::{Config, Probe, Server, Shape, Step, Wide};
use zab_trace::Recovered;

use super::{Choice, Miss, state};
use crate::state::{Candidate, Context};
use crate::trace::convert;

/// `zk.start`, with the state that was recovered.
///
/// | trace | model |
/// |---|---|
/// | `recovered.acceptedEpoch`, `recovered.currentEpoch` | the epochs after the step |
/// | `recovered.lastZxid`, `.logLength`, `.logDigest` | the history after the step, of which any prefix of the unsynced tail may have survived ([`recovery_of`]); or a cut that was not durable has come back (`CutReturns`) |
pub(super) fn start<P: Probe>(
    ctx: &mut Context<'_>,
    candidate: &mut Candidate,
    recovered: &Recovered,
    choice: Choice,
    probe: &mut P,
) -> Result<(), Miss> {
    if choice.cut_returned && !candidate.step(ctx, Step::CutReturns, probe) {
        return Err(Miss::Step(Step::CutReturns));
    }
    let survived = if choice.cut_returned { 0 } else { choice.survived };
    let step = Step::Start { survived };
    if !candidate.step(ctx, step, probe) {
        return Err(Miss::Step(step));
    }
    state::agrees(ctx, &candidate.core, &recovered.into()).map_err(Miss::State)
}

/// How much of a crashed server's unsynced tail must have survived for the recovered history to
/// end where the line says; all of it, or nothing, if it cannot end there.
pub(crate) fn recovery_of(cfg: &Config<Wide>, server: &Server<Wide>, recovered: &Recovered) -> u32 {
    let durable = Wide::length(&server.disk.history);
    let zxid = convert::zxid_in(recovered.last_zxid);
    let length = cfg.history(server.history).length_at(zxid).unwrap_or(durable);
    let survived = length.saturating_sub(durable).min(server.unsynced());
    u32::try_from(survived).unwrap_or(u32::MAX)
}
