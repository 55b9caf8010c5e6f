//! The flags of `check`, most of which `explore` has too.

use std::path::PathBuf;
use std::str::FromStr;

use clap::builder::PossibleValuesParser;
use clap::{Args, ValueEnum};
use zab_model::Profile;
use zab_paper::READINGS;

use super::values;
use crate::export::Export;
use crate::report::ci::Reports;

pub(super) const EXAMPLES: &str = "\
Examples:
  zabcheck check                                       the preset `quick`, of both families
  zabcheck check --preset merge --baseline counts.json --write-baseline
  zabcheck check --preset merge --baseline counts.json
  zabcheck check --list                                presets, explorations and properties
  zabcheck check --profile 3.9.1 --requests 1          what a release of ZooKeeper does
  zabcheck check --requests 2 --crashes 1 --rounds 2 --json counts.json
  zabcheck check --model paper --servers 3 --txns 2 --timeouts 2 --restarts 1 --symmetry
  zabcheck check --model paper --servers 3 --timeouts 1 --liveness
  zabcheck check --model paper --servers 3 --txns 2 --timeouts 2 --ghosts --reading epoch-first
  zabcheck check --model paper --servers 3 --failures unlimited --symmetry
  zabcheck check --model paper --servers 2 --txns 2 --failures unlimited --liveness
  zabcheck check --model paper --deadlock              a run that gets stuck is a violation

A baseline holds the counts of explorations, and those of this run must be the same. The flag
--write-baseline writes it, the first time and after a change of the model that is meant.

Exit codes: 0 all hold and every run was looked at; 1 a property is violated, or counts differ from
the baseline; 2 incomplete (a limit, Ctrl-C, a fault of
the model) or vacuous; 3 bad input or usage, or the output
could not be written.";

/// Which model is explored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Family {
    /// ZAB as ZooKeeper implements it, or as --profile has it
    Zookeeper,
    /// ZAB as published, at the grain of its authors' Zab.tla
    Paper,
}

impl Family {
    /// Its name, as in the model's own presets.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Zookeeper => "zookeeper",
            Self::Paper => "paper",
        }
    }
}

fn reading_names() -> [&'static str; READINGS.len()] {
    READINGS.map(|reading| reading.name)
}

/// A named set of explorations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Preset {
    /// For every commit: under 20 seconds
    Quick,
    /// Before a merge: under 5 minutes
    Merge,
    /// For the night: up to an hour, and memory for hundreds of millions of states
    Nightly,
}

impl From<Preset> for zab_presets::Preset {
    fn from(preset: Preset) -> Self {
        match preset {
            Preset::Quick => Self::Quick,
            Preset::Merge => Self::Merge,
            Preset::Nightly => Self::Nightly,
        }
    }
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
    /// Which model to explore: of a preset, both if not given; with bounds, zookeeper
    #[arg(long, value_enum)]
    pub(crate) model: Option<Family>,
    /// Named explorations; not together with single bounds [default: quick]
    #[arg(long, value_enum, conflicts_with_all = ["Bounds", "PaperBounds"])]
    pub(crate) preset: Option<Preset>,
    /// List presets, their explorations and all properties, and explore nothing
    #[arg(long)]
    pub(crate) list: bool,
    /// Model zookeeper: what servers do where releases differ, as `zabcheck profiles` lists it
    /// (default: fixed)
    #[arg(long, value_name = "RELEASE[,SWITCH=VALUE]…", value_parser = super::profile)]
    pub(crate) profile: Option<Profile>,
    #[command(flatten)]
    pub(crate) bounds: Bounds,
    #[command(flatten)]
    pub(crate) paper: PaperBounds,
    #[command(flatten)]
    pub(crate) limits: Limits,
    #[command(flatten)]
    pub(crate) files: Files,
    /// Take it for a violation if a run gets stuck: in a state without a step, where there is more to
    /// be done and the bounds allow it
    #[arg(long)]
    pub(crate) deadlock: bool,
    /// Write the shortest of the runs that violate a property; the extension says how: .svg and .mmd
    /// (Mermaid) are sequence diagrams, .itf.json and .json are for other tools
    #[arg(long, value_name = "FILE")]
    pub(crate) export: Option<Export>,
    /// Write the result for machines; - prints it, and what is for people on standard error
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) reports: Reports,
    /// Compare the counts with those in FILE
    #[arg(long, value_name = "FILE")]
    pub(crate) baseline: Option<PathBuf>,
    /// Write the counts into the file of --baseline, whatever it holds, and compare nothing
    #[arg(long, requires = "baseline")]
    pub(crate) write_baseline: bool,
}

/// What a run may use, and where it stops although there is more to see.
#[derive(Clone, Copy, Debug, Default, Args)]
#[command(next_help_heading = "Limits")]
pub(crate) struct Limits {
    /// Threads; all cores if not given
    #[arg(long, value_name = "N", value_parser = values::threads)]
    pub(crate) threads: Option<usize>,
    /// Memory for tables, log and frontier, such as 8GiB; most of what is free if not given
    #[arg(long, value_name = "SIZE", value_parser = values::memory)]
    pub(crate) memory: Option<bytesize::ByteSize>,
    /// Stop an exploration after this many distinct states; it is then incomplete
    #[arg(long, value_name = "N")]
    pub(crate) states_max: Option<u64>,
    /// Stop an exploration after this many levels of steps; it is then incomplete
    #[arg(long, value_name = "N")]
    pub(crate) depth_max: Option<u64>,
    /// Stop an exploration after this many seconds; it is then incomplete
    #[arg(long, value_name = "N")]
    pub(crate) seconds_max: Option<u32>,
    /// Stop as soon as a property is violated; whether others are is then not known
    #[arg(long)]
    pub(crate) stop_when_violated: bool,
}

