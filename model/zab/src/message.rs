//! The messages between servers. Types have ZooKeeper's names; comments give the paper's.

use std::fmt;

use crate::number::Number;
use crate::shape::{Shape, TxnOf};
use crate::types::{Role, Vote, Zxid};

/// A message of the election port ([`Message::Notification`]) or the quorum port (all others).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Message<S: Shape> {
    /// A vote in an election.
    Notification(Notification<S::Num>),
    /// FOLLOWERINFO (paper: CEPOCH): the learner's acceptedEpoch.
    FollowerInfo {
        /// The last epoch the learner promised to follow.
        accepted_epoch: S::Num,
    },
    /// OBSERVERINFO: FOLLOWERINFO of an observer.
    ObserverInfo {
        /// The last epoch the observer promised to follow.
        accepted_epoch: S::Num,
    },
    /// LEADERINFO (paper: NEWEPOCH): the epoch the leader offers.
    LeaderInfo {
        /// The new epoch.
        epoch: S::Num,
    },
    /// ACKEPOCH (paper: ACK-E).
    AckEpoch {
        /// The learner's currentEpoch; `None` if the epoch had been accepted before, which does
        /// not count.
        current_epoch: Option<S::Num>,
        /// The last zxid of its history.
        last_zxid: Zxid<S::Num>,
    },
    /// DIFF: the learner's history is a prefix of the leader's; what is missing follows.
    Diff {
        /// The last zxid of the leader's committed history.
        zxid: Zxid<S::Num>,
    },
    /// TRUNC: the learner must cut its history.
    Trunc {
        /// What to cut after.
        zxid: Zxid<S::Num>,
    },
    /// SNAP: the leader's state replaces the learner's.
    Snap {
        /// The last zxid of that state.
        zxid: Zxid<S::Num>,
        /// The committed history of the leader, of which this is the state.
        history: S::Log,
    },
    /// PROPOSAL (paper: PROPOSE).
    Proposal(TxnOf<S>),
    /// COMMIT.
    Commit {
        /// What is committed.
        zxid: Zxid<S::Num>,
    },
    /// INFORM: PROPOSAL and COMMIT in one, for an observer.
    Inform(TxnOf<S>),
    /// NEWLEADER: the end of the leader's history; acknowledged by ACK-LD.
    NewLeader {
        /// The new epoch.
        epoch: S::Num,
    },
    /// ACK-LD: the acknowledgement of NEWLEADER, and once more of UPTODATE.
    AckLd {
        /// The epoch acknowledged.
        epoch: S::Num,
    },
    /// ACK: the acknowledgement of a PROPOSAL.
    Ack {
        /// What is acknowledged.
        zxid: Zxid<S::Num>,
    },
    /// UPTODATE (paper: COMMIT-LD): the leader is established.
    UpToDate,
}

/// NOTIFICATION: what a server votes for, or has voted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Notification<N: Number> {
    /// What the sender is; never DOWN.
    pub role: Role,
    /// Its proposal while LOOKING, afterwards the vote it settled with.
    pub vote: Vote<N>,
    /// Its round (`electionEpoch`).
    pub round: N::Round,
}

impl<S: Shape> fmt::Display for Message<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Notification(n) => {
                write!(f, "NOTIFICATION {} round={} vote={}", n.role, n.round, n.vote)
            }
            Self::FollowerInfo { accepted_epoch } => {
                write!(f, "FOLLOWERINFO acceptedEpoch={accepted_epoch}")
            }
            Self::ObserverInfo { accepted_epoch } => {
                write!(f, "OBSERVERINFO acceptedEpoch={accepted_epoch}")
            }
            Self::LeaderInfo { epoch } => write!(f, "LEADERINFO epoch={epoch}"),
            Self::AckEpoch { current_epoch: Some(epoch), last_zxid } => {
                write!(f, "ACKEPOCH currentEpoch={epoch} lastZxid={last_zxid}")
            }
            Self::AckEpoch { current_epoch: None, last_zxid } => {
                write!(f, "ACKEPOCH currentEpoch=none lastZxid={last_zxid}")
            }
            Self::Diff { zxid } => write!(f, "DIFF {zxid}"),
            Self::Trunc { zxid } => write!(f, "TRUNC {zxid}"),
            Self::Snap { zxid, .. } => write!(f, "SNAP {zxid}"),
            Self::Proposal(txn) => write!(f, "PROPOSAL {} payload={}", txn.zxid, txn.payload),
            Self::Commit { zxid } => write!(f, "COMMIT {zxid}"),
            Self::Inform(txn) => write!(f, "INFORM {} payload={}", txn.zxid, txn.payload),
            Self::NewLeader { epoch } => write!(f, "NEWLEADER epoch={epoch}"),
            Self::AckLd { epoch } => write!(f, "ACK-LD epoch={epoch}"),
            Self::Ack { zxid } => write!(f, "ACK {zxid}"),
            Self::UpToDate => f.write_str("UPTODATE"),
        }
    }
}
