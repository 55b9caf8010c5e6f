//! The state in the middle of a run that a trace begins with, reached by a run of the model.

use stateright::Model;
use thiserror::Error;
use zab_model::explore::{Action, Bounds, Election, Flat, Log, Start, State, TXNS_MAX, Zab};
use zab_model::{Disk, Grain, Profile, ServerId, ServerSet, Txn, WINDOW_DEFAULT, Zxid};

use crate::closure::{all_by, is_hidden};
use crate::order::Order;
use crate::read::TlcTrace;

/// Why nothing can be said of a trace.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Unsupported {
    /// It has too many transactions.
    #[error("an exploration has room for {TXNS_MAX} transactions")]
    Transactions,
    /// The model has no such state.
    #[error("the state in which it begins: {0}")]
    Start(String),
    /// There are too many runs to look at.
    #[error("step {0}: there are too many states to look at")]
    TooMany(u64),
}

/// More of anything than a trace has.
const MANY: u8 = 200;

/// The model in which a run is looked for: any number of crashes, broken links and elections, and
/// every thread for itself. Nobody gives up a role that it can keep: a trace does not show why.
pub(crate) fn model(
    trace: &TlcTrace,
    profile: Profile,
    order: &Order<'_>,
) -> Result<Zab, Unsupported> {
    let first = trace.steps.first().ok_or(Unsupported::Start("there is no step".to_owned()))?;
    let leader = first.after.get(first.node).ok_or(Unsupported::Transactions)?;
    let mut made: Vec<Zxid<u8>> = trace
        .steps
        .iter()
        .flat_map(|step| &step.after)
        .flat_map(|post| post.history.iter().chain(&post.queued))
        .copied()
        .collect();
    made.sort_unstable();
    made.dedup();
    if made.len() > TXNS_MAX {
        return Err(Unsupported::Transactions);
    }
    let bounds = Bounds {
        servers: u8::try_from(trace.servers.len()).unwrap_or(u8::MAX),
        observers: 0,
        requests: u8::try_from(TXNS_MAX).unwrap_or(u8::MAX),
        crashes: MANY,
        kills: 0,
        lost_disks: 0,
        failed_appends: 0,
        timeouts: 0,
        disconnects: MANY,
        rounds: MANY,
        resends: 0,
        election: Election::Oracle,
    };
    let mut model = Zab::new(bounds, WINDOW_DEFAULT).ok_or(Unsupported::Transactions)?;
    model.ensemble.profile = profile;
    model.ensemble.grain = Grain::Threads;
    let Some(epoch) = leader.accepted_epoch.checked_sub(1) else {
        return Err(Unsupported::Start("the leader's epoch is 0".to_owned()));
    };
    let mut start = Start::default();
    // What was made in earlier epochs is on the disks; the rest is made again.
    let earlier = |zxid: &&Zxid<u8>| zxid.epoch <= epoch;
    let before: Vec<Zxid<u8>> = leader.history.iter().filter(earlier).copied().collect();
    for (txn, (zxid, number)) in start.transactions.iter_mut().zip(before.iter().zip(1..)) {
        *txn = Txn { zxid: *zxid, payload: number };
    }
    let numbers: Vec<u8> = (1..).take(before.len()).collect();
    let history = Log::of(&numbers).ok_or(Unsupported::Transactions)?;
    let disk =
        Disk::<Flat> { accepted_epoch: epoch, current_epoch: epoch, history, ..Disk::default() };
    for place in 0..trace.servers.len() {
        start.disks[order.id(place).row().unwrap_or_default()] = disk;
    }
    start.committed = history;
    model.starts = vec![start];
    Ok(model)
}

/// All states that the first step of a trace can be, from which runs are looked for: its leader is
/// elected by all, everything that is committed is made, and then what is not.
pub(crate) fn states(model: &Zab, trace: &TlcTrace, order: &Order<'_>) -> Vec<State> {
    let (Some(first), Some(state)) = (trace.steps.first(), model.init_states().pop()) else {
        return Vec::new();
    };
    let leader = order.id(first.node);
    let followers = (0..trace.servers.len()).map(|place| order.id(place));
    let followers = followers.filter(|id| *id != leader).fold(ServerSet::default(), with);
    let Some(state) = until_quiet(model, state)
        .and_then(|state| model.next_state(&state, Action::Elect(leader, followers)))
        .and_then(|state| until_quiet(model, state))
    else {
        return Vec::new();
    };
    let told = &first.after[first.node];
    let epoch = told.accepted_epoch;
    let is_made = |zxid: &&Zxid<u8>| zxid.epoch == epoch;
    let earlier = told.history.len() - told.history.iter().filter(is_made).count();
    let least = first.after.iter().map(|post| usize::from(post.committed)).min();
    let committed = least.unwrap_or_default().saturating_sub(earlier);
    let mut state = state;
    for number in 0..told.history.len() - earlier {
        let Some(next) = model.next_state(&state, Action::Request(leader)) else {
            return Vec::new();
        };
        let quiet = if number < committed { until_quiet(model, next) } else { Some(next) };
        let Some(next) = quiet else { return Vec::new() };
        state = next;
    }
    all_by(model, &[state], is_calm).after
}

fn with(mut set: ServerSet, id: ServerId) -> ServerSet {
    set.insert(id);
    set
}

/// A step that comes of itself: no fault, no election, no request.
fn is_calm(state: &State, action: &Action) -> bool {
    let ends = matches!(
        action,
        Action::LearnerNotices(_) | Action::LeaderNotices(..) | Action::LeaveRole(_)
    );
    let is_work =
        matches!(action, Action::ToLearner(_) | Action::ToLeader(..) | Action::Handler(..));
    is_work || !ends && is_hidden(state, action)
}

/// Takes all steps that come of themselves.
fn until_quiet(model: &Zab, mut state: State) -> Option<State> {
    let mut actions = Vec::new();
    // Each step takes a packet, an item of a program or a transaction away.
    for _ in 0..10_000 {
        actions.clear();
        model.actions(&state, &mut actions);
        let calm = actions.iter().filter(|action| is_calm(&state, action));
        let Some(next) = calm.filter_map(|action| model.next_state(&state, *action)).next() else {
            return Some(state);
        };
        state = next;
    }
    None
}
