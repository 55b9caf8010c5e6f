//! Steps that no line shows: what a server may have done between two lines.
//!
//! Before a line is explained, every candidate is joined by all states that hidden steps lead to.
//! [`Closure::Full`] takes every hidden step before every line. [`Closure::Reduced`] leaves a step
//! out before a line past which it can be delayed: taking it later leads to the same states and
//! shows the same lines, so nothing is lost, and the frontier stays small. The reasons:
//!
//! * `ProgramNext` is not delayed: until the program is finished nothing else can happen.
//! * `SyncLog` of a follower only appends its ACK, and its deliveries, to queues, and nothing it
//!   does later reads how much is synced, except a crash, which keeps any prefix anyway. Where
//!   deliveries are hidden too, no more is synced than ACKs are sent later on the connection.
//! * `SyncLog` of a leader adds its own acknowledgement, which shows only where it makes a quorum:
//!   where it does at once, or with the ACK that is received. Otherwise delayed.
//! * `Settle` changes what notifications, connections and messages mean. Delayed past deliveries,
//!   and past what is sent on a quorum connection, for which it must have been taken long before;
//!   a FOLLOWERINFO on a connection that is not shown is the exception.
//! * `LeaveRole` likewise: what is sent on a quorum connection may be sent while it ends.
//! * `Request` is only seen by what is sent to learners, by acknowledgements and by what the next
//!   vote says. Delayed past notifications received, and past everything while not leading.
//!
//! A line that carries `state` shows more, so before such a line nothing is left out.
//!
//! Besides, later lines rule states out (`lookahead`); where they may, syncs and requests are not
//! taken here at all, but when something needs them (`lazy`).

use std::collections::HashSet;

use zab_model::{NoProbe, Phase, Role, Shape, Step, Wide, Zxid};
use zab_trace::{EventKind, Message, Port};

use crate::{
    candidate::{Candidate, Scene},
    lazy::{self, Effort, Goal, Refusal},
    mapping::Line,
    monitor::Search,
};

/// Whether hidden steps that can be delayed are delayed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Closure {
    /// All hidden steps before every line: slow, and the yardstick.
    Full,
    /// Those that cannot be delayed past the line.
    #[default]
    Reduced,
}

/// How many hidden requests a leader may be ahead of the PROPOSALs it has sent.
pub(crate) const AHEAD_MAX: u32 = 256;

/// The states that explain everything before a line, with hidden steps taken.
#[derive(Debug, Default)]
pub(crate) struct Closed {
    /// The states that hidden steps lead to; those before them are not among them.
    pub(crate) added: Vec<Candidate>,
    /// Whether more hidden requests were possible than were tried.
    pub(crate) cut: bool,
    /// Hidden steps taken.
    pub(crate) steps: u64,
}

/// Takes hidden steps until nothing new appears. None if there are more than `limit` states.
pub(crate) fn close(
    scene: &mut Scene<'_>,
    seeds: &[Candidate],
    line: &Line<'_>,
    search: Search<'_>,
) -> Option<Closed> {
    let mut seen: HashSet<u64> = HashSet::new();
    let mut closed = Closed::default();
    let mut effort = Effort::default();
    let mut next = 0;
    while let Some(candidate) =
        seeds.get(next).or_else(|| closed.added.get(next.wrapping_sub(seeds.len())))
    {
        next += 1;
        let (steps, cut) = steps(scene, candidate, line, search);
        effort.cut |= cut;
        let mut found = Vec::new();
        for step in steps {
            found.extend(ways(scene, candidate, step, line, search, &mut effort));
        }
        if seen.is_empty() && !found.is_empty() {
            seen.extend(seeds.iter().map(Candidate::fingerprint));
        }
        for mut taken in found {
            effort.steps += 1;
            search.trim(&mut taken);
            if seen.insert(taken.fingerprint()) {
                closed.added.push(taken);
            }
        }
        if closed.added.len() > search.limit {
            return None;
        }
    }
    (closed.steps, closed.cut) = (effort.steps, effort.cut);
    Some(closed)
}

