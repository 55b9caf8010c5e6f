//! Output that cannot be written: no command panics, and none ends with a code that is not in the
//! table.

mod support;

use std::fs::File;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use support::{assert_exit, stderr, stdout, zabcheck};
use tempfile::TempDir;

/// What is wrong with an output of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// A pipe whose reader is gone.
    ClosedPipe,
    /// A device that has no room.
    Full,
    /// No file at all.
    Closed,
}

const FAULTS: [Fault; 3] = [Fault::ClosedPipe, Fault::Full, Fault::Closed];

/// What the process gets, and what the shell must do about it.
fn broken(fault: Fault) -> (Stdio, bool) {
    match fault {
        Fault::ClosedPipe => {
            let (reader, writer) = std::io::pipe().expect("a pipe");
            drop(reader);
            (writer.into(), false)
        }
        Fault::Full => {
            let full = File::options().write(true).open("/dev/full");
            (full.expect("/dev/full").into(), false)
        }
        Fault::Closed => (Stdio::null(), true),
    }
}

/// Runs the command with these outputs broken.
fn run(args: &[&str], out: Option<Fault>, err: Option<Fault>) -> Output {
    let (mut script, mut command) = ("exec \"$0\" \"$@\"".to_owned(), Command::new("sh"));
    let (out, close_out) = out.map_or((Stdio::piped(), false), broken);
    let (err, close_err) = err.map_or((Stdio::piped(), false), broken);
    script += if close_out { " >&-" } else { "" };
    script += if close_err { " 2>&-" } else { "" };
    command.args(["-c", &script, env!("CARGO_BIN_EXE_zabcheck")]).args(args);
    command.stdout(out).stderr(err).output().expect("the command runs")
}

/// The command ends with `code` if it can print, and as the table says if it cannot.
#[track_caller]
fn assert_ends(code: i32, args: &[&str]) {
    let whole = zabcheck(args);
    assert_exit(&whole, code);
    let prints = !whole.stdout.is_empty();
    assert!(prints || !whole.stderr.is_empty(), "{args:?} says nothing");
    for out in FAULTS {
        let output = run(args, Some(out), None);
        let said = stderr(&output);
        let lost = prints && out == Fault::Full;
        let wanted = if lost { 3 } else { code };
        assert_eq!(output.status.code(), Some(wanted), "{args:?}, stdout {out:?}: {said}");
        assert!(!said.contains("panicked"), "{args:?}, stdout {out:?}: {said}");
        let told = said.matches("zabcheck: cannot write to standard output: ").count();
        assert_eq!(told, usize::from(lost), "{args:?}, stdout {out:?}: {said}");
        // With nowhere to complain the code is the same.
        for err in FAULTS {
            let both = run(args, Some(out), Some(err));
            assert_eq!(both.status.code(), Some(wanted), "{args:?}, {out:?} and {err:?}");
        }
    }
    for err in FAULTS {
        let output = run(args, None, Some(err));
        assert_eq!(output.status.code(), Some(code), "{args:?}, stderr {err:?}");
        let lines = |output: &Output| stdout(output).lines().count();
        assert_eq!(lines(&output), lines(&whole), "{args:?}, stderr {err:?}");
    }
}

fn corpus(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../traces/corpus").join(name);
    path.to_str().expect("UTF-8").to_owned()
}

/// Heavy commands are tried where `ZAB_RUNS` asks for more than the share of every test run.
fn thorough() -> bool {
    std::env::var_os("ZAB_RUNS").is_some()
}

