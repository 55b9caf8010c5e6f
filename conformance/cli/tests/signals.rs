//! A command that is asked to end tells what was finished, exits 2, and leaves nothing behind.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// After this long a test fails rather than hangs; no machine is so slow.
const PATIENCE: Duration = Duration::from_secs(600);

/// The signals that ask for the end, by name.
const SIGNALS: [&str; 3] = ["INT", "TERM", "HUP"];

/// At how many moments each command is asked to end: ten where `ZAB_RUNS` asks for more than the
/// share of every test run.
fn moments() -> u32 {
    if std::env::var_os("ZAB_RUNS").is_some() { 10 } else { 3 }
}

/// What is looked at after a command was asked to end.
struct Ended {
    /// It was not over by itself.
    was_interrupted: bool,
    json: Option<Value>,
    said: String,
}

/// Starts the command with `--json`, asks it to end after this long, and looks at what is left.
fn interrupt(args: &[&str], after: Duration, signal: &str) -> Ended {
    let folder = TempDir::new().expect("a folder");
    let (json, temporary) = (folder.path().join("result.json"), folder.path().join("tmp"));
    fs::create_dir(&temporary).expect("a folder");
    let child = Command::new(env!("CARGO_BIN_EXE_zabcheck"))
        .args(args)
        .arg("--json")
        .arg(&json)
        .current_dir(folder.path())
        .env("TMPDIR", &temporary)
        .env_remove("GITHUB_ACTIONS")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("zabcheck runs");
    until_it_handles_signals(child.id());
    std::thread::sleep(after);
    let pid = child.id().to_string();
    // It fails if the command is over; then there is nothing to interrupt.
    let _ = Command::new("kill").args([&format!("-{signal}"), &pid]).stderr(Stdio::null()).status();
    let output = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    let code = output.status.code();
    assert!(matches!(code, Some(0 | 2)), "{args:?}, SIG{signal} after {after:?}: {code:?}\n{said}");
    let was_interrupted = code == Some(2);
    let json = json.exists().then(|| {
        let text = fs::read_to_string(&json).expect("written");
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text:?}"))
    });
    assert_nothing_is_left(folder.path(), &temporary);
    Ended { was_interrupted, json, said }
}

