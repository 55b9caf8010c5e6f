//! Abstract primary-order broadcast: what the protocol is for, without roles, packets or disks.
//!
//! It is that of the `paper` family ([`zab_paper::AbstractStep`]): the epochs that have had a
//! primary, what primaries have broadcast, the order in which all deliver, and how far along it each
//! server is. A state of this family remembers all of it: the established leaders with their initial
//! histories, the transactions in the order in which they were made, the longest history that
//! anybody has known to be committed, and what each server has delivered.
//!
//! Each step of a server, while states are explored, is held against the abstract steps
//! ([`Seen::step_to`]). It differs from the paper's family in two things: a leader of this family
//! delivers its initial history in the step in which it is established, and one step may deliver
//! several transactions. So a step is one abstract step, or an establishment with the primary's own
//! deliveries.

use zab_paper::AbstractStep;

use super::ghost::{Established, is_prefix};
use super::sizes::{Flat, Log};
use super::state::State;
use crate::config::Config;
use crate::shape::Queue;
use crate::types::{ServerId, Txn, Zxid};

/// What shows of a state before one server takes a step.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    server: ServerId,
    /// What that server has delivered.
    delivered: Log,
    /// What all deliver, in order.
    order: Log,
    /// How many leaders were established.
    established: usize,
    /// How many transactions were broadcast.
    broadcast: usize,
}

impl Seen {
    /// What shows of a state before a step of this server. Others take no part in it.
    #[must_use]
    pub fn of<const N: usize, const P: usize>(
        config: &Config<Flat<N>>,
        state: &State<N, P>,
        server: ServerId,
    ) -> Self {
        Self {
            server,
            delivered: state.server(server).delivered(config),
            order: state.ghost.committed,
            established: state.ghost.established.as_slice().len(),
            broadcast: broadcast(state).count(),
        }
    }

    /// The abstract step to the state after it, `None` if there is no such step.
    #[must_use]
    pub fn step_to<const N: usize, const P: usize>(
        &self,
        config: &Config<Flat<N>>,
        after: &State<N, P>,
    ) -> Option<AbstractStep> {
        let now = Self::of(config, after, self.server);
        let (more_leaders, more_broadcast) = (
            now.established.checked_sub(self.established)?,
            now.broadcast.checked_sub(self.broadcast)?,
        );
        let moves = now.delivered != self.delivered;
        let same_order = now.order == self.order;
        let (step, legal) = match (more_leaders, more_broadcast, moves) {
            (0, 0, false) => (AbstractStep::Stutter, same_order),
            (0, 0, true) if now.delivered == Log::default() => (AbstractStep::Forget, same_order),
            (0, 0, true) => (AbstractStep::Deliver, self.delivers(after, &now)),
            (1, 0, _) => {
                (AbstractStep::Establish, now.establishes(after) && self.delivers(after, &now))
            }
            (0, 1, false) => (AbstractStep::Broadcast, same_order && broadcasts(after)),
            _ => return None,
        };
        legal.then_some(step)
    }

    /// The server goes further along the order, which may grow: by what was broadcast, primaries in
    /// order of their epochs, none with a gap. Every primary has begun with all of it that is of
    /// earlier epochs.
    fn delivers<const N: usize, const P: usize>(&self, after: &State<N, P>, now: &Self) -> bool {
        let order = &now.order;
        let was_broadcast = |number: &u8| broadcast(after).any(|(known, _)| known == *number);
        is_prefix(&self.order, order)
            && is_prefix(&self.delivered, &now.delivered)
            && is_prefix(&now.delivered, order)
            && order.numbers().iter().all(was_broadcast)
            && is_primary_ordered(after, order)
            && established(after).iter().all(|leader| begins_with(after, order, leader))
    }

    /// The server is the one that was established last: in a new epoch, with what it has delivered.
    fn establishes<const N: usize, const P: usize>(&self, after: &State<N, P>) -> bool {
        let Some((last, earlier)) = established(after).split_last() else { return false };
        last.leader == self.server
            && last.initial == self.delivered
            && earlier.iter().all(|leader| leader.epoch != last.epoch)
    }
}

fn established<const N: usize, const P: usize>(state: &State<N, P>) -> &[Established] {
    state.ghost.established.as_slice()
}

fn txn<const N: usize, const P: usize>(state: &State<N, P>, number: u8) -> Txn<u8, u8> {
    state.transactions[usize::from(number) - 1]
}

/// Every transaction that a leader broadcast, with its number. It is the one that was made of the
/// request with that number; a transaction with another payload came from nowhere.
pub(super) fn broadcast<const N: usize, const P: usize>(
    state: &State<N, P>,
) -> impl Iterator<Item = (u8, Txn<u8, u8>)> + Clone {
    let all = (1..).zip(state.transactions.iter().copied());
    all.filter(|(number, txn)| txn.payload == *number)
}

/// Whether an order has the primaries in order of their epochs, none with a gap.
fn is_primary_ordered<const N: usize, const P: usize>(state: &State<N, P>, order: &Log) -> bool {
    let zxids = || order.numbers().iter().map(|number| txn(state, *number).zxid);
    let before = std::iter::once(Zxid::default()).chain(zxids());
    before.zip(zxids()).all(|(earlier, later)| earlier.next_is(later))
}

/// Whether a leader's initial history begins with what the order has of earlier epochs.
fn begins_with<const N: usize, const P: usize>(
    state: &State<N, P>,
    order: &Log,
    leader: &Established,
) -> bool {
    let earlier = |number: &&u8| txn(state, **number).zxid.epoch < leader.epoch;
    let count = order.numbers().iter().take_while(earlier).count();
    leader.initial.numbers().starts_with(&order.numbers()[..count])
}

/// The transaction that was broadcast last is the next one of an established epoch, and no other one
/// has its zxid.
fn broadcasts<const N: usize, const P: usize>(after: &State<N, P>) -> bool {
    let Some((number, last)) = broadcast(after).last() else { return false };
    let Zxid { epoch, counter } = last.zxid;
    let others = || broadcast(after).filter(|(other, _)| *other != number).map(|(_, txn)| txn.zxid);
    established(after).iter().any(|leader| leader.epoch == epoch)
        && others().all(|zxid| zxid != last.zxid)
        && (counter == 1 || others().any(|zxid| zxid.next_is(last.zxid) && zxid.epoch == epoch))
}
