//! Acknowledgements that do not vouch any more (H-01).
//!
//! One follower acknowledges a write, loses its connection and rejoins the same leader, which has
//! not committed the write: its own disk is slow, and what it sends to the others is held back. The
//! leader tells the follower to cut the write off. If it counts the old acknowledgement all the same,
//! the write is committed as soon as the leader's disk is ready, and the client is told so, while no
//! other server has it. Then the leader is cut off.

use std::time::Duration;

use zab_trace::{Port, ServerId};
use zab_wire::PacketType;

use crate::client::Mode;
use crate::error::RecordError;
use crate::recorder::{Passed, Reaction, Watched};
use crate::relay::tap::Flow;
use crate::wire::clients::Answer;
use crate::wire::run::Run;
use crate::wire::slow::{self, SlowDisk};

/// How much later every flush of the leader's log begins, unless the disk is made fast before: it is as
/// soon as the old acknowledgement has done what it can.
const DELAY: Duration = Duration::from_secs(30);
/// How long the answer may take once the leader's disk is ready.
const ANSWER_MAX: Duration = Duration::from_secs(6);

/// What becomes of the follower's connection after its acknowledgement.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Old {
    /// It stays.
    Stays,
    /// It is reset.
    Reset,
    /// The follower sees its end, the leader does not, and gets the acknowledgement later.
    Late,
}

pub(super) fn reset(run: &mut Run<'_>) -> Result<(), RecordError> {
    stale(run, Old::Reset)
}

pub(super) fn late(run: &mut Run<'_>) -> Result<(), RecordError> {
    stale(run, Old::Late)
}

pub(super) fn control(run: &mut Run<'_>) -> Result<(), RecordError> {
    stale(run, Old::Stays)
}

fn stale(run: &mut Run<'_>, old: Old) -> Result<(), RecordError> {
    slow::is_possible()?;
    run.start_all()?;
    let leader = run.await_leader()?;
    let others = run.others(leader);
    let follower = others[0];
    run.write(leader, 5)?;
    let client = run.session(leader)?;
    let before = run.last_logged(leader).unwrap_or_default();
    set_held(run, leader, &others[1..], Flow::Hold);
    let acknowledged = run.watch(
        move |packet| {
            packet.from == follower
                && packet.is(PacketType::Ack)
                && packet.packet().is_some_and(|ack| ack.zxid > before)
        },
        if old == Old::Late { Reaction::Hold } else { Reaction::Tell },
    );
    let folder = run.home(leader)?.folder.clone();
    let slow = SlowDisk::begin(run.process(leader)?.id(), DELAY, &folder)?;
    let mut pending = run.send_write(client)?;
    let ack = run.await_packet(&acknowledged, "acknowledgement of the write")?;
    let again = match old {
        Old::Stays => None,
        Old::Reset | Old::Late => rejoin(run, leader, follower, &ack, old)?,
    };
    if old == Old::Late {
        run.recorder.release(&acknowledged);
    }
    slow.end()?;
    let mut answer = run.answer(&mut pending, ANSWER_MAX)?;
    if let Some(again) = again.filter(|_| answer != Answer::Written) {
        // The leader waits, as it should, for a follower that has the write.
        run.recorder.release(&again);
    }
    if answer == Answer::NotYet {
        answer = run.answer(&mut pending, run.recording.wait_max)?;
    }
    if answer == Answer::NotYet {
        let what = format!("answer to the write of {}", pending.path);
        return Err(RecordError::NoPacket { what, waited: run.recording.wait_max });
    }
    run.cut(leader);
    set_held(run, leader, &others[1..], Flow::Pass);
    run.await_leader_among(&others)?;
    run.read_back(&others)?;
    let lost = run.lost;
    run.heal(leader);
    run.await_serving(leader)?;
    run.lost = lost;
    Ok(())
}

fn set_held(run: &Run<'_>, leader: ServerId, others: &[ServerId], flow: Flow) {
    for other in others {
        run.recorder.set_flow(leader, *other, &[Port::Quorum], flow);
    }
}

/// The follower loses its connection and is truncated on the next one; what follows TRUNC there is
/// held back. None: the leader has nothing to do with a second connection of a follower as long as
/// it has the first, and leads no more.
fn rejoin(
    run: &mut Run<'_>,
    leader: ServerId,
    follower: ServerId,
    ack: &Passed,
    old: Old,
) -> Result<Option<Watched>, RecordError> {
    let connection = ack.connection;
    let truncated = run
        .watch(move |packet| packet.to == follower && packet.is(PacketType::Trunc), Reaction::Tell);
    let again = run.watch(
        move |packet| {
            packet.to == follower
                && packet.connection != connection
                && packet.is(PacketType::Proposal)
        },
        Reaction::Hold,
    );
    if old == Old::Late {
        run.recorder.break_dialler(connection);
    } else {
        run.reset(follower, leader);
    }
    let is_truncated = run.wait("TRUNC, or the end of the leader's lead", |run| {
        let leads_no_more = run.mode(leader) == Mode::NotServing;
        truncated.passed().map(|_| true).or(leads_no_more.then_some(false))
    })?;
    if !is_truncated {
        return Ok(None);
    }
    run.await_packet(&again, "PROPOSAL after TRUNC")?;
    Ok(Some(again))
}
