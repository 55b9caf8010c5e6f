//! `zabcheck selftest`, the part with captures that were made wrong: what the properties on the wire say
//! of each kind, and what the model says.

use serde_json::{Value, json};
use zab_capture::corrupt::{Accepted, Kind, Sheet, kinds};
use zab_capture::properties::{self, Members};
use zab_capture::{Item, decode};
use zab_follow::Answer;
use zab_model::Profile;

use crate::args::Selftest;
use crate::commands::selftest;
use crate::exit::Exit;
use crate::interrupt;
use crate::out;
use crate::report::ci::Case;
use crate::report::progress::Progress;
use crate::report::table;

/// The captures that are made wrong, by name and content, from `build.rs`. All of them conform.
const HONEST: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/captures.rs"));

/// A capture that conforms.
struct Honest {
    name: &'static str,
    sheet: Sheet,
    members: Members,
    software: String,
}

/// What is said of a capture.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Accepted,
    Rejected { by_properties: bool, by_model: bool },
    Inconclusive,
}

/// What became of one kind.
struct Row {
    name: &'static str,
    /// Why some captures of this kind may be accepted.
    reason: Option<&'static str>,
    tried: u64,
    by_properties: u64,
    by_model: u64,
    rejected: u64,
    inconclusive: u64,
    /// The captures that are accepted, each with its seed.
    accepted: Vec<String>,
    /// Those of them that nothing explains.
    wrong: Vec<String>,
}

impl Row {
    fn new(kind: &Kind) -> Self {
        let reason = kind.accepted.map(|accepted| match accepted {
            Accepted::Legal(why) | Accepted::NotCompared(why) => why,
        });
        let (tried, by_properties, by_model, rejected, inconclusive) = (0, 0, 0, 0, 0);
        let (accepted, wrong, name) = (Vec::new(), Vec::new(), kind.name);
        Self {
            name,
            reason,
            tried,
            by_properties,
            by_model,
            rejected,
            inconclusive,
            accepted,
            wrong,
        }
    }

    /// What is not as it should be.
    fn complaint(&self) -> Option<String> {
        let wrong = self.wrong.join("; ");
        match (self.tried, self.wrong.is_empty()) {
            (0, _) => Some("no capture has a place for it".to_owned()),
            (_, true) => None,
            (_, false) => Some(format!("it is accepted ({wrong})")),
        }
    }
}

/// Whether a capture of this kind may be accepted. What the properties do not compare, the model does,
/// but for what observers say, who are not followed.
fn may_be_accepted(kind: &Kind, honest: &Honest) -> bool {
    match kind.accepted {
        Some(Accepted::Legal(_)) => true,
        Some(Accepted::NotCompared(_)) => !honest.members.observers.is_empty(),
        None => false,
    }
}

/// Makes captures wrong in every way, once each, or as often as was asked; prints the table, and returns
/// what `--json` shows.
pub(crate) fn run(args: &Selftest, cases: &mut Vec<Case>) -> (Exit, Value) {
    let progress = Progress::start("making captures wrong");
    let honest: Vec<Honest> = HONEST.iter().filter_map(|(name, text)| read(name, text)).collect();
    let refused =
        |one: &&Honest| !interrupt::asked() && verdict(one, &one.sheet.text()) != Verdict::Accepted;
    let mut alarms: Vec<&str> = honest.iter().filter(refused).map(|one| one.name).collect();
    let is_read = |name: &&str| honest.iter().any(|one| one.name == *name);
    alarms.extend(HONEST.iter().map(|(name, _)| *name).filter(|name| !is_read(name)));
    let mut rows = Vec::new();
    for (index, kind) in kinds().iter().enumerate() {
        if interrupt::asked() {
            break;
        }
        progress.say(kind.name);
        let mut row = Row::new(kind);
        match args.mutations {
            None => tried_once(kind, index, &honest, &mut row),
            Some(times) => {
                for (one, seed) in honest.iter().flat_map(|one| (1..=times).map(move |n| (one, n)))
                {
                    tried(kind, one, u64::from(seed), &mut row);
                }
            }
        }
        if !interrupt::asked() {
            rows.push(row);
        }
    }
    drop(progress);
    cases.extend(
        alarms
            .iter()
            .map(|name| selftest::case("honest captures", name, false, "not accepted".to_owned())),
    );
    cases.extend(rows.iter().map(|row| {
        let complaint = row.complaint();
        let is_fine = complaint.is_none();
        selftest::case(selftest::CAPTURES, row.name, is_fine, complaint.unwrap_or_default())
    }));
    let exit = tell(&rows, &alarms);
    let kinds = rows.iter().map(to_json).collect::<Vec<_>>();
    let names: Vec<&str> = honest.iter().map(|one| one.name).collect();
    (exit, json!({ "captures": names, "refused_captures": alarms, "kinds": kinds }))
}

