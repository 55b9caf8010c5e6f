//! `zabcheck history`.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use zab_history::{History, Report, Rule, Verdict, Violation, What};

use crate::args::History as Args;
use crate::exit::Exit;
use crate::export::Picture;
use crate::given::Given;
use crate::intervals::{Bar, Intervals};
use crate::out;
use crate::report::ci::{self, Case, Finding, State};
use crate::report::{can_write, conformance, table, write_json};

/// How many lines of each client are drawn before and after those that a violation rests on.
const AROUND: usize = 4;

/// Checks a history and prints the verdict.
pub(crate) fn run(args: &Args) -> Exit {
    let json = args.json.as_deref();
    let fine = json.map_or(Ok(()), can_write).and_then(|()| ci::can_write(&args.reports));
    let fine = fine.and_then(|()| args.export.as_ref().map_or(Ok(()), Picture::can_write));
    if let Err(why) = fine {
        out::error(why);
        return Exit::Usage;
    }
    let load = |given: Given| {
        let history = History::load(&given.paths).map_err(|error| error.to_string())?;
        Ok((conformance::names(&given.paths), history))
    };
    let (paths, history) = match Given::new(&args.paths).and_then(load) {
        Ok(loaded) => loaded,
        Err(why) => {
            out::error(why);
            return Exit::Usage;
        }
    };
    let report = zab_history::check(&history);
    print(&history, &report);
    let mut exit = exit_of(&report.verdict);
    exit = exit.and(write_json(json, "history", to_json(&paths, &history, &report)));
    exit = exit.and(ci::write(&args.reports, "history", &[case(&paths, &history, &report)]));
    if let Some(picture) = &args.export {
        exit = exit.and(draw(picture, &history, &report));
    }
    exit
}

fn exit_of(verdict: &Verdict) -> Exit {
    match verdict {
        Verdict::Conforms => Exit::Good,
        Verdict::Violates(_) => Exit::Bad,
        Verdict::Inconclusive(_) => Exit::Unknown,
    }
}

fn print(history: &History, report: &Report) {
    let summary = &report.summary;
    match &report.verdict {
        Verdict::Conforms => out::line(format_args!(
            "CONFORMS  {} clients, {} sessions, {} operations, {} events, up to {}",
            summary.clients, summary.sessions, summary.operations, summary.events, summary.last
        )),
        Verdict::Violates(violation) => tell(history, violation, report.violations.len()),
        Verdict::Inconclusive(why) => out::line(format_args!("INCONCLUSIVE  {why}")),
    }
    if summary.unknown > 0 {
        out::line(format_args!(
            "{} operations of unknown outcome; answers show of {} writes that they happened",
            summary.unknown, summary.found
        ));
    }
    if let Some(stale) = summary.first_stale {
        out::line(format_args!(
            "{} reads are behind what another client had been told, which is allowed without a sync; \
             the first: {} does not show {}",
            summary.stale,
            shown(history, stale.read),
            shown(history, stale.write)
        ));
    }
    for note in &report.notes {
        out::line(format_args!("note: {note}"));
    }
    if !matches!(report.verdict, Verdict::Inconclusive(_)) {
        let asked = |rule: &Rule| summary.asked.get(rule).copied().unwrap_or(0).to_string();
        let rows = Rule::ALL.iter().map(|rule| [rule.name().to_owned(), asked(rule)]);
        out::line(table(["promise", "times looked at"], rows.collect()));
    }
}

/// A line with its place.
fn shown(history: &History, index: usize) -> String {
    let (file, line) = history.place(index);
    format!("{file}:{line} ({})", words(&history.lines[index].what))
}

/// What a line says.
fn words(what: &What) -> String {
    match what {
        What::Operation(operation) => {
            let call = &operation.call;
            match (operation.zxid, &operation.error) {
                (Some(zxid), Some(error)) => format!("{call}: {error} from {zxid}"),
                (Some(zxid), None) => format!("{call}: {zxid}"),
                (None, _) => format!("{call}: never answered"),
            }
        }
        What::Watch { kind, path, .. } => format!("event {kind:?} {path}"),
        What::Connected { .. } => "connected".to_owned(),
        What::Disconnected { .. } => "disconnected".to_owned(),
        What::Expired { .. } => "expired".to_owned(),
        What::Mark(mark) => {
            let value = mark.value.as_deref().unwrap_or("");
            format!("{} {} {} {value}", mark.recipe, mark.mark, mark.name).trim_end().to_owned()
        }
    }
}

