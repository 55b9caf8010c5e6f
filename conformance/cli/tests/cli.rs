//! What a user sees: exit codes, first lines, machine-readable results; and that whatever is
//! missing from a trace is never a pass.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use support::{assert_exit, stderr, stdout, zabcheck};

mod support;

fn corpus(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../traces/corpus").join(name)
}

/// The lines of the hand-written trace, header first.
fn good_lines() -> Vec<String> {
    let text = fs::read_to_string(corpus("accept/hand-start-three.ndjson")).expect("the trace");
    text.lines().map(str::to_owned).collect()
}

/// Checks a trace with this content.
fn conform(content: impl AsRef<[u8]>) -> Output {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("trace.ndjson");
    fs::write(&file, content).expect("the trace is written");
    zabcheck(&[Path::new("conform"), &file])
}

fn joined(lines: &[String]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

#[test]
fn a_good_trace_conforms() {
    let output = conform(joined(&good_lines()));
    assert_exit(&output, 0);
    assert!(stdout(&output).starts_with("CONFORMS"));
}

/// With `--each`, traces that have nothing to do with one another are no longer one.
#[test]
fn several_traces_are_checked_one_by_one() {
    let folder = TempDir::new().expect("a folder");
    let json = folder.path().join("verdicts.json");
    let good = corpus("accept/hand-start-three.ndjson");
    let bad = corpus("reject/ack_before_fsync.ndjson");
    let absent = folder.path().join("absent");
    let conform = |paths: &[&PathBuf]| {
        let mut args = vec!["conform".as_ref(), "--each".as_ref(), "--json".as_ref()];
        args.extend(
            [json.as_os_str()].into_iter().chain(paths.iter().map(|path| path.as_os_str())),
        );
        zabcheck(&args)
    };
    let output = conform(&[&good, &good]);
    assert_exit(&output, 0);
    assert!(stdout(&output).ends_with("2 traces: 2 CONFORMS\n"), "{}", stdout(&output));
    let output = conform(&[&good, &bad, &good]);
    assert_exit(&output, 1);
    assert!(stdout(&output).contains("rule      zk.bcast.sync"), "{}", stdout(&output));
    assert!(stdout(&output).ends_with("3 traces: 2 CONFORMS, 1 DIVERGES\n"), "{}", stdout(&output));
    let value: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(&json).expect("written")).expect("JSON");
    let words = value["traces"].as_array().expect("traces").iter();
    let words: Vec<_> = words.map(|trace| trace["verdict"].as_str().expect("a word")).collect();
    assert_eq!(words, ["CONFORMS", "DIVERGES", "CONFORMS"]);
    assert_exit(&conform(&[&good, &absent]), 3);
}

/// A program that reads standard output gets nothing else there.
#[test]
fn json_may_go_to_standard_output() {
    let good = corpus("accept/hand-start-three.ndjson");
    let good = good.to_str().expect("UTF-8");
    for args in [
        &["conform", good, "--json", "-"][..],
        &["conform", "--each", good, good, "--json", "-"],
        &["check", "--list", "--json", "-"],
        &["check", "--model", "paper", "--servers", "2", "--timeouts", "1", "--json", "-"],
    ] {
        let output = zabcheck(args);
        let value = serde_json::from_str::<serde_json::Value>(&stdout(&output));
        assert!(value.is_ok_and(|value| !value.is_null()), "{args:?}: {}", stdout(&output));
        assert!(!stderr(&output).is_empty(), "{args:?} says nothing to people");
        assert_exit(&output, 0);
    }
    assert!(!Path::new("-").exists());
}

#[test]
fn wrong_usage_is_3_and_help_is_0() {
    assert_exit(&zabcheck(&["no-such-command"]), 3);
    assert_exit(&zabcheck(&["conform", "--no-such-flag"]), 3);
    assert_exit(&zabcheck(&["conform"]), 3);
    assert_exit(&zabcheck::<&str>(&[]), 3);
    assert_exit(&zabcheck(&["record", "--scenario", "leader-kill"]), 3);
    assert_exit(&zabcheck(&["record", "--scenario", "nothing", "--out", "nowhere"]), 3);
    assert_exit(&zabcheck(&["check", "--servers", "200"]), 3);
    for command in [
        "verify",
        "check",
        "explore",
        "conform",
        "history",
        "explain",
        "profiles",
        "bugs",
        "replay",
        "diff",
        "import",
        "releases",
        "record",
        "lint",
        "selftest",
        "bench",
        "completions",
        "man",
    ] {
        let output = zabcheck(&[command, "--help"]);
        assert_exit(&output, 0);
        assert!(stdout(&output).contains("Example"), "{command} --help has no example");
    }
    assert!(stdout(&zabcheck(&["--help"])).contains("Exit codes"));
}

