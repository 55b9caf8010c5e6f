//! The coarse election: one step in place of a whole exchange of notifications.
//!
//! *Every coarse step is realisable by fine ones* (checked at small bounds by
//! `tests/explore/coarse.rs`), so a counterexample found with it is real. The reverse does not
//! hold: the oracle settles leader and followers at once, and uses the present states, while real
//! servers may act on older notifications. Those behaviours need the fine grain.

use std::cmp::Ordering;

use super::sizes::Flat;
use super::state::State;
use crate::config::Ensemble;
use crate::outbox::Outbox;
use crate::probe::Probe;
use crate::rules::election::{elect, zk_fle_order};
use crate::server::{Election, Former, Server};
use crate::step::Enabled;
use crate::types::{Role, ServerId, ServerSet, Vote, Zxid};

/// Whether a server takes part in an election.
fn is_electing<const N: usize>(server: &Server<Flat<N>>) -> bool {
    server.role == Role::Looking && server.program.is_finished()
}

/// Whether `leader` can be elected with exactly these followers: they are a quorum, all of them
/// are looking, and nobody's vote is better than the leader's. With `whoever`, any vote may win.
pub(super) fn can_elect<const N: usize, const P: usize>(
    ensemble: Ensemble,
    state: &State<N, P>,
    leader: ServerId,
    followers: ServerSet,
    whoever: bool,
) -> bool {
    let config = &state.config(ensemble);
    let best = state.server(leader).own_vote();
    let loses = |id| {
        let vote = state.server(id).own_vote();
        let less = zk_fle_order(config, &vote, &best) == Ordering::Less;
        is_electing(state.server(id)) && (whoever || less)
    };
    is_electing(state.server(leader))
        && followers.len() + 1 >= ensemble.quorum()
        && followers.iter().all(loses)
}

/// Whether a looking server can find that others have settled on `leader`: a quorum of them tells
/// the same leader and epoch, the leader among them (`zk.fle.join`).
pub(super) fn can_join<const N: usize, const P: usize>(
    ensemble: Ensemble,
    state: &State<N, P>,
    id: ServerId,
    leader: ServerId,
) -> bool {
    let vote = state.server(leader).vote;
    let agrees = |server: &&Server<Flat<N>>| {
        let settled = match server.role {
            Role::Following | Role::Leading => true,
            Role::Down | Role::Looking => false,
        };
        settled && server.vote.leader == leader && server.vote.peer_epoch == vote.peer_epoch
    };
    is_electing(state.server(id))
        && state.server(leader).role == Role::Leading
        && state.servers.iter().take(ensemble.voters.into()).filter(agrees).count()
            >= ensemble.quorum()
}

/// Gives a server the outcome of an election for `leader`.
pub(super) fn settle<const N: usize, const P: usize, B: Probe>(
    ensemble: Ensemble,
    state: &mut State<N, P>,
    id: ServerId,
    vote: Vote<u8>,
    probe: &mut B,
) -> Enabled {
    let mut out = Outbox::default();
    let config = state.config(ensemble);
    elect(&config, &mut state.servers[super::sizes::index(id)], vote, 0, &mut out, probe)
}

/// The vote that an election for `leader` ends with: before anybody has settled its own vote,
/// afterwards the one it tells.
pub(super) fn winning_vote<const N: usize, const P: usize>(
    state: &State<N, P>,
    leader: ServerId,
) -> Vote<u8> {
    let server = state.server(leader);
    if server.role == Role::Leading { server.vote } else { server.own_vote() }
}

/// Forgets what only notifications would read: the proposal, round and tables of a looking server, the vote of before,
/// and the zxid in the vote of one that has settled.
pub(super) fn forget_election<const N: usize>(server: &mut Server<Flat<N>>) {
    server.round = 0;
    server.vote = match server.role {
        Role::Down | Role::Looking => Vote::default(),
        Role::Following | Role::Leading => Vote { zxid: Zxid::default(), ..server.vote },
    };
    server.election = Election::default();
    server.former = Former::default();
}
