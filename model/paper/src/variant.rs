//! What may be done otherwise than the specification's authors do: readings of the paper.

use super::bounds::Bounds;
use super::types::Members;

/// Whom the paper's "broadcast to all in Q" means for PROPOSE.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ProposalsTo {
    /// Followers that were sent NEWLEADER. The repair.
    #[default]
    Offered,
    /// Followers that have acknowledged NEWLEADER, as for COMMIT. A follower that is offered a
    /// history just before a request misses its PROPOSE for good.
    Synced,
}

/// What a follower does with a PROPOSE that its history holds already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum RepeatedProposal {
    /// Drops it. The repair: NEWLEADER may carry a transaction that is proposed only afterwards.
    #[default]
    Dropped,
    /// Takes it for an error, as for any PROPOSE that is not the next.
    Illegal,
}

/// Which zxid COMMIT-LD carries to a follower that joins an established leader.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CommitLdZxid {
    /// The last that the leader has committed. The repair.
    #[default]
    LastCommitted,
    /// That of the ACK-LD. What was committed since it was sent is never told.
    Acknowledged,
}

/// What an established leader does when an ACK-LD, in place of an ACK, gives a transaction its
/// quorum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LateAckLd {
    /// Counts it, as published. The transaction is committed when an ACK for it comes; if none comes
    /// any more, it never is, and nothing after it.
    #[default]
    Counts,
    /// Commits the transaction, as soon as it is proposed too. A repair of ours.
    Commits,
}

/// How a follower writes what NEWLEADER brings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum NewLeaderWrites {
    /// History and epoch in one step.
    #[default]
    Atomic,
    /// First the history, then the epoch: safe.
    HistoryFirst,
    /// First the epoch, then the history: between the two, an old history claims a new epoch.
    EpochFirst,
}

/// One reading of the paper. The default is the one that the specification's authors settled on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Variant {
    /// Whom PROPOSE is sent to.
    pub proposals_to: ProposalsTo,
    /// What a repeated PROPOSE is.
    pub repeated_proposal: RepeatedProposal,
    /// What COMMIT-LD says.
    pub commit_ld: CommitLdZxid,
    /// How NEWLEADER is written.
    pub new_leader: NewLeaderWrites,
    /// What ACK-LD commits once a leader is established.
    pub late_ack_ld: LateAckLd,
    /// Whether a restart also needs `timeouts` not to be spent: the one guard in which Apache's
    /// copy of the specification differs from its authors'.
    pub restart_is_timeout: bool,
}

/// Everything a rule is told besides the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rules {
    /// How far to go.
    pub bounds: Bounds,
    /// Which reading of the paper.
    pub variant: Variant,
}

impl Rules {
    /// The paper as its specification's authors read it.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        Self { bounds, variant: Variant::default() }
    }

    /// Whether a set of servers is a quorum: more than half.
    #[must_use]
    pub fn is_quorum(&self, members: Members) -> bool {
        members.len() * 2 > u32::from(self.bounds.servers)
    }
}
