//! The flags of `check`, most of which `explore` has too.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::{Args, ValueEnum};
use zab_model::{Grain, Profile};
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
  zabcheck check --grain threads --crashes 1           each thread of a server takes steps of its own
  zabcheck check --requests 2 --crashes 1 --rounds 2 --json counts.json
  zabcheck check --model paper --servers 3 --txns 2 --timeouts 2 --restarts 1 --symmetry
  zabcheck check --model paper --servers 3 --timeouts 1 --liveness
  zabcheck check --requests 1 --crashes 1 --rounds 2 --liveness
  zabcheck check --model paper --servers 3 --txns 2 --timeouts 2 --ghosts --reading epoch-first
  zabcheck check --model paper --servers 3 --failures unlimited --symmetry
  zabcheck check --model paper --servers 2 --txns 2 --failures unlimited --liveness
  zabcheck check --model paper --deadlock              a run that gets stuck is a violation
  zabcheck check --requests 3 --crashes 3 --rounds 4 --walks 10000 --seed 7

A baseline holds the counts of explorations, and those of this run must be the same. The flag
--write-baseline writes it, the first time and after a change of the model that is meant.

Exit codes: 0 all hold and every run was looked at; 1 a property is violated, or counts differ from
the baseline; 2 incomplete (a limit, random walks, Ctrl-C, a fault of the model) or vacuous; 3 bad
input or usage, or the output could not be written.";

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

/// Every single bound, by name.
pub(super) const SINGLE: [&str; 17] = [
    "servers",
    "timeouts",
    "requests",
    "crashes",
    "disconnects",
    "rounds",
    "resends",
    "election",
    "window",
    "txns",
    "epochs",
    "failures",
    "restarts",
    "reading",
    "symmetry",
    "ghosts",
    "liveness",
];

/// What means nothing for a list.
const EXPLORING: [&str; 20] = [
    "spill",
    "checkpoint",
    "certificate",
    "model",
    "preset",
    "profile",
    "grain",
    "deadlock",
    "walks",
    "threads",
    "memory",
    "states_max",
    "depth_max",
    "seconds_max",
    "stop_when_violated",
    "export",
    "baseline",
    "junit",
    "sarif",
    "github",
];

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Which model to explore [default: of a preset, both; with bounds, zookeeper]
    #[arg(long, value_enum)]
    pub(crate) model: Option<Family>,
    /// Named explorations; not together with single bounds [default: quick]
    #[arg(long, value_enum, conflicts_with_all = SINGLE)]
    pub(crate) preset: Option<Preset>,
    /// List presets, their explorations and all properties, and explore nothing
    #[arg(long, conflicts_with_all = SINGLE, conflicts_with_all = EXPLORING)]
    pub(crate) list: bool,
    /// Take it for a violation if a run gets stuck: in a state without a step, where there is more to
    /// be done and the bounds allow it
    #[arg(long)]
    pub(crate) deadlock: bool,
    #[command(flatten)]
    pub(crate) bounds: Bounds,
    /// What servers do where releases differ, as `zabcheck profiles` lists it [default: fixed]
    #[arg(long, value_name = "RELEASE[,SWITCH=VALUE]…", help_heading = ZOOKEEPER,
          value_parser = super::profile)]
    pub(crate) profile: Option<Profile>,
    /// How much of what a server does is one step: `writes`, everything up to the next write;
    /// `threads`, one item of one thread [default: writes]
    #[arg(long, value_name = "GRAIN", help_heading = ZOOKEEPER, value_parser = super::grain)]
    pub(crate) grain: Option<Grain>,
    #[command(flatten)]
    pub(crate) paper: PaperBounds,
    #[command(flatten)]
    pub(crate) limits: Limits,
    #[command(flatten)]
    pub(crate) files: Files,
    #[command(flatten)]
    pub(crate) walks: Walks,
    /// Write the shortest of the runs that violate a property; the extension says how: .svg and .mmd
    /// (Mermaid) are sequence diagrams, .itf.json and .json are for other tools, .ndjson is a trace for
    /// `zabcheck conform`
    #[arg(long, value_name = "FILE", help_heading = REPORTS)]
    pub(crate) export: Option<Export>,
    /// Write the result for machines; - prints it, and what is for people on standard error
    #[arg(long, value_name = "FILE", help_heading = REPORTS)]
    pub(crate) json: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) reports: Reports,
    /// Compare the counts with those in FILE
    #[arg(long, value_name = "FILE", help_heading = REPORTS)]
    pub(crate) baseline: Option<PathBuf>,
    /// Write the counts into the file of --baseline, whatever it holds, and compare nothing
    #[arg(long, requires = "baseline", help_heading = REPORTS)]
    pub(crate) write_baseline: bool,
}

