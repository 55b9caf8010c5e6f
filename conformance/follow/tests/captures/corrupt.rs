//! Captures of real servers that were made wrong, one message each: what the model says of every kind,
//! beside what the properties on the wire say. The table, and everything that the model accepts, is a
//! snapshot.

use std::fmt::Write as _;

use crate::common::Capture;
use crate::common::corpus;
use zab_capture::corrupt::Kind;
use zab_capture::corrupt::Sheet;
use zab_capture::corrupt::kinds;
use zab_capture::decode;
use zab_capture::properties;
use zab_follow::Answer;

/// Kinds that change only what the model leaves out.
const LEFT_OUT: &[&str] =
    &["PROPOSAL: another digest", "PING: zxid one higher", "PING: another epoch"];

/// Why the model accepts what some kinds make.
const ACCEPTED: &[(&str, &str)] = &[
    ("vote: for another server", "at a first start a vote for a greater id may come early"),
    (
        "vote: round goes back",
        "the vote of an observer, or one that is sent late on a new connection",
    ),
    ("vote: goes back within a round", "the vote of an observer"),
    (
        "vote: LEADING instead of LOOKING",
        "a server that has the votes of a quorum leads from then on",
    ),
    ("settled vote: for another server", "an answer to an observer, which nobody counts"),
    ("settled vote: epoch that never was", "an answer to an observer, which nobody counts"),
    ("DIFF: zxid one lower", "a DIFF may end before what follows it is applied"),
    ("PROPOSAL: another digest", "digests of trees are not modelled: W-DIGEST compares them"),
    ("PING: zxid one higher", "PING is left out: W-PING looks at it"),
    ("PING: another epoch", "PING is left out: W-PING looks at it"),
    (
        "a vote without its last byte",
        "its bytes wait for the rest of a message, as at the end of any capture",
    ),
];

/// What became of one kind.
#[derive(Default)]
struct Row {
    tried: usize,
    rejected: usize,
    inconclusive: usize,
    accepted: usize,
    /// Accepted by the model and by the properties.
    passed: Vec<String>,
}

/// The captures of three servers that conform, with a line for each message.
fn honest() -> Vec<(Capture, Sheet)> {
    let conforms = |capture: &Capture| {
        let rules = |server| capture.rules(server);
        let followed = zab_follow::follow_all(&capture.items, &capture.members, rules);
        let report = properties::check(&capture.members, capture.text.as_slice()).expect("it");
        zab_follow::answer(&followed) == Answer::Conforms && report.findings.is_empty()
    };
    let read = |capture: Capture| {
        let sheet = Sheet::read(capture.text.as_slice()).expect("a capture");
        (capture, sheet)
    };
    corpus().into_iter().filter(Capture::is_small).filter(conforms).map(read).collect()
}

fn tried(kind: &Kind, captures: &[(Capture, Sheet)]) -> Row {
    let mut row = Row::default();
    for (seed, (capture, sheet)) in (1..).zip(captures) {
        let Some(wrong) = kind.apply(sheet, seed) else { continue };
        row.tried += 1;
        let text = wrong.text();
        let mut items = Vec::new();
        if decode(text.as_bytes(), |item| items.push(item.clone())).is_err() {
            row.inconclusive += 1;
            continue;
        }
        let rules = |server| capture.rules(server);
        let followed = zab_follow::follow_all(&items, &capture.members, rules);
        match zab_follow::answer(&followed) {
            Answer::Diverges(_) => row.rejected += 1,
            Answer::Inconclusive(_) => row.inconclusive += 1,
            Answer::Conforms => {
                row.accepted += 1;
                let report = properties::check(&capture.members, text.as_bytes());
                let holds = |report: &properties::Report| {
                    report.findings.is_empty() && report.doubts.is_empty()
                };
                if report.is_ok_and(|report| holds(&report)) {
                    row.passed.push(format!("{}, seed {seed}", capture.name));
                }
            }
        }
    }
    row
}

#[test]
fn what_is_wrong_is_rejected() {
    let captures = honest();
    assert!(captures.len() > 20, "{} captures", captures.len());
    let mut table =
        format!("{:48} tried  rejected  inconclusive  accepted  by properties too\n", "");
    let mut total = Row::default();
    let mut survivors = String::new();
    let (mut visible, mut found) = (0, 0);
    for kind in kinds() {
        let Row { tried, rejected, inconclusive, accepted, passed } = tried(&kind, &captures);
        let (name, both) = (kind.name, passed.len());
        writeln!(
            table,
            "{name:48} {tried:5}  {rejected:8}  {inconclusive:12}  {accepted:8}  {both:17}"
        )
        .expect("a text");
        if accepted > 0 {
            let why = ACCEPTED.iter().find(|(kind, _)| *kind == name).map(|(_, why)| *why);
            let why = why.unwrap_or_else(|| panic!("{name}: nobody knows why it is accepted"));
            let both = passed.iter().map(|capture| format!("\n  by the properties too: {capture}"));
            writeln!(survivors, "{name}: {why}{}", both.collect::<String>()).expect("a text");
        }
        if !LEFT_OUT.contains(&name) {
            visible += tried;
            found += tried - accepted;
        }
        total.tried += tried;
        total.rejected += rejected;
        total.inconclusive += inconclusive;
        total.accepted += accepted;
    }
    let Row { tried, rejected, inconclusive, accepted, .. } = total;
    writeln!(table, "{:48} {tried:5}  {rejected:8}  {inconclusive:12}  {accepted:8}", "all")
        .expect("a text");
    writeln!(
        table,
        "\nof those that are about what the model knows {found} of {visible} are not accepted\naccepted, and why:"
    )
    .expect("a text");
    assert!(found * 100 >= visible * 95, "{table}");
    insta::assert_snapshot!("corruptions", format!("{table}\n{survivors}"));
}
