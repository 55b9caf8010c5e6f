//! The scenarios: what is done to three real servers, and what must then be in their trace.

use zab_trace::{Event, EventKind, Message, ServerId};

use super::RecordError;
use super::ensemble::Ensemble;

/// One scenario.
pub(crate) struct Scenario {
    /// Its name: the situation.
    pub(crate) name: &'static str,
    /// What happens, in a sentence.
    pub(crate) story: &'static str,
    /// How many committed transactions a leader keeps for DIFF.
    pub(crate) window: u32,
    /// What is done to the servers.
    pub(super) run: fn(&mut Ensemble) -> Result<(), RecordError>,
    /// What the trace must show, or the scenario was not what it says.
    pub(super) shown: fn(&[Event]) -> Result<(), String>,
}

/// All of them, in the order of `record --list`.
pub(crate) const ALL: &[Scenario] = &[
    Scenario {
        name: "start-in-order",
        story: "1 starts, then 2, which leads; 3 joins late and follows",
        window: 500,
        run: start_in_order,
        shown: |events| exactly_one_epoch(events).and_then(|()| led_by(events, 2)),
    },
    Scenario {
        name: "start-together",
        story: "all three start at once and elect a leader",
        window: 500,
        run: start_together,
        shown: committed_something,
    },
    Scenario {
        name: "leader-kill",
        story: "the leader is killed while clients write; it restarts and rejoins by DIFF",
        window: 500,
        run: leader_kill,
        shown: |events| killed(events).and_then(|()| rejoined_by_diff(events)),
    },
    Scenario {
        name: "truncate",
        story: "a leader is cut off and killed with a transaction that nobody else has; rejoining, \
                it is truncated",
        window: 500,
        run: truncate,
        shown: |events| sent(events, "TRUNC", |m| matches!(m, Message::Trunc { .. })),
    },
    Scenario {
        name: "snapshot",
        story: "a follower is killed and misses more than the leader's window; it rejoins by SNAP",
        window: 8,
        run: snapshot,
        shown: |events| sent(events, "SNAP", |m| matches!(m, Message::Snap { .. })),
    },
    Scenario {
        name: "leader-cut",
        story: "the leader is cut off from the majority, which elects another; the cut heals",
        window: 500,
        run: leader_cut,
        shown: two_epochs,
    },
    Scenario {
        name: "follower-cut",
        story: "a follower is cut off and comes back; the leader and its epoch stay",
        window: 500,
        run: follower_cut,
        shown: exactly_one_epoch,
    },
];

/// The scenario of that name.
pub(crate) fn named(name: &str) -> Option<&'static Scenario> {
    ALL.iter().find(|scenario| scenario.name == name)
}

fn start_in_order(ensemble: &mut Ensemble) -> Result<(), RecordError> {
    ensemble.start(1)?;
    ensemble.start(2)?;
    ensemble.await_leader()?;
    ensemble.write(1, 5)?;
    ensemble.start(3)?;
    ensemble.await_serving(3)?;
    ensemble.write(3, 5)?;
    ensemble.read_back()
}

fn start_together(ensemble: &mut Ensemble) -> Result<(), RecordError> {
    ensemble.start_all()?;
    for server in [1, 2, 3] {
        ensemble.write(server, 4)?;
    }
    ensemble.read_back()
}

fn leader_kill(ensemble: &mut Ensemble) -> Result<(), RecordError> {
    ensemble.start_all()?;
    let old = ensemble.await_leader()?;
    let follower = ensemble.others(old)[0];
    ensemble.write(follower, 20)?;
    ensemble.kill(old)?;
    ensemble.await_leader()?;
    ensemble.write(follower, 20)?;
    ensemble.start(old)?;
    ensemble.write(follower, 10)?;
    ensemble.await_serving(old)?;
    ensemble.write(old, 5)?;
    ensemble.read_back()
}

fn truncate(ensemble: &mut Ensemble) -> Result<(), RecordError> {
    ensemble.start_all()?;
    let old = ensemble.await_leader()?;
    ensemble.write(old, 5)?;
    ensemble.write_after_cut(old)?;
    ensemble.await_uncommitted_tail(old)?;
    ensemble.kill(old)?;
    ensemble.heal(old)?;
    ensemble.await_leader()?;
    // No write in between: a transaction of the new epoch would make it a SNAP.
    ensemble.start(old)?;
    ensemble.await_serving(old)?;
    ensemble.write(old, 5)?;
    ensemble.read_back()
}

fn snapshot(ensemble: &mut Ensemble) -> Result<(), RecordError> {
    ensemble.start_all()?;
    let leader = ensemble.await_leader()?;
    let follower = ensemble.others(leader)[0];
    ensemble.write(leader, 4)?;
    ensemble.kill(follower)?;
    ensemble.write(leader, 24)?;
    ensemble.start(follower)?;
    ensemble.await_serving(follower)?;
    ensemble.write(follower, 4)?;
    ensemble.read_back()
}

fn leader_cut(ensemble: &mut Ensemble) -> Result<(), RecordError> {
    ensemble.start_all()?;
    let old = ensemble.await_leader()?;
    let follower = ensemble.others(old)[0];
    ensemble.write(follower, 5)?;
    ensemble.cut(old)?;
    ensemble.await_leader_among(&ensemble.others(old))?;
    ensemble.write(follower, 5)?;
    ensemble.await_not_serving(old)?;
    ensemble.heal(old)?;
    ensemble.await_serving(old)?;
    ensemble.write(old, 5)?;
    ensemble.read_back()
}

fn follower_cut(ensemble: &mut Ensemble) -> Result<(), RecordError> {
    ensemble.start_all()?;
    let leader = ensemble.await_leader()?;
    let follower = ensemble.others(leader)[0];
    ensemble.write(follower, 5)?;
    ensemble.cut(follower)?;
    ensemble.await_not_serving(follower)?;
    ensemble.write(leader, 5)?;
    ensemble.heal(follower)?;
    ensemble.await_serving(follower)?;
    ensemble.write(follower, 5)?;
    ensemble.read_back()
}

fn sent(events: &[Event], what: &str, wanted: fn(&Message) -> bool) -> Result<(), String> {
    let found = events
        .iter()
        .any(|event| matches!(&event.kind, EventKind::Sent(packet) if wanted(&packet.message)));
    if found { Ok(()) } else { Err(format!("no {what} was sent")) }
}

fn committed_something(events: &[Event]) -> Result<(), String> {
    let found = events.iter().any(|event| matches!(event.kind, EventKind::Committed { .. }));
    if found { Ok(()) } else { Err("nothing was committed".to_owned()) }
}

fn killed(events: &[Event]) -> Result<(), String> {
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

fn exactly_one_epoch(events: &[Event]) -> Result<(), String> {
    match established(events).as_slice() {
        [_] => Ok(()),
        other => Err(format!("expected one established epoch, found {}", other.len())),
    }
}

fn two_epochs(events: &[Event]) -> Result<(), String> {
    match established(events).len() {
        0 | 1 => Err("expected a second established epoch, found none".to_owned()),
        _ => Ok(()),
    }
}

fn led_by(events: &[Event], leader: ServerId) -> Result<(), String> {
    match established(events).first() {
        Some((_, first)) if *first == leader => Ok(()),
        Some((_, first)) => Err(format!("expected server {leader} to lead, but {first} did")),
        None => Err("nobody led".to_owned()),
    }
}

/// A server of a second incarnation got DIFF and then at least one transaction before NEWLEADER.
fn rejoined_by_diff(events: &[Event]) -> Result<(), String> {
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
