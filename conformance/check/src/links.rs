//! What is on its way between servers: messages by (connection, direction, ordinal).
//!
//! A connection's name can be used several times, one use after the other. Each end numbers its
//! uses; what the n-th use of one end sends is received by the n-th use of the other, unless a
//! [`Plan`] says otherwise.

mod end;
mod line;
mod pairing;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use foldhash::{HashMap, HashMapExt};
use zab_trace::{ConnectionName, Contract, Message, Packet, Port, ServerId};

pub(crate) use end::{Begun, Direction, End, Fault, Shows};
pub(crate) use pairing::{is_sent_elsewhere, pairing};

use line::{Held, Line, Stream};

use crate::input::At;

/// One use of a connection, as one end knows it.
pub(crate) type ConnectionId = u32;

/// A pair of ends. Names that a relay joined are names of one line.
pub(crate) type LineId = usize;

/// Which use of the sender's end a use of the receiver's end belongs to, where it is not the one
/// with the same number: by port, line, receiver and number of its use.
pub(crate) type Plan = BTreeMap<(Port, ConnectionName, ServerId, u32), u32>;

/// A message between its `Sent` and its `Received`.
#[derive(Clone, Debug)]
pub(crate) struct InFlight<C> {
    /// What the `Sent` line says.
    pub(crate) message: Message,
    /// Where the `Sent` line stands.
    pub(crate) at: At,
    /// What the line does not say of the message: one value for each state its sender may be in.
    pub(crate) contents: Vec<C>,
}

/// Where a line's name leads.
#[derive(Clone, Copy, Debug)]
struct Place {
    name: u32,
    line: LineId,
}

/// Why a message cannot be received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It does not fit to what this end did before.
    Fault(Fault),
    /// It was lost when this end closed the connection.
    Lost,
}

/// All connections of a trace.
///
/// Holds what is sent and not yet received, and nothing of what was received. A line of which all
/// known ends are closed is forgotten.
#[derive(Debug)]
pub(crate) struct Links<C> {
    /// By port: a connection belongs to one.
    places: [HashMap<ConnectionName, Place>; 2],
    lines: Vec<Line<C>>,
    /// Of `lines`: those that are not in use.
    free: Vec<LineId>,
    /// By server: the lines of which it has an end.
    held: HashMap<ServerId, BTreeSet<LineId>>,
    names: u32,
    ids: ConnectionId,
    shows: Shows,
    partial: BTreeSet<ServerId>,
    /// How many messages were sent in a use; kept where later lines narrow down hidden steps.
    sent: Option<HashMap<ConnectionId, u64>>,
    plan: Option<Plan>,
    /// Whether a name was used a second time.
    reused: bool,
}

impl<C> Links<C> {
    /// No connections. `partial`: the servers whose lines are only partially ordered.
    pub(crate) fn new(
        contract: &Contract,
        partial: BTreeSet<ServerId>,
        plan: Option<Plan>,
    ) -> Self {
        let hides_steps = !contract.hidden.is_empty() || !contract.silent.is_empty();
        Self {
            places: [HashMap::new(), HashMap::new()],
            lines: Vec::new(),
            free: Vec::new(),
            held: HashMap::new(),
            names: 0,
            ids: 0,
            shows: Shows::new(contract),
            partial,
            sent: hides_steps.then(HashMap::new),
            plan,
            reused: false,
        }
    }

    fn shows(&self, server: ServerId) -> Shows {
        Shows { partial: self.partial.contains(&server), ..self.shows }
    }

    /// Whether a name was used a second time at one of its ends, and how the uses of the two ends
    /// belong together is only assumed.
    pub(crate) const fn assumes_pairs(&self) -> bool {
        self.reused || self.plan.is_some()
    }

    /// The line that a packet travels on, if something is known of it.
    pub(crate) fn find(&self, packet: &Packet) -> Option<LineId> {
        self.place_of(packet).map(|place| place.line)
    }

