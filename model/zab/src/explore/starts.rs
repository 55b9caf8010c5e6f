//! What explorations may begin with besides empty disks.

use super::ghost::Established;
use super::links::Links;
use super::model::{Settled, Start, Zab};
use super::oracle;
use super::sizes::{Flat, Log, SERVERS, Transactions, index};
use super::state::State;
use crate::outbox::Outbox;
use crate::probe::NoProbe;
use crate::rules::election::elect;
use crate::server::Server;
use crate::stores::{Disk, Snapshot};
use crate::types::{ServerId, ServerSet, Txn, Zxid};

/// The transactions 1.1, 1.2, … as a server has them on its disk, and its epochs.
fn disk(epoch: u8, length: u8) -> Disk<Flat> {
    let numbers: Vec<u8> = (1..=length).collect();
    // A history has room for every transaction.
    let history = Log::of(&numbers).unwrap_or_default();
    Disk { accepted_epoch: epoch, current_epoch: epoch, history, ..Disk::default() }
}

/// The first transactions, which were all made in epoch 1.
fn made_in_first_epoch(count: u8) -> Transactions {
    let mut transactions = Transactions::default();
    for (txn, number) in transactions.iter_mut().zip(1..=count) {
        *txn = Txn { zxid: Zxid::new(1, number), payload: number };
    }
    transactions
}

/// After a first epoch, in which 3 led and 2 followed: both have the transaction 1.1, which is
/// committed. 1 took no part. All have stopped since.
#[must_use]
pub fn after_first_epoch() -> Start {
    let led = disk(1, 1);
    Start {
        disks: [Disk::default(), led, led],
        transactions: made_in_first_epoch(1),
        committed: led.history,
        established: Some(Established { epoch: 1, leader: ServerId(3), initial: Log::default() }),
        ..Start::default()
    }
}

/// 1 took 1.1 and 2.1 with a SNAP of epoch 2; epoch 3 began without 2.1, and without 1.
#[must_use]
pub fn in_snapshot() -> Start {
    let mut start = after_first_epoch();
    // A history has room for every transaction.
    let (label, tree) = (Zxid::new(2, 1), Log::of(&[1, 2]).unwrap_or_default());
    let snapshot = Snapshot { label, tree };
    start.transactions[1] = Txn { zxid: label, payload: 2 };
    start.established = None;
    let epochs = |epoch, disk| Disk { accepted_epoch: epoch, current_epoch: epoch, ..disk };
    let [_, two, three] = start.disks;
    let one = Disk { history: tree, snapshot, ..Disk::default() };
    start.disks = [epochs(2, one), epochs(3, two), epochs(3, three)];
    start
}

/// Initial disks for elections: all alike; the server with the lowest id has the longest history;
/// a newer epoch with a shorter history against an older one with a longer history.
#[must_use]
pub fn uneven_starts() -> Vec<Start> {
    let transactions = made_in_first_epoch(2);
    let start = |disks: [Disk<Flat>; SERVERS]| Start { disks, transactions, ..Start::default() };
    vec![
        Start::default(),
        start([disk(1, 2), disk(1, 1), disk(1, 0)]),
        start([disk(2, 1), disk(1, 2), disk(1, 2)]),
    ]
}

/// A server joins late: 2 follows 3, and 1 is down.
#[must_use]
pub fn one_is_late(start: Start) -> Start {
    let (leader, followers) = (ServerId(3), ServerSet::of(ServerId(2)));
    Start {
        settled: Some(Settled { leader, followers }),
        down: ServerSet::of(ServerId(1)),
        ..start
    }
}

impl<const N: usize, const P: usize> Zab<N, P> {
    /// What a start says of an election that is over, and of who is down.
    pub(super) fn settle_at_first(&self, state: &mut State<N, P>, start: &Start<N>) {
        let config = state.config(self.ensemble);
        if let Some(Settled { leader, followers }) = start.settled {
            let vote = state.server(leader).own_vote();
            for id in followers.iter().chain([leader]) {
                let server = &mut state.servers[index(id)];
                let (round, mut out) = (server.round, Outbox::default());
                let _ = elect(&config, server, vote, round, &mut out, &mut NoProbe);
            }
            state.links = Links::default();
        }
        for id in start.down.iter() {
            state.links.crash(index(id));
            state.servers[index(id)] = Server::recovered(id, start.disks[index(id)]);
        }
        if self.has_oracle() {
            self.ensemble.voters().for_each(|id| {
                oracle::forget_election(&mut state.servers[index(id)]);
            });
        }
    }
}
