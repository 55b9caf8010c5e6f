//! What is on its way between servers: messages by (connection, direction, ordinal).
//!
//! A connection's name can be used several times, one use after the other. Each end numbers its
//! uses; what the n-th use of one end sends is received by the n-th use of the other, unless a
//! [`Plan`] says otherwise.

mod channel;
mod end;
mod pairing;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use foldhash::{HashMap, HashMapExt};
use zab_trace::{ConnectionName, Contract, Message, Packet, Port, ServerId};

pub(crate) use end::{Begun, Direction, End, Fault, Shows};
pub(crate) use pairing::{is_sent_elsewhere, pairing};

use channel::{Channel, Held, Stream};

use crate::trace::input::At;

/// One use of a connection, as one end knows it.
pub(crate) type ConnectionId = u32;

/// A pair of ends. Names that a relay joined are names of one channel.
pub(crate) type ChannelId = usize;

/// Which use of the sender's end a use of the receiver's end belongs to, where it is not the one
/// with the same number: by port, channel, receiver and number of its use.
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

/// Where a name leads.
#[derive(Clone, Copy, Debug)]
struct Route {
    name: u32,
    channel: ChannelId,
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
/// Holds what is sent and not yet received, and nothing of what was received. A channel of which all
/// known ends are closed is forgotten.
#[derive(Debug)]
pub(crate) struct Links<C> {
    /// By port: a connection belongs to one.
    routes: [HashMap<ConnectionName, Route>; 2],
    channels: Vec<Channel<C>>,
    /// Of `channels`: those that are not in use.
    free: Vec<ChannelId>,
    /// By server: the channels of which it has an end.
    held: HashMap<ServerId, BTreeSet<ChannelId>>,
    names: u32,
    ids: ConnectionId,
    shows: Shows,
    partial: BTreeSet<ServerId>,
    /// How many messages were sent in a use; kept where later lines narrow down hidden steps.
    sent: Option<HashMap<ConnectionId, u64>>,
    plan: Option<Plan>,
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
            routes: [HashMap::new(), HashMap::new()],
            channels: Vec::new(),
            free: Vec::new(),
            held: HashMap::new(),
            names: 0,
            ids: 0,
            shows: Shows::new(contract),
            partial,
            sent: hides_steps.then(HashMap::new),
            plan,
        }
    }

    fn shows(&self, server: ServerId) -> Shows {
        Shows { partial: self.partial.contains(&server), ..self.shows }
    }

    /// The channel that a packet travels on, if something is known of it.
    pub(crate) fn find(&self, packet: &Packet) -> Option<ChannelId> {
        self.route_of(packet).map(|route| route.channel)
    }

    fn known(&self, name: &ConnectionName, port: Port) -> Option<Route> {
        self.routes[port as usize].get(name).copied()
    }

    fn route_of(&self, packet: &Packet) -> Option<Route> {
        self.known(&packet.connection, packet.message.port())
    }

    fn route(&mut self, name: &ConnectionName, port: Port) -> Route {
        if let Some(route) = self.known(name, port) {
            return route;
        }
        let channel = self.free.pop().unwrap_or_else(|| {
            self.channels.push(Channel::default());
            self.channels.len() - 1
        });
        self.names += 1;
        self.channels[channel].names.push(name.clone());
        let route = Route { name: self.names, channel };
        self.routes[port as usize].insert(name.clone(), route);
        route
    }

    /// Two names are the ends of one connection. A name that is used again may be joined again,
    /// to the same name or to another one. All of them must be joined before they are used.
    pub(crate) fn join(&mut self, left: &ConnectionName, right: &ConnectionName) {
        for port in [Port::Election, Port::Quorum] {
            let (mut stays, mut goes) =
                (self.route(left, port).channel, self.route(right, port).channel);
            if stays == goes {
                continue;
            }
            if self.channels[stays].names.len() < self.channels[goes].names.len() {
                (stays, goes) = (goes, stays);
            }
            let moved = std::mem::take(&mut self.channels[goes].names);
            for name in &moved {
                if let Some(route) = self.routes[port as usize].get_mut(name) {
                    route.channel = stays;
                }
            }
            self.channels[stays].names.extend(moved);
            self.free.push(goes);
        }
    }

    /// The end of a server, made if it is new: where it is among the channel's ends.
    fn hold(&mut self, route: Route, server: ServerId) -> usize {
        let channel = &mut self.channels[route.channel];
        let known = channel.ends.iter().position(|h| h.name == route.name && h.server == server);
        let index = known.unwrap_or_else(|| {
            // Names that a relay made come once each; those of a channel must not pile up.
            channel.ends.retain(|held| held.server != server || held.end.is_open());
            channel.ends.push(Held { name: route.name, server, id: 0, end: End::default() });
            channel.ends.len() - 1
        });
        if !channel.ends[index].end.is_open() {
            self.held.entry(server).or_default().insert(route.channel);
        }
        index
    }

    /// Gives what has begun its numbers.
    fn begun(&mut self, channel: ChannelId, index: usize, begun: Begun) {
        if begun == Begun::Nothing {
            return;
        }
        let drops = self.drops(self.channels[channel].ends[index].server);
        let channel = &mut self.channels[channel];
        channel.number(index, begun);
        self.ids += 1;
        let held = &mut channel.ends[index];
        held.id = self.ids;
        let (server, label) = (held.server, held.end.label(Direction::In));
        if drops && let Some(before) = label.checked_sub(1) {
            channel.lose(server, before);
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
        let route = self.route(name, Port::Quorum);
        let index = self.hold(route, server);
        let begun = self.channels[route.channel].ends[index].end.connected(peer, shows)?;
        self.begun(route.channel, index, begun);
        Ok(self.channels[route.channel].ends[index].id)
    }

    /// A `Disconnected` line: the use that it ends, if there is one.
    pub(crate) fn find_open(
        &self,
        server: ServerId,
        name: &ConnectionName,
    ) -> Option<ConnectionId> {
        let route = self.known(name, Port::Quorum)?;
        let held = self.channels[route.channel].end(route.name, server)?;
        held.end.is_open().then_some(held.id)
    }

    /// A `Disconnected` line was explained: its server receives nothing more in this use.
    pub(crate) fn disconnected(&mut self, server: ServerId, name: &ConnectionName) {
        let Some(route) = self.known(name, Port::Quorum) else { return };
        let drops = self.drops(server);
        let channel = &mut self.channels[route.channel];
        let mut ends = channel.ends.iter_mut();
        let Some(held) = ends.find(|held| held.name == route.name && held.server == server) else {
            return;
        };
        // What happened before may still be looked at where lines are only partially ordered; a use
        // that comes after shows by its own `Connected`, or by ordinals that begin again.
        if !self.partial.contains(&server) {
            held.end.close();
        }
        let label = held.end.label(Direction::In);
        if drops {
            channel.lose(server, label);
            self.forget(route.channel);
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
            let channel = &mut self.channels[index];
            let mut labels = Vec::new();
            for held in channel.ends.iter_mut().filter(|held| held.server == server) {
                labels.push(held.end.label(Direction::In));
                held.end.end_life();
            }
            if drops {
                labels.into_iter().for_each(|label| channel.lose(server, label));
                self.forget(index);
            }
        }
    }

    /// Forgets a channel of which all ends are closed, if both have had as many uses: nothing that
    /// was sent on it can be received any more.
    fn forget(&mut self, index: ChannelId) {
        if self.sent.is_some() {
            // What is known of later lines counts the uses of a name in a whole life.
            return;
        }
        let channel = &mut self.channels[index];
        let [(_, one), (_, other)] = channel.next.as_slice() else { return };
        if one != other || channel.ends.iter().any(|held| held.end.is_open()) {
            return;
        }
        let Channel { names, ends, .. } = std::mem::take(channel);
        for held in ends {
            if let Some(channels) = self.held.get_mut(&held.server) {
                channels.remove(&index);
            }
        }
        if let [name] = names.as_slice() {
            for routes in &mut self.routes {
                if routes.get(name).is_some_and(|route| route.channel == index) {
                    routes.remove(name);
                }
            }
            self.free.push(index);
        } else {
            self.channels[index].names = names;
        }
    }

    /// The use that a `Sent` line belongs to.
    pub(crate) fn sending(
        &mut self,
        server: ServerId,
        packet: &Packet,
    ) -> Result<ConnectionId, Fault> {
        let shows = self.shows(server);
        let route = self.route(&packet.connection, packet.message.port());
        let index = self.hold(route, server);
        let end = &mut self.channels[route.channel].ends[index].end;
        let begun = end.message(Direction::Out, packet, shows)?;
        self.begun(route.channel, index, begun);
        Ok(self.channels[route.channel].ends[index].id)
    }

    /// A `Sent` line was explained: its message is on its way.
    pub(crate) fn send(&mut self, server: ServerId, packet: &Packet, in_flight: InFlight<C>) {
        let Some(route) = self.route_of(packet) else { return };
        let drops = self.drops(packet.peer);
        let channel = &mut self.channels[route.channel];
        let Some(held) = channel.end(route.name, server) else { return };
        let (id, label) = (held.id, held.end.label(Direction::Out));
        let closed = drops && channel.is_closed(packet.peer, label);
        let index = channel.streams.iter().position(|stream| stream.sender == server);
        let index = index.unwrap_or_else(|| {
            let segments = VecDeque::new();
            channel.streams.push(Stream { sender: server, first: label, segments });
            channel.streams.len() - 1
        });
        if let Some(segment) = channel.streams[index].extend_to(label) {
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
        let route = self.known(name, Port::Quorum);
        let held = route.and_then(|route| self.channels[route.channel].end(route.name, server));
        held.map_or(0, |held| held.end.uses())
    }

    /// How many messages were sent in a use.
    pub(crate) fn sent(&self, id: ConnectionId) -> u64 {
        self.sent.as_ref().and_then(|sent| sent.get(&id)).copied().unwrap_or(0)
    }

    /// Whether the `Sent` line of a received packet has been looked at.
    pub(crate) fn is_sent(&self, server: ServerId, packet: &Packet) -> bool {
        let Some(route) = self.route_of(packet) else { return false };
        let channel = &self.channels[route.channel];
        let shows = self.shows(server);
        let continued = channel
            .end(route.name, server)
            .filter(|h| h.end.begins(Direction::In, packet, shows) == Begun::Nothing);
        let label = continued.map_or_else(
            || channel.coming(server, Direction::In),
            |held| held.end.label(Direction::In),
        );
        let label = self.partner(channel, packet, server, label);
        let segment = channel.segment(packet.peer, label);
        segment.is_some_and(|s| s.receiver == Some(server) && s.sent > packet.ordinal)
    }

    /// The sender's number of a use that has this number at the receiver's end.
    fn partner(
        &self,
        channel: &Channel<C>,
        packet: &Packet,
        receiver: ServerId,
        label: u32,
    ) -> u32 {
        let Some(plan) = &self.plan else { return label };
        let name = channel.names.iter().min().cloned();
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
        let route = self.route(&packet.connection, packet.message.port());
        let index = self.hold(route, server);
        let end = &mut self.channels[route.channel].ends[index].end;
        let begun = end.message(Direction::In, packet, shows).map_err(Refused::Fault)?;
        self.begun(route.channel, index, begun);
        let held = &self.channels[route.channel].ends[index];
        let (id, label) = (held.id, held.end.label(Direction::In));
        let label = self.partner(&self.channels[route.channel], packet, server, label);
        let segment = self.channels[route.channel].segment_mut(packet.peer, label);
        let segment = segment.filter(|segment| segment.receiver == Some(server));
        let in_flight = segment.and_then(|segment| segment.queue.pop_front());
        in_flight.map(|in_flight| (id, in_flight)).ok_or(Refused::Lost)
    }

    /// Whether a server cannot have received a packet, whatever was sent: its end of the connection
    /// has another peer, or is not up.
    pub(crate) fn contradicts(&self, server: ServerId, packet: &Packet) -> bool {
        let shows = self.shows(server);
        let waits = shows.connected && !shows.partial && packet.message.port() == Port::Quorum;
        let held = self.route_of(packet).and_then(|p| self.channels[p.channel].end(p.name, server));
        let Some(end) = held.map(|held| &held.end) else { return waits };
        let known = end.peer(Direction::In);
        (waits && !end.is_open()) || known.is_some_and(|known| known != packet.peer)
    }
}

#[cfg(test)]
mod tests;
