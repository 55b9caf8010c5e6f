//! Documents with commands: each is run, and must print what the document says.
//!
//! `TRYCMD=overwrite cargo test -p zabcheck --test transcripts` writes what they print; read it before
//! you commit it.

use std::time::Duration;

use support::{assert_exit, zabcheck};
use tempfile::TempDir;
use trycmd::TestCases;

mod support;

/// After this long a command fails rather than hangs; no machine is so slow.
const PATIENCE: Duration = Duration::from_secs(600);

fn run(cases: &str) {
    TestCases::new().env("GITHUB_ACTIONS", "false").timeout(PATIENCE).case(cases);
}

#[test]
fn every_mistake_is_told_what_was_expected() {
    run("tests/cmd/mistakes.md");
}

#[test]
fn the_first_hour_of_a_newcomer_is_as_the_docs_tell() {
    // Where the server has to be built, that is told, too; the docs show a run after that.
    let folder = TempDir::new().expect("a folder");
    let out = folder.path().join("run");
    let out = out.to_str().expect("UTF-8");
    assert_exit(&zabcheck(&["record", "--scenario", "start-in-order", "--out", out]), 0);
    run("../../docs/src/first-hour/*.md");
}
