//! All flags and help texts.

mod bugs;
mod check;
mod diff;
mod explore;
mod import;
mod named;
mod record;
mod values;

use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};
use zab_model::{Grain, Profile};

pub(crate) use bugs::{Bugs, Releases, Replay};
pub(crate) use check::{
    Bounds, Check, Election, Epochs, Failures, Family, Files, Limits, PaperBounds,
};
pub(crate) use diff::Diff;
pub(crate) use explore::Explore;
pub(crate) use import::Import;
pub(crate) use named::Named;
pub(crate) use record::{Implementation, Record, Target};
pub(crate) use values::{command, conflict};

use crate::exit;
use crate::export::Picture;
use crate::report::ci::Reports;
use named::{named, profile};

/// Checks ZooKeeper's atomic broadcast: its model, and real runs against the model.
#[derive(Debug, Parser)]
#[command(name = "zabcheck", version = crate::report::VERSION, after_help = exit::TABLE, max_term_width = 100)]
#[command(propagate_version = true)]
pub(crate) struct Cli {
    /// Print nothing but what went wrong, and what is asked for with --json - or --github
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
    /// Colours of verdicts; auto: on a terminal, unless NO_COLOR is set
    #[arg(long, global = true, value_name = "WHEN", default_value_t)]
    pub(crate) color: clap::ColorChoice,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check the model, run a real ensemble whose leader is killed, and check that run: all in one.
    #[command(after_help = "Example:\n  zabcheck verify")]
    Verify(Verify),
    /// Explore the model exhaustively within bounds and check its properties.
    #[command(after_help = check::EXAMPLES)]
    Check(Check),
    /// Look at the model by hand: step by step in a browser, or one path as text.
    #[command(after_help = "Examples:\n  zabcheck explore\n  \
        zabcheck explore --model paper --servers 3 --timeouts 1 --address 127.0.0.1:0\n  \
        zabcheck explore --model paper --path 0/0/1 --export run.svg\n\n\
        Properties are evaluated in the states of the run that is shown; `zabcheck check` looks at \
        all runs.")]
    Explore(Explore),
    /// Feed recorded traces through the model: is every step legal?
    #[command(after_help = "Examples:\n  zabcheck conform runs/leader-kill\n  \
        zabcheck conform server-1.ndjson server-2.ndjson server-3.ndjson --json verdict.json\n  \
        zabcheck conform --each runs/*\n  \
        zabcheck conform run.ndjson --profile 3.9.1\n  \
        zabcheck conform run.ndjson --profile fixed,acks_of_cut=kept")]
    Conform(Conform),
    /// Show the messages in a capture of the bytes between servers.
    #[command(after_help = "Examples:\n  zabcheck decode run.raw.ndjson\n  \
        zabcheck decode run.raw.ndjson --only PROPOSAL,ACK,COMMIT --json messages.json\n  \
        zabcheck decode run.raw.ndjson --servers 1,2,3 --observers 4 --export run.svg")]
    Decode(Decode),
    /// Look for violated properties in a capture of the bytes between servers, without the model.
    #[command(after_help = "Examples:\n  zabcheck wire runs/stale-ack\n  \
        zabcheck wire run.raw.ndjson --servers 1,2,3 --observers 4\n\n\
        Which steps the protocol allows is not looked at. zabcheck explain W-QUORUM tells what a \
        property says.")]
    Wire(Wire),
    /// Tell from a capture which releases its servers can be: what packets show of what releases do
    /// differently, and of which releases each voter is a run of the model.
    #[command(after_help = "Examples:\n  zabcheck diagnose runs/leader-kill\n  \
        zabcheck diagnose run.raw.ndjson --servers 1,2,3\n\n\
        Most switches of the profiles (zabcheck profiles) are about what no packet shows: nothing is \
        said about them.")]
    Diagnose(Diagnose),
    /// Check what clients saw: is every promise that ZooKeeper makes to clients kept?
    #[command(after_help = "Examples:\n  zabcheck history run.history.ndjson\n  \
        zabcheck history client-1.ndjson client-2.ndjson --export run.svg --json verdict.json")]
    History(History),
    /// Show a rule of the protocol, or list them all.
    #[command(after_help = "Examples:\n  zabcheck explain l.3.2\n  zabcheck explain")]
    Explain(Explain),
    /// List the releases of ZooKeeper that the model knows, and what they do differently.
    #[command(after_help = "Examples:\n  zabcheck profiles\n  zabcheck profiles 3.9.1\n  \
        zabcheck check --profile 3.9.1,acks_of_cut=withdrawn")]
    Profiles(Profiles),
    /// Find the known bugs of ZooKeeper's protocol, each from empty disks.
    #[command(after_help = bugs::EXAMPLES)]
    Bugs(Bugs),
    /// Make a saved run of the model again, and judge each of its steps.
    #[command(after_help = "Examples:\n  zabcheck bugs H-01 --save run.json\n  \
        zabcheck replay run.json\n  zabcheck replay run.json --only 2 --export run.svg")]
    Replay(Replay),
    /// Find what servers of one profile can show on the wire that servers of another one cannot.
    #[command(after_help = diff::EXAMPLES)]
    Diff(Diff),
    /// Look for a run of the model that agrees with a trace of the TLA+ specifications.
    #[command(after_help = import::EXAMPLES)]
    Import(Import),
    /// Show which release of ZooKeeper has which known bug.
    #[command(after_help = "Examples:\n  zabcheck releases\n  zabcheck releases 3.8.6")]
    Releases(Releases),
    /// Run real servers through a scenario with faults, and record their trace.
    #[command(after_help = "Examples:\n  zabcheck record --list\n  \
        zabcheck record --target zab-server --scenario leader-kill --out runs/leader-kill\n  \
        zabcheck record --scenario truncate --times 10 --out runs/truncate\n  \
        zabcheck record --scenario leader-cut --servers 5 --out runs/leader-cut\n  \
        zabcheck record --target apache --scenario stale-ack --out runs/stale-ack\n  \
        zabcheck record --target mixed --run 2=zab-server --scenario leader-kill --out runs/mixed\n  \
        zabcheck record --server './my-server {cfg} --trace {trace}' --scenario leader-kill --out runs/mine")]
    Record(Record),
    /// Check that trace files are well formed, without the model.
    #[command(after_help = "Example:\n  zabcheck lint runs/leader-kill")]
    Lint(Lint),
    /// Check the checker: corrupted traces and defective implementations must be found.
    #[command(after_help = "Examples:\n  zabcheck selftest\n  \
        zabcheck selftest --mutations 5 --json table.json --keep wrong")]
    Selftest(Selftest),
    /// Measure the checker's speed and memory on a generated trace.
    #[command(after_help = "Example:\n  zabcheck bench --events 1000000")]
    Bench(Bench),
    /// Print a script that completes this program's commands and flags in a shell.
    #[command(
        after_help = "Example:\n  zabcheck completions bash > /etc/bash_completion.d/zabcheck"
    )]
    Completions(Completions),
    /// Write manual pages.
    #[command(after_help = "Example:\n  zabcheck man --out /usr/local/share/man/man1")]
    Man(Man),
}

impl Command {
    /// Whether it takes so long that, asked to end, it first tells what it has.
    pub(crate) fn tells_what_it_has(&self) -> bool {
        match self {
            Self::Verify(_)
            | Self::Check(_)
            | Self::Bugs(_)
            | Self::Diff(_)
            | Self::Explore(_)
            | Self::Conform(_)
            | Self::Record(_)
            | Self::Selftest(_)
            | Self::Bench(_)
            | Self::Man(_) => true,
            Self::Decode(_)
            | Self::Explain(_)
            | Self::Profiles(_)
            | Self::Releases(_)
            | Self::Replay(_)
            | Self::Import(_)
            | Self::Wire(_)
            | Self::Diagnose(_)
            | Self::History(_)
            | Self::Lint(_)
            | Self::Completions(_) => false,
        }
    }

    /// Where its result for machines goes, if it writes one.
    pub(crate) fn json(&self) -> Option<&Path> {
        match self {
            Self::Check(args) => args.json.as_deref(),
            Self::Bugs(args) => args.json.as_deref(),
            Self::Releases(args) => args.json.as_deref(),
            Self::Import(args) => args.json.as_deref(),
            Self::Diff(args) => args.json.as_deref(),
            Self::Conform(args) => args.json.as_deref(),
            Self::Decode(args) => args.json.as_deref(),
            Self::Wire(args) => args.json.as_deref(),
            Self::Diagnose(args) => args.json.as_deref(),
            Self::History(args) => args.json.as_deref(),
            Self::Selftest(args) => args.json.as_deref(),
            Self::Verify(args) => args.json.as_deref(),
            Self::Record(args) => args.json.as_deref(),
            Self::Lint(args) => args.json.as_deref(),
            Self::Bench(args) => args.json.as_deref(),
            Self::Explore(_)
            | Self::Explain(_)
            | Self::Profiles(_)
            | Self::Replay(_)
            | Self::Completions(_)
            | Self::Man(_) => None,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// Where to leave the recorded run (default: a temporary folder, kept only if something fails)
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Write the result for machines; - prints it, and what is for people on standard error
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) reports: Reports,
}

#[derive(Debug, Args)]
pub(crate) struct Conform {
    /// Trace files, or folders whose *.ndjson files form one trace; - is standard input
    #[arg(required = true, value_name = "FILE|DIR")]
    pub(crate) paths: Vec<PathBuf>,
    /// Write the result for machines; - prints it, and what is for people on standard error
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Write the model run that explains the trace
    #[arg(long, value_name = "FILE", conflicts_with = "each")]
    pub(crate) witness: Option<PathBuf>,
    /// Draw the messages around the line that the verdict is about; the extension says how: .svg, or
    /// .mmd for Mermaid
    #[arg(long, value_name = "FILE", conflicts_with = "each")]
    pub(crate) export: Option<Picture>,
    /// Each path is a trace of its own: check one after the other, and print a summary
    #[arg(long)]
    pub(crate) each: bool,
    /// The rules that the servers follow, as `zabcheck profiles` lists them [default: of a trace
    /// `fixed`, of a capture those of the release that its header names]
    #[arg(long, value_name = "RELEASE[,SWITCH=VALUE]…", value_parser = named)]
    pub(crate) profile: Option<Named>,
    #[command(flatten)]
    pub(crate) members: Members,
    #[command(flatten)]
    pub(crate) reports: Reports,
}

#[derive(Debug, Args)]
pub(crate) struct Decode {
    /// The capture: one JSON object per line, as docs/src/capture.md describes
    #[arg(value_name = "FILE")]
    pub(crate) capture: PathBuf,
    /// Show messages of these names only, such as NOTIFICATION or PROPOSAL
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) only: Vec<String>,
    #[command(flatten)]
    pub(crate) members: Members,
    /// Draw what is shown (without --only: all but PING), at most 2,000 rows; the extension says how:
    /// .svg, or .mmd for Mermaid
    #[arg(long, value_name = "FILE")]
    pub(crate) export: Option<Picture>,
    /// Write the messages for machines; - prints them, and what is for people on standard error
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Wire {
    /// Captures, or folders with captures (*.raw.ndjson)
    #[arg(required = true, value_name = "FILE|DIR")]
    pub(crate) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) members: Members,
    /// Write the result for machines; - prints it, and what is for people on standard error
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) reports: Reports,
}

#[derive(Debug, Args)]
pub(crate) struct Diagnose {
    /// Captures, or folders with captures (*.raw.ndjson)
    #[arg(required = true, value_name = "FILE|DIR")]
    pub(crate) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) members: Members,
    /// Write the result for machines; - prints it, and what is for people on standard error
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

/// Who takes part in a capture without a header that says so.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Members {
    /// Of a capture: the ids of the servers (default: what its header says)
    #[arg(long, value_name = "IDS", value_delimiter = ',',
          value_parser = values::number::<i64>(1..=255))]
    pub(crate) servers: Vec<i64>,
    /// Of a capture: the ids of the observers, which are named in --servers too or here only (default: what its
    /// header says)
    #[arg(long, value_name = "IDS", value_delimiter = ',', requires = "servers",
          value_parser = values::number::<i64>(1..=255))]
    pub(crate) observers: Vec<i64>,
}

#[derive(Debug, Args)]
pub(crate) struct History {
    /// The files of one history, as conformance/history/README.md describes them; - is standard input
    #[arg(required = true, value_name = "FILE")]
    pub(crate) paths: Vec<PathBuf>,
    /// Write the result for machines; - prints it, and what is for people on standard error
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Draw the operations that a violation, or else the first stale read, rests on; the extension
    /// says how: .svg, or .mmd for Mermaid
    #[arg(long, value_name = "FILE")]
    pub(crate) export: Option<Picture>,
    #[command(flatten)]
    pub(crate) reports: Reports,
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// Its id, as in a divergence (default: list all)
    #[arg(value_name = "RULE")]
    pub(crate) id: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Profiles {
    /// A release, with switches set otherwise or not (default: all releases side by side)
    #[arg(value_name = "RELEASE[,SWITCH=VALUE]…", value_parser = profile)]
    pub(crate) profile: Option<Profile>,
}

/// A grain by its name; of a name that nothing has, what may have been meant.
fn grain(text: &str) -> Result<Grain, String> {
    let distance = |grain: &Grain| strsim::damerau_levenshtein(grain.name(), text);
    let nearest = Grain::ALL.into_iter().min_by_key(distance).unwrap_or_default();
    let known = Grain::ALL.map(Grain::name).join(", ");
    if nearest.name() == text {
        return Ok(nearest);
    }
    Err(format!("no grain is named {text}; expected {known}; the nearest is {nearest}"))
}

#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// Which shell
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub(crate) struct Man {
    /// Folder for the pages
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Lint {
    /// Trace files, or folders whose *.ndjson files form one trace; - is standard input
    #[arg(required = true, value_name = "FILE|DIR")]
    pub(crate) paths: Vec<PathBuf>,
    /// Write the result for machines; - prints it, and what is for people on standard error
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) reports: Reports,
}

#[derive(Debug, Args)]
pub(crate) struct Selftest {
    /// Simulated runs tried for each defective implementation
    #[arg(long, default_value_t = 300, value_name = "N",
          value_parser = values::number::<u64>(1..=1_000_000))]
    pub(crate) seeds: u64,
    /// The corpus: folders `accept`, `reject` and `incomplete` of traces whose headers say what to expect
    /// (default: the one that this program was built with)
    #[arg(long, value_name = "DIR")]
    pub(crate) corpus: Option<PathBuf>,
    /// Try each kind of corruption so often under each contract, and show a row for each
    /// (default: once under one contract, and a row for each group)
    #[arg(long, value_name = "N", value_parser = values::number::<u32>(1..=1_000))]
    pub(crate) mutations: Option<u32>,
    /// Write the result for machines; - prints it, and what is for people on standard error
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) reports: Reports,
    /// Folder for traces about which the checker is wrong
    #[arg(long, value_name = "DIR")]
    pub(crate) keep: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// Events in the larger of the two generated traces (the smaller has a tenth)
    #[arg(long, default_value_t = 1_000_000, value_name = "N",
          value_parser = values::number::<u64>(10..=1_000_000_000))]
    pub(crate) events: u64,
    /// Write the result for machines; - prints it, and what is for people on standard error
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}
