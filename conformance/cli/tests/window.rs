//! `conform --export`: the messages around the line that a verdict is about.

use std::fs;
use std::path::{Path, PathBuf};

use support::{assert_exit, stderr, stdout, zabcheck};
use tempfile::TempDir;

mod support;

fn corpus(part: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../traces/corpus").join(part)
}

/// The picture of a trace that must not be accepted.
fn drawn(trace: &Path, name: &str) -> String {
    let folder = TempDir::new().expect("a folder");
    let picture = folder.path().join(name);
    let args = ["conform".as_ref(), trace, "--export".as_ref(), picture.as_path()];
    let output = zabcheck(&args);
    assert_exit(&output, 1);
    let missing = |_| panic!("no picture of {}: {}", trace.display(), stdout(&output));
    fs::read_to_string(&picture).unwrap_or_else(missing)
}

/// Every rejected trace has its line marked, once, and the line is that of the verdict.
#[test]
fn the_line_of_every_divergence_is_marked() {
    for entry in fs::read_dir(corpus("reject")).expect("the corpus") {
        let trace = entry.expect("a trace").path();
        let picture = drawn(&trace, "window.mmd");
        let lines: Vec<&str> = picture.lines().map(str::trim).collect();
        let marks: Vec<usize> =
            (0..lines.len()).filter(|at| lines[*at].starts_with("rect ")).collect();
        let [mark] = marks.as_slice() else { panic!("{}: {picture}", trace.display()) };
        let output = zabcheck(&[Path::new("conform"), &trace]);
        let said = stdout(&output);
        let place = said.split_whitespace().find(|word| word.contains(".ndjson:")).expect(&said);
        let place = place.rsplit('/').next().expect("its name");
        assert!(lines[mark + 1].contains(&format!("{place} ")), "{place} in {picture}");
    }
}

#[test]
fn the_picture_can_be_read() {
    insta::assert_snapshot!(drawn(&corpus("reject/ack_before_fsync.ndjson"), "window.mmd"));
    let svg = drawn(&corpus("reject/ack_before_fsync.ndjson"), "window.svg");
    assert_eq!(svg.matches("class=\"marked\"").count(), 1, "{svg}");
    assert!(svg.contains(">ACK 1.1</text>"), "{svg}");
}

/// One file for each server, as real servers write them: the messages are the same.
#[test]
fn files_of_several_servers_are_one_picture() {
    let text = fs::read_to_string(corpus("reject/ack_before_fsync.ndjson")).expect("the trace");
    let (header, events) = text.split_once('\n').expect("a header");
    let folder = TempDir::new().expect("a folder");
    for server in 1..=3 {
        let its = format!("{{\"server\":{server},");
        let lines = events.lines().filter(|line| line.starts_with(&its));
        let lines: String = lines.map(|line| format!("{line}\n")).collect();
        let file = folder.path().join(format!("server-{server}.ndjson"));
        fs::write(file, format!("{header}\n{lines}")).expect("written");
    }
    let messages = |picture: &str| {
        let lines = picture.lines().map(str::trim);
        let mut arrows: Vec<String> =
            lines.filter(|line| line.contains("->>")).map(str::to_owned).collect();
        arrows.sort();
        arrows
    };
    let one = drawn(&corpus("reject/ack_before_fsync.ndjson"), "window.mmd");
    let several = drawn(folder.path(), "window.mmd");
    assert!(!messages(&one).is_empty());
    assert_eq!(messages(&one), messages(&several));
    // What is received stands below what is sent: every line that matters is before the marked one.
    let at = |words: &str| several.find(words).unwrap_or_else(|| panic!("{words} in {several}"));
    assert!(at("Sent PROPOSAL 1.1") < at("Received PROPOSAL 1.1"));
    assert!(at("Received PROPOSAL 1.1") < at("rect "));
}

#[test]
fn what_is_not_drawn_is_told() {
    let good = corpus("accept/hand-start-three.ndjson");
    let folder = TempDir::new().expect("a folder");
    let picture = folder.path().join("window.svg");
    let output = zabcheck(&["conform".as_ref(), &*good, "--export".as_ref(), &*picture]);
    assert_exit(&output, 0);
    assert!(stdout(&output).contains("the verdict is about no line"), "{}", stdout(&output));
    assert!(!picture.exists());
    for (name, words) in [
        ("window.json", "expected a name that ends with .svg or .mmd"),
        ("/nonexistent/window.svg", "cannot write /nonexistent/window.svg"),
    ] {
        let output = zabcheck(&["conform".as_ref(), &*good, "--export".as_ref(), Path::new(name)]);
        assert_exit(&output, 3);
        assert!(stderr(&output).contains(words), "{}", stderr(&output));
    }
}
