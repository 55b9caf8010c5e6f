//! What is explored: every server, what is under way, the oracle and the budgets spent.

use std::hash::{Hash, Hasher};

use zab_flat::flat;
use zerocopy::{Immutable, IntoBytes, TryFromBytes, Unaligned};

use super::ghost::Ghost;
use super::queue::Link;
use super::types::{History, Members, Seat, Txn};
use crate::types::Phase;

/// What a server is.
#[flat]
#[derive(Debug, Default)]
#[repr(u8)]
pub enum Role {
    /// Electing.
    #[default]
    Looking,
    /// Follows the oracle's choice.
    Following,
    /// Leads, or tries to.
    Leading,
}

/// Whom a leader has heard from in one exchange, and which of those are still connected since.
#[flat]
#[derive(Debug, Default)]
#[repr(C)]
pub struct Heard {
    /// All that count for the quorum.
    pub senders: Members,
    /// Those of them that have not been disconnected since.
    pub connected: Members,
}

impl Heard {
    /// From itself only.
    #[must_use]
    pub fn from_self(index: usize) -> Self {
        Self { senders: Members::of(index), connected: Members::of(index) }
    }

    /// Counts a message.
    pub fn hear(&mut self, from: usize) {
        self.senders.insert(from);
        self.connected.insert(from);
    }
}

/// What a follower told the leader: f.p of its CEPOCH until the epoch is decided, then f.a and the
/// history of its ACKEPOCH. The leader's own is not kept: it is what the leader has.
#[flat]
#[derive(Debug, Default)]
#[repr(C)]
pub struct Report<const X: usize> {
    /// f.p, then f.a.
    pub epoch: u8,
    /// Empty in CEPOCH.
    pub history: History<X>,
}

/// What only a leader knows; all zero in everybody else.
#[flat]
#[derive(Debug)]
#[repr(C)]
pub struct Leading<const N: usize, const X: usize> {
    /// The connected followers, and itself.
    pub learners: Members,
    /// CEPOCH, itself included. Empty once a quorum has sent it: the epoch is decided.
    pub cepoch: Heard,
    /// ACKEPOCH, itself included.
    pub ack_epoch: Heard,
    /// ACK-LD, itself included.
    pub ack_ld: Heard,
    /// Proposals broadcast in this epoch.
    pub sent: u8,
    /// By position - 1 in the history: who has acknowledged it.
    pub acks: [Members; X],
    /// By server; zero after DISCOVERY.
    pub reports: [Report<X>; N],
}

impl<const N: usize, const X: usize> Default for Leading<N, X> {
    fn default() -> Self {
        Self {
            learners: Members::default(),
            cepoch: Heard::default(),
            ack_epoch: Heard::default(),
            ack_ld: Heard::default(),
            sent: 0,
            acks: [Members::default(); X],
            reports: [Report::default(); N],
        }
    }
}

/// One server.
#[flat]
#[derive(Debug, Default)]
#[repr(C)]
pub struct Server<const N: usize, const X: usize> {
    /// What it is.
    pub role: Role,
    /// How far it is.
    pub phase: Phase,
    /// f.p: the last epoch promised.
    pub accepted_epoch: u8,
    /// f.a: the last epoch adopted.
    pub current_epoch: u8,
    /// How many transactions of the history are known to be committed; forgotten in a restart.
    pub last_committed: u8,
    /// The leader that a follower is connected to.
    pub leader: Seat,
    /// Everything accepted.
    pub history: History<X>,
    /// What only a leader knows.
    pub leading: Leading<N, X>,
    /// What is under way between a follower and its leader.
    pub link: Link<X>,
}

/// What bounds are measured against.
#[flat]
#[derive(Debug, Default)]
#[repr(C)]
pub struct Spent {
    /// Timeouts and restarts.
    pub timeouts: u8,
    /// Restarts.
    pub restarts: u8,
    /// Length of the longest history after the last request.
    pub txns: u8,
    /// Requests; also the value of the next one.
    pub requests: u8,
}

/// Something that no run of the protocol does; the first is kept.
#[flat]
#[derive(Debug, Default)]
#[repr(u8)]
pub enum Violation {
    /// Nothing so far.
    #[default]
    None,
    /// A message of discovery or synchronization met its receiver in another phase.
    State,
    /// A PROPOSE or COMMIT-LD that the follower's history does not fit.
    Proposal,
    /// A COMMIT that is not for the next transaction.
    Commit,
    /// An ACK for something that is not there, or out of order.
    Ack,
    /// A message that its receiver cannot get.
    Message,
    /// A history, a queue or a ghost had no room; the run is not within its bounds.
    NoRoom,
}

/// One state of the whole system, in normal form (see the module's documentation): `N` servers,
/// histories of at most `X` transactions, ghosts that remember `G` requests (none if 0).
#[derive(Clone, Copy, PartialEq, Eq, IntoBytes, TryFromBytes, Immutable, Unaligned)]
#[repr(C)]
pub struct State<const N: usize, const X: usize, const G: usize> {
    /// By index: id - 1.
    pub servers: [Server<N, X>; N],
    /// Whom the oracle names.
    pub oracle: Seat,
    /// What has been spent of the budgets.
    pub spent: Spent,
    /// What went wrong.
    pub violation: Violation,
    /// What properties remember.
    pub ghost: Ghost<X, G>,
}

impl<const N: usize, const X: usize, const G: usize> Default for State<N, X, G> {
    fn default() -> Self {
        Self {
            servers: [Server::default(); N],
            oracle: Seat::EMPTY,
            spent: Spent::default(),
            violation: Violation::None,
            ghost: Ghost::default(),
        }
    }
}

impl<const N: usize, const X: usize, const G: usize> Hash for State<N, X, G> {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        hasher.write(self.as_bytes());
    }
}

impl<const N: usize, const X: usize, const G: usize> State<N, X, G> {
    /// Notes a violation; the first one stays.
    pub(super) fn note_violation(&mut self, violation: Violation) {
        if self.violation == Violation::None {
            self.violation = violation;
        }
    }

    /// Whether a server has promised or adopted a later epoch here than there.
    pub(super) fn is_ahead_in_epochs(&self, other: &Self) -> bool {
        self.servers.iter().zip(&other.servers).any(|(here, there)| {
            here.accepted_epoch > there.accepted_epoch || here.current_epoch > there.current_epoch
        })
    }

    /// What a server has delivered: the part of its history that it knows to be committed.
    #[must_use]
    pub fn delivered(&self, index: usize) -> &[Txn] {
        let server = &self.servers[index];
        server.history.prefix(usize::from(server.last_committed))
    }
}
