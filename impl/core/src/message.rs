//! Everything that crosses the election and the quorum port.

use std::sync::Arc;

use zab_trace::TxnDigest;

use crate::{Epoch, Role, ServerId, Zxid};

/// A transaction: what a request became. The payload means nothing to the core.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Txn {
    /// Its position.
    pub zxid: Zxid,
    /// Its bytes, shared: a transaction is cloned for every learner.
    pub payload: Arc<[u8]>,
}

impl Txn {
    /// A transaction of these bytes.
    #[must_use]
    pub fn new(zxid: Zxid, payload: impl Into<Arc<[u8]>>) -> Self {
        Self { zxid, payload: payload.into() }
    }
}

/// A vote: who should lead, and how far that server's history goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vote {
    /// The proposed leader; 0, which no server has, is an observer's vote for nobody.
    pub leader: ServerId,
    /// The last zxid of its history.
    pub zxid: Zxid,
    /// Its currentEpoch.
    pub peer_epoch: Epoch,
}

/// What servers tell each other on the election port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notification {
    /// The sender's role: LOOKING, FOLLOWING or LEADING.
    pub role: Role,
    /// Its proposal; of a server that is not LOOKING, the vote of its last election.
    pub vote: Vote,
    /// The round of that vote (`electionEpoch`).
    pub round: u64,
}

/// The last round of an election, after which comes round 1 (D-ROUND): on the wire a round is a
/// signed number of 64 bits.
pub const ROUND_MAX: u64 = i64::MAX.cast_unsigned();

/// A message on the quorum port. The paper's name comes first in each line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// CEPOCH: a follower reports in.
    FollowerInfo {
        /// The follower's acceptedEpoch.
        accepted_epoch: Epoch,
    },
    /// An observer reports in: FOLLOWERINFO without a vote (`Leader.OBSERVERINFO`).
    ObserverInfo {
        /// The observer's acceptedEpoch.
        accepted_epoch: Epoch,
    },
    /// NEWEPOCH: the leader offers an epoch.
    LeaderInfo {
        /// The new epoch.
        new_epoch: Epoch,
    },
    /// ACK-E: the follower accepts it and says how far its history goes.
    AckEpoch {
        /// Its currentEpoch; `None` if the epoch was accepted before, so that it does not count.
        current_epoch: Option<Epoch>,
        /// The last zxid of its history.
        last_zxid: Zxid,
    },
    /// Synchronization: your history is a prefix of mine, which ends here.
    Diff {
        /// The end of the leader's committed history.
        zxid: Zxid,
    },
    /// Synchronization: cut your history after this.
    Trunc {
        /// The last zxid to keep.
        zxid: Zxid,
    },
    /// Synchronization: replace your history by this state. The driver attaches the state when it
    /// sends, and keeps the received one aside until [`crate::Write::Snapshot`].
    Snap {
        /// The end of the history that the state holds.
        zxid: Zxid,
    },
    /// PROPOSE.
    Proposal {
        /// The proposed transaction.
        txn: Txn,
    },
    /// PROPOSAL of a transaction whose bytes are not in memory any more: the driver takes them
    /// from the log when it sends it. It never arrives like this.
    Stored {
        /// The transaction, which is durable.
        zxid: Zxid,
        /// The digest of its bytes.
        digest: TxnDigest,
    },
    /// COMMIT.
    Commit {
        /// The committed transaction.
        zxid: Zxid,
    },
    /// PROPOSAL and COMMIT in one, for an observer, which acknowledges nothing
    /// (`Leader.INFORM`).
    Inform {
        /// The committed transaction.
        txn: Txn,
    },
    /// NEWLEADER: the initial history is complete.
    NewLeader {
        /// The leader's epoch.
        epoch: Epoch,
    },
    /// ACK-LD: the follower adopted the initial history.
    AckLd {
        /// The leader's epoch.
        epoch: Epoch,
    },
    /// ACK: the transaction is durable at the sender.
    Ack {
        /// The acknowledged transaction.
        zxid: Zxid,
    },
    /// COMMIT-LD: the leader is established.
    UpToDate,
    /// Not in the paper: a sign of life, in both directions. It is not part of a trace.
    Ping,
}

impl Message {
    /// The message's name on the wire, for errors.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::FollowerInfo { .. } => "FOLLOWERINFO",
            Self::ObserverInfo { .. } => "OBSERVERINFO",
            Self::LeaderInfo { .. } => "LEADERINFO",
            Self::AckEpoch { .. } => "ACKEPOCH",
            Self::Diff { .. } => "DIFF",
            Self::Trunc { .. } => "TRUNC",
            Self::Snap { .. } => "SNAP",
            Self::Proposal { .. } | Self::Stored { .. } => "PROPOSAL",
            Self::Commit { .. } => "COMMIT",
            Self::Inform { .. } => "INFORM",
            Self::NewLeader { .. } => "NEWLEADER",
            Self::AckLd { .. } => "ACK-LD",
            Self::Ack { .. } => "ACK",
            Self::UpToDate => "UPTODATE",
            Self::Ping => "PING",
        }
    }
}
