//! What must come about once the faults are over, if leader election does its part.
//!
//! # The assumption
//!
//! Progress of primary-order broadcast needs that some leader is followed by a quorum for long
//! enough; no protocol can promise that by itself, and the paper leaves it to its leader oracle.
//! The specification's oracle promises nothing: it may name anybody, and a server that has been
//! named leads until it fails, with followers or without. All may end up leading.
//!
//! So each claim here speaks of runs in which, from some time on, a quorum *supports* one server
//! ([`supporters`]): that server leads, or is about to, and the others are connected to it, or are
//! not connected to anybody and are told of it by the oracle. This is what Ω gives, the weakest
//! failure detector that suffices for consensus, with "quorum" for "all"; it is no more than is
//! needed, since an established leader with a quorum of learners is itself supported by a quorum.
//! Nothing is assumed of messages, and a supporter need not be connected yet.
//!
//! A claim `supported ~> good, or not supported` says just this: where `supported` holds from some
//! time on, `good` comes again and again.
//!
//! Failures have budgets, so that every run comes to its last one; what is claimed is claimed after
//! that, and at any time before if no failure intervenes. Where they have no bound, the claims are
//! judged of runs with finitely many failures, however many these are ([`after_failures`]).
//!
//! # Who is left out
//!
//! * A server that leads alone, and whoever follows it: it supports nobody else, and only a failure
//!   ends its leadership. All other servers support somebody.
//! * A supporter that has promised a later epoch than the leader's. It is turned away for ever: it
//!   looks, connects, is offered the epoch, and leaves. It takes three servers and two failures.
//! * As published, whoever waits for a transaction whose quorum an ACK-LD completed after the last
//!   ACK for it: see [`LateAckLd`](super::LateAckLd). "delivered" is then violated with three
//!   servers and one failure, and "delivered_or_missed" holds.
//!
//! # Fairness
//!
//! Weak fairness of the steps that carry the protocol further, each kind for each server on its own
//! ([`fairness`]): a server that is told whom to follow does so, it connects if it can, and
//! every message on a connection that lasts is handled. Failures, requests and the oracle owe
//! nobody anything. Runs may stutter in any state ([`explore`] sees to that), so that without
//! fairness nothing need happen at all.
//!
//! # Use
//!
//! ```
//! use zab_explorer::{LiveVerdict, Options};
//! use zab_paper::{Bounds, Paper, Rules, liveness};
//!
//! let bounds = Bounds { servers: 2, txns: 1, epochs: None, timeouts: 1, restarts: 0 };
//! let model = Paper::<2, 1, 0>::new(Rules::new(bounds))?;
//! let graph = liveness::explore(&model, &Options::default(), &mut |_| {})?;
//! let fairness = liveness::fairness(2);
//! for number in 0..graph.properties().len() {
//!     let report = graph.judge(number, &fairness)?;
//!     assert!(matches!(report.verdict, LiveVerdict::Holds), "{}", report.name);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A claim that is violated comes with a lasso; [`Story`] tells it.

mod story;

use stateright::Model;
use thiserror::Error;
use zab_explorer::{
    Claim, Condition, ExplorerModel, Fairness, LiveProperty, Options, Progress, Refused,
    StateGraph, Strength,
};

use super::action::Action;
use super::model::Paper;
use super::state::{Role, Server, State};
use super::types::{Members, Seat};
use crate::types::Phase;

pub use story::Story;

/// What every claim assumes, in a sentence.
pub const ASSUMPTION: &str = "from some time on, a quorum supports the same server: that server \
    leads or is about to, the others are connected to it, or to nobody while the oracle names it";

/// The same where failures have no bound: every claim speaks of runs that come to a last one.
pub const ASSUMPTION_AFTER_FAILURES: &str = "from some time on, nothing fails, and a quorum supports \
    the same server: that server leads or is about to, the others are connected to it, or to nobody \
    while the oracle names it";

/// The claims by name, each in a sentence, in the order of [`claims`]. Promised more: has promised
/// a later epoch than the leader's, so that it turns it down.
pub const STATEMENTS: [(&str, &str); 4] = [
    ("established", "then that server is established as leader"),
    ("joined", "then every supporter follows it in broadcast, unless it has promised more"),
    (
        "delivered",
        "then every request of its epoch is delivered by it and by every supporter, unless one \
         has promised more",
    ),
    (
        "delivered_or_missed",
        "then the same, or the next transaction has the acknowledgements of a quorum and is not \
         committed",
    ),
];

