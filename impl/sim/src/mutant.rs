//! The table of mutants: each defect with its name, its description and the faults in which it
//! shows.

use crate::config::{Config, FaultProfile};
use crate::defect::{Defect, DriverMutant};

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
            let unseen = [zab_core::Mutant::CommitAnything, zab_core::Mutant::NoFence];
            assert!(names_its_rule || unseen.contains(&mutant), "{mutant:?}");
        }
    }
}
