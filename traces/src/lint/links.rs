//! Connections: every message received was sent, in that order.

use std::collections::{BTreeMap, HashMap};

use super::{Findings, Place};
use crate::{ConnectionName, Event, EventKind, Packet, ServerId};

/// All connections, as their ends saw them.
#[derive(Debug, Default)]
pub(super) struct Links {
    streams: HashMap<ConnectionName, BTreeMap<(ServerId, Direction), Stream>>,
    /// The other name of a connection that a relay joined.
    joined: HashMap<ConnectionName, ConnectionName>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Direction {
    Sent,
    Received,
}

/// One direction of a connection, as one end saw it.
#[derive(Debug)]
struct Stream {
    peer: ServerId,
    /// One more than the highest ordinal.
    next: u64,
    last: Place,
}

impl Links {
    pub(super) fn event(&mut self, place: Place, event: &Event, findings: &mut Findings) {
        match &event.kind {
            EventKind::Sent(packet) => {
                self.packet(place, event.server, Direction::Sent, packet, findings);
            }
            EventKind::Received(packet) => {
                self.packet(place, event.server, Direction::Received, packet, findings);
            }
            EventKind::Joined { left, right } => self.join(place, left, right, findings),
            EventKind::Start { .. }
            | EventKind::Stop
            | EventKind::Killed
            | EventKind::Connected { .. }
            | EventKind::Disconnected { .. }
            | EventKind::Persisted(_)
            | EventKind::Delivered { .. }
            | EventKind::Looking { .. }
            | EventKind::Resent
            | EventKind::Elected { .. }
            | EventKind::Proposed { .. }
            | EventKind::Established { .. }
            | EventKind::Committed { .. } => {}
        }
    }

    /// Ordinals count from 0, and messages arrive in the order in which they were sent.
    fn packet(
        &mut self,
        place: Place,
        server: ServerId,
        direction: Direction,
        packet: &Packet,
        findings: &mut Findings,
    ) {
        // Looked up first, because the name is cloned only for a connection that is new.
        let ends = match self.streams.get_mut(&packet.connection) {
            Some(ends) => ends,
            None => self.streams.entry(packet.connection.clone()).or_default(),
        };
        let stream = ends.entry((server, direction)).or_insert(Stream {
            peer: packet.peer,
            next: 0,
            last: place,
        });
        let (ordinal, next) = (packet.ordinal, stream.next);
        let what = || format!("ordinal {ordinal} on {} by server {server}", packet.connection);
        let verb = match direction {
            Direction::Sent => "sent",
            Direction::Received => "received",
        };
        if ordinal > next {
            findings
                .error(place, format!("{verb} {}, expected {next}: a message is missing", what()));
        } else if ordinal < next {
            let sentence = format!("{verb} {}, expected {next}: repeated or out of order", what());
            findings.error(place, sentence);
        }
        if stream.peer != packet.peer {
            let sentence = format!("{verb} {} names peer {}", what(), packet.peer);
            findings.error(place, format!("{sentence}, and peer {} before", stream.peer));
        }
        stream.next = next.max(ordinal.saturating_add(1));
        stream.last = place;
    }

    /// A connection is joined to one other.
    fn join(
        &mut self,
        place: Place,
        left: &ConnectionName,
        right: &ConnectionName,
        findings: &mut Findings,
    ) {
        for (one, other) in [(left, right), (right, left)] {
            if self.joined.insert(one.clone(), other.clone()).is_some() {
                findings.error(place, format!("{one} is joined twice"));
            }
        }
    }

    /// Every message received has been sent by the peer, on this connection or its other name.
    pub(super) fn finish(&self, findings: &mut Findings) {
        for (connection, ends) in &self.streams {
            for ((server, direction), stream) in ends {
                if *direction == Direction::Sent {
                    continue;
                }
                let sent = self.sent(connection, stream.peer, *server).max(
                    self.joined
                        .get(connection)
                        .map_or(0, |other| self.sent(other, stream.peer, *server)),
                );
                if sent < stream.next {
                    let up_to =
                        format!("server {server} received up to ordinal {}", stream.next - 1);
                    let from = format!("from server {} on {connection}", stream.peer);
                    let sentence = format!("{up_to} {from}, where {sent} were sent");
                    findings.error(stream.last, sentence);
                }
            }
        }
    }

    /// How many messages `from` sent to `to` on the connection of this name.
    fn sent(&self, connection: &ConnectionName, from: ServerId, to: ServerId) -> u64 {
        self.streams
            .get(connection)
            .and_then(|ends| ends.get(&(from, Direction::Sent)))
            .filter(|stream| stream.peer == to)
            .map_or(0, |stream| stream.next)
    }
}
