//! `zabcheck wire`, and `conform` of a capture.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use zab_capture::properties::{self, Finding, Members, Report};
use zab_capture::raw::Reader;
use zab_follow::{Answer, Divergence};

use crate::args::{self, Conform, Named, Wire};
use crate::captures;
use crate::commands::steps::{self, Steps};
use crate::exit::Exit;
use crate::out;
use crate::packets::near;
use crate::report::ci::{self, Case, State};
use crate::report::progress::Progress;
use crate::report::{can_write, table, write_json};

/// What `wire` does not say of a capture.
const NOT_CHECKED: &str = "the steps themselves were not checked against a release (conform does): only the \
     properties of docs/src/rules.md, section \"On the wire\"";

/// Looks at the properties of captures.
pub(crate) fn run(args: &Wire) -> Exit {
    let paths = match captures::or_given(&args.paths) {
        Ok(paths) => paths,
        Err(why) => {
            out::error(why);
            return Exit::Usage;
        }
    };
    let fine = args.json.as_deref().map_or(Ok(()), can_write);
    if let Err(why) = fine.and_then(|()| ci::can_write(&args.reports)) {
        out::error(why);
        return Exit::Usage;
    }
    let judged = judge(&paths, &args.members, Legality::NotAsked);
    tell("wire", &judged, args.json.as_deref(), &args.reports)
}

/// `conform` of captures: the properties, and every step against the rules of a release.
pub(super) fn conform(args: &Conform, captures: &[PathBuf]) -> Exit {
    let unused = [("--witness", args.witness.is_some()), ("--export", args.export.is_some())];
    if let Some((flag, _)) = unused.iter().find(|(_, is_given)| *is_given) {
        out::error(format_args!("{flag} is for traces, and a capture was given"));
        return Exit::Usage;
    }
    let judged = judge(captures, &args.members, Legality::Owed(args.profile.as_ref()));
    tell("conform", &judged, args.json.as_deref(), &args.reports)
}

/// Whether a verdict would have to speak of steps.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Legality<'a> {
    NotAsked,
    /// Under these rules, or those of the release that the header names.
    Owed(Option<&'a Named>),
}

/// What is said of one capture.
pub(super) struct Judged {
    path: PathBuf,
    word: &'static str,
    exit: Exit,
    /// Why, if it is not the report that says so.
    reason: Option<String>,
    report: Report,
    /// What the model says, if it was asked.
    steps: Option<Steps>,
}

impl Judged {
    pub(super) fn word(&self) -> &'static str {
        self.word
    }

    /// Where it leaves the rules, if it was asked and does.
    fn divergence(&self) -> Option<&Divergence> {
        match &self.steps.as_ref()?.answer {
            Answer::Diverges(divergence) => Some(divergence),
            Answer::Conforms | Answer::Inconclusive(_) => None,
        }
    }

    pub(super) fn exit(&self) -> Exit {
        self.exit
    }

    /// The properties that are violated.
    pub(super) fn rules(&self) -> String {
        let rules: BTreeSet<&str> =
            self.report.findings.iter().map(|finding| finding.rule).collect();
        rules.into_iter().collect::<Vec<_>>().join(", ")
    }
}

/// The captures that a recording has left in a folder.
pub(super) fn captures_in(folder: &Path) -> Vec<PathBuf> {
    captures::in_path(folder)
}

/// Whether there is more in a capture than its header.
pub(super) fn has_entries(path: &Path) -> bool {
    open(path).is_ok_and(|file| matches!(Reader::new(file).next_entry(), Ok(Some(_))))
}

/// What is said of a capture whose header names the servers.
pub(super) fn judged(path: &Path) -> Judged {
    judge_one(path, &args::Members::default(), Legality::NotAsked)
}

fn judge_one(path: &Path, given: &args::Members, legality: Legality<'_>) -> Judged {
    match check(path, given) {
        Ok(report) => {
            let owed = match legality {
                Legality::Owed(profile) if report.doubts.is_empty() => Some(profile),
                Legality::Owed(_) | Legality::NotAsked => None,
            };
            let steps = owed.map(|profile| steps::check(path, &members(path, given)?, profile));
            match steps.transpose() {
                Ok(steps) => judgement(path, report, steps),
                Err(reason) => refused(path, reason),
            }
        }
        Err(reason) => refused(path, reason),
    }
}

