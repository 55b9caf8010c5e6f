//! Connections between servers: FIFO in each direction, with a latency for each message; what is
//! on its way when a connection ends is lost from some point on, and each end notices by itself.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use zab_core::{ConnectionId, ServerId};
use zab_trace::{ConnectionName, Port};

use crate::rng::Rng;
use crate::schedule::Time;

/// One of the two ends of a connection; as a direction, the end that sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum End {
    /// The server that made the connection.
    Dialler,
    /// The server that listened.
    Acceptor,
}

impl End {
    /// The opposite end.
    pub(crate) fn other(self) -> Self {
        match self {
            Self::Dialler => Self::Acceptor,
            Self::Acceptor => Self::Dialler,
        }
    }
}

/// What comes out of a direction at its receiving end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Arrival<M> {
    /// A message.
    Message(M),
    /// The end of the connection.
    End,
}

/// What a direction has for its receiver at the moment.
#[derive(Debug)]
pub(crate) enum Head<M> {
    /// This has arrived, and is taken off.
    Arrived(Arrival<M>),
    /// The next thing arrives at this time.
    Later(Time),
    /// Nothing until somebody sends or a link heals.
    Idle,
}

/// One direction of a connection.
#[derive(Debug)]
struct Pipe<M> {
    queue: VecDeque<(Time, Arrival<M>)>,
    /// Nothing that is sent from now on arrives.
    ended: bool,
    /// An event that looks at the head is scheduled.
    watched: bool,
}

impl<M> Pipe<M> {
    fn new() -> Self {
        Self { queue: VecDeque::new(), ended: false, watched: false }
    }

    /// Puts `arrival` behind what is on its way, not before `at`; true if nobody watches yet.
    fn push(&mut self, at: Time, arrival: Arrival<M>) -> bool {
        let at = self.queue.back().map_or(at, |(last, _)| at.max(*last));
        self.queue.push_back((at, arrival));
        !std::mem::replace(&mut self.watched, true)
    }
}

/// A connection and what is on its way in it.
#[derive(Debug)]
pub(crate) struct Connection<M> {
    /// `dialler>acceptor`, as traces name it.
    pub(crate) name: ConnectionName,
    /// Which kind of port it leads to.
    pub(crate) port: Port,
    dialler: ServerId,
    acceptor: ServerId,
    /// Whether the dialler's and the acceptor's end still hold it.
    held: (bool, bool),
    from_dialler: Pipe<M>,
    from_acceptor: Pipe<M>,
}

impl<M> Connection<M> {
    /// The server at `end`.
    pub(crate) fn server(&self, end: End) -> ServerId {
        match end {
            End::Dialler => self.dialler,
            End::Acceptor => self.acceptor,
        }
    }

    /// Whether `end` neither closed the connection nor noticed its end.
    pub(crate) fn holds(&self, end: End) -> bool {
        match end {
            End::Dialler => self.held.0,
            End::Acceptor => self.held.1,
        }
    }

    fn release(&mut self, end: End) {
        match end {
            End::Dialler => self.held.0 = false,
            End::Acceptor => self.held.1 = false,
        }
    }

    fn pipe(&mut self, from: End) -> &mut Pipe<M> {
        match from {
            End::Dialler => &mut self.from_dialler,
            End::Acceptor => &mut self.from_acceptor,
        }
    }
}

/// A direction of a connection whose head has to be looked at, at a time.
pub(crate) type Watch = (ConnectionId, End, Time);

/// All connections of the cluster, and the state of the links below them.
#[derive(Debug)]
pub(crate) struct Network<M> {
    connections: BTreeMap<ConnectionId, Connection<M>>,
    opened: u64,
    cut: BTreeSet<(ServerId, ServerId)>,
    slow: BTreeSet<(ServerId, ServerId)>,
}

fn pair(a: ServerId, b: ServerId) -> (ServerId, ServerId) {
    (a.min(b), a.max(b))
}

impl<M> Network<M> {
    /// No connections, all links whole.
    pub(crate) fn new() -> Self {
        Self {
            connections: BTreeMap::new(),
            opened: 0,
            cut: BTreeSet::new(),
            slow: BTreeSet::new(),
        }
    }

    /// A new connection that both ends hold. Its name is made like one of socket addresses.
    pub(crate) fn open(
        &mut self,
        dialler: ServerId,
        acceptor: ServerId,
        port: Port,
    ) -> ConnectionId {
        self.opened += 1;
        let listen = match port {
            Port::Election => 3888,
            Port::Quorum => 2888,
        };
        let local = 40_000 + self.opened;
        let name = ConnectionName::new(
            format_args!("10.0.0.{dialler}:{local}"),
            format_args!("10.0.0.{acceptor}:{listen}"),
        );
        let connection = Connection {
            name,
            port,
            dialler,
            acceptor,
            held: (true, true),
            from_dialler: Pipe::new(),
            from_acceptor: Pipe::new(),
        };
        let id = ConnectionId(self.opened);
        self.connections.insert(id, connection);
        id
    }

