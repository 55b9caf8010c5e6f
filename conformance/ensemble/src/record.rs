//! Recording: a scenario on real servers, and the trace that it leaves.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use zab_trace::{Event, ReadError, ServerId, Trace};

use crate::client::ClientError;
use crate::ensemble::Ensemble;
use crate::harness::TRACE;
use crate::order::causal_order;
use crate::process::ProcessError;
use crate::scenario::Scenario;
use crate::target::Target;

/// Why a scenario could not be recorded.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
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

/// A recorded run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Lives of all servers.
    pub incarnations: usize,
    /// Lines of the trace.
    pub events: usize,
    /// Which causal order it was: equal numbers, equal orders.
    pub order: u64,
}

/// What is to be recorded.
#[derive(Clone, Copy)]
pub struct Recording<'a> {
    /// Which servers.
    pub target: &'a dyn Target,
    /// How many of them, at least 3; an odd number is one that scenarios are meant for.
    pub servers: u8,
    /// What happens to them.
    pub scenario: &'a Scenario,
    /// Set when the run is to end before that.
    pub stop: &'a AtomicBool,
}

impl Recording<'_> {
    /// Takes the servers through the scenario and leaves its trace in `out`: also that of a run that
    /// fails or is stopped, with the end of every life, so that it can be checked up to there.
    ///
    /// # Errors
    /// When the folder is in use, a server or client fails, an acknowledged write is lost, or the
    /// run does not show what the scenario promises.
    pub fn run(&self, out: &Path) -> Result<Recorded, RecordError> {
        let scenario = self.scenario;
        let io = |what| move |source| RecordError::Io { what, source };
        fs::create_dir_all(out).map_err(io("making the folder for the trace"))?;
        let out = out.canonicalize().map_err(io("finding the folder for the trace"))?;
        let mut entries = fs::read_dir(&out).map_err(io("reading the folder for the trace"))?;
        if entries.next().is_some() {
            return Err(RecordError::NotEmpty(out));
        }
        let mut ensemble = Ensemble::prepare(self, out.clone())?;
        let ran = (scenario.run)(&mut ensemble).and_then(|()| ensemble.stop());
        let ended = ensemble.end();
        drop(ensemble);
        // What the user ended fails in many ways.
        if self.stop.load(Ordering::Relaxed) {
            return Err(RecordError::Interrupted);
        }
        ran.and(ended)?;
        let files = Trace::load(&[&out])?.files;
        let incarnations = files.len() - 1;
        let lines = files.into_iter().flat_map(|file| file.events);
        let events: Vec<Event> = lines.map(|located| located.event).collect();
        (scenario.shown)(&events)
            .map_err(|what| RecordError::NotShown { name: scenario.name, what })?;
        Ok(Recorded { incarnations, events: events.len(), order: causal_order(&events) })
    }
}

/// Whether a recording, however it ended, has left something to check in its folder.
#[must_use]
pub fn left_a_run(recorded: &Result<Recorded, RecordError>, out: &Path) -> bool {
    !matches!(recorded, Err(RecordError::NotEmpty(_))) && out.join(TRACE).is_file()
}
