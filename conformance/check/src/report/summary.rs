//! What a check counted on its way.

use std::fmt;

use crate::report::owed::Counts;

/// Counts of an accepted trace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Lines checked.
    pub events: u64,
    /// Members of the ensemble.
    pub servers: usize,
    /// Lives of all servers.
    pub incarnations: u64,
    /// Transactions that were committed.
    pub committed: u64,
    /// Model steps taken, over all candidate states.
    pub steps: u64,
    /// Of these, steps that no line shows.
    pub hidden_steps: u64,
    /// The most states that explained one server at the same time: 1 means that the trace shows
    /// everything.
    pub frontier_max: usize,
    /// The sum of the frontier's sizes over all lines; divided by `events`, its mean.
    pub frontier_sum: u64,
    /// What was seen, and owed, of all that the contract can promise.
    pub counts: Counts,
}

impl Summary {
    /// The mean size of the frontier.
    #[must_use]
    pub fn frontier_mean(&self) -> f64 {
        let (sum, events) = (self.frontier_sum, self.events.max(1));
        // Six digits of a mean are plenty, and u32 converts without loss.
        let millionths = u32::try_from(sum.saturating_mul(1000) / events).unwrap_or(u32::MAX);
        f64::from(millionths) / 1000.0
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} events, {} servers in {} incarnations, {} transactions committed, {} model steps \
             ({} hidden), frontier at most {}, {:.3} on average",
            self.events,
            self.servers,
            self.incarnations,
            self.committed,
            self.steps,
            self.hidden_steps,
            self.frontier_max,
            self.frontier_mean(),
        )
    }
}
