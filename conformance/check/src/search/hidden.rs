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

use zab_model::{Phase, Role, Shape, Step, Wide};
use zab_trace::{EventKind, Message, Port};

use crate::search::lazy::{self, Effort, Goal, Refusal};
use crate::search::step::{AHEAD_MAX, Stuck, hidden_step, next_payload};
use crate::state::{Candidate, Closure, Context};
use crate::trace::convert;

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

/// Takes hidden steps until nothing new appears. An error if there are more states than allowed.
pub(crate) fn close(ctx: &mut Context<'_>, seeds: &[Candidate]) -> Result<Closed, Stuck> {
    let mut seen: HashSet<u64> = HashSet::new();
    let mut closed = Closed::default();
    let mut effort = Effort::default();
    let mut next = 0;
    while let Some(candidate) =
        seeds.get(next).or_else(|| closed.added.get(next.wrapping_sub(seeds.len())))
    {
        next += 1;
        let (steps, cut) = steps(ctx, candidate);
        effort.cut |= cut;
        let mut found = Vec::new();
        for step in steps {
            found.extend(ways(ctx, candidate, step, &mut effort));
        }
        if seen.is_empty() && !found.is_empty() {
            seen.extend(seeds.iter().map(Candidate::fingerprint));
        }
        for mut taken in found {
            effort.steps += 1;
            ctx.trim(&mut taken);
            if seen.insert(taken.fingerprint()) {
                closed.added.push(taken);
            }
        }
        if closed.added.len() > ctx.search.limit {
            return Err(Stuck::Budget);
        }
    }
    (closed.steps, closed.cut) = (effort.steps, effort.cut);
    Ok(closed)
}

/// The states after a hidden step: one, or none; before a leader's last step as such, any number of
/// requests may have come.
fn ways(
    ctx: &mut Context<'_>,
    candidate: &Candidate,
    step: Step<Wide>,
    effort: &mut Effort,
) -> Vec<Candidate> {
    let go = |ctx: &mut Context<'_>, state: &Candidate| {
        let mut taken = state.clone();
        if !hidden_step(ctx, &mut taken, step) {
            return Err(Refusal::Step);
        }
        if ctx.allows(&taken) { Ok(taken) } else { Err(Refusal::Later) }
    };
    if !ctx.is_lazy() {
        return go(ctx, candidate).into_iter().collect();
    }
    let mut found = Vec::new();
    found.extend(lazy::attempt(ctx, candidate, Goal::Step, effort, go));
    if step == Step::LeaveRole && !ctx.shown.proposed {
        let mut more = lazy::request(ctx, candidate, effort);
        while let Some(requested) = more {
            found.extend(lazy::attempt(ctx, &requested, Goal::Step, effort, go));
            more = lazy::request(ctx, &requested, effort);
        }
    }
    found
}

/// The hidden steps to be tried before a line, and whether one was left out for its number.
fn steps(ctx: &Context<'_>, candidate: &Candidate) -> (Vec<Step<Wide>>, bool) {
    let (shown, server) = (ctx.shown, &candidate.core.server);
    let sees =
        |kind: Kind| ctx.search.closure == Closure::Full || kind.matters_before(ctx, candidate);
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
    let lazy = ctx.is_lazy();
    if !lazy && !shown.persisted && server.unsynced() > 0 && sees(Kind::Sync) {
        let durable = Wide::length(&server.disk.history);
        let lengths = durable + 1..=durable + syncs(ctx, candidate);
        let zxids = lengths.map(|length| ctx.cfg.history(server.history).zxid_at(length));
        steps.extend(zxids.map(|up_to| Step::SyncLog { up_to }));
    }
    match server.role {
        Role::Looking => {
            if !shown.elected && sees(Kind::Settle) {
                steps.push(Step::Settle);
            }
        }
        Role::Following | Role::Leading => {
            let goes_on = |row| lazy && lazy::goes_on(ctx, candidate, row);
            let some_go_on = || (0..candidate.core.wires.len()).any(goes_on);
            if !shown.looking && sees(Kind::Leave) && !some_go_on() {
                steps.push(Step::LeaveRole);
            }
        }
        Role::Down => {}
    }
    if server.role == Role::Leading && !shown.disconnected {
        for (row, wire) in candidate.core.wires.iter().enumerate() {
            let goes_on = lazy && lazy::goes_on(ctx, candidate, row);
            let id = u8::try_from(row + 1).ok().filter(|_| wire.connection.is_some() && !goes_on);
            steps.extend(id.map(|id| Step::Disconnected { peer: zab_model::ServerId(id) }));
        }
    }
    let counts = !lazy || lazy::counts_requests(ctx, candidate);
    if counts
        && sees(Kind::Request)
        && let Some(payload) = next_payload(ctx, candidate)
    {
        if candidate.core.ahead < AHEAD_MAX {
            steps.push(Step::Request { payload });
        } else {
            cut = true;
        }
    }
    (steps, cut)
}

