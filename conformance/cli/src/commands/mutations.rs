//! `zabcheck selftest`, the part with well-formed corruptions: what became of each kind, as a table.

use std::io;
use std::path::Path;

use serde_json::{Value, json};
use zab_oracle::mutate::{Run, Share, Tally, Trial, Wrong, kinds, walks};
use zab_sim::{Config, FaultProfile};
use zab_trace::{EventKind, Persisted, Writer};

use crate::args::Selftest;
use crate::commands::selftest;
use crate::exit::Exit;
use crate::interrupt;
use crate::out;
use crate::report::ci::Case;
use crate::report::progress::Progress;
use crate::report::{table, write_with};

/// How many states the search takes for one trace that passes, if each kind is tried once.
const STATES_QUICK: usize = 1_500;

/// The same, if each kind is tried under each contract.
const STATES: usize = 20_000;

/// Random runs of the model, and as many simulated runs.
const RUNS: u64 = 24;

/// What became of one kind, or of all kinds of a group.
struct Row {
    name: String,
    tally: Tally,
}

/// Tries all kinds and prints the table; returns what `--json` shows.
pub(crate) fn run(args: &Selftest, cases: &mut Vec<Case>) -> (Exit, Value) {
    let progress = Progress::start("corrupting");
    let all = args.mutations.is_some();
    let runs = honest(if all { RUNS * 2 } else { RUNS });
    let times = args.mutations.map_or(1, |times| usize::try_from(times).unwrap_or(usize::MAX));
    let states_max = if all { STATES } else { STATES_QUICK };
    let (trial, alarms) = Trial::new(&runs, Share { times, seed: 1, states_max });
    let mut rows: Vec<Row> = Vec::new();
    for (index, kind) in kinds().iter().enumerate() {
        if interrupt::asked() {
            break;
        }
        progress.say(kind.title());
        let tally = if all { trial.kind(kind) } else { trial.kind_once(kind, index) };
        rows.push(Row { name: kind.title(), tally });
    }
    drop(progress);
    let refused = |run: &String| {
        let name = run.lines().next().unwrap_or_default();
        selftest::case("honest runs", name, false, "refused".to_owned())
    };
    cases.extend(alarms.iter().map(refused));
    cases.extend(rows.iter().map(|row| {
        let tally = &row.tally;
        let (passes, alarms) = (tally.false_passes.len(), tally.false_alarms.len());
        let wrong = format!("{passes} passed wrongly, {alarms} were refused wrongly");
        selftest::case(selftest::CORRUPTIONS, &row.name, passes + alarms == 0, wrong)
    }));
    let shown = if all { rows.iter().map(cells).collect() } else { by_group(&rows) };
    let header = [
        "corruption",
        "tried",
        "rejected",
        "inconclusive",
        "passed",
        "legal",
        "on a slice",
        "open",
        "WRONG",
    ];
    out::line(table(header, shown));
    let exit = tell(&rows, &alarms, args.keep.as_deref());
    let values: Vec<Value> = rows.iter().map(to_json).collect();
    (exit, json!({ "honest_runs": runs.len(), "refused_honest_runs": alarms, "kinds": values }))
}

/// Random runs of the model and simulated runs, with and without faults; and some in which a server
/// cuts off a part of its history, which is rare.
fn honest(count: u64) -> Vec<Run> {
    let profiles =
        [FaultProfile::Mixed, FaultProfile::Kills, FaultProfile::Disks, FaultProfile::Cuts];
    let usual = (0..count)
        .zip(profiles.into_iter().cycle())
        .map(|(seed, profile)| simulated(profile, seed, 80 + seed % 3 * 60));
    let rare = (0..).map(|seed| simulated(FaultProfile::Cuts, seed, 300)).filter(truncates).take(4);
    walks(count).into_iter().chain(usual).chain(rare).collect()
}

fn simulated(profile: FaultProfile, seed: u64, events: u64) -> Run {
    let config = Config { events, ..Config::of(profile, seed) };
    let events = zab_sim::simulate(seed, &config).events;
    let name = format!("simulated run {seed}, {profile:?}");
    Run { name, header: zab_sim::header(seed, &config), events }
}

fn truncates(run: &Run) -> bool {
    run.events.iter().any(|event| {
        matches!(event.kind, EventKind::Persisted(Persisted::Truncated(zxid)) if zxid.counter > 0)
    })
}

/// One row for each group of kinds.
fn by_group(rows: &[Row]) -> Vec<[String; 9]> {
    let mut groups: Vec<(String, Row)> = Vec::new();
    for row in rows {
        let group = row.name.split(':').next().unwrap_or_default();
        if groups.last().is_none_or(|(name, _)| name != group) {
            let row = Row { name: String::new(), tally: Tally::default() };
            groups.push((group.to_owned(), row));
        }
        if let Some((_, all)) = groups.last_mut() {
            all.tally.add(row.tally.clone());
        }
    }
    let count =
        |group: &str| rows.iter().filter(|row| row.name.split(':').next() == Some(group)).count();
    let named = groups.into_iter().map(|(group, row)| {
        let name = format!("{group} ({} kinds)", count(&group));
        cells(&Row { name, ..row })
    });
    named.collect()
}

fn cells(row: &Row) -> [String; 9] {
    let tally = &row.tally;
    let wrong = tally.false_passes.len() + tally.false_alarms.len();
    [
        row.name.clone(),
        tally.tried.to_string(),
        tally.rejected.to_string(),
        tally.inconclusive.to_string(),
        tally.passed().to_string(),
        tally.legal.to_string(),
        tally.legal_slice.to_string(),
        tally.open.to_string(),
        if wrong == 0 { String::new() } else { wrong.to_string() },
    ]
}

/// Tells every wrong verdict, and keeps its trace if a folder is given.
fn tell(rows: &[Row], alarms: &[String], keep: Option<&Path>) -> Exit {
    let mut exit = Exit::Good;
    for alarm in alarms {
        out::error(format_args!("an honest run is refused: {alarm}"));
        exit = Exit::Bad;
    }
    let mut number = 0;
    for row in rows {
        for wrong in row.tally.false_passes.iter().chain(&row.tally.false_alarms) {
            number += 1;
            let Wrong { kind, contract, run, verdict, .. } = wrong;
            let verdict = verdict.lines().next().unwrap_or_default();
            out::error(format_args!("WRONG: {kind} (contract {contract}, {run}): {verdict}"));
            exit = exit.and(Exit::Bad);
            if let Some(folder) = keep {
                let path = folder.join(format!("wrong-{number}.ndjson"));
                let written = write_with(&path, |out| write(wrong, out));
                if written != Exit::Good {
                    return exit.and(written);
                }
                out::error(format_args!("its trace is {}", path.display()));
            }
        }
    }
    exit
}

fn write(trace: &Wrong, out: &mut dyn io::Write) -> io::Result<()> {
    let mut writer = Writer::new(out, &trace.header)?;
    trace.events.iter().try_for_each(|event| writer.write(event))
}

fn to_json(row: &Row) -> Value {
    let tally = &row.tally;
    json!({
        "kind": row.name,
        "tried": tally.tried,
        "rejected": tally.rejected,
        "inconclusive": tally.inconclusive,
        "passed": tally.passed(),
        "legal": tally.legal,
        "legal_on_slice": tally.legal_slice,
        "open": tally.open,
        "wrongly_accepted": tally.false_passes.len(),
        "wrongly_refused": tally.false_alarms.len(),
    })
}
