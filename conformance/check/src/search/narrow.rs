//! What a server sends later rules states out.

use std::collections::VecDeque;

use zab_trace::Message;

use crate::state::{Candidate, Closure, Context, Wire};
use crate::trace::{ConnectionId, ModelMessage, convert};

impl Context<'_> {
    /// Whether hidden syncs and requests wait until something needs them.
    pub(crate) fn is_lazy(&self) -> bool {
        self.search.lazy && self.search.narrow && self.search.closure == Closure::Reduced
    }

    /// How many messages the state has sent on a connection.
    pub(crate) fn sent(&self, connection: ConnectionId) -> usize {
        let sent = usize::try_from(self.links.sent(connection)).unwrap_or(usize::MAX);
        let untaken = self.search.untaken.iter().filter(|other| **other == connection).count();
        sent.saturating_sub(untaken) + usize::from(self.search.uncounted == Some(connection))
    }

    /// What is sent on an open connection after all that waits to be sent on it.
    pub(crate) fn later(&self, wire: &Wire) -> &[Message] {
        let Some(connection) = wire.connection else { return &[] };
        self.future.after(connection, self.sent(connection) + wire.pending.len())
    }

    /// How many more acknowledgements than wait to be sent a follower sends on its connection.
    pub(crate) fn acks_left(&self, candidate: &Candidate) -> usize {
        let is_ack = |message: &&Message| matches!(message, Message::Ack { .. });
        let wires = candidate.core.wires.iter();
        wires.map(|wire| self.later(wire).iter().filter(is_ack).count()).sum()
    }

    /// Forgets what of a candidate can never be seen: messages behind the last one that is ever sent
    /// on their connection. In what comes after, states cannot be told apart.
    pub(crate) fn trim(&self, candidate: &mut Candidate) {
        if self.search.closure != Closure::Reduced {
            return;
        }
        let core = &mut candidate.core;
        let wires = core.wires.iter_mut().filter_map(|wire| {
            let connection = wire.connection?;
            Some((connection, &mut wire.pending))
        });
        let ended = core.ended.iter_mut().map(|ended| (ended.connection, &mut ended.pending));
        for (connection, pending) in wires.chain(ended) {
            let all = self.future.all(connection).len();
            pending.truncate(all.saturating_sub(self.sent(connection)));
        }
    }

    /// Whether the candidate's queues can still lead to what its server sends.
    pub(crate) fn allows(&self, candidate: &Candidate) -> bool {
        if !self.search.narrow || self.future.is_empty() {
            return true;
        }
        let future = |connection| self.future.after(connection, self.sent(connection));
        let agrees = |pending: &VecDeque<ModelMessage>, future: &[Message]| {
            let mut both = pending.iter().zip(future);
            both.all(|(held, due)| convert::message(self.ids, held) == Some(*due))
        };
        let core = &candidate.core;
        let open = core.wires.iter().all(|wire| {
            wire.connection.is_none_or(|connection| agrees(&wire.pending, future(connection)))
        });
        open && core.ended.iter().all(|ended| {
            let future = future(ended.connection);
            // Nothing is added any more to the queue of a connection that was ended.
            future.len() <= ended.pending.len() && agrees(&ended.pending, future)
        })
    }
}
