//! What the program prints where nothing can be printed.

use std::fs::File;
use std::os::unix::fs::symlink;
use std::process::{Command, ExitStatus, Stdio};

use crate::cluster::Cluster;

/// An output that has no room.
fn full() -> Stdio {
    File::options().write(true).open("/dev/full").unwrap().into()
}

/// An output that nobody reads.
fn closed_pipe() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

fn run(arguments: &[&str], stdout: Stdio, stderr: Stdio) -> ExitStatus {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zab-server"));
    command.args(arguments).stdout(stdout).stderr(stderr).status().unwrap()
}

#[test]
fn help_that_nobody_reads_is_help_and_a_full_disk_is_told() {
    for arguments in ["--help", "--version"] {
        assert_eq!(run(&[arguments], closed_pipe(), Stdio::null()).code(), Some(0));
        assert_eq!(run(&[arguments], full(), Stdio::null()).code(), Some(1));
        assert_eq!(run(&[arguments], full(), closed_pipe()).code(), Some(1));
    }
    let (mut reader, writer) = std::io::pipe().unwrap();
    run(&["--help"], full(), writer.into());
    let said = std::io::read_to_string(&mut reader).unwrap();
    assert!(said.starts_with("zab-server: cannot write to standard output: "), "{said}");
}

#[test]
fn a_refusal_that_cannot_be_told_is_one() {
    for stderr in [full, closed_pipe] {
        assert_eq!(run(&[], Stdio::null(), stderr()).code(), Some(3));
        assert_eq!(run(&["/nonexistent/zoo.cfg"], Stdio::null(), stderr()).code(), Some(3));
    }
}

/// Where each server writes its log there is no room for a line of it.
#[test]
fn an_ensemble_does_without_its_logs() {
    // The unknown key is noted as the server starts; elections and broken connections are later.
    let mut cluster = Cluster::new("noSuchKey=1\n");
    for id in 1..=3 {
        symlink("/dev/full", cluster.folder(id).join("stderr")).unwrap();
        cluster.start(id);
    }
    let leader = cluster.all_serve();
    cluster.kill(leader);
    cluster.start(leader);
    cluster.all_serve();
    for id in 1..=3 {
        assert_eq!(cluster.stop(id).code(), Some(0));
    }
}
