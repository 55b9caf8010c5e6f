//! `Received`.

use std::collections::VecDeque;

use zab_model::{Message, Probe, Role, ServerId, Step};
use zab_trace::{Packet, Port};

use super::{Choice, Line, Miss, peer};
use crate::{
    candidate::{Candidate, Ended, Scene, Wire},
    convert::{self, ModelMessage},
    links::ConnectionId,
};

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
    scene: &mut Scene<'_>,
    candidate: &mut Candidate,
    line: &Line<'_>,
    packet: &Packet,
    choice: Choice,
    probe: &mut P,
) -> Result<(), Miss> {
    let from = peer(line, packet.peer)?;
    let message = match line.contents.get(choice.content) {
        Some(content) => *content,
        None => {
            convert::message_in(line.ids, &packet.message).ok_or(Miss::Unknown(packet.message))?
        }
    };
    if packet.message.port() == Port::Quorum {
        let Some(connection) = line.connection else { return Err(Miss::NotConnected) };
        match standing(scene, candidate, from, connection, message) {
            Standing::Open => {}
            Standing::New => return register(scene, candidate, from, connection, message, probe),
            Standing::Ended => return Ok(()),
            Standing::Unknown => return Err(Miss::NotConnected),
        }
    }
    let step = Step::Receive { from, message };
    if candidate.step(scene, step, probe) { Ok(()) } else { Err(Miss::Step(step)) }
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
    scene: &Scene<'_>,
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
    } else if scene.shown.connected {
        Standing::Unknown
    } else if opens && core.server.role == Role::Leading {
        Standing::New
    } else {
        Standing::Ended
    }
}

/// `l.1.1`: FOLLOWERINFO on a new connection; the peer's older connection ends.
fn register<P: Probe>(
    scene: &mut Scene<'_>,
    candidate: &mut Candidate,
    from: ServerId,
    connection: ConnectionId,
    message: ModelMessage,
    probe: &mut P,
) -> Result<(), Miss> {
    let fresh = Wire { connection: Some(connection), pending: VecDeque::new() };
    let older = candidate.core.wire(from).map(|wire| std::mem::replace(wire, fresh));
    let step = Step::Receive { from, message };
    if !candidate.step(scene, step, probe) {
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
