//! Traces as text: numbered steps, the rules that fired, and what changed.

use std::fmt::Write;

use super::action::Action;
use super::links::{End, Links};
use super::model::Zab;
use super::packet::Packet;
use super::report::ActionText;
use super::state::{Flat, SERVERS_MAX, State, TXNS_MAX, id_at};
use crate::probe::Record;
use crate::server::Server;
use crate::shape::Queue;
use crate::types::{Txn, Zxid};

/// The steps that a sequence of actions makes from a state, up to the first that is not possible.
#[must_use]
pub fn trace_text(model: &Zab, start: &State, actions: &[Action]) -> Vec<ActionText> {
    let mut state = *start;
    let mut steps = Vec::new();
    for (place, action) in actions.iter().enumerate() {
        let mut record = Record::default();
        let Some(next) = model.act(&state, *action, &mut record) else { break };
        let mut text = action.to_string();
        if !record.fired.is_empty() {
            let _ = write!(text, " ({})", record.fired.join(", "));
        }
        let changes = changes(&state, &next);
        steps.push(ActionText { number: place + 1, action: text, changes });
        state = next;
    }
    steps
}

/// One step as text, for the Explorer; `None` when it is not possible.
pub(super) fn step_text(model: &Zab, state: &State, action: Action) -> Option<String> {
    let mut record = Record::default();
    let next = model.act(state, action, &mut record)?;
    let rules = format!("rules: {}", record.fired.join(", "));
    let lines = std::iter::once(rules).chain(changes(state, &next));
    let facts = facts(&next).into_iter().map(|(name, value)| format!("{name}: {value}"));
    Some(lines.chain([String::new()]).chain(facts).collect::<Vec<_>>().join("\n"))
}

/// What differs between two states, one fact a line.
#[must_use]
pub fn changes(before: &State, after: &State) -> Vec<String> {
    let both = facts(before).into_iter().zip(facts(after));
    let differs = both.filter(|((_, old), (_, new))| old != new);
    differs.map(|((name, old), (_, new))| format!("{name}: {old} -> {new}")).collect()
}

/// Everything that a reader wants to know of a state, always the same names in the same order.
pub(super) fn facts(state: &State) -> Vec<(String, String)> {
    let mut facts = Vec::new();
    for server in &state.servers {
        server_facts(server, &mut facts);
    }
    link_facts(state, &mut facts);
    let committed = txns(state.ghost.committed.as_slice());
    facts.push(("known committed".to_owned(), committed));
    let reigns = state.ghost.reigns.as_slice().iter();
    let reigns = reigns.map(|reign| format!("{} in {}", reign.leader, reign.epoch));
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
        ("history", txns(server.history.as_slice())),
        ("history on disk", txns(disk.history.as_slice())),
        ("lastCommitted", server.last_committed.to_string()),
        ("round", server.round.to_string()),
        ("vote", server.vote.to_string()),
        ("program", format!("{:?}", server.program)),
        ("recvset", format!("{:?}", server.election.received)),
        ("outofelection", format!("{:?}", server.election.settled)),
        ("synchronization", format!("{:?}", server.learner)),
        ("leader", format!("{:?}", server.leader)),
    ];
    let named = |(name, value)| (format!("server {} {name}", server.id), value);
    facts.extend(values.map(named));
}

fn link_facts(state: &State, facts: &mut Vec<(String, String)>) {
    let Links { down, up, notes } = &state.links;
    let requests = &state.ghost.requests;
    for (place, down) in down.iter().enumerate() {
        let text = match down.end {
            End::Closed => "closed".to_owned(),
            End::Open | End::Severed => {
                format!("{:?} {}", down.end, packets(down.queue.as_slice(), requests))
            }
        };
        facts.push((format!("to learner {}", id_at(place)), text));
    }
    for from in 0..SERVERS_MAX {
        for to in (0..SERVERS_MAX).filter(|to| *to != from) {
            let up = &up[from][to];
            let mut text = format!("{:?} {}", up.end, packets(up.queue.as_slice(), requests));
            if up.newer != End::Closed {
                let _ = write!(text, " newer {:?} {}", up.newer, packets(&[up.hello], requests));
            }
            facts.push((format!("to leader {}>{}", id_at(from), id_at(to)), text));
            let notes = notes[from][to].as_slice().iter().map(ToString::to_string);
            facts.push((format!("election {}>{}", id_at(from), id_at(to)), list(notes)));
        }
    }
}

fn packets(packets: &[Packet], requests: &[Zxid<u8>; TXNS_MAX]) -> String {
    let messages = packets.iter().filter_map(|packet| packet.decode(requests));
    list(messages.map(|message| message.to_string()))
}

fn txns(txns: &[Txn<u8, u8>]) -> String {
    list(txns.iter().map(|txn| txn.zxid.to_string()))
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join("; "))
}
