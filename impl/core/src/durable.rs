//! Everything that reaches the disk, and what comes back from it.

use zab_trace::LogDigest;

use crate::{ConfigError, Epoch, Txn, Zxid};

/// A write that must be durable before the step goes on. See [`crate::Effects::persist`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// Store acceptedEpoch.
    AcceptedEpoch(Epoch),
    /// Store currentEpoch.
    CurrentEpoch(Epoch),
    /// Wait until everything ever handed over in [`crate::Effects::append`] is durable.
    SyncLog {
        /// The last of it: the end of the history.
        zxid: Zxid,
    },
    /// Append these transactions to the log and sync it; then give each to the state machine, in
    /// order (they are committed), before the next write begins. Never empty.
    CommittedLog(Vec<Txn>),
    /// Cut the log durably (D-TR): this transaction is its last, and if it is `0.0` nothing is left, no snapshot
    /// either. Nothing waits to be synced when this is asked for.
    Truncate {
        /// The last zxid to keep.
        zxid: Zxid,
    },
    /// Make the state that came with SNAP durable in place of the whole history, and make it the
    /// state of the state machine.
    Snapshot {
        /// The end of the history that the state holds.
        zxid: Zxid,
    },
}

/// The part of a history that is known only as a whole: what a snapshot holds, or transactions that
/// no window reaches any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Base {
    /// Its last zxid; `0.0` if there is none.
    pub zxid: Zxid,
    /// How many transactions it holds and the digest of their log, if known.
    /// A state received by SNAP does not tell.
    pub log: Option<(u64, LogDigest)>,
}

impl Base {
    /// Before the first transaction.
    pub const EMPTY: Self = Self { zxid: Zxid::ZERO, log: Some((0, LogDigest::EMPTY)) };
}

/// What the disk held when the process started.
///
/// zk.crash: a crash needs no code here. The peer is gone with its process, and what was durable
/// comes back as this: any prefix of what was appended and not yet reported may be among it.
///
/// The state machine must already hold the base and every transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// acceptedEpoch, 0 on a new disk.
    pub accepted_epoch: Epoch,
    /// currentEpoch, 0 on a new disk.
    pub current_epoch: Epoch,
    /// What lies before `transactions`: the state that a leader sent, or anything that was
    /// [`crate::Peer::base`] before.
    pub base: Base,
    /// The log after the base.
    pub transactions: Vec<Txn>,
}

impl Recovered {
    /// A new, empty disk.
    pub const EMPTY: Self =
        Self { accepted_epoch: 0, current_epoch: 0, base: Base::EMPTY, transactions: Vec::new() };
}

/// Why a peer cannot start: its configuration, or a disk that no run of this protocol leaves.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecoverError {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Nothing could follow this acceptedEpoch, and no peer ever accepts it.
    #[error("acceptedEpoch is {accepted}, which nothing can follow")]
    EpochExhausted {
        /// acceptedEpoch.
        accepted: Epoch,
    },
    /// currentEpoch is written after acceptedEpoch, so it is never ahead.
    #[error("currentEpoch {current} is ahead of acceptedEpoch {accepted}")]
    EpochsCrossed {
        /// acceptedEpoch.
        accepted: Epoch,
        /// currentEpoch.
        current: Epoch,
    },
    /// The history is of an epoch that was never accepted.
    #[error("the history ends at {last}, ahead of acceptedEpoch {accepted}")]
    HistoryAhead {
        /// The end of the history.
        last: Zxid,
        /// acceptedEpoch.
        accepted: Epoch,
    },
    /// The log has a hole, or goes back.
    #[error("{found} follows {last} in the log")]
    Gap {
        /// A zxid.
        last: Zxid,
        /// What comes after it and cannot.
        found: Zxid,
    },
}
