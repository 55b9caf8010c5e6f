//! Random runs of the model, shown as traces.
//!
//! Servers take random steps of the model; what a step produces is shown some time later, as a
//! driver with queues would. It uses the model and the words of the trace, and nothing of the
//! search that is to accept what it shows.

mod net;
pub(crate) mod node;
mod run;

use zab_model::Profile;
use zab_trace::{Event, Header, Implementation, Source};

use run::Walker;

/// The shape of a random run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Walk {
    /// How many servers.
    pub servers: u8,
    /// About how many lines.
    pub events: usize,
    /// The header's window.
    pub window: u32,
    /// Out of 1000: how often a server is killed, stops, leaves its role or loses a connection,
    /// where it could do something else.
    pub faults: u32,
    /// Out of 1000: how often a new connection gets the name of one that has ended.
    pub names_again: u32,
    /// Whether lines carry state.
    pub state: bool,
}

impl Default for Walk {
    fn default() -> Self {
        Self { servers: 3, events: 200, window: 3, faults: 6, names_again: 0, state: true }
    }
}

/// A random run of the model as a trace. The same seed gives the same run.
#[must_use]
pub fn walk(seed: u64, shape: &Walk) -> (Header, Vec<Event>) {
    walk_with(seed, shape, Profile::FIXED)
}

/// A random run of the model under a profile.
#[must_use]
pub fn walk_with(seed: u64, shape: &Walk, profile: Profile) -> (Header, Vec<Event>) {
    let name = env!("CARGO_PKG_NAME").to_owned();
    let implementation = Implementation { name, version: env!("CARGO_PKG_VERSION").to_owned() };
    let servers = (1..=u64::from(shape.servers)).collect();
    let mut header = Header::new(Source::Model, implementation, servers);
    header.window = shape.window;
    header.seed = Some(seed);
    header.contract.state = shape.state;
    let events = Walker::new(seed, shape, profile).map(Walker::run).unwrap_or_default();
    (header, events)
}