/// The actions of which fairness speaks: all but failures, requests, the oracle's choice, and what
/// no run does.
const FAIR: [fn(usize, usize) -> Action; 12] = [
    |i, _| Action::FollowLeader(i),
    Action::ConnectAndFollowerSendCepoch,
    Action::LeaderProcessCepoch,
    Action::FollowerProcessNewEpoch,
    Action::LeaderProcessAckEpoch,
    Action::FollowerProcessNewLeader,
    Action::LeaderProcessAckLd,
    Action::FollowerProcessCommitLd,
    |i, _| Action::LeaderBroadcastPropose(i),
    Action::FollowerProcessPropose,
    Action::LeaderProcessAck,
    Action::FollowerProcessCommit,
];

/// Weak fairness of each kind of step that carries the protocol further, for each server: that
/// takes it alone, or whose connection it is about ([`Action::owner`]), whoever is at the other end.
///
/// It is by follower because a leader that handles the messages of one follower for ever could
/// otherwise neglect another's. `servers`: 2 to 5.
#[must_use]
pub fn fairness(servers: usize) -> Fairness {
    let all = Action::all(servers);
    let condition = |kind: u16, owner: usize| {
        let fits = |action: &&Action| action.kind() == kind && action.owner() == owner;
        let classes = all.iter().filter(fits).map(|action| action.class(servers)).collect();
        let name = format!("{}[{}]", Action::KINDS[usize::from(kind)], owner + 1);
        Condition { name, strength: Strength::Weak, classes }
    };
    let of_kind = |action: fn(usize, usize) -> Action| {
        let kind = action(0, 1).kind();
        (0..servers).map(move |owner| condition(kind, owner))
    };
    let conditions = FAIR.into_iter().flat_map(of_kind).collect();
    Fairness { conditions, ..Fairness::default() }
}

/// The same of runs that come to a last failure, for models without a bound on failures. With one,
/// every run does.
#[must_use]
pub fn after_failures(servers: usize) -> Fairness {
    let all = Action::all(servers);
    let failures = all.iter().filter(|action| action.is_failure());
    fairness(servers).finitely(failures.map(|action| action.class(servers)))
}

/// Why liveness cannot be judged.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CannotJudge {
    /// Where epochs end, protocol steps are cut off, and a leader that is stuck for want of an epoch
    /// says nothing about the protocol.
    #[error("liveness is judged without a bound on epochs (hint: leave it out)")]
    EpochsBounded,
    /// The engine does not begin.
    #[error(transparent)]
    Refused(#[from] Refused),
}

/// The graph on which [`claims`] can be judged, with runs that may stutter anywhere.
///
/// # Errors
/// With a bound on epochs, or when the engine refuses to begin.
pub fn explore<'m, M, const N: usize, const X: usize, const G: usize>(
    model: &'m M,
    options: &Options<'_>,
    progress: &mut dyn FnMut(&Progress),
) -> Result<StateGraph<'m, M>, CannotJudge>
where
    M: ExplorerModel + Model<State = State<N, X, G>> + AsRef<Paper<N, X, G>>,
{
    if model.as_ref().bounds().epochs.is_some() {
        return Err(CannotJudge::EpochsBounded);
    }
    Ok(StateGraph::explore(model, options, claims(), progress)?.stuttering())
}

/// The claims, in the order of [`STATEMENTS`]; to be judged on runs that may stutter.
#[must_use]
pub fn claims<M, const N: usize, const X: usize, const G: usize>() -> Vec<LiveProperty<M>>
where
    M: Model<State = State<N, X, G>> + AsRef<Paper<N, X, G>>,
{
    let claims = [
        Claim::LeadsTo(is_supported, |model: &M, state| {
            supported(model.as_ref(), state).is_none_or(|leader| is_established(state, leader))
        }),
        Claim::LeadsTo(is_supported, |model, state| {
            supported(model.as_ref(), state).is_none_or(|leader| all_joined(state, leader))
        }),
        Claim::LeadsTo(has_request, |model, state| {
            supported(model.as_ref(), state).is_none_or(|leader| all_delivered(state, leader))
        }),
        Claim::LeadsTo(has_request, |model, state| {
            supported(model.as_ref(), state).is_none_or(|leader| {
                all_delivered(state, leader) || misses_commit(model.as_ref(), state, leader)
            })
        }),
    ];
    let named = STATEMENTS.into_iter().zip(claims);
    named.map(|((name, _), claim)| LiveProperty { name, claim }).collect()
}

