//! Why nothing was explored.

use thiserror::Error;
use zab_explorer::Refused;
use zab_model::explore::{Bounds, SERVERS, TXNS_MAX};
use zab_model::profile::UnknownName;

/// Why nothing was explored.
#[derive(Debug, Error)]
pub enum Impossible {
    /// There is no room for so many of something.
    #[error("{name}={asked}: there is room for {room}")]
    Room {
        /// What there are too many of, as budgets name it.
        name: &'static str,
        /// How many there are.
        asked: u8,
        /// How many there may be.
        room: usize,
    },
    /// More servers than two profiles are compared with.
    #[error("servers={0}: profiles are compared among {SERVERS} servers at most")]
    Compared(u8),
    /// A text that is no budget.
    #[error("{0}")]
    Budget(String),
    /// A switch or a value that no profile has.
    #[error("{0}")]
    Name(#[from] UnknownName),
    /// The engine has no room.
    #[error(transparent)]
    Refused(#[from] Refused),
}

impl Impossible {
    /// Why there is no room for these bounds, where there is for so many servers.
    pub(crate) fn no_room(bounds: &Bounds, servers: usize) -> Self {
        if usize::from(bounds.servers) > servers {
            return Self::Room { name: "servers", asked: bounds.servers, room: servers };
        }
        Self::Room { name: "requests", asked: bounds.requests, room: TXNS_MAX }
    }
}