#[test]
fn what_is_no_trace_is_3_with_a_place() {
    let header = good_lines()[0].clone();
    let later = header.replace("\"zabTrace\":1", "\"zabTrace\":2");
    let unknown = r#"{"server":1,"incarnation":1,"seq":0,"event":"Teleported"}"#;
    let cases: [(&str, Vec<u8>); 6] = [
        ("empty", Vec::new()),
        ("only a header", format!("{header}\n").into_bytes()),
        ("another version", format!("{later}\n").into_bytes()),
        ("unknown event", format!("{header}\n{unknown}\n").into_bytes()),
        ("not UTF-8", [header.as_bytes(), b"\n\xff\xfe\n"].concat()),
        ("a line of 1 MB", format!("{header}\n{}\n", "x".repeat(1 << 20)).into_bytes()),
    ];
    for (what, content) in cases {
        let output = conform(content);
        assert_eq!(output.status.code(), Some(3), "{what}: {}", stdout(&output));
        assert!(stdout(&output).starts_with("REFUSED"), "{what}: {}", stdout(&output));
    }
    assert_exit(&zabcheck(&["conform", "no-such-file.ndjson"]), 3);
}

#[test]
fn a_cut_tail_is_inconclusive() {
    let lines = good_lines();
    for keep in 2..lines.len() {
        let output = conform(joined(&lines[..keep]));
        assert_eq!(output.status.code(), Some(2), "{keep} lines: {}", stdout(&output));
    }
    let text = joined(&lines);
    assert_exit(&conform(&text[..text.len() - 20]), 2);
}

#[test]
fn a_removed_line_is_never_a_pass() {
    let lines = good_lines();
    for removed in 1..lines.len() {
        let mut fewer = lines.clone();
        fewer.remove(removed);
        let output = conform(joined(&fewer));
        assert_eq!(output.status.code(), Some(2), "line {}: {}", removed + 1, stdout(&output));
    }
}

#[test]
fn a_missing_server_is_never_a_pass() {
    for server in 1..=3 {
        let mark = format!("{{\"server\":{server},");
        let mut fewer = good_lines();
        fewer.retain(|line| !line.starts_with(&mark));
        assert!(fewer.len() < good_lines().len());
        assert_exit(&conform(joined(&fewer)), 2);
    }
}

#[test]
fn a_divergence_is_told_in_at_most_40_lines() {
    let mut told = 0;
    for entry in fs::read_dir(corpus("reject")).expect("the corpus") {
        let path = entry.expect("an entry").path();
        let output = zabcheck(&[Path::new("conform"), &path]);
        assert_exit(&output, 1);
        let text = stdout(&output);
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        assert!(text.lines().count() <= 40, "{name}:\n{text}");
        assert!(text.lines().next().is_some_and(|line| line.contains(&name)), "{name}:\n{text}");
        told += 1;
    }
    assert!(told >= 20, "only {told} files in the corpus of rejected traces");
}

#[test]
fn a_divergence_names_rule_guard_and_values() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../traces/corpus/reject");
    let output = Command::new(env!("CARGO_BIN_EXE_zabcheck"))
        .args(["conform", "ack_before_fsync.ndjson"])
        .current_dir(folder)
        .output()
        .expect("zabcheck runs");
    insta::assert_snapshot!(stdout(&output));
}

