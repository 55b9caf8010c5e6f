//! The table of exit codes in `docs/src/exit-codes.md`: each command of it ends as it says.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use support::{assert_exit, stderr, stdout, zabcheck};
use tempfile::TempDir;

/// What takes long, and is run by CI in any case; here where `ZAB_RUNS` asks for more.
const SLOW: &str = "zabcheck verify";

fn repository() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// The folder that the page describes.
fn prepared() -> TempDir {
    let folder = TempDir::new().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let traces = [
        ("traces/corpus/accept/hand-start-three.ndjson", "good.ndjson"),
        ("traces/corpus/reject/ack_before_fsync.ndjson", "bad.ndjson"),
        ("traces/corpus/incomplete/looking_never_written.ndjson", "short.ndjson"),
        ("conformance/history/corpus/accept/durable.lost_create.ndjson", "told.ndjson"),
        ("conformance/history/corpus/reject/durable.lost_create.ndjson", "lost.ndjson"),
        (
            "conformance/capture/tests/captures/apache-3.8.0-first-start.raw.ndjson",
            "capture.ndjson",
        ),
        ("conformance/import/tests/traces/commit.json", "tlc.json"),
        ("conformance/import/tests/traces/retained-database.json", "tlc-bug.json"),
    ];
    for (from, to) in traces {
        fs::copy(repository().join(from), at(to)).expect("copied");
    }
    let good = fs::read_to_string(at("good.ndjson")).expect("the trace");
    let gap: String = good
        .split_inclusive('\n')
        .enumerate()
        .filter(|(n, _)| *n != 10)
        .map(|(_, line)| line)
        .collect();
    fs::write(at("gap.ndjson"), gap).expect("written");
    fs::write(at("text"), "no trace\n").expect("written");
    fs::create_dir(at("empty")).expect("a folder");
    let counts = at("counts.json");
    let counts = counts.to_str().expect("UTF-8");
    let written = zabcheck(&[
        "check",
        "--model",
        "paper",
        "--txns",
        "1",
        "--baseline",
        counts,
        "--write-baseline",
    ]);
    assert_exit(&written, 0);
    let mut other: Value =
        serde_json::from_str(&fs::read_to_string(counts).expect("written")).expect("JSON");
    let distinct = other.pointer_mut("/explorations/0/distinct").expect("a count");
    *distinct = (distinct.as_u64().expect("a count") + 1).into();
    fs::write(at("other.json"), other.to_string()).expect("written");
    folder
}

/// Command and exit code of each row whose first cell is a command.
fn rows(page: &str) -> Vec<(String, i32)> {
    let row = |line: &str| {
        let mut cells = line.strip_prefix("| `")?.split(" | ");
        let command = cells.next()?.strip_suffix('`')?;
        let code = cells.next()?.parse().ok()?;
        command.starts_with("zabcheck").then(|| (command.to_owned(), code))
    };
    page.lines().filter_map(row).collect()
}

#[test]
fn every_command_ends_as_the_table_says() {
    let page = fs::read_to_string(repository().join("docs/src/exit-codes.md")).expect("the page");
    let rows = rows(&page);
    let folder = prepared();
    let mut wrong = Vec::new();
    for (line, code) in &rows {
        if line == SLOW && std::env::var_os("ZAB_RUNS").is_none() {
            continue;
        }
        let words = line.strip_prefix("zabcheck").expect("a command");
        let output = Command::new("sh")
            .args(["-c", &format!("exec \"$0\"{words}"), env!("CARGO_BIN_EXE_zabcheck")])
            .current_dir(folder.path())
            .env_remove("GITHUB_ACTIONS")
            .output()
            .expect("a shell");
        if output.status.code() != Some(*code) {
            let ended = output.status;
            wrong.push(format!(
                "{line}: {ended}, expected {code}\n{}{}",
                stdout(&output),
                stderr(&output)
            ));
        }
        let empty = fs::read_dir(folder.path())
            .expect("the folder")
            .flatten()
            .find(|entry| entry.metadata().is_ok_and(|found| found.is_file() && found.len() == 0));
        assert!(empty.is_none(), "{line}: leaves an empty file {empty:?}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // No command is forgotten, and none that has a verdict ends in one way only.
    let help = stdout(&zabcheck(&["--help"]));
    let commands = help.split("Commands:").nth(1).and_then(|rest| rest.split("\n\n").next());
    // Further lines about a command are indented more.
    let named = commands.expect("the commands").lines().filter_map(|line| line.strip_prefix("  "));
    let named = named.filter(|line| !line.starts_with(' '));
    let commands = named.filter_map(|line| line.split_whitespace().next());
    for command in commands.filter(|command| *command != "help") {
        let begins = format!("zabcheck {command}");
        let codes: BTreeSet<i32> = rows
            .iter()
            .filter(|(line, _)| line.starts_with(&begins))
            .map(|(_, code)| *code)
            .collect();
        assert!(codes.len() > 1 && codes.contains(&3), "{command}: {codes:?}");
    }
}
