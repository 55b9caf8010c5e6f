//! Pages for readers (`--html`): the verdicts, and a picture around each finding.

use std::fs;
use std::path::Path;

use support::{assert_exit, zabcheck};
use tempfile::TempDir;

mod support;

/// What a command writes as a page; it must end with this code.
fn page(arguments: &[&str], code: i32) -> String {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("page.html");
    let output = zabcheck(&[arguments, &["--html", path.to_str().expect("UTF-8")]].concat());
    assert_exit(&output, code);
    let page = fs::read_to_string(path).expect("written");
    let loads: Vec<&str> = page.split("src=\"").skip(1).collect();
    let elsewhere = page.split("href=\"").skip(1).filter(|to| !to.starts_with('#')).count();
    assert!(loads.is_empty() && elsewhere == 0, "the page needs no other file: {loads:?}");
    page
}

fn assert_has(page: &str, parts: &[&str]) {
    for part in parts {
        assert!(page.contains(part), "{part} is missing: {page}");
    }
}

/// A path from the folder of the workspace.
fn given(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    path.to_str().expect("UTF-8").to_owned()
}

#[test]
fn a_violating_capture_is_shown_with_the_packets_around_the_finding() {
    let capture = given("conformance/capture/corpus/apache-3.8.0/stale-ack.raw.ndjson");
    let page = page(&["wire", &capture], 1);
    assert_has(&page, &["1 failed", "W-QUORUM", "<svg", "TRUNC", "server 3", " entries"]);
    let pictures = page.matches("<svg").count();
    let findings = page.matches("<article>").count();
    assert!(findings > 1, "it has several findings");
    assert_eq!(pictures, findings, "each has a picture");
    // A mark for the row of each packet on which the finding rests.
    let marks = page.matches("class=\"marked\"").count();
    assert!(marks >= findings, "{marks} rows are marked");
}

#[test]
fn a_capture_that_leaves_the_rules_is_shown_with_the_packets_around_that() {
    let capture = given("conformance/capture/tests/captures/apache-3.8.0-first-start.raw.ndjson");
    let page = page(&["conform", &capture, "--servers", "1,2,3", "--profile", "fixed"], 1);
    assert_has(&page, &["1 failed", "server 3: ", "SNAP 1.0", "<svg", "class=\"marked\""]);
}

#[test]
fn a_divergence_is_shown_with_the_messages_around_it() {
    let bad = given("traces/corpus/reject/ack_before_fsync.ndjson");
    let page = page(&["conform", &bad], 1);
    assert_has(&page, &["1 failed", "<svg", "Sent ACK 1.1 to 3", "DIVERGES"]);
}

#[test]
fn many_traces_are_a_row_each() {
    let [good, bad] = ["accept/ack_before_fsync.ndjson", "reject/ack_before_fsync.ndjson"]
        .map(|path| given(&format!("traces/corpus/{path}")));
    let page = page(&["conform", "--each", &good, &bad], 1);
    assert_has(&page, &["1 failed, 1 passed", "ack_before_fsync"]);
    assert_eq!(page.matches("<svg").count(), 1, "only the bad one is drawn");
}

#[test]
fn a_violated_property_is_shown_with_its_run() {
    let bounds = "check --model paper --servers 3 --txns 2 --ghosts --timeouts 1 --restarts 1 \
                  --reading epoch-first --symmetry --stop-when-violated";
    let page = page(&bounds.split_whitespace().collect::<Vec<_>>(), 1);
    assert_has(&page, &["<svg", "NEWLEADER", "is violated after"]);
}

#[test]
fn a_page_that_cannot_be_written_is_told_before_the_work() {
    let output = zabcheck(&["check", "--model", "paper", "--html", "/nowhere/page.html"]);
    assert_exit(&output, 3);
    let output = zabcheck(&[
        "lint",
        &given("traces/corpus/reject/ack_before_fsync.ndjson"),
        "--html",
        "/dev/full",
    ]);
    assert_exit(&output, 3);
}