#[test]
fn results_are_there_for_machines_too() {
    let folder = TempDir::new().expect("a folder");
    let (json, witness) = (folder.path().join("v.json"), folder.path().join("w.ndjson"));
    let trace = corpus("accept/hand-start-three.ndjson");
    let output = zabcheck(&[
        Path::new("conform"),
        &trace,
        Path::new("--json"),
        &json,
        Path::new("--witness"),
        &witness,
    ]);
    assert_exit(&output, 0);
    let text = fs::read_to_string(json).expect("the result");
    let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(value["verdict"], "CONFORMS");
    assert_eq!(value["exit"], 0);
    assert_eq!(value["summary"]["committed"], 1);
    let lines = &value["summary"]["lines"];
    assert_eq!(lines["Committed"], serde_json::json!({"promised": true, "seen": 1, "owed": 1}));
    assert_eq!(lines["Received"]["seen"], 32);
    assert_eq!(value["summary"]["state"]["lastCommitted"]["seen"], 95);
    assert_eq!(value["notes"], serde_json::json!([]));
    assert!(stdout(&output).contains("│ Delivered"), "{}", stdout(&output));
    let steps = fs::read_to_string(witness).expect("the witness").lines().count();
    assert!(steps > 20, "a witness of {steps} steps");
}

#[test]
fn lint_finds_a_gap_and_accepts_the_corpus() {
    assert_exit(&zabcheck(&[Path::new("lint"), &corpus("accept/hand-start-three.ndjson")]), 0);
    let mut lines = good_lines();
    lines.remove(10);
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("gap.ndjson");
    fs::write(&file, joined(&lines)).expect("the trace is written");
    let output = zabcheck(&[Path::new("lint"), &file]);
    assert_exit(&output, 1);
    assert!(stdout(&output).contains("gap.ndjson:"));
}

#[test]
fn both_commands_tell_what_is_not_read() {
    let folder = TempDir::new().expect("a folder");
    let good = corpus("accept/hand-start-three.ndjson");
    fs::copy(&good, folder.path().join("a.ndjson")).expect("the trace is copied");
    fs::copy(&good, folder.path().join("b.ndjson.gz")).expect("the trace is copied");
    for command in ["conform", "lint"] {
        let output = zabcheck(&[Path::new(command), folder.path()]);
        assert_exit(&output, 0);
        let told = stdout(&output);
        assert!(told.contains("b.ndjson.gz: warning: not read"), "{command}: {told}");
    }
    fs::remove_file(folder.path().join("a.ndjson")).expect("removed");
    for command in ["conform", "lint"] {
        let output = zabcheck(&[Path::new(command), folder.path()]);
        assert_exit(&output, 3);
        let told = stdout(&output) + &stderr(&output);
        assert!(
            told.contains("no *.ndjson file in this folder; b.ndjson.gz is not read"),
            "{told}"
        );
    }
}

/// Nothing that a trace or a folder is called moves the cursor.
#[test]
fn names_reach_the_terminal_escaped() {
    let folder = TempDir::new().expect("a folder");
    let mut lines = good_lines();
    let bad = "\\u001b[2J\\u202e\\n";
    for line in lines.iter_mut().skip(1) {
        *line = line.replace("10.0.0.1:", &format!("10.0.0.1{bad}:"));
    }
    let spoilt = joined(&lines);
    assert!(spoilt.contains(bad), "no connection was renamed");
    let file = folder.path().join("a\u{1b}]0;b\u{7}.ndjson");
    fs::write(&file, joined(&lines[..lines.len() - 3])).expect("the trace is written");
    for command in ["conform", "lint"] {
        let output = zabcheck(&[Path::new(command), &file]);
        let told = stdout(&output) + &stderr(&output);
        assert!(told.lines().count() < 20, "{told:?}");
        let unseen = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!told.contains(unseen), "{told:?}");
        assert!(told.contains("a\\u{1b}]0;b\\u{7}.ndjson"), "{told:?}");
    }
    // What machines read is exact.
    let json = folder.path().join("v.json");
    zabcheck(&[Path::new("conform"), &file, Path::new("--json"), &json]);
    let text = fs::read_to_string(json).expect("the result");
    let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(value["paths"][0].as_str(), file.to_str());
}

#[test]
fn the_scenarios_are_listed() {
    let text = stdout(&zabcheck(&["record", "--names"]));
    let names: Vec<&str> = text.lines().collect();
    let expected = [
        "start-in-order",
        "start-together",
        "leader-kill",
        "truncate",
        "snapshot",
        "leader-cut",
        "follower-cut",
        "leader-freeze",
        "follower-freeze",
        "all-freeze",
        "three-in-order",
        "five-in-order",
        "isolated-follower",
        "deposed-leader",
    ];
    assert_eq!(names, expected);
}
