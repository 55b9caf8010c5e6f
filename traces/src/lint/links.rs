//! Connections: every message received was sent, in that order.
//!
//! A connection's name can be used again, when the connection before has ended: ordinals then begin
//! at 0 again. Each stretch of ordinals at one end is a *run*.

use std::collections::BTreeMap;

use foldhash::HashMap;

use super::{Findings, Place};
use crate::{Chain, ConnectionName, Event, EventKind, Packet, Port, ServerId};

/// All connections, as their ends saw them.
#[derive(Debug, Default)]
pub(super) struct Links {
    /// Whether the contract hides where quorum connections begin.
    connected_hidden: bool,
    names: HashMap<ConnectionName, Name>,
    /// The other names of a connection that a relay joined.
    joined: HashMap<ConnectionName, Vec<ConnectionName>>,
}

/// What the lines say under one name.
#[derive(Debug)]
struct Name {
    /// The port of the acceptor's address: it does not change.
    port: Port,
    /// By server and incarnation.
    ends: BTreeMap<(ServerId, u32), End>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Sent,
    Received,
}

/// What one incarnation did under one name.
#[derive(Debug, Default)]
struct End {
    sent: Half,
    received: Half,
    /// The peer that `Connected` of the present use names.
    peer: Option<ServerId>,
    /// `Disconnected` came, and no `Connected` since.
    closed: bool,
    /// The peers that lines name, each with the first line that does.
    named: BTreeMap<ServerId, Place>,
}

/// One direction.
#[derive(Debug, Default)]
struct Half {
    runs: Vec<Run>,
    /// A connection began after the last run.
    fresh: bool,
    /// And the next message is known to belong to it.
    ordered: bool,
}

/// The messages of one direction of one connection.
#[derive(Debug)]
struct Run {
    peer: ServerId,
    /// One more than the highest ordinal.
    next: u64,
    last: Place,
}

impl Links {
    pub(super) fn new(connected_hidden: bool) -> Self {
        Self { connected_hidden, ..Self::default() }
    }

