//! Recording what goes over the wires: with real servers, ended at any moment, and where something is
//! missing.

mod support;

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use support::{assert_exit, stderr, stdout, zabcheck};
use tempfile::TempDir;

/// After this long a test fails rather than hangs.
const PATIENCE: Duration = Duration::from_secs(600);

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

#[test]
fn a_killed_leader_is_recorded_and_no_property_is_violated() {
    let folder = TempDir::new().expect("a folder");
    let out = folder.path().join("run");
    let args = ["record", "--wire", "--scenario", "leader-kill", "--out", text(&out)];
    let output = zabcheck(&args);
    assert_exit(&output, 0);
    assert!(stdout(&output).contains("0 of them are gone"), "{}", stdout(&output));
    let output = zabcheck(&["wire", text(&out)]);
    assert_exit(&output, 0);
    assert!(stdout(&output).starts_with("HOLDS  "), "{}", stdout(&output));
    // The folder is in use now.
    let output = zabcheck(&args);
    assert_exit(&output, 3);
    assert!(stderr(&output).contains("is not empty"), "{}", stderr(&output));
    let output = zabcheck(&["decode", text(&out.join("capture.raw.ndjson"))]);
    assert_exit(&output, 0);
    assert!(stdout(&output).contains("mark: kill9"), "a kill is marked");
    assert!(stdout(&output).contains("lastLogged"), "files are marked");
}

#[test]
fn every_split_of_a_mixed_ensemble_is_told() {
    let folder = TempDir::new().expect("a folder");
    let out = folder.path().join("run");
    let mixed = |run: &[&str]| {
        let args = ["record", "--target", "mixed", "--scenario", "start-together", "--out"];
        zabcheck(&[&args[..], &[text(&out)], run].concat())
    };
    for (run, said) in [
        (&[][..], "needs --run"),
        (&["--run", "4=apache"], "there are servers 1 to 3"),
        (&["--run", "1=etcd"], "expected ID=apache or ID=zab-server"),
    ] {
        let output = mixed(run);
        assert_exit(&output, 3);
        assert!(stderr(&output).contains(said), "{}", stderr(&output));
    }
}

#[test]
fn what_is_missing_is_told_with_what_to_install() {
    let folder = TempDir::new().expect("a folder");
    let out = folder.path().join("run");
    let apache = ["record", "--target", "apache", "--scenario", "start-together", "--out"];
    let args = [&apache[..], &[text(&out)]].concat();
    let java = |path: &Path| {
        Command::new(env!("CARGO_BIN_EXE_zabcheck"))
            .args(&args)
            .arg("--zookeeper-jars")
            .arg(folder.path())
            .env("PATH", path)
            .output()
            .expect("zabcheck runs")
    };
    let output = java(folder.path());
    assert_exit(&output, 4);
    assert!(stderr(&output).contains("apt-get install default-jre-headless"), "{output:?}");
    // Something that is called java, and a folder without ZooKeeper.
    let fake = folder.path().join("java");
    fs::write(&fake, "#!/bin/sh\n").expect("written");
    let mode = Command::new("chmod").arg("755").arg(&fake).status().expect("chmod");
    assert!(mode.success());
    let output = java(folder.path());
    assert_exit(&output, 3);
    assert!(stderr(&output).contains("there is no zookeeper-*.jar in"), "{output:?}");
    assert!(!out.exists(), "nothing was begun");
}

#[test]
fn a_scenario_is_one_for_traces_or_for_captures() {
    let folder = TempDir::new().expect("a folder");
    let out = folder.path().join("run");
    let output = zabcheck(&["record", "--scenario", "stale-ack", "--out", text(&out)]);
    assert_exit(&output, 3);
    assert!(stderr(&output).contains("add --wire"), "{}", stderr(&output));
    let args = ["record", "--wire", "--scenario", "all-freeze", "--out", text(&out)];
    let output = zabcheck(&args);
    assert_exit(&output, 3);
    assert!(stderr(&output).contains("is one for traces"), "{}", stderr(&output));
}

/// Processes that run in a folder or below it.
fn processes_in(folder: &Path) -> Vec<String> {
    let processes = fs::read_dir("/proc").expect("processes");
    let inside = |entry: fs::DirEntry| {
        let cwd = fs::read_link(entry.path().join("cwd")).ok()?;
        cwd.starts_with(folder).then(|| entry.file_name().to_string_lossy().into_owned())
    };
    processes.filter_map(|entry| inside(entry.ok()?)).collect()
}