/// How many transactions of the unsynced tail may have been synced before a line: more of them
/// would show nothing that a later sync does not show as well.
fn syncs(ctx: &Context<'_>, candidate: &Candidate) -> usize {
    let server = &candidate.core.server;
    let unsynced = server.unsynced();
    let leads = server.role == Role::Leading && server.phase == Phase::Broadcast;
    if ctx.search.closure == Closure::Full || ctx.shown.delivered {
        return unsynced;
    }
    if !leads {
        let left = ctx.acks_left(candidate);
        return left.min(unsynced);
    }
    let durable = Wide::length(&server.disk.history);
    let committed = server.committed(ctx.cfg);
    // Those that the leader's own acknowledgement would commit now.
    let ready =
        server.leader.outstanding.iter().take_while(|acks| {
            acks.contains(server.id) || acks.len() + 1 >= ctx.cfg.ensemble.quorum()
        });
    let ready = (committed + ready.count()).saturating_sub(durable);
    // Those that it would commit together with the acknowledgement that comes.
    let mut coming = 0;
    if let EventKind::Received(packet) = &ctx.event().kind
        && let Message::Ack { zxid } = packet.message
    {
        let zxid = convert::zxid_in(zxid);
        let length = ctx.cfg.history(server.history).count_to(zxid);
        coming = length.saturating_sub(durable);
    }
    ready.max(coming).min(unsynced)
}

/// The kinds of hidden steps that may be delayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Program,
    Sync,
    Settle,
    Leave,
    Request,
}

impl Kind {
    /// Whether a hidden step of this kind, delayed past the line, could show something else.
    fn matters_before(self, ctx: &Context<'_>, candidate: &Candidate) -> bool {
        if ctx.event().state.is_some() {
            return true;
        }
        let core = &candidate.core;
        let leads = core.server.role == Role::Leading;
        let kind = &ctx.event().kind;
        if let EventKind::Delivered { .. } = kind {
            match self {
                Self::Program | Self::Sync => true,
                Self::Settle | Self::Leave | Self::Request => leads,
            }
        } else if let EventKind::Sent(packet) = kind {
            let election = packet.message.port() == Port::Election;
            match self {
                Self::Program | Self::Sync => true,
                Self::Settle | Self::Leave => election || self.opens(packet.message),
                Self::Request => leads,
            }
        } else if let EventKind::Received(packet) = kind {
            match self {
                Self::Program | Self::Sync | Self::Settle | Self::Leave => true,
                Self::Request => leads && packet.message.port() == Port::Quorum,
            }
        } else {
            self != Self::Request || leads || !matches!(kind, EventKind::Persisted(_))
        }
    }

    /// Whether a message that is sent may need a settled election just before: FOLLOWERINFO, where
    /// the connection is not shown.
    fn opens(self, message: Message) -> bool {
        matches!(self, Self::Settle) && matches!(message, Message::FollowerInfo { .. })
    }
}
