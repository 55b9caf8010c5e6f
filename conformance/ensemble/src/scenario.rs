//! The scenarios: what is done to real servers, and what must then be in their trace.

use std::thread;
use std::time::Duration;

use zab_trace::{Event, Message};

use crate::ensemble::{Ensemble, told};
use crate::error::RecordError;
use crate::seen;
use crate::story::{DEPOSED_LEADER, FIVE_IN_ORDER, ISOLATED_FOLLOWER, THREE_IN_ORDER};

/// Ticks that a server may be silent. So many that a busy machine is not taken for a dead one: a
/// killed server and a cut link are noticed at once, by the end of the connection.
const PATIENT: u32 = 50;
/// So few that a frozen server is soon given up: 1 s.
const IMPATIENT: u32 = 5;
/// How long a whole ensemble is frozen: longer than anybody may be silent. Nothing happens
/// meanwhile that could be waited for.
const ALL_FROZEN: Duration = Duration::from_millis(1500);

/// One scenario.
pub struct Scenario {
    /// Its name: the situation.
    pub name: &'static str,
    /// What happens, in a sentence.
    pub story: &'static str,
    /// How many committed transactions a leader keeps for DIFF.
    pub window: u32,
    /// After how many ticks without a word a server gives another one up.
    pub sync_limit: u32,
    /// How many servers it is about, if it is not about any number.
    pub servers: Option<u8>,
    /// Whether what is done depends on what the traces show.
    pub needs_trace: bool,
    /// What is done to the servers.
    pub(crate) run: fn(&mut Ensemble<'_>) -> Result<(), RecordError>,
    /// What the trace must show, or the scenario was not what it says.
    pub(crate) shown: fn(&[Event]) -> Result<(), String>,
}

/// All of them, in the order of `record --list`.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "start-in-order",
        story: "one after the other starts; the last of the first majority leads, the others join late",
        window: 500,
        sync_limit: PATIENT,
        servers: None,
        needs_trace: false,
        run: start_in_order,
        shown: seen::led_by_last_of_majority,
    },
    Scenario {
        name: "start-together",
        story: "all start at once and elect a leader",
        window: 500,
        sync_limit: PATIENT,
        servers: None,
        needs_trace: false,
        run: start_together,
        shown: seen::committed_something,
    },
    Scenario {
        name: "leader-kill",
        story: "the leader is killed while clients write; it restarts and rejoins by DIFF",
        window: 500,
        sync_limit: PATIENT,
        servers: None,
        needs_trace: false,
        run: leader_kill,
        shown: |events| seen::killed(events).and_then(|()| seen::rejoined_by_diff(events)),
    },
    Scenario {
        name: "truncate",
        story: "a leader is cut off and killed with a transaction that nobody else has; rejoining, \
                it is truncated",
        window: 500,
        sync_limit: PATIENT,
        servers: None,
        needs_trace: true,
        run: truncate,
        shown: |events| seen::sent(events, "TRUNC", |m| matches!(m, Message::Trunc { .. })),
    },
    Scenario {
        name: "snapshot",
        story: "a follower is killed and misses more than the leader's window; it rejoins by SNAP",
        window: 8,
        sync_limit: PATIENT,
        servers: None,
        needs_trace: false,
        run: snapshot,
        shown: |events| seen::sent(events, "SNAP", |m| matches!(m, Message::Snap { .. })),
    },
    Scenario {
        name: "leader-cut",
        story: "the leader is cut off from the majority, which elects another; the cut heals",
        window: 500,
        sync_limit: PATIENT,
        servers: None,
        needs_trace: false,
        run: leader_cut,
        shown: seen::two_epochs,
    },
    Scenario {
        name: "follower-cut",
        story: "a follower is cut off and comes back; the leader and its epoch stay",
        window: 500,
        sync_limit: PATIENT,
        servers: None,
        needs_trace: false,
        run: follower_cut,
        shown: seen::exactly_one_epoch,
    },
    Scenario {
        name: "leader-freeze",
        story: "the leader is frozen until the others have elected another, and goes on as if it \
                led",
        window: 500,
        sync_limit: IMPATIENT,
        servers: None,
        needs_trace: false,
        run: leader_freeze,
        shown: seen::two_epochs,
    },
    Scenario {
        name: "follower-freeze",
        story: "a follower is frozen until the leader gives it up, and goes on as if it followed",
        window: 500,
        sync_limit: IMPATIENT,
        servers: None,
        needs_trace: true,
        run: follower_freeze,
        shown: seen::looked_again,
    },
    Scenario {
        name: "all-freeze",
        story: "all are frozen for longer than anybody may be silent, and go on",
        window: 500,
        sync_limit: IMPATIENT,
        servers: None,
        needs_trace: false,
        run: all_freeze,
        shown: seen::committed_something,
    },
    Scenario {
        name: THREE_IN_ORDER.name,
        story: "one server, two that elect the larger id, and a third that follows",
        window: 500,
        sync_limit: PATIENT,
        servers: Some(3),
        needs_trace: true,
        run: |ensemble| ensemble.tell(&THREE_IN_ORDER),
        shown: |events| told::shown(&THREE_IN_ORDER, events),
    },
    Scenario {
        name: FIVE_IN_ORDER.name,
        story: "two of five decide nothing, the third leads, the fourth and fifth follow",
        window: 500,
        sync_limit: PATIENT,
        servers: Some(5),
        needs_trace: true,
        run: |ensemble| ensemble.tell(&FIVE_IN_ORDER),
        shown: |events| told::shown(&FIVE_IN_ORDER, events),
    },
    Scenario {
        name: ISOLATED_FOLLOWER.name,
        story: "a follower and its leader are cut from each other; the others tell it who leads",
        window: 500,
        sync_limit: PATIENT,
        servers: Some(5),
        needs_trace: true,
        run: |ensemble| ensemble.tell(&ISOLATED_FOLLOWER),
        shown: |events| told::shown(&ISOLATED_FOLLOWER, events),
    },
    Scenario {
        name: DEPOSED_LEADER.name,
        story: "a leader without its followers acknowledges nothing; it comes back and follows",
        window: 500,
        sync_limit: PATIENT,
        servers: Some(3),
        needs_trace: true,
        run: |ensemble| ensemble.tell(&DEPOSED_LEADER),
        shown: |events| told::shown(&DEPOSED_LEADER, events),
    },
];

