//! Hidden syncs and requests wait until something needs them.
//!
//! What is synced shows in acknowledgements, commits and deliveries, and nowhere else; a crash keeps
//! any prefix of what was not synced. So a state that has synced less can do, and show, whatever one
//! that has synced more can, as long as it may still sync: before each line, and before each hidden
//! step that ends a connection or adds to a queue, it is enough to try the state as it is, and where
//! it fails, the least sync with which it does not. The same holds for requests, except where their
//! number shows at once: when a leader's history becomes its vote (`zk.fle.enter`), when a crash
//! keeps it, or when an acknowledgement of one comes. There all numbers of requests are tried.
//!
//! How much is needed is read off the line: a `Delivered` needs its transaction on disk, a COMMIT
//! or a projection the acknowledgements before it, an ACK its sync. Where the queue of a connection
//! disagrees with what is sent on it later, the messages that come first there are needed.
//!
//! This takes one state where taking every step beforehand takes one for each number of transactions
//! that may have been synced and requested.

use zab_model::{NoProbe, Phase, Role, Server, Shape, Step, Wide};
use zab_trace::{EventKind, EventName, Message as Shown, Packet};

use crate::search::step::{AHEAD_MAX, hidden_step, next_payload};
use crate::state::{Candidate, Context};
use crate::trace::convert;

/// Why a state cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It cannot show the line, or take the step.
    Step,
    /// It can, but then not what is sent later.
    Later,
}

/// What was done while states caught up.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Effort {
    /// Hidden steps taken.
    pub(crate) steps: u64,
    /// Whether more requests were possible than were tried.
    pub(crate) cut: bool,
}

/// What a state catches up for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Goal {
    /// To show the line.
    Line,
    /// To take a hidden step before it.
    Step,
}

/// Tries a state as it is; where it fails, with the syncs and requests that are needed.
pub(crate) fn attempt(
    ctx: &mut Context<'_>,
    state: &Candidate,
    goal: Goal,
    effort: &mut Effort,
    mut go: impl FnMut(&mut Context<'_>, &Candidate) -> Result<Candidate, Refusal>,
) -> Option<Candidate> {
    let mut requested: Option<Candidate> = None;
    loop {
        let state = requested.as_ref().unwrap_or(state);
        let refusal = match go(ctx, state) {
            Ok(taken) => return Some(taken),
            Err(refusal) => refusal,
        };
        for length in lengths(ctx, state, goal, refusal) {
            let synced = sync(ctx, state, length, effort);
            if let Some(taken) = synced.and_then(|synced| go(ctx, &synced).ok()) {
                return Some(taken);
            }
        }
        if !requests_help(ctx, state, goal, refusal) {
            return None;
        }
        requested = Some(request(ctx, state, effort)?);
    }
}

/// The state with one more request; none if no line names it, or what is sent later rules it out.
pub(crate) fn request(
    ctx: &mut Context<'_>,
    state: &Candidate,
    effort: &mut Effort,
) -> Option<Candidate> {
    let payload = next_payload(ctx, state)?;
    if state.core.ahead >= AHEAD_MAX {
        effort.cut = true;
        return None;
    }
    let go = |ctx: &mut Context<'_>, state: &Candidate| {
        let mut taken = state.clone();
        if !hidden_step(ctx, &mut taken, Step::Request { payload }) {
            return Err(Refusal::Step);
        }
        if ctx.allows(&taken) { Ok(taken) } else { Err(Refusal::Later) }
    };
    let mut found = go(ctx, state).ok();
    if found.is_none() {
        for length in lengths(ctx, state, Goal::Step, Refusal::Later) {
            let synced = sync(ctx, state, length, effort);
            found = synced.and_then(|synced| go(ctx, &synced).ok());
            if found.is_some() {
                break;
            }
        }
    }
    let mut found = found?;
    effort.steps += 1;
    ctx.trim(&mut found);
    Some(found)
}