/// The states after a hidden step: one, or none; before a leader's last step as such, any number of
/// requests may have come.
fn ways(
    scene: &mut Scene<'_>,
    candidate: &Candidate,
    step: Step<Wide>,
    line: &Line<'_>,
    search: Search<'_>,
    effort: &mut Effort,
) -> Vec<Candidate> {
    let go = |scene: &mut Scene<'_>, state: &Candidate| {
        let mut taken = state.clone();
        if !take(scene, &mut taken, step) {
            return Err(Refusal::Step);
        }
        if search.allows(&taken, line) { Ok(taken) } else { Err(Refusal::Later) }
    };
    if !search.is_lazy() {
        return go(scene, candidate).into_iter().collect();
    }
    let mut found = Vec::new();
    let goal = Goal { line, shows: false };
    found.extend(lazy::attempt(scene, candidate, goal, search, effort, go));
    if step == Step::LeaveRole && !scene.shown.proposed {
        let mut more = lazy::request(scene, candidate, goal, search, effort);
        while let Some(requested) = more {
            found.extend(lazy::attempt(scene, &requested, goal, search, effort, go));
            more = lazy::request(scene, &requested, goal, search, effort);
        }
    }
    found
}

/// Takes a hidden step; false, and no change, if it is not enabled.
pub(crate) fn take(scene: &mut Scene<'_>, candidate: &mut Candidate, step: Step<Wide>) -> bool {
    if !candidate.step(scene, step, &mut NoProbe) || candidate.owed.is_some() {
        return false;
    }
    if let Step::Disconnected { peer } = step {
        candidate.core.end(peer);
    }
    candidate.core.ahead += u32::from(candidate.proposed.is_some());
    true
}

/// The hidden steps to be tried before a line, and whether one was left out for its number.
fn steps(
    scene: &Scene<'_>,
    candidate: &Candidate,
    line: &Line<'_>,
    search: Search<'_>,
) -> (Vec<Step<Wide>>, bool) {
    let (shown, server) = (scene.shown, &candidate.core.server);
    let sees = |kind: Kind| search.closure == Closure::Full || kind.matters_before(candidate, line);
    let (mut steps, mut cut) = (Vec::new(), false);
    if server.role == Role::Down {
        return (steps, cut);
    }
    if !server.program.is_finished() {
        // Nothing else is enabled before the program is finished.
        if !shown.persisted && sees(Kind::Program) {
            steps.push(Step::ProgramNext);
        }
        return (steps, cut);
    }
    let lazy = search.is_lazy();
    if !lazy && !shown.persisted && server.unsynced() > 0 && sees(Kind::Sync) {
        let durable = Wide::length(&server.disk.history);
        let lengths = durable + 1..=durable + syncs(scene, candidate, line, search);
        let zxids = lengths.map(|length| scene.cfg.history(server.history).zxid_at(length));
        steps.extend(zxids.map(|up_to| Step::SyncLog { up_to }));
    }
    match server.role {
        Role::Looking => {
            if !shown.elected && sees(Kind::Settle) {
                steps.push(Step::Settle);
            }
        }
        Role::Following | Role::Leading => {
            let goes_on = |row| lazy && lazy::goes_on(candidate, row, search);
            let some_go_on = || (0..candidate.core.wires.len()).any(goes_on);
            if !shown.looking && sees(Kind::Leave) && !some_go_on() {
                steps.push(Step::LeaveRole);
            }
        }
        Role::Down => {}
    }
    if server.role == Role::Leading && !shown.disconnected {
        for (row, wire) in candidate.core.wires.iter().enumerate() {
            let goes_on = lazy && lazy::goes_on(candidate, row, search);
            let id = u8::try_from(row + 1).ok().filter(|_| wire.connection.is_some() && !goes_on);
            steps.extend(id.map(|id| Step::Disconnected { peer: zab_model::ServerId(id) }));
        }
    }
    let counts = !lazy || lazy::counts_requests(scene, candidate, line);
    if counts
        && sees(Kind::Request)
        && let Some(payload) = next_payload(scene, candidate)
    {
        if candidate.core.ahead < AHEAD_MAX {
            steps.push(Step::Request { payload });
        } else {
            cut = true;
        }
    }
    (steps, cut)
}

