//! What may be done otherwise than published: readings of the paper, and seeded defects.

use std::fmt;

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

/// A seeded defect; each breaks a property or a claim of liveness, which tests name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mutant {
    /// The new epoch is the greatest promised, not one more.
    EpochNotRaised,
    /// A restart forgets f.p.
    PromiseForgotten,
    /// A restart forgets the history.
    HistoryForgotten,
    /// The leader's initial history is its own, whatever followers report.
    OwnHistoryKept,
    /// NEWLEADER's history is not adopted.
    NewLeaderHistoryIgnored,
    /// NEWLEADER's epoch is not adopted.
    NewLeaderEpochIgnored,
    /// ACK is sent for a PROPOSE that is not accepted into the history.
    AckWithoutAccepting,
    /// One ACK commits.
    CommitWithoutQuorum,
    /// A quorum of ACKs commits, whatever comes before.
    CommitOutOfOrder,
    /// COMMIT goes to followers that have not acknowledged NEWLEADER.
    CommitToUnsynced,
    /// An established leader does not count its initial history as committed.
    InitialHistoryUncommitted,
    /// The last transaction is broadcast in place of the next.
    NewestProposedFirst,
    /// A broken connection leaves its messages behind.
    BuffersKept,
    /// A PROPOSE is accepted, and no ACK is sent.
    AckWithheld,
    /// A leader whose epoch is decided drops a CEPOCH.
    LateCepochUnanswered,
    /// What a leader has taken is never proposed.
    ProposalsHeldBack,
}

impl Mutant {
    /// Those that break no property, only claims of liveness.
    pub const LIVENESS: [Self; 3] =
        [Self::AckWithheld, Self::LateCepochUnanswered, Self::ProposalsHeldBack];

    /// Those that break a property.
    pub const SAFETY: [Self; 13] = [
        Self::EpochNotRaised,
        Self::PromiseForgotten,
        Self::HistoryForgotten,
        Self::OwnHistoryKept,
        Self::NewLeaderHistoryIgnored,
        Self::NewLeaderEpochIgnored,
        Self::AckWithoutAccepting,
        Self::CommitWithoutQuorum,
        Self::CommitOutOfOrder,
        Self::CommitToUnsynced,
        Self::InitialHistoryUncommitted,
        Self::NewestProposedFirst,
        Self::BuffersKept,
    ];
}

impl fmt::Display for Mutant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// Everything a rule is told besides the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rules {
    /// How far to go.
    pub bounds: Bounds,
    /// Which reading of the paper.
    pub variant: Variant,
    /// The seeded defect, if any.
    pub mutant: Option<Mutant>,
}

impl Rules {
    /// The paper as its specification's authors read it.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        Self { bounds, variant: Variant::default(), mutant: None }
    }

    /// Whether a set of servers is a quorum: more than half.
    #[must_use]
    pub fn is_quorum(&self, members: Members) -> bool {
        members.len() * 2 > u32::from(self.bounds.servers)
    }

    pub(super) fn has(&self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }
}
