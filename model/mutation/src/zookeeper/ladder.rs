//! Where mutants of the `zookeeper` family are looked for.

use crate::zab::explore::{
    Bounds, Election, Settled, Start, Zab, after_first_epoch, in_snapshot, one_is_late,
    uneven_starts,
};
use crate::zab::{Disk, Grain, ServerId, ServerSet};

/// Bounds with a name.
#[derive(Clone, Copy, Debug)]
pub struct Rung {
    /// The name.
    pub name: &'static str,
    bounds: Bounds,
    begins: Begins,
    grain: Grain,
    window: usize,
}

/// What a run begins with.
#[derive(Clone, Copy, Debug)]
enum Begins {
    /// Empty disks.
    Empty,
    /// 3 and 2 have a committed transaction.
    After,
    /// Histories that differ.
    Uneven,
    /// 1 has promised epoch 2, of which the others know nothing.
    Promised,
    /// 1 has a snapshot up to 2.1, of which the others, in a later epoch, have only 1.1.
    InSnapshot,
    /// 3 leads and 2 follows; 1 starts.
    Late,
    /// All have decided for 3, and 1 and 2 have epochs that differ.
    Settled,
    /// Of two, 1 has decided for 2, which is down.
    Left,
}

const CALM: Bounds = Bounds::CALM;
const WINDOW: usize = 500;

/// All of them, from small to large.
pub const LADDER: &[Rung] = &[
    rung("after", CALM, Begins::After),
    rung("observer", Bounds { servers: 2, observers: 1, requests: 1, ..CALM }, Begins::Empty),
    rung("promised", CALM, Begins::Promised),
    rung("snapshot", CALM, Begins::InSnapshot),
    rung("anybody", Bounds { election: Election::Anybody, ..CALM }, Begins::After),
    threads(rung("threads", CALM, Begins::Empty)),
    rung("request", Bounds { requests: 1, ..CALM }, Begins::Empty),
    rung("after-request", Bounds { requests: 1, ..CALM }, Begins::After),
    rung("messages-crash", PAIR, Begins::Empty),
    threads(rung("threads-request", Bounds { requests: 1, ..CALM }, Begins::Empty)),
    threads(rung("threads-after", Bounds { requests: 1, ..CALM }, Begins::After)),
    rung("link", Bounds { disconnects: 1, rounds: 2, ..CALM }, Begins::Empty),
    rung("timeout", Bounds { timeouts: 1, rounds: 2, ..CALM }, Begins::Empty),
    rung("crash", Bounds { crashes: 1, rounds: 2, ..CALM }, Begins::Empty),
    rung("after-crash", Bounds { crashes: 1, rounds: 2, ..CALM }, Begins::After),
    rung("two-requests", Bounds { requests: 2, ..CALM }, Begins::Empty),
    rung("after-two-requests", Bounds { requests: 2, ..CALM }, Begins::After),
    rung("failed-append", Bounds { failed_appends: 1, ..TWICE }, Begins::After),
    rung("elections", Bounds { rounds: 0, election: Election::FleOnly, ..CALM }, Begins::Uneven),
    rung("late", Bounds { election: Election::FleOnly, ..CALM }, Begins::Late),
    rung("pair-left", Bounds { servers: 2, rounds: 2, ..AGAIN }, Begins::Left),
    rung("settled-timeout", Bounds { timeouts: 1, rounds: 2, ..AGAIN }, Begins::Settled),
    rung("lost-disk", Bounds { crashes: 1, lost_disks: 1, ..CALM }, Begins::Empty),
    rung("request-link", Bounds { disconnects: 1, ..TWICE }, Begins::Empty),
    rung("request-timeout", Bounds { timeouts: 1, ..TWICE }, Begins::Empty),
    rung("kill", Bounds { kills: 1, ..TWICE }, Begins::Empty),
    rung("request-crash", Bounds { crashes: 1, ..TWICE }, Begins::Empty),
    rung("after-request-crash", Bounds { crashes: 1, ..TWICE }, Begins::After),
    windowed(rung("window-crash", Bounds { crashes: 1, ..TWICE }, Begins::After)),
    rung("pair-elections-crash", Bounds { servers: 2, crashes: 1, ..AGAIN }, Begins::Empty),
    rung("pair-elections-timeout", Bounds { servers: 2, timeouts: 1, ..AGAIN }, Begins::Empty),
    rung("pair-elections-uneven", Bounds { servers: 2, crashes: 1, ..AGAIN }, Begins::Uneven),
    threads(rung("threads-crash", Bounds { crashes: 1, rounds: 2, ..CALM }, Begins::After)),
];

/// One request, two elections.
const TWICE: Bounds = Bounds { requests: 1, rounds: 2, ..CALM };

/// Servers that elect and do nothing else, one of which leaves its role.
const AGAIN: Bounds = Bounds { election: Election::FleOnly, ..CALM };

/// Two servers, which elect with messages.
const PAIR: Bounds = Bounds { servers: 2, crashes: 1, election: Election::Fle, ..TWICE };

const fn rung(name: &'static str, bounds: Bounds, begins: Begins) -> Rung {
    Rung { name, bounds, begins, grain: Grain::Writes, window: WINDOW }
}

/// At grain `threads`.
const fn threads(rung: Rung) -> Rung {
    Rung { grain: Grain::Threads, ..rung }
}

/// With a window of one transaction, so that SNAP is sent.
const fn windowed(rung: Rung) -> Rung {
    Rung { window: 1, ..rung }
}

impl Rung {
    /// The model.
    ///
    /// # Panics
    /// When no model has the size of the bounds; no rung is so.
    #[must_use]
    pub fn model(&self) -> Zab {
        let mut model = Zab::new(self.bounds, self.window).expect("a rung that fits its model");
        model.ensemble.grain = self.grain;
        model.starts = match self.begins {
            Begins::Empty => vec![Start::default()],
            Begins::After => vec![after_first_epoch()],
            Begins::Uneven => uneven_starts(),
            Begins::Promised => vec![promised()],
            Begins::InSnapshot => vec![in_snapshot()],
            Begins::Late => [Start::default(), after_first_epoch()].map(one_is_late).to_vec(),
            Begins::Settled => uneven_starts().into_iter().map(settled).collect(),
            Begins::Left => uneven_starts().into_iter().map(left).collect(),
        };
        model
    }
}

/// All have decided for the one whose vote is the best.
fn settled(start: Start) -> Start {
    let leader = best(&start, 3);
    let mut followers = ServerSet::default();
    (1..=3).map(ServerId).filter(|id| *id != leader).for_each(|id| followers.insert(id));
    Start { settled: Some(Settled { leader, followers }), ..start }
}

/// Of two, the one whose vote is the best has led, and is down.
fn left(start: Start) -> Start {
    let leader = best(&start, 2);
    let followers = ServerSet::of(ServerId(3 - leader.0));
    Start { settled: Some(Settled { leader, followers }), down: ServerSet::of(leader), ..start }
}

/// The server with the greatest (currentEpoch, length of history, id).
fn best(start: &Start, servers: u8) -> ServerId {
    let key = |id: &ServerId| {
        let disk = start.disks[usize::from(id.0) - 1];
        (disk.current_epoch, disk.history.numbers().len(), id.0)
    };
    (1..=servers).map(ServerId).max_by_key(key).unwrap_or(ServerId::NOBODY)
}

fn promised() -> Start {
    let mut start = Start::default();
    start.disks[0] = Disk { accepted_epoch: 2, ..Disk::default() };
    start
}
