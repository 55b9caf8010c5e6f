//! `zabcheck selftest`: the checker is checked. Corrupted traces must be rejected where and why
//! their headers say, well-formed corruptions of every kind must not pass unless they are legal,
//! captures of real servers that were made wrong must not be accepted, and servers with a seeded
//! defect must be found out.

use std::fs;
use std::io;
use std::path::PathBuf;

use serde_json::{Value, json};
use tabled::settings::Width;
use tabled::settings::object::Columns;
use tempfile::TempDir;
use zab_check::{Options, Verdict};
use zab_sim::Mutant;
use zab_trace::{Header, Reader, trace_files};

use crate::args::Selftest;
use crate::commands::{mutations, wrong_captures};
use crate::exit::Exit;
use crate::interrupt;
use crate::out;
use crate::report::ci;
use crate::report::ci::{Case, Finding, State};
use crate::report::progress::Progress;
use crate::report::{can_write, table, write_json};

/// The files of the corpus, by name and content, from `build.rs`.
const BUILT_IN: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/corpus.rs"));

/// What is tried, as reports name it.
const CORPUS: &str = "corpus";
pub(super) const CORRUPTIONS: &str = "corruptions";
pub(super) const CAPTURES: &str = "captures";
const DEFECTS: &str = "defects";

/// The parts of a corpus, each in a folder of its own.
const PARTS: [&str; 3] = ["accept", "reject", "incomplete"];

/// Characters in a line of a defect's description.
const DESCRIPTION_WIDTH: usize = 56;

/// Prints the tables; good only if nothing survived and every control was accepted. What is
/// interrupted tells what was tried until then.
pub(crate) fn run(args: &Selftest) -> Exit {
    let _asked = interrupt::flag();
    let files = match prepare(args) {
        Ok(files) => files,
        Err(why) => {
            out::error(why);
            return Exit::Usage;
        }
    };
    let mut cases = Vec::new();
    let (corpus, traces) = corpus(&files.files, &mut cases);
    let (mutated, mutations) = mutations::run(args, &mut cases);
    let (made_wrong, captures) = wrong_captures::run(args, &mut cases);
    let (found_out, defects) = mutants(args.seeds, &mut cases);
    let mut exit = corpus.and(mutated).and(made_wrong).and(found_out);
    let interrupted = interrupt::asked();
    if interrupted {
        exit = exit.and(Exit::Unknown);
    }
    out::line(ending(&cases, interrupted));
    let value = json!({
        "corpus": traces,
        "mutations": mutations,
        "wrong_captures": captures,
        "defects": defects,
        "interrupted": interrupted,
    });
    exit.and(write_json(args.json.as_deref(), "selftest", value)).and(ci::write(
        &args.reports,
        "selftest",
        &cases,
    ))
}

/// How it all ended, in a line.
fn ending(cases: &[Case], interrupted: bool) -> String {
    let count = |suite: &str| {
        let suite = format!("selftest: {suite}");
        cases.iter().filter(|case| case.suite == suite).count()
    };
    let tried = format!(
        "{} traces of the corpus, {} kinds of corruption, {} kinds of wrong captures, {} defects",
        count(CORPUS),
        count(CORRUPTIONS),
        count(CAPTURES),
        count(DEFECTS)
    );
    let wrong = cases.iter().filter(|case| case.state != State::Passed).count();
    match (wrong, interrupted) {
        (0, false) => format!("all is as it should be: {tried}"),
        (0, true) => format!("INCOMPLETE  interrupted: what is not listed was not tried; {tried}"),
        (_, false) => format!("FAILED  {wrong} are not as they should be, of {tried}"),
        (_, true) => format!(
            "FAILED  {wrong} are not as they should be, of {tried}; interrupted: what is not listed \
             was not tried"
        ),
    }
}