    fn known(&self, name: &ConnectionName, port: Port) -> Option<Place> {
        self.places[port as usize].get(name).copied()
    }

    fn place_of(&self, packet: &Packet) -> Option<Place> {
        self.known(&packet.connection, packet.message.port())
    }

    fn place(&mut self, name: &ConnectionName, port: Port) -> Place {
        if let Some(place) = self.known(name, port) {
            return place;
        }
        let line = self.free.pop().unwrap_or_else(|| {
            self.lines.push(Line::default());
            self.lines.len() - 1
        });
        self.names += 1;
        self.lines[line].names.push(name.clone());
        let place = Place { name: self.names, line };
        self.places[port as usize].insert(name.clone(), place);
        place
    }

    /// Two names are the ends of one connection. A name that is used again may be joined again,
    /// to the same name or to another one. All of them must be joined before they are used.
    pub(crate) fn join(&mut self, left: &ConnectionName, right: &ConnectionName) {
        for port in [Port::Election, Port::Quorum] {
            let (mut stays, mut goes) = (self.place(left, port).line, self.place(right, port).line);
            if stays == goes {
                continue;
            }
            if self.lines[stays].names.len() < self.lines[goes].names.len() {
                (stays, goes) = (goes, stays);
            }
            let moved = std::mem::take(&mut self.lines[goes].names);
            for name in &moved {
                if let Some(place) = self.places[port as usize].get_mut(name) {
                    place.line = stays;
                }
            }
            self.lines[stays].names.extend(moved);
            self.free.push(goes);
        }
    }

    /// The end of a server, made if it is new: where it is among the line's ends.
    fn hold(&mut self, place: Place, server: ServerId) -> usize {
        let line = &mut self.lines[place.line];
        let known = line.ends.iter().position(|h| h.name == place.name && h.server == server);
        let index = known.unwrap_or_else(|| {
            // Names that a relay made come once each; those of a line must not pile up.
            line.ends.retain(|held| held.server != server || held.end.is_open());
            line.ends.push(Held { name: place.name, server, id: 0, end: End::default() });
            line.ends.len() - 1
        });
        if !line.ends[index].end.is_open() {
            self.held.entry(server).or_default().insert(place.line);
        }
        index
    }

    /// Gives what has begun its numbers.
    fn begun(&mut self, line: LineId, index: usize, begun: Begun) {
        if begun == Begun::Nothing {
            return;
        }
        let drops = self.drops(self.lines[line].ends[index].server);
        let line = &mut self.lines[line];
        self.reused |= line.number(index, begun);
        self.ids += 1;
        let held = &mut line.ends[index];
        held.id = self.ids;
        let (server, label) = (held.server, held.end.label(Direction::In));
        if drops && let Some(before) = label.checked_sub(1) {
            line.lose(server, before);
        }
    }

    /// Whether what is on its way to a server can be dropped when it closes its end.
    fn drops(&self, server: ServerId) -> bool {
        self.plan.is_none() && !self.partial.contains(&server)
    }

    /// A `Connected` line; returns the use that it begins, or the present one if that has not
    /// ended.
    pub(crate) fn connected(
        &mut self,
        server: ServerId,
        name: &ConnectionName,
        peer: Option<ServerId>,
    ) -> Result<ConnectionId, Fault> {
        let shows = self.shows(server);
        let place = self.place(name, Port::Quorum);
        let index = self.hold(place, server);
        let begun = self.lines[place.line].ends[index].end.connected(peer, shows)?;
        self.begun(place.line, index, begun);
        Ok(self.lines[place.line].ends[index].id)
    }

    /// A `Disconnected` line: the use that it ends, if there is one.
    pub(crate) fn find_open(
        &self,
        server: ServerId,
        name: &ConnectionName,
    ) -> Option<ConnectionId> {
        let place = self.known(name, Port::Quorum)?;
        let held = self.lines[place.line].end(place.name, server)?;
        held.end.is_open().then_some(held.id)
    }