#[test]
fn help_version_and_wrong_usage() {
    for args in [&["--help"][..], &["-h"], &["--version"], &["help"], &["help", "check"]] {
        assert_ends(0, args);
    }
    let help = stdout(&zabcheck(&["--help"]));
    let commands = help.split("Commands:").nth(1).and_then(|rest| rest.split("\n\n").next());
    let commands = commands.expect("commands").lines();
    // Further lines about a command are indented more.
    let named =
        commands.filter_map(|line| line.strip_prefix("  ")).filter(|line| !line.starts_with(' '));
    let commands: Vec<&str> = named.filter_map(|line| line.split_whitespace().next()).collect();
    assert!(commands.len() > 12, "{commands:?}");
    for command in commands.into_iter().filter(|command| *command != "help") {
        assert_ends(0, &[command, "--help"]);
        assert_ends(3, &[command, "--no-such-flag"]);
    }
    assert_ends(3, &[]);
    assert_ends(3, &["no-such-command"]);
}

#[test]
fn decode_and_wire() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../capture/tests/captures");
    let capture = folder.join("apache-3.8.0-first-start.raw.ndjson");
    let capture = capture.to_str().expect("UTF-8");
    assert_ends(0, &["decode", capture]);
    assert_ends(0, &["decode", capture, "--only", "snap,uptodate", "--json", "-"]);
    assert_ends(3, &["decode", capture, "--json", "/dev/full"]);
    assert_ends(3, &["decode", "/nowhere/at/all"]);
    let shown = stdout(&zabcheck(&["decode", capture, "--only", "snap,uptodate"]));
    assert_eq!(shown.lines().filter(|line| line.contains(" quorum ")).count(), 3, "{shown}");
    assert_ends(3, &["decode", capture, "--export", "/nowhere/run.svg"]);
    assert_ends(0, &["wire", capture, "--servers", "1,2,3"]);
    assert_ends(3, &["wire", capture, "--servers", "1,2,3", "--json", "/dev/full"]);
    assert_ends(3, &["wire", "/nowhere/at/all"]);
    assert_ends(0, &["diagnose", capture, "--servers", "1,2,3"]);
    assert_ends(3, &["diagnose", capture, "--servers", "1,2,3", "--json", "/dev/full"]);
    assert_ends(3, &["diagnose", "/nowhere/at/all"]);
}

#[test]
fn history() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../history/corpus");
    let path = |name: &str| corpus.join(name).to_str().expect("UTF-8").to_owned();
    let [good, bad] =
        ["accept", "reject"].map(|of| path(&format!("{of}/durable.lost_create.ndjson")));
    let folder = TempDir::new().expect("a folder");
    let picture = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
    let [svg, mmd] = ["run.svg", "run.mmd"].map(picture);
    assert_ends(0, &["history", &good]);
    assert_ends(1, &["history", &bad, "--export", &svg]);
    assert_ends(1, &["history", &bad, "--export", &mmd]);
    let drawn = std::fs::read_to_string(&mmd).expect("a picture");
    assert!(drawn.contains("create /a \"\"  1.2 :crit, 0, 1"), "{drawn}");
    assert_ends(3, &["history", &bad, "--export", "run.png"]);
    assert_ends(3, &["history", &good, "--json", "/dev/full"]);
    assert_ends(3, &["history", "/nowhere/at/all"]);
    // A trace is no history.
    assert_ends(3, &["history", &crate::corpus("accept/hand-start-three.ndjson")]);
    let empty = picture("empty.ndjson");
    std::fs::write(&empty, "{\"zabHistory\":1,\"source\":\"hand\",\"clock\":\"each\"}\n")
        .expect("written");
    assert_ends(2, &["history", &empty]);
    let shown = stdout(&zabcheck(&["history", &bad]));
    assert!(shown.contains("VIOLATES  durable: client 2"), "{shown}");
    let stale = stdout(&zabcheck(&["history", &path("accept/stale_read.ndjson")]));
    assert!(stale.contains("1 reads are behind what another client had been told"), "{stale}");
}

