//! What a trace must show for its scenario to have taken place.

use std::collections::BTreeMap;

use zab_trace::{Event, EventKind, Message, ServerId};

pub(super) fn sent(
    events: &[Event],
    what: &str,
    wanted: fn(&Message) -> bool,
) -> Result<(), String> {
    let found = events
        .iter()
        .any(|event| matches!(&event.kind, EventKind::Sent(packet) if wanted(&packet.message)));
    if found { Ok(()) } else { Err(format!("no {what} was sent")) }
}

pub(super) fn committed_something(events: &[Event]) -> Result<(), String> {
    let found = events.iter().any(|event| matches!(event.kind, EventKind::Committed { .. }));
    if found { Ok(()) } else { Err("nothing was committed".to_owned()) }
}

pub(super) fn killed(events: &[Event]) -> Result<(), String> {
    let found = events.iter().any(|event| matches!(event.kind, EventKind::Killed));
    if found { Ok(()) } else { Err("nobody was killed".to_owned()) }
}

/// Epochs that were established, and by whom.
fn established(events: &[Event]) -> Vec<(u64, ServerId)> {
    events
        .iter()
        .filter_map(|event| {
            let EventKind::Established { epoch } = event.kind else { return None };
            Some((u64::from(epoch), event.server))
        })
        .collect()
}

pub(super) fn exactly_one_epoch(events: &[Event]) -> Result<(), String> {
    match established(events).as_slice() {
        [_] => Ok(()),
        other => Err(format!("expected one established epoch, found {}", other.len())),
    }
}

pub(super) fn two_epochs(events: &[Event]) -> Result<(), String> {
    match established(events).len() {
        0 | 1 => Err("expected a second established epoch, found none".to_owned()),
        _ => Ok(()),
    }
}

pub(super) fn led_by(events: &[Event], leader: ServerId) -> Result<(), String> {
    match established(events).first() {
        Some((_, first)) if *first == leader => Ok(()),
        Some((_, first)) => Err(format!("expected server {leader} to lead, but {first} did")),
        None => Err("nobody led".to_owned()),
    }
}

/// Some server looked for a leader more than once in one life.
pub(super) fn looked_again(events: &[Event]) -> Result<(), String> {
    let mut times = BTreeMap::<_, usize>::new();
    for event in events.iter().filter(|event| matches!(event.kind, EventKind::Looking { .. })) {
        *times.entry((event.server, event.incarnation)).or_default() += 1;
    }
    if times.values().any(|times| *times > 1) {
        return Ok(());
    }
    Err("no server lost its leader".to_owned())
}

/// How often a connection of the quorum port ended at a server.
pub(super) fn times_disconnected(events: &[Event]) -> usize {
    events.iter().filter(|event| matches!(event.kind, EventKind::Disconnected { .. })).count()
}

/// A server of a second incarnation got DIFF and then at least one transaction before NEWLEADER.
pub(super) fn rejoined_by_diff(events: &[Event]) -> Result<(), String> {
    let mut transactions = None;
    for event in events.iter().filter(|event| event.incarnation > 1) {
        let EventKind::Received(packet) = &event.kind else { continue };
        match (&packet.message, transactions) {
            (Message::Diff { .. }, _) => transactions = Some(0),
            (Message::Proposal { .. }, Some(count)) => transactions = Some(count + 1),
            (Message::NewLeader { .. }, Some(count)) if count > 0 => return Ok(()),
            _ => {}
        }
    }
    Err("the killed leader did not rejoin by DIFF with at least one transaction".to_owned())
}
