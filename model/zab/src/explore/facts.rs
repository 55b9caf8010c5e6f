//! A state as named facts, for readers.

use std::fmt::{Display, Write};

use super::links::{End, Links};
use super::packet::Packet;
use super::state::{Flat, SERVERS_MAX, State, TXNS_MAX, id_at};
use crate::program::Program;
use crate::server::{Heard, Leader, Learner, Link, Server, Stage};
use crate::shape::{Queue, Table};
use crate::types::{ServerId, Txn, Zxid};

/// Stands for a fact that is not worth a word: what it is about holds its default.
pub(super) const NOTHING: &str = "-";

/// Everything that a reader wants to know of a state, always the same names in the same order.
pub(super) fn facts(state: &State) -> Vec<(String, String)> {
    let mut facts = Vec::new();
    for server in &state.servers {
        server_facts(server, &mut facts);
    }
    link_facts(state, &mut facts);
    let committed = list(state.ghost.committed.as_slice().iter().map(zxid_of));
    facts.push(("known committed".to_owned(), committed));
    let reigns = state.ghost.reigns.as_slice().iter();
    let reigns = reigns.map(|reign| format!("{} in epoch {}", reign.leader, reign.epoch));
    facts.push(("established".to_owned(), list(reigns)));
    facts
}

fn server_facts(server: &Server<Flat>, facts: &mut Vec<(String, String)>) {
    let disk = &server.disk;
    let values = [
        ("role", server.role.to_string()),
        ("phase", server.phase.to_string()),
        ("acceptedEpoch", format!("{} (disk {})", server.accepted_epoch, disk.accepted_epoch)),
        ("currentEpoch", format!("{} (disk {})", server.current_epoch, disk.current_epoch)),
        ("history", list(server.history.as_slice().iter().map(zxid_of))),
        ("history on disk", list(disk.history.as_slice().iter().map(zxid_of))),
        ("lastCommitted", unless_default(&server.last_committed)),
        ("round", unless_default(&server.round)),
        ("vote", unless_default(&server.vote)),
        ("program", program(server.program)),
        ("recvset", votes(&server.election.received)),
        ("outofelection", votes(&server.election.settled)),
    ];
    let (learner, leader) = (learner_facts(&server.learner), leader_facts(&server.leader));
    let named = |(name, value)| (format!("server {} {name}", server.id), value);
    facts.extend(values.into_iter().chain(learner).chain(leader).map(named));
}

fn program(mut program: Program) -> String {
    let mut items = Vec::new();
    while !program.is_finished() {
        items.push(format!("{:?}", program.next()));
        program.advance();
    }
    list(items.into_iter())
}

/// A table's rows by server, those left out for which there is nothing to say.
fn rows<T>(row: impl Fn(ServerId) -> T, tell: impl Fn(T) -> Option<String>) -> String {
    let rows = (0..SERVERS_MAX).map(id_at);
    list(rows.filter_map(|id| tell(row(id)).map(|text| format!("{id}: {text}"))))
}

fn votes(table: &impl Table<Heard<u8>>) -> String {
    rows(
        |id| table.row(id),
        |heard| {
            let leads = if heard.leading { " LEADING" } else { "" };
            (heard.vote.leader != ServerId::NOBODY).then(|| format!("{}{leads}", heard.vote))
        },
    )
}

fn learner_facts(learner: &Learner<Flat>) -> [(&'static str, String); 4] {
    let stage = (learner.stage != Stage::Idle).then(|| format!("{:?}", learner.stage));
    let snapshot = learner.snapshot.then(|| "in place of the history".to_owned());
    [
        ("synchronization", stage.unwrap_or_else(|| NOTHING.to_owned())),
        ("snapshot", snapshot.unwrap_or_else(|| NOTHING.to_owned())),
        ("received", list(learner.received.as_slice().iter().map(zxid_of))),
        ("of these committed", unless_default(&learner.committed)),
    ]
}

fn leader_facts(leader: &Leader<Flat>) -> [(&'static str, String); 8] {
    let links = |link: Link| (link != Link::None).then(|| format!("{link:?}"));
    let reported = |zxid: Zxid<u8>| (zxid != Zxid::default()).then(|| zxid.to_string());
    let outstanding = leader.outstanding.as_slice().iter().map(ToString::to_string);
    let decided = if leader.decided { "decided" } else { NOTHING };
    [
        ("epoch", decided.to_owned()),
        ("newEpoch", unless_default(&leader.new_epoch)),
        ("connecting", unless_default(&leader.connecting)),
        ("electing", unless_default(&leader.electing)),
        ("newLeaderAcks", unless_default(&leader.new_leader_acks)),
        ("learners", rows(|id| leader.links.row(id), links)),
        ("reported", rows(|id| leader.reported.row(id), reported)),
        ("outstanding, with acknowledgements", list(outstanding)),
    ]
}

fn link_facts(state: &State, facts: &mut Vec<(String, String)>) {
    let Links { down, up, notes } = &state.links;
    let requests = &state.ghost.requests;
    for (place, down) in down.iter().enumerate() {
        let text = end(down.end, down.queue.as_slice(), requests);
        facts.push((format!("to learner {}", id_at(place)), text));
    }
    for from in 0..SERVERS_MAX {
        for to in (0..SERVERS_MAX).filter(|to| *to != from) {
            let up = &up[from][to];
            let mut text = end(up.end, up.queue.as_slice(), requests);
            if up.newer != End::Closed {
                let _ = write!(text, ", newer {}", end(up.newer, &[up.hello], requests));
            }
            facts.push((format!("to leader {}>{}", id_at(from), id_at(to)), text));
            let notes = notes[from][to].as_slice().iter().map(ToString::to_string);
            facts.push((format!("election {}>{}", id_at(from), id_at(to)), list(notes)));
        }
    }
}

fn end(end: End, packets: &[Packet], requests: &[Zxid<u8>; TXNS_MAX]) -> String {
    let messages = packets.iter().filter_map(|packet| packet.decode(requests));
    let messages = list(messages.map(|message| message.to_string()));
    match end {
        End::Closed => NOTHING.to_owned(),
        End::Open => format!("open {messages}"),
        End::Severed => format!("severed {messages}"),
    }
}

fn zxid_of(txn: &Txn<u8, u8>) -> String {
    txn.zxid.to_string()
}

fn unless_default<T: Default + PartialEq + Display>(value: &T) -> String {
    if *value == T::default() { NOTHING.to_owned() } else { value.to_string() }
}

fn list(items: impl Iterator<Item = String>) -> String {
    let items: Vec<String> = items.collect();
    if items.is_empty() { NOTHING.to_owned() } else { format!("[{}]", items.join(", ")) }
}
