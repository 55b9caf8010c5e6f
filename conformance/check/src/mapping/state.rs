//! The projection of a server's state that a line may carry.

use zab_trace::State;

use crate::state::{Context, Core};
use crate::trace::convert;

/// A field of the state that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Differs {
    /// The field's name in the trace.
    pub(crate) field: &'static str,
    /// The value in the trace.
    pub(crate) trace: String,
    /// The value in the model.
    pub(crate) model: String,
}

fn equal<T: PartialEq + ToString>(
    field: &'static str,
    trace: Option<T>,
    model: T,
) -> Result<(), Differs> {
    match trace {
        Some(value) if value != model => {
            Err(Differs { field, trace: value.to_string(), model: model.to_string() })
        }
        Some(_) | None => Ok(()),
    }
}

/// Compares every field that the line has.
///
/// | trace | model |
/// |---|---|
/// | `role`, `phase` | `role`, `phase` |
/// | `acceptedEpoch`, `currentEpoch` | `accepted_epoch`, `current_epoch`: those in memory |
/// | `logLength`, `lastZxid`, `logDigest` | of `history`, synced or not; the digest not if a hidden request may have had any |
/// | `lastCommitted` | `last_committed` |
pub(crate) fn agrees(ctx: &Context<'_>, core: &Core, state: &State) -> Result<(), Differs> {
    let model = core.server.projection(ctx.cfg);
    if let Some(role) = convert::role(model.role) {
        equal("role", state.role, role)?;
        equal("phase", state.phase, convert::phase(model.phase))?;
    }
    equal("acceptedEpoch", state.accepted_epoch, model.accepted_epoch)?;
    equal("currentEpoch", state.current_epoch, model.current_epoch)?;
    equal("logLength", state.log_length, model.log_length as u64)?;
    equal("lastZxid", state.last_zxid, convert::zxid(model.last_zxid))?;
    equal("lastCommitted", state.last_committed, convert::zxid(model.last_committed))?;
    equal("logDigest", state.log_digest, zab_trace::LogDigest(model.log_digest)).or_else(
        |differs| {
            let blurred = ctx.lookahead.is_blurred(ctx.cfg, &core.server.history);
            if blurred { Ok(()) } else { Err(differs) }
        },
    )
}
