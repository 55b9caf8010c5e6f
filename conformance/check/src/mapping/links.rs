//! `Connected` and `Disconnected`.

use zab_model::{Probe, Role, Step};
use zab_trace::ServerId;

use super::Miss;
use crate::state::{Candidate, Context, Ended, Wire};
use crate::trace::ConnectionId;

/// This end has a connection.
///
/// | trace | model |
/// |---|---|
/// | FOLLOWING, `peer` = the leader voted for | `Connected`: `f.1.1` |
/// | LEADING | none: a leader learns of a connection by its FOLLOWERINFO, even if its line knows the peer |
/// | otherwise | none: the role it was for has been left, and this end closes it |
pub(super) fn connected<P: Probe>(
    ctx: &mut Context<'_>,
    candidate: &mut Candidate,
    peer: Option<ServerId>,
    probe: &mut P,
) -> Result<(), Miss> {
    let Some(connection) = ctx.linked.connection else { return Err(Miss::NotConnected) };
    let core = &candidate.core;
    let known = core.accepted.contains(&connection)
        || core.wires.iter().any(|wire| wire.connection == Some(connection))
        || core.ended.iter().any(|ended| ended.connection == connection);
    if known {
        return Err(Miss::Twice);
    }
    let server = &core.server;
    let peer = match peer {
        Some(peer) => Some(super::peer(ctx, peer)?),
        None => None,
    };
    match server.role {
        Role::Following if peer == Some(server.vote.leader) => {
            let step = Step::Connected { peer: server.vote.leader };
            let leader = server.vote.leader;
            if !candidate.step(ctx, step, probe) {
                return Err(Miss::Step(step));
            }
            if let Some(wire) = candidate.core.wire(leader) {
                wire.connection = Some(connection);
            }
        }
        Role::Leading => candidate.core.accepted.push(connection),
        Role::Following | Role::Looking | Role::Down => {
            candidate.core.ended.push(Ended { connection, pending: [].into() });
        }
    }
    Ok(())
}

/// This end closed a connection, or noticed its end.
///
/// | trace | model |
/// |---|---|
/// | FOLLOWING, the connection to the leader | `Disconnected`: `zk.fail.learner_link` |
/// | LEADING, a learner's connection | `Disconnected`: `zk.fail.leader_link` |
/// | one that this end had ended | none |
/// | LEADING, one on which no FOLLOWERINFO came | none |
pub(super) fn disconnected<P: Probe>(
    ctx: &mut Context<'_>,
    candidate: &mut Candidate,
    probe: &mut P,
) -> Result<(), Miss> {
    let Some(connection) = ctx.linked.connection else {
        // A connection without messages, of which no line showed that it came up.
        return if ctx.shown.connected { Err(Miss::NotConnected) } else { Ok(()) };
    };
    let core = &mut candidate.core;
    if let Some(index) = core.ended.iter().position(|ended| ended.connection == connection) {
        core.ended.swap_remove(index);
        return Ok(());
    }
    if let Some(index) = core.accepted.iter().position(|accepted| *accepted == connection) {
        core.accepted.swap_remove(index);
        return Ok(());
    }
    let Some(row) = core.wires.iter().position(|wire| wire.connection == Some(connection)) else {
        return if ctx.shown.connected { Err(Miss::NotConnected) } else { Ok(()) };
    };
    let peer = zab_model::ServerId(u8::try_from(row + 1).unwrap_or(0));
    let step = Step::Disconnected { peer };
    if !candidate.step(ctx, step, probe) {
        return Err(Miss::Step(step));
    }
    gone(candidate, connection);
    Ok(())
}

/// Forgets a connection whose end this line shows.
fn gone(candidate: &mut Candidate, connection: ConnectionId) {
    let core = &mut candidate.core;
    for wire in &mut core.wires {
        if wire.connection == Some(connection) {
            *wire = Wire::default();
        }
    }
    core.ended.retain(|ended| ended.connection != connection);
}
