//! Captures that are cut, encrypted, of another version or without a part: each is told in its own words,
//! and nothing is said that the capture does not show.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use support::{assert_exit, stdout, zabcheck};
use tempfile::TempDir;

/// The entries of a capture of the corpus.
fn entries() -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../capture/corpus/apache-3.8.0");
    let text = fs::read_to_string(folder.join("leader-kill.raw.ndjson")).expect("the capture");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn write(folder: &TempDir, entries: &[Value]) -> PathBuf {
    let path = folder.path().join("capture.raw.ndjson");
    let text: String = entries.iter().map(|entry| format!("{entry}\n")).collect();
    fs::write(&path, text).expect("written");
    path
}

/// `conform` ends with this code, and says this; `wire` and `diagnose` end with the same one.
fn assert_told(path: &Path, code: i32, says: &str) {
    let path = path.to_str().expect("UTF-8");
    for command in ["conform", "wire", "diagnose"] {
        let output = zabcheck(&[command, path]);
        assert_exit(&output, code);
        assert!(stdout(&output).contains(says), "{command}: {}", stdout(&output));
    }
}

fn is_packet(entry: &Value) -> bool {
    entry["ev"] == "data" && entry["ch"] == "q"
}

#[test]
fn cut_in_a_line_or_in_a_message() {
    let folder = TempDir::new().expect("a folder");
    let entries = entries();
    let path = write(&folder, &entries);
    let text = fs::read_to_string(&path).expect("the capture");
    let cut = text.len() * 3 / 4;
    fs::write(&path, &text[..cut]).expect("written");
    assert_told(&path, 2, "the capture is cut in line");
    // The last entry holds the first half of a packet.
    let last = entries.iter().rposition(is_packet).expect("a packet");
    let mut half = entries[..=last].to_vec();
    let hex = half[last]["hex"].as_str().expect("bytes").to_owned();
    half[last]["hex"] = hex[..hex.len() / 4 * 2].into();
    assert_told(&write(&folder, &half), 2, "the capture is cut in the middle of a message");
    // Some bytes of a PROPOSAL are missing, and the next packets are there.
    let mut gap = entries;
    let is_proposal = |entry: &Value| {
        is_packet(entry) && entry["hex"].as_str().is_some_and(|hex| hex.starts_with("00000002"))
    };
    let first = gap.iter().position(is_proposal).expect("a packet");
    let hex = gap[first]["hex"].as_str().expect("bytes").to_owned();
    gap[first]["hex"] = hex[..hex.len() / 4 * 2].into();
    assert_told(&write(&folder, &gap), 2, "are no message, so what it sent afterwards is unknown");
}

#[test]
fn without_a_link_a_direction_or_a_connection() {
    let folder = TempDir::new().expect("a folder");
    let all = entries();
    let is_pair = |entry: &Value, port: &str, from: i64, to: i64| {
        entry["ch"] == port && entry["frm"] == from && entry["to"] == to
    };
    let dialled = |port: &str, from: i64, to: i64| -> BTreeSet<u64> {
        let opens = all.iter().filter(|entry| entry["ev"] == "open");
        let opens = opens.filter(|entry| is_pair(entry, port, from, to));
        opens.filter_map(|entry| entry["cid"].as_u64()).collect()
    };
    let without = |numbers: &BTreeSet<u64>, gone: &dyn Fn(&Value) -> bool| -> Vec<Value> {
        let is_of = |entry: &Value| entry["cid"].as_u64().is_some_and(|id| numbers.contains(&id));
        all.iter().filter(|entry| !is_of(entry) && !gone(entry)).cloned().collect()
    };
    let link =
        without(&dialled("q", 1, 3), &|entry| entry["cid"].is_null() && is_pair(entry, "q", 1, 3));
    assert_told(
        &write(&folder, &link),
        2,
        "before the quorum port of server 3 for others, and not for server 1",
    );
    let link =
        without(&dialled("e", 3, 1), &|entry| entry["cid"].is_null() && is_pair(entry, "e", 3, 1));
    assert_told(
        &write(&folder, &link),
        2,
        "before the election port of server 1 for others, and not for server 3",
    );
    let direction =
        without(&BTreeSet::new(), &|entry| entry["ev"] == "data" && is_pair(entry, "e", 2, 1));
    assert_told(&write(&folder, &direction), 2, "and sends none to server 1");
    // A connection of a follower to its leader is missing, and only its number tells.
    let connection = dialled("q", 1, 3);
    let path = write(&folder, &without(&connection, &|_| false));
    let output = zabcheck(&["conform", path.to_str().expect("UTF-8")]);
    assert_exit(&output, 2);
    let says = format!(
        "the capture lacks a connection: there are numbers up to 11, and not {}",
        connection.first().expect("one")
    );
    assert!(stdout(&output).contains(&says), "{}", stdout(&output));
}