fn read(name: &'static str, text: &str) -> Option<Honest> {
    let sheet = Sheet::read(text.as_bytes()).ok()?;
    let header = sheet.header()?;
    let members = Members {
        servers: header.servers.iter().copied().collect(),
        observers: header.observers.iter().copied().collect(),
    };
    let software = header.software.clone()?;
    Some(Honest { name, sheet, members, software })
}

/// The first capture that has a place for the kind, beginning with another one for each kind.
fn tried_once(kind: &Kind, index: usize, honest: &[Honest], row: &mut Row) {
    let (before, from) = honest.split_at(index % honest.len().max(1));
    for one in from.iter().chain(before) {
        if row.tried == 0 {
            tried(kind, one, 1, row);
        }
    }
}

fn tried(kind: &Kind, honest: &Honest, seed: u64, row: &mut Row) {
    if interrupt::asked() {
        return;
    }
    let Some(wrong) = kind.apply(&honest.sheet, seed) else { return };
    row.tried += 1;
    match verdict(honest, &wrong.text()) {
        Verdict::Accepted => {
            let name = format!("{}, seed {seed}", honest.name);
            if !may_be_accepted(kind, honest) {
                row.wrong.push(name.clone());
            }
            row.accepted.push(name);
        }
        Verdict::Inconclusive => row.inconclusive += 1,
        Verdict::Rejected { by_properties, by_model } => {
            row.rejected += 1;
            row.by_properties += u64::from(by_properties);
            row.by_model += u64::from(by_model);
        }
    }
}

/// What `conform` says: the properties, and every voter under the rules of its release.
fn verdict(honest: &Honest, text: &str) -> Verdict {
    let Ok(report) = properties::check(&honest.members, text.as_bytes()) else {
        return Verdict::Inconclusive;
    };
    let mut items: Vec<Item> = Vec::new();
    if decode(text.as_bytes(), |item| items.push(item.clone())).is_err() {
        return Verdict::Inconclusive;
    }
    let rules = |server| {
        let name = zab_follow::release_of(&honest.software, server).unwrap_or("fixed");
        Profile::named(name).unwrap_or_default()
    };
    let answer = zab_follow::answer(&zab_follow::follow_all(&items, &honest.members, rules));
    let by_properties = !report.findings.is_empty();
    let by_model = matches!(answer, Answer::Diverges(_));
    match answer {
        _ if by_properties || by_model => Verdict::Rejected { by_properties, by_model },
        Answer::Conforms if report.doubts.is_empty() => Verdict::Accepted,
        Answer::Conforms | Answer::Inconclusive(_) | Answer::Diverges(_) => Verdict::Inconclusive,
    }
}

/// Prints the table, and what was accepted.
fn tell(rows: &[Row], alarms: &[&str]) -> Exit {
    let cells = |row: &Row| {
        let wrong = row.wrong.len();
        [
            row.name.to_owned(),
            row.tried.to_string(),
            row.by_properties.to_string(),
            row.by_model.to_string(),
            row.rejected.to_string(),
            row.inconclusive.to_string(),
            row.accepted.len().to_string(),
            if wrong == 0 { String::new() } else { wrong.to_string() },
        ]
    };
    let header = [
        "a capture with",
        "tried",
        "by properties",
        "by the model",
        "rejected",
        "inconclusive",
        "accepted",
        "WRONG",
    ];
    out::line(table(header, rows.iter().map(cells).collect()));
    for row in rows.iter().filter(|row| !row.accepted.is_empty()) {
        let (accepted, why) = (row.accepted.join("; "), row.reason.unwrap_or("nobody knows why"));
        out::line(format_args!("accepted: {} ({accepted}): {why}", row.name));
    }
    for (row, complaint) in rows.iter().filter_map(|row| Some((row, row.complaint()?))) {
        out::error(format_args!("WRONG: {}: {complaint}", row.name));
    }
    for name in alarms {
        out::error(format_args!("an honest capture is not accepted: {name}"));
    }
    let is_fine = alarms.is_empty() && rows.iter().all(|row| row.complaint().is_none());
    if is_fine { Exit::Good } else { Exit::Bad }
}

fn to_json(row: &Row) -> Value {
    json!({
        "kind": row.name,
        "tried": row.tried,
        "by_properties": row.by_properties,
        "by_model": row.by_model,
        "rejected": row.rejected,
        "inconclusive": row.inconclusive,
        "accepted": row.accepted,
        "reason": row.reason,
        "wrongly_accepted": row.wrong,
    })
}
