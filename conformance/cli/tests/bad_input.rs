//! Input that does not exist or cannot be read, and output that has no place: exit code 3, and a
//! message with its name, before anything else is done.

mod support;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::{assert_exit, stderr, stdout, zabcheck};
use tempfile::TempDir;

/// A folder with: `good.ndjson`, a trace; `text`, no trace; `empty`, a folder; `holder`, a folder
/// with a folder that is called as a trace is; `partial`, a corpus without two of its parts.
/// Nothing in it is called `absent`.
fn prepared() -> TempDir {
    let folder = TempDir::new().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    fs::copy(good_trace(), at("good.ndjson")).expect("the trace is copied");
    fs::write(at("text"), "no trace\n").expect("written");
    for name in ["empty", "holder/a.ndjson", "partial/accept"] {
        fs::create_dir_all(at(name)).expect("a folder");
    }
    fs::copy(good_trace(), at("partial/accept/good.ndjson")).expect("the trace is copied");
    folder
}

fn good_trace() -> PathBuf {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../traces/corpus");
    corpus.join("accept/hand-start-three.ndjson")
}

/// The arguments in a line of text; those that begin with `./` are in the folder.
fn arguments(line: &str, folder: &Path) -> Vec<OsString> {
    let argument = |word: &str| match word.strip_prefix("./") {
        Some(name) => folder.join(name).into_os_string(),
        None => word.into(),
    };
    line.split(' ').map(argument).collect()
}

#[test]
fn bad_input_is_3_with_its_name() {
    // The command, and what its message says.
    let cases = [
        ("lint ./absent", "absent:1:1: cannot be read: No such file"),
        ("lint ./absent.ndjson", "absent.ndjson:1:1: cannot be read: No such file"),
        ("lint ./good.ndjson ./absent", "absent:1:1: cannot be read: No such file"),
        ("lint ./empty", "empty:1:1: no *.ndjson file"),
        ("lint ./holder", "a.ndjson:1:1: "),
        ("lint /dev/null", "/dev/null:1:1: a pipe, a socket or a device"),
        ("decode ./absent", "absent: line 1: cannot be read: No such file"),
        ("decode ./text", "text: line 1: expected an entry of a capture"),
        ("decode ./empty", "empty: line 1: cannot be read: Is a directory"),
        ("conform ./absent", "absent:1:1: cannot be read: No such file"),
        ("conform ./good.ndjson ./absent", "absent:1:1: cannot be read: No such file"),
        ("conform ./empty", "empty:1:1: no *.ndjson file"),
        ("conform ./holder", "a.ndjson:1:1: "),
        ("conform ./good.ndjson --json ./absent/v.json", "absent/v.json: No such file"),
        ("conform ./good.ndjson --witness ./absent/w", "absent/w: No such file"),
        ("selftest --corpus ./absent", "absent/accept: No such file"),
        ("selftest --corpus ./text", "text/accept: Not a directory"),
        ("selftest --corpus ./empty", "empty/accept: No such file"),
        ("selftest --corpus ./partial", "partial/reject: No such file"),
        ("selftest --keep ./text", "text: File exists"),
        ("selftest --json ./absent/t.json", "absent/t.json: No such file"),
        ("check --baseline ./empty", "cannot read the baseline"),
        ("check --baseline ./text", "text is no baseline"),
        ("check --baseline ./absent/b", "cannot read the baseline"),
        ("check --baseline ./absent/b --write-baseline", "absent/b: No such file"),
        ("check --json ./absent/c.json", "absent/c.json: No such file"),
        ("explore --path absent", "`absent` is no number"),
        ("explore --path 0/99999", "number 2 is 99999"),
        ("explore --path 0 --svg ./absent/r.svg", "absent/r.svg: No such file"),
        ("record --scenario absent --out ./out", "possible values: start-in-order"),
        ("record --scenario truncate --out ./empty/../partial", "partial is not empty"),
        ("record --scenario truncate --out ./text", "text: Not a directory"),
        ("record --scenario truncate --servers 4 --out ./out", "an odd number from 3 to 15"),
        ("record --scenario truncate --servers 17 --out ./out", "from 3 to 15"),
    ];
    let folder = prepared();
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../traces/corpus");
    for (line, says) in cases {
        let mut arguments = arguments(line, folder.path());
        if line.starts_with("selftest") && !line.contains("--corpus") {
            arguments.extend(["--corpus".into(), corpus.clone().into_os_string()]);
        }
        let output = zabcheck(&arguments);
        let told = stdout(&output) + &stderr(&output);
        assert_eq!(output.status.code(), Some(3), "{line}: {told}");
        assert!(told.contains(says), "{line}: {told}");
    }
}

#[test]
fn wrong_content_is_a_finding() {
    let folder = prepared();
    let header = fs::read_to_string(good_trace()).expect("the trace");
    let header = header.lines().next().expect("a header");
    fs::write(folder.path().join("nothing"), "").expect("written");
    fs::write(folder.path().join("header"), format!("{header}\n")).expect("written");
    fs::write(folder.path().join("bytes"), [header.as_bytes(), b"\n\xff\n"].concat())
        .expect("written");
    for name in ["text", "nothing", "header", "bytes"] {
        let output = zabcheck(&[Path::new("lint"), &folder.path().join(name)]);
        assert_exit(&output, 1);
        assert!(stdout(&output).contains(&format!("{name}:")), "{}", stdout(&output));
    }
    assert_exit(&zabcheck(&[Path::new("lint"), &folder.path().join("good.ndjson")]), 0);
}

#[test]
fn a_bench_without_a_folder_for_its_traces_is_3() {
    let folder = prepared();
    let output = Command::new(env!("CARGO_BIN_EXE_zabcheck"))
        .args(["bench", "--events", "10"])
        .env("TMPDIR", folder.path().join("absent"))
        .output()
        .expect("zabcheck runs");
    assert_exit(&output, 3);
    assert!(stderr(&output).contains("no temporary folder"), "{}", stderr(&output));
}
