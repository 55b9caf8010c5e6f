//! What is the same for all candidates of a server while one line is explained.

use zab_model::{Config, Outbox, Wide};
use zab_trace::Event;

use crate::state::lookahead::{Future, Lookahead};
use crate::trace::{ConnectionId, Ids, Line, Links, ModelMessage, Shown};

/// Whether hidden steps that can be delayed are delayed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Closure {
    /// All hidden steps before every line: slow, and the yardstick.
    Full,
    /// Those that cannot be delayed past the line.
    #[default]
    Reduced,
}

/// A line, with what the links say of it.
#[derive(Clone, Debug)]
pub(crate) struct Linked {
    pub(crate) line: Line,
    /// The use of the connection that it is about.
    pub(crate) connection: Option<ConnectionId>,
    /// `Received`: what its sender may have meant; several only if the sender's state is not known.
    pub(crate) contents: Vec<ModelMessage>,
}

/// How hidden steps are searched.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Search<'a> {
    pub(crate) closure: Closure,
    /// How many states may explain a server.
    pub(crate) limit: usize,
    /// Whether states are dropped that later lines rule out.
    pub(crate) narrow: bool,
    /// Whether hidden syncs and requests wait, where states are dropped that later lines rule out.
    pub(crate) lazy: bool,
    /// The connections of messages that the links count as sent, and that the state has not sent:
    /// one entry for each. There are none where lines are totally ordered.
    pub(crate) untaken: &'a [ConnectionId],
    /// The connection of a message that the state has sent, and that the links do not count.
    pub(crate) uncounted: Option<ConnectionId>,
}

/// What is the same for all candidates of a server while one line is explained.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    /// The ensemble.
    pub(crate) cfg: &'a Config<Wide>,
    /// The real ids.
    pub(crate) ids: &'a Ids,
    /// What is known of later lines.
    pub(crate) lookahead: &'a Lookahead,
    /// What the servers will send.
    pub(crate) future: &'a Future,
    /// What is on its way.
    pub(crate) links: &'a Links<ModelMessage>,
    /// What this server's lines show.
    pub(crate) shown: Shown,
    /// The line that is explained.
    pub(crate) linked: &'a Linked,
    /// How hidden steps before it are searched.
    pub(crate) search: Search<'a>,
    /// Whether candidates keep their steps for a witness.
    pub(crate) witness: bool,
    /// Scratch: the effects of one step.
    pub(crate) outbox: &'a mut Outbox<Wide>,
    /// Model steps taken.
    pub(crate) steps: &'a mut u64,
}

impl<'a> Context<'a> {
    /// What the line says.
    pub(crate) fn event(&self) -> &'a Event {
        &self.linked.line.event
    }

    /// The same for another line of the server.
    pub(crate) fn with<'b>(&'b mut self, linked: &'b Linked, search: Search<'b>) -> Context<'b> {
        Context { linked, search, outbox: self.outbox, steps: self.steps, ..*self }
    }
}
