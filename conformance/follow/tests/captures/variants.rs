//! Captures in the same form, as other recorders would write them.

use std::collections::BTreeSet;

use serde_json::Map;
use serde_json::Value;
use serde_json::json;
use zab_capture::properties;
use zab_follow::Answer;

use crate::common::Capture;
use crate::common::capture;
use crate::common::corpus;

type Line = Map<String, Value>;

/// How another recorder writes the entries.
type Variant = (&'static str, fn(Vec<Line>) -> Vec<Line>);

const VARIANTS: [Variant; 17] = [
    // As a map of `serde_json` has them; the corpus has `t` and `ev` first.
    ("fields in order of their names", |lines| lines),
    ("fields of its own", |lines| with(lines, "wall", &json!({ "clock": ["2026-11-29", 1] }))),
    ("one byte a line", |lines| pieces(lines, |_| 1)),
    ("pieces of other lengths", |lines| pieces(lines, |place| 1 + place * 7 % 41)),
    ("no times", |lines| without(lines, "t")),
    ("times of another clock", |lines| with(lines, "t", &json!(1_764_403_200_000_000_000_u64))),
    ("connections from 1000", |lines| numbered(lines, |number| number + 1000)),
    ("connections from 0", |lines| numbered(lines, |number| number - 1)),
    ("every seventh number", |lines| numbered(lines, |number| number * 7)),
    ("numbers that fall", |lines| numbered(lines, |number| 1_000_000 - number)),
    ("no ports", |lines| leaving_out(lines, |line| is(line, &["listen", "unlisten", "refused"]))),
    ("no ends of connections", |lines| leaving_out(lines, |line| is(line, &["eof", "close"]))),
    ("no last entry", |lines| leaving_out(lines, |line| is(line, &["quit"]))),
    ("nothing of clients", |lines| {
        let kept = ["start", "kill9", "killed"];
        leaving_out(lines, move |line| is(line, &["mark"]) && !kept.contains(&what(line)))
    }),
    ("no kills", |lines| leaving_out(lines, |line| ["kill9", "killed"].contains(&what(line)))),
    ("no marks", |lines| leaving_out(lines, |line| is(line, &["mark"]))),
    ("bytes in capitals", |lines| {
        lines.into_iter().map(|line| mapped(line, "hex", &str::to_uppercase)).collect()
    }),
];

fn text_of<'a>(line: &'a Line, field: &str) -> &'a str {
    line.get(field).and_then(Value::as_str).unwrap_or_default()
}

fn what(line: &Line) -> &str {
    text_of(line, "what")
}

fn is(line: &Line, events: &[&str]) -> bool {
    events.contains(&text_of(line, "ev"))
}

fn with(lines: Vec<Line>, field: &str, value: &Value) -> Vec<Line> {
    lines
        .into_iter()
        .map(|mut line| {
            line.insert(field.to_owned(), value.clone());
            line
        })
        .collect()
}

fn without(lines: Vec<Line>, field: &str) -> Vec<Line> {
    lines
        .into_iter()
        .map(|mut line| {
            line.remove(field);
            line
        })
        .collect()
}

fn leaving_out(lines: Vec<Line>, is_gone: impl Fn(&Line) -> bool) -> Vec<Line> {
    lines.into_iter().filter(|line| !is_gone(line)).collect()
}

fn mapped(mut line: Line, field: &str, change: &dyn Fn(&str) -> String) -> Line {
    if let Some(Value::String(text)) = line.get_mut(field) {
        *text = change(text);
    }
    line
}

fn numbered(lines: Vec<Line>, number: impl Fn(u64) -> u64) -> Vec<Line> {
    let change = |mut line: Line| {
        if let Some(cid) = line.get("cid").and_then(Value::as_u64) {
            line.insert("cid".to_owned(), number(cid).into());
        }
        line
    };
    lines.into_iter().map(change).collect()
}

/// The bytes of each entry in pieces of so many bytes, by the place of the piece.
fn pieces(lines: Vec<Line>, length: impl Fn(usize) -> usize) -> Vec<Line> {
    let mut split = Vec::new();
    for line in lines {
        let hex = text_of(&line, "hex").to_owned();
        if hex.is_empty() {
            split.push(line);
            continue;
        }
        let mut rest = hex.as_str();
        while !rest.is_empty() {
            let (piece, more) = rest.split_at((2 * length(split.len())).min(rest.len()));
            split.push(mapped(line.clone(), "hex", &|_| piece.to_owned()));
            rest = more;
        }
    }
    split
}

/// The entries after the header.
fn lines_of(capture: &Capture) -> (String, Vec<Line>) {
    let text = std::str::from_utf8(&capture.text).expect("UTF-8");
    let (header, entries) = text.split_once('\n').expect("lines");
    let lines = entries.lines().map(|line| serde_json::from_str(line).expect("an entry"));
    (header.to_owned(), lines.collect())
}

fn written(header: &str, lines: &[Line]) -> Vec<u8> {
    let lines = lines.iter().map(|line| serde_json::to_string(line).expect("an entry"));
    let text = std::iter::once(header.to_owned()).chain(lines).collect::<Vec<_>>().join("\n");
    text.into_bytes()
}

/// What is said of a capture: rules that are violated, reasons why nothing can be said, and the steps.
fn said(capture: &Capture) -> (BTreeSet<&'static str>, Vec<String>, Answer) {
    let report = properties::check(&capture.members, capture.text.as_slice()).expect("a capture");
    let rules = |server| capture.rules(server);
    let followed = zab_follow::follow_all(&capture.items, &capture.members, rules);
    let violated = report.findings.iter().map(|finding| finding.rule).collect();
    (violated, report.doubts, zab_follow::answer(&followed))
}

#[test]
fn what_another_recorder_writes_conforms_as_well() {
    let mut same = 0;
    for whole in corpus().into_iter().filter(Capture::is_small) {
        let (header, lines) = lines_of(&whole);
        let (violated, ..) = said(&whole);
        for (name, variant) in VARIANTS {
            let text = written(&header, &variant(lines.clone()));
            let other = capture(format!("{}, {name}", whole.name), text);
            let (found, doubts, answer) = said(&other);
            assert_eq!(answer, Answer::Conforms, "{}", other.name);
            // What rests on marks cannot be found without them.
            assert!(found.is_subset(&violated), "{}: {found:?}", other.name);
            assert_eq!(doubts, Vec::<String>::new(), "{}", other.name);
            same += 1;
        }
    }
    assert!(same > 400, "{same}");
}

/// The recorder was started when connections were there already: their bytes begin anywhere.
#[test]
fn a_capture_that_begins_in_the_middle_of_connections_says_so() {
    let mut told = 0;
    for whole in corpus().into_iter().filter(Capture::is_small) {
        let (header, lines) = lines_of(&whole);
        let (opens, rest): (Vec<Line>, Vec<Line>) =
            lines.into_iter().partition(|line| is(line, &["open"]));
        let opened: Vec<Line> = opens;
        let middle = opened.into_iter().chain(rest.iter().skip(rest.len() / 3).cloned());
        let text = written(&header, &middle.collect::<Vec<_>>());
        let other = capture(whole.name.clone(), text);
        let report = properties::check(&other.members, other.text.as_slice()).expect("a capture");
        assert!(report.findings.is_empty() || !report.doubts.is_empty(), "{}", other.name);
        told += usize::from(!report.doubts.is_empty());
    }
    assert!(told > 20, "{told}");
}
