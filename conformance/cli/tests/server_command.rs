//! `record --server`: a server of somebody else, and what is said of one that does not do its part.

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::{Duration, Instant};

use support::{assert_exit, stderr, stdout, zabcheck};
use tempfile::TempDir;

/// After this long a test fails rather than hangs; no machine is so slow.
const PATIENCE: Duration = Duration::from_secs(600);

/// Our own server stands for any other: with `--server` the recorder knows nothing of it.
fn server(folder: &Path) -> PathBuf {
    // Builds it, as the recorder does.
    let out = folder.join("first");
    let out = out.to_str().expect("a plain name");
    assert_exit(&zabcheck(&["record", "--scenario", "start-in-order", "--out", out]), 0);
    let built = Path::new(env!("CARGO_BIN_EXE_zabcheck")).with_file_name("zab-server");
    assert!(built.is_file(), "{}", built.display());
    built
}

/// Records with this command into the folder `run`.
fn record(command: &str, more: &[&str], folder: &Path) -> Output {
    let out = folder.join("run");
    let out = out.to_str().expect("a plain name");
    zabcheck(&[&["record", "--server", command, "--out", out], more].concat())
}

/// The word of the verdict on what was recorded.
fn verdict(folder: &Path) -> String {
    let output = zabcheck(&[Path::new("conform"), &folder.join("run")]);
    stdout(&output).split(' ').next().unwrap_or_default().to_owned()
}

#[test]
fn a_server_by_command_is_recorded_as_our_own_is() {
    let folder = TempDir::new().expect("a folder");
    let command = format!("{} {{cfg}} --trace {{traces}}", server(folder.path()).display());
    let output = record(&command, &["--scenario", "leader-kill"], folder.path());
    assert_exit(&output, 0);
    assert!(stdout(&output).contains("zab-server, by --server\n"), "{}", stdout(&output));
    assert_eq!(verdict(folder.path()), "CONFORMS");
}

/// The script does not become the server (`exec`): the server is killed with it all the same.
#[test]
fn a_wrapper_script_is_killed_with_its_server() {
    let folder = TempDir::new().expect("a folder");
    let script = folder.path().join("wrapper.sh");
    let server = server(folder.path());
    let text = format!("#!/bin/sh\n'{}' \"$1/zoo.cfg\" --trace \"$2\"\n", server.display());
    fs::write(&script, text).expect("written");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("made executable");
    let command = format!("'{}' {{dir}} {{traces}}", script.display());
    assert_exit(&record(&command, &["--scenario", "leader-kill"], folder.path()), 0);
    assert_eq!(verdict(folder.path()), "CONFORMS");
    // Each process of a server has the path of its configuration among its arguments. One that was
    // killed may need a moment to end.
    let own = folder.path().to_str().expect("a plain name").as_bytes();
    let begin = Instant::now();
    while let Some(left) = process_with(own) {
        assert!(begin.elapsed() < PATIENCE, "{} still runs", left.display());
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A process with this text in its arguments.
fn process_with(text: &[u8]) -> Option<PathBuf> {
    let mut processes = fs::read_dir("/proc").expect("Linux").flatten().map(|entry| entry.path());
    processes.find(|process| {
        let arguments = fs::read(process.join("cmdline")).unwrap_or_default();
        arguments.windows(text.len()).any(|part| part == text)
    })
}

#[test]
fn a_server_without_a_trace_is_judged_by_its_writes_only() {
    let folder = TempDir::new().expect("a folder");
    let command = format!("{} {{cfg}}", server(folder.path()).display());
    let output = record(&command, &["--no-trace", "--scenario", "leader-kill"], folder.path());
    assert_exit(&output, 0);
    let said = stdout(&output);
    assert!(said.contains("has all 55 writes that were acknowledged; there is no trace"), "{said}");
    let folder = TempDir::new().expect("a folder");
    let output = record(&command, &["--no-trace", "--scenario", "truncate"], folder.path());
    assert_exit(&output, 3);
    assert!(stderr(&output).contains("truncate looks into the traces"), "{}", stderr(&output));
}

#[test]
fn a_server_that_does_not_do_its_part_is_told_what_is_missing() {
    // The command, the exit code, and what is said.
    let cases = [
        ("no-such-program {cfg} {trace}", 3, "there is no program \"no-such-program\" to start"),
        ("./no/such/program {cfg} {trace}", 3, "there is no program \"./no/such/program\""),
        ("sh -c 'exit 3' {config} {trace}", 3, "{config} is no placeholder: expected one of {cfg}"),
        ("sh -c 'exit 3' {trace}", 3, "names no configuration: add {cfg} (or {dir})"),
        ("sh -c 'exit 3' {cfg}", 3, "names no trace: add {trace} (or {traces}), or run it with"),
        ("sh -c 'echo no port; exit 7' {cfg} {trace}", 2, "server 1 ended (exit status: 7) before"),
        ("sh -c 'exec sleep 1000' {cfg} {trace}", 3, "there is no event in its trace"),
        ("sh -c 'echo hello >$0; sleep 1000' {trace} {cfg}", 3, "expected a header line"),
    ];
    for (command, code, says) in cases {
        let folder = TempDir::new().expect("a folder");
        let more = ["--wait", "1", "--scenario", "start-in-order"];
        let output = record(command, &more, folder.path());
        assert_exit(&output, code);
        let said = stderr(&output);
        assert!(said.contains(says), "{command}: {said}");
        assert!(!stdout(&output).contains("zabcheck conform"), "there is nothing to check");
    }
}

/// A copy of another server's trace in place of its own.
#[test]
fn a_trace_of_another_server_is_no_trace() {
    let folder = TempDir::new().expect("a folder");
    drop(server(folder.path()));
    let other = folder.path().join("first/server-2-1.ndjson");
    let command = format!("sh -c 'cp {} $0; exec sleep 1000' {{trace}} {{cfg}}", other.display());
    let output = record(&command, &["--scenario", "start-in-order"], folder.path());
    assert_exit(&output, 3);
    let says = "server-1-1.ndjson:2:1: an event of server 2, incarnation 1; in this file there may";
    assert!(stderr(&output).contains(says), "{}", stderr(&output));
}
