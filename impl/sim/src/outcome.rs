//! What a run came to, and what it must not come to.

use std::collections::BTreeMap;
use std::fmt;

use zab_core::{Epoch, Message, ProtocolError, RecoverError, ServerId, Txn, Zxid};
use zab_trace::{TxnDigest, txn_digest};

/// The history of each server: zxids and the digests of the transactions, in order.
pub type Histories = BTreeMap<ServerId, Vec<(Zxid, TxnDigest)>>;

/// What happened in a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The requests that were acknowledged to a client, in order of acknowledgement.
    pub acknowledged: Vec<(Zxid, TxnDigest)>,
    /// The history of every server at the end, synced or not.
    pub histories: Histories,
    /// Whether all servers were in broadcast at the end, with nothing under way.
    pub settled: bool,
    /// What must never happen, and did. Found without the checker's help.
    pub violations: Vec<Violation>,
    /// What servers held against each other, each once: who, and what.
    pub complaints: Vec<(ServerId, ProtocolError)>,
    /// How often things happened.
    pub stats: Stats,
}

/// How often things happened in a run, or in several.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Trace lines, headers not counted.
    pub events: u64,
    /// Virtual time at the end, in microseconds.
    pub elapsed_us: u64,
    /// Leaders that were established.
    pub established: u64,
    /// Leaders that were established after another server had been.
    pub leader_changes: u64,
    /// Learners told to take a difference of at least one transaction.
    pub diff_with_transactions: u64,
    /// Learners told to take an empty difference.
    pub diff_empty: u64,
    /// Learners told to cut their history.
    pub trunc: u64,
    /// Learners sent the whole state.
    pub snap: u64,
    /// Requests that clients made.
    pub requests: u64,
    /// Transactions that a leader committed.
    pub committed: u64,
    /// Servers killed.
    pub kills: u64,
    /// Servers killed after a step's write and before its message.
    pub kills_between_persist_and_send: u64,
    /// Servers killed after a write was on the disk and before they could say so.
    pub kills_before_persisted_line: u64,
    /// Synced or unsynced transactions lost at kills.
    pub transactions_lost_at_kills: u64,
    /// Servers started again.
    pub restarts: u64,
    /// Followers killed and started again.
    pub follower_restarts: u64,
    /// Links cut.
    pub cuts: u64,
    /// Connections reset.
    pub resets: u64,
}

impl Stats {
    /// Counts a message of synchronization, which a PROPOSAL follows or not.
    pub(crate) fn sync(&mut self, message: &Message, proposes: bool) {
        match message {
            Message::Diff { .. } if proposes => self.diff_with_transactions += 1,
            Message::Diff { .. } => self.diff_empty += 1,
            Message::Trunc { .. } => self.trunc += 1,
            Message::Snap { .. } => self.snap += 1,
            Message::FollowerInfo { .. }
            | Message::ObserverInfo { .. }
            | Message::Inform { .. }
            | Message::LeaderInfo { .. }
            | Message::AckEpoch { .. }
            | Message::Proposal { .. }
            | Message::Stored { .. }
            | Message::Commit { .. }
            | Message::NewLeader { .. }
            | Message::AckLd { .. }
            | Message::Ack { .. }
            | Message::UpToDate
            | Message::Ping => {}
        }
    }

    /// Adds another run's counts.
    pub fn add(&mut self, other: &Self) {
        self.events += other.events;
        self.elapsed_us += other.elapsed_us;
        self.established += other.established;
        self.leader_changes += other.leader_changes;
        self.diff_with_transactions += other.diff_with_transactions;
        self.diff_empty += other.diff_empty;
        self.trunc += other.trunc;
        self.snap += other.snap;
        self.requests += other.requests;
        self.committed += other.committed;
        self.kills += other.kills;
        self.kills_between_persist_and_send += other.kills_between_persist_and_send;
        self.kills_before_persisted_line += other.kills_before_persisted_line;
        self.transactions_lost_at_kills += other.transactions_lost_at_kills;
        self.restarts += other.restarts;
        self.follower_restarts += other.follower_restarts;
        self.cuts += other.cuts;
        self.resets += other.resets;
    }
}

