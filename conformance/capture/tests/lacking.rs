//! Captures from which something was taken away: what is missing may be what made the rest legal, so no
//! property is said to be violated that is not violated in the whole.

mod corpus_files;

use std::collections::BTreeSet;
use std::fs;

use corpus_files::{captures, members};
use serde_json::Value;
use zab_capture::properties::{self, Members, Report};
use zab_capture::raw::Reader;

/// The entries of a capture.
struct Lines(Vec<Value>);

impl Lines {
    fn servers(&self) -> Vec<i64> {
        let ids = self.0[0]["servers"].as_array().expect("a header");
        ids.iter().filter_map(Value::as_i64).collect()
    }

    /// The capture without some entries, and without those of connections that are then never opened.
    fn without(&self, is_gone: impl Fn(&Value) -> bool) -> Option<String> {
        let kept: Vec<&Value> = self.0.iter().filter(|line| !is_gone(line)).collect();
        let opened: BTreeSet<u64> = kept
            .iter()
            .filter(|line| line["ev"] == "open")
            .filter_map(|line| line["cid"].as_u64())
            .collect();
        let is_open = |line: &Value| line["cid"].as_u64().is_none_or(|cid| opened.contains(&cid));
        let kept: Vec<String> =
            kept.into_iter().filter(|line| is_open(line)).map(|line| format!("{line}\n")).collect();
        (kept.len() < self.0.len()).then(|| kept.concat())
    }
}

/// Every capture in which no property is violated.
fn whole() -> Vec<(String, Lines, Members)> {
    let read = |(name, path): (String, _)| {
        let text = fs::read_to_string(path).expect("the capture");
        let mut reader = Reader::new(text.as_bytes());
        reader.next_entry().expect("an entry");
        let members = members(reader.header());
        let report = report(&members, &text);
        assert_eq!((report.doubts, report.lacks), (Vec::new(), None), "{name}");
        let lines = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        report.findings.is_empty().then_some((name, Lines(lines), members))
    };
    captures().into_iter().filter_map(read).collect()
}

fn report(members: &Members, text: &str) -> Report {
    properties::check(members, text.as_bytes()).expect("a capture")
}

fn is_of(line: &Value, port: &str, from: i64, to: i64) -> bool {
    line["ch"] == port && line["frm"] == from && line["to"] == to
}

#[test]
fn a_link_or_a_direction_that_is_missing_is_told_and_no_violation() {
    let (mut links, mut directions) = (0, 0);
    for (name, lines, members) in whole() {
        let servers = lines.servers();
        let pairs = servers.iter().flat_map(|from| servers.iter().map(move |to| (*from, *to)));
        for ((from, to), port) in pairs.flat_map(|pair| [(pair, "e"), (pair, "q")]) {
            let what = format!("{name}, {from} to {to}, {port}");
            let dialled: BTreeSet<u64> = lines
                .0
                .iter()
                .filter(|line| line["ev"] == "open" && is_of(line, port, from, to))
                .filter_map(|line| line["cid"].as_u64())
                .collect();
            let of_link = |line: &Value| {
                let is_its = line["cid"].as_u64().is_some_and(|cid| dialled.contains(&cid));
                is_its || line["cid"].is_null() && is_of(line, port, from, to)
            };
            let is_there =
                lines.0.iter().any(|line| line["ev"] == "listen" && is_of(line, port, from, to));
            if let Some(text) = lines.without(of_link).filter(|_| is_there) {
                let report = report(&members, &text);
                assert_eq!(report.findings, Vec::new(), "{what}");
                let told = report.doubts.iter().any(|doubt| doubt.contains("lacks a link"));
                assert!(told, "{what}: {:?}", report.doubts);
                links += 1;
            }
            let is_said = |line: &Value| line["ev"] == "data" && is_of(line, port, from, to);
            if let Some(text) = lines.without(is_said) {
                let report = report(&members, &text);
                assert_eq!(report.findings, Vec::new(), "{what}: {:?}", report.doubts);
                // A learner whose connection is at once refused says all that there is.
                assert!(port == "q" || !report.doubts.is_empty(), "{what}");
                directions += 1;
            }
        }
    }
    assert!(links > 100 && directions > 100, "{links} links, {directions} directions");
}

#[test]
fn a_connection_that_is_missing_is_told() {
    let mut missing = 0;
    for (name, lines, members) in whole() {
        let refused = lines.0.iter().filter(|line| line["ev"] == "refused").count();
        let numbers: BTreeSet<u64> =
            lines.0.iter().filter_map(|line| line["cid"].as_u64()).collect();
        // Without the last one no number is missing, and a refused one may have had a number.
        let last = numbers.last().copied();
        for number in numbers.into_iter().filter(|number| Some(*number) != last && refused == 0) {
            let text = lines.without(|line| line["cid"] == number).expect("it is there");
            let report = report(&members, &text);
            assert_eq!(report.findings, Vec::new(), "{name}, connection {number}");
            assert!(report.lacks.is_some(), "{name}, connection {number}");
            missing += 1;
        }
    }
    assert!(missing > 100, "{missing} connections");
}

