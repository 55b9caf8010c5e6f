//! The explorations that commands and tests run, each with a sentence that says what it covers.

use super::bounds::{Bounds, Election};
use super::model::{Start, Zab};
use super::state::{Log, SERVERS_MAX, TXNS_MAX};
use crate::config::WINDOW_DEFAULT;
use crate::server::Disk;
use crate::shape::Queue;
use crate::types::{Txn, Zxid};

/// A named set of explorations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suite {
    /// A few seconds.
    Quick,
    /// Up to a minute.
    Default,
}

/// One exploration of a suite.
#[derive(Clone, Debug)]
pub struct Exploration {
    /// Its name, unique in its suite.
    pub name: &'static str,
    /// What it covers.
    pub covers: &'static str,
    /// What is explored.
    pub model: Zab,
}

/// Bounds without faults: three servers, the oracle, one election.
const CALM: Bounds = Bounds {
    servers: 3,
    requests: 1,
    crashes: 0,
    timeouts: 0,
    disconnects: 0,
    rounds: 1,
    resends: 0,
    election: Election::Oracle,
};

/// Bounds of an election among three servers that do nothing else.
const ELECTION: Bounds = Bounds { requests: 0, rounds: 0, election: Election::FleOnly, ..CALM };

impl Suite {
    /// The explorations of the suite.
    #[must_use]
    pub fn explorations(self) -> Vec<Exploration> {
        match self {
            Self::Quick => quick(),
            Self::Default => default(),
        }
    }
}

fn quick() -> Vec<Exploration> {
    let crash = Bounds { crashes: 1, rounds: 2, ..CALM };
    let link = Bounds { disconnects: 1, rounds: 2, ..CALM };
    let timeout = Bounds { timeouts: 1, rounds: 2, ..CALM };
    let resend = Bounds { resends: 1, ..ELECTION };
    let explorations = [
        replication("crash", "one request, one crash", crash),
        replication("link", "one request, one broken link", link),
        replication("timeout", "one request, one server that gives up", timeout),
        elections("election", "one election with all its messages, one repeated", resend),
    ];
    explorations.into_iter().flatten().collect()
}

fn default() -> Vec<Exploration> {
    let crash = Bounds { requests: 2, crashes: 1, rounds: 2, ..CALM };
    let crash_and_link = Bounds { crashes: 1, disconnects: 1, rounds: 2, ..CALM };
    let link = Bounds { requests: 2, disconnects: 1, rounds: 2, ..CALM };
    let timeout = Bounds { timeouts: 1, rounds: 2, ..CALM };
    let whole = Bounds { requests: 0, rounds: 0, election: Election::Fle, ..CALM };
    let resend = Bounds { resends: 1, ..ELECTION };
    let again = Bounds { rounds: 1, timeouts: 1, ..ELECTION };
    let explorations = [
        replication("crash", "two requests, one crash", crash),
        replication("crash-link", "one request, one crash, one broken link", crash_and_link),
        replication("link", "two requests, one broken link", link),
        replication("timeout", "one request, one server that gives up", timeout),
        replication("all-phases", "election with messages to broadcast, no fault", whole),
        elections("election", "one election with all its messages, one repeated", resend),
        election_of_equals(
            "re-election",
            "an election, a server that gives up, another one",
            again,
        ),
    ];
    explorations.into_iter().flatten().collect()
}

fn replication(name: &'static str, covers: &'static str, bounds: Bounds) -> Option<Exploration> {
    Some(Exploration { name, covers, model: Zab::new(bounds, WINDOW_DEFAULT)? })
}

fn election_of_equals(
    name: &'static str,
    covers: &'static str,
    bounds: Bounds,
) -> Option<Exploration> {
    replication(name, covers, bounds)
}

fn elections(name: &'static str, covers: &'static str, bounds: Bounds) -> Option<Exploration> {
    let mut exploration = replication(name, covers, bounds)?;
    exploration.model.starts = uneven_starts();
    Some(exploration)
}

/// Initial disks for elections: all alike; the server with the lowest id has the longest history;
/// a newer epoch with a shorter history against an older one with a longer history.
#[must_use]
pub fn uneven_starts() -> Vec<Start> {
    let mut requests = [Zxid::default(); TXNS_MAX];
    requests[0] = Zxid::new(1, 1);
    requests[1] = Zxid::new(1, 2);
    let disk = |epoch: u8, length: usize| {
        let mut history = Log::default();
        for (place, zxid) in requests.iter().enumerate().take(length) {
            let payload = u8::try_from(place + 1).unwrap_or(u8::MAX);
            // A history has room for every request.
            let _ = history.push(Txn { zxid: *zxid, payload });
        }
        Disk { accepted_epoch: epoch, current_epoch: epoch, history, base: 0 }
    };
    let start = |disks: [Disk<_>; SERVERS_MAX]| Start { disks, requests };
    vec![
        Start::default(),
        start([disk(1, 2), disk(1, 1), disk(1, 0)]),
        start([disk(2, 1), disk(1, 2), disk(1, 2)]),
    ]
}