    /// The connection, while an end holds it or something is on its way in it.
    pub(crate) fn get(&self, id: ConnectionId) -> Option<&Connection<M>> {
        self.connections.get(&id)
    }

    /// The connections of which `server` holds an end, with that end.
    pub(crate) fn held_by(&self, server: ServerId) -> Vec<(ConnectionId, End)> {
        let ends = self.connections.iter().flat_map(|(id, connection)| {
            [End::Dialler, End::Acceptor].into_iter().filter_map(move |end| {
                let here = connection.server(end) == server && connection.holds(end);
                here.then_some((*id, end))
            })
        });
        ends.collect()
    }

    /// The ids of the connections between two servers.
    pub(crate) fn between(&self, a: ServerId, b: ServerId) -> Vec<ConnectionId> {
        let wanted = pair(a, b);
        let all = self.connections.iter();
        all.filter(|(_, c)| pair(c.dialler, c.acceptor) == wanted).map(|(id, _)| *id).collect()
    }

    /// Sends; a message on a connection that has ended is lost.
    pub(crate) fn send(
        &mut self,
        id: ConnectionId,
        from: End,
        message: M,
        at: Time,
    ) -> Option<Watch> {
        let pipe = self.connections.get_mut(&id)?.pipe(from);
        if pipe.ended {
            return None;
        }
        pipe.push(at, Arrival::Message(message)).then_some((id, from, at))
    }

    /// One end lets go: what it sent still arrives, followed by the end; what was on its way to
    /// it is lost.
    pub(crate) fn close(&mut self, id: ConnectionId, end: End, at: Time) -> Option<Watch> {
        let connection = self.connections.get_mut(&id)?;
        connection.release(end);
        let towards = connection.pipe(end.other());
        towards.ended = true;
        towards.queue.clear();
        let away = connection.pipe(end);
        let watch = if std::mem::replace(&mut away.ended, true) {
            None
        } else {
            away.push(at, Arrival::End).then_some((id, end, at))
        };
        self.forget(id);
        watch
    }

    /// The direction from `from` ends: a prefix of what is on its way still arrives, and then,
    /// not before `at`, the receiver notices.
    pub(crate) fn sever(
        &mut self,
        id: ConnectionId,
        from: End,
        at: Time,
        rng: &mut Rng,
    ) -> Option<Watch> {
        let connection = self.connections.get_mut(&id)?;
        if !connection.holds(from.other()) {
            return None;
        }
        let pipe = connection.pipe(from);
        let kept = rng.prefix(pipe.queue.len());
        pipe.queue.truncate(kept);
        pipe.ended = true;
        if pipe.queue.back().is_some_and(|(_, last)| matches!(last, Arrival::End)) {
            return None;
        }
        pipe.push(at, Arrival::End).then_some((id, from, at))
    }

    /// Looks at the direction from `from`. An arrival of [`Arrival::End`] also releases the end
    /// that receives it; nothing arrives over a cut link.
    pub(crate) fn arrive(&mut self, id: ConnectionId, from: End, now: Time) -> Head<M> {
        let Some(connection) = self.connections.get_mut(&id) else { return Head::Idle };
        let cut = self.cut.contains(&pair(connection.dialler, connection.acceptor));
        let pipe = connection.pipe(from);
        let Some((at, _)) = pipe.queue.front().filter(|_| !cut) else {
            pipe.watched = false;
            self.forget(id);
            return Head::Idle;
        };
        if *at > now {
            return Head::Later(*at);
        }
        let Some((_, arrival)) = pipe.queue.pop_front() else { return Head::Idle };
        if matches!(arrival, Arrival::End) {
            connection.release(from.other());
            let back = connection.pipe(from.other());
            back.ended = true;
            // The other end, if it still holds the connection, learns of it in its own time.
        }
        Head::Arrived(arrival)
    }

    /// Whether nothing is on its way, of the messages that `counts`.
    pub(crate) fn is_empty(&self, counts: impl Fn(&M) -> bool) -> bool {
        let pipes = self.connections.values().flat_map(|c| [&c.from_dialler, &c.from_acceptor]);
        pipes.flat_map(|pipe| &pipe.queue).all(|(_, arrival)| match arrival {
            Arrival::Message(message) => !counts(message),
            Arrival::End => false,
        })
    }

