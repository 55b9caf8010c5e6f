//! Connections one by one, each with its own two queues.

use std::collections::VecDeque;

use super::{Connection, Place, Port};
use crate::message::Message;
use crate::shape::Shape;
use crate::types::ServerId;

/// One end of a connection.
#[derive(Debug)]
struct End<S: Shape> {
    open: bool,
    sent: u32,
    inbox: VecDeque<(u32, Message<S>)>,
}

/// A connection and what is in flight on it.
#[derive(Debug)]
struct Link<S: Shape> {
    connection: Connection,
    cut: bool,
    /// The dialler's end, then the acceptor's.
    ends: [End<S>; 2],
    /// Quorum port: whether the acceptor has received its first message.
    accepted: bool,
}

impl<S: Shape> Link<S> {
    fn end(&self, server: ServerId) -> usize {
        usize::from(self.connection.acceptor == server)
    }

    fn joins(&self, port: Port, one: ServerId, other: ServerId) -> bool {
        let Connection { port: mine, dialler, acceptor } = self.connection;
        mine == port && [[one, other], [other, one]].contains(&[dialler, acceptor])
    }
}

/// Every connection there ever was; the latest last.
#[derive(Debug)]
pub(super) struct Network<S: Shape>(Vec<Link<S>>);

impl<S: Shape> Network<S> {
    pub(super) fn new() -> Self {
        Self(Vec::new())
    }

    pub(super) fn connections(&self) -> Vec<Connection> {
        self.0.iter().map(|link| link.connection).collect()
    }

    /// Opens a connection; returns its place.
    pub(super) fn open(&mut self, connection: Connection) -> usize {
        let end = || End { open: true, sent: 0, inbox: VecDeque::new() };
        self.0.push(Link { connection, cut: false, ends: [end(), end()], accepted: false });
        self.0.len() - 1
    }

    /// The connection on which `from` sends to `to`: its open end of the latest one. A leader does
    /// not send on a connection that it has not accepted yet.
    pub(super) fn between(&self, port: Port, from: ServerId, to: ServerId) -> Option<usize> {
        self.0.iter().rposition(|link| {
            let ready = port == Port::Election || link.end(from) == 0 || link.accepted;
            link.joins(port, from, to) && link.ends[link.end(from)].open && ready
        })
    }

    /// Sends; what the other end can no longer receive is lost.
    pub(super) fn send(&mut self, place: usize, from: ServerId, message: Message<S>) -> Place {
        let link = &mut self.0[place];
        let end = link.end(from);
        let ordinal = link.ends[end].sent;
        link.ends[end].sent += 1;
        if link.ends[1 - end].open && !link.cut {
            link.ends[1 - end].inbox.push_back((ordinal, message));
        }
        Place { connection: place, ordinal }
    }

    /// The connections on which a server can receive, with the sender.
    pub(super) fn receivable(&self, server: ServerId) -> Vec<(usize, ServerId)> {
        let mut found = Vec::new();
        for (place, link) in self.0.iter().enumerate() {
            let Connection { dialler, acceptor, .. } = link.connection;
            let peer = match server {
                _ if dialler == server => acceptor,
                _ if acceptor == server => dialler,
                _ => continue,
            };
            let end = &link.ends[link.end(server)];
            if end.open && !end.inbox.is_empty() {
                found.push((place, peer));
            }
        }
        found
    }

    /// The message that is received next on a connection.
    pub(super) fn first(&self, place: usize, server: ServerId) -> Option<(u32, Message<S>)> {
        let link = &self.0[place];
        link.ends[link.end(server)].inbox.front().copied()
    }

    /// It has been received. On the quorum port the first one makes the connection the leader's.
    pub(super) fn take(&mut self, place: usize, server: ServerId) {
        let link = &mut self.0[place];
        let end = link.end(server);
        link.ends[end].inbox.pop_front();
        link.accepted |= end == 1;
    }

    /// The quorum connections whose end a server has not noticed.
    pub(super) fn ended(&self, server: ServerId) -> Vec<(usize, ServerId)> {
        let mut found = Vec::new();
        for (place, link) in self.0.iter().enumerate() {
            let Connection { port, dialler, acceptor } = link.connection;
            let end = link.end(server);
            let mine = dialler == server || (acceptor == server && link.accepted);
            let over = link.cut || !link.ends[1 - end].open;
            if port == Port::Quorum && mine && link.ends[end].open && over {
                found.push((place, if end == 0 { acceptor } else { dialler }));
            }
        }
        found
    }

    /// The quorum connections that work.
    pub(super) fn working(&self) -> Vec<usize> {
        let works = |link: &Link<S>| {
            link.connection.port == Port::Quorum && !link.cut && link.ends.iter().all(|e| e.open)
        };
        (0..self.0.len()).filter(|place| works(&self.0[*place])).collect()
    }

    /// Nothing more enters a connection.
    pub(super) fn cut(&mut self, place: usize) {
        self.0[place].cut = true;
    }

    /// A server closes its end.
    pub(super) fn close(&mut self, place: usize, server: ServerId) {
        let link = &mut self.0[place];
        let end = link.end(server);
        link.ends[end].open = false;
        link.ends[end].inbox.clear();
    }

    /// The connections to a peer, or to all, whose end at a server is open.
    pub(super) fn open_ends(
        &self,
        port: Port,
        server: ServerId,
        peer: Option<ServerId>,
    ) -> Vec<usize> {
        let fits = |link: &Link<S>| {
            let Connection { port: mine, dialler, acceptor } = link.connection;
            let end = [dialler, acceptor].contains(&server) && link.ends[link.end(server)].open;
            mine == port && end && peer.is_none_or(|peer| link.joins(port, server, peer))
        };
        (0..self.0.len()).filter(|place| fits(&self.0[*place])).collect()
    }

    /// Whether a connection has been accepted by its leader.
    pub(super) fn is_accepted(&self, place: usize) -> bool {
        self.0[place].accepted
    }
}