/// What a run may use, and where it stops although there is more to see.
#[derive(Clone, Copy, Debug, Default, Args)]
#[command(next_help_heading = "Limits")]
pub(crate) struct Limits {
    /// Threads [default: one for each core]
    #[arg(long, value_name = "N", value_parser = values::number::<usize>(1..=THREADS_MAX))]
    pub(crate) threads: Option<usize>,
    /// Memory for tables, log and frontier, such as 8GiB [default: most of what is free]
    #[arg(long, value_name = "SIZE", value_parser = values::memory)]
    pub(crate) memory: Option<bytesize::ByteSize>,
    /// Stop an exploration after this many distinct states; it is then incomplete [default: never]
    #[arg(long, value_name = "N", value_parser = values::number::<u64>(1..=1_000_000_000_000))]
    pub(crate) states_max: Option<u64>,
    /// Stop an exploration after this many levels of steps; it is then incomplete [default: never].
    /// With --walks: end a walk after this many steps [default: 1000]
    #[arg(long, value_name = "N", value_parser = values::number::<u64>(1..=1_000_000_000))]
    pub(crate) depth_max: Option<u64>,
    /// Stop an exploration, or walks, after this many seconds; it is then incomplete [default: never]
    #[arg(long, value_name = "N", value_parser = values::number::<u32>(1..=1_000_000_000))]
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

impl Limits {
    /// Time after which it stops.
    pub(crate) fn time_max(&self) -> Option<Duration> {
        self.seconds_max.map(|seconds| Duration::from_secs(seconds.into()))
    }
}

/// Random walks, where there are too many states to visit them all.
#[derive(Clone, Copy, Debug, Default, Args)]
#[command(next_help_heading = "Random walks")]
pub(crate) struct Walks {
    /// Take this many random walks in place of visiting every state: they may find what is violated,
    /// and never say that something holds
    #[arg(long, value_name = "N", value_parser = values::number::<u64>(1..=1_000_000_000),
          conflicts_with_all = EVERY_STATE)]
    pub(crate) walks: Option<u64>,
    /// Seed of the first walk, each other walk has the next one: the same seed gives the same walk
    /// [default: 0]
    #[arg(long, value_name = "N", requires = "walks",
          value_parser = values::number::<u64>(0..=u64::MAX))]
    pub(crate) seed: Option<u64>,
}

/// What is for visiting every state.
const EVERY_STATE: [&str; 11] = [
    "spill",
    "checkpoint",
    "certificate",
    "threads",
    "memory",
    "states_max",
    "failures",
    "symmetry",
    "liveness",
    "baseline",
    "write_baseline",
];

/// So many threads are never faster than fewer.
const THREADS_MAX: usize = 256;

/// The headings of the bounds in the help, and of what is written.
const BOTH: &str = "Bounds of both models";
pub(super) const ZOOKEEPER: &str = "Bounds of --model zookeeper";
const PAPER: &str = "Bounds and readings of --model paper";
const REPORTS: &str = "Reports";

