//! A seeded, deterministic cluster of [`zab_core`] peers in memory.
//!
//! The same seed and configuration give the same run: there is no clock but a virtual one, no
//! thread, and every choice is drawn from the seed. Around each peer stands a driver like that of
//! the real server (it uses the core's [`Observer`](zab_core::Observer), so its trace has the same
//! lines), a disk that loses at a kill what was not synced, and connections that can be slow, cut
//! and reset. What a server would do in another order, or twice, or not at all if its driver, disk
//! or network stack had a defect is a [`Mutant`].

mod cluster;
mod config;
mod connect;
mod defect;
mod disk;
mod drive;
mod election_link;
mod fault;
mod misbehave;
mod mutant;
mod network;
mod outcome;
mod record;
mod rng;
mod schedule;
mod server;
mod story;

use zab_trace::{Event, Header, Implementation, Source};

pub use config::{Config, FaultProfile, Faults};
pub use defect::{Defect, DriverMutant};
pub use mutant::{Mutant, mutants};
pub use outcome::{Histories, Outcome, Stats, Violation};
pub use record::{record, write};
pub use story::{story_config, tell};

use cluster::Cluster;

/// A run: what it came to, and its trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// What the run came to.
    pub outcome: Outcome,
    /// The trace's lines, in the order of virtual time.
    pub events: Vec<Event>,
}

/// Runs a cluster and keeps its trace in memory.
#[must_use]
pub fn simulate(seed: u64, config: &Config) -> Run {
    let mut events = Vec::new();
    let outcome = simulate_into(seed, config, &mut |event| events.push(event.clone()));
    Run { outcome, events }
}

/// Runs a cluster and hands over each line of its trace as it is written; what the run needs of
/// memory does not grow with the trace, apart from the servers' logs.
pub fn simulate_into(seed: u64, config: &Config, sink: &mut dyn FnMut(&Event)) -> Outcome {
    Cluster::new(seed, config, sink).run()
}

/// The header of a run's trace.
#[must_use]
pub fn header(seed: u64, config: &Config) -> Header {
    let implementation = Implementation {
        name: env!("CARGO_PKG_NAME").to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let servers = (1..=u64::from(config.servers)).collect();
    let mut header = Header::new(Source::Sim, implementation, servers);
    header.window = config.window;
    header.seed = Some(seed);
    header
}