fn refused(path: &Path, reason: String) -> Judged {
    Judged {
        path: path.to_owned(),
        word: "REFUSED",
        exit: Exit::Usage,
        reason: Some(reason),
        report: Report::default(),
        steps: None,
    }
}

fn judge(paths: &[PathBuf], given: &args::Members, legality: Legality<'_>) -> Vec<Judged> {
    let one = |path: &PathBuf| {
        let progress = Progress::start("looking at packets");
        let judged = judge_one(path, given, legality);
        drop(progress);
        print(&judged);
        judged
    };
    paths.iter().map(one).collect()
}

fn open(path: &Path) -> Result<BufReader<File>, String> {
    File::open(path).map(BufReader::new).map_err(|error| error.to_string())
}

/// Looks at the properties of one capture.
pub(super) fn check(path: &Path, given: &args::Members) -> Result<Report, String> {
    let members = members(path, given)?;
    properties::check(&members, open(path)?).map_err(|error| error.to_string())
}

/// Who takes part in a capture: what was given, or what its header says. Observers may be named among
/// the servers, or beside them.
pub(super) fn members(path: &Path, given: &args::Members) -> Result<Members, String> {
    if let Some(members) = named(given) {
        return Ok(members);
    }
    let mut reader = Reader::new(open(path)?);
    reader.next_entry().map_err(|error| error.to_string())?;
    let header = reader.header().filter(|header| !header.servers.is_empty());
    header.map(|header| members_of(&header.servers, &header.observers)).ok_or_else(|| {
        "its header does not name the servers: give them with --servers 1,2,3 [--observers 4]"
            .to_owned()
    })
}

/// Who was named, if anybody was.
pub(super) fn named(given: &args::Members) -> Option<Members> {
    (!given.servers.is_empty()).then(|| members_of(&given.servers, &given.observers))
}

fn members_of(servers: &[i64], observers: &[i64]) -> Members {
    let observers: BTreeSet<i64> = observers.iter().copied().collect();
    Members { servers: servers.iter().chain(&observers).copied().collect(), observers }
}

fn judgement(path: &Path, report: Report, steps: Option<Steps>) -> Judged {
    let answer = steps.as_ref().map(|steps| &steps.answer);
    let (word, exit, reason) = match answer {
        // What is missing may be what would make it legal.
        Some(Answer::Diverges(_)) if report.lacks.is_some() => {
            ("INCONCLUSIVE", Exit::Unknown, report.lacks.clone())
        }
        Some(Answer::Diverges(_)) => ("DIVERGES", Exit::Bad, None),
        _ if !report.findings.is_empty() => ("VIOLATES", Exit::Bad, None),
        _ if !report.doubts.is_empty() => {
            ("INCONCLUSIVE", Exit::Unknown, Some(report.doubts.join("; ")))
        }
        Some(Answer::Inconclusive(why)) => ("INCONCLUSIVE", Exit::Unknown, Some(why.clone())),
        Some(Answer::Conforms) => ("CONFORMS", Exit::Good, None),
        None => ("HOLDS", Exit::Good, None),
    };
    Judged { path: path.to_owned(), word, exit, reason, report, steps }
}

fn print(judged: &Judged) {
    let Judged { path, word, reason, report, steps, .. } = judged;
    let path = path.display();
    match reason {
        Some(reason) => out::line(format_args!("{word}  {path}: {reason}")),
        None if *word == "HOLDS" => out::line(format_args!(
            "{word}  {path}: none of the properties is violated; {NOT_CHECKED}"
        )),
        None if *word == "CONFORMS" => out::line(format_args!(
            "{word}  {path}: every server, by itself, does what its rules allow; no property is violated"
        )),
        None => out::line(format_args!("{word}  {path}")),
    }
    if let Some(steps) = steps {
        steps.print();
    }
    report.findings.iter().for_each(print_finding);
    if judged.exit == Exit::Usage {
        return;
    }
    let doubts = report.doubts.iter().filter(|_| !report.findings.is_empty());
    doubts.chain(&report.notes).for_each(|note| out::line(format_args!("note: {note}")));
    let row = |count: &properties::Count| {
        [count.rule.to_owned(), count.what.to_owned(), count.number.to_string()]
    };
    let rows = report.counts.iter().map(row).collect();
    out::line(table(["property", "what was looked at", "number"], rows));
    let total = report.summary.total();
    let connections = report.summary.connections;
    out::line(format_args!("{total} messages on {connections} connections"));
}

