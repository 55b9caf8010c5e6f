//! What is on its way between servers: messages by (connection, direction, ordinal).

use std::collections::{HashMap, HashSet, VecDeque};

use zab_trace::{ConnectionName, Message, Packet, ServerId};

use crate::input::At;

/// A connection, whatever its ends call it.
pub(crate) type ConnectionId = u32;

/// A message between its `Sent` and its `Received`.
#[derive(Clone, Debug)]
pub(crate) struct Letter<C> {
    /// What the `Sent` line says.
    pub(crate) message: Message,
    /// Where the `Sent` line stands.
    pub(crate) at: At,
    /// What the line does not say of the message: one value for each state its sender may be in.
    pub(crate) contents: Vec<C>,
}

/// One direction of a connection.
#[derive(Debug)]
struct Direction<C> {
    receiver: ServerId,
    sent: u64,
    received: u64,
    /// From ordinal `received` on.
    queue: VecDeque<Letter<C>>,
}

/// Why a `Sent` line does not continue its direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WrongOrdinal {
    /// The ordinal that is due.
    pub(crate) expected: u64,
}

/// All connections of a trace.
///
/// Holds what is sent and not yet received, and nothing of what was received.
#[derive(Debug)]
pub(crate) struct Links<C> {
    ids: HashMap<ConnectionName, ConnectionId>,
    next: ConnectionId,
    directions: HashMap<(ConnectionId, ServerId), Direction<C>>,
}

impl<C> Links<C> {
    /// No connections.
    pub(crate) fn new() -> Self {
        Self { ids: HashMap::new(), next: 0, directions: HashMap::new() }
    }

    /// The connection with this name.
    pub(crate) fn id(&mut self, name: &ConnectionName) -> ConnectionId {
        if let Some(id) = self.ids.get(name) {
            return *id;
        }
        self.next += 1;
        self.ids.insert(name.clone(), self.next);
        self.next
    }

    /// The connection with this name, if a line that was processed named it.
    pub(crate) fn find(&self, name: &ConnectionName) -> Option<ConnectionId> {
        self.ids.get(name).copied()
    }

    /// Two names are the ends of one connection. Both must be new, or already joined.
    pub(crate) fn join(&mut self, left: &ConnectionName, right: &ConnectionName) {
        let id = self.id(left);
        self.ids.insert(right.clone(), id);
    }

    /// Whether the `Sent` line of a received packet has been processed.
    pub(crate) fn is_sent(&self, packet: &Packet) -> bool {
        let direction = self
            .ids
            .get(&packet.connection)
            .and_then(|id| self.directions.get(&(*id, packet.peer)));
        direction.is_some_and(|direction| direction.sent > packet.ordinal)
    }

    /// Notes a `Sent` line of `sender`.
    ///
    /// # Errors
    /// When the ordinal is not the next of this direction.
    pub(crate) fn send(
        &mut self,
        connection: ConnectionId,
        sender: ServerId,
        packet: &Packet,
        letter: Letter<C>,
    ) -> Result<(), WrongOrdinal> {
        let direction = self.directions.entry((connection, sender)).or_insert_with(|| Direction {
            receiver: packet.peer,
            sent: 0,
            received: 0,
            queue: VecDeque::new(),
        });
        if direction.sent != packet.ordinal {
            return Err(WrongOrdinal { expected: direction.sent });
        }
        direction.sent += 1;
        direction.queue.push_back(letter);
        Ok(())
    }

    /// How many messages were sent in the direction from `sender`.
    pub(crate) fn sent(&self, connection: ConnectionId, sender: ServerId) -> u64 {
        self.directions.get(&(connection, sender)).map_or(0, |direction| direction.sent)
    }

    /// The ordinal that is due in the direction from `sender`.
    pub(crate) fn due(&self, connection: ConnectionId, sender: ServerId) -> u64 {
        self.directions.get(&(connection, sender)).map_or(0, |direction| direction.received)
    }

    /// Takes the message that is due in the direction from `sender`.
    pub(crate) fn take(&mut self, connection: ConnectionId, sender: ServerId) -> Option<Letter<C>> {
        let direction = self.directions.get_mut(&(connection, sender))?;
        let letter = direction.queue.pop_front()?;
        direction.received += 1;
        Some(letter)
    }

    /// `receiver` receives nothing more on this connection: what is on its way to it is lost.
    pub(crate) fn lose(&mut self, connection: ConnectionId, receiver: ServerId) {
        for ((id, _), direction) in &mut self.directions {
            if *id == connection && direction.receiver == receiver {
                direction.queue = VecDeque::new();
            }
        }
    }

    /// `receiver` is down: what is on its way to it is lost, on the connections that it has named.
    ///
    /// A connection that it has not named yet may be one of its next life: a message that crosses
    /// with the kill is in no causal order with it.
    pub(crate) fn lose_all(&mut self, receiver: ServerId) {
        let directions = self.directions.keys();
        let named: HashSet<ConnectionId> =
            directions.filter(|(_, sender)| *sender == receiver).map(|(id, _)| *id).collect();
        for ((id, _), direction) in &mut self.directions {
            let is_named = direction.received > 0 || named.contains(id);
            if direction.receiver == receiver && is_named {
                direction.queue = VecDeque::new();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn send(links: &mut Links<()>, name: &str, sender: ServerId, peer: ServerId) -> ConnectionId {
        let connection = ConnectionName::parse(name).unwrap();
        let id = links.id(&connection);
        let ordinal = links.sent(id, sender);
        let packet = Packet { connection, ordinal, peer, message: Message::UpToDate };
        let at = At { file: 0, line: 2 };
        let letter = Letter { message: Message::UpToDate, at, contents: vec![()] };
        links.send(id, sender, &packet, letter).unwrap();
        id
    }

    #[test]
    fn a_kill_loses_only_what_is_on_connections_of_that_life() {
        let mut links = Links::new();
        let used = send(&mut links, "a>b", 1, 2);
        send(&mut links, "a>b", 2, 1);
        let received = send(&mut links, "c>b", 1, 2);
        send(&mut links, "c>b", 1, 2);
        links.take(received, 1).unwrap();
        // The next life of server 2 accepts this one, and the kill is merged only now.
        let next = send(&mut links, "d>b", 1, 2);
        links.lose_all(2);
        assert!(links.take(used, 1).is_none());
        assert!(links.take(received, 1).is_none());
        assert!(links.take(next, 1).is_some());
    }
}
