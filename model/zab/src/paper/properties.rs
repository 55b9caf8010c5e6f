//! What must hold, as the paper states it and a little more: quantified over all servers, whatever
//! their role, and over all pairs of transactions.
//!
//! The published invariants are weaker in places: agreement and integrity look at servers that
//! follow at the moment, primary integrity at connected pairs, and local primary order asks for
//! *some* pair, so that any transaction paired with itself satisfies it.
//!
//! Each function is true of a state that is fine. Those of [`WITH_GHOSTS`] read what a state
//! remembers, and are offered only when it remembers (`G` > 0).

use stateright::{Expectation, Property};

use super::bounds::Bounds;
use super::model::Paper;
use super::queue::{Kind, Message};
use super::state::{Offence, Role, State};
use super::types::{Seat, Txn};
use crate::types::Phase;

mod statements;
#[cfg(test)]
mod tests;

pub use statements::{STATEMENTS, statement};

/// A condition on states.
pub type Condition<const N: usize, const X: usize, const G: usize> =
    fn(&Paper<N, X, G>, &State<N, X, G>) -> bool;

/// Names of the invariants that read the state only.
pub const WITHOUT_GHOSTS: [&str; 20] = [
    "agreement",
    "total order",
    "global primary order",
    "primary integrity",
    "prefix consistency",
    "one established leader per epoch at a time",
    "delivered is on a quorum",
    "committed is within the history",
    "adopted epoch is promised",
    "messages fit their receiver's phase",
    "proposals fit the history",
    "commits come in order",
    "acks come in order",
    "no message outlives its connection",
    "there is room",
    "a connection has two ends",
    "phase and role fit",
    "a history travels with its message",
    "whom the oracle names does not follow",
    "budgets are kept",
];

/// Names of the invariants that read ghosts.
pub const WITH_GHOSTS: [&str; 6] = [
    "integrity",
    "local primary order",
    "one established leader per epoch ever",
    "no commit is lost",
    "epochs only rise",
    "every step is one of primary-order broadcast",
];