/// A file of the corpus, and the folder that it is in.
type Expected = (&'static str, PathBuf);

/// The files of a corpus.
struct Corpus {
    files: Vec<Expected>,
    /// Where they are, if they were unpacked.
    _unpacked: Option<TempDir>,
}

/// What must be there before anything is tried: the files of the corpus, and where results go.
fn prepare(args: &Selftest) -> Result<Corpus, String> {
    args.json.as_deref().map_or(Ok(()), can_write)?;
    ci::can_write(&args.reports)?;
    if let Some(keep) = &args.keep {
        fs::create_dir_all(keep)
            .map_err(|error| format!("cannot make the folder {}: {error}", keep.display()))?;
    }
    let mut kept = None;
    let corpus = match &args.corpus {
        Some(corpus) => corpus.clone(),
        None => {
            let unpacked = built_in().map_err(|error| format!("no temporary folder: {error}"))?;
            kept.insert(unpacked).path().to_owned()
        }
    };
    let mut files = Vec::new();
    for part in PARTS {
        let folder = corpus.join(part);
        let cannot = |why: String| {
            format!(
                "cannot read the corpus {}: {why}\n(hint: without --corpus the one that is built in is taken)",
                folder.display()
            )
        };
        // `trace_files` takes what is no folder for a file.
        fs::read_dir(&folder).map_err(|error| cannot(error.to_string()))?;
        let found = trace_files(&[&folder]).map_err(|error| cannot(error.to_string()))?;
        files.extend(found.into_iter().map(|path| (part, path)));
    }
    Ok(Corpus { files, _unpacked: kept })
}

/// The corpus that this program was built with, unpacked.
fn built_in() -> io::Result<TempDir> {
    let folder = tempfile::tempdir()?;
    for part in PARTS {
        fs::create_dir(folder.path().join(part))?;
    }
    for (name, text) in BUILT_IN {
        fs::write(folder.path().join(name), text)?;
    }
    Ok(folder)
}

/// One row for each file of the corpus.
fn corpus(files: &[Expected], cases: &mut Vec<Case>) -> (Exit, Vec<Value>) {
    let (mut exit, mut values) = (Exit::Good, Vec::new());
    let mut rows = Vec::new();
    for (part, path) in files {
        if interrupt::asked() {
            break;
        }
        let (row, fine) = corpus_row(part, path);
        let [name, expected, found, _] = &row;
        values.push(json!({"name": name, "expected": expected, "found": found, "fine": fine}));
        let wrong = format!("expected {expected}, found {found}");
        cases.push(case(CORPUS, name, fine, wrong));
        rows.push(row);
        exit = exit.and(if fine { Exit::Good } else { Exit::Bad });
    }
    out::line(table(["corpus", "expected", "found", ""], rows));
    (exit, values)
}

/// One thing that was tried, and what is wrong if it did not end as it should.
pub(super) fn case(suite: &str, name: &str, fine: bool, wrong: String) -> Case {
    Case {
        suite: format!("selftest: {suite}"),
        name: name.to_owned(),
        state: if fine { State::Passed } else { State::Failed },
        findings: if fine { Vec::new() } else { vec![Finding::error(suite, wrong)] },
    }
}

/// Checks one file against its header's expectation.
fn corpus_row(part: &str, path: &PathBuf) -> ([String; 4], bool) {
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let name = format!("{part}/{name}");
    let header = match Reader::open(path) {
        Ok(reader) => reader.header().clone(),
        Err(error) => return ([name, String::new(), error.to_string(), "WRONG".to_owned()], false),
    };
    let verdict = zab_check::check([path].as_slice(), &Options::default()).verdict;
    let (wanted, found) = (expectation(&header), outcome(&verdict));
    let fine = wanted.is_some_and(|wanted| wanted == found);
    let mark = if fine { "ok" } else { "WRONG" };
    let wanted = expectation(&header).unwrap_or_else(|| "(nothing)".to_owned());
    ([name, wanted, found, mark.to_owned()], fine)
}

/// What a header expects, as it is compared and shown: verdict, line, rule.
fn expectation(header: &Header) -> Option<String> {
    let expect = header.expect.as_ref()?;
    let line = expect.line.map(|line| format!(" line {line}")).unwrap_or_default();
    let rule = expect.rule.as_ref().map(|rule| format!(" {rule}")).unwrap_or_default();
    Some(format!("{}{line}{rule}", expect.verdict))
}

fn outcome(verdict: &Verdict) -> String {
    let line = verdict.place().map(|place| format!(" line {}", place.line)).unwrap_or_default();
    let rule = verdict.rule().map(|rule| format!(" {rule}")).unwrap_or_default();
    format!("{}{line}{rule}", verdict.word())
}

/// One row for each defect: after how many simulated runs it was found, and by which rule.
fn mutants(seeds: u64, cases: &mut Vec<Case>) -> (Exit, Vec<Value>) {
    let (mut exit, mut values) = (Exit::Good, Vec::new());
    let mut rows = Vec::new();
    let progress = Progress::start("simulating");
    for mutant in zab_sim::mutants() {
        progress.say(mutant.name);
        let mut tried = 0;
        let found = (0..seeds).take_while(|_| !interrupt::asked()).find_map(|seed| {
            tried = seed + 1;
            found_out(mutant, seed)
        });
        if found.is_none() && interrupt::asked() {
            break;
        }
        let (name, run) = (mutant.name, found.as_ref().map(|_| tried));
        values.push(json!({"name": name, "found_in_run": run, "by": found, "tried": tried}));
        cases.push(case(DEFECTS, name, found.is_some(), format!("not found in {tried} runs")));
        let (after, by) = match found {
            Some(by) => (format!("run {tried}"), by),
            None => {
                exit = Exit::Bad;
                ("SURVIVED".to_owned(), format!("{seeds} runs"))
            }
        };
        rows.push([name.to_owned(), mutant.description.to_owned(), after, by]);
    }
    drop(progress);
    let mut table = table(["defect", "what is wrong", "found in", "by"], rows);
    table.modify(Columns::one(1), Width::wrap(DESCRIPTION_WIDTH).keep_words(true));
    out::line(table);
    (exit, values)
}

/// What the checker says against a run of a defective ensemble, if it rejects it.
fn found_out(mutant: &Mutant, seed: u64) -> Option<String> {
    let config = mutant.config(seed);
    let run = zab_sim::simulate(seed, &config);
    let trace = (zab_sim::header(seed, &config), run.events);
    let verdict = zab_check::check(&trace, &Options::default()).verdict;
    match &verdict {
        Verdict::Diverges(_) | Verdict::Violates(_) => {
            Some(format!("{} {}", verdict.word(), verdict.rule().unwrap_or_default()))
        }
        Verdict::Conforms(_) | Verdict::Inconclusive(_) | Verdict::Refused(_) => None,
    }
}
