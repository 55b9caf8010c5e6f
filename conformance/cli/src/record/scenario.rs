//! The scenarios: what is done to three real servers, and what must then be in their trace.

use std::thread;
use std::time::Duration;

use zab_trace::{Event, Message};

use super::RecordError;
use super::ensemble::Ensemble;
use super::shown;

/// Ticks that a server may be silent. So many that a busy machine is not taken for a dead one: a
/// killed server and a cut link are noticed at once, by the end of the connection.
const PATIENT: u32 = 50;
/// So few that a frozen server is soon given up: 1 s.
const IMPATIENT: u32 = 5;
/// How long a whole ensemble is frozen: longer than anybody may be silent. Nothing happens
/// meanwhile that could be waited for.
const ALL_FROZEN: Duration = Duration::from_millis(1500);

/// One scenario.
pub(crate) struct Scenario {
    /// Its name: the situation.
    pub(crate) name: &'static str,
    /// What happens, in a sentence.
    pub(crate) story: &'static str,
    /// How many committed transactions a leader keeps for DIFF.
    pub(crate) window: u32,
    /// After how many ticks without a word a server gives another one up.
    pub(crate) sync_limit: u32,
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
        sync_limit: PATIENT,
        run: start_in_order,
        shown: |events| shown::exactly_one_epoch(events).and_then(|()| shown::led_by(events, 2)),
    },
    Scenario {
        name: "start-together",
        story: "all three start at once and elect a leader",
        window: 500,
        sync_limit: PATIENT,
        run: start_together,
        shown: shown::committed_something,
    },
    Scenario {
        name: "leader-kill",
        story: "the leader is killed while clients write; it restarts and rejoins by DIFF",
        window: 500,
        sync_limit: PATIENT,
        run: leader_kill,
        shown: |events| shown::killed(events).and_then(|()| shown::rejoined_by_diff(events)),
    },
    Scenario {
        name: "truncate",
        story: "a leader is cut off and killed with a transaction that nobody else has; rejoining, \
                it is truncated",
        window: 500,
        sync_limit: PATIENT,
        run: truncate,
        shown: |events| shown::sent(events, "TRUNC", |m| matches!(m, Message::Trunc { .. })),
    },
    Scenario {
        name: "snapshot",
        story: "a follower is killed and misses more than the leader's window; it rejoins by SNAP",
        window: 8,
        sync_limit: PATIENT,
        run: snapshot,
        shown: |events| shown::sent(events, "SNAP", |m| matches!(m, Message::Snap { .. })),
    },
    Scenario {
        name: "leader-cut",
        story: "the leader is cut off from the majority, which elects another; the cut heals",
        window: 500,
        sync_limit: PATIENT,
        run: leader_cut,
        shown: shown::two_epochs,
    },
    Scenario {
        name: "follower-cut",
        story: "a follower is cut off and comes back; the leader and its epoch stay",
        window: 500,
        sync_limit: PATIENT,
        run: follower_cut,
        shown: shown::exactly_one_epoch,
    },
    Scenario {
        name: "leader-freeze",
        story: "the leader is frozen until the others have elected another, and goes on as if it \
                led",
        window: 500,
        sync_limit: IMPATIENT,
        run: leader_freeze,
        shown: shown::two_epochs,
    },
    Scenario {
        name: "follower-freeze",
        story: "a follower is frozen until the leader gives it up, and goes on as if it followed",
        window: 500,
        sync_limit: IMPATIENT,
        run: follower_freeze,
        shown: shown::looked_again,
    },
    Scenario {
        name: "all-freeze",
        story: "all are frozen for longer than anybody may be silent, and go on",
        window: 500,
        sync_limit: IMPATIENT,
        run: all_freeze,
        shown: shown::committed_something,
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
    let old = loop {
        let leader = ensemble.await_leader()?;
        ensemble.write(leader, 5)?;
        if ensemble.write_after_cut(leader)? {
            break leader;
        }
        ensemble.heal(leader)?;
    };
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

fn leader_freeze(ensemble: &mut Ensemble) -> Result<(), RecordError> {
    ensemble.start_all()?;
    let old = ensemble.await_leader()?;
    let others = ensemble.others(old);
    ensemble.write(others[0], 5)?;
    ensemble.freeze(old)?;
    ensemble.await_leader_among(&others)?;
    ensemble.write(others[0], 5)?;
    ensemble.thaw(old)?;
    ensemble.await_following(old)?;
    ensemble.write(old, 5)?;
    ensemble.read_back()
}

fn follower_freeze(ensemble: &mut Ensemble) -> Result<(), RecordError> {
    ensemble.start_all()?;
    let leader = ensemble.await_leader()?;
    let follower = ensemble.others(leader)[0];
    ensemble.write(follower, 5)?;
    let before = shown::times_disconnected(&ensemble.events(leader));
    ensemble.freeze(follower)?;
    ensemble.await_events(leader, "end of a connection", |events| {
        (shown::times_disconnected(events) > before).then_some(())
    })?;
    ensemble.write(leader, 5)?;
    ensemble.thaw(follower)?;
    ensemble.write(follower, 5)?;
    ensemble.read_back()
}

fn all_freeze(ensemble: &mut Ensemble) -> Result<(), RecordError> {
    ensemble.start_all()?;
    let leader = ensemble.await_leader()?;
    ensemble.write(leader, 5)?;
    for server in [1, 2, 3] {
        ensemble.freeze(server)?;
    }
    thread::sleep(ALL_FROZEN);
    for server in [1, 2, 3] {
        ensemble.thaw(server)?;
    }
    ensemble.write(leader, 5)?;
    ensemble.read_back()
}
