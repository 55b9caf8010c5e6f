//! All flags and help texts.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::exit;

/// Checks ZooKeeper's atomic broadcast: its model, and real runs against the model.
#[derive(Debug, Parser)]
#[command(name = "zabcheck", version, after_help = exit::TABLE, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check the model, run a real ensemble whose leader is killed, and check that run: all in one.
    #[command(after_help = "Example:\n  zabcheck verify")]
    Verify(Verify),
    /// Explore the model exhaustively within bounds and check its properties.
    #[command(after_help = "Examples:\n  zabcheck check\n  zabcheck check --preset quick\n  \
        zabcheck check --requests 2 --crashes 1 --rounds 2 --json counts.json\n  \
        zabcheck check --model paper --servers 3 --txns 1 --timeouts 1 --epochs 2")]
    Check(Check),
    /// Feed recorded traces through the model: is every step legal?
    #[command(after_help = "Examples:\n  zabcheck conform runs/leader-kill\n  \
        zabcheck conform server-1.ndjson server-2.ndjson server-3.ndjson --json verdict.json")]
    Conform(Conform),
    /// Run real servers through a scenario with faults, and record their trace.
    #[command(after_help = "Examples:\n  zabcheck record --list\n  \
        zabcheck record --target zab-server --scenario leader-kill --out runs/leader-kill\n  \
        zabcheck record --scenario truncate --times 10 --out runs/truncate")]
    Record(Record),
    /// Check that trace files are well formed, without the model.
    #[command(after_help = "Example:\n  zabcheck lint runs/leader-kill")]
    Lint(Lint),
    /// Check the checker: corrupted traces and defective implementations must be found.
    #[command(after_help = "Example:\n  zabcheck selftest")]
    Selftest(Selftest),
    /// Measure the checker's speed and memory on a generated trace.
    #[command(after_help = "Example:\n  zabcheck bench --events 1000000")]
    Bench(Bench),
}

#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// Where to leave the recorded run (default: a temporary folder, kept only if something fails)
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

/// Which model is explored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Family {
    /// ZAB as ZooKeeper implements it, profile `fixed`
    Zookeeper,
    /// ZAB as published, at the grain of its authors' Zab.tla
    Paper,
}

/// A named set of explorations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Preset {
    /// What `verify` explores: every phase with faults, and election message by message
    Default,
    /// A few seconds
    Quick,
    /// Up to ten minutes
    Thorough,
}

/// How leaders are found in an exploration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Election {
    /// One coarse step elects
    Oracle,
    /// One coarse step, and anybody who looks may win
    Anybody,
    /// Fast leader election with all its messages
    Fle,
    /// Fast leader election alone, nothing after it
    FleOnly,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Which model to explore
    #[arg(long, value_enum, default_value = "zookeeper")]
    pub(crate) model: Family,
    /// Named explorations; not together with single bounds
    #[arg(long, value_enum, default_value = "default", conflicts_with_all = ["Bounds", "PaperBounds"])]
    pub(crate) preset: Preset,
    #[command(flatten)]
    pub(crate) bounds: Bounds,
    #[command(flatten)]
    pub(crate) paper: PaperBounds,
    /// Stop after this many distinct states; the run is then incomplete
    #[arg(long, value_name = "N")]
    pub(crate) states_max: Option<u64>,
    /// Stop after this many seconds; the run is then incomplete
    #[arg(long, value_name = "N")]
    pub(crate) seconds_max: Option<u32>,
    /// Write the result for machines
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