fn tell(history: &History, violation: &Violation, all: usize) {
    out::line(format_args!("VIOLATES  {violation}"));
    out::line(format_args!("  {}", shown(history, violation.index)));
    for related in &violation.related {
        out::line(format_args!("  {}: {}", related.what, shown(history, related.index)));
    }
    if all > 1 {
        out::line(format_args!("{} more violations; --json lists them", all - 1));
    }
}

fn to_json(paths: &[String], history: &History, report: &Report) -> Value {
    let place = |index: usize| {
        let (file, line) = history.place(index);
        json!({"file": file, "line": line})
    };
    let violation = |violation: &Violation| {
        let related = violation.related.iter();
        let related = related.map(|other| json!({"what": other.what, "place": place(other.index)}));
        json!({
            "rule": violation.rule.name(),
            "place": place(violation.index),
            "text": violation.text,
            "related": related.collect::<Vec<_>>(),
        })
    };
    let summary = &report.summary;
    let asked = Rule::ALL
        .iter()
        .map(|rule| (rule.name().to_owned(), json!(summary.asked.get(rule).copied().unwrap_or(0))));
    let stale = summary.first_stale;
    json!({
        "paths": paths,
        "verdict": report.verdict.word(),
        "exit": exit_of(&report.verdict).code(),
        "violations": report.violations.iter().map(violation).collect::<Vec<_>>(),
        "clients": summary.clients,
        "sessions": summary.sessions,
        "operations": summary.operations,
        "unknown": summary.unknown,
        "found": summary.found,
        "events": summary.events,
        "last": summary.last.to_string(),
        "asked": Value::Object(asked.collect()),
        "stale": summary.stale,
        "first_stale": stale.map(|stale| json!({"read": place(stale.read), "write": place(stale.write)})),
        "notes": report.notes,
    })
}

fn case(paths: &[String], history: &History, report: &Report) -> Case {
    let finding = |violation: &Violation| {
        let (file, line) = history.place(violation.index);
        let place = Some((file.to_owned(), u64::try_from(line).ok()));
        Finding { place, ..Finding::error(violation.rule.name(), violation.text.clone()) }
    };
    let mut findings: Vec<Finding> = report.violations.iter().map(finding).collect();
    if let Verdict::Inconclusive(why) = &report.verdict {
        findings.push(Finding::error("INCONCLUSIVE", why.clone()));
    }
    Case {
        suite: "history".to_owned(),
        name: paths.join(" "),
        state: State::of(exit_of(&report.verdict)),
        findings,
    }
}

/// Draws what the violation rests on, or the first stale read; without either there is nothing.
fn draw(picture: &Picture, history: &History, report: &Report) -> Exit {
    let marked: Vec<usize> = match (&report.verdict, report.summary.first_stale) {
        (Verdict::Violates(found), _) => std::iter::once(found.index)
            .chain(found.related.iter().map(|other| other.index))
            .collect(),
        (_, Some(stale)) => vec![stale.read, stale.write],
        _ => {
            let name = picture.name();
            out::line(format_args!(
                "nothing is violated and no read is stale: {name} is not written"
            ));
            return Exit::Good;
        }
    };
    let mut picked: BTreeSet<usize> = marked.iter().copied().collect();
    for index in &marked {
        let client = history.lines[*index].client;
        let lines = history.lines.iter().enumerate();
        let mut own: Vec<usize> =
            lines.filter(|(_, line)| line.client == client).map(|(index, _)| index).collect();
        own.sort_by_key(|other| bar(history, *other, false).from);
        let at = own.iter().position(|other| other == index).unwrap_or(0);
        picked.extend(&own[at.saturating_sub(AROUND)..(at + AROUND + 1).min(own.len())]);
    }
    let bars = picked.iter().map(|index| bar(history, *index, marked.contains(index)));
    picture.intervals(&Intervals::new(bars.collect()))
}

fn bar(history: &History, index: usize, marked: bool) -> Bar {
    let line = &history.lines[index];
    let (from, to) = match &line.what {
        What::Operation(operation) => (operation.invoked, operation.returned),
        What::Connected { at }
        | What::Disconnected { at }
        | What::Expired { at }
        | What::Watch { at, .. } => (*at, Some(*at)),
        What::Mark(mark) => (mark.at, Some(mark.at)),
    };
    let lane = format!("client {}", line.client);
    Bar { lane, from, to, text: words(&line.what), marked }
}
