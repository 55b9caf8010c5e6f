//! What a peer is told once, before it starts.

use std::collections::BTreeSet;

use crate::ServerId;

/// The configuration of one peer. [`Config::new`] has ZooKeeper's defaults.
#[derive(Clone, Debug)]
pub struct Config {
    /// This server.
    pub id: ServerId,
    /// All voting members, this server included. At least two.
    pub voters: BTreeSet<ServerId>,
    /// How many committed transactions a leader can bring a learner up to date with, one by one.
    /// At least 1; ZooKeeper's `commitLogCount`, 500.
    pub window: usize,
    /// How many bytes of transactions may stay in memory for learners. Those of the window that go
    /// beyond are sent as [`crate::Message::Stored`]; unlimited unless changed.
    pub held_bytes: usize,
    /// In ticks: how long election to establishment may take, and how long a connection may be
    /// silent before that. At least 1; `initLimit`, 10.
    pub init_limit: u32,
    /// In ticks: how long an elected leader waits until a quorum has reported, and again until it
    /// has accepted the epoch. Followers do both at once; who was elected by votes that nobody cast
    /// waits in vain. At least 1; `initLimit` unless the driver knows better.
    pub discovery_limit: u32,
    /// In ticks: how long an established leader may be without its quorum, and how long a
    /// connection may be silent. At least 1; `syncLimit`, 5.
    pub sync_limit: u32,
    /// In milliseconds: how long nothing must arrive before an election is settled; 200.
    pub finalize_wait_ms: u64,
    /// In milliseconds: after how much silence a proposal is first sent again; 200.
    pub notification_interval_ms: u64,
    /// In milliseconds: the interval doubles at every resend up to here; 60,000.
    pub notification_interval_ms_max: u64,
    /// The seeded defect of this peer, if any.
    #[cfg(feature = "mutants")]
    pub mutant: Option<Mutant>,
}

impl Config {
    /// The configuration of server `id` among `voters`, with ZooKeeper's defaults.
    #[must_use]
    pub fn new(id: ServerId, voters: impl IntoIterator<Item = ServerId>) -> Self {
        Self {
            id,
            voters: voters.into_iter().collect(),
            window: 500,
            held_bytes: usize::MAX,
            init_limit: 10,
            discovery_limit: 10,
            sync_limit: 5,
            finalize_wait_ms: 200,
            notification_interval_ms: 200,
            notification_interval_ms_max: 60_000,
            #[cfg(feature = "mutants")]
            mutant: None,
        }
    }

    /// Whether the fields fit together; [`crate::Peer::recover`] asks.
    ///
    /// # Errors
    /// The first field that cannot be served.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if self.voters.len() < 2 {
            return Err(ConfigError::TooFewVoters { found: self.voters.len() });
        }
        if !self.voters.contains(&self.id) {
            return Err(ConfigError::NotAVoter { id: self.id });
        }
        let positive = [
            ("window", self.window > 0),
            ("init_limit", self.init_limit > 0),
            ("discovery_limit", self.discovery_limit > 0),
            ("sync_limit", self.sync_limit > 0),
            ("notification_interval_ms", self.notification_interval_ms > 0),
        ];
        match positive.into_iter().find(|(_, holds)| !holds) {
            Some((field, _)) => Err(ConfigError::Zero { field }),
            None => Ok(()),
        }
    }

    /// The other voters, in order of their ids.
    pub(crate) fn others(&self) -> impl Iterator<Item = ServerId> + '_ {
        self.voters.iter().copied().filter(|voter| *voter != self.id)
    }

    /// Whether this peer has that defect.
    #[cfg(feature = "mutants")]
    pub(crate) fn has(&self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }
}

/// Why a configuration cannot be served.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// There is nobody to agree with.
    #[error("expected at least 2 voters, found {found}")]
    TooFewVoters {
        /// How many there are.
        found: usize,
    },
    /// This server is not one of the voters.
    #[error("server {id} is not one of the voters")]
    NotAVoter {
        /// This server.
        id: ServerId,
    },
    /// A field that must be positive is not.
    #[error("{field} is 0, expected at least 1")]
    Zero {
        /// The field's name.
        field: &'static str,
    },
}

/// A seeded defect: the checker must find it. Each is read in exactly one place of the core.
#[cfg(feature = "mutants")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// `zk.sync.withdraw` is left out: what a learner acknowledged above its cursor stays counted.
    NoWithdraw,
    /// l.3.2: the first acknowledgement commits.
    CommitWithoutQuorum,
    /// l.1.2: a learner that is ahead of the leader is let in.
    NoFreshnessCheck,
    /// zk.fle.order: votes are compared by leader alone.
    VoteOrderIgnoresHistory,
    /// l.2.2: the first acknowledgement of NEWLEADER establishes the leader.
    EstablishedBeforeQuorum,
    /// zk.bcast.apply: what is committed is delivered before it is durable here.
    DeliverBeforeDurable,
    /// l.1.1: the new epoch is the highest accepted epoch, not one above it.
    EpochNotAdvanced,
    /// f.1.2: LEADERINFO with an epoch accepted before is answered as if it were new.
    AckEpochAlwaysCounts,
    /// zk.sync.trunc: a learner that is ahead gets DIFF instead of TRUNC.
    DiffInsteadOfTrunc,
    /// f.3.3: COMMIT(z) commits what comes next, whatever z is.
    CommitAnything,
}

#[cfg(feature = "mutants")]
impl Mutant {
    /// All of them, with the id of the rule that each breaks.
    pub const ALL: [(Self, &'static str); 10] = [
        (Self::NoWithdraw, "zk.sync.withdraw"),
        (Self::CommitWithoutQuorum, "l.3.2"),
        (Self::NoFreshnessCheck, "l.1.2"),
        (Self::VoteOrderIgnoresHistory, "zk.fle.order"),
        (Self::EstablishedBeforeQuorum, "l.2.2"),
        (Self::DeliverBeforeDurable, "zk.bcast.apply"),
        (Self::EpochNotAdvanced, "l.1.1"),
        (Self::AckEpochAlwaysCounts, "f.1.2"),
        (Self::DiffInsteadOfTrunc, "zk.sync.trunc"),
        (Self::CommitAnything, "f.3.3"),
    ];
}
