//! What a check says.

use std::collections::BTreeMap;
use std::fmt;

use zab_trace::{Printable, Zxid};

/// What is promised to clients, each with its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// A client's requests are done and answered in the order in which it sent them (paper, 2.3:
    /// FIFO client order).
    Fifo,
    /// A session never sees an earlier state than it has seen, at any server (programmer's guide:
    /// single system image).
    SingleImage,
    /// Writes, in the order of their zxids, explain every answer, and that order is the real one
    /// (paper, 2.3: linearizable writes).
    Linearizable,
    /// Of a transaction all is seen or nothing; of a write that failed nothing (programmer's guide:
    /// atomicity).
    Atomic,
    /// What was acknowledged is in all later states (programmer's guide: reliability).
    Durable,
    /// What is read is the state at the reply's zxid.
    State,
    /// What is read after a sync is at least as new as what was acknowledged before it (paper, 2.3).
    SyncRead,
    /// No server is behind for longer than the header promises (programmer's guide: timeliness).
    Timely,
    /// The event of a change comes before a reply that reflects it, and no event comes without a
    /// change (programmer's guide, "What ZooKeeper Guarantees about Watches").
    WatchOrder,
    /// Numbers of sequential nodes grow in the order of their zxids (programmer's guide: sequence
    /// nodes).
    Sequence,
    /// Nobody holds a lock that somebody else holds and whose session lives.
    LockExclusion,
    /// Each new holder of a lock has a larger token.
    LockToken,
    /// Items are taken in the order in which they were put.
    QueueOrder,
    /// No item is taken twice, or without having been put.
    QueueOnce,
    /// Nobody passes a barrier before all have come, or leaves it before all have finished.
    Barrier,
    /// No id is given twice.
    IdsUnique,
    /// A subscriber never goes back to an older value, and in the end has the last one.
    Config,
    /// Nobody is active before the one before it was fenced or has stepped down.
    Fence,
}

impl Rule {
    /// Every rule, in the order of the report.
    pub const ALL: [Self; 18] = [
        Self::Fifo,
        Self::SingleImage,
        Self::Linearizable,
        Self::Atomic,
        Self::Durable,
        Self::State,
        Self::SyncRead,
        Self::Timely,
        Self::WatchOrder,
        Self::Sequence,
        Self::LockExclusion,
        Self::LockToken,
        Self::QueueOrder,
        Self::QueueOnce,
        Self::Barrier,
        Self::IdsUnique,
        Self::Config,
        Self::Fence,
    ];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fifo => "fifo",
            Self::SingleImage => "single-image",
            Self::Linearizable => "linearizable",
            Self::Atomic => "atomic",
            Self::Durable => "durable",
            Self::State => "state",
            Self::SyncRead => "sync-read",
            Self::Timely => "timely",
            Self::WatchOrder => "watch-order",
            Self::Sequence => "sequence",
            Self::LockExclusion => "lock-exclusion",
            Self::LockToken => "lock-token",
            Self::QueueOrder => "queue-order",
            Self::QueueOnce => "queue-once",
            Self::Barrier => "barrier",
            Self::IdsUnique => "ids-unique",
            Self::Config => "config",
            Self::Fence => "fence",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A line that has to do with a violation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Related {
    /// Index of the line in the history.
    pub index: usize,
    /// What it has to do with it.
    pub what: String,
}

/// A promise that was not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub rule: Rule,
    /// Index of the line that shows it.
    pub index: usize,
    /// What is wrong, in a sentence.
    pub text: String,
    /// Other lines that it rests on.
    pub related: Vec<Related>,
}

/// A read that did not see a write which another client had been told of: ZooKeeper allows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stale {
    /// Index of the read's line.
    pub read: usize,
    /// Index of the write's line.
    pub write: usize,
}

/// What was looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Clients.
    pub clients: usize,
    /// Sessions.
    pub sessions: usize,
    /// Operations.
    pub operations: usize,
    /// Operations whose outcome their client does not know.
    pub unknown: usize,
    /// Of those, writes of which a later answer shows that they happened.
    pub found: usize,
    /// Events.
    pub events: usize,
    /// How often each rule was asked; a rule that was never asked says nothing.
    pub asked: BTreeMap<Rule, u64>,
    /// Stale reads, which are allowed.
    pub stale: u64,
    /// The first of them.
    pub first_stale: Option<Stale>,
    /// The largest zxid that anybody saw.
    pub last: Zxid,
}

/// How a check ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every promise that could be judged was kept.
    Conforms,
    /// One was not: the first, in the order in which clients could see it.
    Violates(Violation),
    /// There is nothing that could be judged.
    Inconclusive(String),
}

impl Verdict {
    /// The verdict in one word.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Conforms => "CONFORMS",
            Self::Violates(_) => "VIOLATES",
            Self::Inconclusive(_) => "INCONCLUSIVE",
        }
    }
}

/// A verdict, and what it rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The verdict.
    pub verdict: Verdict,
    /// What was looked at.
    pub summary: Summary,
    /// All violations that were found, the first one included.
    pub violations: Vec<Violation>,
    /// What could not be judged, and why.
    pub notes: Vec<String>,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule, Printable(&self.text))
    }
}
