//! Everything that can happen to a peer.

use std::sync::Arc;

use crate::{Message, Notification, ServerId, Timer, Zxid};

/// A connection, as the driver numbers it. Never used twice in one process, on neither port.
///
/// It tells a message of the present connection from one that was left over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// One thing that happened. See the [crate] for the loop around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A tick has passed; `tickTime` is the driver's business.
    Tick,
    /// The timer that was last armed has run out.
    Elapsed(Timer),
    /// A notification arrived on the election port.
    Notification {
        /// Who sent it.
        from: ServerId,
        /// The election connection it came on; it matters to [`crate::Observer`] only.
        connection: ConnectionId,
        /// What it says.
        notification: Notification,
    },
    /// The connection that [`crate::Dial::To`] asked for is up. One that comes after the dial was
    /// stopped is closed.
    Connected {
        /// The dialled leader.
        leader: ServerId,
        /// The new connection.
        connection: ConnectionId,
    },
    /// The driver has given up dialling (ZooKeeper: five attempts, a second apart). Ignored if the
    /// dial was stopped.
    ConnectFailed {
        /// The dialled leader.
        leader: ServerId,
    },
    /// A learner's connection was accepted on the quorum port. Accept only while
    /// [`crate::Peer::is_leading`]; a connection that comes too late is closed.
    Accepted {
        /// The new connection; whose it is, FOLLOWERINFO will tell.
        connection: ConnectionId,
    },
    /// A message arrived on a quorum connection. Ignored if the connection is not one of the
    /// present role.
    Message {
        /// The other end: the leader, or who the learner said it is in its FOLLOWERINFO.
        from: ServerId,
        /// The connection it came on.
        connection: ConnectionId,
        /// The message.
        message: Message,
    },
    /// Something that is no message of the core (REQUEST, SYNC, REVALIDATE) arrived on a quorum
    /// connection: a sign of life.
    Heard {
        /// The connection it came on.
        connection: ConnectionId,
    },
    /// A part of something long has arrived on a quorum connection, or has been taken by its other
    /// end. While a learner is brought up to date this is a sign of life: initLimit bounds silence,
    /// not the time that a state of any size takes.
    Flowing {
        /// The connection.
        connection: ConnectionId,
    },
    /// A quorum connection ended, and not because the core closed it. Ignored if it is told twice.
    Disconnected {
        /// The connection.
        connection: ConnectionId,
    },
    /// The log is durable up to here. Given in order; a report that is older than a later
    /// [`crate::Write::SyncLog`] is ignored if it is given before any input that arrived after it.
    Synced {
        /// The last durable transaction.
        zxid: Zxid,
    },
    /// A client's request, already made into the bytes of a transaction. Becomes
    /// [`crate::Decision::Proposed`] at an established leader, and nothing anywhere else.
    Request {
        /// The bytes.
        payload: Arc<[u8]>,
    },
}
