//! What an event shows of a server's state.

use crate::word::words;
use crate::{Epoch, LogDigest, Zxid};

words! {
    /// What a server is doing in the ensemble.
    Role, "a role" {
        /// Electing a leader.
        Looking = "LOOKING",
        /// Following an elected leader.
        Following = "FOLLOWING",
        /// Elected, established or not.
        Leading = "LEADING",
        /// Following without a vote.
        Observing = "OBSERVING",
    }
}

words! {
    /// The phase of the protocol a server is in.
    Phase, "a phase" {
        /// Phase 0.
        Election = "ELECTION",
        /// Phase 1.
        Discovery = "DISCOVERY",
        /// Phase 2.
        Synchronization = "SYNCHRONIZATION",
        /// Phase 3.
        Broadcast = "BROADCAST",
    }
}

/// A projection of a server's state after a step. Every field is optional: absent is unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct State {
    /// `role`.
    pub role: Option<Role>,
    /// `phase`.
    pub phase: Option<Phase>,
    /// `acceptedEpoch`: the last epoch promised (paper: f.p).
    pub accepted_epoch: Option<Epoch>,
    /// `currentEpoch`: the last epoch adopted (paper: f.a).
    pub current_epoch: Option<Epoch>,
    /// `logLength`: the number of transactions in the history, synced or not.
    pub log_length: Option<u64>,
    /// `lastZxid`: the last transaction of the history, synced or not.
    pub last_zxid: Option<Zxid>,
    /// `lastCommitted`: the last transaction known to be committed.
    pub last_committed: Option<Zxid>,
    /// `logDigest`: the digest of the history.
    pub log_digest: Option<LogDigest>,
}

/// What a server found on its disk when it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Recovered {
    /// `acceptedEpoch`.
    pub accepted_epoch: Epoch,
    /// `currentEpoch`.
    pub current_epoch: Epoch,
    /// `lastZxid`: the last transaction of the history.
    pub last_zxid: Zxid,
    /// `logLength`: the number of transactions in the history, if known.
    pub log_length: Option<u64>,
    /// `logDigest`: the digest of the history, if known.
    pub log_digest: Option<LogDigest>,
}

impl State {
    /// The names of all fields, in the order of the format.
    pub const FIELDS: [&str; 8] = [
        "role",
        "phase",
        "acceptedEpoch",
        "currentEpoch",
        "logLength",
        "lastZxid",
        "lastCommitted",
        "logDigest",
    ];

    /// Which fields are known, in the order of [`State::FIELDS`].
    #[must_use]
    pub const fn known(&self) -> [bool; 8] {
        [
            self.role.is_some(),
            self.phase.is_some(),
            self.accepted_epoch.is_some(),
            self.current_epoch.is_some(),
            self.log_length.is_some(),
            self.last_zxid.is_some(),
            self.last_committed.is_some(),
            self.log_digest.is_some(),
        ]
    }

    /// Whether every field that is known here is the same there.
    #[must_use]
    pub fn agrees_with(&self, there: &Self) -> bool {
        let merged = Self {
            role: self.role.or(there.role),
            phase: self.phase.or(there.phase),
            accepted_epoch: self.accepted_epoch.or(there.accepted_epoch),
            current_epoch: self.current_epoch.or(there.current_epoch),
            log_length: self.log_length.or(there.log_length),
            last_zxid: self.last_zxid.or(there.last_zxid),
            last_committed: self.last_committed.or(there.last_committed),
            log_digest: self.log_digest.or(there.log_digest),
        };
        merged == *there
    }
}

impl From<&Recovered> for State {
    fn from(recovered: &Recovered) -> Self {
        Self {
            accepted_epoch: Some(recovered.accepted_epoch),
            current_epoch: Some(recovered.current_epoch),
            log_length: recovered.log_length,
            last_zxid: Some(recovered.last_zxid),
            log_digest: recovered.log_digest,
            ..Self::default()
        }
    }
}
