//! What a peer can do wrong. The reaction is to leave the role, or to close the connection.

use crate::{Epoch, ServerId, Zxid};

/// A zxid, or that there is none.
fn shown(zxid: Option<Zxid>) -> String {
    zxid.map_or_else(|| "nothing".to_owned(), |zxid| zxid.to_string())
}

/// A peer broke the protocol.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// The message has no place in this role and phase.
    #[error("{message} from server {from} while {expected} is expected")]
    Unexpected {
        /// Who sent it.
        from: ServerId,
        /// The message's name.
        message: &'static str,
        /// What would have had a place.
        expected: &'static str,
    },
    /// A leader goes back behind an epoch that is already accepted.
    #[error("leader {from} offered epoch {offered}, but epoch {accepted} is already accepted")]
    EpochGoesBack {
        /// The leader.
        from: ServerId,
        /// Its epoch.
        offered: Epoch,
        /// This server's acceptedEpoch.
        accepted: Epoch,
    },
    /// A leader offers an epoch that no ensemble can have reached since the last one known.
    #[error("leader {from} offered epoch {offered}, too far above {known}, the last one known")]
    EpochTooFar {
        /// The leader.
        from: ServerId,
        /// Its epoch.
        offered: Epoch,
        /// The greater of this server's acceptedEpoch and the epoch of the vote it follows.
        known: Epoch,
    },
    /// A new epoch would be the last there is.
    #[error("nothing can follow epoch {epoch}, which server {from} would make the accepted one")]
    EpochExhausted {
        /// Whose message it was.
        from: ServerId,
        /// The last epoch there is.
        epoch: Epoch,
    },
    /// A message names another epoch than the one that is being established.
    #[error("{message} from server {from} names epoch {named}, but epoch {expected} is under way")]
    WrongEpoch {
        /// Who sent it.
        from: ServerId,
        /// The message's name.
        message: &'static str,
        /// The epoch it names.
        named: Epoch,
        /// The epoch that is under way.
        expected: Epoch,
    },
    /// A learner's history is ahead of the leader's: the leader should not lead.
    #[error(
        "learner {from} is at epoch {epoch} and {last}, ahead of this leader at epoch \
         {own_epoch} and {own_last}"
    )]
    LearnerAhead {
        /// The learner.
        from: ServerId,
        /// Its currentEpoch.
        epoch: Epoch,
        /// The end of its history.
        last: Zxid,
        /// The leader's currentEpoch.
        own_epoch: Epoch,
        /// The end of the leader's history.
        own_last: Zxid,
    },
    /// TRUNC to a position that this server does not hold.
    #[error("leader {from} truncates to {zxid}, which is not in the history that ends at {last}")]
    TruncOutsideHistory {
        /// The leader.
        from: ServerId,
        /// Where it cuts.
        zxid: Zxid,
        /// The end of this server's history.
        last: Zxid,
    },
    /// A PROPOSAL does not follow the transaction before it.
    #[error("leader {from} proposed {zxid} after {last}")]
    ProposalGap {
        /// The leader.
        from: ServerId,
        /// What it proposed.
        zxid: Zxid,
        /// What came before.
        last: Zxid,
    },
    /// A COMMIT is not for the transaction whose turn it is.
    #[error("leader {from} committed {zxid}, but {} is next", shown(*.expected))]
    CommitOutOfTurn {
        /// The leader.
        from: ServerId,
        /// What it committed.
        zxid: Zxid,
        /// Whose turn it is; `None` if nothing waits to be committed.
        expected: Option<Zxid>,
    },
    /// A message on the quorum port from somebody who is no other member, or who reports in as a
    /// voter and is an observer, or the other way round.
    #[error("server {from} is no other server of this ensemble, or not of the kind that it says")]
    NotAPeer {
        /// Who it says it is.
        from: ServerId,
    },
}
