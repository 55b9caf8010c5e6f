//! `zab-server`: one server of an ensemble.

use std::path::PathBuf;
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

Clients of ZooKeeper connect to the client port. SIGTERM and SIGINT stop the server cleanly.

Exit codes:
  0  stopped cleanly
  1  failed while running: the disk, the trace or this text could not be written
  3  bad usage or a configuration that cannot be used
  4  the data directory is damaged, in use by another server, or holds a transaction that this
     server cannot apply
  5  a port of this server is taken";

/// A ZooKeeper-like coordination server: one of the servers of an ensemble.
#[derive(Debug, Parser)]
#[command(version, after_help = AFTER_HELP)]
struct Arguments {
    /// The configuration in ZooKeeper's format; the file myid must lie in its dataDir.
    #[arg(value_name = "ZOO.CFG")]
    config: PathBuf,
    /// A setting as if it stood in the configuration, like the Java properties that ZooKeeper is
    /// started with; may be repeated.
    #[arg(short = 'D', value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Start although the configuration has this setting, or settings that begin like this with a
    /// dot at the end, which this server does not support; may be repeated.
    #[arg(long, value_name = "KEY")]
    tolerate: Vec<String>,
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
    let options = Options { set: &arguments.set, tolerate: &arguments.tolerate };
    let config = Config::load(&arguments.config, options)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(ServerError::Runtime)?;
    let served = runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate()).map_err(ServerError::Runtime)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(ServerError::Runtime)?;
        let stop = async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        serve(config, arguments.trace.as_deref(), stop).await
    });
    // Connections end with the process; none of their tasks has anything left to do.
    runtime.shutdown_background();
    served
}
