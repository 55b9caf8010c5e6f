//! A leader with many outstanding proposals, whose syncs are hidden.

use std::collections::BTreeMap;

use zab_check::project;
use zab_sim::{Config, simulate};
use zab_trace::{
    Chain, ConnectionName, Contract, Event, EventKind, EventName, Header, Message, Packet,
    ServerId, Zxid, txn_digest,
};

/// A trace that is written line by line.
struct Script {
    events: Vec<Event>,
    seqs: BTreeMap<ServerId, u64>,
    sent: BTreeMap<(ConnectionName, ServerId), u64>,
    received: BTreeMap<(ConnectionName, ServerId), u64>,
}

impl Script {
    fn line(&mut self, server: ServerId, kind: EventKind) {
        let seq = self.seqs.entry(server).or_default();
        let (chain, after) = (Chain::MAIN, Vec::new());
        let event = Event { server, incarnation: 1, seq: *seq, chain, after, kind, state: None };
        *seq += 1;
        self.events.push(event);
    }

    /// A message is sent; it is received by [`Self::receive`].
    fn send(&mut self, link: &Link, server: ServerId, peer: ServerId, message: Message) {
        let connection = link.connection.clone();
        let next = self.sent.entry((connection.clone(), server)).or_default();
        let packet = Packet { connection, ordinal: *next, peer, message };
        *next += 1;
        self.line(server, EventKind::Sent(packet));
    }

    fn receive(&mut self, link: &Link, server: ServerId, peer: ServerId, message: Message) {
        let connection = link.connection.clone();
        let next = self.received.entry((connection.clone(), server)).or_default();
        let packet = Packet { connection, ordinal: *next, peer, message };
        *next += 1;
        self.line(server, EventKind::Received(packet));
    }
}

/// A learner, and its connection to the leader.
struct Link {
    learner: ServerId,
    connection: ConnectionName,
}

/// Three servers elect a leader, which makes so many proposals before any is acknowledged; if
/// `acknowledged`, all are acknowledged, committed and delivered afterwards. `Persisted` is hidden.
pub(crate) fn outstanding(proposals: u32, acknowledged: bool) -> (Header, Vec<Event>) {
    let (header, mut script, leader, links) = broadcast();
    let zxid = |counter| Zxid::new(1, counter);
    let proposal = |counter: u32| {
        let digest = txn_digest(&counter.to_be_bytes());
        (digest, Message::Proposal { zxid: zxid(counter), digest })
    };
    for counter in 1..=proposals {
        let (digest, message) = proposal(counter);
        script.line(leader, EventKind::Proposed { zxid: zxid(counter), digest });
        for link in &links {
            script.send(link, leader, link.learner, message);
        }
    }
    let counters = 1..=if acknowledged { proposals } else { 0 };
    for counter in counters.clone() {
        for link in &links {
            script.receive(link, link.learner, leader, proposal(counter).1);
        }
    }
    for zxid in counters.clone().map(zxid) {
        for link in &links {
            script.send(link, link.learner, leader, Message::Ack { zxid });
        }
    }
    for zxid in counters.map(zxid) {
        script.receive(&links[0], leader, links[0].learner, Message::Ack { zxid });
        script.line(leader, EventKind::Committed { zxid });
        script.line(leader, EventKind::Delivered { zxid });
        for link in &links {
            script.send(link, leader, link.learner, Message::Commit { zxid });
            script.receive(link, link.learner, leader, Message::Commit { zxid });
            script.line(link.learner, EventKind::Delivered { zxid });
        }
        script.receive(&links[1], leader, links[1].learner, Message::Ack { zxid });
    }
    for server in header.servers.clone() {
        script.line(server, EventKind::Stop);
    }
    (header, script.events)
}

/// A run in which all servers have come to broadcast, and nothing was requested.
fn broadcast() -> (Header, Script, ServerId, Vec<Link>) {
    let calm = Config { request_interval_us: 1 << 40, events: 100, ..Config::calm() };
    let mut header = zab_sim::header(1, &calm);
    header.contract = Contract::full();
    let hidden = vec![EventName::Persisted];
    let contract = Contract { hidden, state: false, silent: Vec::new() };
    let (header, mut events) = project(&header, &simulate(1, &calm).events, &contract);
    let mut script = Script {
        events: Vec::new(),
        seqs: BTreeMap::new(),
        sent: BTreeMap::new(),
        received: BTreeMap::new(),
    };
    let (mut leader, mut links) = (0, Vec::new());
    events.retain(|event| !event.kind.ends_incarnation());
    for event in &events {
        assert_eq!(event.incarnation, 1, "nothing goes wrong");
        script.seqs.insert(event.server, event.seq + 1);
        if let EventKind::Sent(packet) = &event.kind {
            let key = (packet.connection.clone(), event.server);
            script.sent.insert(key, packet.ordinal + 1);
            if packet.message == Message::UpToDate {
                leader = event.server;
                let connection = packet.connection.clone();
                links.push(Link { learner: packet.peer, connection });
            }
        }
        if let EventKind::Received(packet) = &event.kind {
            let key = (packet.connection.clone(), event.server);
            script.received.insert(key, packet.ordinal + 1);
        }
    }
    assert_eq!(links.len(), 2, "both others follow");
    script.events = events;
    (header, script, leader, links)
}
