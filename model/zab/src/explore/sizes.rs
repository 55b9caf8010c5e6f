//! The limits of an exploration, and what follows from them alone: its shape and its indices.
//!
//! A state has room for `N` servers, and for each of their `P` ordered pairs. Equal bounds have equal
//! states whatever the room; less room is faster. `P` is `N * (N - 1)`, which is checked when a program is
//! compiled.

use crate::shape::{self, Small};
use crate::types::ServerId;

/// Servers that one exploration can have, whatever its size.
pub const SERVERS_MAX: usize = 5;

/// Servers of the size that is meant where none is named.
pub const SERVERS: usize = 3;

/// Ordered pairs of [`SERVERS`] servers.
pub const PAIRS: usize = SERVERS * (SERVERS - 1);

/// Transactions that one exploration can have, those of its initial state included.
pub const TXNS_MAX: usize = 3;

/// The shape of explored servers.
pub type Flat<const N: usize = SERVERS> = Small<N, TXNS_MAX>;

/// A history in an explored state.
pub type Log = shape::SmallLog<TXNS_MAX>;

/// The transactions of an explored state, by number - 1.
pub type Transactions = shape::Transactions<TXNS_MAX>;

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
