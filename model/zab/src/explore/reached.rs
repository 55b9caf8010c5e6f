//! What an exploration should have seen somewhere, lest its "holds" be empty.

use super::links::Down;
use super::model::Zab;
use super::packet::{Packet, PacketKind};
use super::state::{Budget, Flat, State};
use crate::server::Server;
use crate::shape::Queue;
use crate::types::{Phase, Role};

pub(super) fn leads(server: &Server<Flat>) -> bool {
    server.role == Role::Leading
}

fn follows(server: &Server<Flat>) -> bool {
    server.role == Role::Following
}

fn voters<'a>(model: &Zab, state: &'a State) -> &'a [Server<Flat>] {
    &state.servers[model.indices()]
}

fn is_sent(state: &State, kind: PacketKind) -> bool {
    let sends =
        |down: &Down| down.queue.as_slice().iter().map(|p: &Packet| p.kind()).any(|k| k == kind);
    state.links.down.iter().any(sends)
}

/// A server leads.
pub fn leader_elected(model: &Zab, state: &State) -> bool {
    voters(model, state).iter().any(leads)
}

/// One server leads and all others follow it.
pub fn everybody_settled(model: &Zab, state: &State) -> bool {
    let servers = voters(model, state);
    servers.iter().filter(|server| leads(server)).any(|leader| {
        servers.iter().all(|s| s.id == leader.id || (follows(s) && s.vote.leader == leader.id))
    })
}

/// A round was spent, and one server leads and all others follow it.
pub fn settled_again(model: &Zab, state: &State) -> bool {
    state.budget.rounds < model.bounds.rounds && everybody_settled(model, state)
}

/// A leader has passed the gate of `l.1.2`.
pub fn discovery_done(model: &Zab, state: &State) -> bool {
    voters(model, state).iter().any(|s| leads(s) && s.phase > Phase::Discovery)
}

/// A follower is in synchronization.
pub fn synchronizing(model: &Zab, state: &State) -> bool {
    voters(model, state).iter().any(|s| follows(s) && s.phase == Phase::Synchronization)
}

/// `l.2.2` has had its effect.
pub fn leader_established(_: &Zab, state: &State) -> bool {
    !state.ghost.reigns.as_slice().is_empty()
}

/// A follower has received UPTODATE.
pub fn follower_in_broadcast(model: &Zab, state: &State) -> bool {
    voters(model, state).iter().any(|s| follows(s) && s.phase == Phase::Broadcast)
}

/// All servers are in broadcast.
pub fn everybody_in_broadcast(model: &Zab, state: &State) -> bool {
    voters(model, state).iter().all(|s| s.phase == Phase::Broadcast)
}

/// A transaction of this run is committed.
pub fn request_committed(_: &Zab, state: &State) -> bool {
    !state.ghost.committed.as_slice().is_empty()
}

/// A transaction is committed, and a server is not in broadcast.
pub fn committed_without_third(model: &Zab, state: &State) -> bool {
    request_committed(model, state) && !everybody_in_broadcast(model, state)
}

/// All requests are made, and everybody knows them to be committed.
pub fn all_requests_everywhere(model: &Zab, state: &State) -> bool {
    let requests = usize::from(model.bounds.requests);
    requests > 0
        && state.ghost.committed.as_slice().len() >= requests
        && voters(model, state).iter().all(|s| s.committed(&model.config) >= requests)
}

/// A DIFF is on its way.
pub fn diff_sent(_: &Zab, state: &State) -> bool {
    is_sent(state, PacketKind::Diff)
}

/// A TRUNC is on its way.
pub fn trunc_sent(_: &Zab, state: &State) -> bool {
    is_sent(state, PacketKind::Trunc)
}

/// A SNAP is on its way.
pub fn snap_sent(_: &Zab, state: &State) -> bool {
    is_sent(state, PacketKind::Snap)
}

/// A crash, a timeout or a broken link is behind, and all servers are in broadcast.
pub fn rejoined(model: &Zab, state: &State) -> bool {
    let all = Budget::of(&model.bounds);
    let left = &state.budget;
    let faults = (all.crashes, all.timeouts, all.disconnects);
    (left.crashes, left.timeouts, left.disconnects) != faults
        && everybody_in_broadcast(model, state)
}

/// Two leaders have been established.
pub fn second_epoch(_: &Zab, state: &State) -> bool {
    state.ghost.reigns.as_slice().len() >= 2
}

/// A transaction that the second established leader broadcast is committed.
pub fn committed_in_second_epoch(_: &Zab, state: &State) -> bool {
    let second = state.ghost.reigns.as_slice().get(1);
    second.is_some_and(|reign| {
        state.ghost.committed.as_slice().iter().any(|txn| txn.zxid.epoch == reign.epoch)
    })
}