/// The state with its log synced up to a length; none if what is sent later rules it out.
fn sync(
    ctx: &mut Context<'_>,
    state: &Candidate,
    length: usize,
    effort: &mut Effort,
) -> Option<Candidate> {
    let up_to = ctx.cfg.history(state.core.server.history).zxid_at(length);
    let mut synced = state.clone();
    if !synced.step(ctx, Step::SyncLog { up_to }, &mut NoProbe) {
        return None;
    }
    effort.steps += 1;
    if !ctx.allows(&synced) {
        return None;
    }
    ctx.trim(&mut synced);
    Some(synced)
}

/// The lengths of the log on disk with which the goal may be reached, the least first.
fn lengths(ctx: &Context<'_>, state: &Candidate, goal: Goal, refusal: Refusal) -> Vec<usize> {
    let server = &state.core.server;
    let idle = server.phase != Phase::Broadcast || !server.program.is_finished();
    if ctx.shown.persisted || idle || server.unsynced() == 0 {
        return Vec::new();
    }
    let (durable, length) = (Wide::length(&server.disk.history), Wide::length(&server.history));
    let mut lengths = match refusal {
        Refusal::Step if goal == Goal::Line => for_line(ctx, server),
        Refusal::Step => Vec::new(),
        Refusal::Later => for_later(ctx, state),
    };
    lengths.retain(|wanted| (durable + 1..=length).contains(wanted));
    lengths.sort_unstable();
    lengths.dedup();
    lengths
}

/// What a line that cannot be shown needs.
fn for_line(ctx: &Context<'_>, server: &Server<Wide>) -> Vec<usize> {
    let position =
        |zxid: zab_trace::Zxid| ctx.cfg.history(server.history).length_at(convert::zxid_in(zxid));
    let commit = |zxid| position(zxid).and_then(|upto| own_ack(ctx, server, upto));
    let of_line = if let EventKind::Delivered { zxid }
    | EventKind::Sent(Packet { message: Shown::Ack { zxid }, .. }) =
        &ctx.event().kind
    {
        position(*zxid)
    } else if let EventKind::Committed { zxid }
    | EventKind::Sent(Packet { message: Shown::Commit { zxid }, .. }) = &ctx.event().kind
    {
        commit(*zxid)
    } else {
        None
    };
    let committed = ctx.event().state.and_then(|state| state.last_committed);
    of_line.into_iter().chain(committed.and_then(commit)).collect()
}

/// How much a leader must have synced for everything up to a length to be committed: up to the last
/// transaction of which its own acknowledgement makes the quorum. None if that is not enough.
fn own_ack(ctx: &Context<'_>, server: &Server<Wide>, upto: usize) -> Option<usize> {
    if server.role != Role::Leading {
        return None;
    }
    let (committed, quorum) = (server.committed(ctx.cfg), ctx.cfg.ensemble.quorum());
    let coming = coming_ack(ctx, server);
    let mut needed = 0;
    for (length, acks) in (committed + 1..=upto).zip(&server.leader.outstanding) {
        let mut acks = *acks;
        if let Some((from, at)) = coming
            && at == length
        {
            acks.insert(from);
        }
        if acks.len() < quorum {
            if acks.contains(server.id) || acks.len() + 1 < quorum {
                return None;
            }
            needed = length;
        }
    }
    Some(needed)
}

/// The acknowledgement that the line brings: whose, and up to which length.
fn coming_ack(ctx: &Context<'_>, server: &Server<Wide>) -> Option<(zab_model::ServerId, usize)> {
    let EventKind::Received(packet) = &ctx.event().kind else { return None };
    let Shown::Ack { zxid } = packet.message else { return None };
    let at = ctx.cfg.history(server.history).length_at(convert::zxid_in(zxid))?;
    Some((ctx.ids.dense(packet.peer)?, at))
}

