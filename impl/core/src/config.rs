//! What a peer is told once, before it starts.

use std::collections::BTreeSet;

use crate::quorum::Quorums;
use crate::{Mutant, ServerId};

/// The configuration of one peer. [`Config::new`] has ZooKeeper's defaults.
#[derive(Clone, Debug)]
pub struct Config {
    /// This server.
    pub id: ServerId,
    /// All voting members, this server included. At least two.
    pub voters: BTreeSet<ServerId>,
    /// Servers that learn what is committed and take part in no vote, this server perhaps among
    /// them. None is a voter.
    pub observers: BTreeSet<ServerId>,
    /// Which sets of voters are quorums: more than half of them, unless changed.
    pub quorums: Quorums,
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
    /// The seeded defect of this peer, if any; without the feature `mutants` no peer has any.
    pub mutant: Option<Mutant>,
}

impl Config {
    /// The configuration of server `id` among `voters`, with ZooKeeper's defaults.
    #[must_use]
    pub fn new(id: ServerId, voters: impl IntoIterator<Item = ServerId>) -> Self {
        Self {
            id,
            voters: voters.into_iter().collect(),
            observers: BTreeSet::new(),
            quorums: Quorums::Majority,
            window: 500,
            held_bytes: usize::MAX,
            init_limit: 10,
            discovery_limit: 10,
            sync_limit: 5,
            finalize_wait_ms: 200,
            notification_interval_ms: 200,
            notification_interval_ms_max: 60_000,
            mutant: None,
        }
    }

    /// Whether the fields fit together; [`crate::Peer::recover`] asks.
    ///
    /// # Errors
    /// The first field that cannot be served.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if !self.voters.contains(&self.id) && !self.is_observer() {
            return Err(ConfigError::NotAMember { id: self.id });
        }
        if let Some(id) = self.voters.intersection(&self.observers).next() {
            return Err(ConfigError::VoterAndObserver { id: *id });
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

    /// Whether this peer is an observer.
    #[must_use]
    pub fn is_observer(&self) -> bool {
        self.observers.contains(&self.id)
    }

    /// Whether these members are a quorum of the voters. Who is no voter does not count.
    pub(crate) fn is_quorum(&self, members: &BTreeSet<ServerId>) -> bool {
        self.quorums.contains(&self.voters, members)
    }

    /// The other voters, in order of their ids.
    pub(crate) fn others(&self) -> impl Iterator<Item = ServerId> + '_ {
        self.voters.iter().copied().filter(|voter| *voter != self.id)
    }

    /// Whether this peer has that defect: never, unless the feature `mutants` is on.
    pub(crate) fn has(&self, mutant: Mutant) -> bool {
        cfg!(feature = "mutants") && self.mutant == Some(mutant)
    }
}

/// Why a configuration cannot be served.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// This server is neither a voter nor an observer.
    #[error("server {id} is neither a voter nor an observer")]
    NotAMember {
        /// This server.
        id: ServerId,
    },
    /// A server is in both lists.
    #[error("server {id} is a voter and an observer")]
    VoterAndObserver {
        /// That server.
        id: ServerId,
    },
    /// A field that must be positive is not.
    #[error("{field} is 0, expected at least 1")]
    Zero {
        /// The field's name.
        field: &'static str,
    },
}
