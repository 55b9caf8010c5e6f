//! The state of one server.
//!
//! Normal form: a field that the present role and phase do not read has its default value. So
//! states that behave alike are equal.

use std::fmt;

use zab_flat::flat;
use zerocopy::{Immutable, IntoBytes, TryFromBytes, Unaligned};

use crate::config::Config;
use crate::history::History;
use crate::number::Number;
use crate::profile::{LogAfterSnapshot, StartAheadOfEpoch};
use crate::program::{Item, Program};
use crate::shape::{RoundOf, Shape};
use crate::stores::{Database, Disk, Snapshot};
use crate::types::{Phase, Role, ServerId, ServerSet, Vote, Zxid};

/// One server: its disk, its memory, and what it has to write before it may go on.
#[derive(
    Clone, Debug, Default, PartialEq, Eq, Hash, IntoBytes, TryFromBytes, Immutable, Unaligned,
)]
#[repr(C)]
pub struct Server<S: Shape> {
    /// Who this is.
    pub id: ServerId,
    /// What it is at present.
    pub role: Role,
    /// How far it has come in that role.
    pub phase: Phase,
    /// The last epoch it promised to follow (paper: f.p), in memory.
    pub accepted_epoch: S::Num,
    /// The last epoch whose history it took over (paper: f.a), in memory.
    pub current_epoch: S::Num,
    /// The log: every transaction that was appended. What comes after the log on disk is the
    /// unsynced tail. While the server is down: the part that the operating system may still write.
    pub history: S::Log,
    /// What it has applied, and can send one by one. Nothing while the server is down.
    pub database: Database<S>,
    /// The last zxid it knows to be committed.
    pub last_committed: Zxid<S::Num>,
    /// What survives a crash.
    pub disk: Disk<S>,
    /// The election's round (logicalclock).
    pub round: RoundOf<S>,
    /// LOOKING: the proposal. Afterwards: the vote the election was settled with.
    pub vote: Vote<S::Num>,
    /// The vote of before, as long as it may be told in place of `vote`; otherwise the default.
    pub former: Former<S::Num>,
    /// What must be done before anything else.
    pub program: Program,
    /// What the sync thread of an earlier role still has to append (ZOOKEEPER-4712).
    pub zombie: S::Log,
    /// LOOKING: what the others voted.
    pub election: Election<S>,
    /// FOLLOWING, until BROADCAST: what was received of the leader's history.
    pub synchronization: Synchronization<S>,
    /// LEADING: what the leader knows of its learners.
    pub leader: Leader<S>,
}

impl<S: Shape> Copy for Server<S>
where
    Election<S>: Copy,
    Leader<S>: Copy,
{
}

/// The two tables of votes.
#[flat]
#[derive(Debug, Default)]
#[repr(C)]
pub struct Election<S: Shape> {
    /// The votes of this round.
    pub recvset: S::Table<Heard<S::Num>>,
    /// The votes of servers that have settled, in any round. No guard reads their zxids, which are
    /// `0.0`.
    pub outofelection: S::Table<Heard<S::Num>>,
}

/// A vote heard from a server; the default if none was.
#[flat]
#[derive(Debug, Default)]
#[repr(C)]
pub struct Heard<N> {
    /// The vote.
    pub vote: Vote<N>,
    /// Whether its sender was LEADING.
    pub leading: bool,
}

/// The current vote of an earlier role, and the round of its election; at first the own vote, and
/// round -1 (`QuorumPeer.startLeaderElection`).
#[flat]
#[derive(Debug, Default)]
#[repr(C)]
pub struct Former<N: Number> {
    /// The vote.
    pub vote: Vote<N>,
    /// Its round.
    pub round: N::Round,
}

/// How far a follower's connection and synchronization have come.
#[flat]
#[derive(Debug, Default)]
#[repr(u8)]
pub enum Stage {
    /// DISCOVERY: not connected. In BROADCAST: synchronization is over.
    #[default]
    Idle,
    /// DISCOVERY: FOLLOWERINFO is sent, and LEADERINFO comes next.
    WaitsForLeaderInfo,
    /// SYNCHRONIZATION: DIFF, TRUNC or SNAP comes next.
    Header,
    /// SYNCHRONIZATION: NEWLEADER is still to come.
    Receiving,
    /// SYNCHRONIZATION: NEWLEADER was acknowledged; UPTODATE is still to come.
    Acknowledged,
}

/// What a synchronization began with, as long as that makes a difference (`syncMode`).
#[flat]
#[derive(Debug, Default)]
#[repr(u8)]
pub enum SyncMode {
    /// A DIFF; or all is on disk.
    #[default]
    Diff,
    /// A SNAP: the tree in memory is not on disk before NEWLEADER.
    Snap,
    /// A TRUNC that is not durable.
    Trunc,
}

