//! Why a recording fails.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use zab_trace::{ReadError, ServerId};

use crate::client::ClientError;
use crate::process::ProcessError;

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
    /// The scenario looks into traces, which this server does not write.
    #[error("the scenario {0} looks into the traces, and this server writes none")]
    NeedsTrace(&'static str),
    /// A server runs, and its trace does not begin.
    #[error(
        "server {server} runs, but there is no event in its trace {} within {waited:?}: expected a \
         header line and a Start line, each written when it happens\n{log}", file.display()
    )]
    NoTrace {
        /// Which server.
        server: ServerId,
        /// Where its trace is looked for.
        file: PathBuf,
        /// How long.
        waited: Duration,
        /// The end of its log.
        log: String,
    },
    /// A server writes something else.
    #[error("server {server} writes no good trace: {source}")]
    BadTrace {
        /// Which server.
        server: ServerId,
        /// What is wrong, and where.
        source: ReadError,
    },
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
    /// A program that the scenario needs is not there.
    #[error("the scenario needs {program}: install it (apt-get install {program})")]
    NeedsProgram {
        /// Its name.
        program: &'static str,
    },
    /// The capture could not be written.
    #[error("writing the capture: {0}")]
    Capture(String),
    /// A packet that the scenario waits for did not pass.
    #[error("no {what} within {waited:?}")]
    NoPacket {
        /// What was waited for.
        what: String,
        /// How long.
        waited: Duration,
    },
    /// A story has a line that nobody can play.
    #[error("{0}")]
    Story(String),
    /// A client was told that a write is done, which no quorum can have.
    #[error("server {server} acknowledged {path}, and the story says that it cannot")]
    NotRefused {
        /// Who acknowledged it.
        server: ServerId,
        /// What was written.
        path: String,
    },
    /// A write that was refused is there, and others were written since.
    #[error("server {server} has {path}, whose creation was not acknowledged and cut off")]
    NotGone {
        /// Where it was read.
        server: ServerId,
        /// What was written.
        path: String,
    },
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