/// Something that must never happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Violation {
    /// Some quorum holds nothing of a request that a client was told is done.
    AcknowledgedLost {
        /// The transaction.
        zxid: Zxid,
        /// The servers whose history has it.
        holders: Vec<ServerId>,
    },
    /// A server in broadcast is without a transaction that is committed.
    CommittedMissing {
        /// The server.
        server: ServerId,
        /// The transaction.
        zxid: Zxid,
    },
    /// Two servers in broadcast have histories of which neither continues the other.
    Forked {
        /// One server.
        left: ServerId,
        /// The other.
        right: ServerId,
        /// How many transactions they share.
        shared: usize,
    },
    /// Different transactions were committed under one zxid.
    Disagreement {
        /// The zxid.
        zxid: Zxid,
    },
    /// A server delivered a transaction after a later one, or twice.
    OutOfOrder {
        /// The server.
        server: ServerId,
        /// What it had delivered.
        last: Zxid,
        /// What it delivered then.
        zxid: Zxid,
    },
    /// Two servers were established as leaders of one epoch.
    TwoLeaders {
        /// The epoch.
        epoch: Epoch,
    },
    /// A server could not start from its own disk.
    RefusedStart {
        /// The server.
        server: ServerId,
        /// Why.
        reason: RecoverError,
    },
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AcknowledgedLost { zxid, holders } => {
                write!(f, "{zxid} was acknowledged, and only servers {holders:?} have it")
            }
            Self::CommittedMissing { server, zxid } => {
                write!(f, "{zxid} is committed, and server {server} is in broadcast without it")
            }
            Self::Forked { left, right, shared } => {
                write!(f, "servers {left} and {right} share {shared} transactions and then differ")
            }
            Self::Disagreement { zxid } => write!(f, "{zxid} was committed with two contents"),
            Self::OutOfOrder { server, last, zxid } => {
                write!(f, "server {server} delivered {zxid} after {last}")
            }
            Self::TwoLeaders { epoch } => write!(f, "epoch {epoch} has two established leaders"),
            Self::RefusedStart { server, reason } => {
                write!(f, "server {server} does not start: {reason}")
            }
        }
    }
}

/// What the world outside the servers knows: the requests that were acknowledged, what was
/// committed, who led.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    acknowledged: Vec<(Zxid, TxnDigest)>,
    committed: BTreeMap<Zxid, TxnDigest>,
    leaders: BTreeMap<Epoch, ServerId>,
    violations: Vec<Violation>,
    complaints: Vec<(ServerId, ProtocolError)>,
}

impl Ledger {
    /// A client was told that its request is done.
    pub(crate) fn acknowledge(&mut self, txn: &Txn) {
        self.acknowledged.push((txn.zxid, txn_digest(&txn.payload)));
    }

    /// What clients were told is done, in order.
    pub(crate) fn acknowledged(&self) -> &[(Zxid, TxnDigest)] {
        &self.acknowledged
    }

    /// A transaction is committed, as some server knows: from now on it must never be lost.
    pub(crate) fn commit(&mut self, txn: &Txn) {
        let digest = txn_digest(&txn.payload);
        if *self.committed.entry(txn.zxid).or_insert(digest) != digest {
            self.violations.push(Violation::Disagreement { zxid: txn.zxid });
        }
    }

    /// The state machine of a server, which has been given all up to `last`, is given `zxid`.
    /// In synchronization that is not committed yet: its leader may fail before it has a quorum.
    pub(crate) fn deliver(&mut self, server: ServerId, last: Zxid, zxid: Zxid) {
        if zxid <= last {
            self.violations.push(Violation::OutOfOrder { server, last, zxid });
        }
    }

    /// A leader was established; true if another server led before it.
    pub(crate) fn establish(&mut self, server: ServerId, epoch: Epoch) -> bool {
        let before = self.leaders.last_key_value().map(|(_, leader)| *leader);
        if *self.leaders.entry(epoch).or_insert(server) != server {
            self.violations.push(Violation::TwoLeaders { epoch });
        }
        before.is_some_and(|leader| leader != server)
    }

    /// A server found that another broke the protocol.
    pub(crate) fn complain(&mut self, server: ServerId, error: ProtocolError) {
        let complaint = (server, error);
        // A server that is turned away tries again and again.
        if !self.complaints.contains(&complaint) {
            self.complaints.push(complaint);
        }
    }

    /// A server could not start.
    pub(crate) fn refuse(&mut self, server: ServerId, reason: RecoverError) {
        self.violations.push(Violation::RefusedStart { server, reason });
    }

    /// Compares the histories at the end. While servers still move, one of them may be behind or
    /// about to be truncated, so most is asked of a settled cluster only.
    pub(crate) fn close(mut self, histories: Histories, settled: bool, stats: Stats) -> Outcome {
        self.find_lost(&histories);
        if settled {
            self.find_missing(&histories);
            self.find_forks(&histories);
        }
        let Self { acknowledged, violations, complaints, .. } = self;
        Outcome { acknowledged, histories, settled, violations, complaints, stats }
    }

