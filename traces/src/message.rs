//! The messages of the protocol, as the format shows them.

use crate::word::words;
use crate::{Epoch, Role, Round, ServerId, TxnDigest, Zxid};

words! {
    /// The `type` of a message.
    MessageType, "a message type" {
        /// [`Message::Notification`].
        Notification = "NOTIFICATION",
        /// [`Message::FollowerInfo`].
        FollowerInfo = "FOLLOWERINFO",
        /// [`Message::LeaderInfo`].
        LeaderInfo = "LEADERINFO",
        /// [`Message::AckEpoch`].
        AckEpoch = "ACKEPOCH",
        /// [`Message::Diff`].
        Diff = "DIFF",
        /// [`Message::Trunc`].
        Trunc = "TRUNC",
        /// [`Message::Snap`].
        Snap = "SNAP",
        /// [`Message::Proposal`].
        Proposal = "PROPOSAL",
        /// [`Message::Commit`].
        Commit = "COMMIT",
        /// [`Message::NewLeader`].
        NewLeader = "NEWLEADER",
        /// [`Message::AckLd`].
        AckLd = "ACK-LD",
        /// [`Message::Ack`].
        Ack = "ACK",
        /// [`Message::UpToDate`].
        UpToDate = "UPTODATE",
    }
}

/// The port a message travels on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Port {
    /// The election port (3888 by custom).
    Election,
    /// The quorum port (2888 by custom).
    Quorum,
}

/// One message between two servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// NOTIFICATION: the sender's role, vote and round.
    Notification {
        /// The sender's role.
        role: Role,
        /// The vote's leader.
        leader: ServerId,
        /// The vote's zxid.
        zxid: Zxid,
        /// The sender's round (`electionEpoch`).
        round: Round,
        /// The vote's epoch.
        peer_epoch: Epoch,
    },
    /// FOLLOWERINFO (paper: CEPOCH).
    FollowerInfo {
        /// The follower's acceptedEpoch.
        accepted_epoch: Epoch,
    },
    /// LEADERINFO (paper: NEWEPOCH).
    LeaderInfo {
        /// The epoch the leader offers.
        epoch: Epoch,
    },
    /// ACKEPOCH (paper: ACK-E).
    AckEpoch {
        /// The follower's currentEpoch; none when it had accepted the epoch before, which does not
        /// count.
        current_epoch: Option<Epoch>,
        /// The last transaction of its history.
        last_zxid: Zxid,
    },
    /// DIFF: proposals and commits up to `zxid` follow.
    Diff {
        /// The end of the leader's committed history.
        zxid: Zxid,
    },
    /// TRUNC: the history is to be cut.
    Trunc {
        /// The last transaction that stays.
        zxid: Zxid,
    },
    /// SNAP: the state at `zxid` replaces the history.
    Snap {
        /// The position of the state.
        zxid: Zxid,
    },
    /// PROPOSAL (paper: PROPOSE).
    Proposal {
        /// The transaction.
        zxid: Zxid,
        /// The digest of its payload.
        digest: TxnDigest,
    },
    /// COMMIT.
    Commit {
        /// The transaction.
        zxid: Zxid,
    },
    /// NEWLEADER.
    NewLeader {
        /// The epoch that begins.
        epoch: Epoch,
    },
    /// ACK of NEWLEADER (paper: ACK-LD): an ACK whose counter is 0.
    AckLd {
        /// The acknowledged epoch.
        epoch: Epoch,
    },
    /// ACK of a PROPOSAL.
    Ack {
        /// The transaction.
        zxid: Zxid,
    },
    /// UPTODATE (paper: COMMIT-LD).
    UpToDate,
}

impl Message {
    /// The word in the message's `type` field.
    #[must_use]
    pub const fn kind(&self) -> MessageType {
        match self {
            Self::Notification { .. } => MessageType::Notification,
            Self::FollowerInfo { .. } => MessageType::FollowerInfo,
            Self::LeaderInfo { .. } => MessageType::LeaderInfo,
            Self::AckEpoch { .. } => MessageType::AckEpoch,
            Self::Diff { .. } => MessageType::Diff,
            Self::Trunc { .. } => MessageType::Trunc,
            Self::Snap { .. } => MessageType::Snap,
            Self::Proposal { .. } => MessageType::Proposal,
            Self::Commit { .. } => MessageType::Commit,
            Self::NewLeader { .. } => MessageType::NewLeader,
            Self::AckLd { .. } => MessageType::AckLd,
            Self::Ack { .. } => MessageType::Ack,
            Self::UpToDate => MessageType::UpToDate,
        }
    }

    /// The port this message travels on.
    #[must_use]
    pub const fn port(&self) -> Port {
        match self {
            Self::Notification { .. } => Port::Election,
            Self::FollowerInfo { .. }
            | Self::LeaderInfo { .. }
            | Self::AckEpoch { .. }
            | Self::Diff { .. }
            | Self::Trunc { .. }
            | Self::Snap { .. }
            | Self::Proposal { .. }
            | Self::Commit { .. }
            | Self::NewLeader { .. }
            | Self::AckLd { .. }
            | Self::Ack { .. }
            | Self::UpToDate => Port::Quorum,
        }
    }
}