/// Whether a server follows somebody without being connected.
fn waits<const N: usize, const X: usize>(server: &Server<N, X>) -> bool {
    server.role == Role::Following && server.leader == Seat::EMPTY
}

/// Who supports a server, itself included: its connected followers; and if the oracle names it,
/// those who look for a leader or wait to be connected. Nobody does if it is no leader, unless it
/// looks and the oracle names it, so that it may lead.
#[must_use]
pub fn supporters<const N: usize, const X: usize, const G: usize>(
    state: &State<N, X, G>,
    leader: usize,
) -> Members {
    let named = state.oracle == Seat::of(leader);
    let mut supporters = Members::default();
    match state.servers[leader].role {
        Role::Leading => {}
        Role::Looking if named => {}
        Role::Looking | Role::Following => return supporters,
    }
    supporters.insert(leader);
    for (i, server) in state.servers.iter().enumerate() {
        let told = named && (server.role == Role::Looking || waits(server));
        if told || (server.role == Role::Following && server.leader == Seat::of(leader)) {
            supporters.insert(i);
        }
    }
    supporters
}

/// The server that a quorum supports. There is one at most, since nobody supports two.
#[must_use]
pub fn supported<const N: usize, const X: usize, const G: usize>(
    model: &Paper<N, X, G>,
    state: &State<N, X, G>,
) -> Option<usize> {
    (0..N).find(|leader| model.rules().is_quorum(supporters(state, *leader)))
}

fn is_supported<M, const N: usize, const X: usize, const G: usize>(
    model: &M,
    state: &State<N, X, G>,
) -> bool
where
    M: AsRef<Paper<N, X, G>>,
{
    supported(model.as_ref(), state).is_some()
}

/// Whether a server leads in broadcast.
#[must_use]
pub fn is_established<const N: usize, const X: usize, const G: usize>(
    state: &State<N, X, G>,
    leader: usize,
) -> bool {
    let server = &state.servers[leader];
    server.role == Role::Leading && server.phase == Phase::Broadcast
}

/// Whether the server that a quorum supports is established and has taken a request.
fn has_request<M, const N: usize, const X: usize, const G: usize>(
    model: &M,
    state: &State<N, X, G>,
) -> bool
where
    M: AsRef<Paper<N, X, G>>,
{
    supported(model.as_ref(), state).is_some_and(|leader| {
        let server = &state.servers[leader];
        is_established(state, leader) && server.history.last().epoch() == server.current_epoch
    })
}

/// The supporters of a leader that have not promised more than its epoch, itself left out.
fn willing<const N: usize, const X: usize, const G: usize>(
    state: &State<N, X, G>,
    leader: usize,
) -> impl Iterator<Item = usize> {
    let promised = state.servers[leader].accepted_epoch;
    let others = supporters(state, leader).without(leader);
    (0..N).filter(move |i| others.contains(*i) && state.servers[*i].accepted_epoch <= promised)
}

/// Whether a server is established and all its willing supporters follow it in broadcast.
#[must_use]
pub fn all_joined<const N: usize, const X: usize, const G: usize>(
    state: &State<N, X, G>,
    leader: usize,
) -> bool {
    let joined = |i: usize| {
        let server = &state.servers[i];
        server.leader == Seat::of(leader) && server.phase == Phase::Broadcast
    };
    is_established(state, leader) && willing(state, leader).all(joined)
}

/// Whether a server is established, and it and all its willing supporters have delivered all that
/// is in its history.
#[must_use]
pub fn all_delivered<const N: usize, const X: usize, const G: usize>(
    state: &State<N, X, G>,
    leader: usize,
) -> bool {
    let history = state.servers[leader].history.txns();
    let mut who = willing(state, leader).chain([leader]);
    is_established(state, leader) && who.all(|i| state.delivered(i) == history)
}

/// Whether the next transaction that an established leader would commit has its quorum already.
///
/// As published, a commit needs an ACK that comes when the quorum is there. An ACK-LD may complete
/// the quorum after the last ACK; see [`LateAckLd`](super::LateAckLd).
#[must_use]
pub fn misses_commit<const N: usize, const X: usize, const G: usize>(
    model: &Paper<N, X, G>,
    state: &State<N, X, G>,
    leader: usize,
) -> bool {
    let server = &state.servers[leader];
    let next = usize::from(server.last_committed);
    let acks = server.leading.acks[..server.history.len()].get(next);
    is_established(state, leader) && acks.is_some_and(|acks| model.rules().is_quorum(*acks))
}
