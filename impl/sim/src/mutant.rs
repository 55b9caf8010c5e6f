//! Defects of what surrounds the core. Each is a mistake that a driver, a disk or a network stack
//! could really make, and each has to be found by the checker.

use crate::config::{Config, FaultProfile};

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

/// A row of the table of mutants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mutant {
    /// The mutant as reports and command lines name it.
    pub name: &'static str,
    /// What is wrong, in one sentence.
    pub description: &'static str,
    /// What to put into [`Config::defect`](crate::Config::defect).
    pub defect: Defect,
    /// Where it shows soon.
    pub fault_profile: FaultProfile,
}

impl Mutant {
    /// A run with this defect, with the faults in which it shows soon.
    #[must_use]
    pub fn config(&self, seed: u64) -> Config {
        Config { defect: Some(self.defect), ..Config::of(self.fault_profile, seed) }
    }

    const fn shows_in(self, fault_profile: FaultProfile) -> Self {
        Self { fault_profile, ..self }
    }
}

/// Every defect that [`simulate`](crate::simulate) can have.
#[must_use]
pub fn mutants() -> &'static [Mutant] {
    MUTANTS
}

const fn row(name: &'static str, driver: DriverMutant, description: &'static str) -> Mutant {
    Mutant { name, description, defect: Defect::Driver(driver), fault_profile: FaultProfile::Mixed }
}

const fn core(name: &'static str, mutant: zab_core::Mutant, description: &'static str) -> Mutant {
    Mutant { name, description, defect: Defect::Core(mutant), fault_profile: FaultProfile::Mixed }
}

const MUTANTS: &[Mutant] = &[
    row(
        "send-before-persist",
        DriverMutant::SendBeforePersist,
        "the driver sends the messages of a step before it has done the step's writes",
    ),
    row(
        "ack-before-fsync",
        DriverMutant::AckBeforeFsync,
        "the driver reports an append as synced at once, so that its ACK leaves before the fsync",
    ),
    row(
        "lying-disk",
        DriverMutant::LyingDisk,
        "the disk reports a sync and loses the end of the synced log at a kill",
    )
    .shows_in(FaultProfile::Kills),
    row(
        "forget-accepted-epoch",
        DriverMutant::ForgetAcceptedEpoch,
        "acceptedEpoch is never written, although its answer is sent",
    ),
    row(
        "epoch-before-log",
        DriverMutant::EpochBeforeLog,
        "currentEpoch is written before the transactions that NEWLEADER covers (ZOOKEEPER-4643)",
    ),
    row(
        "swap-sends",
        DriverMutant::SwapSends,
        "two messages of one step to one server leave in the wrong order",
    ),
    row("duplicate-send", DriverMutant::DuplicateSend, "a message is sent twice"),
    row(
        "swap-receives",
        DriverMutant::SwapReceives,
        "two messages that wait on one connection reach the core in the wrong order",
    ),
    row(
        "commit-with-proposal",
        DriverMutant::CommitWithProposal,
        "the leader's driver sends COMMIT right after each PROPOSAL, without a quorum",
    ),
    row(
        "older-newleader",
        DriverMutant::OlderNewLeader,
        "NEWLEADER names the epoch before the one that was agreed",
    ),
    row(
        "forged-ack",
        DriverMutant::ForgedAck,
        "the leader's core is given an ACK for each proposal that no learner sent",
    ),
    row(
        "early-uptodate",
        DriverMutant::EarlyUpToDate,
        "UPTODATE follows NEWLEADER at once, without a quorum of acknowledgements",
    ),
    row(
        "skip-truncation",
        DriverMutant::SkipTruncation,
        "the log is not cut after TRUNC, although the synchronization goes on",
    )
    .shows_in(FaultProfile::Cuts),
    row(
        "resurrected-tail",
        DriverMutant::ResurrectedTail,
        "transactions that TRUNC cut off are in the log again after a restart",
    )
    .shows_in(FaultProfile::Cuts),
    row(
        "older-epoch-file",
        DriverMutant::OlderEpochFile,
        "a restart reads the epoch files as they were one write ago",
    )
    .shows_in(FaultProfile::Kills),
    row(
        "dropped-tail",
        DriverMutant::DroppedTail,
        "a restart loses the last transaction of a synced log",
    )
    .shows_in(FaultProfile::Kills),
    row(
        "eager-delivery",
        DriverMutant::EagerDelivery,
        "transactions are delivered as soon as they are durable, committed or not",
    ),
    row(
        "skipped-delivery",
        DriverMutant::SkippedDelivery,
        "now and then a committed transaction is not delivered",
    ),
    row(
        "boastful-vote",
        DriverMutant::BoastfulVote,
        "votes claim a log that is longer by one transaction",
    ),
    core(
        "no-withdraw",
        zab_core::Mutant::NoWithdraw,
        "what a learner acknowledged stays counted when it is truncated (zk.sync.withdraw)",
    )
    .shows_in(FaultProfile::Disks),
    core(
        "commit-without-quorum",
        zab_core::Mutant::CommitWithoutQuorum,
        "the first acknowledgement commits (l.3.2)",
    ),
    core(
        "no-freshness-check",
        zab_core::Mutant::NoFreshnessCheck,
        "a leader takes a learner that is ahead of it (l.1.2)",
    )
    .shows_in(FaultProfile::Disks),
    core(
        "vote-order-ignores-history",
        zab_core::Mutant::VoteOrderIgnoresHistory,
        "votes are compared by leader alone (zk.fle.order)",
    ),
    core(
        "established-before-quorum",
        zab_core::Mutant::EstablishedBeforeQuorum,
        "the first acknowledgement of NEWLEADER establishes the leader (l.2.2)",
    ),
    core(
        "deliver-before-durable",
        zab_core::Mutant::DeliverBeforeDurable,
        "a committed transaction is delivered before it is durable (zk.bcast.apply)",
    ),
    core(
        "epoch-not-advanced",
        zab_core::Mutant::EpochNotAdvanced,
        "the new epoch is the highest accepted one (l.1.1)",
    ),
    core(
        "ackepoch-always-counts",
        zab_core::Mutant::AckEpochAlwaysCounts,
        "an epoch that was accepted before is accepted as if it were new (f.1.2)",
    ),
    core(
        "diff-instead-of-trunc",
        zab_core::Mutant::DiffInsteadOfTrunc,
        "a learner that is ahead is sent DIFF (zk.sync.trunc)",
    )
    .shows_in(FaultProfile::Cuts),
    // `zab_core::Mutant::CommitAnything` is left out: what a leader commits arrives in order, so no
    // run with it differs from one without. Only a test of one peer can tell.
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mutant_has_one_row() {
        for (index, mutant) in mutants().iter().enumerate() {
            let rest = &mutants()[index + 1..];
            assert!(rest.iter().all(|m| m.name != mutant.name), "{}", mutant.name);
            assert!(rest.iter().all(|m| m.defect != mutant.defect), "{}", mutant.name);
        }
    }

    /// The core's list has one defect more, which no run shows.
    #[test]
    fn every_defect_of_the_core_but_one_has_a_row() {
        for (mutant, rule) in zab_core::Mutant::ALL {
            let row = mutants().iter().find(|row| row.defect == Defect::Core(mutant));
            let names_its_rule = row.is_some_and(|row| row.description.contains(rule));
            assert!(names_its_rule || mutant == zab_core::Mutant::CommitAnything, "{mutant:?}");
        }
    }
}
