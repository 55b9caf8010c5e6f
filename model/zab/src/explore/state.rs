//! The state that an exploration visits: servers, channels, what properties must remember, and
//! what the environment may still do. Plain bytes without padding; hashing it is hashing them.

use std::fmt;
use std::hash::{Hash, Hasher};

use zerocopy::{Immutable, IntoBytes, TryFromBytes};

use super::bounds::Bounds;
use super::facts::{COLUMNS, facts};
use super::ghost::Ghost;
use super::links::Links;
use crate::history::History;
use crate::server::Server;
use crate::shape::{Shape, Small};
use crate::types::ServerId;
use crate::view::page;

/// Servers that one exploration can have.
pub const SERVERS_MAX: usize = 3;

/// Transactions that one exploration can have, those of its initial state included.
pub const TXNS_MAX: usize = 3;

/// The shape of explored servers.
pub type Flat = Small<SERVERS_MAX, TXNS_MAX>;

/// A history in an explored state.
pub type Log = <Flat as Shape>::Log;

/// One state of the whole system.
#[derive(Clone, Copy, PartialEq, Eq, IntoBytes, TryFromBytes, Immutable)]
#[repr(C)]
pub struct State {
    /// By index: id - 1. Servers beyond [`Bounds::servers`] stay as they are created, down.
    pub servers: [Server<Flat>; SERVERS_MAX],
    /// What is in flight.
    pub links: Links,
    /// What properties remember.
    pub ghost: Ghost,
    /// What the environment may still do.
    pub budget: Budget,
}

impl Hash for State {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        hasher.write(self.as_bytes());
    }
}

/// A table of the servers, then what is in flight and what properties remember.
impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&page(&facts(self), &COLUMNS))
    }
}

impl State {
    /// The server with that id.
    ///
    /// # Panics
    /// When there is no such server; ids in a state name its servers.
    #[must_use]
    pub fn server(&self, id: ServerId) -> &Server<Flat> {
        &self.servers[index(id)]
    }
}

/// The index of a server in the tables of a state.
///
/// # Panics
/// For [`ServerId::NOBODY`], which has no place in a table.
#[must_use]
pub(super) fn index(id: ServerId) -> usize {
    usize::from(id.0) - 1
}

/// The id of the server at an index below [`SERVERS_MAX`].
#[must_use]
pub(super) fn id_at(index: usize) -> ServerId {
    ServerId(u8::try_from(index + 1).unwrap_or(u8::MAX))
}

/// What the environment may still do; each field as in [`Bounds`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, IntoBytes, TryFromBytes, Immutable)]
#[repr(C)]
pub struct Budget {
    /// Requests not yet made.
    pub requests: u8,
    /// Crashes left.
    pub crashes: u8,
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
            timeouts: bounds.timeouts,
            disconnects: bounds.disconnects,
            rounds: bounds.rounds,
            resends: bounds.resends,
        }
    }
}

/// What rules ask of a history.
pub(super) fn history(log: Log) -> History<'static, Flat> {
    History::new(&(), log)
}