impl Scenario {
    /// The scenario of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        SCENARIOS.iter().find(|scenario| scenario.name == name)
    }
}

fn start_in_order(ensemble: &mut Ensemble<'_>) -> Result<(), RecordError> {
    let servers = ensemble.servers();
    let (first, late) = servers.split_at(servers.len() / 2 + 1);
    first.iter().try_for_each(|server| ensemble.start(*server))?;
    ensemble.await_leader()?;
    ensemble.write(1, 5)?;
    for server in late {
        ensemble.start(*server)?;
        ensemble.await_serving(*server)?;
        ensemble.write(*server, 5)?;
    }
    ensemble.read_back()
}

fn start_together(ensemble: &mut Ensemble<'_>) -> Result<(), RecordError> {
    ensemble.start_all()?;
    ensemble.servers().into_iter().try_for_each(|server| ensemble.write(server, 4))?;
    ensemble.read_back()
}

fn leader_kill(ensemble: &mut Ensemble<'_>) -> Result<(), RecordError> {
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

fn truncate(ensemble: &mut Ensemble<'_>) -> Result<(), RecordError> {
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

fn snapshot(ensemble: &mut Ensemble<'_>) -> Result<(), RecordError> {
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

fn leader_cut(ensemble: &mut Ensemble<'_>) -> Result<(), RecordError> {
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

fn follower_cut(ensemble: &mut Ensemble<'_>) -> Result<(), RecordError> {
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

fn leader_freeze(ensemble: &mut Ensemble<'_>) -> Result<(), RecordError> {
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

fn follower_freeze(ensemble: &mut Ensemble<'_>) -> Result<(), RecordError> {
    ensemble.start_all()?;
    let leader = ensemble.await_leader()?;
    let follower = ensemble.others(leader)[0];
    ensemble.write(follower, 5)?;
    let before = seen::times_disconnected(&ensemble.events(leader)?);
    ensemble.freeze(follower)?;
    ensemble.await_events(leader, "end of a connection", |events| {
        (seen::times_disconnected(events) > before).then_some(())
    })?;
    ensemble.write(leader, 5)?;
    ensemble.thaw(follower)?;
    ensemble.write(follower, 5)?;
    ensemble.read_back()
}

fn all_freeze(ensemble: &mut Ensemble<'_>) -> Result<(), RecordError> {
    ensemble.start_all()?;
    let leader = ensemble.await_leader()?;
    ensemble.write(leader, 5)?;
    let servers = ensemble.servers();
    servers.iter().try_for_each(|server| ensemble.freeze(*server))?;
    thread::sleep(ALL_FROZEN);
    servers.iter().try_for_each(|server| ensemble.thaw(*server))?;
    ensemble.write(leader, 5)?;
    ensemble.read_back()
}
