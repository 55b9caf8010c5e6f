//! The example of the README, run as it stands there.

use std::fs;
use std::process::Command;

use zab_trace::{Trace, lint};

use crate::common::text;

const README: &str = include_str!("../../README.md");

/// The first fenced block of this language.
fn block(language: &str) -> &'static str {
    let (_, rest) = README.split_once(&format!("```{language}\n")).expect("a fenced block");
    rest.split_once("```").expect("the end of the block").0
}

#[test]
fn the_example_emitter_writes_a_sound_and_canonical_trace() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = Command::new("python3")
        .args(["-c", block("python")])
        .arg(folder.path())
        .output()
        .expect("python3 is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let paths = [folder.path()];
    let trace = Trace::load(&paths).expect("a readable trace");
    assert_eq!(trace.files.len(), 2);
    assert_eq!(trace.files.iter().map(|file| file.events.len()).sum::<usize>(), 9);
    for file in &trace.files {
        let events: Vec<_> = file.events.iter().map(|located| located.event.clone()).collect();
        assert_eq!(text(&file.header, &events), fs::read(&file.name).expect("a file"));
    }
    let report = lint(&paths).expect("files");
    assert_eq!(report.findings, []);
}

#[test]
fn the_lines_shown_are_canonical() {
    let (_, events) = README.split_once("## Events").expect("a section on events");
    let header = block("json");
    let event = events.split_once("```json\n").and_then(|(_, rest)| rest.split_once("```"));
    let file = format!("{header}{}", event.expect("an event").0);
    let reader = zab_trace::Reader::new("README", file.as_bytes()).expect("a header");
    let header = reader.header().clone();
    let events: Vec<_> = reader.map(|located| located.expect("an event").event).collect();
    assert_eq!(text(&header, &events), file.as_bytes());
}
