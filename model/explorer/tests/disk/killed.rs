//! A process that is killed, at whatever moment, and another that goes on.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use zab_explorer::{Checkpoint, Options, TwoPhase, check};

use super::{assert_same, explored};

/// Where a process of its own saves itself, and where it spills.
pub(crate) const SAVES: &str = "ZAB_EXPLORER_SAVES";
pub(crate) const SPILLS: &str = "ZAB_EXPLORER_SPILLS";

pub(crate) fn model() -> TwoPhase {
    TwoPhase::new(7).expect("few")
}

/// This program, to run one of its tests that is not run otherwise.
pub(crate) fn this_program() -> Command {
    Command::new(std::env::current_exe().expect("a program"))
}

/// Saves itself and prints each level that it comes to. The tests below run it in a process of its
/// own, which they kill; otherwise it comes to the end.
#[test]
fn saves_itself() {
    let own = tempfile::tempdir().expect("a folder");
    let folder = std::env::var_os(SAVES).map_or(own.path().to_owned(), PathBuf::from);
    let folder = folder.as_path();
    let checkpoint =
        Checkpoint { folder, resume: folder.join("checkpoint.json").exists(), identity: &[] };
    let options = Options {
        threads: 2,
        checkpoint: Some(checkpoint),
        progress_every: Duration::ZERO,
        ..Options::default()
    };
    let mut depth = 0;
    let report = check(&model(), &options, &mut |now| {
        if now.depth > depth {
            depth = now.depth;
            println!("level {depth}");
        }
    });
    assert_same(&report.expect("a run"), &explored(&model(), &Options::default()));
}

fn start(folder: &Path) -> Child {
    this_program()
        .args(["--exact", "killed::saves_itself", "--nocapture"])
        .env(SAVES, folder)
        .stdout(Stdio::piped())
        .spawn()
        .expect("a process")
}

/// Killed in one level, resumed and killed in a later one, and so on; then it goes on to the end.
#[test]
fn a_killed_run_goes_on_to_equal_counts() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut last_saved = 0;
    for kill_in in [4, 9, 14, 18] {
        let mut child = start(folder.path());
        let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let mut lines = lines.map(|line| line.expect("a line"));
        let reached = lines.any(|line| {
            let level = line.split("level ").nth(1).and_then(|number| number.parse::<u64>().ok());
            level.is_some_and(|level| level >= kill_in)
        });
        assert!(reached, "the process ended before level {kill_in}");
        // That is signal 9.
        child.kill().expect("a process");
        assert!(!child.wait().expect("a process").success());
        let saved = std::fs::read_to_string(folder.path().join("checkpoint.json"));
        let saved: serde_json::Value =
            serde_json::from_str(saved.expect("a checkpoint").lines().next().expect("a line"))
                .expect("JSON");
        let level = saved["level"].as_u64().expect("a level");
        assert!(level > 0 && level >= last_saved, "{level}, {last_saved}");
        last_saved = level;
    }
    let checkpoint = Checkpoint { folder: folder.path(), resume: true, identity: &[] };
    let report =
        explored(&model(), &Options { checkpoint: Some(checkpoint), ..Options::default() });
    assert_same(&report, &explored(&model(), &Options::default()));
}