/// Single bounds of both families, and of the `zookeeper` family alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Args)]
#[group(multiple = true)]
pub(crate) struct Bounds {
    /// Voting servers, 2 to 5 [default: 3; of model paper 2]
    #[arg(long, value_name = "N", help_heading = BOTH,
          value_parser = values::number::<u8>(2..=zab_paper::SERVERS_MAX))]
    pub(crate) servers: Option<u8>,
    /// Times that a server gives up its role; of model paper: connections that break [default: 0]
    #[arg(long, value_name = "N", help_heading = BOTH, value_parser = values::number::<u8>(0..=255))]
    pub(crate) timeouts: Option<u8>,
    /// Servers without a vote, beside those of --servers; at most 5 in all [default: 0]
    #[arg(long, value_name = "N", help_heading = ZOOKEEPER,
          value_parser = values::number::<u8>(0..=255))]
    pub(crate) observers: Option<u8>,
    /// Client requests in a run, up to 3 [default: 1]
    #[arg(long, value_name = "N", help_heading = ZOOKEEPER,
          value_parser = values::number::<u8>(0..=REQUESTS_MAX))]
    pub(crate) requests: Option<u8>,
    /// Crashes in a run, with the power lost; each may be followed by a restart [default: 0]
    #[arg(long, value_name = "N", help_heading = ZOOKEEPER,
          value_parser = values::number::<u8>(0..=255))]
    pub(crate) crashes: Option<u8>,
    /// Processes that end while their machine runs on: what was appended to a log stays [default: 0]
    #[arg(long, value_name = "N", help_heading = ZOOKEEPER,
          value_parser = values::number::<u8>(0..=255))]
    pub(crate) kills: Option<u8>,
    /// Disks that are lost while their server is down [default: 0]
    #[arg(long, value_name = "N", help_heading = ZOOKEEPER,
          value_parser = values::number::<u8>(0..=255))]
    pub(crate) lost_disks: Option<u8>,
    /// Appends to a log that fail while the process lives [default: 0]
    #[arg(long, value_name = "N", help_heading = ZOOKEEPER,
          value_parser = values::number::<u8>(0..=255))]
    pub(crate) failed_appends: Option<u8>,
    /// Broken connections in a run [default: 0]
    #[arg(long, value_name = "N", help_heading = ZOOKEEPER,
          value_parser = values::number::<u8>(0..=255))]
    pub(crate) disconnects: Option<u8>,
    /// Elections in a run [default: 1]; with --election fle: returns from a role to LOOKING
    #[arg(long, value_name = "N", help_heading = ZOOKEEPER,
          value_parser = values::number::<u8>(0..=255))]
    pub(crate) rounds: Option<u8>,
    /// Repeated notifications in a run [default: 0]
    #[arg(long, value_name = "N", help_heading = ZOOKEEPER,
          value_parser = values::number::<u8>(0..=255))]
    pub(crate) resends: Option<u8>,
    /// How leaders are found [default: oracle]
    #[arg(long, value_enum, help_heading = ZOOKEEPER)]
    pub(crate) election: Option<Election>,
    /// Committed transactions that a leader keeps for DIFF [default: 500]
    #[arg(long, value_name = "N", help_heading = ZOOKEEPER,
          value_parser = values::number::<u16>(1..=u16::MAX))]
    pub(crate) window: Option<u16>,
}

/// As many requests as an exploration of the `zookeeper` family has room for.
#[expect(clippy::cast_possible_truncation, reason = "it is a small number")]
const REQUESTS_MAX: u8 = zab_model::explore::TXNS_MAX as u8;

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
                .map_err(|_| "expected a whole number from 0 to 255, or `any`".to_owned()),
        }
    }
}

/// Bounds and options of `--model paper`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
#[command(next_help_heading = PAPER)]
#[group(multiple = true)]
pub(crate) struct PaperBounds {
    /// Transactions in a history, up to 6 [default: 1]
    #[arg(long, value_name = "N", value_parser = values::number::<u8>(0..=zab_paper::TXNS_MAX))]
    pub(crate) txns: Option<u8>,
    /// Epochs [default: as many as the failures allow]; `any`, with --failures unlimited: a leader may
    /// decide any later epoch, not only one more than the greatest it has heard of
    #[arg(long, value_name = "N|any")]
    pub(crate) epochs: Option<Epochs>,
    /// `unlimited` leaves out the bounds on failures, requests and epochs; the report says what is
    /// then taken for one [default: as many as --timeouts and --restarts say]
    #[arg(long, value_enum, conflicts_with_all = ["timeouts", "restarts", "ghosts"])]
    pub(crate) failures: Option<Failures>,
    /// Crashes, each with its recovery [default: 0]
    #[arg(long, value_name = "N", value_parser = values::number::<u8>(0..=255))]
    pub(crate) restarts: Option<u8>,
    /// Read the paper otherwise; `check --list` says what each reading is. Repeatable
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(reading_names()))]
    pub(crate) reading: Vec<String>,
    /// One state stands for all that differ by a permutation of the servers
    #[arg(long)]
    pub(crate) symmetry: bool,
    /// Remember what the properties over whole runs need; counts are then larger
    #[arg(long)]
    pub(crate) ghosts: bool,
    /// Check liveness under fairness as well: what comes about after the last failure; of model
    /// zookeeper with any number of elections
    #[arg(long, conflicts_with = "symmetry", help_heading = BOTH)]
    pub(crate) liveness: bool,
}