/// Single bounds; what is not given is 3 servers, 1 request, 1 election and no fault.
#[derive(Debug, Args)]
#[group(multiple = true)]
pub(crate) struct Bounds {
    /// Voting servers
    #[arg(long, value_name = "N")]
    pub(crate) servers: Option<u8>,
    /// Client requests in a run
    #[arg(long, value_name = "N")]
    pub(crate) requests: Option<u8>,
    /// Crashes in a run (each may be followed by a restart)
    #[arg(long, value_name = "N")]
    pub(crate) crashes: Option<u8>,
    /// Times that a server gives up its role
    #[arg(long, value_name = "N")]
    pub(crate) timeouts: Option<u8>,
    /// Broken connections in a run
    #[arg(long, value_name = "N")]
    pub(crate) disconnects: Option<u8>,
    /// Elections in a run; with --election fle: returns from a role to LOOKING
    #[arg(long, value_name = "N")]
    pub(crate) rounds: Option<u8>,
    /// Repeated notifications in a run
    #[arg(long, value_name = "N")]
    pub(crate) resends: Option<u8>,
    /// How leaders are found
    #[arg(long, value_enum)]
    pub(crate) election: Option<Election>,
    /// Committed transactions that a leader keeps for DIFF
    #[arg(long, value_name = "N")]
    pub(crate) window: Option<u8>,
}

/// Bounds and options of `--model paper`; what is not given is 2 servers, 1 transaction, no fault.
#[derive(Debug, Args)]
#[group(multiple = true)]
pub(crate) struct PaperBounds {
    /// Model paper: transactions in a history
    #[arg(long, value_name = "N")]
    pub(crate) txns: Option<u8>,
    /// Model paper: epochs; unbounded if not given
    #[arg(long, value_name = "N")]
    pub(crate) epochs: Option<u8>,
    /// Model paper: crashes, each with its recovery
    #[arg(long, value_name = "N")]
    pub(crate) restarts: Option<u8>,
    /// Model paper: one state stands for all that differ by a permutation of the servers
    #[arg(long)]
    pub(crate) symmetry: bool,
    /// Model paper: remember what the properties over whole runs need; counts are then larger
    #[arg(long)]
    pub(crate) ghosts: bool,
    /// Model paper: threads; all cores if not given
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,
    /// Model paper: memory for tables, log and frontier, such as 8GiB
    #[arg(long, value_name = "SIZE")]
    pub(crate) memory: Option<bytesize::ByteSize>,
}

#[derive(Debug, Args)]
pub(crate) struct Conform {
    /// Trace files, or folders whose *.ndjson files form one trace
    #[arg(required = true, value_name = "FILE|DIR")]
    pub(crate) paths: Vec<PathBuf>,
    /// Write the result for machines
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Write the model run that explains the trace
    #[arg(long, value_name = "FILE")]
    pub(crate) witness: Option<PathBuf>,
}

/// What can be recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Target {
    /// The server of this project
    ZabServer,
}

#[derive(Debug, Args)]
pub(crate) struct Record {
    /// List the scenarios
    #[arg(long)]
    pub(crate) list: bool,
    /// List their names only, one a line
    #[arg(long)]
    pub(crate) names: bool,
    /// Which server to run
    #[arg(long, value_enum, default_value = "zab-server")]
    pub(crate) target: Target,
    /// Name of the scenario
    #[arg(long, required_unless_present_any = ["list", "names"], value_name = "NAME")]
    pub(crate) scenario: Option<String>,
    /// Record so many runs, each into a numbered folder of its own, and check each at once
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) times: Option<u32>,
    /// Folder for the trace; must be empty or absent
    #[arg(long, required_unless_present_any = ["list", "names"], value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Lint {
    /// Trace files, or folders whose *.ndjson files form one trace
    #[arg(required = true, value_name = "FILE|DIR")]
    pub(crate) paths: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Selftest {
    /// Simulated runs tried for each defective implementation
    #[arg(long, default_value_t = 300, value_name = "N")]
    pub(crate) seeds: u64,
    /// The corpus: folders `accept` and `reject` of traces whose headers say what to expect
    #[arg(long, default_value = "traces/corpus", value_name = "DIR")]
    pub(crate) corpus: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// Events in the larger of the two generated traces (the smaller has a tenth)
    #[arg(long, default_value_t = 1_000_000, value_name = "N")]
    pub(crate) events: u64,
}