/// The state of a follower while it is synchronized.
#[flat]
#[derive(Debug, Default)]
#[repr(C)]
pub struct Synchronization<S: Shape> {
    /// How far it has come.
    pub stage: Stage,
    /// Whether NEWLEADER comes with a snapshot to be written, which is not yet.
    pub mode: SyncMode,
    /// Until `f.2.1` is done: the length of the tree to which the first PROPOSAL is appended.
    pub start: S::Num,
    /// The tree after the header, and every transaction received after it. What comes after the
    /// log is *not logged*.
    pub received: S::Log,
    /// How many of `received`, from the front, are marked committed.
    pub committed: S::Num,
    /// DISCOVERY, and until the header: whether it claims to have no history (`zk.sync.drop`).
    pub drops: bool,
}

/// How far a learner is on its present connection.
#[flat]
#[derive(Debug, Default, PartialOrd, Ord)]
#[repr(u8)]
pub enum Progress {
    /// No connection, or nothing heard on it.
    #[default]
    None,
    /// It sent FOLLOWERINFO and waits for LEADERINFO.
    WaitsForLeaderInfo,
    /// It was sent LEADERINFO.
    Offered,
    /// It sent ACKEPOCH and waits for the gate of `l.1.2`.
    WaitsForGate,
    /// Its handler has chosen SNAP, which is not sent yet; every PROPOSAL and COMMIT is queued.
    WaitsForSnap,
    /// The header is queued, or SNAP is sent; every PROPOSAL and COMMIT is queued, and NEWLEADER
    /// comes behind them.
    WaitsForNewLeader,
    /// It was sent NEWLEADER and gets every PROPOSAL and COMMIT.
    Forwarding,
    /// It acknowledged NEWLEADER, and gets every PROPOSAL and COMMIT. Its handler waits for the
    /// leader to be established, and reads nothing.
    Acknowledged,
    /// It was sent UPTODATE, and gets every PROPOSAL and COMMIT.
    Served,
}

impl Progress {
    /// Whether the learner gets every PROPOSAL and COMMIT, at once or later.
    #[must_use]
    pub fn is_forwarding(self) -> bool {
        self >= Self::WaitsForSnap
    }

    /// Whether what is for the learner waits in the queue of its handler.
    #[must_use]
    pub fn is_queueing(self) -> bool {
        matches!(self, Self::WaitsForSnap | Self::WaitsForNewLeader)
    }
}

/// What the leader knows of one learner.
#[flat]
#[derive(Debug, Default)]
#[repr(C)]
pub struct Learner<N> {
    /// How far it is.
    pub progress: Progress,
    /// Until the gate of `l.1.2`: the last zxid of its history.
    pub last: Zxid<N>,
    /// How far it was on its older connection, while that is served (`zk.sync.fence`). What is sent
    /// there reaches nobody; what arrives there counts.
    pub older: Progress,
}

/// What a leader keeps for its epoch.
#[flat]
#[derive(Debug, Default)]
#[repr(C)]
pub struct Leader<S: Shape> {
    /// Whether the new epoch is decided; from then on it is acceptedEpoch.
    pub decided: bool,
    /// Until then: the greatest epoch that was asked for.
    pub new_epoch: S::Num,
    /// Until then: who has reported an acceptedEpoch.
    pub connecting: ServerSet,
    /// Until the gate of `l.1.2`: whose ACKEPOCH counts.
    pub electing: ServerSet,
    /// SYNCHRONIZATION: who has acknowledged NEWLEADER.
    pub new_leader_acks: ServerSet,
    /// What is known of each learner.
    pub learners: S::Table<Learner<S::Num>>,
    /// BROADCAST: who has acknowledged each transaction after lastCommitted, in order.
    pub outstanding: S::Queue<ServerSet>,
}

impl<S: Shape> Server<S> {
    /// A server that has never run: down, with an empty disk.
    #[must_use]
    pub fn new(id: ServerId) -> Self {
        Self::recovered(id, Disk::default())
    }

    /// A server that is down and has this disk.
    #[must_use]
    pub fn recovered(id: ServerId, disk: Disk<S>) -> Self {
        Self {
            id,
            accepted_epoch: disk.accepted_epoch,
            current_epoch: disk.current_epoch,
            history: disk.history,
            disk,
            ..Self::default()
        }
    }

    /// How many transactions at the end of the history are not durable: 0 while the history on
    /// disk is still to be cut or replaced.
    #[must_use]
    pub fn unsynced(&self) -> usize {
        if self.replaces_log() {
            return 0;
        }
        S::length(&self.history).saturating_sub(S::length(&self.disk.history))
    }

    /// The length of the log at a position. The snapshot of a state without transactions is at one that
    /// no log has, (epoch, 0), and before all of the log.
    pub(crate) fn length_at(&self, log: &History<'_, S>, zxid: Zxid<S::Num>) -> Option<usize> {
        let Snapshot { label, tree } = self.disk.snapshot;
        let is_empty = label == zxid && S::length(&tree) == 0;
        log.length_at(zxid).or(is_empty.then_some(0))
    }

