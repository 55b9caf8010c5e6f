//! Events: one per line.

use crate::word::words;
use crate::{Chain, ConnectionName, Epoch, Message, Recovered, State, TxnDigest, Zxid};

/// The id of a server, as in its `myid`. 0 is the recorder ([`Event::joined`]).
pub type ServerId = u64;

/// A round of elections, from -1: that is what a server tells before its first election is over
/// (`QuorumPeer.startLeaderElection`).
pub type Round = i64;

/// The lowest [`Round`].
pub const ROUND_MIN: Round = -1;

words! {
    /// The name of an event: its `event` field.
    EventName, "an event" {
        /// [`EventKind::Start`].
        Start = "Start",
        /// [`EventKind::Stop`].
        Stop = "Stop",
        /// [`EventKind::Killed`].
        Killed = "Killed",
        /// [`EventKind::Connected`].
        Connected = "Connected",
        /// [`EventKind::Disconnected`].
        Disconnected = "Disconnected",
        /// [`EventKind::Received`].
        Received = "Received",
        /// [`EventKind::Persisted`].
        Persisted = "Persisted",
        /// [`EventKind::Sent`].
        Sent = "Sent",
        /// [`EventKind::Delivered`].
        Delivered = "Delivered",
        /// [`EventKind::Looking`].
        Looking = "Looking",
        /// [`EventKind::Resent`].
        Resent = "Resent",
        /// [`EventKind::Elected`].
        Elected = "Elected",
        /// [`EventKind::Proposed`].
        Proposed = "Proposed",
        /// [`EventKind::Established`].
        Established = "Established",
        /// [`EventKind::Committed`].
        Committed = "Committed",
        /// [`EventKind::Joined`].
        Joined = "Joined",
    }
}

impl EventName {
    /// Whether an event of this name is a step of its server. The others show what an earlier step
    /// led to, or begin or end an incarnation.
    #[must_use]
    pub const fn is_step(self) -> bool {
        match self {
            Self::Connected
            | Self::Disconnected
            | Self::Received
            | Self::Persisted
            | Self::Looking
            | Self::Resent
            | Self::Elected
            | Self::Proposed => true,
            Self::Start
            | Self::Stop
            | Self::Killed
            | Self::Sent
            | Self::Delivered
            | Self::Established
            | Self::Committed
            | Self::Joined => false,
        }
    }
}

/// One line of a trace: one thing that happened at one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Whose event it is.
    pub server: ServerId,
    /// Which life of that server, from 1.
    pub incarnation: u32,
    /// The event's number within (server, incarnation, chain), from 0 and without gaps.
    pub seq: u64,
    /// The chain the number counts in.
    pub chain: Chain,
    /// Events of other chains of the same incarnation that came before: chain and `seq`.
    pub after: Vec<(Chain, u64)>,
    /// What happened.
    pub kind: EventKind,
    /// A projection of the server's state after the step.
    pub state: Option<State>,
}

/// What happened, with its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// Recovery is done; nothing else happened before.
    Start {
        /// What was read from disk.
        recovered: Recovered,
    },
    /// A clean stop.
    Stop,
    /// The recorder killed the process. Counted in [`Chain::harness`].
    Killed,
    /// This end has a connection on the quorum port.
    Connected {
        /// The connection.
        connection: ConnectionName,
        /// The other end, if known.
        peer: Option<ServerId>,
    },
    /// This end closed a connection on the quorum port, or noticed its end.
    Disconnected {
        /// The connection.
        connection: ConnectionName,
    },
    /// A message was decoded and handed to the protocol, before any effect of the step.
    Received(Packet),
    /// fdatasync has returned.
    Persisted(Persisted),
    /// A message is about to be handed to the socket.
    Sent(Packet),
    /// A committed transaction was given to the state machine.
    Delivered {
        /// The transaction.
        zxid: Zxid,
    },
    /// Decision: entered LOOKING (`zk.fle.enter`).
    Looking {
        /// The round that begins.
        round: Round,
    },
    /// Decision: repeats its proposal (`zk.fle.resend`).
    Resent,
    /// Decision: the election is settled (`zk.fle.settle`, `zk.fle.same_round`, `zk.fle.join`).
    Elected {
        /// The elected leader.
        leader: ServerId,
        /// The round in which it was elected.
        round: Round,
    },
    /// Decision: the leader made a request into a transaction (`l.3.1`).
    Proposed {
        /// The transaction.
        zxid: Zxid,
        /// The digest of its payload.
        digest: TxnDigest,
    },
    /// Decision: the leader has its quorum (`l.2.2`).
    Established {
        /// The epoch that is established.
        epoch: Epoch,
    },
    /// Decision: the leader committed (`l.3.2`).
    Committed {
        /// The transaction.
        zxid: Zxid,
    },
    /// The recorder's relay made these two connections into one. Server 0, [`Chain::harness`].
    Joined {
        /// The connection as the dialler sees it.
        left: ConnectionName,
        /// The connection as the acceptor sees it.
        right: ConnectionName,
    },
}

