//! Running the command and looking at what it says.

use std::process::{Command, Output};

/// Runs the command, as nowhere: not as a CI system runs it.
pub(crate) fn zabcheck<S: AsRef<std::ffi::OsStr>>(args: &[S]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_zabcheck"))
        .args(args)
        .env_remove("GITHUB_ACTIONS")
        .output()
        .expect("zabcheck runs")
}

/// What it printed.
pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

/// What it complained about.
pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}

/// It ended with this code.
#[track_caller]
pub(crate) fn assert_exit(output: &Output, code: i32) {
    let (out, err) = (stdout(output), stderr(output));
    assert_eq!(output.status.code(), Some(code), "stdout:\n{out}\nstderr:\n{err}");
}
