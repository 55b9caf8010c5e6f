//! What the driver must do after a step, and in which order.

use zab_trace::TxnDigest;

use crate::{
    ConnectionId, Epoch, Message, Notification, ProtocolError, ServerId, Txn, Write, Zxid,
};

/// What the driver must do. The fields stand in the order in which it must do it.
///
/// **The ordering contract.** Every write of `persist` is durable, in order, BEFORE anything in
/// `deliver`, `send` or `notify` of the same value leaves; and the effects of one step are carried
/// out before those of the next. Whoever breaks this loses acknowledged writes.
#[must_use = "effects are what the protocol does; dropping them breaks the contract"]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// First: close these quorum connections. Nothing that is still queued for them need leave,
    /// and nothing that still arrives on them is handed in.
    pub close: Vec<Close>,
    /// Then: write these, one after the other, each durable before the next begins. Until all are
    /// done the peer is given no input; a crash may leave any prefix of them.
    pub persist: Vec<Write>,
    /// Begin to append these to the log, in order, in the background. Never wait for it: a later
    /// [`crate::Input::Synced`] reports how far it got.
    pub append: Vec<Txn>,
    /// Give these to the state machine, in order.
    pub deliver: Vec<Deliver>,
    /// Send these on the quorum port; per connection in this order.
    pub send: Vec<Outgoing>,
    /// Send these on the election port. A newer one to the same server replaces one that still
    /// waits, and the last one is repeated on every new election connection to that server.
    pub notify: Vec<(ServerId, Notification)>,
    /// Dial a leader, or stop dialling.
    pub dial: Option<Dial>,
    /// Arm or disarm the peer's only timer.
    pub timer: Option<TimerChange>,
    /// What the protocol decided, for the trace, for logs and for the driver's own state.
    pub decisions: Vec<Decision>,
    /// The log prefix that became durable with this step's [`crate::Input::Synced`]; `None` if the
    /// report brought nothing new.
    pub synced: Option<Zxid>,
    /// What a peer did wrong in this step. The reaction is among the other effects; this is for
    /// the log.
    pub error: Option<ProtocolError>,
}

impl Effects {
    /// Queues a message.
    pub(crate) fn send_to(&mut self, to: ServerId, connection: ConnectionId, message: Message) {
        self.send.push(Outgoing { to, connection, message });
    }
}

/// A quorum connection to close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Close {
    /// This one.
    One(ConnectionId),
    /// Every one there is: the role is left. What is kept aside for a SNAP is dropped too.
    Every,
}

/// A message to send on the quorum port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// The other end.
    pub to: ServerId,
    /// On which connection; it is open, as far as the core knows.
    pub connection: ConnectionId,
    /// What to send.
    pub message: Message,
}

/// What the state machine is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deliver {
    /// A committed transaction (`zk.bcast.apply`). The only kind that a trace shows.
    Commit(Txn),
    /// A transaction of the own log that may not be committed: on entering LOOKING the state
    /// machine is brought to the end of the log (`zk.fle.enter`; ZooKeeper's fast-forward).
    CatchUp(Txn),
    /// The history was cut: the state machine starts again from disk and holds it up to here.
    Rebuild {
        /// The last zxid of the history.
        zxid: Zxid,
    },
}

/// Whom to dial on the quorum port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dial {
    /// This leader; try again for a while, it may not listen yet. Answered by exactly one
    /// [`crate::Input::Connected`] or [`crate::Input::ConnectFailed`], unless stopped before.
    To(ServerId),
    /// Nobody: give up what is under way, without an answer.
    Stop,
}

/// A timer. A peer has at most one armed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// An election may be settled when it runs out (`zk.fle.settle`).
    FinalizeWait,
    /// The proposal is repeated when it runs out (`zk.fle.resend`).
    Notification,
}

/// A change of the timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimerChange {
    /// Forget the one that is armed, and arm this one.
    Arm {
        /// What to answer with, in [`crate::Input::Elapsed`].
        timer: Timer,
        /// In milliseconds from now.
        after_ms: u64,
    },
    /// Forget the one that is armed.
    Disarm,
}

/// What the protocol decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Entered LOOKING.
    Looking {
        /// The round that begins.
        round: u64,
    },
    /// Repeated its proposal.
    Resent,
    /// The election is settled.
    Elected {
        /// Who leads, perhaps this server.
        leader: ServerId,
        /// In which round.
        round: u64,
    },
    /// A request became a transaction.
    Proposed {
        /// Its zxid.
        zxid: Zxid,
        /// The digest of its payload.
        digest: TxnDigest,
    },
    /// This leader has its quorum; requests are taken from now on.
    Established {
        /// Its epoch.
        epoch: Epoch,
    },
    /// This leader committed a transaction.
    Committed {
        /// The transaction.
        zxid: Zxid,
    },
}