#[test]
fn what_needs_a_moment_only() {
    for args in [&["explain"][..], &["explain", "l.3.2"], &["profiles"], &["profiles", "3.9.1"]] {
        assert_ends(0, args);
    }
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert_ends(0, &["completions", shell]);
    }
    assert_ends(3, &["explain", "nothing"]);
    assert_ends(3, &["profiles", "nothing"]);
    // It prints nothing, so there is nothing to lose.
    let folder = TempDir::new().expect("a folder");
    for fault in FAULTS {
        let out = folder.path().join("pages");
        let pages = run(&["man", "--out", out.to_str().expect("UTF-8")], Some(fault), Some(fault));
        assert_eq!(pages.status.code(), Some(0), "{fault:?}");
        let pages: Vec<_> = std::fs::read_dir(&out).expect("pages").flatten().collect();
        assert!(pages.len() > 12, "{pages:?}");
        let whole = |page: &std::fs::DirEntry| page.metadata().is_ok_and(|found| found.len() > 100);
        assert!(pages.iter().all(whole), "{pages:?}");
    }
}

#[test]
fn check() {
    let small = ["check", "--model", "paper", "--txns", "2", "--timeouts", "2"];
    let with = |more: &[&'static str]| [&small[..], more].concat();
    assert_ends(0, &small);
    assert_ends(0, &["check", "--list"]);
    assert_ends(2, &with(&["--states-max", "100"]));
    assert_ends(2, &with(&["--walks", "3"]));
    assert_ends(3, &["check", "--servers", "9"]);
    assert_ends(3, &with(&["--json", "/dev/full"]));
    assert_ends(3, &with(&["--json", "/nowhere/at/all"]));
    assert_ends(3, &with(&["--baseline", "/dev/full"]));
    let three = ["check", "--model", "paper", "--servers", "3", "--timeouts", "1", "--liveness"];
    // Of several runs that break a claim, one thread always shows the same.
    assert_ends(1, &[&three[..], &["--threads", "1"]].concat());
}

#[test]
fn explore() {
    let path = ["explore", "--model", "paper", "--path", "0/0/1"];
    assert_ends(0, &path);
    assert_ends(0, &[&path[..], &["--svg", "-"]].concat());
    assert_ends(3, &[&path[..], &["--svg", "/dev/full"]].concat());
    assert_ends(3, &["explore", "--path", "0/999"]);
    // Nobody would know where it serves.
    let output = run(&["explore", "--address", "127.0.0.1:0"], Some(Fault::Full), None);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
}

#[test]
fn conform_and_lint() {
    let good = corpus("accept/hand-start-three.ndjson");
    let folder = TempDir::new().expect("a folder");
    let text = std::fs::read_to_string(&good).expect("the trace");
    let lines: Vec<&str> = text.lines().collect();
    let without = |name: &str, number: usize| {
        let mut lines = lines.clone();
        lines.remove(number);
        let path = folder.path().join(name);
        std::fs::write(&path, lines.join("\n") + "\n").expect("the trace is written");
        path.to_str().expect("UTF-8").to_owned()
    };
    let (cut, gap) = (without("cut.ndjson", lines.len() - 1), without("gap.ndjson", 10));
    assert_ends(0, &["conform", &good]);
    assert_ends(1, &["conform", &corpus("reject/ack_before_fsync.ndjson")]);
    assert_ends(2, &["conform", &cut]);
    assert_ends(3, &["conform", "no-such-file"]);
    assert_ends(3, &["conform", &good, "--json", "/dev/full"]);
    assert_ends(3, &["conform", &good, "--witness", "/dev/full"]);
    assert_ends(0, &["lint", &good]);
    assert_ends(1, &["lint", &gap]);
}

#[test]
fn record_and_verify() {
    assert_ends(0, &["record", "--names"]);
    assert_ends(0, &["record", "--list"]);
    assert_ends(3, &["record", "--scenario", "nothing", "--out", "nowhere"]);
    if thorough() {
        let used = TempDir::new().expect("a folder");
        File::create(used.path().join("file")).expect("a file");
        let out = used.path().to_str().expect("UTF-8");
        assert_ends(3, &["record", "--scenario", "start-in-order", "--out", out]);
        for fault in FAULTS {
            let new = TempDir::new().expect("a folder");
            let out = new.path().to_str().expect("UTF-8");
            let args = ["record", "--scenario", "start-in-order", "--times", "1", "--out", out];
            let recorded = run(&args, Some(fault), None);
            let wanted = if fault == Fault::Full { 3 } else { 0 };
            assert_eq!(recorded.status.code(), Some(wanted), "{fault:?}: {}", stderr(&recorded));
        }
        assert_ends(0, &["verify"]);
    }
}

#[test]
fn selftest() {
    let corpus = corpus("");
    // It takes its time, so no more than each way in which a table can be lost. One simulated run does
    // not find every defect.
    for fault in FAULTS {
        let args = ["selftest", "--seeds", "1", "--corpus", &corpus];
        let output = run(&args, Some(fault), Some(Fault::Closed));
        let wanted = if fault == Fault::Full { 3 } else { 1 };
        assert_eq!(output.status.code(), Some(wanted), "stdout {fault:?}");
    }
}

#[test]
fn bench() {
    assert_ends(0, &["bench", "--events", "1000"]);
}

/// A reader that takes the first line and leaves.
#[test]
fn the_first_line_is_enough_for_a_reader() {
    let folder = TempDir::new().expect("a folder");
    let code = folder.path().join("code");
    let good = corpus("accept/hand-start-three.ndjson");
    let bad = corpus("reject/ack_before_fsync.ndjson");
    let commands = [
        ("check --list".to_owned(), "preset quick", 0),
        ("check --model paper --servers 2 --deadlock".to_owned(), "not given, so by default: ", 1),
        ("check --model paper --servers 2 --walks 9".to_owned(), "not given, so by default: ", 2),
        (format!("conform {good}"), "CONFORMS  ", 0),
        (format!("conform {bad}"), "DIVERGES  ", 1),
        (format!("conform --each {good} {bad}"), "CONFORMS  ", 1),
        (format!("lint {good}"), "1 files, ", 0),
        ("explain".to_owned(), "┌", 0),
        ("profiles".to_owned(), "┌", 0),
        ("record --names".to_owned(), "start-in-order", 0),
        ("explore --model paper --path 0/0".to_owned(), "   1  UpdateLeader(1)", 0),
        ("completions bash".to_owned(), "_zabcheck() {", 0),
        ("bench --events 1000".to_owned(), "┌", 0),
        ("selftest --seeds 1".to_owned(), "┌", 1),
        ("--help".to_owned(), "Checks ZooKeeper", 0),
    ];
    for (command, begins, wanted) in commands {
        let script = format!("\"$0\" {command}; echo $? >\"$1\"");
        let output = Command::new("sh")
            .args(["-c", &format!("({script}) | head -n 1"), env!("CARGO_BIN_EXE_zabcheck")])
            .arg(&code)
            .env_remove("GITHUB_ACTIONS")
            .output()
            .expect("a shell");
        let first = stdout(&output);
        assert!(first.starts_with(begins) && first.lines().count() == 1, "{command}: {first}");
        // On a slow machine there may be lines of progress.
        let complains =
            ["zabcheck:", "panicked", "error"].iter().any(|word| stderr(&output).contains(word));
        assert!(!complains, "{command}: {}", stderr(&output));
        let code = std::fs::read_to_string(&code).expect("the code");
        assert_eq!(code, format!("{wanted}\n"), "{command}");
    }
}

/// A file that may not grow fails the write; the signal that comes with it kills nobody.
#[test]
fn a_limit_on_the_size_of_files_is_a_full_disk() {
    let folder = TempDir::new().expect("a folder");
    let file = File::create(folder.path().join("out")).expect("a file");
    let output = Command::new("sh")
        .args(["-c", "ulimit -f 0; exec \"$0\" record --names", env!("CARGO_BIN_EXE_zabcheck")])
        .stdout(file)
        .stderr(Stdio::piped())
        .output()
        .expect("a shell");
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.starts_with("zabcheck: cannot write to standard output: "), "{said}");
}
