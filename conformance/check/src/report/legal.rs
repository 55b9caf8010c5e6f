//! What a server could have shown instead of a line. Everything that is offered has been tried.

use zab_model::{Message, NoProbe, Role, Step};
use zab_trace::{
    Chain, ConnectionName, Event, EventKind, LogDigest, Packet, Persisted, Recovered, Round,
};

use crate::mapping::{self, choices};
use crate::report::describe;
use crate::state::{Candidate, Context, Linked};
use crate::trace::{ConnectionId, Line, ModelMessage, convert};

/// A line that might be legal.
struct Offer {
    kind: EventKind,
    connection: Option<ConnectionId>,
}

/// What the candidate could have shown instead of the line.
pub(crate) fn legal(ctx: &mut Context<'_>, candidate: &Candidate) -> Vec<String> {
    let mut offers = sends(ctx, candidate);
    offers.extend(decisions(ctx, candidate));
    offers.extend(writes(ctx, candidate));
    let kinds = candidate.core.delivered.front();
    let delivered = kinds.map(|zxid| EventKind::Delivered { zxid: convert::zxid(*zxid) });
    let others = delivered.into_iter().chain([EventKind::Resent, EventKind::Stop]);
    let start = EventKind::Start { recovered: recovered(ctx, candidate) };
    let others = others.chain([start]);
    offers.extend(others.map(|kind| Offer { kind, connection: None }));
    // What differs from the line only in what is not said in words is not offered either.
    let refused = words(&ctx.event().kind);
    let mut legal = Vec::new();
    for offer in offers {
        let words = words(&offer.kind);
        if words != refused && !legal.contains(&words) && is_legal(ctx, candidate, offer) {
            legal.push(words);
        }
    }
    let idle = candidate.core.server.program.is_finished();
    let up = candidate.core.server.role != Role::Down;
    if idle && up && !matches!(ctx.event().kind, EventKind::Received(_)) {
        legal.push("Received: the next message on a connection that is up".to_owned());
    }
    legal
}

fn words(kind: &EventKind) -> String {
    if let EventKind::Sent(packet) = kind {
        format!("Sent {} to {}", describe::message(&packet.message), packet.peer)
    } else {
        describe::kind(kind)
    }
}

fn is_legal(ctx: &mut Context<'_>, candidate: &Candidate, offer: Offer) -> bool {
    let Offer { kind, connection } = offer;
    let (chain, after, state) = (Chain::MAIN, Vec::new(), None);
    let event = Event { chain, after, kind, state, ..ctx.event().clone() };
    let line = Line { at: ctx.linked.line.at, event };
    let linked = Linked { line, connection, contents: Vec::new() };
    let mut ctx = ctx.with(&linked, ctx.search);
    // A start keeps what it can; of another line there is one way to take it, or the first will do.
    let choice = choices(&ctx, candidate).first().copied().unwrap_or_default();
    mapping::follow(&mut ctx, &mut candidate.clone(), choice, &mut NoProbe).is_ok()
}

/// The next message on every connection.
fn sends(ctx: &Context<'_>, candidate: &Candidate) -> Vec<Offer> {
    let core = &candidate.core;
    let Ok(name) = ConnectionName::parse("0.0.0.0:0>0.0.0.0:0") else { return Vec::new() };
    let packet = |model_message: &ModelMessage, id: u8| {
        let message = convert::message(ctx.ids, model_message)?;
        let peer = ctx.ids.real(zab_model::ServerId(id));
        // Only the first message of a connection may repeat an earlier one.
        Some(EventKind::Sent(Packet { connection: name.clone(), ordinal: 1, peer, message }))
    };
    let mut offers = Vec::new();
    for (wire, id) in core.wires.iter().zip(1..) {
        let kind = wire.pending.front().and_then(|model_message| packet(model_message, id));
        offers.extend(kind.map(|kind| Offer { kind, connection: wire.connection }));
    }
    for (notices, id) in core.notices.iter().zip(1..) {
        let head = notices.pending.front().map(|head| Message::Notification(*head));
        let kind = head.as_ref().and_then(|model_message| packet(model_message, id));
        offers.extend(kind.map(|kind| Offer { kind, connection: None }));
    }
    offers
}

/// Decisions that wait for their line, and those that the server may take now.
fn decisions(ctx: &mut Context<'_>, candidate: &Candidate) -> Vec<Offer> {
    let mut kinds = Vec::new();
    let add = |kinds: &mut Vec<EventKind>, candidate: &Candidate| {
        let decided = &candidate.core.decided;
        let round = |round: &Round| EventKind::Looking { round: *round };
        kinds.extend(decided.looking.front().map(round));
        kinds.extend(decided.elected.front().map(|(leader, round)| EventKind::Elected {
            leader: ctx.ids.real(*leader),
            round: *round,
        }));
        let established = decided.established.front();
        kinds.extend(established.map(|epoch| EventKind::Established { epoch: *epoch }));
        let committed = decided.committed.front();
        kinds.extend(committed.map(|zxid| EventKind::Committed { zxid: convert::zxid(*zxid) }));
    };
    add(&mut kinds, candidate);
    for step in [Step::Settle, Step::LeaveRole] {
        let mut taken = candidate.clone();
        if taken.step(ctx, step, &mut NoProbe) {
            add(&mut kinds, &taken);
            // While the tail is still to be written, the round has begun already.
            let round = taken.core.server.round;
            kinds.extend((step == Step::LeaveRole).then_some(EventKind::Looking { round }));
        }
    }
    kinds.into_iter().map(|kind| Offer { kind, connection: None }).collect()
}

/// The next write of the program, or the sync of the tail.
fn writes(ctx: &mut Context<'_>, candidate: &Candidate) -> Vec<Offer> {
    let mut taken = candidate.clone();
    let written = taken.step(ctx, Step::ProgramNext, &mut NoProbe).then_some(taken.written);
    let program = written.flatten().map(convert::persisted);
    let server = &candidate.core.server;
    let last = convert::zxid(ctx.cfg.history(server.history).last());
    let tail = (server.unsynced() > 0).then_some(Persisted::Log(last));
    let writes = program.into_iter().chain(tail);
    writes.map(|write| Offer { kind: EventKind::Persisted(write), connection: None }).collect()
}

/// What a start would read from the disk.
fn recovered(ctx: &Context<'_>, candidate: &Candidate) -> Recovered {
    let disk = &candidate.core.server.disk;
    let history = ctx.cfg.history(disk.history);
    Recovered {
        accepted_epoch: disk.accepted_epoch,
        current_epoch: disk.current_epoch,
        last_zxid: convert::zxid(history.last()),
        log_length: Some(history.length() as u64),
        log_digest: Some(LogDigest(history.digest())),
    }
}