/// What the messages need that are the next to be sent on each connection.
fn for_later(ctx: &Context<'_>, state: &Candidate) -> Vec<usize> {
    let server = &state.core.server;
    let (durable, unsynced) = (Wide::length(&server.disk.history), server.unsynced());
    let wires = state.core.wires.iter().filter(|wire| wire.connection.is_some());
    let later = wires.map(|wire| ctx.later(wire));
    if server.role == Role::Following {
        return later.map(|later| durable + later.len().min(unsynced)).collect();
    }
    if let EventKind::Received(packet) = &ctx.event().kind
        && matches!(packet.message, Shown::AckEpoch { .. })
    {
        // What the learner gets depends on how much is committed.
        return (durable + 1..=durable + unsynced).collect();
    }
    let committed = server.committed(ctx.cfg);
    let runs = later.map(|later| {
        later.iter().take_while(|message| matches!(message, Shown::Commit { .. })).count()
    });
    runs.filter_map(|run| own_ack(ctx, server, committed + run)).collect()
}

/// Whether a request may help a state that cannot go on.
fn requests_help(ctx: &Context<'_>, state: &Candidate, goal: Goal, refusal: Refusal) -> bool {
    let last = convert::zxid(state.core.server.last(ctx.cfg));
    let event = ctx.event();
    if refusal == Refusal::Later {
        let wires = state.core.wires.iter().filter(|wire| wire.connection.is_some());
        let mut later = wires.map(|wire| ctx.later(wire));
        return later.any(|later| awaits_request(later, last));
    }
    let named = event.state.and_then(|state| state.last_zxid).into_iter();
    let of_line = if let EventKind::Delivered { zxid }
    | EventKind::Committed { zxid }
    | EventKind::Sent(Packet {
        message: Shown::Proposal { zxid, .. } | Shown::Commit { zxid },
        ..
    }) = &event.kind
    {
        Some(*zxid)
    } else {
        None
    };
    let length = event.state.and_then(|state| state.log_length).unwrap_or(0);
    let longer = length > Wide::length(&state.core.server.history) as u64;
    goal == Goal::Line && (longer || named.chain(of_line).any(|zxid| zxid > last))
}

/// Whether a transaction after `last` is the next that is sent, or part of a synchronization that is.
fn awaits_request(later: &[Shown], last: zab_trace::Zxid) -> bool {
    let synchronizes = |message: &Shown| {
        matches!(message, Shown::Diff { .. } | Shown::Trunc { .. } | Shown::Snap { .. })
    };
    let mut next = later.iter().skip_while(|message| matches!(message, Shown::Commit { .. }));
    let proposes =
        |message: &Shown| matches!(message, Shown::Proposal { zxid, .. } if *zxid > last);
    let Some(first) = next.next() else { return false };
    let mut rest = next.take_while(|message| !matches!(message, Shown::NewLeader { .. }));
    proposes(first) || (synchronizes(first) && rest.any(proposes))
}

/// Whether the number of requests shows at once, so that all numbers are tried before the line.
pub(crate) fn counts_requests(ctx: &Context<'_>, state: &Candidate) -> bool {
    if let EventKind::Received(packet) = &ctx.event().kind {
        let last = convert::zxid(state.core.server.last(ctx.cfg));
        return matches!(packet.message, Shown::Ack { zxid } if zxid > last);
    }
    ctx.event().kind.ends_incarnation() || ctx.event().kind.name() == EventName::Looking
}

/// Whether so much is sent later on a connection that it cannot end before the line: more than the
/// state's syncs and requests can add to its queue. A request that comes now is not committed before
/// another line, because nobody has acknowledged it.
pub(crate) fn goes_on(ctx: &Context<'_>, state: &Candidate, peer: usize) -> bool {
    let server = &state.core.server;
    let Some(wire) = state.core.wires.get(peer).filter(|wire| wire.connection.is_some()) else {
        return false;
    };
    let later = ctx.later(wire);
    match server.role {
        Role::Leading => {
            let outstanding = server.leader.outstanding.len();
            let commits = |message: &&Shown| matches!(message, Shown::Commit { .. });
            later.len() > outstanding + AHEAD_MAX as usize
                || later.iter().filter(commits).count() > outstanding
        }
        Role::Following => later.len() > server.unsynced(),
        Role::Looking | Role::Down => !later.is_empty(),
    }
}