    /// A `Disconnected` line was explained: its server receives nothing more in this use.
    pub(crate) fn disconnected(&mut self, server: ServerId, name: &ConnectionName) {
        let Some(place) = self.known(name, Port::Quorum) else { return };
        let drops = self.drops(server);
        let line = &mut self.lines[place.line];
        let mut ends = line.ends.iter_mut();
        let Some(held) = ends.find(|held| held.name == place.name && held.server == server) else {
            return;
        };
        // What happened before may still be looked at where lines are only partially ordered; a use
        // that comes after shows by its own `Connected`, or by ordinals that begin again.
        if !self.partial.contains(&server) {
            held.end.close();
        }
        let label = held.end.label(Direction::In);
        if drops {
            line.lose(server, label);
            self.forget(place.line);
        }
    }

    /// The process of a server has ended, and with it all its ends.
    pub(crate) fn ended(&mut self, server: ServerId) {
        // Lines of an incarnation that are only partially ordered may be looked at after its end.
        if !self.partial.contains(&server) {
            self.end_lives(server);
        }
    }

    /// A server starts.
    pub(crate) fn started(&mut self, server: ServerId) {
        if self.partial.contains(&server) {
            self.end_lives(server);
        }
    }

    fn end_lives(&mut self, server: ServerId) {
        let drops = self.drops(server);
        for index in self.held.remove(&server).unwrap_or_default() {
            let line = &mut self.lines[index];
            let mut labels = Vec::new();
            for held in line.ends.iter_mut().filter(|held| held.server == server) {
                labels.push(held.end.label(Direction::In));
                held.end.end_life();
            }
            if drops {
                labels.into_iter().for_each(|label| line.lose(server, label));
                self.forget(index);
            }
        }
    }

    /// Forgets a line of which all ends are closed, if both have had as many uses: nothing that
    /// was sent on it can be received any more.
    fn forget(&mut self, index: LineId) {
        if self.sent.is_some() {
            // What is known of later lines counts the uses of a name in a whole life.
            return;
        }
        let line = &mut self.lines[index];
        let [(_, one), (_, other)] = line.next.as_slice() else { return };
        if one != other || line.ends.iter().any(|held| held.end.is_open()) {
            return;
        }
        let Line { names, ends, .. } = std::mem::take(line);
        for held in ends {
            if let Some(lines) = self.held.get_mut(&held.server) {
                lines.remove(&index);
            }
        }
        if let [name] = names.as_slice() {
            for places in &mut self.places {
                if places.get(name).is_some_and(|place| place.line == index) {
                    places.remove(name);
                }
            }
            self.free.push(index);
        } else {
            self.lines[index].names = names;
        }
    }

    /// The use that a `Sent` line belongs to.
    pub(crate) fn sending(
        &mut self,
        server: ServerId,
        packet: &Packet,
    ) -> Result<ConnectionId, Fault> {
        let shows = self.shows(server);
        let place = self.place(&packet.connection, packet.message.port());
        let index = self.hold(place, server);
        let end = &mut self.lines[place.line].ends[index].end;
        let begun = end.message(Direction::Out, packet, shows)?;
        self.begun(place.line, index, begun);
        Ok(self.lines[place.line].ends[index].id)
    }

    /// A `Sent` line was explained: its message is on its way.
    pub(crate) fn send(&mut self, server: ServerId, packet: &Packet, in_flight: InFlight<C>) {
        let Some(place) = self.place_of(packet) else { return };
        let drops = self.drops(packet.peer);
        let line = &mut self.lines[place.line];
        let Some(held) = line.end(place.name, server) else { return };
        let (id, label) = (held.id, held.end.label(Direction::Out));
        let closed = drops && line.is_closed(packet.peer, label);
        let index = line.streams.iter().position(|stream| stream.sender == server);
        let index = index.unwrap_or_else(|| {
            let segments = VecDeque::new();
            line.streams.push(Stream { sender: server, first: label, segments });
            line.streams.len() - 1
        });
        if let Some(segment) = line.streams[index].extend_to(label) {
            segment.receiver.get_or_insert(packet.peer);
            segment.sent += 1;
            if !closed && !segment.lost {
                segment.queue.push_back(in_flight);
            }
        }
        if let Some(sent) = &mut self.sent {
            *sent.entry(id).or_default() += 1;
        }
    }

