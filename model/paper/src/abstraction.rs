//! Abstract primary-order broadcast: what the protocol is for, without roles, logs or messages.
//!
//! It knows the epochs that have had a primary, what primaries have broadcast, the order in which
//! all deliver, in which epoch each transaction joined it, and how far along it each server is.
//! Every step of the protocol is one of its [`AbstractStep`]s or none at all. With ghosts, where a
//! state remembers all of that, each step that is taken is held against them.
//!
//! Primaries of several epochs may be at work at a time; only their deliveries must agree.

use super::state::{Role, State};
use super::types::{Txn, Zxid};
use crate::types::Phase;

/// What a step of the protocol is, seen from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AbstractStep {
    /// Nothing that shows.
    Stutter,
    /// A primary begins an epoch that has had none, with a history in which is all that joined the
    /// order in earlier epochs, and broadcasts that again.
    Establish,
    /// A primary broadcasts what comes next in its epoch.
    Broadcast,
    /// One server delivers what comes next in the order. It may be the first to: then the order
    /// grows by what was broadcast, primaries in order of their epochs, none with a gap, and in no
    /// earlier epoch than it grew before.
    Deliver,
    /// One server forgets how far it is.
    Forget,
}

/// The abstract step between two states, `None` if there is no such step. Both must remember
/// (`G` > 0); otherwise nothing shows but deliveries, and those of an empty order.
#[must_use]
pub fn abstract_step<const N: usize, const X: usize, const G: usize>(
    before: &State<N, X, G>,
    after: &State<N, X, G>,
) -> Option<AbstractStep> {
    let mut servers = (0..N).filter(|i| before.delivered(*i) != after.delivered(*i));
    let (moved, another) = (servers.next(), servers.next());
    let same_epochs = before.ghost.epochs().eq(after.ghost.epochs());
    let same_broadcasts = before.ghost.broadcasts().eq(after.ghost.broadcasts());
    let same_order = before.ghost.committed() == after.ghost.committed();
    let (step, legal) = match (moved, same_epochs, same_broadcasts) {
        (Some(i), true, true) if after.delivered(i).is_empty() => {
            (AbstractStep::Forget, same_order)
        }
        (Some(i), true, true) => (AbstractStep::Deliver, delivers(before, after, i)),
        (None, false, _) => (AbstractStep::Establish, same_order && establishes(before, after)),
        (None, true, false) => (AbstractStep::Broadcast, same_order && broadcasts(before, after)),
        (None, true, true) => (AbstractStep::Stutter, same_order),
        (Some(_), false, _) | (Some(_), true, false) => return None,
    };
    (legal && another.is_none()).then_some(step)
}

/// Whether a sequence has the primaries in order, each without a gap.
fn is_primary_ordered(order: &[Txn]) -> bool {
    let zxids = order.iter().map(|txn| txn.zxid);
    let before = std::iter::once(Zxid::ZERO).chain(zxids.clone());
    before.zip(zxids).all(|(earlier, later)| earlier.next_is(later))
}

fn delivers<const N: usize, const X: usize, const G: usize>(
    before: &State<N, X, G>,
    after: &State<N, X, G>,
    i: usize,
) -> bool {
    let order = after.ghost.committed();
    order.starts_with(before.ghost.committed())
        && order.starts_with(after.delivered(i))
        && after.delivered(i).starts_with(before.delivered(i))
        && order.iter().all(|txn| after.ghost.was_broadcast(*txn))
        && is_primary_ordered(order)
        && after.ghost.epochs_of_commits_rise()
}

/// Whether what was broadcast before still is, and nothing was broadcast twice under one zxid.
fn keeps_broadcasts<const N: usize, const X: usize, const G: usize>(
    before: &State<N, X, G>,
    after: &State<N, X, G>,
) -> bool {
    let all = || after.ghost.broadcasts();
    before.ghost.broadcasts().all(|txn| after.ghost.was_broadcast(txn))
        && all().all(|a| all().all(|b| a == b || a.zxid != b.zxid))
}

fn establishes<const N: usize, const X: usize, const G: usize>(
    before: &State<N, X, G>,
    after: &State<N, X, G>,
) -> bool {
    let mut begun = after.ghost.epochs().filter(|epoch| !before.ghost.is_established(*epoch));
    let (Some(epoch), None) = (begun.next(), begun.next()) else { return false };
    let primary = after.servers.iter().find(|server| {
        server.role == Role::Leading
            && server.phase == Phase::Synchronization
            && server.current_epoch == epoch
    });
    let Some(history) = primary.map(|server| server.history.txns()) else { return false };
    let mut new = after.ghost.broadcasts().filter(|txn| !before.ghost.was_broadcast(*txn));
    history.starts_with(after.ghost.committed_up_to(epoch))
        && keeps_broadcasts(before, after)
        && new.all(|txn| history.contains(&txn))
}

fn broadcasts<const N: usize, const X: usize, const G: usize>(
    before: &State<N, X, G>,
    after: &State<N, X, G>,
) -> bool {
    let mut new = after.ghost.broadcasts().filter(|txn| !before.ghost.was_broadcast(*txn));
    let known = |zxid: Zxid| after.ghost.broadcasts().any(|txn| txn.zxid == zxid);
    keeps_broadcasts(before, after)
        && new.all(|txn| {
            let (epoch, counter) = (txn.zxid.epoch(), txn.zxid.counter());
            let follows = counter == 1 || known(Zxid::new(epoch, counter - 1));
            after.ghost.is_established(epoch) && follows
        })
}
