//! Transactions that are cut off.

use std::time::{Duration, Instant};

use zab_trace::{Port, ServerId};
use zab_wire::PacketType;

use crate::client::Client;
use crate::error::RecordError;
use crate::recorder::Reaction;
use crate::relay::tap::Flow;
use crate::wire::run::Run;
use crate::wire::slow::{self, SlowDisk};

/// How much later every flush of the leader's log begins, until the disk is made fast.
const DELAY: Duration = Duration::from_secs(30);

/// How long a follower is given to cut its log. Nobody tells when it has.
const CUT_MAX: Duration = Duration::from_secs(3);

/// The leader logs transactions that nobody else gets, and is killed; the others elect another.
fn leader_is_ahead(run: &mut Run<'_>) -> Result<(ServerId, ServerId), RecordError> {
    run.start_all()?;
    let old = run.await_leader()?;
    let others = run.others(old);
    run.write(old, 5)?;
    let mut clients = Vec::new();
    for _ in 0..3 {
        clients.push(run.session(old)?);
    }
    let before = run.last_logged(old).unwrap_or_default();
    for other in &others {
        run.recorder.set_flow(old, *other, &[Port::Quorum], Flow::Hold);
    }
    // None of them is answered.
    let pending: Result<Vec<_>, _> =
        clients.into_iter().map(|client| run.send_write(client)).collect();
    let _pending = pending?;
    run.wait("transactions in the leader's log", |run| {
        run.last_logged(old).is_some_and(|last| last >= before + 3).then_some(())
    })?;
    run.kill(old)?;
    // What is held back goes with the connections.
    run.cut(old);
    for other in &others {
        run.recorder.set_flow(old, *other, &[Port::Quorum], Flow::Pass);
    }
    run.heal(old);
    let new = run.await_leader_among(&others)?;
    Ok((old, new))
}

/// TRUNC, since the new leader has no transaction of its epoch.
pub(super) fn after_kill(run: &mut Run<'_>) -> Result<(), RecordError> {
    let (old, _) = leader_is_ahead(run)?;
    run.start(old)?;
    run.await_serving(old)?;
    run.write(old, 5)?;
    run.read_back(&run.servers())
}

/// SNAP, since TRUNC never crosses an epoch.
pub(super) fn across_epochs(run: &mut Run<'_>) -> Result<(), RecordError> {
    let (old, new) = leader_is_ahead(run)?;
    run.write(new, 5)?;
    run.start(old)?;
    run.await_serving(old)?;
    run.write(old, 5)?;
    run.read_back(&run.servers())
}

/// The first transaction of a new ensemble is cut off a follower: the leader has committed nothing,
/// and its position is no transaction.
pub(super) fn first(run: &mut Run<'_>) -> Result<(), RecordError> {
    slow::is_possible()?;
    run.start_all()?;
    let leader = run.await_leader()?;
    let follower = run.others(leader)[0];
    cut_off(run, leader, follower)
}

/// The first transaction after a snapshot that a follower got is cut off: the end of the snapshot is
/// no record of its log.
pub(super) fn after_snap(run: &mut Run<'_>) -> Result<(), RecordError> {
    slow::is_possible()?;
    let (old, new) = leader_is_ahead(run)?;
    run.write(new, 5)?;
    run.start(old)?;
    run.await_serving(old)?;
    cut_off(run, new, old)
}

/// A client's session is the next transaction. The follower acknowledges it, is reset and is told to
/// cut it off. Then it is killed, and says what it has when it starts.
fn cut_off(run: &mut Run<'_>, leader: ServerId, follower: ServerId) -> Result<(), RecordError> {
    let others: Vec<ServerId> =
        run.others(leader).into_iter().filter(|other| *other != follower).collect();
    for other in &others {
        run.recorder.set_flow(leader, *other, &[Port::Quorum], Flow::Hold);
    }
    let acknowledged = run.watch(
        move |packet| {
            packet.from == follower
                && packet.is(PacketType::Ack)
                && packet.packet().is_some_and(|ack| ack.zxid.trailing_zeros() < 32)
        },
        Reaction::Tell,
    );
    let folder = run.home(leader)?.folder.clone();
    let slow = SlowDisk::begin(run.process(leader)?.id(), DELAY, &folder)?;
    let knocked = Client::knock(run.home(leader)?.client)?;
    let ack = run.await_packet(&acknowledged, "acknowledgement of the session")?;
    let zxid = ack.zxid.unwrap_or_default();
    let truncated = run
        .watch(move |packet| packet.to == follower && packet.is(PacketType::Trunc), Reaction::Tell);
    let again = run.watch(
        move |packet| {
            packet.to == follower
                && packet.connection != ack.connection
                && packet.is(PacketType::Proposal)
        },
        Reaction::Hold,
    );
    run.reset(follower, leader);
    run.await_packet(&truncated, "TRUNC")?;
    run.await_packet(&again, "PROPOSAL after TRUNC")?;
    let begin = Instant::now();
    run.wait("end of the truncation", |run| {
        let is_cut = run.last_logged(follower).is_none_or(|last| last < zxid);
        (is_cut || begin.elapsed() > CUT_MAX).then_some(())
    })?;
    run.mark_files("after TRUNC", &[follower]);
    run.kill(follower)?;
    slow.end()?;
    run.start(follower)?;
    for other in &others {
        run.recorder.set_flow(leader, *other, &[Port::Quorum], Flow::Pass);
    }
    run.await_serving(follower)?;
    drop(knocked);
    run.write(follower, 5)?;
    run.mark_files("at the end", &run.servers());
    run.read_back(&run.servers())
}
