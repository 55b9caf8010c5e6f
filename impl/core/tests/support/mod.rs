//! A cluster in memory, without faults of its own: what a test does to it is all that happens.
//!
//! Links are FIFO queues; a test decides what is delivered, which disk syncs, who crashes.
//! Every effect goes through the observer, so a test can look at trace lines as well.

mod line;
mod node;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

pub(crate) use line::line;
use node::Node;
use zab_core::{
    Close, Config, ConnectionId, Dial, Effects, Input, Message, Notification, Observer, Outgoing,
    Peer, Recovered, ServerId, Timer, TimerChange, Txn,
};
use zab_trace::ConnectionName;

/// A quorum connection: who is at its ends, and what is under way to each.
#[derive(Debug)]
struct Link {
    learner: ServerId,
    leader: ServerId,
    to_learner: VecDeque<(Message, Option<Vec<Txn>>)>,
    to_leader: VecDeque<Message>,
    /// Which ends still hold the connection.
    held_by: BTreeSet<ServerId>,
}

/// All servers and what is between them.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) nodes: BTreeMap<ServerId, Node>,
    config: fn(ServerId) -> Config,
    links: BTreeMap<ConnectionId, Link>,
    notifications: VecDeque<(ServerId, ServerId, Notification)>,
    dials: Vec<(ServerId, ServerId)>,
    connections: u64,
    /// Servers that are off, with their disks.
    pub(crate) off: BTreeMap<ServerId, (Recovered, Vec<Txn>, u32)>,
    /// Pairs that cannot reach each other.
    pub(crate) cut: BTreeSet<(ServerId, ServerId)>,
    /// Servers whose disk does not answer.
    pub(crate) slow_disk: BTreeSet<ServerId>,
}

impl Cluster {
    /// All servers, started on empty disks.
    pub(crate) fn start(config: fn(ServerId) -> Config) -> Self {
        let mut cluster = Self {
            nodes: BTreeMap::new(),
            config,
            links: BTreeMap::new(),
            notifications: VecDeque::new(),
            dials: Vec::new(),
            connections: 0,
            off: BTreeMap::new(),
            cut: BTreeSet::new(),
            slow_disk: BTreeSet::new(),
        };
        let first = config(1);
        for id in first.voters.into_iter().chain(first.observers) {
            cluster.off.insert(id, (Recovered::EMPTY, Vec::new(), 0));
            cluster.power_on(id);
        }
        cluster
    }

    /// Starts a server that is off.
    pub(crate) fn power_on(&mut self, id: ServerId) {
        let (disk, delivered, incarnation) = self.off.remove(&id).expect("it is off");
        let recovered = disk.clone();
        let (peer, effects) = Peer::recover((self.config)(id), recovered).expect("a good disk");
        let mut observer = Observer::new(id, incarnation + 1);
        let events = observer.start(&effects, peer.state());
        let applied = disk.transactions.iter().map(|txn| txn.zxid).collect();
        let node = Node {
            peer,
            observer,
            disk,
            unsynced: VecDeque::new(),
            applied,
            delivered,
            aside: None,
            timer: None,
            events,
            incarnation: incarnation + 1,
        };
        self.nodes.insert(id, node);
        self.carry_out(id, effects);
    }

    /// Kills a server; `survive` of its unsynced transactions reach the disk.
    pub(crate) fn crash(&mut self, id: ServerId, survive: usize) {
        let mut node = self.nodes.remove(&id).expect("it is on");
        node.disk.transactions.extend(node.unsynced.drain(..).take(survive));
        self.off.insert(id, (node.disk, node.delivered, node.incarnation));
        self.dials.retain(|(from, to)| *from != id && *to != id);
        self.notifications.retain(|(_, to, _)| *to != id);
        let broken: Vec<ConnectionId> = self.connections_of(id);
        for connection in broken {
            self.end_link(connection, id);
        }
    }

    fn connections_of(&self, id: ServerId) -> Vec<ConnectionId> {
        let links = self.links.iter().filter(|(_, link)| link.held_by.contains(&id));
        links.map(|(connection, _)| *connection).collect()
    }

    /// One end lets go; the other notices at once, and what was under way is lost.
    fn end_link(&mut self, connection: ConnectionId, by: ServerId) {
        let Some(mut link) = self.links.remove(&connection) else { return };
        link.held_by.remove(&by);
        for other in link.held_by {
            self.input(other, Input::Disconnected { connection });
        }
    }

