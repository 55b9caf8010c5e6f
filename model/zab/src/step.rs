//! Everything that can happen to a server; `dispatch` chooses the rule.

use crate::message::Message;
use crate::shape::Shape;
use crate::types::{ServerId, Zxid};

/// What can happen to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step<S: Shape> {
    /// `zk.start`: the process starts, and this many transactions of the unsynced tail survived.
    Start {
        /// 0 to [`crate::Server::unsynced`].
        survived: S::Num,
    },
    /// `zk.crash`.
    Crash,
    /// A fault: a server that is down finds that the power loss undid a cut that was not durable.
    CutReturns,
    /// A fault: a server that is down has lost its disk.
    LoseDisk,
    /// A fault: the unsynced tail cannot be written, and the process lives.
    AppendFails,
    /// The sync thread of an earlier role writes what it still has.
    ZombieWrites,
    /// The connection to the leader is up (`f.1.1`). A leader learns of a connection by its first
    /// packet.
    Connected {
        /// The server at the other end.
        peer: ServerId,
    },
    /// This end notices that the connection to a peer has ended.
    Disconnected {
        /// The server at the other end.
        peer: ServerId,
    },
    /// A message arrives, on the connection that is open between the two.
    Receive {
        /// Who sent it.
        from: ServerId,
        /// The message.
        message: Message<S>,
    },
    /// LEADING: a message arrives on the older connection of a learner that has a newer one
    /// (`zk.sync.fence`).
    ReceiveOlder {
        /// Who sent it.
        from: ServerId,
        /// The message.
        message: Message<S>,
    },
    /// LEADING: this end notices that the older connection of a learner has ended.
    OlderEnds {
        /// The server at the other end.
        peer: ServerId,
    },
    /// The next write of the running program is durable; what follows it up to the next write
    /// happens as well. At grain `threads`: its next item, whether that writes or not.
    ProgramNext,
    /// `zk.bcast.sync`: the log is durable up to here.
    SyncLog {
        /// A transaction of the unsynced tail.
        up_to: Zxid<S::Num>,
    },
    /// Grain `threads`: the commit thread applies the next transaction (`zk.bcast.apply`).
    Apply,
    /// Grain `threads`, LEADING: the handler of a learner does what comes next (`LearnerHandler`).
    Handler {
        /// The learner that it serves.
        learner: ServerId,
    },
    /// `zk.fle.settle`: nothing arrived for long enough.
    Settle,
    /// `zk.fle.observe`: an observer that looks takes a server for its leader.
    Observe {
        /// That server.
        leader: ServerId,
    },
    /// `zk.fle.resend`.
    Resend,
    /// The role is left for a reason that no message shows: `zk.fail.leader_quorum`, or a silence
    /// of `zk.fail.learner_link`.
    LeaveRole,
    /// `l.3.1`: a client asks for a change.
    Request {
        /// What it asks for.
        payload: S::Payload,
    },
}

/// Whether a step is possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub enum Enabled {
    /// It is possible, and it has been taken.
    Yes,
    /// It is not possible; the server and the outbox are as they were.
    No,
}
