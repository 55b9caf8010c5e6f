//! The scenarios for servers that are known by their packets.

mod random;
mod stale;
mod truncate;

use zab_trace::ServerId;
use zab_wire::PacketType;

use super::WireScenario;
use super::packets;
use super::run::Run;
use super::told::tell;
use crate::error::RecordError;
use crate::recorder::{Reaction, Who};
use crate::relay::tap::Flow;
use crate::story::{DEPOSED_LEADER, FIVE_IN_ORDER, ISOLATED_FOLLOWER, THREE_IN_ORDER};

/// So many ticks that a busy machine is not taken for a dead one.
const PATIENT: u32 = 40;
/// So few that a server that is silent is soon given up.
const IMPATIENT: u32 = 5;
/// So many that nobody gives up while one disk is slow.
const VERY_PATIENT: u32 = 150;

/// A scenario without observers, with the window that every release takes.
const PLAIN: WireScenario = WireScenario {
    name: "",
    story: "",
    observers: 0,
    window: 500,
    sync_limit: PATIENT,
    servers: None,
    run: start_together,
    shown: packets::committed_something,
};

/// All of them, in the order of `record --list`.
pub const WIRE_SCENARIOS: &[WireScenario] = &[
    WireScenario {
        name: "start-together",
        story: "all start at once, elect a leader and replicate",
        ..PLAIN
    },
    WireScenario {
        name: "leader-kill",
        story: "the leader is killed; it restarts and rejoins by a DIFF with transactions",
        run: leader_kill,
        shown: packets::rejoined_by_diff,
        ..PLAIN
    },
    WireScenario {
        name: "truncate",
        story: "a leader logs transactions that nobody else gets, and is killed; rejoining, it is \
                truncated",
        run: truncate::after_kill,
        shown: packets::truncated,
        ..PLAIN
    },
    WireScenario {
        name: "truncate-first",
        story: "a follower is told to cut off the first transaction of a new ensemble (needs strace)",
        sync_limit: VERY_PATIENT,
        run: truncate::first,
        shown: packets::truncated,
        ..PLAIN
    },
    WireScenario {
        name: "truncate-after-snap",
        story: "a follower is told to cut off the first transaction after its snapshot (needs \
                strace)",
        sync_limit: VERY_PATIENT,
        run: truncate::after_snap,
        shown: packets::truncated,
        ..PLAIN
    },
    WireScenario {
        name: "snapshot",
        story: "a killed leader has transactions of its own, and the next one has some of its epoch: \
                SNAP across an epoch",
        run: truncate::across_epochs,
        shown: packets::snapshot,
        ..PLAIN
    },
    WireScenario {
        name: "snapshot-far",
        story: "a follower misses more than the leader's window; it rejoins by SNAP",
        run: snapshot_far,
        shown: packets::snapshot,
        ..PLAIN
    },
    WireScenario {
        name: "observer",
        story: "an observer is killed, misses transactions, and comes back",
        observers: 1,
        run: observer,
        shown: packets::informed,
        ..PLAIN
    },
    WireScenario {
        name: "leader-cut",
        story: "the leader's connections are reset and refused; another leads; the cut heals",
        run: leader_cut,
        shown: packets::two_epochs,
        ..PLAIN
    },
    WireScenario {
        name: "leader-silence",
        story: "nothing from or to the leader is delivered; another leads; it is delivered late",
        sync_limit: IMPATIENT,
        run: leader_silence,
        shown: packets::two_epochs,
        ..PLAIN
    },
    WireScenario {
        name: "kill-at-newleader-ack",
        story: "a follower is killed as its acknowledgement of NEWLEADER passes, and restarts; again \
                and again (--rounds)",
        run: kill_at_newleader_ack,
        ..PLAIN
    },
    WireScenario {
        name: "stale-ack",
        story: "a follower acknowledges a write, is reset and truncated while the leader's disk is \
                slow; then the leader is cut off (needs strace)",
        sync_limit: VERY_PATIENT,
        run: stale::reset,
        shown: packets::truncated,
        ..PLAIN
    },
    WireScenario {
        name: "stale-ack-late",
        story: "the same, and the old acknowledgement reaches the leader after the truncation (needs \
                strace)",
        sync_limit: VERY_PATIENT,
        run: stale::late,
        ..PLAIN
    },
    WireScenario {
        name: "stale-ack-control",
        story: "the same as stale-ack without the reset (needs strace)",
        sync_limit: VERY_PATIENT,
        run: stale::control,
        ..PLAIN
    },
    WireScenario {
        name: "random",
        story: "kills, cuts, resets and silence by chance, one server at a time (--seed, --duration)",
        sync_limit: IMPATIENT,
        run: random::random,
        ..PLAIN
    },
    WireScenario {
        name: THREE_IN_ORDER.name,
        story: "one server, two that elect the larger id, and a third that follows",
        servers: Some(3),
        run: |run| tell(run, &THREE_IN_ORDER),
        shown: |items| packets::epochs_of(&THREE_IN_ORDER, items),
        ..PLAIN
    },
    WireScenario {
        name: FIVE_IN_ORDER.name,
        story: "two of five decide nothing, the third leads, the fourth and fifth follow",
        servers: Some(5),
        run: |run| tell(run, &FIVE_IN_ORDER),
        shown: |items| packets::epochs_of(&FIVE_IN_ORDER, items),
        ..PLAIN
    },
    WireScenario {
        name: ISOLATED_FOLLOWER.name,
        story: "a follower and its leader are cut from each other; the others tell it who leads",
        servers: Some(5),
        run: |run| tell(run, &ISOLATED_FOLLOWER),
        shown: |items| packets::epochs_of(&ISOLATED_FOLLOWER, items),
        ..PLAIN
    },
    WireScenario {
        name: DEPOSED_LEADER.name,
        story: "a leader without its followers acknowledges nothing; it comes back and follows",
        servers: Some(3),
        run: |run| tell(run, &DEPOSED_LEADER),
        shown: |items| packets::epochs_of(&DEPOSED_LEADER, items),
        ..PLAIN
    },
];

