//! Processes: started, waited for, killed and stopped.
//!
//! These tests are a program of their own. A process that is being started has, for a moment, a
//! copy of every socket of the program that starts it. A test beside them that closes a listener
//! would find its port still taken.

use std::fs;
use std::path::Path;
use std::time::Duration;

use zab_ensemble::{Launch, Process, ProcessError};

/// After this long a test fails rather than hangs; no machine is so slow.
const PATIENCE: Duration = Duration::from_secs(600);

/// A shell with this script, in a folder of its own.
fn shell(script: &str) -> (tempfile::TempDir, Launch) {
    let folder = tempfile::tempdir().expect("a folder");
    let launch = Launch {
        name: "server 1".to_owned(),
        program: "/bin/sh".into(),
        args: vec!["-c".into(), script.into()],
        folder: folder.path().to_owned(),
        log: "server.log".into(),
    };
    (folder, launch)
}

fn says(process: &Process, word: &'static str) -> impl FnMut() -> bool + use<> {
    let log = process.log().to_owned();
    move || fs::read_to_string(&log).is_ok_and(|text| text.contains(word))
}

fn runs(id: u32) -> bool {
    Path::new(&format!("/proc/{id}")).exists()
}

#[test]
fn a_process_is_waited_for_and_stopped() {
    let (_folder, launch) =
        shell("trap 'kill $!; exit 7' TERM; tail -f /dev/null & echo ready; wait");
    let mut process = Process::start(&launch).expect("a shell");
    process.wait_until("word", PATIENCE, says(&process, "ready")).expect("ready");
    let id = process.id();
    let status = process.stop(PATIENCE).expect("a clean stop");
    assert_eq!(status.code(), Some(7));
    assert!(!runs(id));
}

#[test]
fn a_process_that_will_not_stop_is_late_and_killed() {
    let (_folder, launch) = shell("trap '' TERM; echo ready; exec tail -f /dev/null");
    let mut process = Process::start(&launch).expect("a shell");
    process.wait_until("word", PATIENCE, says(&process, "ready")).expect("ready");
    let id = process.id();
    let error = process.stop(Duration::from_millis(1)).expect_err("it ignores SIGTERM");
    assert!(matches!(error, ProcessError::Late { .. }));
    assert!(error.to_string().starts_with("server 1: no end after SIGTERM within 1ms\n"));
    assert!(!runs(id));
}

#[test]
fn a_killed_process_is_gone_and_its_output_stays() {
    let (_folder, launch) = shell("echo ready; exec tail -f /dev/null");
    let mut process = Process::start(&launch).expect("a shell");
    process.wait_until("word", PATIENCE, says(&process, "ready")).expect("ready");
    let (id, log) = (process.id(), process.log().to_owned());
    process.kill().expect("a kill");
    assert!(!runs(id));
    let again = Process::start(&launch).expect("a shell");
    again.kill().expect("a kill");
    assert!(fs::read_to_string(log).expect("a log").starts_with("ready\n"));
}

#[test]
fn a_dropped_process_is_killed() {
    let (_folder, launch) = shell("exec tail -f /dev/null");
    let process = Process::start(&launch).expect("a shell");
    let id = process.id();
    assert!(runs(id));
    drop(process);
    assert!(!runs(id));
}

#[test]
fn a_process_that_ends_too_early_shows_its_log() {
    let (_folder, launch) = shell("echo cannot read zoo.cfg >&2; exit 3");
    let mut process = Process::start(&launch).expect("a shell");
    let error = process.wait_until("answer", PATIENCE, || false).expect_err("it ended");
    let told = error.to_string();
    assert!(told.starts_with("server 1 ended (exit status: 3) before answer\n"), "{told}");
    assert!(told.ends_with("cannot read zoo.cfg"), "{told}");
    assert!(matches!(process.kill(), Err(ProcessError::Ended { .. })));
}

#[test]
fn a_condition_that_never_holds_is_late() {
    let (_folder, launch) = shell("exec tail -f /dev/null");
    let mut process = Process::start(&launch).expect("a shell");
    let error = process.wait_until("answer", Duration::ZERO, || false).expect_err("never");
    assert!(matches!(error, ProcessError::Late { .. }));
}

#[test]
fn a_missing_program_is_named() {
    let (_folder, launch) = shell("");
    let launch = Launch { program: "/nowhere/zab-server".into(), ..launch };
    let error = Process::start(&launch).expect_err("no such program").to_string();
    assert!(error.starts_with("server 1: cannot start /nowhere/zab-server: "), "{error}");
}

#[test]
fn a_frozen_process_does_nothing_until_it_is_thawed() {
    let (_folder, launch) = shell("echo ready; exec tail -f /dev/null");
    let mut process = Process::start(&launch).expect("a shell");
    process.wait_until("word", PATIENCE, says(&process, "ready")).expect("ready");
    process.freeze().expect("a process");
    let stat = format!("/proc/{}/stat", process.id());
    let state =
        || fs::read_to_string(&stat).expect("a process").split(' ').nth(2).map(str::to_owned);
    process
        .wait_until("standstill", PATIENCE, || state().as_deref() == Some("T"))
        .expect("it stops");
    process.thaw().expect("a process");
    process.wait_until("life", PATIENCE, || state().as_deref() != Some("T")).expect("it goes on");
    process.kill().expect("a kill");
}

#[test]
fn another_process_that_ends_is_noticed() {
    let (_folder, launch) = shell("exec tail -f /dev/null");
    let mut process = Process::start(&launch).expect("a shell");
    let (_folder, launch) = shell("exit 4");
    let mut other =
        Process::start(&Launch { name: "server 2".to_owned(), ..launch }).expect("a shell");
    let error = process.wait_until_among(&mut [&mut other], "answer", PATIENCE, || false);
    let told = error.expect_err("it ended").to_string();
    assert!(told.starts_with("server 2 ended (exit status: 4) before answer\n"), "{told}");
    assert!(process.check_running("now").is_ok());
    assert!(matches!(other.check_running("now"), Err(ProcessError::Ended { .. })));
}