/// A number at the end: how many connections were opened.
#[test]
fn the_last_connection_is_missed_if_the_end_counts() {
    let mut missing = 0;
    for (name, mut lines, members) in whole() {
        let numbers: BTreeSet<u64> =
            lines.0.iter().filter_map(|line| line["cid"].as_u64()).collect();
        let end = lines.0.iter_mut().find(|line| line["ev"] == "quit").expect("the end");
        end["connections"] = numbers.len().into();
        let last = numbers.last().copied().expect("a connection");
        let text = lines.without(|line| line["cid"] == last).expect("it is there");
        let report = report(&members, &text);
        assert_eq!(report.findings, Vec::new(), "{name}");
        assert!(report.lacks.is_some_and(|lacks| lacks.contains("its end says")), "{name}");
        let text = lines.without(|line| line["what"] == "files").expect("they are there");
        assert_eq!(self::report(&members, &text).lacks, None, "{name}");
        missing += 1;
    }
    assert!(missing > 15, "{missing} captures");
}

/// Whoever gives the names may be wrong about who is an observer.
#[test]
fn a_server_that_is_named_wrongly_is_told() {
    let mut told = [0, 0];
    for (name, lines, members) in whole() {
        let text = lines
            .without(|_| false)
            .unwrap_or_else(|| lines.0.iter().map(|line| format!("{line}\n")).collect::<String>());
        for server in &members.servers {
            let mut wrong = members.clone();
            let is_observer = !wrong.observers.remove(server);
            if is_observer {
                wrong.observers.insert(*server);
            }
            let report = report(&wrong, &text);
            let says = if is_observer { "is named as an observer" } else { "not named as one" };
            let is_told = |doubt: &String| doubt.contains(says);
            assert!(report.doubts.iter().any(is_told), "{name}, {server}: {:?}", report.doubts);
            assert_eq!(report.findings, Vec::new(), "{name}, {server}");
            told[usize::from(is_observer)] += 1;
        }
    }
    assert!(told[0] > 0 && told[1] > 40, "{told:?}");
}

#[test]
fn a_capture_that_was_not_ended_is_told() {
    let (name, lines, members) = whole().into_iter().next().expect("a capture");
    let text = lines.without(|line| line["ev"] == "quit").expect("it is there");
    let told = report(&members, &text);
    assert_eq!(told.doubts, Vec::<String>::new(), "{name}");
    assert!(told.notes.iter().any(|note| note.contains("was not ended")), "{:?}", told.notes);
    // The last bytes are the beginning of a message.
    let last = lines.0.iter().rposition(|line| line["ch"] == "q" && line["ev"] == "data");
    let last = last.expect("a packet");
    let mut half = lines.0[last].clone();
    let hex = half["hex"].as_str().expect("bytes").to_owned();
    half["hex"] = hex[..hex.len() - 2].into();
    let before = lines.0[..last].iter().map(|line| format!("{line}\n")).collect::<String>();
    let told = report(&members, &format!("{before}{half}\n"));
    assert!(
        told.doubts.iter().any(|doubt| doubt.contains("cut in the middle of a message")),
        "{:?}",
        told.doubts
    );
}

/// What follows the missing bytes is taken for something else, until it is nothing any more.
#[test]
fn bytes_that_are_missing_amid_a_connection_are_told_and_no_violation() {
    let mut cut = 0;
    for (name, mut lines, members) in whole() {
        let proposals = (0..lines.0.len()).filter(|index| {
            let line = &lines.0[*index];
            let hex = line["hex"].as_str().unwrap_or_default();
            line["ch"] == "q" && hex.starts_with("00000002")
        });
        for index in proposals.step_by(7).collect::<Vec<_>>() {
            let whole = lines.0[index].clone();
            let hex = whole["hex"].as_str().expect("bytes");
            lines.0[index]["hex"] = hex[..hex.len() / 4 * 2].into();
            let text = lines.0.iter().map(|line| format!("{line}\n")).collect::<String>();
            let report = report(&members, &text);
            lines.0[index] = whole;
            // Near the end of a connection too little follows, and is taken for the rest of the packet.
            if !report.doubts.is_empty() {
                assert_eq!(report.findings, Vec::new(), "{name}, line {}", index + 1);
                cut += 1;
            }
        }
    }
    assert!(cut > 50, "{cut}");
}
