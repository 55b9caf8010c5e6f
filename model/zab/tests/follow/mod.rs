//! Records of the packets between servers, followed through the model.
//!
//! A record has the packets of each link in the order in which they were sent, and every packet
//! after its sending and before its receipt. Servers meet in packets only, so each server is
//! followed by itself: wherever the record has a packet of it, some steps must lead there.

mod node;
mod packets;

use std::collections::HashSet;

use zab_model::{Profile, ServerId, Wide};

use node::{Node, Reasons};
use packets::{Packets, What};

/// Nodes that are looked at before a search is given up.
const NODES_MAX: usize = 50_000;

/// What becomes of a record under a profile, in words.
pub(crate) fn follow(text: &str, profile: &str) -> String {
    let packets = Packets::parse(text, Profile::named(profile).expect("a profile"));
    let mut refused = Vec::new();
    for id in packets.cfg.ensemble.voters() {
        if let Err((place, reasons)) = follow_server(&packets, id) {
            refused.push((place, format!("server {id}: {reasons}")));
        }
    }
    refused.sort();
    match refused.first() {
        None => format!("{profile}: a run of {} packets\n", packets.items.len()),
        Some((place, reasons)) => {
            format!("{profile}: refused at `{}`, {reasons}\n", packets.items[*place].text)
        }
    }
}

/// Follows one server through the whole record; otherwise where that ends, and why.
fn follow_server(packets: &Packets, id: ServerId) -> Result<(), (usize, String)> {
    let mut frontier = vec![Node::new(packets, id)];
    for (place, item) in packets.items.iter().enumerate() {
        if item.from != id || !matches!(item.what, What::Sent(_)) {
            continue;
        }
        let mut reasons = Reasons::at(place);
        frontier = reach(packets, frontier, place, &mut reasons);
        if frontier.is_empty() {
            return Err((place, reasons.text()));
        }
    }
    Ok(())
}

/// The nodes nearest to these that have sent what the record has at a place.
fn reach(packets: &Packets, start: Vec<Node>, place: usize, reasons: &mut Reasons) -> Vec<Node> {
    let mut seen: HashSet<Node> = start.iter().cloned().collect();
    let mut level = start;
    while !level.is_empty() {
        let there: Vec<Node> =
            level.iter().filter(|node| node.has_sent(packets, place)).cloned().collect();
        if !there.is_empty() {
            return there;
        }
        let mut next = Vec::new();
        for node in &level {
            for after in node.successors(packets, place, reasons) {
                if seen.insert(after.clone()) {
                    next.push(after);
                }
            }
        }
        assert!(seen.len() < NODES_MAX, "too many ways to {}", packets.items[place].text);
        level = next;
    }
    Vec::new()
}

/// What is followed: servers of traces, at grain `threads`.
type Message = zab_model::Message<Wide>;