/// Begins a recording that goes on for long, and waits until its capture contains this.
fn begun(out: &Path, moment: &str) -> Child {
    let capture = out.join("capture.raw.ndjson");
    let args = ["record", "--wire", "--scenario", "random", "--duration", "3600", "--out"];
    let child = Command::new(env!("CARGO_BIN_EXE_zabcheck"))
        .args(args)
        .arg(out)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("zabcheck runs");
    let begin = Instant::now();
    while !fs::read_to_string(&capture).is_ok_and(|text| text.contains(moment)) {
        assert!(begin.elapsed() < PATIENCE, "no {moment}");
        thread::yield_now();
    }
    child
}

#[test]
fn ended_at_any_moment_it_leaves_no_process_and_a_capture_that_can_be_read() {
    for moment in ["\"capture\"", "\"start\"", "\"listen\"", "\"open\"", "\"return\""] {
        let folder = TempDir::new().expect("a folder");
        let out = folder.path().canonicalize().expect("a folder").join("run");
        let capture = out.join("capture.raw.ndjson");
        let child = begun(&out, moment);
        let pid = child.id().to_string();
        let killed = Command::new("kill").args(["-INT", &pid]).status().expect("kill");
        assert!(killed.success());
        let output = child.wait_with_output().expect("it ends");
        assert_exit(&output, 2);
        assert!(stderr(&output).contains("interrupted"), "{}", stderr(&output));
        assert_eq!(processes_in(&out), Vec::<String>::new(), "{moment}");
        assert_exit(&zabcheck(&["decode", text(&capture)]), 0);
        let text = fs::read_to_string(&capture).expect("the capture");
        let last = text.lines().last().unwrap_or_default();
        assert!(last.contains("\"quit\""), "{moment}: {last}");
    }
}

/// The file of the capture may not grow any more: that is what is told, whatever becomes of the servers.
#[test]
fn a_disk_that_is_full_ends_the_recording() {
    let folder = TempDir::new().expect("a folder");
    let out = folder.path().canonicalize().expect("a folder").join("run");
    let child = begun(&out, "\"return\"");
    let pid = child.id().to_string();
    let limited = Command::new("prlimit").args(["--pid", &pid, "--fsize=1:1"]).status();
    assert!(limited.expect("prlimit").success());
    let output = child.wait_with_output().expect("it ends");
    assert_exit(&output, 3);
    assert!(stderr(&output).contains("writing the capture: File too large"), "{}", stderr(&output));
    assert_eq!(processes_in(&out), Vec::<String>::new());
    // What was written can be read; it may end in the middle of a line.
    let output = zabcheck(&["decode", text(&out.join("capture.raw.ndjson"))]);
    assert!(matches!(output.status.code(), Some(0 | 2)), "{}", stderr(&output));
    assert!(stdout(&output).contains("NEWLEADER"), "{}", stdout(&output));
}

/// A program that may open few files gets too few sockets. This works everywhere; where a network of its own
/// can be made, there are four ports in it, and more are needed.
#[test]
fn ports_that_are_not_to_be_had_are_told() {
    let folder = TempDir::new().expect("a folder");
    // Beside a server the program does not build one, for which it may open too few files.
    let program = folder.path().join("zabcheck");
    fs::copy(env!("CARGO_BIN_EXE_zabcheck"), &program).expect("a copy");
    fs::write(folder.path().join("zab-server"), "").expect("written");
    let told = |command: &mut Command, says: &str| {
        let out = folder.path().join(says.replace(' ', "-"));
        // Cargo, which runs this test, tells programs where the checkout is.
        let command = command.env_remove("CARGO_MANIFEST_DIR").args([text(&program), text(&out)]);
        let output = command.output().expect("a shell");
        assert_exit(&output, 3);
        let says = format!("reserving ports: {says}");
        assert!(stderr(&output).contains(&says), "{}", stderr(&output));
        assert!(!stderr(&output).contains("the run until then"), "{}", stderr(&output));
    };
    let record = "exec \"$0\" record --wire --scenario start-together --out \"$1\"";
    let few_files = format!("ulimit -n 10 && {record}");
    told(Command::new("sh").args(["-c", &few_files]), "Too many open files");
    let few = "echo '40000 40003' >/proc/sys/net/ipv4/ip_local_port_range";
    let alone = ["-rn", "sh", "-c"];
    let is_possible = Command::new("unshare").args(alone).arg(few).output();
    if is_possible.is_ok_and(|output| output.status.success()) {
        let few_ports = format!("{few} && {record}");
        told(Command::new("unshare").args(alone).arg(&few_ports), "Address already in use");
    }
}
