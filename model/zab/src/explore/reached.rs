//! States that an exploration should reach. Where it does not, a property may hold only because
//! nothing happened.

use super::links::Down;
use super::packet::{Packet, PacketKind};
use super::properties::Case;
use super::sizes::Flat;
use super::state::{Budget, State};
use crate::program::Item;
use crate::server::{Progress, Server};
use crate::shape::{Queue, Table};
use crate::types::{Phase, Role, ServerId};

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

/// All requests are made, and what they were made into is applied by everybody, who is in broadcast.
pub fn all_requests_applied<const N: usize, const P: usize>(case: &Case<'_, N, P>) -> bool {
    let made = case.state.transactions.iter().filter(|txn| txn.zxid.counter > 0).count();
    let applied = case.state.ghost.committed;
    let is_last = applied.numbers().last().is_some_and(|number| usize::from(*number) == made);
    let is_made = case.model.bounds.requests > 0 && case.state.budget.requests == 0;
    let has_applied =
        |s: &Server<Flat<N>>| s.phase == Phase::Broadcast && s.database.tree == applied;
    is_made && is_last && case.voters().iter().all(has_applied)
}

/// A leader whose main thread has passed the gate and not yet written its epoch has received the
/// ACKEPOCH of more learners than open the gate. Grain `threads` shows it.
pub fn served_while_writing<const N: usize, const P: usize>(case: &Case<'_, N, P>) -> bool {
    case.voters().iter().filter(|server| leads(server)).any(|leader| {
        let is_at_gate =
            |id: &ServerId| leader.leader.learners.row(*id).progress == Progress::WaitsForGate;
        let waiting = case.model.others(leader.id).filter(is_at_gate).count();
        leader.program.contains(Item::CurrentEpoch) && waiting >= case.model.majority()
    })
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

/// Of the budgets for faults nothing is left.
pub fn every_fault_happened<const N: usize, const P: usize>(case: &Case<'_, N, P>) -> bool {
    let left = |budget: Budget| {
        let Budget { crashes, kills, lost_disks, failed_appends, timeouts, disconnects, .. } =
            budget;
        [crashes, kills, lost_disks, failed_appends, timeouts, disconnects]
    };
    // Where none is allowed, it says nothing that none is left.
    let allowed = Budget::of(&case.model.bounds);
    left(allowed) != [0; 6] && left(case.state.budget) == [0; 6]
}

/// A server is down, and the operating system may still write what it had not synced.
pub fn tail_after_crash<const N: usize, const P: usize>(case: &Case<'_, N, P>) -> bool {
    case.voters().iter().any(|s| s.role == Role::Down && s.unsynced() > 0)
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
