//! How far an exploration goes: the published specification's own four parameters, and the size.

use std::fmt;

use thiserror::Error;

use super::types::NUMBER_MAX;

/// Servers that an exploration can have.
pub const SERVERS_MAX: u8 = 5;

/// The size of an exploration.
///
/// A restart needs `restarts` not to be spent and counts as a timeout too; a timeout needs
/// `timeouts` not to be spent. So there are at most `timeouts + restarts` failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Bounds {
    /// Servers, 2 to [`SERVERS_MAX`].
    pub servers: u8,
    /// A request needs the longest history after the last request to be shorter than this.
    pub txns: u8,
    /// A leader takes a CEPOCH only while no server has accepted this epoch; `None` for no bound.
    pub epochs: Option<u8>,
    /// Connections that break.
    pub timeouts: u8,
    /// Crashes, each followed by recovery in the same step.
    pub restarts: u8,
}

/// Why a run within these bounds is impossible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BoundsError {
    /// The type has room for another number of servers.
    #[error("{offered} servers were asked for, but this model has exactly {room}")]
    Servers {
        /// What was asked for.
        offered: u8,
        /// What the type has.
        room: usize,
    },
    /// One server alone never hears from a quorum; more than [`SERVERS_MAX`] do not fit.
    #[error("{offered} servers were asked for, but 2 to {SERVERS_MAX} are possible")]
    ServerRange {
        /// What was asked for.
        offered: u8,
    },
    /// The type has no room for so many transactions.
    #[error("{offered} transactions were asked for, but histories hold at most {room}")]
    Txns {
        /// What was asked for.
        offered: u8,
        /// What the type has.
        room: usize,
    },
    /// Epochs might not fit a zxid.
    #[error(
        "{servers} servers with {failures} failures may need epoch {}, but zxids end at {NUMBER_MAX}",
        servers + failures
    )]
    Epochs {
        /// Servers asked for.
        servers: usize,
        /// Timeouts and restarts asked for.
        failures: usize,
    },
    /// There may be more requests than ghosts can remember.
    #[error("there may be {needed} requests, but ghosts remember {room}")]
    Requests {
        /// How many there may be.
        needed: usize,
        /// What the type has.
        room: usize,
    },
}

impl Bounds {
    fn failures(&self) -> usize {
        usize::from(self.timeouts) + usize::from(self.restarts)
    }

    /// More requests than this are never made: each leadership adds at most `txns`, and there are
    /// at most as many as epochs (see [`Self::fit`]).
    #[must_use]
    pub fn requests_max(&self) -> usize {
        usize::from(self.txns) * (usize::from(self.servers) + self.failures())
    }

    /// Whether states of `servers` servers and histories of `txns` transactions have room for this.
    ///
    /// Every epoch belongs to one leadership. A failure ends at most one of them, and at most one
    /// for each server has not ended; so epochs never exceed failures + servers.
    ///
    /// # Errors
    /// Which of the four numbers does not fit, with what would.
    pub fn fit(&self, servers: usize, txns: usize) -> Result<(), BoundsError> {
        if !(2..=SERVERS_MAX).contains(&self.servers) {
            return Err(BoundsError::ServerRange { offered: self.servers });
        }
        if usize::from(self.servers) != servers {
            return Err(BoundsError::Servers { offered: self.servers, room: servers });
        }
        if usize::from(self.txns) > txns || self.txns > NUMBER_MAX {
            return Err(BoundsError::Txns { offered: self.txns, room: txns });
        }
        let failures = self.failures();
        if servers + failures > usize::from(NUMBER_MAX) {
            return Err(BoundsError::Epochs { servers, failures });
        }
        Ok(())
    }
}

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "servers={} txns={} epochs=", self.servers, self.txns)?;
        match self.epochs {
            Some(epochs) => write!(f, "{epochs}")?,
            None => f.write_str("unbounded")?,
        }
        write!(f, " timeouts={} restarts={}", self.timeouts, self.restarts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FINE: Bounds = Bounds { servers: 3, txns: 2, epochs: None, timeouts: 3, restarts: 3 };

    #[test]
    fn what_fits_is_admitted() {
        assert_eq!(FINE.fit(3, 2), Ok(()));
        assert_eq!(FINE.fit(3, 4), Ok(()));
        assert_eq!(Bounds { timeouts: 12, restarts: 0, ..FINE }.fit(3, 2), Ok(()));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let errors = [
            (Bounds { servers: 1, ..FINE }.fit(1, 2), "2 to 5 are possible"),
            (Bounds { servers: 6, ..FINE }.fit(6, 2), "2 to 5 are possible"),
            (FINE.fit(4, 2), "exactly 4"),
            (FINE.fit(3, 1), "at most 1"),
            (Bounds { timeouts: 13, restarts: 0, ..FINE }.fit(3, 2), "may need epoch 16"),
        ];
        for (result, words) in errors {
            let error = result.expect_err(words).to_string();
            assert!(error.contains(words), "{error}");
        }
    }
}