fn print_finding(finding: &Finding) {
    out::line(format_args!("\n{}  {}", finding.rule, finding.says));
    finding.packets.iter().for_each(|packet| out::line(format_args!("  {}", packet.text)));
    out::line(format_args!("  zabcheck explain {}", finding.rule));
}

fn tell(command: &str, judged: &[Judged], json: Option<&Path>, reports: &ci::Reports) -> Exit {
    let exit = judged.iter().fold(Exit::Good, |exit, judged| exit.and(judged.exit));
    let captures: Vec<Value> = judged.iter().map(to_json).collect();
    let mut cases: Vec<Case> = judged.iter().map(|judged| case(command, judged)).collect();
    if reports.html.is_some() {
        cases.iter_mut().zip(judged).for_each(|(case, judged)| draw(case, judged));
    }
    let value = json!({ "captures": captures });
    exit.and(write_json(json, command, value)).and(ci::write(reports, command, &cases))
}

fn to_json(judged: &Judged) -> Value {
    let Judged { path, word, exit, reason, report, steps } = judged;
    let finding = |finding: &Finding| {
        let packets: Vec<Value> = finding
            .packets
            .iter()
            .map(|packet| json!({"line": packet.line, "text": packet.text.trim()}))
            .collect();
        json!({"rule": finding.rule, "says": finding.says, "packets": packets})
    };
    let count = |count: &properties::Count| json!({"rule": count.rule, "what": count.what, "number": count.number});
    json!({
        "path": path.display().to_string(),
        "verdict": word,
        "exit": exit.code(),
        "reason": reason,
        "steps_checked": steps.is_some(),
        "steps": steps.as_ref().map(Steps::json),
        "findings": report.findings.iter().map(finding).collect::<Vec<_>>(),
        "doubts": report.doubts,
        "notes": report.notes,
        "counts": report.counts.iter().map(count).collect::<Vec<_>>(),
        "messages": report.summary.total(),
        "connections": report.summary.connections,
    })
}

/// Draws what stands around the packets of each finding, in the order of the case's.
fn draw(case: &mut Case, judged: &Judged) {
    let findings = judged.report.findings.iter();
    let mut lines: Vec<Vec<u64>> = findings
        .map(|finding| finding.packets.iter().map(|packet| packet.line).collect())
        .collect();
    lines.extend(judged.divergence().map(|divergence| vec![divergence.line]));
    let pictures = near(&judged.path, lines);
    case.findings.iter_mut().zip(pictures).for_each(|(finding, picture)| finding.picture = picture);
}

/// A capture as a test case.
fn case(command: &str, judged: &Judged) -> Case {
    let path = judged.path.display().to_string();
    let of = |finding: &Finding| {
        let packets: Vec<&str> = finding.packets.iter().map(|packet| packet.text.trim()).collect();
        let text = format!("{}\n{}", finding.says, packets.join("\n"));
        let line = finding.packets.last().map(|packet| packet.line);
        ci::Finding { place: Some((path.clone(), line)), ..ci::Finding::error(finding.rule, text) }
    };
    let mut findings: Vec<ci::Finding> = judged.report.findings.iter().map(of).collect();
    if let Some(divergence) = judged.divergence() {
        let said = [&divergence.instead[..], &divergence.guards].concat().join("\n");
        let text = format!("server {}: {}\n{said}", divergence.server, divergence.packet.trim());
        findings.push(ci::Finding {
            place: Some((path.clone(), Some(divergence.line))),
            ..ci::Finding::error(divergence.rule, text)
        });
    }
    findings.extend(judged.reason.as_ref().map(|reason| ci::Finding {
        place: Some((path.clone(), None)),
        ..ci::Finding::error(judged.word, reason.clone())
    }));
    Case { suite: command.to_owned(), name: path, state: State::of(judged.exit), findings }
}
