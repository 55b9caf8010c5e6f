//! The releases of ZooKeeper as profiles, what of each is not modelled yet, and which properties
//! are known not to hold.
//!
//! Sources are ZooKeeper's classes at the tag of each release: `Learner.syncWithLeader` for
//! `newleader_program` and `list_at_newleader`, and those that [`super::switches`] names.

use super::{
    AcksOfCut, CommitAfterSnap, Delivery, FailedAppend, FastForward, FirstAck, LeaderEpochWrite,
    ListAtNewLeader, LogAfterSnapshot, NewLeaderProgram, NewLeaderQueued, ObserverNewLeader,
    ObserversInDiscovery, OlderConnection, PartialDatabase, PositionWhenEstablished, Profile,
    ProposalGap, SameRoundCompares, Settling, SnapLabel, SnapshotWhenLeading, StartAheadOfEpoch,
    SyncApplyEntersWindow, SyncThreadOnStop, TruncDurable, TruncIntoSnapshot, TruncToAbsentRecord,
    WindowGrows,
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
    settling: Settling::RoleFirst,
    leader_epoch_write: LeaderEpochWrite::AfterNewLeader,
    snap_label: SnapLabel::WhenSent,
    acks_of_cut: AcksOfCut::Kept,
    older_connection: OlderConnection::Served,
    first_ack: FirstAck::Any,
    delivery: Delivery::WhenCommitted,
    snapshot_when_leading: SnapshotWhenLeading::Yes,
    trunc_to_absent_record: TruncToAbsentRecord::NextKept,
    trunc_into_snapshot: TruncIntoSnapshot::Loaded,
    trunc_durable: TruncDurable::No,
    commit_after_snap: CommitAfterSnap::Applied,
    log_after_snapshot: LogAfterSnapshot::Kept,
    observer_newleader: ObserverNewLeader::Unlogged,
    position_when_established: PositionWhenEstablished::EpochStart,
    window_grows: WindowGrows::AtApply,
    proposal_gap: ProposalGap::Warned,
    partial_database: PartialDatabase::ClearedAfterSnap,
    fast_forward: FastForward::InBroadcast,
    failed_append: FailedAppend::Kept,
    start_ahead_of_epoch: StartAheadOfEpoch::UpToCurrent,
    ..Profile::FIXED
};

/// 3.6.3 to 3.8.4, and 3.9.0 to 3.9.1.
const QUEUED: Profile = Profile {
    newleader_program: NewLeaderProgram::Queued,
    list_at_newleader: ListAtNewLeader::Emptied,
    sync_apply_enters_window: SyncApplyEntersWindow::No,
    sync_thread_on_stop: SyncThreadOnStop::Zombie,
    ..ANY
};

/// 3.8.5 and later of 3.8, and 3.9.2: with the change of ZOOKEEPER-4785.
const SYNCED: Profile = Profile {
    newleader_program: NewLeaderProgram::SyncedAll,
    list_at_newleader: ListAtNewLeader::Emptied,
    sync_apply_enters_window: SyncApplyEntersWindow::No,
    sync_thread_on_stop: SyncThreadOnStop::Zombie,
    ..ANY
};

/// 3.4.10. A marker file lets it start with a history ahead of currentEpoch.
const V3_4: Profile = Profile {
    newleader_queued: NewLeaderQueued::BeforeSnap,
    newleader_program: NewLeaderProgram::LoggedAtUpToDate,
    observers_in_discovery: ObserversInDiscovery::Counted,
    snapshot_when_leading: SnapshotWhenLeading::No,
    sync_apply_enters_window: SyncApplyEntersWindow::No,
    partial_database: PartialDatabase::Kept,
    fast_forward: FastForward::Never,
    start_ahead_of_epoch: StartAheadOfEpoch::UpToAccepted,
    ..ANY
};

/// 3.9.3.
const V3_9_3: Profile = Profile { sync_apply_enters_window: SyncApplyEntersWindow::No, ..ANY };