/// What a long run keeps in files.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Long runs: one exploration, without --liveness")]
pub(crate) struct Files {
    /// Keep in files in DIR what memory is short of: states that wait, how each state was reached,
    /// and in the end which states were visited. Nothing is left of them
    #[arg(long, value_name = "DIR")]
    pub(crate) spill: Option<PathBuf>,
    /// Save the run in DIR between two levels, so that another process can go on with it
    #[arg(long, value_name = "DIR")]
    pub(crate) checkpoint: Option<PathBuf>,
    /// Go on with the run that is saved in the folder of --checkpoint
    #[arg(long, requires = "checkpoint")]
    pub(crate) resume: bool,
    /// Model paper, --failures unlimited: write the closed set of states, so that `zab-certify` can
    /// confirm that it is closed
    #[arg(long, value_name = "FILE", conflicts_with = "resume")]
    pub(crate) certificate: Option<PathBuf>,
}

/// Single bounds; what is not given is 3 servers, 1 request, 1 election and no fault.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Args)]
#[command(next_help_heading = "Bounds of --model zookeeper; servers and timeouts of both models")]
#[group(multiple = true)]
pub(crate) struct Bounds {
    /// Voting servers: 2 or 3 [default: 3]; of model paper: 2 to 5 [default: 2]
    #[arg(long, value_name = "N")]
    pub(crate) servers: Option<u8>,
    /// Client requests in a run [default: 1]
    #[arg(long, value_name = "N")]
    pub(crate) requests: Option<u8>,
    /// Crashes in a run; each may be followed by a restart [default: 0]
    #[arg(long, value_name = "N")]
    pub(crate) crashes: Option<u8>,
    /// Times that a server gives up its role; model paper: connections that break
    #[arg(long, value_name = "N")]
    pub(crate) timeouts: Option<u8>,
    /// Broken connections in a run [default: 0]
    #[arg(long, value_name = "N")]
    pub(crate) disconnects: Option<u8>,
    /// Elections in a run [default: 1]; with --election fle: returns from a role to LOOKING
    #[arg(long, value_name = "N")]
    pub(crate) rounds: Option<u8>,
    /// Repeated notifications in a run [default: 0]
    #[arg(long, value_name = "N")]
    pub(crate) resends: Option<u8>,
    /// How leaders are found [default: oracle]
    #[arg(long, value_enum)]
    pub(crate) election: Option<Election>,
    /// Committed transactions that a leader keeps for DIFF [default: 500]
    #[arg(long, value_name = "N")]
    pub(crate) window: Option<u16>,
}

/// How many failures there may be, if they are not counted by kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Failures {
    /// Any number
    Unlimited,
}

/// Which epochs a leader may decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Epochs {
    /// Up to this one.
    UpTo(u8),
    /// Any later one.
    Any,
}

impl FromStr for Epochs {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "any" => Ok(Self::Any),
            number => number
                .parse()
                .map(Self::UpTo)
                .map_err(|_| "expected a number up to 255, or `any`".to_owned()),
        }
    }
}

/// Bounds and options of `--model paper`; what is not given is 2 servers, 1 transaction, no fault.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
#[command(next_help_heading = "Bounds and readings of --model paper")]
#[group(multiple = true)]
pub(crate) struct PaperBounds {
    /// Transactions in a history [default: 1]
    #[arg(long, value_name = "N")]
    pub(crate) txns: Option<u8>,
    /// Model paper: epochs, unbounded if not given; `any`, with --failures unlimited: a leader may
    /// decide any later epoch, not only one more than the greatest it has heard of
    #[arg(long, value_name = "N|any")]
    pub(crate) epochs: Option<Epochs>,
    /// Model paper: `unlimited` leaves out the bounds on failures, requests and epochs; the report
    /// says what is then taken for one
    #[arg(long, value_enum, conflicts_with_all = ["timeouts", "restarts", "ghosts"])]
    pub(crate) failures: Option<Failures>,
    /// Crashes, each with its recovery [default: 0]
    #[arg(long, value_name = "N")]
    pub(crate) restarts: Option<u8>,
    /// Model paper: read the paper otherwise; `--list` says what each reading is. Repeatable
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(reading_names()))]
    pub(crate) reading: Vec<String>,
    /// Model paper: one state stands for all that differ by a permutation of the servers
    #[arg(long)]
    pub(crate) symmetry: bool,
    /// Model paper: remember what the properties over whole runs need; counts are then larger
    #[arg(long)]
    pub(crate) ghosts: bool,
    /// Model paper: check liveness under fairness as well; with --failures unlimited, of what comes
    /// about after the last failure, whenever that is
    #[arg(long, conflicts_with = "symmetry")]
    pub(crate) liveness: bool,
}
