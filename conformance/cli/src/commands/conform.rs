//! `zabcheck conform`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;

use serde_json::json;
use tabled::Table;
use zab_check::{Counts, Options, Outcome, Summary, Verdict};
use zab_model::Profile;
use zab_trace::{Finding, Trace};

use crate::args::Conform;
use crate::captures;
use crate::commands::wire;
use crate::exit::Exit;
use crate::export::Picture;
use crate::given::Given;
use crate::interrupt;
use crate::out;
use crate::report::ci;
use crate::report::progress::Progress;
use crate::report::{can_write, conformance, table, write_json, write_with};
use crate::window;

/// How many notes are printed.
const NOTES_MAX: usize = 20;

/// Checks one trace, or each of several, and prints the verdicts.
pub(crate) fn run(args: &Conform) -> Exit {
    let places = [args.json.as_deref(), args.witness.as_deref()];
    let fine = places
        .into_iter()
        .flatten()
        .try_for_each(can_write)
        .and_then(|()| ci::can_write(&args.reports));
    if let Err(why) = fine {
        out::error(why);
        return Exit::Usage;
    }
    let given = match Given::new(&args.paths) {
        Ok(given) => given,
        Err(why) => {
            out::error(why);
            return Exit::Usage;
        }
    };
    match captures::among(&given.paths) {
        Ok(captures) if captures.is_empty() => {}
        Ok(captures) => return wire::conform(args, &captures),
        Err(why) => {
            out::error(why);
            return Exit::Usage;
        }
    }
    if args.each { each(args, &given.paths) } else { one(args, &given.paths) }
}

/// Checks traces one after the other; tells each verdict when it is known, and a total at the end.
/// What is interrupted tells what was checked until then.
fn each(args: &Conform, paths: &[PathBuf]) -> Exit {
    let _asked = interrupt::flag();
    let (mut exit, mut results, mut cases) = (Exit::Good, Vec::new(), Vec::new());
    let mut words: BTreeMap<&str, usize> = BTreeMap::new();
    for path in paths {
        if interrupt::asked() {
            exit = exit.and(Exit::Unknown);
            break;
        }
        let Some(outcome) = check(std::slice::from_ref(path), options(args)) else {
            exit = exit.and(Exit::Unknown);
            break;
        };
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
        let path = std::slice::from_ref(path);
        results.push(conformance::json(path, &outcome));
        cases.push(case(args, path, &outcome));
    }
    let unchecked = paths.len() - results.len();
    let mut total: Vec<_> = words.iter().map(|(word, count)| format!("{count} {word}")).collect();
    if unchecked > 0 {
        total.push(format!("{unchecked} not checked (interrupted)"));
    }
    out::line(format_args!("{} traces: {}", paths.len(), total.join(", ")));
    let value = json!({"traces": results, "total": words, "unchecked": unchecked});
    exit.and(write_json(args.json.as_deref(), "conform", value)).and(ci::write(
        &args.reports,
        "conform",
        &cases,
    ))
}

/// How traces are checked.
fn options(args: &Conform) -> Options {
    let profile = args.profile.as_ref().map(|named| named.profile).unwrap_or_default();
    Options { witness: args.witness.is_some(), profile, ..Options::default() }
}

/// Checks a trace; gives nothing if somebody asks the command to end before that is done. The check
/// has a thread of its own then, which ends with the process.
fn check(paths: &[PathBuf], options: Options) -> Option<Outcome> {
    let _progress = Progress::start("checking");
    let _asked = interrupt::flag();
    let (send, outcome) = mpsc::channel();
    let paths = paths.to_vec();
    let checking = thread::spawn(move || {
        // Nobody waits for it any more if that fails.
        let _ = send.send(zab_check::check(paths.as_slice(), &options));
    });
    loop {
        match outcome.recv_timeout(interrupt::LOOK_EVERY) {
            Ok(outcome) => return Some(outcome),
            Err(RecvTimeoutError::Timeout) if interrupt::asked() => return None,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => match checking.join() {
                Ok(()) => return None,
                Err(panic) => std::panic::resume_unwind(panic),
            },
        }
    }
}

/// Checks one trace and prints the verdict, with its explanation if it is not accepted.
fn one(args: &Conform, paths: &[PathBuf]) -> Exit {
    if let Some(Err(why)) = args.export.as_ref().map(Picture::can_write) {
        out::error(why);
        return Exit::Usage;
    }
    let Some(outcome) = check(paths, options(args)) else {
        let (value, case) = conformance::interrupted(paths);
        out::line(conformance::INTERRUPTED);
        let written = write_json(args.json.as_deref(), "conform", value);
        return Exit::Unknown.and(written).and(ci::write(&args.reports, "conform", &[case]));
    };
    out::line(&outcome.verdict);
    let other = args.profile.as_ref().filter(|named| named.profile != Profile::FIXED);
    if let Some(named) = other {
        out::line(format_args!("the steps of profile {named} are legal"));
    }
    print_notes(&outcome.notes);
    if let Verdict::Conforms(summary) = &outcome.verdict {
        out::line(counts_table(&summary.counts));
    }
    let value = conformance::json(paths, &outcome);
    let mut exit = outcome.verdict.exit().and(write_json(args.json.as_deref(), "conform", value));
    let case = case(args, paths, &outcome);
    exit = exit.and(ci::write(&args.reports, "conform", &[case]));
    if let Some(path) = &args.witness {
        exit = exit.and(write_witness(path, &outcome));
    }
    if let Some(picture) = &args.export {
        exit = exit.and(draw(picture, paths, &outcome.verdict));
    }
    exit
}

/// A trace as a test case; for a page with the messages around the line that the verdict is about.
fn case(args: &Conform, paths: &[PathBuf], outcome: &Outcome) -> ci::Case {
    let mut case = conformance::case("conform", paths, outcome);
    if args.reports.html.is_some() && outcome.verdict.place().is_some() {
        // The trace is read again; one that is gone by now has no picture.
        let picture =
            Trace::load(paths).ok().and_then(|trace| window::around(&trace, &outcome.verdict));
        if let Some(finding) = case.findings.first_mut() {
            finding.picture = picture;
        }
    }
    case
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
    write_with(path, |out| witness.write(out))
}