    /// Which use of a name in a server's present life the present one is, from 1.
    pub(crate) fn number(&self, server: ServerId, name: &ConnectionName) -> u32 {
        let place = self.known(name, Port::Quorum);
        let held = place.and_then(|place| self.lines[place.line].end(place.name, server));
        held.map_or(0, |held| held.end.uses())
    }

    /// How many messages were sent in a use.
    pub(crate) fn sent(&self, id: ConnectionId) -> u64 {
        self.sent.as_ref().and_then(|sent| sent.get(&id)).copied().unwrap_or(0)
    }

    /// Whether the `Sent` line of a received packet has been looked at.
    pub(crate) fn is_sent(&self, server: ServerId, packet: &Packet) -> bool {
        let Some(place) = self.place_of(packet) else { return false };
        let line = &self.lines[place.line];
        let shows = self.shows(server);
        let continued = line
            .end(place.name, server)
            .filter(|h| h.end.begins(Direction::In, packet, shows) == Begun::Nothing);
        let label = continued.map_or_else(
            || line.coming(server, Direction::In),
            |held| held.end.label(Direction::In),
        );
        let label = self.partner(line, packet, server, label);
        let segment = line.segment(packet.peer, label);
        segment.is_some_and(|s| s.receiver == Some(server) && s.sent > packet.ordinal)
    }

    /// The sender's number of a use that has this number at the receiver's end.
    fn partner(&self, line: &Line<C>, packet: &Packet, receiver: ServerId, label: u32) -> u32 {
        let Some(plan) = &self.plan else { return label };
        let name = line.names.iter().min().cloned();
        let planned =
            name.and_then(|name| plan.get(&(packet.message.port(), name, receiver, label)));
        planned.copied().unwrap_or(label)
    }

    /// Takes the message that a `Received` line names off its way, and says in which use.
    pub(crate) fn receive(
        &mut self,
        server: ServerId,
        packet: &Packet,
    ) -> Result<(ConnectionId, InFlight<C>), Refused> {
        let shows = self.shows(server);
        let place = self.place(&packet.connection, packet.message.port());
        let index = self.hold(place, server);
        let end = &mut self.lines[place.line].ends[index].end;
        let begun = end.message(Direction::In, packet, shows).map_err(Refused::Fault)?;
        self.begun(place.line, index, begun);
        let held = &self.lines[place.line].ends[index];
        let (id, label) = (held.id, held.end.label(Direction::In));
        let label = self.partner(&self.lines[place.line], packet, server, label);
        let segment = self.lines[place.line].segment_mut(packet.peer, label);
        let segment = segment.filter(|segment| segment.receiver == Some(server));
        let in_flight = segment.and_then(|segment| segment.queue.pop_front());
        in_flight.map(|in_flight| (id, in_flight)).ok_or(Refused::Lost)
    }

    /// Whether a server cannot have received a packet, whatever was sent: its end of the connection
    /// has another peer, or is not up.
    pub(crate) fn contradicts(&self, server: ServerId, packet: &Packet) -> bool {
        let shows = self.shows(server);
        let waits = shows.connected && !shows.partial && packet.message.port() == Port::Quorum;
        let held = self.place_of(packet).and_then(|p| self.lines[p.line].end(p.name, server));
        let Some(end) = held.map(|held| &held.end) else { return waits };
        let known = end.peer(Direction::In);
        (waits && !end.is_open()) || known.is_some_and(|known| known != packet.peer)
    }
}

#[cfg(test)]
mod tests;