    /// Whether the link between two servers carries anything.
    pub(crate) fn is_cut(&self, a: ServerId, b: ServerId) -> bool {
        self.cut.contains(&pair(a, b))
    }

    /// Whether the link between two servers is slow.
    pub(crate) fn is_slow(&self, a: ServerId, b: ServerId) -> bool {
        self.slow.contains(&pair(a, b))
    }

    /// Stops everything between two servers, for as long as the cut lasts.
    pub(crate) fn cut(&mut self, a: ServerId, b: ServerId) {
        self.cut.insert(pair(a, b));
    }

    /// Makes the link between two servers slow, or fast again.
    pub(crate) fn set_slow(&mut self, a: ServerId, b: ServerId, slow: bool) {
        if slow {
            self.slow.insert(pair(a, b));
        } else {
            self.slow.remove(&pair(a, b));
        }
    }

    /// Ends the cut; what was on its way goes on. Returns what has to be looked at again.
    pub(crate) fn heal(&mut self, a: ServerId, b: ServerId) -> Vec<Watch> {
        self.cut.remove(&pair(a, b));
        let mut watches = Vec::new();
        for id in self.between(a, b) {
            let Some(connection) = self.connections.get_mut(&id) else { continue };
            for from in [End::Dialler, End::Acceptor] {
                let pipe = connection.pipe(from);
                let Some((at, _)) = pipe.queue.front() else { continue };
                if !std::mem::replace(&mut pipe.watched, true) {
                    watches.push((id, from, *at));
                }
            }
        }
        watches
    }

    /// Drops a connection that nobody holds and in which nothing is on its way.
    fn forget(&mut self, id: ConnectionId) {
        let idle = |pipe: &Pipe<M>| pipe.queue.is_empty() && !pipe.watched;
        let Some(connection) = self.connections.get(&id) else { return };
        let held = connection.held.0 || connection.held.1;
        if !held && idle(&connection.from_dialler) && idle(&connection.from_acceptor) {
            self.connections.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drain(network: &mut Network<u32>, id: ConnectionId, from: End) -> Vec<Arrival<u32>> {
        let mut seen = Vec::new();
        while let Head::Arrived(arrival) = network.arrive(id, from, Time::MAX) {
            seen.push(arrival);
        }
        seen
    }

    #[test]
    fn a_direction_is_fifo_whatever_the_latencies() {
        let mut network = Network::new();
        let id = network.open(1, 2, Port::Quorum);
        for (message, at) in [(10, 90), (11, 5), (12, 40)] {
            network.send(id, End::Dialler, message, at);
        }
        let messages = [10, 11, 12].map(Arrival::Message);
        assert_eq!(drain(&mut network, id, End::Dialler), messages);
    }

    #[test]
    fn a_severed_direction_delivers_a_prefix_and_then_its_end() {
        for seed in 0..32 {
            let mut rng = Rng::new(seed);
            let mut network = Network::new();
            let id = network.open(1, 2, Port::Quorum);
            for message in 0..4 {
                network.send(id, End::Dialler, message, 1);
            }
            network.sever(id, End::Dialler, 2, &mut rng);
            assert_eq!(network.send(id, End::Dialler, 9, 3), None);
            let mut seen = drain(&mut network, id, End::Dialler);
            assert_eq!(seen.pop(), Some(Arrival::End));
            let count = u32::try_from(seen.len()).unwrap_or(u32::MAX);
            let prefix = (0..count).map(Arrival::Message);
            assert!(count <= 4);
            assert_eq!(seen, prefix.collect::<Vec<_>>());
        }
    }

    #[test]
    fn nothing_crosses_a_cut_until_it_heals() {
        let mut network = Network::new();
        let id = network.open(2, 1, Port::Election);
        network.cut(1, 2);
        network.send(id, End::Acceptor, 7, 1);
        assert_eq!(drain(&mut network, id, End::Acceptor), []);
        assert_eq!(network.heal(2, 1), [(id, End::Acceptor, 1)]);
        assert_eq!(drain(&mut network, id, End::Acceptor), [Arrival::Message(7)]);
    }

    #[test]
    fn a_connection_that_both_ends_left_is_forgotten() {
        let mut network: Network<u32> = Network::new();
        let id = network.open(1, 2, Port::Quorum);
        network.close(id, End::Dialler, 1);
        assert!(network.get(id).is_some());
        assert_eq!(drain(&mut network, id, End::Dialler), [Arrival::End]);
        network.close(id, End::Acceptor, 2);
        drain(&mut network, id, End::Acceptor);
        assert!(network.get(id).is_none());
    }
}
