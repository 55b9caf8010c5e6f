//! The flags of `bugs` and `releases`.

use std::path::PathBuf;

use clap::Args;
use zab_bugs::{ALIKE, BUGS, Budget, Bug, behaves_as};
use zab_model::profile::RELEASES;

use super::values;
use crate::export::Export;

/// Servers that any run may have.
#[expect(clippy::cast_possible_truncation, reason = "it is a small number")]
const SERVERS_MAX: u8 = zab_model::explore::SERVERS_MAX as u8;

pub(super) const EXAMPLES: &str = "\
Examples:
  zabcheck bugs                         every known bug, then the same without the bug
  zabcheck bugs 4643                    one of them, with its run
  zabcheck bugs 4643 --only 1           what server 1 did in that run
  zabcheck bugs 3911 4646 --without-control
  zabcheck bugs H-01 --export run.svg --json bug.json
  zabcheck bugs H-01 --export run.ndjson    for `zabcheck conform run.ndjson --profile …`
  zabcheck bugs H-01 --save run.json    for `zabcheck replay run.json`
  zabcheck bugs 2845 --budget 'rounds=2 requests=1@3 crashes=1@3'

A budget holds counts for a whole run: rounds (elections), requests, crashes, kills, lost-disks,
failed-appends, timeouts (a server gives up its role), disconnects. Behind @ are the servers that it
may happen to; without it, any may be the one. A broken connection is that of the learner.
servers=5 has five servers in place of three. Three words leave out runs: joiners=1 (only server 1
joins a leader that leads already), electors=4 (an election has at most four servers), disks=prompt
(what is appended is durable before anything else happens). leaders=3,1,2 in place of rounds=3 says who
wins each election, in order.

Exit codes: 0 every bug is found, and without it nothing is violated; 1 a bug is not found within the
budget of the table, or a property is violated without it; 2 incomplete (a limit, Ctrl-C), nothing
found within --budget; 3 bad input or usage, or the output
could not be written.";

#[derive(Debug, Args)]
pub(crate) struct Bugs {
    /// Numbers of issues, or of hazards: 4643, ZOOKEEPER-4643, H-01 [default: all]
    #[arg(value_name = "NAME", value_parser = bug)]
    pub(crate) names: Vec<&'static Bug>,
    /// Look for one bug within these counts [default: those of the table]
    #[arg(long, value_name = "COUNTS", value_parser = Budget::parse)]
    pub(crate) budget: Option<Budget>,
    /// Do not explore the same without the bug
    #[arg(long)]
    pub(crate) without_control: bool,
    /// Of one bug: show the steps of this server only
    #[arg(long, value_name = "SERVER", value_parser = values::number::<u8>(1..=SERVERS_MAX))]
    pub(crate) only: Option<u8>,
    /// Of one bug: write its run; the extension says how: .svg and .mmd (Mermaid) are sequence
    /// diagrams, .itf.json and .json are for other tools, .ndjson is a trace for `zabcheck conform`
    #[arg(long, value_name = "FILE")]
    pub(crate) export: Option<Export>,
    /// Write a page about each bug that is found, with its run; on one thread, so that the pages are
    /// the same each time
    #[arg(long, value_name = "DIR", conflicts_with = "threads")]
    pub(crate) pages: Option<PathBuf>,
    /// Write the run of each bug that is found: NAME.json for `zabcheck replay`, and NAME.ndjson, a
    /// trace for `zabcheck conform`, where a trace can show it
    #[arg(long, value_name = "DIR")]
    pub(crate) stories: Option<PathBuf>,
    /// Of one bug: write its run so that `zabcheck replay` can make it again
    #[arg(long, value_name = "FILE")]
    pub(crate) save: Option<PathBuf>,
    /// Write the result for machines; - prints it, and what is for people on standard error
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Threads [default: one for each core]
    #[arg(long, value_name = "N", value_parser = values::number::<usize>(1..=256))]
    pub(crate) threads: Option<usize>,
    /// Stop each exploration after this many seconds; it is then incomplete [default: never]
    #[arg(long, value_name = "N", value_parser = values::number::<u32>(1..=1_000_000_000))]
    pub(crate) seconds_max: Option<u32>,
}

#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// A run that `zabcheck bugs NAME --save FILE` of this build has written
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Show the steps of this server only
    #[arg(long, value_name = "SERVER", value_parser = values::number::<u8>(1..=SERVERS_MAX))]
    pub(crate) only: Option<u8>,
    /// Write the run; the extension says how: .svg and .mmd (Mermaid) are sequence diagrams,
    /// .itf.json and .json are for other tools, .ndjson is a trace for `zabcheck conform`
    #[arg(long, value_name = "FILE")]
    pub(crate) export: Option<Export>,
}

#[derive(Debug, Args)]
pub(crate) struct Releases {
    /// A release of ZooKeeper (default: all that are modelled, side by side)
    #[arg(value_name = "RELEASE", value_parser = release)]
    pub(crate) name: Option<String>,
    /// Write the result for machines; - prints it, and what is for people on standard error
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

/// A bug by one of its names; of a name that none has, the nearest.
fn bug(text: &str) -> Result<&'static Bug, String> {
    BUGS.iter().find(|bug| bug.is_called(text)).ok_or_else(|| {
        let all: Vec<&str> = BUGS.iter().map(|bug| bug.name).collect();
        let nearest = nearest(text, BUGS.iter().flat_map(Bug::names));
        format!("no bug has that name; the nearest is {nearest}; known are {}", all.join(", "))
    })
}

/// A release that is modelled, or that behaves like one that is.
fn release(text: &str) -> Result<String, String> {
    let all = || RELEASES.iter().flat_map(|one| [one.name].into_iter().chain(one.also.to_vec()));
    if behaves_as(text).is_some() {
        return Ok(text.to_owned());
    }
    let names = || all().chain(ALIKE.iter().map(|(name, _)| *name));
    let known: Vec<&str> = names().collect();
    let nearest = nearest(text, names());
    Err(format!(
        "no such release is modelled; the nearest is {nearest}; known are {}",
        known.join(", ")
    ))
}

fn nearest<'a>(text: &str, names: impl Iterator<Item = &'a str>) -> &'a str {
    let text = text.to_ascii_uppercase();
    names.min_by_key(|name| strsim::damerau_levenshtein(name, &text)).unwrap_or_default()
}