    pub(super) fn event(&mut self, place: Place, event: &Event, findings: &mut Findings) {
        match &event.kind {
            EventKind::Sent(packet) => {
                self.packet(place, event, Direction::Sent, packet, findings);
            }
            EventKind::Received(packet) => {
                self.packet(place, event, Direction::Received, packet, findings);
            }
            EventKind::Connected { connection, peer } => {
                let end = self.end(place, connection, Port::Quorum, event, findings);
                if let Some(peer) = peer {
                    end.named.entry(*peer).or_insert(place);
                }
                (end.peer, end.closed) = (*peer, false);
                for half in [&mut end.sent, &mut end.received] {
                    (half.fresh, half.ordered) = (true, event.chain == Chain::MAIN);
                }
            }
            EventKind::Disconnected { connection } => {
                // Lines of other chains may have come before, wherever they stand.
                let ordered = event.chain == Chain::MAIN;
                self.end(place, connection, Port::Quorum, event, findings).closed = ordered;
            }
            EventKind::Joined { left, right } => {
                for (one, other) in [(left, right), (right, left)] {
                    self.joined.entry(one.clone()).or_default().push(other.clone());
                }
            }
            EventKind::Start { .. }
            | EventKind::Stop
            | EventKind::Killed
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

    /// The end of this event's incarnation. A name is of one port: an address that accepts quorum
    /// connections accepts no others.
    fn end(
        &mut self,
        place: Place,
        connection: &ConnectionName,
        port: Port,
        event: &Event,
        findings: &mut Findings,
    ) -> &mut End {
        let new = || Name { port, ends: BTreeMap::new() };
        let name = self.names.entry(connection.clone()).or_insert_with(new);
        if name.port != port {
            let sentence = "is used on the quorum port and on the election port";
            findings.error(place, format!("connection {connection} {sentence}"));
        }
        name.ends.entry((event.server, event.incarnation)).or_default()
    }

    /// Ordinals count from 0, and messages arrive in the order in which they were sent.
    fn packet(
        &mut self,
        place: Place,
        event: &Event,
        direction: Direction,
        packet: &Packet,
        findings: &mut Findings,
    ) {
        let quorum = packet.message.port() == Port::Quorum;
        let restarts = !quorum || self.connected_hidden || event.chain != Chain::MAIN;
        let end = self.end(place, &packet.connection, packet.message.port(), event, findings);
        end.named.entry(packet.peer).or_insert(place);
        let (peer, closed) = (end.peer, end.closed && quorum && event.chain == Chain::MAIN);
        let (half, verb) = match direction {
            Direction::Sent => (&mut end.sent, "sent"),
            Direction::Received => (&mut end.received, "received"),
        };
        let used = half.runs.last().is_none_or(|run| run.next > 0);
        let follows = half.fresh && half.ordered && event.chain == Chain::MAIN;
        let begins = follows || (packet.ordinal == 0 && (restarts || half.fresh));
        if used && (half.runs.is_empty() || begins) {
            half.runs.push(Run { peer: packet.peer, next: 0, last: place });
            (half.fresh, half.ordered) = (false, false);
        }
        let Some(run) = half.runs.last_mut() else { return };
        let (ordinal, next) = (packet.ordinal, run.next);
        let what = || {
            format!("{verb} ordinal {ordinal} on {} by server {}", packet.connection, event.server)
        };
        if closed && !begins {
            findings.error(place, format!("{} after Disconnected", what()));
        } else if ordinal > next {
            let sentence = format!("{}, expected {next}: a message is missing", what());
            findings.error(place, sentence);
        } else if ordinal < next {
            let sentence = format!("{}, expected {next}: repeated or out of order", what());
            findings.error(place, sentence);
        }
        let before = if quorum { peer.unwrap_or(run.peer) } else { run.peer };
        if before != packet.peer {
            let sentence = format!("{} names peer {}", what(), packet.peer);
            findings.error(place, format!("{sentence}, and peer {before} before"));
        }
        run.next = next.max(ordinal.saturating_add(1));
        run.last = place;
    }

    /// Looks at both ends of each connection.
    pub(super) fn finish(&self, sent_hidden: bool, findings: &mut Findings) {
        for (connection, name) in &self.names {
            self.check_peers(connection, name, findings);
            if !sent_hidden {
                self.check_received(connection, name, findings);
            }
        }
    }

    /// Who is named as a peer has an end, unless nobody else says that this end is its peer: it
    /// may have ended before it wrote a line.
    fn check_peers(&self, connection: &ConnectionName, name: &Name, findings: &mut Findings) {
        for ((server, _), end) in &name.ends {
            for (peer, place) in &end.named {
                if self.ends_of(connection).any(|((other, _), _)| other == peer) {
                    continue;
                }
                let other = self
                    .ends_of(connection)
                    .find(|((other, _), end)| other != server && end.named.contains_key(server));
                if let Some(((other, _), _)) = other {
                    let sentence = format!("server {server} names peer {peer} on {connection}");
                    let why = format!("server {other} is at its other end");
                    findings.error(*place, format!("{sentence}, and {why}"));
                }
            }
        }
    }

    /// Every message received has been sent by the peer, on this connection or under another name
    /// of it: each run that was received is the beginning of one that was sent, in their order.
    fn check_received(&self, connection: &ConnectionName, name: &Name, findings: &mut Findings) {
        let mut used: BTreeMap<(ServerId, ServerId), usize> = BTreeMap::new();
        for ((server, _), end) in &name.ends {
            for run in &end.received.runs {
                let sent = self.sent(connection, run.peer, *server);
                let first = used.entry((*server, run.peer)).or_default();
                let left = &sent[(*first).min(sent.len())..];
                if let Some(skipped) = left.iter().position(|count| *count >= run.next) {
                    *first += skipped + 1;
                    continue;
                }
                let most = left.iter().max().copied().unwrap_or(0);
                let up_to = format!("server {server} received up to ordinal {}", run.next - 1);
                let from = format!("from server {} on {connection}", run.peer);
                findings.error(run.last, format!("{up_to} {from}, where {most} were sent"));
            }
        }
    }

    /// All ends of a connection, whatever they call it.
    fn ends_of(
        &self,
        connection: &ConnectionName,
    ) -> impl Iterator<Item = (&(ServerId, u32), &End)> {
        let others = self.joined.get(connection).into_iter().flatten();
        let own = self.names.get(connection).into_iter();
        let names = own.chain(others.filter_map(|other| self.names.get(other)));
        names.flat_map(|name| &name.ends)
    }

    /// How many messages `from` sent to `to` in each run on the connection of this name.
    fn sent(&self, connection: &ConnectionName, from: ServerId, to: ServerId) -> Vec<u64> {
        let own = self.ends_of(connection).filter(|((server, _), _)| *server == from);
        let runs = own.flat_map(|(_, end)| &end.sent.runs);
        runs.filter(|run| run.peer == to).map(|run| run.next).collect()
    }
}