/// A process that does not handle a signal yet dies of it, as any program does that has not begun.
fn until_it_handles_signals(pid: u32) {
    let begin = Instant::now();
    loop {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:\t"));
        let caught = caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        // SIGTERM, the last but one that it registers, is number 15; SIGHUP, the last, is number 1.
        let all =
            [1, 2, 15].iter().all(|signal| caught.is_some_and(|c| c >> (signal - 1) & 1 == 1));
        if all || caught.is_none() || status.contains("State:\tZ") {
            return;
        }
        assert!(begin.elapsed() < PATIENCE, "it never handles signals");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn assert_nothing_is_left(folder: &Path, temporary: &Path) {
    let left: Vec<PathBuf> = entries(temporary);
    assert!(left.is_empty(), "temporary files are left: {left:?}");
    for file in entries(folder).iter().filter(|path| path.is_file()) {
        assert!(
            fs::metadata(file).is_ok_and(|found| found.len() > 0),
            "{} is empty",
            file.display()
        );
    }
    let name = folder.to_str().expect("a plain name").as_bytes();
    let begin = Instant::now();
    // A killed process may need a moment to end.
    while let Some(process) = entries(Path::new("/proc")).into_iter().find(|process| {
        let arguments = fs::read(process.join("cmdline")).unwrap_or_default();
        arguments.windows(name.len()).any(|part| part == name)
    }) {
        assert!(begin.elapsed() < PATIENCE, "{} still runs", process.display());
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path()).collect()
}

/// Asks the command to end at several moments, `step` apart; at one of them at least it still runs.
fn at_moments(args: &[&str], step: Duration, check: impl Fn(&Ended)) {
    let mut interrupted = 0;
    for (moment, signal) in (0..moments()).zip(SIGNALS.into_iter().cycle()) {
        let ended = interrupt(args, step * moment, signal);
        assert!(ended.json.is_some(), "{args:?}: no result\n{}", ended.said);
        check(&ended);
        interrupted += u32::from(ended.was_interrupted);
    }
    assert!(interrupted > 0, "{args:?} was over before each signal came");
}

#[test]
fn conform_each_tells_what_was_checked() {
    let trace = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../traces/corpus/accept/hand-start-three.ndjson");
    let trace = trace.to_str().expect("UTF-8");
    let args = [&["conform", "--each"][..], &[trace; 3000]].concat();
    at_moments(&args, Duration::from_millis(150), |ended| {
        let result = ended.json.as_ref().expect("a result");
        let checked = result["traces"].as_array().map_or(0, Vec::len);
        let unchecked = result["unchecked"].as_u64().expect("a number");
        assert_eq!(checked as u64 + unchecked, 3000);
        assert_eq!(ended.was_interrupted, unchecked > 0, "{}", ended.said);
        if unchecked > 0 {
            let told = format!("{unchecked} not checked (interrupted)");
            assert!(ended.said.contains(&told), "{}", ended.said);
        }
    });
}

#[test]
fn record_tells_the_runs_that_were_recorded() {
    let args = ["record", "--scenario", "start-in-order", "--times", "50", "--out", "runs"];
    at_moments(&args, Duration::from_millis(900), |ended| {
        let result = ended.json.as_ref().expect("a result");
        assert!(ended.was_interrupted && result["interrupted"] == true, "{}", ended.said);
        let runs = result["runs"].as_array().expect("runs");
        let Some((last, whole)) = runs.split_last() else {
            assert!(
                ended.said.contains("interrupted while zab-server was built"),
                "{}",
                ended.said
            );
            return;
        };
        assert_eq!(last["error"], "interrupted");
        assert!(whole.iter().all(|run| run["verdict"] == "CONFORMS"), "{result:#}");
    });
}

#[test]
fn bench_tells_what_was_measured() {
    at_moments(&["bench", "--events", "300000"], Duration::from_millis(300), |ended| {
        let result = ended.json.as_ref().expect("a result");
        assert_eq!(ended.was_interrupted, result["complete"] == false, "{}", ended.said);
        assert!(!ended.was_interrupted || ended.said.contains("interrupted"), "{}", ended.said);
    });
}

#[test]
fn selftest_tells_what_was_tried() {
    at_moments(&["selftest"], Duration::from_millis(700), |ended| {
        let result = ended.json.as_ref().expect("a result");
        assert_eq!(ended.was_interrupted, result["interrupted"] == true, "{}", ended.said);
        assert_eq!(ended.was_interrupted, ended.said.contains("INCOMPLETE  interrupted"));
    });
}

#[test]
fn verify_tells_what_was_looked_at() {
    at_moments(&["verify"], Duration::from_millis(2_500), |ended| {
        let result = ended.json.as_ref().expect("a result");
        assert_eq!(ended.was_interrupted, result["interrupted"] == true, "{}", ended.said);
        assert_eq!(ended.was_interrupted, ended.said.contains("INCOMPLETE"), "{}", ended.said);
        for exploration in result["explorations"].as_array().expect("explorations") {
            let told =
                format!("{} states, depth {},", exploration["distinct"], exploration["depth"]);
            assert!(ended.said.contains(&told), "{told}: {}", ended.said);
        }
    });
}

/// A trace whose check takes its time.
#[test]
fn conform_says_that_there_is_no_verdict() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("long.ndjson");
    let config = zab_sim::Config::long(400_000);
    let file = std::io::BufWriter::new(fs::File::create(&path).expect("a file"));
    let mut writer = zab_trace::Writer::new(file, &zab_sim::header(1, &config)).expect("a header");
    let _outcome = zab_sim::simulate_into(1, &config, &mut |event| {
        writer.write(event).expect("written");
    });
    drop(writer.into_inner().into_inner().expect("written"));
    let path = path.to_str().expect("UTF-8");
    at_moments(&["conform", path], Duration::from_millis(60), |ended| {
        let result = ended.json.as_ref().expect("a result");
        let verdict = if ended.was_interrupted { "INCONCLUSIVE" } else { "CONFORMS" };
        assert_eq!(result["verdict"], verdict, "{}", ended.said);
        assert!(ended.said.contains(verdict), "{}", ended.said);
    });
}

/// Walks are a sample, so they end with 2 in any case.
#[test]
fn check_tells_how_far_the_walks_went() {
    let args =
        ["check", "--requests", "2", "--crashes", "2", "--rounds", "3", "--walks", "100000000"];
    at_moments(&args, Duration::from_millis(300), |ended| {
        let result = ended.json.as_ref().expect("a result");
        let walks = &result["explorations"][0];
        if walks.is_null() {
            // The signal came before the first walk.
            assert!(ended.said.contains("explorations that were not walked: 1"), "{}", ended.said);
            return;
        }
        assert_eq!(walks["stopped"], "interrupted", "{}", ended.said);
        let told = format!(
            "{} of 100000000 random walks from seed 0: {} steps",
            walks["walks"], walks["steps"]
        );
        assert!(ended.said.contains(&told), "{told}: {}", ended.said);
    });
}

#[test]
fn check_tells_what_was_explored() {
    at_moments(&["check", "--preset", "nightly"], Duration::from_millis(300), |ended| {
        let result = ended.json.as_ref().expect("a result");
        assert!(ended.was_interrupted && result["missing"].as_u64() > Some(0), "{}", ended.said);
    });
}
