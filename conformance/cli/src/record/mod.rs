//! Recording: real servers, a scenario, and the trace that they leave.

mod binary;
mod client;
mod ensemble;
mod files;
mod harness;
mod order;
pub(crate) mod scenario;
mod shown;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use zab_capture::ProcessError;
use zab_trace::{Event, ReadError, ServerId, Trace};

use client::ClientError;
use ensemble::Ensemble;
use scenario::Scenario;

use crate::exit::Exit;
use crate::interrupt;

pub(crate) use binary::find as find_server;

/// Why a scenario could not be recorded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecordError {
    /// The folder for the trace is in use.
    #[error("{} is not empty: give a new folder with --out", .0.display())]
    NotEmpty(PathBuf),
    /// The system failed.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// Why it failed.
        source: io::Error,
    },
    /// Too few ports were reserved.
    #[error("no loopback port is free")]
    NoPorts,
    /// The scenario names a server that does not exist.
    #[error("there is no server {0}")]
    NoSuchServer(ServerId),
    /// The scenario needs a server that does not run.
    #[error("server {0} does not run")]
    NotRunning(ServerId),
    /// The scenario waits for a leader of nobody.
    #[error("no server runs")]
    NobodyRuns,
    /// A server's process failed.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// A client's call failed.
    #[error("client: {0}")]
    Client(#[from] ClientError),
    /// A write that was acknowledged cannot be read.
    #[error("server {server} does not have {path}, whose creation was acknowledged")]
    Lost {
        /// Where it was read.
        server: ServerId,
        /// What was written.
        path: String,
    },
    /// A server did not stop cleanly.
    #[error("{name} did not stop cleanly: {status}")]
    BadStop {
        /// Which server.
        name: String,
        /// Its exit status.
        status: String,
    },
    /// The trace cannot be read back.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The user asked for the end.
    #[error("interrupted")]
    Interrupted,
    /// The run took place, but was not what the scenario says.
    #[error("the run does not show the scenario {name:?}: {what}")]
    NotShown {
        /// The scenario.
        name: &'static str,
        /// What is missing.
        what: String,
    },
}

/// How a command ends that failed to record: a lost write is a violation, a run that shows
/// something else is no verdict, and the rest is for the user to mend.
pub(crate) fn exit_of(error: &RecordError) -> Exit {
    match error {
        RecordError::Lost { .. } => Exit::Bad,
        RecordError::NotShown { .. }
        | RecordError::Interrupted
        | RecordError::Client(_)
        | RecordError::Process(_)
        | RecordError::BadStop { .. }
        | RecordError::Read(_) => Exit::Unknown,
        RecordError::NotEmpty(_)
        | RecordError::Io { .. }
        | RecordError::NoPorts
        | RecordError::NoSuchServer(_)
        | RecordError::NotRunning(_)
        | RecordError::NobodyRuns => Exit::Usage,
    }
}

/// A recorded run.
pub(crate) struct Recorded {
    /// Lives of all servers.
    pub(crate) incarnations: usize,
    /// Lines of the trace.
    pub(crate) events: usize,
    /// Which causal order it was: equal numbers, equal orders.
    pub(crate) order: u64,
}

/// Runs a scenario on real servers and leaves its trace in `out`: also that of a run that fails or
/// is interrupted, with the end of every life, so that it can be checked up to there.
///
/// # Errors
/// When the folder is in use, a server or client fails, an acknowledged write is lost, or the run
/// does not show what the scenario promises.
pub(crate) fn record(
    program: &Path,
    scenario: &Scenario,
    out: &Path,
) -> Result<Recorded, RecordError> {
    let io = |what| move |source| RecordError::Io { what, source };
    fs::create_dir_all(out).map_err(io("making the folder for the trace"))?;
    let out = out.canonicalize().map_err(io("finding the folder for the trace"))?;
    let mut entries = fs::read_dir(&out).map_err(io("reading the folder for the trace"))?;
    if entries.next().is_some() {
        return Err(RecordError::NotEmpty(out));
    }
    let mut ensemble = Ensemble::prepare(program, &out, scenario)?;
    let ran = (scenario.run)(&mut ensemble).and_then(|()| ensemble.stop());
    let ended = ensemble.end();
    drop(ensemble);
    // What the user ended fails in many ways.
    if interrupt::asked() {
        return Err(RecordError::Interrupted);
    }
    ran.and(ended)?;
    let trace = Trace::load(&[&out])?;
    let incarnations = trace.files.len() - 1;
    let events: Vec<Event> =
        trace.files.into_iter().flat_map(|file| file.events).map(|located| located.event).collect();
    (scenario.shown)(&events)
        .map_err(|what| RecordError::NotShown { name: scenario.name, what })?;
    Ok(Recorded { incarnations, events: events.len(), order: order::causal_order(&events) })
}

/// Whether a recording, however it ended, has left something to check in its folder.
pub(crate) fn left_a_run(recorded: &Result<Recorded, RecordError>, out: &Path) -> bool {
    !matches!(recorded, Err(RecordError::NotEmpty(_))) && out.join(harness::TRACE).is_file()
}
