//! How servers reach each other: connections to the leader, connections between election ports.

use zab_core::{Close, ConnectionId, Dial, Input, Message, Notification, Outgoing, ServerId};
use zab_trace::Port;

use crate::cluster::{Cluster, Happening, Who, Wire};
use crate::defect::DriverMutant;
use crate::election_link::ElectionLink;
use crate::network::End;
use crate::schedule::Time;
use crate::server::{Attempt, Incoming, Life};

/// How often a follower tries to reach its leader, as ZooKeeper does.
const ATTEMPTS: u32 = 5;

impl Cluster<'_> {
    /// Begins to dial a leader, or stops.
    pub(crate) fn change_dial(&mut self, who: Who, dial: Dial) {
        let Some(life) = self.life(who) else { return };
        life.dial.0 += 1;
        let generation = life.dial.0;
        life.dial.1 = match dial {
            Dial::To(leader) => Some(Attempt { leader, left: ATTEMPTS }),
            Dial::Stop => None,
        };
        if life.dial.1.is_some() {
            let delay = self.rng.within(100, 5_000);
            self.after(delay, Happening::Dial(who, generation));
        }
    }

    /// One attempt to reach the leader.
    pub(crate) fn dial(&mut self, who: Who, generation: u64) {
        let Some(life) = self.life(who).filter(|life| life.dial.0 == generation) else { return };
        let Some(attempt) = &mut life.dial.1 else { return };
        let leader = attempt.leader;
        attempt.left -= 1;
        let last = attempt.left == 0;
        if let Some(there) = self.listener(who.server, leader) {
            let connection = self.network.open(who.server, leader, Port::Quorum);
            self.end_dial(who);
            self.open(who, connection, Input::Connected { leader, connection });
            self.open(there, connection, Input::Accepted { connection });
        } else if last {
            self.end_dial(who);
            self.give(who, Incoming::Input(Input::ConnectFailed { leader }));
        } else {
            let delay = self.rng.within(20_000, 100_000);
            self.after(delay, Happening::Dial(who, generation));
        }
    }

    /// One attempt to reach another election port; it is repeated until it succeeds.
    pub(crate) fn election_dial(&mut self, who: Who, to: ServerId) {
        let connected =
            |life: &Life| life.links.get(&to).is_none_or(|link| link.connection().is_some());
        if self.life(who).is_none_or(|life| connected(life)) {
            return;
        }
        match self.who(to).filter(|_| !self.network.is_cut(who.server, to)) {
            Some(there) => {
                let connection = self.network.open(who.server, to, Port::Election);
                self.attach(there, who.server, connection);
                self.attach(who, to, connection);
            }
            None => {
                let delay = self.rng.within(10_000, 80_000);
                self.after(delay, Happening::ElectionDial(who, to));
            }
        }
    }

    /// The writer of an election link sends what waits there. Over a cut link it is stuck, and
    /// what waits can still be replaced.
    pub(crate) fn election_write(&mut self, who: Who, to: ServerId) {
        if self.network.is_cut(who.server, to) {
            let delay = self.rng.within(5_000, 20_000);
            return self.after(delay, Happening::ElectionWrite(who, to));
        }
        let Some(life) = self.life(who) else { return };
        let Some((connection, notification)) =
            life.links.get_mut(&to).and_then(ElectionLink::write)
        else {
            return;
        };
        let event = life.observer.notifying(connection, to, &notification);
        self.emit(who, [event]);
        self.transmit(who, to, connection, Wire::Notification(notification));
    }

    /// Offers a notification to the link to another election port.
    pub(crate) fn notify(&mut self, who: Who, to: ServerId, mut notification: Notification) {
        if self.has(DriverMutant::BoastfulVote) && notification.vote.leader == who.server {
            notification.vote.zxid.counter += 1;
        }
        let Some(life) = self.life(who) else { return };
        if life.links.get_mut(&to).is_some_and(|link| link.offer(notification)) {
            self.schedule_election_write(who, to);
        }
    }

    /// Puts a message on the wire of its connection.
    pub(crate) fn transmit(
        &mut self,
        who: Who,
        to: ServerId,
        connection: ConnectionId,
        wire: Wire,
    ) {
        let Some(end) = self.end_of(who.server, connection) else { return };
        let at = self.schedule.now() + self.latency(who.server, to);
        let watch = self.network.send(connection, end, wire, at);
        self.watch(watch);
    }

    /// Puts a message on the quorum wire, a SNAP with the state that belongs to it.
    pub(crate) fn transmit_quorum(&mut self, who: Who, out: Outgoing) {
        let snapshot = if let Message::Snap { zxid } = &out.message {
            self.servers.get(&who.server).map(|server| server.disk.snapshot(*zxid))
        } else {
            None
        };
        self.transmit(who, out.to, out.connection, Wire::Quorum(out.message, snapshot));
    }

    /// Closes quorum connections of a server.
    pub(crate) fn close(&mut self, who: Who, close: Close) {
        for (id, end) in self.network.held_by(who.server) {
            let quorum = self.network.get(id).is_some_and(|c| c.port == Port::Quorum);
            let meant = match close {
                Close::One(one) => one == id,
                Close::Every => quorum,
            };
            if meant {
                self.let_go(id, end);
            }
        }
        // Nothing that arrived on them is handed in any more.
        let Some(life) = self.life(who) else { return };
        life.inbox.retain(|incoming| match (close, incoming.quorum_connection()) {
            (Close::One(one), Some(id)) => one != id,
            (Close::Every, Some(_)) => false,
            (_, None) => true,
        });
    }

    /// A server noticed that a connection ended.
    pub(crate) fn hang_up(&mut self, who: Who, peer: ServerId, id: ConnectionId, port: Port) {
        match port {
            Port::Quorum => {
                self.give(who, Incoming::Input(Input::Disconnected { connection: id }));
            }
            Port::Election => {
                let Some(life) = self.life(who) else { return };
                if let Some(link) = life.links.get_mut(&peer) {
                    link.detach(id);
                }
                self.give(who, Incoming::Ended(id));
                if peer < who.server {
                    let delay = self.rng.within(1_000, 30_000);
                    self.after(delay, Happening::ElectionDial(who, peer));
                }
            }
        }
    }

    /// Tells a server of a new quorum connection.
    fn open(&mut self, who: Who, connection: ConnectionId, input: Input) {
        let Some(name) = self.network.get(connection).map(|c| c.name.clone()) else { return };
        self.give(who, Incoming::Opened(input, connection, name));
    }

    fn let_go(&mut self, id: ConnectionId, end: End) {
        let at = self.schedule.now() + self.rng.within(100, 2_000);
        let watch = self.network.close(id, end, at);
        self.watch(watch);
    }

    /// A server uses a new election connection, in place of an older one.
    fn attach(&mut self, who: Who, to: ServerId, connection: ConnectionId) {
        let Some(name) = self.network.get(connection).map(|c| c.name.clone()) else { return };
        let Some(life) = self.life(who) else { return };
        let Some(link) = life.links.get_mut(&to) else { return };
        life.observer.opened(connection, name);
        let older = link.connection();
        let writes = link.attach(connection);
        if let Some(older) = older {
            if let Some(end) = self.end_of(who.server, older) {
                self.let_go(older, end);
            }
            self.give(who, Incoming::Ended(older));
        }
        if writes {
            self.schedule_election_write(who, to);
        }
    }

    fn schedule_election_write(&mut self, who: Who, to: ServerId) {
        let delay = self.rng.within(10, 1_000);
        self.after(delay, Happening::ElectionWrite(who, to));
    }

    /// Who accepts a connection from `from` on the quorum port of `leader`, if anybody.
    fn listener(&self, from: ServerId, leader: ServerId) -> Option<Who> {
        let life = self.servers.get(&leader)?.life.as_ref()?;
        let reachable = life.peer.is_leading() && !self.network.is_cut(from, leader);
        self.who(leader).filter(|_| reachable)
    }

    fn end_dial(&mut self, who: Who) {
        if let Some(life) = self.life(who) {
            life.dial.1 = None;
        }
    }

    fn end_of(&self, server: ServerId, connection: ConnectionId) -> Option<End> {
        let connection = self.network.get(connection)?;
        [End::Dialler, End::Acceptor]
            .into_iter()
            .find(|end| connection.server(*end) == server && connection.holds(*end))
    }

    fn latency(&mut self, from: ServerId, to: ServerId) -> Time {
        let base = self.rng.within(80, 1_500);
        if self.network.is_slow(from, to) { base * self.rng.within(10, 100) } else { base }
    }
}
