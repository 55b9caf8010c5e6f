//! The same run with less order: lines of one server in several chains, as an emitter with several
//! threads writes them.
//!
//! A run that conforms still does afterwards, because the order it had is one of those that are
//! left. It uses nothing of the search that is to find that out.

use std::collections::BTreeMap;

use zab_trace::{Chain, Event, EventKind, ServerId};

use crate::rng::Rng;

/// Moves lines of one server into a second chain. `after` still orders all its lines.
#[must_use]
pub fn second_chain(
    events: &[Event],
    server: ServerId,
    moved: impl Fn(&EventKind) -> bool,
) -> Vec<Event> {
    let second = Chain::new("second");
    let chain = |event: &Event| if moved(&event.kind) { second.clone() } else { Chain::MAIN };
    split(events, server, chain, || true)
}

/// Moves lines of one server into chains of their own, by kind; of each two lines in turn that are
/// then in different chains, the order is kept so often out of 1000.
#[must_use]
pub fn weaken(events: &[Event], server: ServerId, kept: u32, rng: &mut Rng) -> Vec<Event> {
    let apart: Vec<bool> = (0..5).map(|_| rng.often(500)).collect();
    let chain = |event: &Event| {
        // The messages of one direction of one connection stay in one chain.
        let (kind, name) = if let EventKind::Persisted(_) = &event.kind {
            (0, "disk".to_owned())
        } else if let EventKind::Delivered { .. } = &event.kind {
            (1, "apply".to_owned())
        } else if let EventKind::Sent(packet) = &event.kind {
            (2, format!("to {}", packet.connection))
        } else if let EventKind::Received(packet) = &event.kind {
            (3, format!("from {}", packet.connection))
        } else if let EventKind::Proposed { .. } | EventKind::Committed { .. } = &event.kind {
            (4, "decide".to_owned())
        } else {
            return Chain::MAIN;
        };
        if apart[kind] { Chain::new(&name) } else { Chain::MAIN }
    };
    split(events, server, chain, || rng.often(kept))
}

/// Gives the lines of one server their chains and numbers. `keep`: whether the next line that is in
/// another chain than the one before it names that one.
fn split(
    events: &[Event],
    server: ServerId,
    chain: impl Fn(&Event) -> Chain,
    mut keep: impl FnMut() -> bool,
) -> Vec<Event> {
    let mut events = events.to_vec();
    let mut lives: BTreeMap<u32, Life> = BTreeMap::new();
    for event in events.iter_mut().filter(|event| event.server == server) {
        let life = lives.entry(event.incarnation).or_default();
        let ends = event.kind.ends_incarnation();
        if event.chain != Chain::harness() {
            event.chain = if ends { Chain::MAIN } else { chain(event) };
            let next = life.next.entry(event.chain.clone()).or_default();
            event.seq = *next;
            *next += 1;
        }
        let other = life.last.take().filter(|(before, _)| *before != event.chain);
        event.after = if ends {
            let chains = life.next.iter().filter(|(other, _)| **other != event.chain);
            chains.map(|(chain, next)| (chain.clone(), next - 1)).collect()
        } else {
            other.filter(|_| keep()).into_iter().collect()
        };
        life.last = Some((event.chain.clone(), event.seq));
    }
    events
}

/// How far the chains of a life have come.
#[derive(Debug, Default)]
struct Life {
    next: BTreeMap<Chain, u64>,
    last: Option<(Chain, u64)>,
}