#[test]
fn encrypted() {
    let folder = TempDir::new().expect("a folder");
    let mut entries = entries();
    for entry in &mut entries {
        if entry["ev"] == "data" {
            // A ClientHello, and what may follow it.
            entry["hex"] = "16030100c8010000c40303".into();
        }
    }
    assert_told(&write(&folder, &entries), 2, "the connection is encrypted");
}

#[test]
fn of_a_version_that_nobody_knows() {
    let folder = TempDir::new().expect("a folder");
    let mut entries = entries();
    let mut changed = 0;
    for entry in entries.iter_mut().filter(|entry| is_packet(entry)) {
        // LEADERINFO: type 17, a zxid, and four bytes of data, which are the version.
        let hex = entry["hex"].as_str().expect("bytes").to_owned();
        if hex.starts_with("00000011") && hex.contains("0000000400010000") {
            entry["hex"] = hex.replace("0000000400010000", "0000000400020000").into();
            changed += 1;
        }
    }
    assert!(changed > 0, "there is a LEADERINFO");
    let says = "version 0x20000 of the protocol between servers, expected 0x10000";
    assert_told(&write(&folder, &entries), 2, says);
}

/// The others go on without it. That it is silent is told, and takes nothing away.
#[test]
fn of_a_server_that_never_started() {
    let folder = TempDir::new().expect("a folder");
    let mut entries = entries();
    entries[0]["servers"] = json!([1, 2, 3, 4, 5]);
    entries[0]["observers"] = json!([4, 5]);
    // The recorder stood before each server for each other one.
    let listens: Vec<Value> = entries
        .iter()
        .filter(|entry| entry["ev"] == "listen")
        .flat_map(|entry| {
            [4, 5].map(|from| {
                let mut listen = entry.clone();
                listen["frm"] = from.into();
                listen
            })
        })
        .collect();
    entries.splice(1..1, listens);
    assert_told_of_silence(&write(&folder, &entries));
}

fn assert_told_of_silence(path: &Path) {
    let path = path.to_str().expect("UTF-8");
    let output = zabcheck(&["conform", path]);
    assert_exit(&output, 0);
    for server in [4, 5] {
        let says = format!("server {server} has sent nothing");
        assert!(stdout(&output).contains(&says), "{}", stdout(&output));
    }
    assert_exit(&zabcheck(&["wire", path]), 0);
}

#[test]
fn without_a_server_that_serves() {
    let folder = TempDir::new().expect("a folder");
    let entries = entries();
    let is_quiet = |entry: &&Value| entry["ev"] != "data" && entry["ev"] != "listen";
    let nothing: Vec<Value> = entries.iter().filter(is_quiet).cloned().collect();
    assert_told(&write(&folder, &nothing), 2, "no leader has sent NEWLEADER");
    // Nothing but the header.
    let output = zabcheck(&["conform", write(&folder, &entries[..1]).to_str().expect("UTF-8")]);
    assert_exit(&output, 3);
    assert!(stdout(&output).starts_with("REFUSED  "), "{}", stdout(&output));
}