/// What a hidden request would bring a leader next; none if requests are shown, no line needs one,
/// or the server does not lead.
pub(crate) fn next_payload(scene: &Scene<'_>, candidate: &Candidate) -> Option<u64> {
    let server = &candidate.core.server;
    let leads = server.role == Role::Leading && server.phase == Phase::Broadcast;
    if scene.shown.proposed || !leads {
        return None;
    }
    let last = server.last(scene.cfg);
    let epoch = server.accepted_epoch;
    let counter = if last.epoch == epoch { last.counter + 1 } else { 1 };
    scene.lookahead.payload(Zxid { epoch, counter })
}

/// How many transactions of the unsynced tail may have been synced before a line: more of them
/// would show nothing that a later sync does not show as well.
fn syncs(scene: &Scene<'_>, candidate: &Candidate, line: &Line<'_>, search: Search<'_>) -> usize {
    let server = &candidate.core.server;
    let unsynced = server.unsynced();
    let leads = server.role == Role::Leading && server.phase == Phase::Broadcast;
    if search.closure == Closure::Full || scene.shown.delivered {
        return unsynced;
    }
    if !leads {
        let left = search.future.acks_left(candidate, |connection| search.sent(connection));
        return left.min(unsynced);
    }
    let durable = Wide::length(&server.disk.history);
    let committed = server.committed(scene.cfg);
    // Those that the leader's own acknowledgement would commit now.
    let ready = server
        .leader
        .outstanding
        .iter()
        .take_while(|acks| acks.contains(server.id) || acks.len() + 1 >= scene.cfg.quorum());
    let ready = (committed + ready.count()).saturating_sub(durable);
    // Those that it would commit together with the acknowledgement that comes.
    let mut coming = 0;
    if let EventKind::Received(packet) = &line.event.kind
        && let Message::Ack { zxid } = packet.message
    {
        let zxid = crate::convert::zxid_in(zxid);
        let length = scene.cfg.history(server.history).count_to(zxid);
        coming = length.saturating_sub(durable);
    }
    ready.max(coming).min(unsynced)
}

/// The kinds of hidden steps that may be delayed.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Program,
    Sync,
    Settle,
    Leave,
    Request,
}

impl Kind {
    /// Whether a hidden step of this kind, delayed past the line, could show something else.
    fn matters_before(self, candidate: &Candidate, line: &Line<'_>) -> bool {
        if line.event.state.is_some() {
            return true;
        }
        let core = &candidate.core;
        let leads = core.server.role == Role::Leading;
        match &line.event.kind {
            EventKind::Delivered { .. } => match self {
                Self::Program | Self::Sync => true,
                Self::Settle | Self::Leave | Self::Request => leads,
            },
            EventKind::Sent(packet) => {
                let election = packet.message.port() == Port::Election;
                match self {
                    Self::Program | Self::Sync => true,
                    Self::Settle | Self::Leave => election || self.opens(packet.message),
                    Self::Request => leads,
                }
            }
            EventKind::Received(packet) => match self {
                Self::Program | Self::Sync | Self::Settle | Self::Leave => true,
                Self::Request => leads && packet.message.port() == Port::Quorum,
            },
            EventKind::Persisted(_) => match self {
                Self::Program | Self::Sync | Self::Settle | Self::Leave => true,
                Self::Request => leads,
            },
            EventKind::Start { .. }
            | EventKind::Stop
            | EventKind::Killed
            | EventKind::Connected { .. }
            | EventKind::Disconnected { .. }
            | EventKind::Looking { .. }
            | EventKind::Resent
            | EventKind::Elected { .. }
            | EventKind::Proposed { .. }
            | EventKind::Established { .. }
            | EventKind::Committed { .. }
            | EventKind::Joined { .. } => true,
        }
    }

    /// Whether a message that is sent may need a settled election just before: FOLLOWERINFO, where
    /// the connection is not shown.
    fn opens(self, message: Message) -> bool {
        matches!(self, Self::Settle) && matches!(message, Message::FollowerInfo { .. })
    }
}
