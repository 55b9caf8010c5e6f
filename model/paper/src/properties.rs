//! What must hold, as the paper states it and a little more: quantified over all servers, whatever
//! their role, and over all pairs of transactions.
//!
//! The published invariants are weaker in places: agreement and integrity look at servers that
//! follow at the moment, primary integrity at connected pairs, and local primary order asks for
//! *some* pair, so that any transaction paired with itself satisfies it.
//!
//! Each function is true of a state that is fine. Some read what a state remembers,
//! and are offered only when it remembers (`G` > 0).

use stateright::{Expectation, Model, Property};

use super::bounds::Bounds;
use super::model::Paper;
use super::primary_order::{
    Delivered, agreement, global_primary_order, integrity, local_primary_order, prefix_consistency,
    primary_integrity, total_order,
};
use super::queue::{Kind, Message};
use super::state::{Role, State, Violation};
use super::types::{Seat, Txn};
use crate::types::Phase;

mod statements;
#[cfg(test)]
mod tests;

pub use statements::{STATEMENTS, statement};

/// A condition on states.
pub type Condition<const N: usize, const X: usize, const G: usize> =
    fn(&Paper<N, X, G>, &State<N, X, G>) -> bool;

/// In [`STATEMENTS`]: the invariant of budgets, where those that read ghosts begin, that of epochs
/// among them, where they end, and the last of all.
const BUDGETS: usize = 19;
const PLAIN: usize = 20;
const RISE: usize = 24;
const GHOSTLY: usize = 26;
const LATER: usize = 28;

/// A condition on states of any model that is made of the family's.
type ConditionOf<M> = fn(&M, &<M as Model>::State) -> bool;

/// All properties of the model: invariants, and what must be reachable for them to mean anything.
pub(super) fn all<const N: usize, const X: usize, const G: usize>(
    bounds: &Bounds,
) -> Vec<Property<Paper<N, X, G>>> {
    let offered = |place: usize| match place {
        PLAIN..GHOSTLY => G > 0,
        // No failure, no later leader.
        LATER => bounds.timeouts + bounds.restarts > 0,
        _ => true,
    };
    properties(offered)
}

/// Those that need no ghosts, for what is made of the model without bounds; and that epochs only rise,
/// for which no memory is needed but of the step just taken. Nothing is said of budgets, and the last
/// is left out as well: it asks for an epoch beyond the first, and ranks do not tell which epoch was
/// first.
pub(super) fn unlimited<M, const N: usize, const X: usize>() -> Vec<Property<M>>
where
    M: Model<State = State<N, X, 0>> + AsRef<Paper<N, X, 0>>,
{
    properties(|place| match place {
        BUDGETS | LATER => false,
        RISE => true,
        _ => !(PLAIN..GHOSTLY).contains(&place),
    })
}

/// Those of all that are offered, by their places in [`STATEMENTS`].
fn properties<M, const N: usize, const X: usize, const G: usize>(
    offered: impl Fn(usize) -> bool,
) -> Vec<Property<M>>
where
    M: Model<State = State<N, X, G>> + AsRef<Paper<N, X, G>>,
{
    let plain: [ConditionOf<M>; PLAIN] = [
        |_, s| agreement(delivered(s)),
        |_, s| total_order(delivered(s)),
        |_, s| global_primary_order(delivered(s)),
        |_, s| primary_integrity(delivered(s), primaries(s)),
        |_, s| prefix_consistency(delivered(s)),
        |_, s| leadership_now(s),
        |model, s| delivered_is_on_a_quorum(model.as_ref(), s),
        |_, s| committed_is_within_history(s),
        |_, s| adopted_epoch_is_promised(s),
        |_, s| s.violation != Violation::State,
        |_, s| s.violation != Violation::Proposal,
        |_, s| s.violation != Violation::Commit,
        |_, s| s.violation != Violation::Ack,
        |_, s| s.violation != Violation::Message,
        |_, s| s.violation != Violation::NoRoom,
        |_, s| connections_have_two_ends(s),
        |_, s| phases_fit_roles(s),
        |_, s| histories_travel_with_their_messages(s),
        |_, s| (0..N).all(|i| s.oracle != Seat::of(i) || s.servers[i].role != Role::Following),
        |model, s| budgets_are_kept(model.as_ref(), s),
    ];
    let ghostly: [ConditionOf<M>; GHOSTLY - PLAIN] = [
        |_, s| integrity(delivered(s), |txn| s.ghost.was_broadcast(*txn)),
        |_, s| local_primary_order(delivered(s), s.ghost.broadcasts()),
        |_, s| !s.ghost.established_twice(),
        |_, s| no_commit_is_lost(s),
        |_, s| !s.ghost.fell(),
        |_, s| !s.ghost.strayed(),
    ];
    let reachable: [ConditionOf<M>; 3] = [
        |_, s| (0..N).any(|i| is_established(s, i)),
        |_, s| (0..N).all(|i| !s.delivered(i).is_empty()),
        |_, s| (0..N).any(|i| is_established(s, i) && s.servers[i].current_epoch > 1),
    ];
    let always = plain.into_iter().chain(ghostly).map(|condition| (Expectation::Always, condition));
    let sometimes = reachable.into_iter().map(|condition| (Expectation::Sometimes, condition));
    let all = STATEMENTS.into_iter().zip(always.chain(sometimes)).enumerate();
    all.filter(|(place, _)| offered(*place))
        .map(|(_, ((name, _), (expectation, condition)))| Property { expectation, condition, name })
        .collect()
}

fn is_established<const N: usize, const X: usize, const G: usize>(
    state: &State<N, X, G>,
    i: usize,
) -> bool {
    state.servers[i].role == Role::Leading && state.servers[i].phase == Phase::Broadcast
}

