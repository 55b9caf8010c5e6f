//! The limits of an exploration, and what follows from them alone: its shape and its indices.

use crate::shape::{self, Shape, Small};
use crate::types::ServerId;

/// Servers that one exploration can have.
pub const SERVERS_MAX: usize = 3;

/// Transactions that one exploration can have, those of its initial state included.
pub const TXNS_MAX: usize = 3;

/// The shape of explored servers.
pub type Flat = Small<SERVERS_MAX, TXNS_MAX>;

/// A history in an explored state.
pub type Log = <Flat as Shape>::Log;

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