    fn find_lost(&mut self, histories: &Histories) {
        // A majority of the servers shares one with every other majority.
        let majority = histories.len() / 2 + 1;
        for entry in &self.acknowledged {
            let holds = |history: &Vec<_>| position(history, entry.0) == Some(*entry);
            let holders: Vec<_> =
                histories.iter().filter(|(_, h)| holds(h)).map(|(id, _)| *id).collect();
            if holders.len() < histories.len() - majority + 1 {
                self.violations.push(Violation::AcknowledgedLost { zxid: entry.0, holders });
            }
        }
    }

    fn find_missing(&mut self, histories: &Histories) {
        for (server, history) in histories {
            let missing = self
                .committed
                .iter()
                .find(|(zxid, digest)| position(history, **zxid) != Some((**zxid, **digest)));
            if let Some((zxid, _)) = missing {
                self.violations.push(Violation::CommittedMissing { server: *server, zxid: *zxid });
            }
        }
    }

    fn find_forks(&mut self, histories: &Histories) {
        // Prefix-comparability with the longest one gives it for every pair.
        let Some((left, longest)) = histories.iter().max_by_key(|(_, history)| history.len())
        else {
            return;
        };
        let forked = histories.iter().find_map(|(right, history)| {
            let shared = history.iter().zip(longest).take_while(|(a, b)| a == b).count();
            (shared < history.len()).then_some((*right, shared))
        });
        if let Some((right, shared)) = forked {
            self.violations.push(Violation::Forked { left: *left, right, shared });
        }
    }
}

/// The entry of a history with this zxid.
fn position(history: &[(Zxid, TxnDigest)], zxid: Zxid) -> Option<(Zxid, TxnDigest)> {
    let index = history.binary_search_by_key(&zxid, |(zxid, _)| *zxid).ok()?;
    history.get(index).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(epoch: Epoch, counter: u32) -> (Zxid, TxnDigest) {
        (Zxid::new(epoch, counter), txn_digest(&[1]))
    }

    fn txn(epoch: Epoch, counter: u32) -> Txn {
        Txn::new(Zxid::new(epoch, counter), vec![1])
    }

    fn close(ledger: Ledger, histories: [&[(Zxid, TxnDigest)]; 3]) -> Vec<Violation> {
        let histories = (1..).zip(histories.map(<[_]>::to_vec)).collect();
        ledger.close(histories, true, Stats::default()).violations
    }

    #[test]
    fn an_acknowledged_request_at_one_server_of_three_is_lost() {
        let mut ledger = Ledger::default();
        ledger.acknowledge(&txn(1, 1));
        let one = [entry(1, 1)];
        let lost = Violation::AcknowledgedLost { zxid: Zxid::new(1, 1), holders: vec![2] };
        assert_eq!(close(ledger, [&[], &one, &[]]), [lost]);
    }

    #[test]
    fn histories_in_broadcast_are_prefixes_of_each_other() {
        let (left, right) = ([entry(1, 1), entry(1, 2)], [entry(1, 1), entry(2, 1)]);
        let fork = Violation::Forked { left: 3, right: 2, shared: 1 };
        assert_eq!(close(Ledger::default(), [&left[..1], &right, &left]), [fork]);
        assert_eq!(close(Ledger::default(), [&left, &left[..1], &[]]), []);
    }

    #[test]
    fn commits_agree_and_deliveries_go_forward() {
        let mut ledger = Ledger::default();
        ledger.commit(&txn(1, 1));
        ledger.commit(&Txn::new(Zxid::new(1, 1), vec![2]));
        ledger.deliver(1, Zxid::new(1, 1), Zxid::new(1, 1));
        ledger.deliver(1, Zxid::new(1, 1), Zxid::new(1, 2));
        let one = [entry(1, 1)];
        assert_eq!(close(ledger, [&one, &one, &one]).len(), 2);
    }

    #[test]
    fn what_is_committed_is_everywhere_once_all_is_settled() {
        let mut ledger = Ledger::default();
        ledger.commit(&txn(1, 1));
        let one = [entry(1, 1)];
        let missing = Violation::CommittedMissing { server: 3, zxid: Zxid::new(1, 1) };
        assert_eq!(close(ledger, [&one, &one, &[]]), [missing]);
    }

    #[test]
    fn an_epoch_has_one_leader() {
        let mut ledger = Ledger::default();
        assert!(!ledger.establish(1, 4));
        assert!(ledger.establish(2, 4));
        assert_eq!(close(ledger, [&[], &[], &[]]), [Violation::TwoLeaders { epoch: 4 }]);
    }
}