/// All properties of the model: invariants, and what must be reachable for them to mean anything.
pub(super) fn all<const N: usize, const X: usize, const G: usize>(
    bounds: &Bounds,
) -> Vec<Property<Paper<N, X, G>>> {
    let plain: [Condition<N, X, G>; 20] = [
        |_, s| agreement(s),
        |_, s| total_order(s),
        |_, s| global_primary_order(s),
        |_, s| primary_integrity(s),
        |_, s| prefix_consistency(s),
        |_, s| leadership_now(s),
        |model, s| delivered_is_on_a_quorum(model, s),
        |_, s| committed_is_within_history(s),
        |_, s| adopted_epoch_is_promised(s),
        |_, s| s.offence != Offence::State,
        |_, s| s.offence != Offence::Proposal,
        |_, s| s.offence != Offence::Commit,
        |_, s| s.offence != Offence::Ack,
        |_, s| s.offence != Offence::Message,
        |_, s| s.offence != Offence::NoRoom,
        |_, s| connections_have_two_ends(s),
        |_, s| phases_fit_roles(s),
        |_, s| histories_travel_with_their_messages(s),
        |_, s| (0..N).all(|i| s.oracle != Seat::of(i) || s.servers[i].role != Role::Following),
        |model, s| budgets_are_kept(model, s),
    ];
    let ghostly: [Condition<N, X, G>; 6] = [
        |_, s| integrity(s),
        |_, s| local_primary_order(s),
        |_, s| !s.ghost.established_twice(),
        |_, s| no_commit_is_lost(s),
        |_, s| !s.ghost.fell(),
        |_, s| !s.ghost.strayed(),
    ];
    let always = |(name, condition)| Property { expectation: Expectation::Always, name, condition };
    let mut properties: Vec<_> = WITHOUT_GHOSTS.into_iter().zip(plain).map(always).collect();
    if G > 0 {
        properties.extend(WITH_GHOSTS.into_iter().zip(ghostly).map(always));
    }
    let mut reachable: Vec<(&'static str, Condition<N, X, G>)> = vec![
        ("a leader is established", |_, s| (0..N).any(|i| is_established(s, i))),
        ("a request is delivered by all", |_, s| (0..N).all(|i| !s.delivered(i).is_empty())),
    ];
    // No failure, no later leader.
    if bounds.timeouts + bounds.restarts > 0 {
        reachable.push(("a later leader is established", |_, s| {
            (0..N).any(|i| is_established(s, i) && s.servers[i].current_epoch > 1)
        }));
    }
    let sometimes =
        |(name, condition)| Property { expectation: Expectation::Sometimes, name, condition };
    properties.extend(reachable.into_iter().map(sometimes));
    properties
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

fn place_of(txns: &[Txn], txn: Txn) -> Option<usize> {
    txns.iter().position(|t| *t == txn)
}

/// Whether whoever delivers `later` has delivered `earlier` before.
fn delivered_before(delivered: &[Txn], earlier: Txn, later: Txn) -> bool {
    place_of(delivered, later)
        .is_none_or(|end| place_of(delivered, earlier).is_some_and(|place| place < end))
}

/// Agreement: if one server delivers a and another b, then one of them delivers both.
pub fn agreement<const N: usize, const X: usize, const G: usize>(state: &State<N, X, G>) -> bool {
    for_all_pairs::<N>(|i, j| {
        let (mine, theirs) = (state.delivered(i), state.delivered(j));
        mine.iter().all(|a| {
            let known = theirs.contains(a);
            known || theirs.iter().all(|b| mine.contains(b))
        })
    })
}

/// Total order: if one server delivers a before b, whoever delivers b delivers a before it.
pub fn total_order<const N: usize, const X: usize, const G: usize>(state: &State<N, X, G>) -> bool {
    for_all_pairs::<N>(|i, j| {
        let (mine, theirs) = (state.delivered(i), state.delivered(j));
        mine.iter()
            .enumerate()
            .all(|(place, b)| mine[..place].iter().all(|a| delivered_before(theirs, *a, *b)))
    })
}

/// Global primary order: whoever delivers a of an epoch and b of a later one delivers a before b.
pub fn global_primary_order<const N: usize, const X: usize, const G: usize>(
    state: &State<N, X, G>,
) -> bool {
    (0..N).all(|i| {
        let delivered = state.delivered(i);
        delivered.iter().enumerate().all(|(place, later)| {
            delivered[place..].iter().all(|after| after.zxid.epoch() >= later.zxid.epoch())
        })
    })
}

/// Primary integrity: before a primary broadcasts anything it has delivered whatever anybody
/// delivers of earlier epochs. An established leader may broadcast at any moment.
pub fn primary_integrity<const N: usize, const X: usize, const G: usize>(
    state: &State<N, X, G>,
) -> bool {
    for_all_pairs::<N>(|i, j| {
        let epoch = state.servers[i].current_epoch;
        let (own, others) = (state.delivered(i), state.delivered(j));
        let mut earlier = others.iter().filter(|txn| txn.zxid.epoch() < epoch);
        !is_established(state, i) || earlier.all(|txn| own.contains(txn))
    })
}

/// Of what any two servers have delivered, one is a prefix of the other.
pub fn prefix_consistency<const N: usize, const X: usize, const G: usize>(
    state: &State<N, X, G>,
) -> bool {
    for_all_pairs::<N>(|i, j| {
        let (mine, theirs) = (state.delivered(i), state.delivered(j));
        let common = mine.len().min(theirs.len());
        mine[..common] == theirs[..common]
    })
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

/// Integrity: whatever a server delivers, some primary has broadcast.
pub fn integrity<const N: usize, const X: usize, const G: usize>(state: &State<N, X, G>) -> bool {
    (0..N).all(|i| state.delivered(i).iter().all(|txn| state.ghost.was_broadcast(*txn)))
}

/// Local primary order: if a primary broadcasts a before b, whoever delivers b delivers a before it.
/// For all such a and b: those of one epoch, since an epoch has one primary.
pub fn local_primary_order<const N: usize, const X: usize, const G: usize>(
    state: &State<N, X, G>,
) -> bool {
    (0..N).all(|i| {
        let delivered = state.delivered(i);
        state.ghost.broadcasts().all(|a| {
            let same_primary = |b: &Txn| b.zxid.epoch() == a.zxid.epoch() && a.zxid < b.zxid;
            let mut later = state.ghost.broadcasts().filter(same_primary);
            later.all(|b| delivered_before(delivered, a, b))
        })
    })
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
