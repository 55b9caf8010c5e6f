//! States that an exploration should reach. Where it does not, a property may hold only because
//! nothing happened.

use super::links::Down;
use super::packet::{Packet, PacketKind};
use super::properties::Case;
use super::sizes::Flat;
use super::state::{Budget, State};
use crate::server::Server;
use crate::shape::Queue;
use crate::types::{Phase, Role};

pub(super) fn leads<const N: usize>(server: &Server<Flat<N>>) -> bool {
    server.role == Role::Leading
}

fn follows<const N: usize>(server: &Server<Flat<N>>) -> bool {
    server.role == Role::Following
}

fn is_sent<const N: usize, const P: usize>(state: &State<N, P>, kind: PacketKind) -> bool {
    let sends =
        |down: &Down| down.queue.as_slice().iter().map(|p: &Packet| p.kind()).any(|k| k == kind);
    state.links.down.iter().any(sends)
}

/// A server leads.
pub fn leader_elected<const N: usize, const P: usize>(case: &Case<'_, N, P>) -> bool {
    case.voters().iter().any(leads)
}

/// One server leads and all others follow it.
pub fn everybody_settled<const N: usize, const P: usize>(case: &Case<'_, N, P>) -> bool {
    let servers = case.voters();
    servers.iter().filter(|server| leads(server)).any(|leader| {
        servers.iter().all(|s| s.id == leader.id || (follows(s) && s.vote.leader == leader.id))
    })
}

/// A round was spent, and one server leads and all others follow it.
pub fn settled_again<const N: usize, const P: usize>(case: &Case<'_, N, P>) -> bool {
    case.state.budget.rounds < case.model.bounds.rounds && everybody_settled(case)
}

/// A leader has passed the gate of `l.1.2`.
pub fn discovery_done<const N: usize, const P: usize>(case: &Case<'_, N, P>) -> bool {
    case.voters().iter().any(|s| leads(s) && s.phase > Phase::Discovery)
}

/// A follower is in synchronization.
pub fn synchronizing<const N: usize, const P: usize>(case: &Case<'_, N, P>) -> bool {
    case.voters().iter().any(|s| follows(s) && s.phase == Phase::Synchronization)
}

/// `l.2.2` has had its effect.
pub fn leader_established<const N: usize, const P: usize>(case: &Case<'_, N, P>) -> bool {
    !case.state.ghost.established.as_slice().is_empty()
}

/// A follower has received UPTODATE.
pub fn follower_in_broadcast<const N: usize, const P: usize>(case: &Case<'_, N, P>) -> bool {
    case.voters().iter().any(|s| follows(s) && s.phase == Phase::Broadcast)
}

/// All servers are in broadcast.
pub fn everybody_in_broadcast<const N: usize, const P: usize>(case: &Case<'_, N, P>) -> bool {
    case.voters().iter().all(|s| s.phase == Phase::Broadcast)
}

/// A transaction of this run is committed.
pub fn request_committed<const N: usize, const P: usize>(case: &Case<'_, N, P>) -> bool {
    !case.state.ghost.committed.numbers().is_empty()
}

/// A transaction is committed, and a server is not in broadcast.
pub fn committed_without_third<const N: usize, const P: usize>(case: &Case<'_, N, P>) -> bool {
    request_committed(case) && !everybody_in_broadcast(case)
}

/// All requests are made, and everybody knows them to be committed.
pub fn all_requests_everywhere<const N: usize, const P: usize>(case: &Case<'_, N, P>) -> bool {
    let requests = usize::from(case.model.bounds.requests);
    requests > 0
        && case.state.ghost.committed.numbers().len() >= requests
        && case.voters().iter().all(|s| s.committed(&case.config) >= requests)
}

/// A DIFF is on its way.
pub fn diff_sent<const N: usize, const P: usize>(case: &Case<'_, N, P>) -> bool {
    is_sent(case.state, PacketKind::Diff)
}

/// A TRUNC is on its way.
pub fn trunc_sent<const N: usize, const P: usize>(case: &Case<'_, N, P>) -> bool {
    is_sent(case.state, PacketKind::Trunc)
}

/// A SNAP is on its way.
pub fn snap_sent<const N: usize, const P: usize>(case: &Case<'_, N, P>) -> bool {
    is_sent(case.state, PacketKind::Snap)
}

/// A crash, a timeout or a broken link is behind, and all servers are in broadcast.
pub fn rejoined<const N: usize, const P: usize>(case: &Case<'_, N, P>) -> bool {
    let all = Budget::of(&case.model.bounds);
    let left = &case.state.budget;
    let faults = (all.crashes, all.timeouts, all.disconnects);
    (left.crashes, left.timeouts, left.disconnects) != faults && everybody_in_broadcast(case)
}

/// Two leaders have been established.
pub fn second_epoch<const N: usize, const P: usize>(case: &Case<'_, N, P>) -> bool {
    case.state.ghost.established.as_slice().len() >= 2
}

/// A transaction that the second established leader broadcast is committed.
pub fn committed_in_second_epoch<const N: usize, const P: usize>(case: &Case<'_, N, P>) -> bool {
    let second = case.state.ghost.established.as_slice().get(1);
    second.is_some_and(|leader| case.committed().any(|txn| txn.zxid.epoch == leader.epoch))
}
