//! The releases of ZooKeeper as profiles, what of each is not modelled yet, and which properties
//! are known not to hold.
//!
//! Sources are ZooKeeper's classes at the tag of each release: `Learner.syncWithLeader` for
//! `newleader_program` and `list_at_newleader`, and those that [`super::switches`] names.

use super::{
    AcksOfCut, Delivery, FirstAck, LeaderEpochWrite, ListAtNewLeader, NewLeaderProgram, Profile,
    SameRoundCompares, StartAheadOfEpoch,
};

/// A release of ZooKeeper, or `fixed`.
#[derive(Clone, Copy, Debug)]
pub struct Release {
    /// Its number.
    pub name: &'static str,
    /// Numbers of releases that behave the same.
    pub also: &'static [&'static str],
    /// What it does, as far as it is modelled.
    pub profile: Profile,
}

/// What all releases do.
const ANY: Profile = Profile {
    same_round_compares: SameRoundCompares::Leader,
    leader_epoch_write: LeaderEpochWrite::AfterNewLeader,
    acks_of_cut: AcksOfCut::Kept,
    first_ack: FirstAck::Any,
    delivery: Delivery::WhenCommitted,
    start_ahead_of_epoch: StartAheadOfEpoch::UpToCurrent,
    ..Profile::FIXED
};

/// 3.6.3 to 3.8.4, and 3.9.0 to 3.9.1.
const QUEUED: Profile = Profile {
    newleader_program: NewLeaderProgram::Queued,
    list_at_newleader: ListAtNewLeader::Emptied,
    ..ANY
};

/// 3.8.5 and later of 3.8, and 3.9.2: with the change of ZOOKEEPER-4785.
const SYNCED: Profile = Profile {
    newleader_program: NewLeaderProgram::SyncedAll,
    list_at_newleader: ListAtNewLeader::Emptied,
    ..ANY
};

/// 3.4.10. A marker file lets it start with a history ahead of currentEpoch.
const V3_4: Profile = Profile {
    newleader_program: NewLeaderProgram::LoggedAtUpToDate,
    start_ahead_of_epoch: StartAheadOfEpoch::UpToAccepted,
    ..ANY
};

/// Every release that is modelled, oldest first, then `fixed`.
pub const RELEASES: &[Release] = &[
    Release { name: "3.4.10", also: &[], profile: V3_4 },
    Release { name: "3.8.0", also: &[], profile: QUEUED },
    Release { name: "3.8.6", also: &[], profile: SYNCED },
    Release { name: "3.9.1", also: &[], profile: QUEUED },
    Release { name: "3.9.2", also: &[], profile: SYNCED },
    Release { name: "3.9.3", also: &[], profile: ANY },
    Release { name: "3.9.4", also: &["3.9.5"], profile: ANY },
    Release { name: "fixed", also: &[], profile: Profile::FIXED },
];

/// Something that releases do and no profile can say yet.
#[derive(Clone, Copy, Debug)]
pub struct Gap {
    /// In one word.
    pub name: &'static str,
    /// What the releases do.
    pub says: &'static str,
    /// Which; none named: all.
    pub releases: &'static [&'static str],
}

impl Gap {
    /// Whether a release does it.
    #[must_use]
    pub fn is_of(&self, release: &Release) -> bool {
        let named = self.releases.is_empty() || self.releases.contains(&release.name);
        named && release.profile != Profile::FIXED
    }
}

const fn gap(name: &'static str, says: &'static str, releases: &'static [&'static str]) -> Gap {
    Gap { name, says, releases }
}

