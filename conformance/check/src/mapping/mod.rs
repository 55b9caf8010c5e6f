//! Which step of the model each event of a trace is: one function per event.
//!
//! A function takes a candidate through the step that a line shows, and says [`Miss`] where the
//! candidate cannot have shown it. What the steps produce waits in the candidate until its own
//! line comes.

mod decided;
mod delivered;
mod ends;
mod links;
mod persisted;
mod received;
mod sent;
mod started;
mod state;

use zab_model::{Probe, ServerId, Step, Wide};
use zab_trace::{EventKind, Message, Persisted, Zxid};

pub(crate) use started::recovery_of;
pub(crate) use state::Differs;

use crate::{
    candidate::{Candidate, Owed, Scene},
    convert::{Ids, ModelMessage},
    input::At,
    links::ConnectionId,
};

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

/// How a line that fits in several ways is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Choice {
    /// `Received`: which of the contents that the sender may have meant.
    pub(crate) content: usize,
    /// `Start`: how many transactions of the unsynced tail survived.
    pub(crate) survived: u32,
    /// `Stop`, `Killed`: whether the next write of the program had become durable, although no
    /// line shows it.
    pub(crate) written: bool,
}

/// A line, with what the mapping needs to know about its surroundings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line<'a> {
    /// Where it stands.
    pub(crate) at: At,
    /// What it says.
    pub(crate) event: &'a zab_trace::Event,
    /// The connection it names.
    pub(crate) connection: Option<ConnectionId>,
    /// `Received`: what its sender may have meant; several only if the sender's state is not known.
    pub(crate) contents: &'a [ModelMessage],
    /// The real ids.
    pub(crate) ids: &'a Ids,
}

/// Takes the candidate through the step of the line.
pub(crate) fn take<P: Probe>(
    scene: &mut Scene<'_>,
    candidate: &mut Candidate,
    line: &Line<'_>,
    choice: Choice,
    probe: &mut P,
) -> Result<(), Miss> {
    let running = candidate.core.server.role != zab_model::Role::Down;
    let starts = matches!(line.event.kind, EventKind::Start { .. });
    let killed = line.event.kind == EventKind::Killed;
    if starts && running {
        return Err(Miss::Running);
    }
    if !starts && !killed && !running {
        return Err(Miss::Down);
    }
    let agrees = |scene: &Scene<'_>, candidate: &Candidate| match &line.event.state {
        Some(state) => state::agrees(scene, &candidate.core, state).map_err(Miss::State),
        None => Ok(()),
    };
    match &line.event.kind {
        EventKind::Start { recovered } => {
            started::start(scene, candidate, recovered, choice, probe)?;
        }
        EventKind::Stop | EventKind::Killed => {
            // The state is the last one: after the step there is none.
            agrees(scene, candidate)?;
            return ends::end(scene, candidate, line, choice, probe);
        }
        EventKind::Connected { connection: _, peer } => {
            links::connected(scene, candidate, line, *peer, probe)?;
        }
        EventKind::Disconnected { .. } => links::disconnected(scene, candidate, line, probe)?,
        EventKind::Received(packet) => {
            received::received(scene, candidate, line, packet, choice, probe)?;
        }
        EventKind::Persisted(write) => persisted::persisted(scene, candidate, *write, probe)?,
        EventKind::Sent(packet) => sent::sent(scene, candidate, line, packet, probe)?,
        EventKind::Delivered { zxid } => delivered::delivered(candidate, *zxid)?,
        EventKind::Looking { round } => decided::looking(scene, candidate, *round, probe)?,
        EventKind::Resent => decided::resent(scene, candidate, probe)?,
        EventKind::Elected { leader, round } => {
            decided::elected(scene, candidate, line, (*leader, *round), probe)?;
        }
        EventKind::Proposed { zxid, digest } => {
            decided::proposed(scene, candidate, *zxid, *digest, probe)?;
        }
        EventKind::Established { epoch } => decided::established(candidate, *epoch)?,
        EventKind::Committed { zxid } => decided::committed(candidate, *zxid)?,
        // About no server: it names connections, and the merge has used it.
        EventKind::Joined { .. } => {}
    }
    if let Some(owed) = candidate.owed.take() {
        return Err(Miss::Owed(owed));
    }
    agrees(scene, candidate)
}

/// The model's id of the other end of a packet.
fn peer(line: &Line<'_>, real: u64) -> Result<ServerId, Miss> {
    line.ids.dense(real).ok_or(Miss::NotConnected)
}
