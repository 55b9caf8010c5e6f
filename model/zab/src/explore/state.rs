//! The state that an exploration visits: servers, channels, what properties must remember, and
//! what the environment may still do. It is plain bytes without padding, and is hashed as such.

use std::hash::{Hash, Hasher};

use zab_flat::flat;
use zerocopy::{Immutable, IntoBytes, TryFromBytes};

use super::bounds::Bounds;
use super::ghost::Ghost;
use super::links::Links;
use super::sizes::{Flat, PAIRS, SERVERS, Transactions, index};
use crate::config::{Config, Ensemble};
use crate::server::Server;
use crate::shape::Ledger;
use crate::types::ServerId;

/// One state of the whole system.
#[derive(Clone, Copy, PartialEq, Eq, IntoBytes, TryFromBytes, Immutable)]
#[repr(C)]
pub struct State<const N: usize = SERVERS, const P: usize = PAIRS> {
    /// By index: id - 1. Servers beyond [`Bounds::servers`] stay as they are created, down.
    pub servers: [Server<Flat<N>>; N],
    /// Every transaction that a leader has made, in the order in which they were made; histories
    /// are their numbers.
    pub transactions: Transactions,
    /// What is in flight.
    pub links: Links<N, P>,
    /// What properties remember.
    pub ghost: Ghost,
    /// What the environment may still do.
    pub budget: Budget,
}

impl<const N: usize, const P: usize> Hash for State<N, P> {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        hasher.write(self.as_bytes());
    }
}

impl<const N: usize, const P: usize> State<N, P> {
    /// The server with that id.
    ///
    /// # Panics
    /// When there is no such server; ids in a state name its servers.
    #[must_use]
    pub fn server(&self, id: ServerId) -> &Server<Flat<N>> {
        &self.servers[index(id)]
    }

    /// An ensemble, and the transactions of this state.
    pub(super) fn config(&self, ensemble: Ensemble) -> Config<Flat<N>> {
        Config { ensemble, logs: Ledger::new(self.transactions) }
    }
}

/// What the environment may still do; each field as in [`Bounds`].
#[flat]
#[derive(Debug)]
#[repr(C)]
pub struct Budget {
    /// Requests not yet made.
    pub requests: u8,
    /// Crashes left.
    pub crashes: u8,
    /// Kills left.
    pub kills: u8,
    /// Disks that may be lost.
    pub lost_disks: u8,
    /// Appends that may fail.
    pub failed_appends: u8,
    /// Timeouts left.
    pub timeouts: u8,
    /// Broken links left.
    pub disconnects: u8,
    /// Elections, or returns to LOOKING, left.
    pub rounds: u8,
    /// Repeated notifications left.
    pub resends: u8,
}

impl Budget {
    /// Everything that the bounds allow.
    #[must_use]
    pub fn of(bounds: &Bounds) -> Self {
        Self {
            requests: bounds.requests,
            crashes: bounds.crashes,
            kills: bounds.kills,
            lost_disks: bounds.lost_disks,
            failed_appends: bounds.failed_appends,
            timeouts: bounds.timeouts,
            disconnects: bounds.disconnects,
            rounds: bounds.rounds,
            resends: bounds.resends,
        }
    }
}