/// Everything that is known to be missing from the profiles of releases.
pub const GAPS: &[Gap] = &[
    gap(
        "position_when_established",
        "an established leader's position is (epoch, 0) before its first transaction; so is that of a learner that takes its SNAP, and the vote of both (D-L0)",
        &[],
    ),
    gap("settle_two_steps", "a server takes its role first and the vote afterwards", &[]),
    gap("stop_stepwise", "a role is left in steps, and notifications are answered meanwhile", &[]),
    gap("own_vote", "the own vote counts when it comes back (D-4892)", &[]),
    gap(
        "connections_per_learner",
        "a leader serves an older connection of a learner beside a newer one",
        &[],
    ),
    gap(
        "handler_threads",
        "header, SNAP, NEWLEADER and UPTODATE are steps of a thread for each learner",
        &[],
    ),
    gap("snap_label", "a SNAP's zxid is read after what is sent behind it was chosen", &[]),
    gap(
        "window_by_apply",
        "the window grows when a transaction is applied, and begins after the newest snapshot",
        &[],
    ),
    gap(
        "commits_in_snapshot",
        "what is committed during SNAP or TRUNC goes into the snapshot, not into the log",
        &[],
    ),
    gap("snapshots", "a server writes snapshots while it serves, and TRUNC may cut into one", &[]),
    gap("trunc_durable", "a truncation may come back after a power loss (H-06)", &[]),
    gap(
        "trunc_to_absent_record",
        "TRUNC to a zxid that the log does not have keeps the record after it (H-11)",
        &[],
    ),
    gap(
        "mismatched_commit",
        "a COMMIT that does not match ends the process or is dropped, and gaps in PROPOSALs are only warned about (D-GAP)",
        &[],
    ),
    gap("leader_timers", "a leader ends a learner's connection that is silent for too long", &[]),
    gap("append_fails", "an append fails and the process lives (ZOOKEEPER-4882)", &[]),
    gap("observers", "observers", &[]),
    gap(
        "clear_db_after_partial",
        "after an interrupted TRUNC (before 3.6 also SNAP) the tree is kept (ZOOKEEPER-3642, 5094)",
        &[],
    ),
    gap(
        "fast_forward_on_stop",
        "the position at the next election is the last applied one, not the end of the log (ZOOKEEPER-2845)",
        &["3.4.10"],
    ),
    gap(
        "newleader_queued_before_snap",
        "NEWLEADER may be sent before the SNAP (ZOOKEEPER-3104)",
        &["3.4.10"],
    ),
    gap("trunc_across_epochs", "TRUNC goes across epochs", &["3.4.10"]),
    gap(
        "updating_epoch_marker",
        "a start with a history ahead of currentEpoch raises currentEpoch",
        &["3.4.10"],
    ),
    gap(
        "commit_needs_predecessor",
        "a transaction may be committed before the one before it",
        &["3.4.10"],
    ),
    gap(
        "ondisk_diff",
        "a DIFF is also made from the log files",
        &["3.8.0", "3.8.6", "3.9.1", "3.9.2", "3.9.3", "3.9.4"],
    ),
    gap(
        "sync_thread_on_stop",
        "a stopped learner's sync thread goes on writing (ZOOKEEPER-4712)",
        &["3.8.0", "3.8.6", "3.9.1", "3.9.2"],
    ),
    gap(
        "sync_apply_enters_window",
        "what a learner applies during synchronization is missing from its window (ZOOKEEPER-4925)",
        &["3.9.3"],
    ),
];

/// A cause for which properties do not hold in some releases, as explorations show.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// An issue of ZooKeeper, or a deviation of `docs/src/rules.md`.
    pub issue: &'static str,
    /// Where it is present.
    pub releases: &'static [&'static str],
    /// The properties that it violates.
    pub properties: &'static [&'static str],
    /// The switch that cures it, as `switch=value`.
    pub cure: &'static str,
}

/// Every release.
const ALL: &[&str] = &["3.4.10", "3.8.0", "3.8.6", "3.9.1", "3.9.2", "3.9.3", "3.9.4"];

/// What explorations find (`model/zab/tests/explore/profiles.rs`): in each release exactly these
/// properties are violated, and with all cures but one exactly those of that cause.
pub const KNOWN: &[Known] = &[
    Known {
        issue: "D-H01",
        releases: ALL,
        properties: &["committed_is_durable_on_a_quorum"],
        cure: "acks_of_cut=withdrawn",
    },
    Known {
        issue: "ZOOKEEPER-4882",
        releases: ALL,
        properties: &["delivered_is_committed_and_durable"],
        cure: "delivery=when_durable",
    },
    Known {
        issue: "ZOOKEEPER-2354 (D-H02)",
        releases: &["3.8.0", "3.8.6", "3.9.1", "3.9.2", "3.9.3", "3.9.4"],
        properties: &["whoever_is_down_can_start"],
        cure: "start_ahead_of_epoch=up_to_accepted",
    },
    Known {
        issue: "ZOOKEEPER-3911",
        releases: &["3.4.10"],
        properties: &["committed_is_durable_on_a_quorum"],
        cure: "newleader_program=committed",
    },
    Known {
        issue: "ZOOKEEPER-4646, 4685",
        releases: &["3.8.0", "3.9.1"],
        properties: &[
            "committed_is_durable_on_a_quorum",
            "acknowledged_is_durable",
            "acknowledges_in_order",
        ],
        cure: "newleader_program=committed",
    },
    Known {
        issue: "ZOOKEEPER-4394",
        releases: &["3.8.0", "3.8.6", "3.9.1", "3.9.2"],
        properties: &["leader_sends_what_fits"],
        cure: "list_at_newleader=kept",
    },
];
