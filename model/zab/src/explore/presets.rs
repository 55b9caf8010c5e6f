//! The explorations that commands and tests run, each with a sentence that says what it covers.

use super::bounds::{Bounds, Election};
use super::ghost::Reign;
use super::model::{Start, Zab};
use super::state::{Flat, Log, SERVERS_MAX, TXNS_MAX};
use crate::config::WINDOW_DEFAULT;
use crate::server::Disk;
use crate::shape::Queue;
use crate::types::{ServerId, Txn, Zxid};

/// A named set of explorations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suite {
    /// A few seconds.
    Quick,
    /// Up to a minute.
    Default,
    /// Up to ten minutes.
    Thorough,
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
            Self::Thorough => thorough(),
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
    let crashes = Bounds { crashes: 2, rounds: 3, ..CALM };
    let anybody = Bounds { crashes: 1, rounds: 2, election: Election::Anybody, ..CALM };
    let whole = Bounds { requests: 0, rounds: 0, election: Election::Fle, ..CALM };
    let resend = Bounds { resends: 1, ..ELECTION };
    let again = Bounds { rounds: 1, timeouts: 1, ..ELECTION };
    let restart = Bounds { crashes: 1, ..ELECTION };
    let explorations = [
        replication("crash", "two requests, one crash", crash),
        replication("crashes", "one request, two crashes, three elections", crashes),
        replication("crash-link", "one request, one crash, one broken link", crash_and_link),
        replication("link", "two requests, one broken link", link),
        replication("timeout", "one request, one server that gives up", timeout),
        replication("anybody", "one request, one crash, whoever may win", anybody),
        replication("all-phases", "election with messages up to broadcast, no fault", whole),
        elections("election", "one election with all its messages, one repeated", resend),
        elections("re-election", "an election, a server that gives up, another one", again),
        elections("restart", "an election, and a server that crashes and joins it", restart),
    ];
    explorations.into_iter().flatten().collect()
}

fn thorough() -> Vec<Exploration> {
    let crash = Bounds { requests: 2, crashes: 1, timeouts: 1, rounds: 2, ..CALM };
    let anybody =
        Bounds { crashes: 1, disconnects: 1, rounds: 3, election: Election::Anybody, ..CALM };
    let whole = Bounds { rounds: 0, election: Election::Fle, ..CALM };
    let again = Bounds { rounds: 1, timeouts: 1, resends: 1, ..ELECTION };
    let restart = Bounds { rounds: 1, crashes: 1, ..ELECTION };
    let explorations = [
        replication("crash-timeout", "two requests, a crash, a server that gives up", crash),
        replication(
            "anybody-link",
            "one request, one crash, one broken link, whoever may win",
            anybody,
        ),
        replication("all-phases-commit", "election with messages to a commit, no fault", whole),
        replication("re-election-resend", "two elections of equals, one vote repeated", again),
        replication("re-election-crash", "two elections of equals, one crash", restart),
    ];
    explorations.into_iter().flatten().chain(default()).collect()
}

fn replication(name: &'static str, covers: &'static str, bounds: Bounds) -> Option<Exploration> {
    Some(Exploration { name, covers, model: Zab::new(bounds, WINDOW_DEFAULT)? })
}

fn elections(name: &'static str, covers: &'static str, bounds: Bounds) -> Option<Exploration> {
    let mut exploration = replication(name, covers, bounds)?;
    exploration.model.starts = uneven_starts();
    Some(exploration)
}

/// The transactions 1.1, 1.2, … as a server has them on its disk, and its epochs.
fn disk(epoch: u8, length: u8) -> Disk<Flat> {
    let mut history = Log::default();
    for number in 1..=length {
        // A history has room for every request.
        let _ = history.push(Txn { zxid: Zxid::new(1, number), payload: number });
    }
    Disk { accepted_epoch: epoch, current_epoch: epoch, history, base: 0 }
}

/// The zxids of the first requests, which were all made in epoch 1.
fn made_in_first_epoch(count: u8) -> [Zxid<u8>; TXNS_MAX] {
    let mut requests = [Zxid::default(); TXNS_MAX];
    for (zxid, counter) in requests.iter_mut().zip(1..=count) {
        *zxid = Zxid::new(1, counter);
    }
    requests
}

/// After a first epoch, in which 3 led and 2 followed: both have the transaction 1.1, which is
/// committed. 1 was not there. All have stopped since.
#[must_use]
pub fn after_first_epoch() -> Start {
    let led = disk(1, 1);
    Start {
        disks: [Disk::default(), led, led],
        requests: made_in_first_epoch(1),
        committed: led.history,
        reign: Some(Reign { epoch: 1, leader: ServerId(3), initial: Log::default() }),
    }
}

/// Initial disks for elections: all alike; the server with the lowest id has the longest history;
/// a newer epoch with a shorter history against an older one with a longer history.
#[must_use]
pub fn uneven_starts() -> Vec<Start> {
    let requests = made_in_first_epoch(2);
    let start = |disks: [Disk<Flat>; SERVERS_MAX]| Start { disks, requests, ..Start::default() };
    vec![
        Start::default(),
        start([disk(1, 2), disk(1, 1), disk(1, 0)]),
        start([disk(2, 1), disk(1, 2), disk(1, 2)]),
    ]
}
