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
use zab_trace::{EventKind, Message as Shown};

use crate::{
    candidate::{Candidate, Scene},
    convert,
    hidden::{self, AHEAD_MAX},
    mapping::Line,
    monitor::Search,
};

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

/// What a state catches up for: a line, or a hidden step before it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Goal<'a> {
    pub(crate) line: &'a Line<'a>,
    /// Whether the line itself is to be shown.
    pub(crate) shows: bool,
}

/// Tries a state as it is; where it fails, with the syncs and requests that are needed.
pub(crate) fn attempt(
    scene: &mut Scene<'_>,
    state: &Candidate,
    goal: Goal<'_>,
    search: Search<'_>,
    effort: &mut Effort,
    mut go: impl FnMut(&mut Scene<'_>, &Candidate) -> Result<Candidate, Refusal>,
) -> Option<Candidate> {
    let mut requested: Option<Candidate> = None;
    loop {
        let state = requested.as_ref().unwrap_or(state);
        let refusal = match go(scene, state) {
            Ok(taken) => return Some(taken),
            Err(refusal) => refusal,
        };
        for length in lengths(scene, state, goal, search, refusal) {
            let synced = sync(scene, state, length, goal, search, effort);
            if let Some(taken) = synced.and_then(|synced| go(scene, &synced).ok()) {
                return Some(taken);
            }
        }
        if !requests_help(scene, state, goal, search, refusal) {
            return None;
        }
        requested = Some(request(scene, state, goal, search, effort)?);
    }
}

/// The state with one more request; none if no line names it, or what is sent later rules it out.
pub(crate) fn request(
    scene: &mut Scene<'_>,
    state: &Candidate,
    goal: Goal<'_>,
    search: Search<'_>,
    effort: &mut Effort,
) -> Option<Candidate> {
    let payload = hidden::next_payload(scene, state)?;
    if state.core.ahead >= AHEAD_MAX {
        effort.cut = true;
        return None;
    }
    let goal = Goal { shows: false, ..goal };
    let go = |scene: &mut Scene<'_>, state: &Candidate| {
        let mut taken = state.clone();
        if !hidden::take(scene, &mut taken, Step::Request { payload }) {
            return Err(Refusal::Step);
        }
        if search.allows(&taken, goal.line) { Ok(taken) } else { Err(Refusal::Later) }
    };
    let mut found = go(scene, state).ok();
    if found.is_none() {
        for length in lengths(scene, state, goal, search, Refusal::Later) {
            let synced = sync(scene, state, length, goal, search, effort);
            found = synced.and_then(|synced| go(scene, &synced).ok());
            if found.is_some() {
                break;
            }
        }
    }
    let mut found = found?;
    effort.steps += 1;
    search.trim(&mut found);
    Some(found)
}

/// The state with its log synced up to a length; none if what is sent later rules it out.
fn sync(
    scene: &mut Scene<'_>,
    state: &Candidate,
    length: usize,
    goal: Goal<'_>,
    search: Search<'_>,
    effort: &mut Effort,
) -> Option<Candidate> {
    let up_to = scene.cfg.history(state.core.server.history).zxid_at(length);
    let mut synced = state.clone();
    if !synced.step(scene, Step::SyncLog { up_to }, &mut NoProbe) {
        return None;
    }
    effort.steps += 1;
    if !search.allows(&synced, goal.line) {
        return None;
    }
    search.trim(&mut synced);
    Some(synced)
}

/// The lengths of the log on disk with which the goal may be reached, the least first.
fn lengths(
    scene: &Scene<'_>,
    state: &Candidate,
    goal: Goal<'_>,
    search: Search<'_>,
    refusal: Refusal,
) -> Vec<usize> {
    let server = &state.core.server;
    let idle = server.phase != Phase::Broadcast || !server.program.is_finished();
    if scene.shown.persisted || idle || server.unsynced() == 0 {
        return Vec::new();
    }
    let (durable, length) = (Wide::length(&server.disk.history), Wide::length(&server.history));
    let mut lengths = match refusal {
        Refusal::Step if goal.shows => for_line(scene, server, goal.line),
        Refusal::Step => Vec::new(),
        Refusal::Later => for_later(scene, state, goal, search),
    };
    lengths.retain(|wanted| (durable + 1..=length).contains(wanted));
    lengths.sort_unstable();
    lengths.dedup();
    lengths
}

/// What a line that cannot be shown needs.
fn for_line(scene: &Scene<'_>, server: &Server<Wide>, line: &Line<'_>) -> Vec<usize> {
    let position =
        |zxid: zab_trace::Zxid| scene.cfg.history(server.history).length_at(convert::zxid_in(zxid));
    let commit = |zxid| position(zxid).and_then(|upto| own_ack(scene, server, line, upto));
    let of_line = match &line.event.kind {
        EventKind::Delivered { zxid } => position(*zxid),
        EventKind::Committed { zxid } => commit(*zxid),
        EventKind::Sent(packet) => {
            if let Shown::Ack { zxid } = packet.message {
                position(zxid)
            } else if let Shown::Commit { zxid } = packet.message {
                commit(zxid)
            } else {
                None
            }
        }
        EventKind::Start { .. }
        | EventKind::Stop
        | EventKind::Killed
        | EventKind::Connected { .. }
        | EventKind::Disconnected { .. }
        | EventKind::Received(_)
        | EventKind::Persisted(_)
        | EventKind::Looking { .. }
        | EventKind::Resent
        | EventKind::Elected { .. }
        | EventKind::Proposed { .. }
        | EventKind::Established { .. }
        | EventKind::Joined { .. } => None,
    };
    let committed = line.event.state.and_then(|state| state.last_committed);
    of_line.into_iter().chain(committed.and_then(commit)).collect()
}

