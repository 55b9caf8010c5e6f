//! Corruptions: what a wrong implementation, or a wrong recorder, would have written.
//!
//! A [`Corruption`] changes a good trace in one place so that it looks like something the protocol
//! did: numbers close up again, and what was changed where it was sent is changed where it arrives.
//! It knows the line at which the checker has to stop, and the rule.

mod connections;
mod due;
#[expect(clippy::wildcard_enum_match_arm, reason = "a corruption is about one kind of line")]
mod lines;
#[expect(clippy::wildcard_enum_match_arm, reason = "a corruption is about one kind of message")]
mod messages;
#[expect(clippy::wildcard_enum_match_arm, reason = "a corruption is about one kind of line")]
mod moves;
mod random;

use std::collections::BTreeMap;

use zab_trace::{Chain, Event, EventKind, ServerId};

use crate::renumber::renumber;

pub use random::corrupt;

/// A way to corrupt a trace.
#[derive(Clone, Copy, Debug)]
pub struct Corruption {
    /// What it is called; also its file in the corpus.
    pub name: &'static str,
    /// What happened, in one sentence.
    pub story: &'static str,
    /// The rule that the checker must name.
    pub rule: &'static str,
    /// Applies it to a good trace in causal order; none if there is no opportunity.
    apply: fn(&[Event]) -> Option<Corrupted>,
}

/// A trace with one corruption.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Corrupted {
    /// The lines, without what came long after the corruption.
    pub events: Vec<Event>,
    /// The index of the line at which the checker must stop.
    pub illegal: usize,
    /// The same part of the good trace.
    pub twin: Vec<Event>,
}

impl Corruption {
    /// Applies the corruption at the first opportunity, and cuts the trace a little later: every
    /// server that runs is killed there.
    #[must_use]
    pub fn apply(&self, good: &[Event]) -> Option<Corrupted> {
        let corrupted = (self.apply)(good)?;
        let end = corrupted.illegal.max(corrupted.events.len().saturating_sub(1));
        Some(Corrupted {
            events: cut(good, &corrupted.events),
            illegal: corrupted.illegal,
            twin: cut(good, &good[..(end + 2).min(good.len())]),
        })
    }
}

/// All corruptions.
#[must_use]
pub fn corruptions() -> Vec<Corruption> {
    let kinds = [messages::CORRUPTIONS, lines::CORRUPTIONS, moves::CORRUPTIONS];
    let connections_and_dues = [connections::CORRUPTIONS, due::CORRUPTIONS];
    [kinds.concat(), connections_and_dues.concat()].concat()
}

/// A beginning of a trace, renumbered, with every server that runs then killed. Servers of the whole
/// trace that have not started by then start first: a trace shows every member.
#[must_use]
pub fn cut(whole: &[Event], beginning: &[Event]) -> Vec<Event> {
    let mut kept = beginning.to_vec();
    for event in whole {
        if kept.iter().all(|other| other.server != event.server) {
            kept.push(event.clone());
        }
    }
    let mut running: BTreeMap<ServerId, u32> = BTreeMap::new();
    for event in &kept {
        if event.kind.ends_incarnation() {
            running.remove(&event.server);
        } else if let EventKind::Start { .. } = event.kind {
            running.insert(event.server, event.incarnation);
        }
    }
    for (server, incarnation) in running {
        kept.push(Event::killed(server, incarnation, 0, vec![(Chain::MAIN, 0)]));
    }
    renumber(&mut kept);
    kept
}

/// The line that receives what the line at `sent` sends.
fn receipt(events: &[Event], sent: usize) -> Option<usize> {
    let EventKind::Sent(packet) = &events.get(sent)?.kind else { return None };
    let from = events[sent].server;
    events.iter().position(|event| {
        let EventKind::Received(received) = &event.kind else { return false };
        received.connection == packet.connection
            && received.ordinal == packet.ordinal
            && received.peer == from
    })
}

/// A trace that is illegal at this line, and is cut right after it.
fn corrupted(mut events: Vec<Event>, illegal: usize) -> Option<Corrupted> {
    events.truncate(illegal + 1);
    Some(Corrupted { events, illegal, twin: Vec::new() })
}

/// Moves a line to an earlier place; returns the lines.
fn moved(events: &[Event], from: usize, to: usize) -> Vec<Event> {
    let mut events = events.to_vec();
    let event = events.remove(from);
    events.insert(to, event);
    events
}
