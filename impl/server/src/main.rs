//! `zab-server`: one server of an ensemble.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};
use zab_server::config::{Config, Options};
use zab_server::{ServerError, console, serve};

/// The system's allocator keeps most of what a flood of large writes took; this one gives it back.
#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const AFTER_HELP: &str = "\
Example, a server that listens on this machine only:

  $ cat one/zoo.cfg
  dataDir=one
  clientPort=2181
  clientPortAddress=127.0.0.1
  tickTime=2000
  initLimit=10
  syncLimit=5
  server.1=127.0.0.1:2888:3888
  server.2=127.0.0.1:2889:3889
  server.3=127.0.0.1:2890:3890
  $ echo 1 > one/myid
  $ zab-server one/zoo.cfg

Example, a server that is alone, on another port than 2181:

  $ zab-server --standalone data -D clientPort=2281

Clients of ZooKeeper connect to the client port. SIGTERM and SIGINT stop the server cleanly.

Exit codes:
  0  stopped cleanly
  1  failed while running: the disk, the trace or this text could not be written
  3  bad usage or a configuration that cannot be used
  4  the data directory is damaged, in use by another server, or holds a transaction that this
     server cannot apply
  5  a port of this server is taken";

/// A ZooKeeper-like coordination server: one of the servers of an ensemble, or alone.
#[derive(Debug, Parser)]
#[command(version, after_help = AFTER_HELP)]
struct Arguments {
    /// The configuration in ZooKeeper's format; the file myid must lie in its dataDir. Without
    /// server lines the server is alone, and needs no myid.
    #[arg(value_name = "ZOO.CFG", required_unless_present = "standalone")]
    config: Option<PathBuf>,
    /// A server that is alone, without a configuration: its data is in DIR, and clients connect to
    /// 127.0.0.1:2181.
    #[arg(long, value_name = "DIR", conflicts_with = "config")]
    standalone: Option<PathBuf>,
    /// A setting as if it stood in the configuration, like the Java properties that ZooKeeper is
    /// started with; may be repeated.
    #[arg(short = 'D', value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Start although the configuration has this setting, or settings that begin like this with a
    /// dot at the end, which this server does not support; may be repeated.
    #[arg(long, value_name = "KEY")]
    tolerate: Vec<String>,
    /// The log on standard error has lines of this level and above it: error, warn, info.
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    log_level: tracing::Level,
    /// Write what this process does to DIR/server-<id>-<incarnation>.ndjson.
    #[arg(long, value_name = "DIR")]
    trace: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            return console::usage(&error);
        }
    };
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            console::line(format_args!("zab-server: {error}"));
            error.exit_code()
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), ServerError> {
    console::begin_log(arguments.log_level);
    #[cfg(feature = "mutants")]
    assert!(zab_server::announce_mutant(), "there is no such mutant");
    let options = Options { set: &arguments.set, tolerate: &arguments.tolerate };
    let config = match (&arguments.standalone, &arguments.config) {
        (Some(directory), _) => Config::standalone(directory, options)?,
        (None, config) => Config::load(config.as_deref().unwrap_or(Path::new("")), options)?,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers())
        .enable_all()
        .build()
        .map_err(ServerError::Runtime)?;
    let trace = arguments.trace.clone();
    let serving = runtime.spawn(async move {
        let mut terminate = signal(SignalKind::terminate()).map_err(ServerError::Runtime)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(ServerError::Runtime)?;
        let stop = async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        serve(config, trace.as_deref(), stop).await
    });
    let served = runtime.block_on(serving);
    // Connections end with the process; none of their tasks has anything left to do.
    runtime.shutdown_background();
    served.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}

/// How many threads do everything but write the log. The driver and its connections hand work to
/// each other all the time, which is cheap within a thread and dear between two; so there are fewer
/// threads than processors, which others need, too: that of the log, the system's network, clients.
fn workers() -> usize {
    std::thread::available_parallelism().map_or(1, |processors| processors.get().div_ceil(2))
}