/// A message on a connection. (connection, direction, ordinal) identifies it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// The connection, as this end names it.
    pub connection: ConnectionName,
    /// The message's number in its direction of the connection, from 0.
    pub ordinal: u64,
    /// The other end.
    pub peer: ServerId,
    /// The message.
    pub message: Message,
}

/// What became durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Persisted {
    /// `acceptedEpoch`.
    AcceptedEpoch(Epoch),
    /// `currentEpoch`.
    CurrentEpoch(Epoch),
    /// `log`: the history is appended and synced up to here.
    Log(Zxid),
    /// `truncated`: the history is cut after here, and that is synced.
    Truncated(Zxid),
    /// `snapshot`: the history was replaced by this snapshot.
    Snapshot(Zxid),
}

impl Event {
    /// An event of the main chain, without state.
    #[must_use]
    pub const fn new(server: ServerId, incarnation: u32, seq: u64, kind: EventKind) -> Self {
        Self { server, incarnation, seq, chain: Chain::MAIN, after: Vec::new(), kind, state: None }
    }

    /// The same event, showing the state after its step.
    #[must_use]
    pub const fn with_state(mut self, state: State) -> Self {
        self.state = Some(state);
        self
    }

    /// The recorder killed this incarnation. `seq` counts the recorder's events about it, from 0;
    /// `after` is the last event found of each of its chains.
    #[must_use]
    pub fn killed(server: ServerId, incarnation: u32, seq: u64, after: Vec<(Chain, u64)>) -> Self {
        Self {
            chain: Chain::harness(),
            after,
            ..Self::new(server, incarnation, seq, EventKind::Killed)
        }
    }

    /// The recorder's relay joined two connections. `seq` counts all `Joined` lines, from 0.
    #[must_use]
    pub fn joined(seq: u64, left: ConnectionName, right: ConnectionName) -> Self {
        Self { chain: Chain::harness(), ..Self::new(0, 1, seq, EventKind::Joined { left, right }) }
    }
}

impl EventKind {
    /// The word in the `event` field.
    #[must_use]
    pub const fn name(&self) -> EventName {
        match self {
            Self::Start { .. } => EventName::Start,
            Self::Stop => EventName::Stop,
            Self::Killed => EventName::Killed,
            Self::Connected { .. } => EventName::Connected,
            Self::Disconnected { .. } => EventName::Disconnected,
            Self::Received(_) => EventName::Received,
            Self::Persisted(_) => EventName::Persisted,
            Self::Sent(_) => EventName::Sent,
            Self::Delivered { .. } => EventName::Delivered,
            Self::Looking { .. } => EventName::Looking,
            Self::Resent => EventName::Resent,
            Self::Elected { .. } => EventName::Elected,
            Self::Proposed { .. } => EventName::Proposed,
            Self::Established { .. } => EventName::Established,
            Self::Committed { .. } => EventName::Committed,
            Self::Joined { .. } => EventName::Joined,
        }
    }
    /// The message that is sent or received.
    #[must_use]
    pub const fn packet(&self) -> Option<&Packet> {
        if let Self::Sent(packet) | Self::Received(packet) = self { Some(packet) } else { None }
    }

    /// The same, to be changed.
    pub const fn packet_mut(&mut self) -> Option<&mut Packet> {
        if let Self::Sent(packet) | Self::Received(packet) = self { Some(packet) } else { None }
    }

    /// The connection that the event is about, or that its message travels on.
    #[must_use]
    pub const fn connection(&self) -> Option<&ConnectionName> {
        if let Self::Connected { connection, .. }
        | Self::Disconnected { connection }
        | Self::Sent(Packet { connection, .. })
        | Self::Received(Packet { connection, .. }) = self
        {
            Some(connection)
        } else {
            None
        }
    }

    /// The same, to be changed.
    pub const fn connection_mut(&mut self) -> Option<&mut ConnectionName> {
        if let Self::Connected { connection, .. }
        | Self::Disconnected { connection }
        | Self::Sent(Packet { connection, .. })
        | Self::Received(Packet { connection, .. }) = self
        {
            Some(connection)
        } else {
            None
        }
    }

    /// Whether the process ends here.
    #[must_use]
    pub const fn ends_incarnation(&self) -> bool {
        matches!(self, Self::Stop | Self::Killed)
    }
}
