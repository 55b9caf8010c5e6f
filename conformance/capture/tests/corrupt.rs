//! Captures of real servers that were made wrong, one message each: what the properties say of every
//! kind. The table, and everything that was accepted, is a snapshot.

mod corpus_files;

use std::fmt::Write as _;

use corpus_files::{captures, members};
use zab_capture::corrupt::{Accepted, Kind, Sheet, kinds};
use zab_capture::properties::{self, Members};

/// What became of one kind.
#[derive(Default)]
struct Row {
    tried: usize,
    rejected: usize,
    inconclusive: usize,
    passed: Vec<String>,
}

/// Captures in which nothing is wrong: those of three voters first.
fn honest() -> Vec<(String, Sheet, Members)> {
    let read = |(name, path): (String, _)| {
        let text = std::fs::read(path).expect("the capture");
        let sheet = Sheet::read(text.as_slice()).expect("a capture");
        let members = members(sheet.header());
        let report = properties::check(&members, text.as_slice()).expect("a capture");
        report.findings.is_empty().then_some((name, sheet, members))
    };
    let mut honest: Vec<_> = captures().into_iter().filter_map(read).collect();
    honest.sort_by_key(|(_, _, members)| members.servers.len() - members.observers.len());
    honest
}

fn tried(kind: &Kind, captures: &[(String, Sheet, Members)]) -> Row {
    let mut row = Row::default();
    for (seed, (name, sheet, members)) in (1..).zip(captures) {
        let Some(wrong) = kind.apply(sheet, seed) else { continue };
        row.tried += 1;
        match properties::check(members, wrong.text().as_bytes()) {
            Ok(report) if !report.findings.is_empty() => row.rejected += 1,
            Ok(report) if report.doubts.is_empty() => {
                row.passed.push(format!("{name}, seed {seed}"))
            }
            Ok(_) | Err(_) => row.inconclusive += 1,
        }
    }
    row
}

#[test]
fn a_capture_with_a_line_for_each_message_says_the_same() {
    for (name, sheet, members) in honest() {
        let report = properties::check(&members, sheet.text().as_bytes()).expect("a capture");
        assert_eq!((report.findings, report.doubts), (Vec::new(), Vec::new()), "{name}");
    }
}

#[test]
fn what_is_wrong_is_rejected() {
    let captures = honest();
    assert!(captures.len() > 20, "{} captures", captures.len());
    let mut table = format!("{:48} tried  rejected  inconclusive  passed\n", "");
    let (mut visible, mut found) = (0, 0);
    let mut reasons = String::new();
    for kind in kinds() {
        let Row { tried, rejected, inconclusive, passed } = tried(&kind, &captures);
        assert!(tried > 0, "{} was never tried", kind.name);
        let name = kind.name;
        let accepted = passed.len();
        writeln!(table, "{name:48} {tried:5}  {rejected:8}  {inconclusive:12}  {accepted:6}")
            .expect("a text");
        let why = match kind.accepted {
            Some(Accepted::Legal(why)) => format!("legal: {why}"),
            Some(Accepted::NotCompared(why)) => why.to_owned(),
            None => String::new(),
        };
        if !matches!(kind.accepted, Some(Accepted::Legal(_))) {
            visible += tried;
            found += tried - accepted;
        }
        assert!(passed.is_empty() || !why.is_empty(), "{name}: {passed:?}");
        if !passed.is_empty() {
            writeln!(reasons, "{name}: {why}\n  {}", passed.join("\n  ")).expect("a text");
        }
    }
    writeln!(
        table,
        "\nof those that contradict something visible {found} of {visible} are not accepted"
    )
    .expect("a text");
    writeln!(table, "accepted, and why:\n{reasons}").expect("a text");
    assert!(found * 100 >= visible * 95, "{table}");
    insta::assert_snapshot!("corruptions", table);
}
