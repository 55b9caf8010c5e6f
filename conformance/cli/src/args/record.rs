//! The flags of `record`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::builder::PossibleValuesParser;
use clap::{Args, ValueEnum};
use zab_ensemble::{SCENARIOS, WIRE_SCENARIOS};

use super::values;

/// What can be recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Target {
    /// The server of this project: its own traces, or with --wire what goes over the wires
    ZabServer,
    /// Apache `ZooKeeper` as it is, by what goes over the wires
    Apache,
    /// Both in one ensemble (--run), by what goes over the wires
    Mixed,
}

/// What one server of a mixed ensemble runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Implementation {
    ZabServer,
    Apache,
}

/// `ID=apache` or `ID=zab-server`.
fn run(text: &str) -> Result<(u64, Implementation), String> {
    let expected = || "expected ID=apache or ID=zab-server, such as 2=zab-server".to_owned();
    let (id, name) = text.split_once('=').ok_or_else(expected)?;
    let id = u64::from_str(id).map_err(|_| expected())?;
    match name {
        "apache" => Ok((id, Implementation::Apache)),
        "zab-server" => Ok((id, Implementation::ZabServer)),
        _ => Err(expected()),
    }
}

/// What means nothing for a list of scenarios.
const RECORDING: [&str; 12] = [
    "zookeeper_jars",
    "run",
    "seed",
    "duration",
    "rounds",
    "server",
    "no_trace",
    "wait",
    "servers",
    "scenario",
    "times",
    "out",
];

#[derive(Debug, Args)]
pub(crate) struct Record {
    /// List the scenarios
    #[arg(long, conflicts_with = "names", conflicts_with_all = RECORDING)]
    pub(crate) list: bool,
    /// List their names only, one a line; with --wire those of --target apache
    #[arg(long, conflicts_with_all = RECORDING)]
    pub(crate) names: bool,
    /// Which server to run
    #[arg(long, value_enum, default_value = "zab-server")]
    pub(crate) target: Target,
    /// Record what goes over the wires between servers in place of their own traces; always so with
    /// --target apache and mixed
    #[arg(long, conflicts_with = "server")]
    pub(crate) wire: bool,
    /// The jars of a release of Apache `ZooKeeper` (default: Debian's package zookeeper)
    #[arg(long, value_name = "DIR")]
    pub(crate) zookeeper_jars: Option<PathBuf>,
    /// What a server of --target mixed runs; those that are not named run Apache `ZooKeeper`
    #[arg(long, value_name = "ID=WHAT", value_delimiter = ',', value_parser = run)]
    pub(crate) run: Vec<(u64, Implementation)>,
    /// What a scenario that chooses by chance begins with; with --times the first of several
    #[arg(long, default_value_t = 1, value_name = "N",
          value_parser = values::number::<u64>(0..=u64::MAX))]
    pub(crate) seed: u64,
    /// How long the scenario random goes on
    #[arg(long, default_value = "20", value_name = "SECONDS",
          value_parser = values::number::<u32>(1..=86_400))]
    pub(crate) duration: u32,
    /// How often the scenario kill-at-newleader-ack kills
    #[arg(long, default_value = "3", value_name = "N",
          value_parser = values::number::<u32>(1..=10_000))]
    pub(crate) rounds: u32,
    /// Run this command as each server: a program that reads a zoo.cfg ({cfg}) and writes a trace
    /// ({trace}); docs/src/your-server.md tells all placeholders
    #[arg(long, value_name = "CMD", conflicts_with = "target")]
    pub(crate) server: Option<String>,
    /// That server writes no trace: only look whether acknowledged writes are there
    #[arg(long, requires = "server", conflicts_with = "times")]
    pub(crate) no_trace: bool,
    /// How long anything that is waited for may take
    #[arg(long, default_value = "300", value_name = "SECONDS",
          value_parser = values::number::<u32>(1..=86_400))]
    pub(crate) wait: u32,
    /// Number of servers, which is odd (default: that of the scenario's story, otherwise 3)
    #[arg(long, value_name = "N", value_parser = servers)]
    pub(crate) servers: Option<u8>,
    /// Name of the scenario
    #[arg(long, required_unless_present_any = ["list", "names"], value_name = "NAME", value_parser = scenarios())]
    pub(crate) scenario: Option<String>,
    /// Record so many runs, each into a numbered folder of its own, and check each at once
    #[arg(long, value_name = "N", value_parser = values::number::<u32>(1..=1_000_000))]
    pub(crate) times: Option<u32>,
    /// Folder for the trace or capture; must be empty or absent
    #[arg(long, required_unless_present_any = ["list", "names"], value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Write the result for machines; - prints it, and what is for people on standard error
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

/// Servers of a run, unless the command or the scenario says otherwise.
const SERVERS: u8 = 3;

impl Record {
    /// How many servers there are, if a scenario is about so many.
    pub(crate) fn servers_for(&self, name: &str, story: Option<u8>) -> Result<u8, String> {
        match (self.servers, story) {
            (Some(asked), Some(told)) if asked != told => {
                Err(format!("the scenario {name} is about {told} servers, not {asked}"))
            }
            (asked, told) => Ok(asked.or(told).unwrap_or(SERVERS)),
        }
    }

    /// Whether what goes over the wires is recorded.
    pub(crate) fn is_wire(&self) -> bool {
        self.wire || self.target != Target::ZabServer
    }
}

fn scenarios() -> PossibleValuesParser {
    let traced = SCENARIOS.iter().map(|scenario| scenario.name);
    let wire = WIRE_SCENARIOS.iter().map(|scenario| scenario.name);
    let only_wire = wire.filter(|name| SCENARIOS.iter().all(|scenario| scenario.name != *name));
    PossibleValuesParser::new(traced.chain(only_wire))
}

/// How many servers can be recorded: as many as the checker has room for. An even number has no more
/// room for faults than the one below it.
fn servers(text: &str) -> Result<u8, String> {
    let most = zab_check::SERVERS_MAX;
    let most = if most.is_multiple_of(2) { most - 1 } else { most };
    let number = text.parse().ok();
    let fine = |number: &u8| number % 2 == 1 && (3..=most).contains(&usize::from(*number));
    number.filter(fine).ok_or_else(|| format!("expected an odd number from 3 to {most}"))
}
