//! What events show: that a scenario has taken place, and how far it is.

use std::collections::BTreeMap;

use zab_trace::{Event, EventKind, Message, Persisted, ServerId, Zxid};

pub(crate) fn sent(
    events: &[Event],
    what: &str,
    wanted: fn(&Message) -> bool,
) -> Result<(), String> {
    let found = events
        .iter()
        .any(|event| matches!(&event.kind, EventKind::Sent(packet) if wanted(&packet.message)));
    if found { Ok(()) } else { Err(format!("no {what} was sent")) }
}

pub(crate) fn committed_something(events: &[Event]) -> Result<(), String> {
    let found = events.iter().any(|event| matches!(event.kind, EventKind::Committed { .. }));
    if found { Ok(()) } else { Err("nothing was committed".to_owned()) }
}

pub(crate) fn killed(events: &[Event]) -> Result<(), String> {
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

/// How many epochs were established.
pub(crate) fn epochs(events: &[Event]) -> usize {
    established(events).len()
}

pub(crate) fn exactly_one_epoch(events: &[Event]) -> Result<(), String> {
    match established(events).as_slice() {
        [_] => Ok(()),
        other => Err(format!("expected one established epoch, found {}", other.len())),
    }
}

pub(crate) fn two_epochs(events: &[Event]) -> Result<(), String> {
    match established(events).len() {
        0 | 1 => Err("expected a second established epoch, found none".to_owned()),
        _ => Ok(()),
    }
}

/// The ensemble has one epoch, led by the last server of the first majority.
pub(crate) fn led_by_last_of_majority(events: &[Event]) -> Result<(), String> {
    exactly_one_epoch(events)?;
    let servers = events.iter().map(|event| event.server).max().unwrap_or_default();
    let last = servers / 2 + 1;
    match established(events).first() {
        Some((_, leader)) if *leader == last => Ok(()),
        Some((_, leader)) => Err(format!("expected server {last} to lead, but {leader} did")),
        None => Err("nobody led".to_owned()),
    }
}

/// Some server looked for a leader more than once in one life.
pub(crate) fn looked_again(events: &[Event]) -> Result<(), String> {
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
pub(crate) fn times_disconnected(events: &[Event]) -> usize {
    events.iter().filter(|event| matches!(event.kind, EventKind::Disconnected { .. })).count()
}

/// A server of a second incarnation got DIFF and then at least one transaction before NEWLEADER.
pub(crate) fn rejoined_by_diff(events: &[Event]) -> Result<(), String> {
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

/// The last transaction that a server proposed, if it has not committed it.
pub(crate) fn open_proposal(events: &[Event]) -> Option<Zxid> {
    let last = events.iter().rev().find_map(|event| {
        let EventKind::Proposed { zxid, .. } = event.kind else { return None };
        Some(zxid)
    })?;
    let committed = events.iter().any(|event| event.kind == EventKind::Committed { zxid: last });
    (!committed).then_some(last)
}

/// Whether a server's log holds this transaction, durably.
pub(crate) fn is_logged(events: &[Event], zxid: Zxid) -> bool {
    let logged = EventKind::Persisted(Persisted::Log(zxid));
    events.iter().any(|event| event.kind == logged)
}

/// How often a server has looked for a leader.
pub(crate) fn times_looking(events: &[Event]) -> usize {
    events.iter().filter(|event| matches!(event.kind, EventKind::Looking { .. })).count()
}