fn leads_past_discovery<const N: usize, const X: usize, const G: usize>(
    state: &State<N, X, G>,
    i: usize,
) -> bool {
    let past_discovery = match state.servers[i].phase {
        Phase::Synchronization | Phase::Broadcast => true,
        Phase::Election | Phase::Discovery => false,
    };
    state.servers[i].role == Role::Leading && past_discovery
}

/// Whether `condition` holds for every two servers, in both orders, and for each with itself.
fn for_all_pairs<const N: usize>(mut condition: impl FnMut(usize, usize) -> bool) -> bool {
    (0..N).all(|i| (0..N).all(|j| condition(i, j)))
}

/// What each server has delivered.
fn delivered<const N: usize, const X: usize, const G: usize>(
    state: &State<N, X, G>,
) -> impl Delivered<'_, Txn> {
    (0..N).map(|i| state.delivered(i))
}

/// Every established leader with what it has delivered: it may broadcast at any moment.
fn primaries<const N: usize, const X: usize, const G: usize>(
    state: &State<N, X, G>,
) -> impl Iterator<Item = (u8, &[Txn])> {
    let established = (0..N).filter(|i| is_established(state, *i));
    established.map(|i| (state.servers[i].current_epoch, state.delivered(i)))
}

/// At no moment do two servers lead, past discovery, in the same epoch.
pub fn leadership_now<const N: usize, const X: usize, const G: usize>(
    state: &State<N, X, G>,
) -> bool {
    let leads = |i| leads_past_discovery(state, i).then_some(state.servers[i].current_epoch);
    for_all_pairs::<N>(|i, j| i == j || leads(i).is_none() || leads(i) != leads(j))
}

/// Whatever anybody has delivered is in the histories of a quorum.
pub fn delivered_is_on_a_quorum<const N: usize, const X: usize, const G: usize>(
    model: &Paper<N, X, G>,
    state: &State<N, X, G>,
) -> bool {
    (0..N).all(|i| {
        state.delivered(i).iter().all(|txn| {
            let mut holders = super::types::Members::default();
            let has = |j: &usize| state.servers[*j].history.txns().contains(txn);
            (0..N).filter(has).for_each(|j| holders.insert(j));
            model.rules().is_quorum(holders)
        })
    })
}

/// Nobody takes for committed what it does not have.
pub fn committed_is_within_history<const N: usize, const X: usize, const G: usize>(
    state: &State<N, X, G>,
) -> bool {
    state.servers.iter().all(|server| usize::from(server.last_committed) <= server.history.len())
}

/// f.a ≤ f.p.
pub fn adopted_epoch_is_promised<const N: usize, const X: usize, const G: usize>(
    state: &State<N, X, G>,
) -> bool {
    state.servers.iter().all(|server| server.current_epoch <= server.accepted_epoch)
}

/// A follower is connected to a leader if and only if that has it for a learner.
pub fn connections_have_two_ends<const N: usize, const X: usize, const G: usize>(
    state: &State<N, X, G>,
) -> bool {
    for_all_pairs::<N>(|i, j| {
        let (follower, leader) = (&state.servers[i], &state.servers[j]);
        let down = follower.role == Role::Following && follower.leader == Seat::of(j);
        let up = leader.role == Role::Leading && leader.leading.learners.contains(i);
        i == j || down == up
    })
}

/// Who looks for a leader is in ELECTION, and nobody else is.
pub fn phases_fit_roles<const N: usize, const X: usize, const G: usize>(
    state: &State<N, X, G>,
) -> bool {
    let looks = |role| role == Role::Looking;
    state.servers.iter().all(|server| looks(server.role) == (server.phase == Phase::Election))
}

/// Where there is a history on its way, there is the ACKEPOCH or NEWLEADER that it belongs to.
pub fn histories_travel_with_their_messages<const N: usize, const X: usize, const G: usize>(
    state: &State<N, X, G>,
) -> bool {
    state.servers.iter().all(|server| {
        let link = &server.link;
        let carries = |message: &Message| match message.kind {
            Kind::AckEpoch | Kind::NewLeader => true,
            Kind::None
            | Kind::Cepoch
            | Kind::NewEpoch
            | Kind::AckLd
            | Kind::CommitLd
            | Kind::Propose
            | Kind::Ack
            | Kind::Commit => false,
        };
        link.history.is_empty() || link.up.messages().chain(link.down.messages()).any(carries)
    })
}

/// No more failures than the bounds allow. Every restart counts as a timeout too.
pub fn budgets_are_kept<const N: usize, const X: usize, const G: usize>(
    model: &Paper<N, X, G>,
    state: &State<N, X, G>,
) -> bool {
    let (bounds, spent) = (model.bounds(), &state.spent);
    spent.restarts <= bounds.restarts && spent.timeouts <= bounds.timeouts + bounds.restarts
}

/// Every leader past discovery has in its history all that was committed in epochs up to its own,
/// whenever that was; and nobody ever committed anything else in its place.
///
/// A leader of an earlier epoch may live on: a follower that turns its NEWEPOCH down leaves it
/// without a quorum, and it does not notice. What later epochs commit is not its concern.
pub fn no_commit_is_lost<const N: usize, const X: usize, const G: usize>(
    state: &State<N, X, G>,
) -> bool {
    let kept = |i: usize| {
        let committed = state.ghost.committed_up_to(state.servers[i].current_epoch);
        !leads_past_discovery(state, i) || state.servers[i].history.txns().starts_with(committed)
    };
    (0..N).all(kept) && !state.ghost.torn()
}
