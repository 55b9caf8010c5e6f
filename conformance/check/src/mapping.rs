//! Which step of the model each event of a trace is: one function per event.
//!
//! A function takes a candidate through the step that a line shows, and says [`Miss`] where the
//! candidate cannot have shown it. What the steps produce waits in the candidate until its own
//! line comes.

mod choices;
mod decided;
mod delivered;
mod ends;
mod links;
mod persisted;
mod received;
mod sent;
mod started;
mod state;

use zab_model::{Phase, Probe, Role, Server, ServerId, Step, Wide};
use zab_trace::{Event, EventKind, Message, Persisted, Zxid};

pub(crate) use choices::{Choice, choices, only_choice};
pub(crate) use state::Differs;

use crate::state::{Candidate, Context, Owed};
use crate::trace::ModelMessage;

/// Why a candidate cannot have shown a line.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Miss {
    /// The rules do not allow this step here.
    Step(Step<Wide>),
    /// Another message is due on this connection, or none.
    Send {
        /// What is due.
        due: Option<ModelMessage>,
        /// Whether the connection is open.
        open: bool,
    },
    /// A message came on a connection that is not up at this end.
    NotConnected,
    /// The connection has been up before, and its end was not shown.
    Twice,
    /// The message is none that the model knows.
    Unknown(Message),
    /// Another write is due, or none.
    Write(Option<Persisted>),
    /// Another delivery is due, or none.
    Delivery(Option<Zxid>),
    /// Another decision is due, or none: what is due, in words.
    Decision(Option<String>),
    /// This line should have come before.
    Owed(Owed),
    /// The state after the step differs in a field.
    State(Differs),
    /// The server is not running.
    Down,
    /// The server is running already.
    Running,
}

/// Takes the candidate through the step of the line.
pub(crate) fn follow<P: Probe>(
    ctx: &mut Context<'_>,
    candidate: &mut Candidate,
    choice: Choice,
    probe: &mut P,
) -> Result<(), Miss> {
    let event = ctx.event();
    let running = candidate.core.server.role != Role::Down;
    let starts = matches!(event.kind, EventKind::Start { .. });
    let killed = event.kind == EventKind::Killed;
    if starts && running {
        return Err(Miss::Running);
    }
    if !starts && !killed && !running {
        return Err(Miss::Down);
    }
    let agrees = |ctx: &Context<'_>, candidate: &Candidate| match &event.state {
        Some(state) => state::agrees(ctx, &candidate.core, state).map_err(Miss::State),
        None => Ok(()),
    };
    if choice.resumed && !candidate.step(ctx, Step::ProgramNext, probe) {
        return Err(Miss::Step(Step::ProgramNext));
    }
    match &event.kind {
        EventKind::Start { recovered } => {
            started::start(ctx, candidate, recovered, choice, probe)?;
        }
        EventKind::Stop | EventKind::Killed => {
            // The state is the last one: after the step there is none.
            agrees(ctx, candidate)?;
            return ends::end(ctx, candidate, choice, probe);
        }
        EventKind::Connected { connection: _, peer } => {
            links::connected(ctx, candidate, *peer, probe)?;
        }
        EventKind::Disconnected { .. } => links::disconnected(ctx, candidate, probe)?,
        EventKind::Received(packet) => {
            received::received(ctx, candidate, packet, choice, probe)?;
        }
        EventKind::Persisted(write) => {
            persisted::persisted(ctx, candidate, *write, choice, probe)?;
        }
        EventKind::Sent(packet) => sent::sent(ctx, candidate, packet, probe)?,
        EventKind::Delivered { zxid } => delivered::delivered(candidate, *zxid)?,
        EventKind::Looking { round } => decided::looking(ctx, candidate, *round, probe)?,
        EventKind::Resent => decided::resent(ctx, candidate, probe)?,
        EventKind::Elected { leader, round } => {
            decided::elected(ctx, candidate, (*leader, *round), probe)?;
        }
        EventKind::Proposed { zxid, digest } => {
            decided::proposed(ctx, candidate, *zxid, *digest, probe)?;
        }
        EventKind::Established { epoch } => decided::established(candidate, *epoch)?,
        EventKind::Committed { zxid } => decided::committed(candidate, *zxid)?,
        // About no server: it names connections, and the merge has used it.
        EventKind::Joined { .. } => {}
    }
    if let Some(owed) = candidate.owed.take() {
        return Err(Miss::Owed(owed));
    }
    agrees(ctx, candidate)
}

/// The model's id of the other end of a packet.
fn peer(ctx: &Context<'_>, real: u64) -> Result<ServerId, Miss> {
    ctx.ids.dense(real).ok_or(Miss::NotConnected)
}

/// What stands for the paragraph on links in the rules: they have no rule of their own, because no
/// server takes the step.
pub(crate) const LINKS: &str = "links";

/// The rule that a line stands for, at a server in this state: the one to read when it is wrong.
pub(crate) fn rule(event: &Event, server: &Server<Wide>) -> &'static str {
    let leads = server.role == Role::Leading;
    let broadcast = server.phase == Phase::Broadcast;
    match &event.kind {
        EventKind::Start { .. } => "zk.start",
        EventKind::Stop | EventKind::Killed => "zk.crash",
        EventKind::Connected { .. } => "f.1.1",
        EventKind::Disconnected { .. } if leads => "zk.fail.leader_link",
        EventKind::Disconnected { .. } => "zk.fail.learner_link",
        EventKind::Received(packet) => received::rule(&packet.message, server.phase),
        EventKind::Sent(packet) => sent::rule(&packet.message, server.phase),
        EventKind::Persisted(write) => persisted::rule(*write, server),
        EventKind::Delivered { .. } if broadcast => "zk.bcast.apply",
        EventKind::Delivered { .. } => "f.2.1",
        EventKind::Looking { .. } if server.role == Role::Looking => "zk.fle.enter",
        EventKind::Looking { .. } => "zk.fle.leave_role",
        EventKind::Resent => "zk.fle.resend",
        EventKind::Elected { .. } => "zk.fle.settle",
        EventKind::Proposed { .. } => "l.3.1",
        EventKind::Established { .. } => "l.2.2",
        EventKind::Committed { .. } => "l.3.2",
        EventKind::Joined { .. } => LINKS,
    }
}
