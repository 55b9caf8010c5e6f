//! Every switch, in the order of the protocol. The first value of each is that of `fixed`.

use super::{Switch, Value};

/// Declares the type of each switch, the profile, and the list that commands print.
macro_rules! switches {
    ($(
        $(#[doc = $says:literal])+
        $rule:literal $field:ident: $Type:ident {
            $($(#[doc = $value_says:literal])+ $Variant:ident = $value:literal,)+
        }
    )+) => {
        $(
            $(#[doc = $says])+
            #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
            pub enum $Type {
                $($(#[doc = $value_says])+ $Variant,)+
            }

            impl $Type {
                const ALL: &[Self] = &[$(Self::$Variant),+];
            }
        )+

        /// How servers behave where releases of ZooKeeper differ, and where a defect can be
        /// seeded. Each field is read in one function only.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub struct Profile {
            $($(#[doc = $says])+ pub $field: $Type,)+
        }

        impl Profile {
            /// The protocol of `docs/src/rules.md`: the first value of every switch. It is no
            /// release, and stricter than any.
            pub const FIXED: Self = Self { $($field: $Type::ALL[0]),+ };
        }

        /// Every switch.
        pub const SWITCHES: &[Switch] = &[$(Switch {
            name: stringify!($field),
            rule: $rule,
            says: concat!($($says),+),
            values: &[$(Value { name: $value, says: concat!($($value_says),+) }),+],
            read: |profile| {
                let Profile { $field, .. } = *profile;
                $Type::ALL.iter().position(|value| *value == $field).unwrap_or_default()
            },
            write: |profile, place| {
                profile.$field = $Type::ALL.get(place).copied().unwrap_or($Type::ALL[0]);
            },
        }),+];
    };
}

switches! {
    /// How many voters are a quorum.
    "l.2.2" quorum: Quorum {
        /// More than half of them.
        Majority = "majority",
        /// Half of them.
        Half = "half",
    }

    /// What decides between two votes.
    "zk.fle.order" vote_order: VoteOrder {
        /// peerEpoch, then zxid, then id.
        EpochFirst = "epoch_first",
        /// zxid, then id. A worse leader is then elected, but nothing is lost, because the gate of
        /// `l.1.2` refuses it.
        ZxidFirst = "zxid_first",
    }

    /// Which votes of the same round agree with that of a server that has settled (D-SAME).
    "zk.fle.same_round" same_round_compares: SameRoundCompares {
        /// Those with its leader and its peerEpoch.
        LeaderAndEpoch = "leader_and_epoch",
        /// Those with its leader: the versions of the two votes differ (`Vote.equals`).
        Leader = "leader",
    }

    /// When a server that has settled tells its new vote (D-SETTLE).
    "zk.fle.settle" settling: Settling {
        /// At once.
        AtOnce = "at_once",
        /// It takes its role first, and tells its vote of before, until it has set the new one
        /// (`QuorumPeer.run` after `FastLeaderElection.lookForLeader`).
        RoleFirst = "role_first",
    }

    /// What a follower does about an epoch older than its acceptedEpoch.
    "f.1.2" older_epoch: OlderEpoch {
        /// It leaves its role.
        Refused = "refused",
        /// It accepts the epoch.
        Accepted = "accepted",
    }

    /// When a follower writes acceptedEpoch.
    "f.1.2" accepted_epoch_write: AcceptedEpochWrite {
        /// Before it sends ACKEPOCH.
        BeforeAnswer = "before_answer",
        /// Never.
        Never = "never",
    }

    /// Whether observers are counted where a leader waits for a quorum in discovery (ZOOKEEPER-2959).
    "l.1.1" observers_in_discovery: ObserversInDiscovery {
        /// They are not.
        NotCounted = "not_counted",
        /// They are, for the new epoch and for its acknowledgement.
        Counted = "counted",
    }

    /// What a leader does about a learner that is ahead of it, before the gate.
    "l.1.2" fresher_learner: FresherLearner {
        /// It closes the connection.
        Refused = "refused",
        /// It lets the learner in. The refusal protects from a wrong election; after one as
        /// `zk.fle.*` says it is not needed.
        Accepted = "accepted",
    }

    /// When a leader writes currentEpoch (D-05).
    "l.1.2" leader_epoch_write: LeaderEpochWrite {
        /// Before it synchronizes anybody.
        BeforeSync = "before_sync",
        /// After NEWLEADER is sent to those that waited (`Leader.lead` beside `LearnerHandler`).
        AfterNewLeader = "after_newleader",
    }

    /// Whether a new leader writes a snapshot (D-STORES).
    "zk.disc.lead" snapshot_when_leading: SnapshotWhenLeading {
        /// It does not.
        No = "no",
        /// Its tree, with transactions that nobody has committed (`ZooKeeperServer.loadData`).
        Yes = "yes",
    }

    /// Where the learner's position must be for a DIFF from it (ZOOKEEPER-1154).
    "zk.sync.diff" sync_membership: SyncMembership {
        /// On a transaction of the window, or before the first one of an epoch.
        OnTransaction = "on_transaction",
        /// Between the ends of the window.
        WithinWindow = "within_window",
    }

    /// Whether a leader whose window begins after the learner's position makes a DIFF of its log on the
    /// disk (`LearnerHandler.syncFollower`, ZOOKEEPER-2846). Releases do from 3.6 on, if the log files
    /// are small beside a snapshot; no profile of a release has it, because no size is modelled.
    "zk.sync.diff" ondisk_diff: OndiskDiff {
        /// It does not.
        No = "no",
        /// It does, if the log has a record at or before the position.
        WhereReached = "where_reached",
    }

    /// After which position a DIFF starts.
    "zk.sync.diff" diff_cursor: DiffCursor {
        /// The learner's.
        Position = "position",
        /// The last committed transaction, whatever the learner has.
        Max = "max",
    }

    /// Where a TRUNC cuts.
    "zk.sync.trunc" trunc_point: TruncPoint {
        /// After the last transaction that learner and leader have in common.
        Common = "common",
        /// Before that transaction.
        OneBelow = "one_below",
    }

    /// Which state a SNAP carries (D-SNAP).
    "l.2.1" snap_label: SnapLabel {
        /// That of the moment at which it was decided what follows it.
        Cursor = "cursor",
        /// That of the moment at which it is sent, so what follows it may begin with what is in it
        /// already (`LearnerHandler.run`).
        WhenSent = "when_sent",
    }

    /// Where NEWLEADER is queued for a learner that gets SNAP (ZOOKEEPER-3104).
    "l.2.1" newleader_queued: NewLeaderQueued {
        /// Behind everything that was queued until SNAP was sent.
        AfterSnap = "after_snap",
        /// Behind what was queued when SNAP was chosen. What is queued until SNAP is sent, and may be
        /// in it, comes behind NEWLEADER.
        BeforeSnap = "before_snap",
    }

    /// Whether acknowledgements of what a learner is told to drop, or to get again, stay counted
    /// (D-H01).
    "zk.sync.withdraw" acks_of_cut: AcksOfCut {
        /// They are withdrawn.
        Withdrawn = "withdrawn",
        /// They stay counted.
        Kept = "kept",
    }

    /// What becomes of an older connection of a learner that has a newer one (D-H01).
    "zk.sync.fence" older_connection: OlderConnection {
        /// It ends, and nothing that arrives on it counts any more.
        Fenced = "fenced",
        /// Its handler goes on, and what arrives on it is the learner's, whichever connection it
        /// came on (`LearnerHandler.run`, `Leader.processAck`).
        Served = "served",
    }

    /// What a follower does on TRUNC.
    "f.2.0" trunc_effect: TruncEffect {
        /// It cuts its history.
        Cut = "cut",
        /// Nothing.
        Ignored = "ignored",
    }

    /// What a follower does on TRUNC to a position that its log does not have (H-11).
    "f.2.0" trunc_to_absent_record: TruncToAbsentRecord {
        /// It leaves its role.
        Refused = "refused",
        /// It cuts after the next record, which it keeps (`FileTxnLog.truncate`).
        NextKept = "next_kept",
    }

    /// What a follower does on TRUNC to a position before its newest snapshot (H-05).
    "zk.sync.drop" trunc_into_snapshot: TruncIntoSnapshot {
        /// It registers again as if it had no history, and is sent a SNAP.
        Dropped = "dropped",
        /// It leaves its role, and comes back for the same TRUNC.
        Refused = "refused",
        /// It cuts its log, loads that snapshot, and takes it to be at the position of the TRUNC
        /// (`ZKDatabase.truncateLog`, ZOOKEEPER-4837).
        Loaded = "loaded",
    }

    /// Whether a cut is durable before anything is answered (D-TR, H-06).
    "f.2.0" trunc_durable: TruncDurable {
        /// It is.
        Yes = "yes",
        /// What was cut can come back after a power loss (`FileTxnLog.truncate` does not sync), and
        /// NEWLEADER comes with a snapshot, as after SNAP.
        No = "no",
    }

    /// What a follower does on NEWLEADER, and in which order: S snapshot after SNAP, F append and
    /// sync, C deliver, E currentEpoch, Q queue for the sync thread, K acknowledge. `committed`:
    /// what was committed before NEWLEADER; `all`: all that was received.
    "f.2.1" newleader_program: NewLeaderProgram {
        /// S F(committed) C E K.
        Committed = "committed",
        /// E S F(committed) C K (ZOOKEEPER-4643).
        EpochFirst = "epoch_first",
        /// S E K F(committed) C (ZOOKEEPER-4646).
        AckBeforeLog = "ack_before_log",
        /// K S F(committed) C E.
        AckFirst = "ack_first",
        /// S E K; everything is logged at UPTODATE (ZOOKEEPER-3911).
        LoggedAtUpToDate = "logged_at_uptodate",
        /// S E Q(all) K; the sync thread runs beside, and acknowledges what it has written
        /// (ZOOKEEPER-4643, 4646, 4685).
        Queued = "queued",
        /// S F(all) E K; acknowledged after the second K, delivered at UPTODATE.
        SyncedAll = "synced_all",
    }

    /// What an observer logs before it acknowledges NEWLEADER (D-OBSERVER).
    "f.2.1" observer_newleader: ObserverNewLeader {
        /// What a follower does.
        AsFollower = "as_follower",
        /// Nothing: what it was sent behind a DIFF is logged and applied after UPTODATE
        /// (`Learner.syncWithLeader`).
        Unlogged = "unlogged",
    }

    /// What a COMMIT between SNAP, or a TRUNC that is not durable, and NEWLEADER does (D-STORES).
    "zk.sync.commit" commit_after_snap: CommitAfterSnap {
        /// The transaction is logged at NEWLEADER, as after DIFF.
        Logged = "logged",
        /// It is applied to the tree, of which NEWLEADER writes a snapshot (`Learner.syncWithLeader`).
        Applied = "applied",
    }

    /// Whether what a follower applies before UPTODATE enters its window (ZOOKEEPER-4925).
    "zk.sync.commit" sync_apply_enters_window: SyncApplyEntersWindow {
        /// It does.
        Yes = "yes",
        /// It does not; so the window can have a hole.
        No = "no",
    }

    /// What a snapshot of NEWLEADER does to the log (D-STORES).
    "f.2.1" log_after_snapshot: LogAfterSnapshot {
        /// It takes the place of all that is in it.
        Replaced = "replaced",
        /// Nothing: the log goes on behind a hole that the snapshot bridges.
        Kept = "kept",
    }

    /// What is left, after NEWLEADER, of the list of transactions that COMMITs are looked up in
    /// (ZOOKEEPER-4394).
    "zk.sync.commit" list_at_newleader: ListAtNewLeader {
        /// What is not committed.
        Kept = "kept",
        /// Nothing. A COMMIT that finds the list empty ends the synchronization.
        Emptied = "emptied",
    }

    /// What a leader does about an ACK in place of a learner's ACK-LD (D-ACKLD).
    "l.3.2" first_ack: FirstAck {
        /// It closes the connection.
        MustBeAckLd = "must_be_ack_ld",
        /// It counts it nowhere, and sends UPTODATE when it is established
        /// (`Leader.waitForNewLeaderAck`).
        Any = "any",
    }

    /// When a leader is established.
    "l.2.2" establishment: Establishment {
        /// When a quorum has acknowledged NEWLEADER.
        Quorum = "quorum",
        /// When NEWLEADER is sent.
        AtOnce = "at_once",
    }

    /// Where an established leader is before its first transaction (D-L0).
    "l.2.2" position_when_established: PositionWhenEstablished {
        /// At the last transaction of its history.
        LastTransaction = "last_transaction",
        /// At the beginning of its epoch, (epoch, 0), and so is who takes its SNAP
        /// (`Leader.startZkServer`).
        EpochStart = "epoch_start",
    }

    /// When a transaction enters the window (D-STORES).
    "zk.bcast.apply" window_grows: WindowGrows {
        /// When it is committed.
        AtCommit = "at_commit",
        /// When it is applied (`FinalRequestProcessor`); what is committed and not applied is
        /// forwarded behind what a learner gets from the window (`Leader.startForwarding`).
        AtApply = "at_apply",
    }

    /// When a follower acknowledges a PROPOSAL.
    "zk.bcast.sync" acknowledgement: Acknowledgement {
        /// When it is durable.
        WhenDurable = "when_durable",
        /// When it is appended.
        AtAppend = "at_append",
    }

    /// When a leader's own acknowledgement counts.
    "zk.bcast.sync" own_acknowledgement: OwnAcknowledgement {
        /// When the transaction is durable.
        WhenDurable = "when_durable",
        /// When it is proposed.
        AtProposal = "at_proposal",
    }

    /// Whose acknowledgements commit a transaction.
    "l.3.2" commit: Commit {
        /// Those of a quorum.
        Quorum = "quorum",
        /// That of anybody.
        FirstAck = "first_ack",
    }

    /// When observers are told of a transaction.
    "l.3.2" inform: Inform {
        /// When it is committed.
        AtCommit = "at_commit",
        /// When it is proposed.
        AtProposal = "at_proposal",
    }

    /// What a COMMIT commits at a follower.
    "f.3.3" commit_extent: CommitExtent {
        /// One transaction.
        One = "one",
        /// The whole history.
        All = "all",
    }

    /// When a committed transaction is delivered (D-4882).
    "zk.bcast.apply" delivery: Delivery {
        /// When it is durable here.
        WhenDurable = "when_durable",
        /// At once.
        WhenCommitted = "when_committed",
    }

    /// What a follower does about a PROPOSAL that leaves a gap or repeats one (D-GAP).
    "f.3.1" proposal_gap: ProposalGap {
        /// It leaves its role.
        Refused = "refused",
        /// It takes it (`Follower.processPacket`, and to 3.9.3 `Learner.syncWithLeader`).
        Warned = "warned",
    }

    /// Whether the database is read from the disk again when a role is left amid a synchronization
    /// (ZOOKEEPER-3642, 5094).
    "zk.fle.leave_role" partial_database: PartialDatabase {
        /// After SNAP, and after a TRUNC that is not durable.
        Cleared = "cleared",
        /// After SNAP only: after TRUNC the tree may be ahead of the disk (ZOOKEEPER-5094).
        ClearedAfterSnap = "cleared_after_snap",
        /// Never (ZOOKEEPER-3642).
        Kept = "kept",
    }

    /// Whether the tree is taken to the end of the log when a role is left (ZOOKEEPER-2845).
    "zk.fle.leave_role" fast_forward: FastForward {
        /// Always.
        Always = "always",
        /// In broadcast (`ZooKeeperServer.shutdown`).
        InBroadcast = "in_broadcast",
        /// Never.
        Never = "never",
    }

    /// What the sync thread of a follower does when the role is left (ZOOKEEPER-4712).
    "zk.fle.leave_role" sync_thread_on_stop: SyncThreadOnStop {
        /// It writes what it has before anything else happens.
        Drained = "drained",
        /// It lives on, and writes what it has at any later time.
        Zombie = "zombie",
    }

    /// What becomes of the database of a server whose log could not be written (ZOOKEEPER-4882).
    "zk.fle.leave_role" failed_append: FailedAppend {
        /// It is read from the disk again.
        ReadAgain = "read_again",
        /// It is kept, with all that was committed.
        Kept = "kept",
    }

    /// How new a history may be at which a server starts (D-H02).
    "zk.start" start_ahead_of_epoch: StartAheadOfEpoch {
        /// As new as acceptedEpoch.
        UpToAccepted = "up_to_accepted",
        /// As new as currentEpoch (`QuorumPeer.loadDataBase`).
        UpToCurrent = "up_to_current",
    }
}
