//! What must hold of observers: they are told of what is committed, and decide nothing.

use super::properties::Case;
use super::sizes::Flat;
use crate::message::Message;
use crate::server::{Leader, Server};
use crate::shape::Queue;
use crate::types::{Phase, Role, ServerSet, Txn};

/// Every INFORM on its way is of a transaction that is committed (`Leader.tryToCommit` sends it after
/// the COMMITs).
pub(super) fn informed_after_commit<const N: usize, const P: usize>(case: &Case<'_, N, P>) -> bool {
    informs(case).all(|txn| case.committed().any(|committed| committed == txn))
}

/// The transactions of all INFORMs on their way.
fn informs<'a, const N: usize, const P: usize>(
    case: &Case<'a, N, P>,
) -> impl Iterator<Item = Txn<u8, u8>> + use<'a, N, P> {
    let packets = case.state.links.down.iter().flat_map(|down| down.queue.as_slice());
    packets.filter_map(|packet| {
        if let Some(Message::Inform(txn)) = packet.decode() { Some(txn) } else { None }
    })
}

/// No observer is in a set that a leader compares with a quorum (ZOOKEEPER-2959).
pub(super) fn observers_are_in_no_quorum<const N: usize, const P: usize>(
    case: &Case<'_, N, P>,
) -> bool {
    let is_observer_in =
        |set: &ServerSet| case.model.ensemble.observers().any(|id| set.contains(id));
    case.voters().iter().all(|server| {
        let Leader { connecting, electing, new_leader_acks, outstanding, .. } = &server.leader;
        let mut sets = [connecting, electing, new_leader_acks].into_iter();
        !sets.any(is_observer_in) && !outstanding.as_slice().iter().any(is_observer_in)
    })
}

fn observers<'a, const N: usize, const P: usize>(
    case: &Case<'a, N, P>,
) -> impl Iterator<Item = &'a Server<Flat<N>>> {
    let observers = case.members().iter().skip(case.voters().len());
    observers.filter(|server| server.role == Role::Following && server.phase == Phase::Broadcast)
}

/// An observer has received UPTODATE.
pub(super) fn observer_in_broadcast<const N: usize, const P: usize>(case: &Case<'_, N, P>) -> bool {
    observers(case).next().is_some()
}

/// An INFORM is on its way.
pub(super) fn observer_informed<const N: usize, const P: usize>(case: &Case<'_, N, P>) -> bool {
    informs(case).next().is_some()
}
