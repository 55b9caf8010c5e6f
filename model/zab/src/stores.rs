//! The stores of a server besides its log: what is on its disk, and its database in memory.
//!
//! ZooKeeper keeps one history in five places: the log, the newest snapshot, the tree, the position
//! that the tree claims to have (`lastProcessedZxid`, here its *label*), and the window
//! (`committedLog`). Under profile `fixed` they agree, which is a property; releases let them
//! differ.

use zab_flat::flat;

use crate::config::Config;
use crate::shape::{Shape, TxnOf};
use crate::types::Zxid;

/// What survives a crash.
#[flat]
#[derive(Debug, Default)]
#[repr(C)]
pub struct Disk<S: Shape> {
    /// acceptedEpoch as last written.
    pub accepted_epoch: S::Num,
    /// currentEpoch as last written.
    pub current_epoch: S::Num,
    /// The log as last synced.
    pub history: S::Log,
    /// The newest snapshot.
    pub snapshot: Snapshot<S>,
    /// The log before a cut that is not durable: a power loss may bring it back (H-06).
    pub cut: S::Log,
}

/// A snapshot: a tree, and the position that it is said to have. The default is that of an empty
/// tree, which every server has.
#[flat]
#[derive(Debug, Default)]
#[repr(C)]
pub struct Snapshot<S: Shape> {
    /// Its zxid.
    pub label: Zxid<S::Num>,
    /// What was applied to the tree, in order.
    pub tree: S::Log,
}

/// What a server has in memory of its history (`ZKDatabase`).
#[flat]
#[derive(Debug, Default)]
#[repr(C)]
pub struct Database<S: Shape> {
    /// What was applied to the tree, in order.
    pub tree: S::Log,
    /// The position that the tree claims to have (`lastProcessedZxid`): votes and ACKEPOCH carry
    /// it.
    pub label: Zxid<S::Num>,
    /// The window.
    pub committed_log: CommittedLog<S>,
}

/// The last transactions that a server can send one by one (`committedLog`).
#[flat]
#[derive(Debug, Default)]
#[repr(C)]
pub struct CommittedLog<S: Shape> {
    /// They are the end of this history.
    pub log: S::Log,
    /// The length of what comes before them.
    pub start: S::Num,
}

impl<S: Shape> Disk<S> {
    /// A disk with this log, of which the first `base` transactions are known as a snapshot only.
    #[must_use]
    pub fn with_log(cfg: &Config<S>, history: S::Log, base: usize) -> Self {
        let snapshot = Snapshot::of(cfg, cfg.history(history).prefix(base));
        Self { history, snapshot, ..Self::default() }
    }

    /// The tree that a start makes of the newest snapshot and what is synced of the log.
    #[must_use]
    pub fn recovered_tree(&self, cfg: &Config<S>) -> S::Log {
        if self.snapshot == Snapshot::default() {
            return self.history;
        }
        Database::recovered(cfg, self.snapshot, self.history).tree
    }
}

impl<S: Shape> Snapshot<S> {
    /// A snapshot whose label is where its tree ends.
    #[must_use]
    pub fn of(cfg: &Config<S>, tree: S::Log) -> Self {
        Self { label: cfg.history(tree).last(), tree }
    }
}

impl<S: Shape> Database<S> {
    /// What a start reads (`QuorumPeer.loadDataBase`): the tree of the newest snapshot, and what the log has after its label. The
    /// window begins after the snapshot.
    pub(crate) fn recovered(cfg: &Config<S>, snapshot: Snapshot<S>, log: S::Log) -> Self {
        let mut database = Self::of_snapshot(snapshot);
        database.fast_forward(cfg, log);
        database
    }

    /// A database that holds a snapshot and nothing else; the window is empty.
    pub(crate) fn of_snapshot(snapshot: Snapshot<S>) -> Self {
        let Snapshot { label, tree } = snapshot;
        let start = crate::number::Number::from_usize(S::length(&tree));
        Self { tree, label, committed_log: CommittedLog { log: tree, start } }
    }

    /// `ZKDatabase.fastForwardDataBase`: what the log has after the label is applied, and enters the window.
    pub(crate) fn fast_forward(&mut self, cfg: &Config<S>, log: S::Log) {
        let records = cfg.history(log);
        let window_end = self.label.max(self.committed_log.max(cfg));
        self.committed_log.extend(cfg, log, records.count_to(window_end));
        let tree = cfg.history(self.tree);
        self.tree = tree.continued(&records, records.count_to(self.label));
        self.label = self.label.max(records.last());
    }

    /// zk.bcast.apply: a transaction changes the tree, and moves its label. Applied again it changes
    /// nothing.
    pub(crate) fn apply(&mut self, cfg: &Config<S>, txn: TxnOf<S>) {
        let tree = cfg.history(self.tree);
        if txn.zxid > self.label || tree.length_at(txn.zxid).is_none() {
            self.tree = tree.append(txn).unwrap_or(self.tree);
        }
        self.label = self.label.max(txn.zxid);
    }

    /// Amid a synchronization that began with SNAP, a transaction that is in the tree already writes
    /// over what came after it, as if each wrote the whole value of one node (D-SNAP); the label stays.
    pub(crate) fn go_back_before(&mut self, cfg: &Config<S>, zxid: Zxid<S::Num>) {
        let tree = cfg.history(self.tree);
        let before = tree.length_at(zxid).and_then(|length| length.checked_sub(1));
        self.tree = before.map_or(self.tree, |length| tree.prefix(length));
    }

    /// What a SNAP carries: the tree, and what the window has after it.
    pub(crate) fn state(&self, cfg: &Config<S>) -> S::Log {
        let window = cfg.history(self.committed_log.log);
        cfg.history(self.tree).continued(&window, window.count_to(self.label))
    }

    /// The database as a snapshot.
    pub(crate) fn snapshot(&self) -> Snapshot<S> {
        Snapshot { label: self.label, tree: self.tree }
    }
}

impl<S: Shape> CommittedLog<S> {
    /// The zxid of the last transaction; `0.0` if nothing was ever in it.
    pub(crate) fn max(&self, cfg: &Config<S>) -> Zxid<S::Num> {
        cfg.history(self.log).last()
    }

    /// Amid a synchronization that began with SNAP, a transaction that came with it enters where the
    /// window began.
    pub(crate) fn go_back_before(&mut self, cfg: &Config<S>, zxid: Zxid<S::Num>) {
        let log = cfg.history(self.log);
        if let Some(length) = log.length_at(zxid).and_then(|length| length.checked_sub(1)) {
            self.log = log.prefix(length);
            self.start = self.start.min(crate::number::Number::from_usize(length));
        }
    }

    /// `ZKDatabase.addCommittedProposal`: a transaction enters; beyond the configured size the oldest one leaves.
    pub(crate) fn push(&mut self, cfg: &Config<S>, txn: TxnOf<S>) {
        self.log = cfg.history(self.log).append(txn).unwrap_or(self.log);
        self.trim(cfg);
    }

    /// What a log has from an index on enters.
    fn extend(&mut self, cfg: &Config<S>, log: S::Log, from: usize) {
        self.log = cfg.history(self.log).continued(&cfg.history(log), from);
        self.trim(cfg);
    }

    fn trim(&mut self, cfg: &Config<S>) {
        let size = cfg.ensemble.window.max(1);
        let start = crate::number::Number::from_usize(S::length(&self.log).saturating_sub(size));
        self.start = self.start.max(start);
    }
}
