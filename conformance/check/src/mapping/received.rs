//! `Received`.

use std::collections::VecDeque;

use zab_model::{Message, Phase, Probe, Role, ServerId, Step};
use zab_trace::{Packet, Port};

use super::{Choice, Miss, peer};
use crate::state::{Candidate, Context, Ended, Wire};
use crate::trace::{ConnectionId, ModelMessage, convert};

/// A message arrives.
///
/// | trace | model |
/// |---|---|
/// | `peer` | `Receive.from` |
/// | `message` | `Receive.message`; the state that comes with a SNAP is the sender's |
/// | `connection`, quorum port | the open connection to the peer; a FOLLOWERINFO may open one and ends the peer's older one; on a connection that this end has ended: no step |
///
/// That the message is the one that was sent, and that none before it was passed over, the caller
/// has compared.
pub(super) fn received<P: Probe>(
    ctx: &mut Context<'_>,
    candidate: &mut Candidate,
    packet: &Packet,
    choice: Choice,
    probe: &mut P,
) -> Result<(), Miss> {
    let from = peer(ctx, packet.peer)?;
    let message = match ctx.linked.contents.get(choice.content) {
        Some(content) => *content,
        None => {
            convert::message_in(ctx.ids, &packet.message).ok_or(Miss::Unknown(packet.message))?
        }
    };
    if packet.message.port() == Port::Quorum {
        let Some(connection) = ctx.linked.connection else { return Err(Miss::NotConnected) };
        match standing(ctx, candidate, from, connection, message) {
            Standing::Open => {}
            Standing::New => return register(ctx, candidate, from, connection, message, probe),
            Standing::Ended => return Ok(()),
            Standing::Unknown => return Err(Miss::NotConnected),
        }
    }
    let step = Step::Receive { from, message };
    if candidate.step(ctx, step, probe) { Ok(()) } else { Err(Miss::Step(step)) }
}

/// What a connection is to this end.
enum Standing {
    /// The open connection to the peer.
    Open,
    /// Accepted, and this is the FOLLOWERINFO that says whose it is.
    New,
    /// Ended by this end.
    Ended,
    /// None of these.
    Unknown,
}

fn standing(
    ctx: &Context<'_>,
    candidate: &Candidate,
    from: ServerId,
    connection: ConnectionId,
    message: ModelMessage,
) -> Standing {
    let core = &candidate.core;
    let wire = from.row().and_then(|row| core.wires.get(row));
    let opens = matches!(message, Message::FollowerInfo { .. });
    if wire.is_some_and(|wire| wire.connection == Some(connection)) {
        Standing::Open
    } else if core.ended.iter().any(|ended| ended.connection == connection) {
        Standing::Ended
    } else if core.accepted.contains(&connection) {
        if opens { Standing::New } else { Standing::Unknown }
    } else if ctx.shown.connected {
        Standing::Unknown
    } else if opens && core.server.role == Role::Leading {
        Standing::New
    } else {
        Standing::Ended
    }
}

/// `l.1.1`: FOLLOWERINFO on a new connection; the peer's older connection ends.
fn register<P: Probe>(
    ctx: &mut Context<'_>,
    candidate: &mut Candidate,
    from: ServerId,
    connection: ConnectionId,
    message: ModelMessage,
    probe: &mut P,
) -> Result<(), Miss> {
    let fresh = Wire { connection: Some(connection), pending: VecDeque::new() };
    let older = candidate.core.wire(from).map(|wire| std::mem::replace(wire, fresh));
    let step = Step::Receive { from, message };
    if !candidate.step(ctx, step, probe) {
        if let (Some(wire), Some(older)) = (candidate.core.wire(from), older) {
            *wire = older;
        }
        return Err(Miss::Step(step));
    }
    let core = &mut candidate.core;
    core.accepted.retain(|accepted| *accepted != connection);
    if let Some(Wire { connection: Some(connection), pending }) = older {
        core.ended.push(Ended { connection, pending });
    }
    Ok(())
}

/// The rule that the line stands for: the one to read when it is wrong.
pub(super) const fn rule(message: &zab_trace::Message, phase: Phase) -> &'static str {
    use zab_trace::Message;
    let broadcast = matches!(phase, Phase::Broadcast);
    match message {
        Message::Notification { .. } => "zk.fle.looking",
        Message::FollowerInfo { .. } => "l.1.1",
        Message::LeaderInfo { .. } => "f.1.2",
        Message::AckEpoch { .. } => "l.1.2",
        Message::Diff { .. } | Message::Trunc { .. } | Message::Snap { .. } => "f.2.0",
        Message::Proposal { .. } if broadcast => "f.3.1",
        Message::Proposal { .. } => "zk.sync.proposal",
        Message::Commit { .. } if broadcast => "f.3.3",
        Message::Commit { .. } => "zk.sync.commit",
        Message::NewLeader { .. } => "f.2.1",
        Message::AckLd { .. } => "l.2.2",
        Message::Ack { .. } => "l.3.2",
        Message::UpToDate => "f.2.2",
    }
}
