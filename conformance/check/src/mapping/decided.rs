//! Decisions: those that a line causes, and those that follow from an earlier line.

use zab_model::{Item, Probe, Step};
use zab_trace::{Epoch, Round, ServerId, TxnDigest, Zxid};

use super::Miss;
use crate::state::{Candidate, Context};
use crate::trace::convert;

/// A LOOKING server begins a round.
///
/// | trace | model |
/// |---|---|
/// | `round` | the next `Looking` decision that a step left behind; if none did: `LeaveRole` (`zk.fle.leave_role`), and the decision it leaves; while `zk.fle.enter` still has the tail to write: the round it has begun |
pub(super) fn looking<P: Probe>(
    ctx: &mut Context<'_>,
    candidate: &mut Candidate,
    round: Round,
    probe: &mut P,
) -> Result<(), Miss> {
    let begun = !candidate.core.decided.looking.is_empty() || enters(candidate);
    if !begun && !candidate.step(ctx, Step::LeaveRole, probe) {
        return Err(Miss::Step(Step::LeaveRole));
    }
    if enters(candidate) && candidate.core.server.round == round {
        candidate.core.decided.looking_shown = true;
        return Ok(());
    }
    match candidate.core.decided.looking.pop_front() {
        Some(due) if due == round => Ok(()),
        due => Err(Miss::Decision(due.map(|round| format!("Looking round={round}")))),
    }
}

/// Whether `zk.fle.enter` has begun a round whose `Looking` line has not come, and still writes.
fn enters(candidate: &Candidate) -> bool {
    let core = &candidate.core;
    core.server.program.contains(Item::Notify) && !core.decided.looking_shown
}

/// A LOOKING server repeats its proposal.
///
/// | trace | model |
/// |---|---|
/// | – | `Resend`: `zk.fle.resend` |
pub(super) fn resent<P: Probe>(
    ctx: &mut Context<'_>,
    candidate: &mut Candidate,
    probe: &mut P,
) -> Result<(), Miss> {
    let step = Step::Resend;
    if candidate.step(ctx, step, probe) { Ok(()) } else { Err(Miss::Step(step)) }
}

/// The election is settled.
///
/// | trace | model |
/// |---|---|
/// | `leader`, `round` | the next `Elected` decision that a notification left behind (`zk.fle.same_round`, `zk.fle.join`); if none did: `Settle` (`zk.fle.settle`), and the decision it leaves |
pub(super) fn elected<P: Probe>(
    ctx: &mut Context<'_>,
    candidate: &mut Candidate,
    (leader, round): (ServerId, Round),
    probe: &mut P,
) -> Result<(), Miss> {
    if candidate.core.decided.elected.is_empty() && !candidate.step(ctx, Step::Settle, probe) {
        return Err(Miss::Step(Step::Settle));
    }
    match candidate.core.decided.elected.pop_front() {
        Some((due, at)) if ctx.ids.real(due) == leader && at == round => Ok(()),
        due => Err(Miss::Decision(due.map(|(leader, round)| {
            format!("Elected leader={} round={round}", ctx.ids.real(leader))
        }))),
    }
}

/// The leader makes a request into a transaction.
///
/// | trace | model |
/// |---|---|
/// | `digest` | `Request.payload`: `l.3.1` |
/// | `zxid` | the `Proposed` decision it leaves |
pub(super) fn proposed<P: Probe>(
    ctx: &mut Context<'_>,
    candidate: &mut Candidate,
    zxid: Zxid,
    digest: TxnDigest,
    probe: &mut P,
) -> Result<(), Miss> {
    let step = Step::Request { payload: digest.0 };
    if !candidate.step(ctx, step, probe) {
        return Err(Miss::Step(step));
    }
    match candidate.proposed.map(convert::zxid) {
        Some(due) if due == zxid => Ok(()),
        due => Err(Miss::Decision(due.map(|zxid| format!("Proposed {zxid}")))),
    }
}

/// The leader has its quorum.
///
/// | trace | model |
/// |---|---|
/// | `epoch` | the next `Established` decision that an ACK-LD left behind (`l.2.2`) |
pub(super) fn established(candidate: &mut Candidate, epoch: Epoch) -> Result<(), Miss> {
    let queue = &mut candidate.core.decided.established;
    match queue.front() {
        Some(due) if *due == epoch => {
            queue.pop_front();
            Ok(())
        }
        due => Err(Miss::Decision(due.map(|epoch| format!("Established epoch={epoch}")))),
    }
}

/// The leader committed a transaction.
///
/// | trace | model |
/// |---|---|
/// | `zxid` | the next `Committed` decision that an acknowledgement left behind (`l.3.2`) |
pub(super) fn committed(candidate: &mut Candidate, zxid: Zxid) -> Result<(), Miss> {
    let queue = &mut candidate.core.decided.committed;
    match queue.front().copied().map(convert::zxid) {
        Some(due) if due == zxid => {
            queue.pop_front();
            Ok(())
        }
        due => Err(Miss::Decision(due.map(|zxid| format!("Committed {zxid}")))),
    }
}
