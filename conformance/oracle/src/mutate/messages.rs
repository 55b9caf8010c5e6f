//! Messages: never sent, sent twice, sent or received too early or too late, to or from another
//! server. What changes at one end changes at the other, unless the kind says so.

use zab_trace::{EventKind, MessageType, Packet};

use super::Kind;
use super::draft::{Draft, Link};
use super::lines::{much_earlier, much_later};
use crate::rng::Rng;

pub(super) const TYPES: [MessageType; 13] = [
    MessageType::Notification,
    MessageType::FollowerInfo,
    MessageType::LeaderInfo,
    MessageType::AckEpoch,
    MessageType::Diff,
    MessageType::Trunc,
    MessageType::Snap,
    MessageType::Proposal,
    MessageType::Commit,
    MessageType::NewLeader,
    MessageType::AckLd,
    MessageType::Ack,
    MessageType::UpToDate,
];

/// Whether a line sends a message of this type.
pub(super) fn sends(draft: &Draft, at: usize, kind: MessageType) -> bool {
    draft.sends(at) && draft.packet(at).is_some_and(|packet| packet.message.kind() == kind)
}

/// Whether a line receives a message of this type.
pub(super) fn receives(draft: &Draft, at: usize, kind: MessageType) -> bool {
    !draft.sends(at) && draft.packet(at).is_some_and(|packet| packet.message.kind() == kind)
}

/// What is done to a message: its name, whether it begins at the receiving end, and how.
type Operation = (&'static str, bool, fn(&mut Draft, usize, &mut Rng) -> Option<()>);

const OPERATIONS: [Operation; 15] = [
    ("never sent", false, |draft, at, _| {
        draft.remove_both(vec![at]);
        Some(())
    }),
    ("sent twice", false, |draft, at, _| {
        draft.repeat(at);
        Some(())
    }),
    ("sent one line earlier", false, |draft, at, _| {
        draft.swap(draft.before(at)?, at);
        Some(())
    }),
    ("sent one line later", false, |draft, at, _| {
        draft.swap(at, draft.after(at)?);
        Some(())
    }),
    ("sent much earlier", false, much_earlier),
    ("sent much later", false, much_later),
    ("received one line earlier", true, |draft, at, _| {
        draft.swap(draft.before(at)?, at);
        Some(())
    }),
    ("received one line later", true, |draft, at, _| {
        draft.swap(at, draft.after(at)?);
        Some(())
    }),
    ("received much earlier", true, much_earlier),
    ("received much later", true, much_later),
    ("passed over by the receiver", true, passed_over),
    ("received by a server to which it was not sent", true, received_by_another),
    ("sent to another server", false, sent_to_another),
    ("names another receiver where sent", false, names_another),
    ("names another sender where received", true, names_another),
];

/// The operations after which the two ends contradict each other.
const CONTRADICTORY: [&str; 4] = [
    "passed over by the receiver",
    "received by a server to which it was not sent",
    "names another receiver where sent",
    "names another sender where received",
];

/// Whether another line of the trace names the connection of this one. If none does, nothing can
/// contradict the line.
fn is_named_again(draft: &Draft, at: usize) -> bool {
    (0..draft.len()).any(|line| line != at && draft.link(line) == draft.link(at))
}

/// A message is not received, although a later one of its connection is.
fn passed_over(draft: &mut Draft, at: usize, _: &mut Rng) -> Option<()> {
    let later = draft.all(|draft, line| {
        line > at
            && draft.packet(line).is_some()
            && draft.link(line) == draft.link(at)
            && draft.server(line) == draft.server(at)
            && !draft.sends(line)
    });
    (!later.is_empty()).then_some(())?;
    draft.keeps_ordinals = true;
    draft.remove(vec![at]);
    Some(())
}

/// A running server at this place that is neither of these.
fn third(draft: &Draft, at: usize, not: [u64; 2], rng: &mut Rng) -> Option<u64> {
    let others = (1..=16).filter(|id| !not.contains(id) && draft.running(*id, at).is_some());
    rng.pick(&others.collect::<Vec<_>>())
}

fn received_by_another(draft: &mut Draft, at: usize, rng: &mut Rng) -> Option<()> {
    let packet = draft.packet(at)?.clone();
    let other = third(draft, at, [packet.peer, draft.server(at)], rng)?;
    draft.keeps_ordinals = true;
    draft.remove(vec![at]);
    draft.insert(at, other, EventKind::Received(packet))
}

/// The message goes to another peer, on a connection that the sender has with it.
fn sent_to_another(draft: &mut Draft, at: usize, rng: &mut Rng) -> Option<()> {
    let (server, peer, port) = {
        let packet = draft.packet(at)?;
        (draft.server(at), packet.peer, packet.message.port())
    };
    let other = draft.any(rng, |draft, line| {
        draft.same_life(line, at)
            && draft.packet(line).is_some_and(|p| p.peer != peer && p.message.port() == port)
    })?;
    let link = draft.link(other)?.clone();
    let to = draft.packet(other)?.clone();
    debug_assert_ne!(to.peer, server);
    if let Some(received) = draft.other_end(at) {
        draft.remove(vec![received]);
        let at = at - usize::from(received < at);
        return redirected(draft, at, &link, to);
    }
    redirected(draft, at, &link, to)
}

fn redirected(draft: &mut Draft, at: usize, link: &Link, to: Packet) -> Option<()> {
    let packet = draft.packet_mut(at)?;
    packet.peer = to.peer;
    packet.connection = to.connection;
    draft.set_link(at, link);
    draft.deliver(at)
}

/// One end names another server than the one at the other end.
fn names_another(draft: &mut Draft, at: usize, rng: &mut Rng) -> Option<()> {
    let (server, peer) = (draft.server(at), draft.packet(at)?.peer);
    let others: Vec<u64> = draft.lines.iter().map(|line| line.event.server).collect();
    let others = others.into_iter().filter(|other| *other != peer && *other != server);
    let other = rng.pick(&others.collect::<Vec<_>>())?;
    draft.packet_mut(at)?.peer = other;
    Some(())
}

pub(super) fn kinds() -> Vec<Kind> {
    let mut kinds = Vec::new();
    for kind in TYPES {
        for (operation, received, apply) in OPERATIONS {
            let name = format!("{kind}: {operation}");
            let contradictory = CONTRADICTORY.contains(&operation);
            let new = Kind::new("message", name, move |draft, rng| {
                let at = draft.any(rng, |draft, at| {
                    let is = if received { receives } else { sends };
                    is(draft, at, kind) && (!contradictory || is_named_again(draft, at))
                })?;
                apply(draft, at, rng)
            });
            kinds.push(if contradictory { new.illegal() } else { new });
        }
        kinds.push(Kind::new("message", format!("{kind}: none in the trace"), move |draft, _| {
            let lines = draft.all(|draft, at| sends(draft, at, kind) || receives(draft, at, kind));
            (!lines.is_empty()).then(|| draft.remove(lines))
        }));
    }
    kinds
}
