//! One hidden step.

use zab_model::{NoProbe, Phase, Role, Step, Wide, Zxid};

use crate::state::{Candidate, Context};

/// How many hidden requests a leader may be ahead of the PROPOSALs it has sent.
pub(crate) const AHEAD_MAX: u32 = 256;

/// Why a line could not be explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stuck {
    /// No state explains it.
    Nowhere,
    /// More states than the budget allows explain what came before.
    Budget,
}

/// Takes a hidden step; false if it is not enabled, and the candidate is then of no more use.
pub(crate) fn hidden_step(
    ctx: &mut Context<'_>,
    candidate: &mut Candidate,
    step: Step<Wide>,
) -> bool {
    if !candidate.step(ctx, step, &mut NoProbe) || candidate.owed.is_some() {
        return false;
    }
    if let Step::Disconnected { peer } = step {
        candidate.core.end(peer);
    }
    candidate.core.ahead += u32::from(candidate.proposed.is_some());
    true
}

/// What a hidden request would bring a leader next; none if requests are shown, no line needs one,
/// or the server does not lead.
pub(crate) fn next_payload(ctx: &Context<'_>, candidate: &Candidate) -> Option<u64> {
    let server = &candidate.core.server;
    let leads = server.role == Role::Leading && server.phase == Phase::Broadcast;
    if ctx.shown.proposed || !leads {
        return None;
    }
    let last = server.last(ctx.cfg);
    let epoch = server.accepted_epoch;
    let counter = if last.epoch == epoch { last.counter + 1 } else { 1 };
    ctx.lookahead.payload(Zxid { epoch, counter })
}