    /// Breaks the connection between two servers, and keeps them apart until `heal`.
    pub(crate) fn cut(&mut self, one: ServerId, other: ServerId) {
        self.cut.insert((one, other));
        self.cut.insert((other, one));
        self.notifications
            .retain(|(from, to, _)| [(one, other), (other, one)] != [(*from, *to); 2]);
        let ends: BTreeSet<ServerId> = [one, other].into();
        let broken: Vec<ConnectionId> = self
            .links
            .iter()
            .filter(|(_, link)| BTreeSet::from([link.learner, link.leader]) == ends)
            .map(|(connection, _)| *connection)
            .collect();
        for connection in broken {
            let Some(link) = self.links.remove(&connection) else { continue };
            for end in link.held_by {
                self.input(end, Input::Disconnected { connection });
            }
        }
    }

    /// Two servers can reach each other again.
    pub(crate) fn heal(&mut self, one: ServerId, other: ServerId) {
        self.cut.remove(&(one, other));
        self.cut.remove(&(other, one));
    }

    /// Hands an input in and carries out what comes back. Inputs for a server that is off are lost.
    pub(crate) fn input(&mut self, id: ServerId, input: Input) {
        let Some(node) = self.nodes.get_mut(&id) else { return };
        let effects = node.peer.handle(input.clone());
        let state = node.peer.state();
        node.events.extend(node.observer.step(&input, &effects, state));
        self.carry_out(id, effects);
    }

    fn carry_out(&mut self, id: ServerId, effects: Effects) {
        for close in &effects.close {
            match close {
                Close::One(connection) => self.end_link(*connection, id),
                Close::Every => {
                    for connection in self.connections_of(id) {
                        self.end_link(connection, id);
                    }
                    self.node(id).aside = None;
                }
            }
        }
        let node = self.nodes.get_mut(&id).expect("it is on");
        for write in &effects.persist {
            node.write(write);
            node.events.extend(node.observer.persisted(write));
        }
        node.unsynced.extend(effects.append);
        for deliver in &effects.deliver {
            node.deliver(deliver);
            node.events.extend(node.observer.delivered(deliver));
        }
        for outgoing in &effects.send {
            let node = self.nodes.get_mut(&id).expect("it is on");
            node.events.extend(node.observer.sending(outgoing));
            self.send(id, outgoing);
        }
        for (to, notification) in effects.notify {
            self.notifications.push_back((id, to, notification));
        }
        match effects.dial {
            Some(Dial::To(leader)) => self.dials.push((id, leader)),
            Some(Dial::Stop) => self.dials.retain(|(from, _)| *from != id),
            None => {}
        }
        let node = self.nodes.get_mut(&id).expect("it is on");
        match effects.timer {
            Some(TimerChange::Arm { timer, after_ms: _ }) => node.timer = Some(timer),
            Some(TimerChange::Disarm) => node.timer = None,
            None => {}
        }
        let events = node.observer.finish();
        node.events.extend(events);
    }

    fn send(&mut self, id: ServerId, outgoing: &Outgoing) {
        let state = if let Message::Snap { zxid } = outgoing.message {
            Some(self.nodes[&id].state_at(zxid))
        } else {
            None
        };
        let Some(link) = self.links.get_mut(&outgoing.connection) else { return };
        if id == link.leader {
            assert_eq!(link.learner, outgoing.to, "sent on somebody else's connection");
            link.to_learner.push_back((outgoing.message.clone(), state));
        } else {
            assert_eq!(link.leader, outgoing.to, "sent on somebody else's connection");
            link.to_leader.push_back(outgoing.message.clone());
        }
    }

    /// Delivers one thing that is under way. False: nothing is.
    pub(crate) fn step(&mut self) -> bool {
        self.step_notification() || self.step_dial() || self.step_message() || self.step_disk()
    }

    fn step_notification(&mut self) -> bool {
        let Some((from, to, notification)) = self.notifications.pop_front() else { return false };
        if self.nodes.contains_key(&to) && !self.cut.contains(&(from, to)) {
            let connection = self.election_connection(from, to);
            self.input(to, Input::Notification { from, connection, notification });
        }
        true
    }

    /// Election connections are numbered by their ends and the receiver's incarnation.
    fn election_connection(&mut self, from: ServerId, to: ServerId) -> ConnectionId {
        let connection = ConnectionId(1_000_000 + from * 1000 + to);
        let node = self.node(to);
        node.observer.ended(connection);
        node.observer.opened(connection, ConnectionName::new(from, to));
        connection
    }

