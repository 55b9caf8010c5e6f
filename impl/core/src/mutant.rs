//! Defects that can be put into a peer, one at a time, for tests of the checker.

/// A seeded defect: the checker must find it. Each is read in exactly one place of the core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// `zk.sync.withdraw` is left out: what a learner acknowledged above its cursor stays counted.
    NoWithdraw,
    /// `zk.sync.fence` is left out: an ACK on an older connection of a learner counts.
    NoFence,
    /// l.3.2: the first acknowledgement commits.
    CommitWithoutQuorum,
    /// l.1.2: a learner that is ahead of the leader is let in.
    NoFreshnessCheck,
    /// zk.fle.order: votes are compared by leader alone.
    VoteOrderIgnoresHistory,
    /// l.2.2: the first acknowledgement of NEWLEADER establishes the leader.
    EstablishedBeforeQuorum,
    /// zk.bcast.apply: what is committed is delivered before it is durable here.
    DeliverBeforeDurable,
    /// l.1.1: the new epoch is the highest accepted epoch, not one above it.
    EpochNotAdvanced,
    /// f.1.2: LEADERINFO with an epoch accepted before is answered as if it were new.
    AckEpochAlwaysCounts,
    /// zk.sync.trunc: a learner that is ahead gets DIFF instead of TRUNC.
    DiffInsteadOfTrunc,
    /// f.3.3: COMMIT(z) commits what comes next, whatever z is.
    CommitAnything,
}

impl Mutant {
    /// All of them, with the id of the rule that each breaks.
    pub const ALL: [(Self, &'static str); 11] = [
        (Self::NoWithdraw, "zk.sync.withdraw"),
        (Self::NoFence, "zk.sync.fence"),
        (Self::CommitWithoutQuorum, "l.3.2"),
        (Self::NoFreshnessCheck, "l.1.2"),
        (Self::VoteOrderIgnoresHistory, "zk.fle.order"),
        (Self::EstablishedBeforeQuorum, "l.2.2"),
        (Self::DeliverBeforeDurable, "zk.bcast.apply"),
        (Self::EpochNotAdvanced, "l.1.1"),
        (Self::AckEpochAlwaysCounts, "f.1.2"),
        (Self::DiffInsteadOfTrunc, "zk.sync.trunc"),
        (Self::CommitAnything, "f.3.3"),
    ];
}