    /// The newest snapshot, unless the whole log is cut up to a position before it, and it with the log.
    pub(crate) fn kept_snapshot(&self, position: Zxid<S::Num>) -> Snapshot<S> {
        let is_cut = S::length(&self.history) == 0 && position < self.disk.snapshot.label;
        if is_cut { Snapshot::default() } else { self.disk.snapshot }
    }

    /// Whether the history on disk is still to be cut or replaced.
    pub(crate) fn replaces_log(&self) -> bool {
        self.program.contains(Item::Truncate)
            || self.program.contains(Item::Snapshot) && self.has_to(Item::Snapshot)
    }

    /// Whether an item of a program has something to do: a snapshot is written after SNAP only,
    /// and an append of nothing is no write.
    pub(crate) fn has_to(&self, item: Item) -> bool {
        match item {
            Item::Snapshot => self.synchronization.mode != SyncMode::Diff,
            Item::Log => S::length(&self.history) > S::length(&self.disk.history),
            Item::None
            | Item::AcceptedEpoch
            | Item::CurrentEpoch
            | Item::Truncate
            | Item::Deliver
            | Item::CurrentVote
            | Item::Notify
            | Item::LeaderInfo
            | Item::AckEpoch
            | Item::Synchronize
            | Item::Queue
            | Item::Pause
            | Item::AckLd
            | Item::OwnAckLd => true,
        }
    }

    /// Whether a snapshot of NEWLEADER takes the place of the log.
    pub(crate) fn replaces_log_by_snapshot(&self, cfg: &Config<S>) -> bool {
        match cfg.ensemble.profile.log_after_snapshot {
            LogAfterSnapshot::Replaced => true,
            LogAfterSnapshot::Kept => false,
        }
    }

    /// `zk.start`: the greatest epoch of a history that this server starts with.
    pub(crate) fn newest_epoch_to_start(&self, cfg: &Config<S>) -> S::Num {
        match cfg.ensemble.profile.start_ahead_of_epoch {
            StartAheadOfEpoch::UpToAccepted => self.disk.accepted_epoch,
            StartAheadOfEpoch::UpToCurrent => self.disk.current_epoch,
        }
    }

    /// The last zxid of the log.
    #[must_use]
    pub fn last(&self, cfg: &Config<S>) -> Zxid<S::Num> {
        cfg.history(self.history).last()
    }

    /// The vote for this server itself, with the position of its database.
    #[must_use]
    pub fn own_vote(&self) -> Vote<S::Num> {
        let zxid = self.database.label;
        Vote { leader: self.id, zxid, peer_epoch: self.current_epoch }
    }

    /// The tree and, in broadcast, what is known to be committed and not applied yet.
    #[must_use]
    pub fn state(&self, cfg: &Config<S>) -> S::Log {
        if self.phase != Phase::Broadcast {
            return self.database.tree;
        }
        let (tree, log) = (cfg.history(self.database.tree), cfg.history(self.history));
        let known = cfg.history(log.truncate(self.last_committed));
        tree.continued(&known, log.count_to(self.database.label).min(known.length()))
    }

    /// In broadcast: everything that this server knows to be committed. Otherwise nothing.
    #[must_use]
    pub fn delivered(&self, cfg: &Config<S>) -> S::Log {
        if self.phase == Phase::Broadcast { self.state(cfg) } else { S::Log::default() }
    }

    /// How many transactions of the history are known to be committed.
    #[must_use]
    pub fn committed(&self, cfg: &Config<S>) -> usize {
        cfg.history(self.history).count_to(self.last_committed)
    }

    /// What a trace shows of the state.
    #[must_use]
    pub fn projection(&self, cfg: &Config<S>) -> Projection<S::Num> {
        Projection {
            role: self.role,
            phase: self.phase,
            accepted_epoch: self.accepted_epoch,
            current_epoch: self.current_epoch,
            log_length: S::length(&self.history),
            last_zxid: self.last(cfg),
            last_committed: self.last_committed,
            log_digest: cfg.history(self.history).digest(),
        }
    }
}

/// What a trace shows of a server's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Projection<N> {
    /// What the server is.
    pub role: Role,
    /// How far it has come.
    pub phase: Phase,
    /// acceptedEpoch in memory.
    pub accepted_epoch: N,
    /// currentEpoch in memory.
    pub current_epoch: N,
    /// How many transactions the history has.
    pub log_length: usize,
    /// The last of them.
    pub last_zxid: Zxid<N>,
    /// The last one known to be committed.
    pub last_committed: Zxid<N>,
    /// The digest of the history as `traces/README.md` defines it.
    pub log_digest: u64,
}

impl<N: fmt::Display> fmt::Display for Projection<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} acceptedEpoch={} currentEpoch={} log={}@{} committed={} digest={:016x}",
            self.role,
            self.phase,
            self.accepted_epoch,
            self.current_epoch,
            self.log_length,
            self.last_zxid,
            self.last_committed,
            self.log_digest
        )
    }
}
