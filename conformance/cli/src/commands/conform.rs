//! `zabcheck conform`.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tabled::Table;
use zab_check::{Count, Counts, Options, Outcome, Summary, Verdict};
use zab_trace::{Finding, Trace};

use crate::args::Conform;
use crate::exit::Exit;
use crate::export::Picture;
use crate::out;
use crate::report::progress::Progress;
use crate::report::{table, write_json};
use crate::window;

/// How many notes are printed.
const NOTES_MAX: usize = 20;

/// Checks one trace, or each of several, and prints the verdicts.
pub(crate) fn run(args: &Conform) -> Exit {
    if args.each { each(args) } else { one(args) }
}

/// Checks traces one after the other; tells each verdict when it is known, and a total at the end.
fn each(args: &Conform) -> Exit {
    let (mut exit, mut results) = (Exit::Good, Vec::new());
    let mut words: BTreeMap<&str, usize> = BTreeMap::new();
    for path in &args.paths {
        let progress = Progress::start("checking");
        let outcome = zab_check::check(std::slice::from_ref(path), &Options::default());
        drop(progress);
        if let Verdict::Conforms(summary) = &outcome.verdict {
            let Summary { events, committed, .. } = summary;
            let path = path.display();
            out::line(format_args!("CONFORMS  {path}  {events} events, {committed} committed"));
        } else {
            out::line(format_args!("\n{}:", path.display()));
            out::line(format_args!("{}\n", outcome.verdict));
        }
        *words.entry(outcome.verdict.word()).or_default() += 1;
        exit = exit.and(outcome.verdict.exit());
        results.push(to_json(std::slice::from_ref(path), &outcome));
    }
    let total: Vec<_> = words.iter().map(|(word, count)| format!("{count} {word}")).collect();
    out::line(format_args!("{} traces: {}", args.paths.len(), total.join(", ")));
    if let Some(path) = &args.json {
        exit = exit.and(write_json(path, &json!({"traces": results})));
    }
    exit
}

/// Checks one trace and prints the verdict, with its explanation if it is not accepted.
fn one(args: &Conform) -> Exit {
    if let Some(Err(why)) = args.export.as_ref().map(Picture::can_write) {
        out::error(why);
        return Exit::Usage;
    }
    let options = Options { witness: args.witness.is_some(), ..Options::default() };
    let progress = Progress::start("checking");
    let outcome = zab_check::check(args.paths.as_slice(), &options);
    drop(progress);
    out::line(&outcome.verdict);
    print_notes(&outcome.notes);
    if let Verdict::Conforms(summary) = &outcome.verdict {
        out::line(counts_table(&summary.counts));
    }
    let mut exit = outcome.verdict.exit();
    if let Some(path) = &args.json {
        exit = exit.and(write_json(path, &to_json(&args.paths, &outcome)));
    }
    if let Some(path) = &args.witness {
        exit = exit.and(write_witness(path, &outcome));
    }
    if let Some(picture) = &args.export {
        exit = exit.and(draw(picture, &args.paths, &outcome.verdict));
    }
    exit
}

/// Draws the messages around the line that the verdict is about. The trace is read again, whole.
fn draw(picture: &Picture, paths: &[PathBuf], verdict: &Verdict) -> Exit {
    let name = picture.name();
    if verdict.place().is_none() {
        out::line(format_args!("the verdict is about no line: {name} is not written"));
        return Exit::Good;
    }
    match Trace::load(paths).map(|trace| window::around(&trace, verdict)) {
        Ok(Some(sequence)) => picture.write(&sequence),
        Ok(None) => {
            out::line(format_args!("no event stands in that line: {name} is not written"));
            Exit::Good
        }
        Err(error) => {
            out::error(format_args!("{name} is not written: {error}"));
            Exit::Usage
        }
    }
}

/// What changes no verdict and should be known.
fn print_notes(notes: &[Finding]) {
    for note in notes.iter().take(NOTES_MAX) {
        out::line(note);
    }
    if notes.len() > NOTES_MAX {
        out::line(format_args!("… and {} more notes: see zabcheck lint", notes.len() - NOTES_MAX));
    }
}

/// How many lines of each kind were seen, and how many the steps of the run had to show.
fn counts_table(counts: &Counts) -> Table {
    let rows = counts.lines.iter().chain(&counts.fields).map(|count| {
        let owed = match count.owed {
            Some(owed) => owed.to_string(),
            None if count.promised => "–".to_owned(),
            None => "hidden".to_owned(),
        };
        [count.name.to_owned(), count.seen.to_string(), owed]
    });
    table(["line, field of state", "seen", "owed"], rows.collect())
}

/// Writes the run of the model that explains the trace; without one there is nothing to write.
fn write_witness(path: &Path, outcome: &Outcome) -> Exit {
    let Some(witness) = &outcome.witness else {
        out::error("no witness is written, since the trace is not accepted");
        return Exit::Good;
    };
    let write = || -> io::Result<()> {
        let mut out = BufWriter::new(File::create(path)?);
        witness.write(&mut out)?;
        out.flush()
    };
    match write() {
        Ok(()) => Exit::Good,
        Err(error) => {
            out::error(format_args!("cannot write {}: {error}", path.display()));
            Exit::Usage
        }
    }
}

fn counts_json(counts: &[Count]) -> Value {
    let count = |count: &Count| {
        let value = json!({"promised": count.promised, "seen": count.seen, "owed": count.owed});
        (count.name.to_owned(), value)
    };
    Value::Object(counts.iter().map(count).collect())
}

fn to_json(paths: &[PathBuf], outcome: &Outcome) -> Value {
    let verdict = &outcome.verdict;
    let note = |note: &Finding| {
        json!({
            "file": note.file,
            "line": (note.line > 0).then_some(note.line),
            "severity": note.severity.to_string(),
            "sentence": note.sentence,
        })
    };
    let place = verdict.place().map(|place| json!({"file": place.file, "line": place.line}));
    let mut value = json!({
        "paths": paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>(),
        "verdict": verdict.word(),
        "exit": verdict.exit().code(),
        "rule": verdict.rule(),
        "place": place,
        "text": verdict.to_string(),
        "notes": outcome.notes.iter().map(note).collect::<Vec<_>>(),
        "peak_memory_kib": peak_memory_kib(),
    });
    if let Verdict::Conforms(summary) = verdict {
        value["summary"] = json!({
            "events": summary.events,
            "servers": summary.servers,
            "incarnations": summary.incarnations,
            "committed": summary.committed,
            "steps": summary.steps,
            "hidden_steps": summary.hidden_steps,
            "frontier_max": summary.frontier_max,
            "frontier_mean": summary.frontier_mean(),
            "lines": counts_json(&summary.counts.lines),
            "state": counts_json(&summary.counts.fields),
        });
    }
    value
}

/// The most memory that this process ever had resident, in KiB, where the system tells (Linux).
fn peak_memory_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}
