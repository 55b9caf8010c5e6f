//! The effects of a step outside of its server.

use std::fmt;

use crate::message::Message;
use crate::number::Number;
use crate::shape::Shape;
use crate::types::{ServerId, Zxid};

/// The effects of a step, in the order in which they happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outbox<S: Shape> {
    effects: Vec<Effect<S>>,
}

impl<S: Shape> Default for Outbox<S> {
    fn default() -> Self {
        Self { effects: Vec::new() }
    }
}

impl<S: Shape> Outbox<S> {
    /// The effects so far, first one first.
    #[must_use]
    pub fn effects(&self) -> &[Effect<S>] {
        &self.effects
    }

    /// Empties the outbox and keeps its memory, for the next step.
    pub fn clear(&mut self) {
        self.effects.clear();
    }

    /// The messages, in order, with their receivers.
    pub fn sent(&self) -> impl Iterator<Item = (ServerId, &Message<S>)> {
        self.effects.iter().filter_map(|effect| {
            if let Effect::Sent { to, message } = effect { Some((*to, message)) } else { None }
        })
    }

    pub(crate) fn push(&mut self, effect: Effect<S>) {
        self.effects.push(effect);
    }

    /// What this step has queued for a learner is sent now, behind all else.
    pub(crate) fn release(&mut self, learner: ServerId) {
        let mut released = Vec::new();
        self.effects.retain(|effect| match effect {
            Effect::Queued { to, message } if *to == learner => {
                released.push(Effect::Sent { to: *to, message: *message });
                false
            }
            Effect::Queued { .. }
            | Effect::Started(_)
            | Effect::Sent { .. }
            | Effect::Persisted(_)
            | Effect::Delivered(_)
            | Effect::Decided(_)
            | Effect::Closed(_)
            | Effect::Replaced(_)
            | Effect::ClosedAll => true,
        });
        self.effects.append(&mut released);
    }
}

/// One effect of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect<S: Shape> {
    /// A write is durable.
    Persisted(Write<S::Num>),
    /// A committed transaction is given to the state machine.
    Delivered(Zxid<S::Num>),
    /// A message is sent.
    Sent {
        /// The receiver.
        to: ServerId,
        /// The message.
        message: Message<S>,
    },
    /// Grain `threads`, LEADING: a message is queued for a learner, and is sent when the handler
    /// starts to send (`LearnerHandler.queuePacket`).
    Queued {
        /// The receiver.
        to: ServerId,
        /// The message.
        message: Message<S>,
    },
    /// Grain `threads`, LEADING: what was queued for this learner is sent, and what comes later is
    /// sent at once (`LearnerHandler.startSendingPackets`).
    Started(ServerId),
    /// The server decided something that no message shows.
    Decided(Decision<S::Num>),
    /// LEADING: this end closes the connection of this learner. FOLLOWING: that to its leader, to which
    /// it will connect again (`zk.sync.drop`).
    Closed(ServerId),
    /// LEADING: this learner has a new connection, so nothing reaches it on its older one, which
    /// this end closes, unless it serves it (`zk.sync.fence`).
    Replaced(ServerId),
    /// This end closes every quorum connection (`zk.fle.leave_role`).
    ClosedAll,
}

/// A durable write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Write<N> {
    /// acceptedEpoch has this value.
    AcceptedEpoch(N),
    /// currentEpoch has this value.
    CurrentEpoch(N),
    /// The history is appended and synced up to here.
    Log(Zxid<N>),
    /// The history is cut after here.
    Truncated(Zxid<N>),
    /// The history was replaced by a snapshot that ends here.
    Snapshot(Zxid<N>),
}

/// A decision, named as in the trace format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Decision<N: Number> {
    /// Entered LOOKING (`zk.fle.enter`).
    Looking {
        /// The new round.
        round: N::Round,
    },
    /// Repeats its proposal (`zk.fle.resend`).
    Resent,
    /// The election is settled.
    Elected {
        /// The server that was elected.
        leader: ServerId,
        /// The round it was elected in.
        round: N::Round,
    },
    /// The leader made a request into a transaction (`l.3.1`).
    Proposed {
        /// Its id.
        zxid: Zxid<N>,
    },
    /// The leader has its quorum (`l.2.2`).
    Established {
        /// The new epoch.
        epoch: N,
    },
    /// The leader committed (`l.3.2`).
    Committed {
        /// What it committed.
        zxid: Zxid<N>,
    },
}

impl<S: Shape> fmt::Display for Effect<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Persisted(write) => write!(f, "persist {write}"),
            Self::Delivered(zxid) => write!(f, "deliver {zxid}"),
            Self::Sent { to, message } => write!(f, "send to={to} {message}"),
            Self::Queued { to, message } => write!(f, "queue to={to} {message}"),
            Self::Started(to) => write!(f, "start sending to={to}"),
            Self::Decided(decision) => write!(f, "decide {decision}"),
            Self::Closed(peer) => write!(f, "close {peer}"),
            Self::Replaced(peer) => write!(f, "replace {peer}"),
            Self::ClosedAll => f.write_str("close all"),
        }
    }
}

impl<N: fmt::Display> fmt::Display for Write<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AcceptedEpoch(epoch) => write!(f, "acceptedEpoch={epoch}"),
            Self::CurrentEpoch(epoch) => write!(f, "currentEpoch={epoch}"),
            Self::Log(zxid) => write!(f, "log={zxid}"),
            Self::Truncated(zxid) => write!(f, "truncated={zxid}"),
            Self::Snapshot(zxid) => write!(f, "snapshot={zxid}"),
        }
    }
}

impl<N: Number> fmt::Display for Decision<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Looking { round } => write!(f, "Looking round={round}"),
            Self::Resent => f.write_str("Resent"),
            Self::Elected { leader, round } => write!(f, "Elected leader={leader} round={round}"),
            Self::Proposed { zxid } => write!(f, "Proposed {zxid}"),
            Self::Established { epoch } => write!(f, "Established epoch={epoch}"),
            Self::Committed { zxid } => write!(f, "Committed {zxid}"),
        }
    }
}
