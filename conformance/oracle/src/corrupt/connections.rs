//! Corruptions of what is said about connections: peers, ends, and what comes after an end.

use zab_trace::{Event, EventKind, Packet, Port, ServerId};

use super::{Corrupted, Corruption, corrupted, moved};

pub(super) const CORRUPTIONS: &[Corruption] = &[
    Corruption {
        name: "peer_wrong_where_sent",
        story: "A message on a connection to one server is said to go to another.",
        rule: "links",
        apply: |events| {
            let index = events.iter().position(
                |event| matches!(&event.kind, EventKind::Sent(packet) if is_second(packet)),
            )?;
            let mut events = events.to_vec();
            rename_peer(&mut events[index])?;
            corrupted(events, index)
        },
    },
    Corruption {
        name: "peer_wrong_where_received",
        story: "A message on a connection with one server is said to come from another.",
        rule: "links",
        apply: |events| {
            let index = events.iter().position(
                |event| matches!(&event.kind, EventKind::Received(packet) if is_second(packet)),
            )?;
            let mut events = events.to_vec();
            rename_peer(&mut events[index])?;
            corrupted(events, index)
        },
    },
    Corruption {
        name: "vote_from_another_peer",
        story: "The first vote on a connection is said to come from a third server.",
        rule: "links",
        apply: |events| {
            let index = events.iter().position(|event| {
                matches!(&event.kind, EventKind::Received(packet)
                    if packet.ordinal == 0 && packet.message.port() == Port::Election)
            })?;
            let mut events = events.to_vec();
            rename_peer(&mut events[index])?;
            corrupted(events, index)
        },
    },
    Corruption {
        name: "connected_to_another_peer",
        story: "A follower says that its connection is with a server that it does not follow.",
        rule: "links",
        apply: |events| connected(events, true, |event| matches!(event.kind, EventKind::Sent(_))),
    },
    Corruption {
        name: "accepted_from_another_peer",
        story: "A leader names a learner when it accepts a connection, and it is another one.",
        rule: "links",
        apply: |events| {
            connected(events, false, |event| matches!(event.kind, EventKind::Received(_)))
        },
    },
    Corruption {
        name: "sent_after_disconnected",
        story: "A server sends on a connection whose end it has shown.",
        rule: "links",
        apply: |events| after_end(events, |kind| matches!(kind, EventKind::Sent(_))),
    },
    Corruption {
        name: "received_after_disconnected",
        story: "A server receives on a connection whose end it has shown.",
        rule: "links",
        apply: |events| after_end(events, |kind| matches!(kind, EventKind::Received(_))),
    },
    Corruption {
        name: "received_by_a_third_server",
        story: "A vote is received by a server that it was not sent to.",
        rule: "links",
        apply: |events| {
            for (index, event) in events.iter().enumerate() {
                let EventKind::Received(packet) = &event.kind else { continue };
                let first = packet.ordinal == 0 && packet.message.port() == Port::Election;
                let Some(third) = third(event.server, packet.peer).filter(|_| first) else {
                    continue;
                };
                let last = events[..index].iter().rev().find(|other| other.server == third);
                let Some(last) = last.filter(|last| !last.kind.ends_incarnation()) else {
                    continue;
                };
                let mut events = events.to_vec();
                let (incarnation, kind) = (last.incarnation, event.kind.clone());
                events.insert(index + 1, Event::new(third, incarnation, 0, kind));
                return corrupted(events, index + 1);
            }
            None
        },
    },
];

/// Whether a line before this one has named the peer, on the quorum port.
fn is_second(packet: &Packet) -> bool {
    packet.ordinal > 0 && packet.message.port() == Port::Quorum
}

/// A member that is neither of the two.
fn third(one: ServerId, other: ServerId) -> Option<ServerId> {
    (1..=3).find(|id| *id != one && *id != other)
}

fn rename_peer(event: &mut Event) -> Option<()> {
    let server = event.server;
    let packet = event.kind.packet_mut()?;
    packet.peer = third(server, packet.peer)?;
    Some(())
}

/// Lets the first `Connected` line, with or without a peer, name a wrong one; illegal is the line
/// that names the right one.
fn connected(
    events: &[Event],
    has_peer: bool,
    names: impl Fn(&Event) -> bool,
) -> Option<Corrupted> {
    for (index, event) in events.iter().enumerate() {
        let EventKind::Connected { connection, peer } = &event.kind else { continue };
        if peer.is_some() != has_peer {
            continue;
        }
        let found = events.iter().enumerate().skip(index + 1).find_map(|(at, other)| {
            let packet = other.kind.packet()?;
            let own = other.server == event.server && packet.connection == *connection;
            (own && names(other)).then_some((at, packet.peer))
        });
        let Some((at, right)) = found else { continue };
        let Some(wrong) = third(event.server, right) else { continue };
        let mut events = events.to_vec();
        if let EventKind::Connected { peer, .. } = &mut events[index].kind {
            *peer = Some(wrong);
        }
        return corrupted(events, at);
    }
    None
}

/// Moves a `Disconnected` line before the message on the same connection that comes right before
/// it.
fn after_end(events: &[Event], of: impl Fn(&EventKind) -> bool) -> Option<Corrupted> {
    for (index, event) in events.iter().enumerate() {
        let EventKind::Disconnected { connection } = &event.kind else { continue };
        let before = (0..index).rev().find(|at| events[*at].server == event.server)?;
        let kind = &events[before].kind;
        let is_message = |packet: &Packet| packet.connection == *connection;
        if kind.packet().is_some_and(is_message) && of(kind) {
            return corrupted(moved(events, index, before), before + 1);
        }
    }
    None
}
