//! Defects of a server and of what surrounds its core. Each is a mistake that a driver, a disk or a
//! network stack could really make, and each has to be found by the checker.

/// A defect of the driver around the core, of its disk, or of its network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DriverMutant {
    /// Sends what a step wants sent before it writes what the step wants written.
    SendBeforePersist,
    /// Tells the core that an append is synced when it was only handed to the disk.
    AckBeforeFsync,
    /// A disk that reports a sync and loses it at a kill.
    LyingDisk,
    /// Does not write acceptedEpoch, and goes on as if it had.
    ForgetAcceptedEpoch,
    /// Writes currentEpoch before the transactions that come with it.
    EpochBeforeLog,
    /// Puts two messages of one connection on the wire in the wrong order.
    SwapSends,
    /// Sends a message twice.
    DuplicateSend,
    /// Hands two messages of one connection to the core in the wrong order.
    SwapReceives,
    /// The leader's driver sends COMMIT along with PROPOSAL.
    CommitWithProposal,
    /// The leader's driver names the epoch before the new one in NEWLEADER.
    OlderNewLeader,
    /// The leader's core is given an ACK that no learner sent.
    ForgedAck,
    /// The leader's driver sends UPTODATE along with NEWLEADER.
    EarlyUpToDate,
    /// Does not cut the log when it should, and goes on as if it had.
    SkipTruncation,
    /// A tail that was cut off the log is there again after a restart.
    ResurrectedTail,
    /// Reads the epoch files as they were one write ago when it starts.
    OlderEpochFile,
    /// Loses the last transaction of a synced log when it starts.
    DroppedTail,
    /// Gives a transaction to the state machine when it is durable, committed or not.
    EagerDelivery,
    /// Does not give every committed transaction to the state machine.
    SkippedDelivery,
    /// Claims a log longer by one transaction in its votes.
    BoastfulVote,
}

/// What is wrong with the servers of a run, all of them alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Defect {
    /// A defect of what surrounds the core.
    Driver(DriverMutant),
    /// A defect of the core.
    Core(zab_core::Mutant),
}