fn start_together(run: &mut Run<'_>) -> Result<(), RecordError> {
    run.start_all()?;
    run.servers().into_iter().try_for_each(|server| run.write(server, 4))?;
    run.read_back(&run.servers())
}

fn leader_kill(run: &mut Run<'_>) -> Result<(), RecordError> {
    run.start_all()?;
    let old = run.await_leader()?;
    let others = run.others(old);
    run.write(others[0], 10)?;
    run.kill(old)?;
    let new = run.await_leader_among(&others)?;
    run.write(new, 10)?;
    run.start(old)?;
    run.await_serving(old)?;
    run.write(old, 5)?;
    run.read_back(&run.servers())
}

fn snapshot_far(run: &mut Run<'_>) -> Result<(), RecordError> {
    run.start_all()?;
    let leader = run.await_leader()?;
    let follower = run.others(leader)[0];
    run.write(leader, 2)?;
    run.kill(follower)?;
    run.write_many(leader, 520)?;
    run.start(follower)?;
    run.await_serving(follower)?;
    run.write(follower, 2)?;
    run.read_back(&[follower])
}

fn observer(run: &mut Run<'_>) -> Result<(), RecordError> {
    run.start_all()?;
    let leader = run.await_leader()?;
    run.write(leader, 5)?;
    let observers = run.observers().to_vec();
    for observer in observers {
        run.kill(observer)?;
        run.write(leader, 5)?;
        run.start(observer)?;
        run.await_serving(observer)?;
        run.write(observer, 5)?;
    }
    run.read_back(&run.servers())
}

fn leader_cut(run: &mut Run<'_>) -> Result<(), RecordError> {
    another_leads(run, |run, server| run.cut(server), |run, server| run.heal(server))
}

fn leader_silence(run: &mut Run<'_>) -> Result<(), RecordError> {
    another_leads(
        run,
        |run, server| run.set_flows(server, Flow::Hold),
        |run, server| run.set_flows(server, Flow::Pass),
    )
}

fn another_leads(
    run: &mut Run<'_>,
    away: fn(&Run<'_>, ServerId),
    back: fn(&Run<'_>, ServerId),
) -> Result<(), RecordError> {
    run.start_all()?;
    let old = run.await_leader()?;
    let others = run.others(old);
    run.write(others[0], 5)?;
    away(run, old);
    let new = run.await_leader_among(&others)?;
    run.write(new, 5)?;
    run.await_not_serving(old)?;
    back(run, old);
    run.await_serving(old)?;
    run.write(old, 5)?;
    run.read_back(&run.servers())
}

fn kill_at_newleader_ack(run: &mut Run<'_>) -> Result<(), RecordError> {
    run.start_all()?;
    let leader = run.await_leader()?;
    let follower = run.others(leader)[0];
    run.write(leader, 2)?;
    for _ in 0..run.recording.rounds {
        run.kill(follower)?;
        run.write(leader, 20)?;
        let killed = run.watch(
            move |packet| {
                packet.from == follower
                    && packet.is(PacketType::Ack)
                    && packet.packet().is_some_and(|ack| ack.zxid.trailing_zeros() >= 32)
            },
            Reaction::KillBefore(Who::Sender),
        );
        run.start(follower)?;
        run.await_packet(&killed, "acknowledgement of NEWLEADER")?;
        run.await_killed(follower)?;
        run.start(follower)?;
        run.await_serving(follower)?;
    }
    run.read_back(&run.servers())
}