    fn step_dial(&mut self) -> bool {
        if self.dials.is_empty() {
            return false;
        }
        let (learner, leader) = self.dials.remove(0);
        let reachable = !self.cut.contains(&(learner, leader));
        let listens = self.nodes.get(&leader).is_some_and(|node| node.peer.is_leading());
        if !(reachable && listens) {
            self.input(learner, Input::ConnectFailed { leader });
            return true;
        }
        self.connections += 1;
        let connection = ConnectionId(self.connections);
        let link = Link {
            learner,
            leader,
            to_learner: VecDeque::new(),
            to_leader: VecDeque::new(),
            held_by: [learner, leader].into(),
        };
        self.links.insert(connection, link);
        for end in [learner, leader] {
            let name = ConnectionName::new(self.connections, leader);
            self.node(end).observer.opened(connection, name);
        }
        self.input(leader, Input::Accepted { connection });
        self.input(learner, Input::Connected { leader, connection });
        true
    }

    fn step_message(&mut self) -> bool {
        let connections: Vec<ConnectionId> = self.links.keys().copied().collect();
        for connection in connections {
            let link = self.links.get_mut(&connection).expect("just listed");
            let (learner, leader) = (link.learner, link.leader);
            if let Some((message, state)) = link.to_learner.pop_front() {
                let node = self.node(learner);
                if state.is_some() {
                    node.aside = state;
                }
                self.input(learner, Input::Message { from: leader, connection, message });
                return true;
            }
            if let Some(message) = link.to_leader.pop_front() {
                self.input(leader, Input::Message { from: learner, connection, message });
                return true;
            }
        }
        false
    }

    /// One server's disk syncs all that it has.
    fn step_disk(&mut self) -> bool {
        let slow = &self.slow_disk;
        let ready = self.nodes.iter().find(|(id, n)| !n.unsynced.is_empty() && !slow.contains(id));
        let Some(id) = ready.map(|(id, _)| *id) else { return false };
        self.sync(id, usize::MAX);
        true
    }

    /// A disk syncs the first `count` unsynced transactions.
    pub(crate) fn sync(&mut self, id: ServerId, count: usize) {
        let node = self.node(id);
        let count = count.min(node.unsynced.len());
        let synced: Vec<Txn> = node.unsynced.drain(..count).collect();
        let Some(last) = synced.last() else { return };
        let zxid = last.zxid;
        node.disk.transactions.extend(synced);
        self.input(id, Input::Synced { zxid });
    }

    /// Delivers all that is under way, without letting time pass.
    pub(crate) fn settle(&mut self) {
        for _ in 0..100_000 {
            if !self.step() {
                return;
            }
        }
        panic!("the cluster does not come to rest");
    }

    /// Comes to rest, then lets the timers of all elections run out, until nobody is LOOKING or
    /// `rounds` are over.
    pub(crate) fn elect(&mut self, rounds: usize) {
        for _ in 0..rounds {
            self.settle();
            let armed: Vec<(ServerId, Timer)> =
                self.nodes.iter().filter_map(|(id, node)| Some((*id, node.timer?))).collect();
            if armed.is_empty() {
                return;
            }
            // Whoever may settle does so before somebody else disturbs it.
            let may_settle = armed.iter().any(|(_, timer)| *timer == Timer::FinalizeWait);
            for (id, timer) in armed {
                if (timer == Timer::FinalizeWait) == may_settle {
                    self.input(id, Input::Elapsed(timer));
                }
            }
        }
    }

    /// A notification that nobody sent arrives.
    pub(crate) fn forge(&mut self, from: ServerId, to: ServerId, notification: Notification) {
        let connection = self.election_connection(from, to);
        self.input(to, Input::Notification { from, connection, notification });
    }

    /// A connection with somebody who is none of the servers; what is sent on it is lost.
    pub(crate) fn unknown_peer(&mut self, at: ServerId) -> ConnectionId {
        self.connections += 1;
        let connection = ConnectionId(self.connections);
        let name = ConnectionName::new("unknown", self.connections);
        self.node(at).observer.opened(connection, name);
        connection
    }

    /// A tick everywhere.
    pub(crate) fn tick(&mut self) {
        let ids: Vec<ServerId> = self.nodes.keys().copied().collect();
        for id in ids {
            self.input(id, Input::Tick);
        }
        self.settle();
    }

    /// A request at a server.
    pub(crate) fn request(&mut self, id: ServerId, payload: &str) {
        self.input(id, Input::Request { payload: payload.as_bytes().into() });
    }

    pub(crate) fn node(&mut self, id: ServerId) -> &mut Node {
        self.nodes.get_mut(&id).expect("it is on")
    }

    /// The established leader, if there is exactly one.
    pub(crate) fn leader(&self) -> Option<ServerId> {
        let mut leaders =
            self.nodes.values().filter(|n| n.peer.is_leading() && n.peer.is_established());
        let leader = leaders.next()?.peer.id();
        leaders.next().is_none().then_some(leader)
    }
}