/// Every release that is modelled, oldest first, then `fixed`.
pub const RELEASES: &[Release] = &[
    Release { name: "3.4.10", also: &[], profile: V3_4 },
    Release { name: "3.8.0", also: &[], profile: QUEUED },
    Release { name: "3.8.6", also: &[], profile: SYNCED },
    Release { name: "3.9.1", also: &[], profile: QUEUED },
    Release { name: "3.9.2", also: &[], profile: SYNCED },
    Release { name: "3.9.3", also: &[], profile: V3_9_3 },
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
    gap("stop_stepwise", "a role is left in steps, and notifications are answered meanwhile", &[]),
    gap("own_vote", "the own vote counts when it comes back (D-4892)", &[]),
    gap(
        "connections_per_learner",
        "what a leader sends on an older connection of a learner, and a third connection; what \
         arrives on the older one is there (older_connection)",
        &[],
    ),
    gap(
        "mismatched_commit",
        "a COMMIT that does not match ends the process or is dropped (D-GAP)",
        &[],
    ),
    gap(
        "window_after_snapshot",
        "the window of a server that runs begins after the newest snapshot that it wrote while it served",
        &[],
    ),
    gap("leader_timers", "a leader ends a learner's connection that is silent for too long", &[]),
    gap(
        "observer_elections",
        "an observer elects in rounds of its own, and tells its votes; which server it follows is free",
        &[],
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
        "a DIFF is also made from the log files, if they are small beside a snapshot (ondisk_diff)",
        &["3.8.0", "3.8.6", "3.9.1", "3.9.2", "3.9.3", "3.9.4"],
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

/// What explorations find (`model/zab/tests/explore/profiles.rs`): with all cures but one exactly the
/// properties of that cause are violated, with all cures none, and in a release as it is none that no
/// cause violates (one cause may hide what another one does).
pub const KNOWN: &[Known] = &[
    Known {
        issue: "D-H01",
        releases: ALL,
        properties: &["committed_is_durable_on_a_quorum"],
        cure: "acks_of_cut=withdrawn,older_connection=fenced",
    },
    Known {
        issue: "ZOOKEEPER-4882",
        releases: ALL,
        properties: &["delivered_is_committed_and_durable"],
        cure: "delivery=when_durable,window_grows=at_commit",
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
        properties: &[
            "committed_is_durable_on_a_quorum",
            "established_is_durable",
            "followers_have_applied_what_their_leader_began_with",
            "whoever_has_an_epoch_has_its_history",
        ],
        cure: "newleader_program=committed,sync_apply_enters_window=yes",
    },
    Known {
        issue: "ZOOKEEPER-4646, 4685, 2845 before UPTODATE",
        releases: &["3.8.0", "3.9.1"],
        properties: &[
            "acknowledged_is_durable",
            "acknowledges_in_order",
            "committed_is_durable_on_a_quorum",
            "committed_never_lost",
            "established_is_durable",
            "every_step_is_one_of_primary_order_broadcast",
            "followers_have_applied_what_their_leader_began_with",
            "followers_have_their_leaders_history",
            "log_and_window_are_continuous",
            "no_truncation_of_committed",
            "whoever_has_an_epoch_has_its_history",
        ],
        cure: "newleader_program=committed,sync_apply_enters_window=yes,fast_forward=always",
    },
    Known {
        issue: "ZOOKEEPER-4394",
        releases: &["3.8.0", "3.8.6", "3.9.1", "3.9.2"],
        properties: &["leader_sends_what_fits"],
        cure: "list_at_newleader=kept",
    },
    Known {
        issue: "H-06 (D-TR)",
        releases: ALL,
        properties: &["acknowledged_is_durable"],
        cure: "trunc_durable=yes",
    },
    Known {
        issue: "H-11 (D-L0)",
        releases: ALL,
        properties: &[
            "committed_is_durable_on_a_quorum",
            "committed_never_lost",
            "every_step_is_one_of_primary_order_broadcast",
            "followers_have_their_leaders_history",
            "integrity",
            "leader_sends_what_fits",
            "log_and_window_are_continuous",
            "stores_agree",
            "total_order",
            "tree_is_what_its_label_says",
        ],
        cure: "trunc_to_absent_record=refused,position_when_established=last_transaction,log_after_snapshot=replaced",
    },
    Known {
        issue: "ZOOKEEPER-4712",
        releases: &["3.8.0", "3.9.1"],
        properties: &[
            "committed_is_durable_on_a_quorum",
            "committed_never_lost",
            "established_is_durable",
            "every_step_is_one_of_primary_order_broadcast",
            "followers_have_applied_what_their_leader_began_with",
            "followers_have_their_leaders_history",
            "log_and_window_are_continuous",
            "no_truncation_of_committed",
            "whoever_has_an_epoch_has_its_history",
        ],
        cure: "sync_thread_on_stop=drained",
    },
    Known {
        issue: "ZOOKEEPER-4712",
        releases: &["3.8.6", "3.9.2"],
        properties: &[
            "committed_is_durable_on_a_quorum",
            "established_is_durable",
            "followers_have_applied_what_their_leader_began_with",
            "followers_have_their_leaders_history",
            "log_and_window_are_continuous",
            "no_truncation_of_committed",
            "whoever_has_an_epoch_has_its_history",
        ],
        cure: "sync_thread_on_stop=drained",
    },
    Known {
        issue: "ZOOKEEPER-4925",
        releases: &["3.9.3"],
        properties: &[
            "agreement",
            "committed_is_durable_on_a_quorum",
            "established_is_durable",
            "every_step_is_one_of_primary_order_broadcast",
            "followers_have_applied_what_their_leader_began_with",
            "followers_have_their_leaders_history",
            "local_primary_order",
            "log_and_window_are_continuous",
            "no_truncation_of_committed",
            "prefix_consistency",
            "stores_agree",
            "total_order",
            "whoever_has_an_epoch_has_its_history",
        ],
        cure: "sync_apply_enters_window=yes",
    },
    Known {
        issue: "ZOOKEEPER-2845",
        releases: &["3.4.10"],
        properties: &[
            "committed_is_durable_on_a_quorum",
            "committed_never_lost",
            "established_is_durable",
            "every_step_is_one_of_primary_order_broadcast",
            "followers_have_applied_what_their_leader_began_with",
            "followers_have_their_leaders_history",
            "log_and_window_are_continuous",
            "no_truncation_of_committed",
            "whoever_has_an_epoch_has_its_history",
        ],
        cure: "fast_forward=always",
    },
    Known {
        issue: "ZOOKEEPER-2845, before UPTODATE",
        releases: &["3.8.6", "3.9.2"],
        properties: &[
            "followers_have_applied_what_their_leader_began_with",
            "followers_have_their_leaders_history",
            "log_and_window_are_continuous",
            "no_truncation_of_committed",
            "whoever_has_an_epoch_has_its_history",
        ],
        cure: "fast_forward=always",
    },
    Known {
        issue: "ZOOKEEPER-3642",
        releases: &["3.4.10"],
        properties: &[
            "acknowledged_is_durable",
            "committed_is_durable_on_a_quorum",
            "established_is_durable",
            "followers_have_their_leaders_history",
            "stores_agree",
            "whoever_has_an_epoch_has_its_history",
        ],
        cure: "partial_database=cleared",
    },
];
