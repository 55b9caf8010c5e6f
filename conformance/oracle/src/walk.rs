//! Random runs of the model, shown as traces.
//!
//! Servers take random steps of the model; what a step produces is shown some time later, as a
//! driver with queues would. It uses the model and the words of the trace, and nothing of the
//! search that is to accept what it shows.

mod net;
pub(crate) mod node;
mod run;

use thiserror::Error;
use zab_model::explore::{Action, Election, Start, Zab};
use zab_model::profile::OlderConnection;
use zab_model::{Grain, Profile};
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
    let mut header = header(shape);
    header.seed = Some(seed);
    let events = Walker::new(seed, shape, profile).map(Walker::run).unwrap_or_default();
    (header, events)
}

fn header(shape: &Walk) -> Header {
    let name = env!("CARGO_PKG_NAME").to_owned();
    let implementation = Implementation { name, version: env!("CARGO_PKG_VERSION").to_owned() };
    let servers = (1..=u64::from(shape.servers)).collect();
    let mut header = Header::new(Source::Model, implementation, servers);
    header.window = shape.window;
    header.contract.state = shape.state;
    header
}

/// A run that an exploration has found, from empty disks, as a trace: the same steps at every
/// server, elections with notifications in place of those of the oracle. In the end every server
/// that runs is killed.
///
/// # Errors
/// Why the run cannot be shown in a trace.
pub fn script<const N: usize, const P: usize>(
    model: &Zab<N, P>,
    actions: &[Action],
) -> Result<(Header, Vec<Event>), NotShown> {
    match (model.bounds.election, model.ensemble.grain, model.starts.as_slice()) {
        (Election::Fle | Election::FleOnly | Election::Anybody, ..) => {
            return Err(NotShown::Election);
        }
        (Election::Oracle, Grain::Threads, _) => return Err(NotShown::Threads),
        (Election::Oracle, Grain::Writes, [start]) if *start == Start::default() => {}
        (Election::Oracle, Grain::Writes, _) => return Err(NotShown::Past),
    }
    if model.ensemble.profile.older_connection == OlderConnection::Served {
        return Err(NotShown::Older);
    }
    let window = u32::try_from(model.ensemble.window).unwrap_or(u32::MAX);
    let shape = Walk { servers: model.bounds.servers, window, ..Walk::default() };
    let walker = Walker::new(0, &shape, model.ensemble.profile).ok_or(NotShown::Servers)?;
    Ok((header(&shape), walker.play(model, actions)?))
}

/// Why a run cannot be shown as a trace.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum NotShown {
    /// The ensemble is too large.
    #[error("no trace has so many servers")]
    Servers,
    /// Something was on the disks before.
    #[error("a trace begins with empty disks, and this run does not")]
    Past,
    /// An election at another grain than that of the oracle.
    #[error("only runs with `--election oracle` are made into traces")]
    Election,
    /// A run at grain `threads`.
    #[error("traces are followed at grain `writes`, and this run is one at grain `threads`")]
    Threads,
    /// A leader that serves two connections of one learner.
    #[error(
        "under older_connection=served a leader serves two connections of a learner, and a check \
         follows one"
    )]
    Older,
    /// Observers, for which the format of traces has no words.
    #[error("a trace has no words for observers")]
    Observers,
    /// A fault of a disk or of the network.
    #[error("{0}: no line of a trace shows this fault, and a check allows it to nobody")]
    NoLine(Action),
    /// The model at its finest grain does not take it there.
    #[error("{0} is not possible at the finest grain")]
    NotPossible(Action),
    /// The finest grain leads elsewhere.
    #[error("after {0} a server is not as the exploration has it")]
    Differs(Action),
}