/// How much a leader must have synced for everything up to a length to be committed: up to the last
/// transaction of which its own acknowledgement makes the quorum. None if that is not enough.
fn own_ack(
    scene: &Scene<'_>,
    server: &Server<Wide>,
    line: &Line<'_>,
    upto: usize,
) -> Option<usize> {
    if server.role != Role::Leading {
        return None;
    }
    let (committed, quorum) = (server.committed(scene.cfg), scene.cfg.quorum());
    let coming = coming_ack(scene, server, line);
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
fn coming_ack(
    scene: &Scene<'_>,
    server: &Server<Wide>,
    line: &Line<'_>,
) -> Option<(zab_model::ServerId, usize)> {
    let EventKind::Received(packet) = &line.event.kind else { return None };
    let Shown::Ack { zxid } = packet.message else { return None };
    let at = scene.cfg.history(server.history).length_at(convert::zxid_in(zxid))?;
    Some((line.ids.dense(packet.peer)?, at))
}

/// What the messages need that are the next to be sent on each connection.
fn for_later(
    scene: &Scene<'_>,
    state: &Candidate,
    goal: Goal<'_>,
    search: Search<'_>,
) -> Vec<usize> {
    let server = &state.core.server;
    let (durable, unsynced) = (Wide::length(&server.disk.history), server.unsynced());
    let wires = state.core.wires.iter().filter(|wire| wire.connection.is_some());
    let later = wires.map(|wire| search.later(wire));
    if server.role == Role::Following {
        return later.map(|later| durable + later.len().min(unsynced)).collect();
    }
    if let EventKind::Received(packet) = &goal.line.event.kind
        && matches!(packet.message, Shown::AckEpoch { .. })
    {
        // What the learner gets depends on how much is committed.
        return (durable + 1..=durable + unsynced).collect();
    }
    let committed = server.committed(scene.cfg);
    let runs = later.map(|later| {
        later.iter().take_while(|message| matches!(message, Shown::Commit { .. })).count()
    });
    runs.filter_map(|run| own_ack(scene, server, goal.line, committed + run)).collect()
}

/// Whether a request may help a state that cannot go on.
fn requests_help(
    scene: &Scene<'_>,
    state: &Candidate,
    goal: Goal<'_>,
    search: Search<'_>,
    refusal: Refusal,
) -> bool {
    let last = convert::zxid(state.core.server.last(scene.cfg));
    let event = goal.line.event;
    if refusal == Refusal::Later {
        let wires = state.core.wires.iter().filter(|wire| wire.connection.is_some());
        let mut later = wires.map(|wire| search.later(wire));
        return later.any(|later| awaits_request(later, last));
    }
    let named = event.state.and_then(|state| state.last_zxid).into_iter();
    let of_line = match &event.kind {
        EventKind::Delivered { zxid } | EventKind::Committed { zxid } => Some(*zxid),
        EventKind::Sent(packet) => {
            if let Shown::Proposal { zxid, .. } | Shown::Commit { zxid } = packet.message {
                Some(zxid)
            } else {
                None
            }
        }
        EventKind::Start { .. }
        | EventKind::Stop
        | EventKind::Killed
        | EventKind::Connected { .. }
        | EventKind::Disconnected { .. }
        | EventKind::Received(_)
        | EventKind::Persisted(_)
        | EventKind::Looking { .. }
        | EventKind::Resent
        | EventKind::Elected { .. }
        | EventKind::Proposed { .. }
        | EventKind::Established { .. }
        | EventKind::Joined { .. } => None,
    };
    let length = event.state.and_then(|state| state.log_length).unwrap_or(0);
    let longer = length > Wide::length(&state.core.server.history) as u64;
    goal.shows && (longer || named.chain(of_line).any(|zxid| zxid > last))
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
pub(crate) fn counts_requests(scene: &Scene<'_>, state: &Candidate, line: &Line<'_>) -> bool {
    match &line.event.kind {
        EventKind::Looking { .. } | EventKind::Stop | EventKind::Killed => true,
        EventKind::Received(packet) => {
            let last = convert::zxid(state.core.server.last(scene.cfg));
            matches!(packet.message, Shown::Ack { zxid } if zxid > last)
        }
        EventKind::Start { .. }
        | EventKind::Connected { .. }
        | EventKind::Disconnected { .. }
        | EventKind::Persisted(_)
        | EventKind::Sent(_)
        | EventKind::Delivered { .. }
        | EventKind::Resent
        | EventKind::Elected { .. }
        | EventKind::Proposed { .. }
        | EventKind::Established { .. }
        | EventKind::Committed { .. }
        | EventKind::Joined { .. } => false,
    }
}

/// Whether so much is sent later on a connection that it cannot end before the line: more than the
/// state's syncs and requests can add to its queue. A request that comes now is not committed before
/// another line, because nobody has acknowledged it.
pub(crate) fn goes_on(state: &Candidate, peer: usize, search: Search<'_>) -> bool {
    let server = &state.core.server;
    let Some(wire) = state.core.wires.get(peer).filter(|wire| wire.connection.is_some()) else {
        return false;
    };
    let later = search.later(wire);
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
