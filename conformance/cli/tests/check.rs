//! `zabcheck check`: counts, verdicts, exit codes, baselines, and what it does with bad input.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use support::{assert_exit, stderr, stdout, zabcheck};

mod support;

/// Two servers, in no time.
const SMALL: [&str; 9] =
    ["check", "--model", "paper", "--servers", "2", "--txns", "2", "--timeouts", "2"];

/// Never done.
const HUGE: [&str; 11] = [
    "check",
    "--model",
    "paper",
    "--servers",
    "5",
    "--txns",
    "4",
    "--timeouts",
    "3",
    "--restarts",
    "3",
];

fn with<'a>(args: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [args, more].concat()
}

/// A file in a folder that goes away with it.
fn file(folder: &TempDir, name: &str) -> (PathBuf, String) {
    let path = folder.path().join(name);
    let text = path.to_str().expect("UTF-8").to_owned();
    (path, text)
}

fn read(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).expect("the result")).expect("JSON")
}

#[test]
fn observers_are_explored_and_may_not_be_too_many() {
    let output = zabcheck(&["check", "--servers", "2", "--observers", "1"]);
    assert_exit(&output, 0);
    let text = stdout(&output);
    assert!(text.contains("informed_after_commit"), "{text}");
    let output = zabcheck(&["check", "--servers", "4", "--observers", "2"]);
    assert_exit(&output, 3);
    let text = stderr(&output);
    assert!(text.contains("--servers 4 and --observers 2 are 6 servers"), "{text}");
    assert!(text.contains("has room for 5"), "{text}");
}

#[test]
fn a_truncated_exploration_says_nothing_holds() {
    for more in [["--requests", "2", "--crashes", "1"], ["--model", "paper", "--servers", "3"]] {
        let args = with(&["check", "--timeouts", "2", "--states-max", "1000"], &more);
        let output = zabcheck(&args);
        assert_exit(&output, 2);
        let text = stdout(&output);
        assert!(text.contains("INCOMPLETE: the limit of states"), "{text}");
        assert!(!text.contains(" holds "), "{text}");
    }
}

#[test]
fn a_limit_of_depth_is_one_too() {
    let output = zabcheck(&with(&SMALL, &["--depth-max", "10"]));
    assert_exit(&output, 2);
    assert!(stdout(&output).contains("INCOMPLETE: the limit of depth"));
    assert_exit(&zabcheck(&with(&SMALL, &["--depth-max", "34"])), 0);
}

#[test]
fn a_complete_exploration_states_its_bounds() {
    let output = zabcheck(&["check", "--requests", "1", "--disconnects", "1"]);
    assert_exit(&output, 0);
    let text = stdout(&output);
    assert!(text.contains("servers=3 requests=1") && text.contains("complete"), "{text}");
    assert!(text.contains("actions never taken: "), "{text}");
}

#[test]
fn five_servers_are_explored_and_six_refused_with_how_many_there_may_be() {
    let calm = ["check", "--requests", "0", "--servers"];
    let output = zabcheck(&with(&calm, &["5"]));
    assert_exit(&output, 0);
    let text = stdout(&output);
    assert!(text.contains("servers=5") && text.contains("66397 distinct states"), "{text}");
    for (more, words) in [
        (&["6"][..], "'6' for '--servers <N>': expected a whole number from 2 to 5"),
        (&["1"], "'1' for '--servers <N>': expected a whole number from 2 to 5"),
        (&["5", "--timeouts", "256"], "expected a whole number from 0 to 255"),
    ] {
        let output = zabcheck(&with(&calm, more));
        assert_exit(&output, 3);
        assert!(stderr(&output).contains(words), "{}", stderr(&output));
    }
    let output = zabcheck(&["check", "--servers", "5", "--requests", "4"]);
    assert_exit(&output, 3);
    let text = stderr(&output);
    assert!(
        text.contains("'4' for '--requests <N>': expected a whole number from 0 to 3"),
        "{text}"
    );
}

/// Without an election nothing can go wrong, and nothing can be said.
#[test]
fn a_run_that_reaches_nothing_is_vacuous() {
    let output = zabcheck(&["check", "--rounds", "0", "--requests", "0"]);
    assert_exit(&output, 2);
}

/// The counts are those of the published specification (`Zab.tla`), as TLC counts them.
#[test]
fn the_paper_model_counts_what_the_published_specification_counts() {
    let folder = TempDir::new().expect("a folder");
    let (json, name) = file(&folder, "paper.json");
    let count = |args: &[&str]| {
        assert_exit(&zabcheck(&with(args, &["--json", &name])), 0);
        let value = read(&json);
        assert_eq!(value["complete"], true);
        (value["distinct"].as_u64(), value["depth"].as_u64(), value["unreduced"].as_u64())
    };
    assert_eq!(count(&SMALL), (Some(4_001), Some(33), None));
    assert_eq!(count(&with(&SMALL, &["--symmetry"])), (Some(2_001), Some(33), Some(4_001)));
    let three = ["check", "--model", "paper", "--servers", "3", "--timeouts", "1", "--epochs", "2"];
    assert_eq!(count(&three), (Some(18_541), Some(32), None));
}

#[test]
fn machines_find_what_scripts_depend_on() {
    let folder = TempDir::new().expect("a folder");
    let (json, name) = file(&folder, "small.json");
    assert_exit(&zabcheck(&with(&SMALL, &["--threads", "2", "--json", &name])), 0);
    let value = read(&json);
    assert_eq!(value["generated"], 5_269);
    assert!(value["seconds"].is_f64() && value["bytes_per_state"].is_f64());
    let property = &value["properties"][0];
    let texts = ["name", "kind", "verdict"].map(|key| property[key].as_str().expect("text"));
    assert_eq!(texts, ["agreement", "always", "holds"]);
    assert!(property["trace_length"].is_null());
    let taken = |action: &str| value["actions"][action].as_u64().expect("a count");
    assert!(taken("LeaderProcessRequest") > 0);
    assert_eq!((taken("Restart"), taken("FilterNonexistentMessage")), (0, 0));
    let steps = value["actions"].as_object().expect("actions").values();
    let sum: u64 = steps.map(|count| count.as_u64().expect("a count")).sum();
    assert_eq!(
        Some(sum + 1),
        value["generated"].as_u64(),
        "all but the first state come by a step"
    );
}

/// As specified, a late ACK-LD completes a quorum that nobody looks at; the repaired reading does not.
#[test]
fn liveness_holds_where_it_should_and_comes_with_a_lasso_where_not() {
    let folder = TempDir::new().expect("a folder");
    let (json, name) = file(&folder, "live.json");
    let three = ["check", "--model", "paper", "--servers", "3", "--timeouts", "1", "--liveness"];
    let verdicts = |args: &[&str], code| {
        let output = zabcheck(&with(args, &["--json", &name]));
        assert_exit(&output, code);
        let properties = read(&json)["properties"].as_array().expect("properties").clone();
        let claims = properties.iter().filter(|property| property["kind"] == "leads to");
        let verdict = |claim: &Value| claim["verdict"].as_str().expect("a word").to_owned();
        (claims.map(verdict).collect::<Vec<_>>(), stdout(&output))
    };
    let (published, text) = verdicts(&three, 1);
    assert_eq!(published, ["holds", "holds", "VIOLATED", "holds"]);
    assert!(text.contains("then nothing happens any more"), "{text}");
    let (repaired, _) = verdicts(&with(&three, &["--reading", "late-ack-ld-commits"]), 0);
    assert_eq!(repaired, ["holds"; 4]);
    let (vacuous, _) = verdicts(&with(&three, &["--txns", "0"]), 2);
    assert_eq!(vacuous, ["holds", "holds", "vacuous", "vacuous"]);
}

/// The known answers: one order of NEWLEADER's two writes is safe, the other loses data.
#[test]
fn readings_have_their_known_answers() {
    let three = ["check", "--model", "paper", "--servers", "3", "--txns", "2", "--ghosts"];
    let faults = ["--timeouts", "1", "--restarts", "1", "--symmetry", "--reading"];
    let args = with(&three, &faults);
    assert_exit(&zabcheck(&with(&args, &["history-first"])), 0);
    let lost = zabcheck(&with(&args, &["epoch-first"]));
    assert_exit(&lost, 1);
    assert!(stdout(&lost).contains("reading=epoch-first"));
}

/// Two that lead alone are stuck, as published; with what the protocol of servers needs, nobody is.
#[test]
fn deadlocks_are_counted_and_shown_where_asked() {
    let folder = TempDir::new().expect("a folder");
    let (json, name) = file(&folder, "ends.json");
    let output = zabcheck(&with(&SMALL, &["--json", &name]));
    assert_exit(&output, 0);
    let line =
        "478 states without a step, 458 of them deadlocks: a shortest run to one has 2 steps";
    assert!(stdout(&output).contains(line), "{}", stdout(&output));
    let value = read(&json);
    let of = |key: &str| value[key].as_u64();
    assert_eq!((of("terminal"), of("deadlocks")), (Some(478), Some(458)));
    assert_eq!((of("deadlock_length"), of("left_out")), (Some(2), Some(0)));
    let output = zabcheck(&with(&SMALL, &["--deadlock", "--json", &name]));
    assert_exit(&output, 1);
    let run = "there is a deadlock after 2 steps:\n   1  UpdateLeader(1)\n        server 1 role: \
               LOOKING -> LEADING\n";
    assert!(stdout(&output).contains(run), "{}", stdout(&output));
    assert!(stdout(&output).contains("\n   2  UpdateLeader(2)\n"), "{}", stdout(&output));
    let properties = read(&json)["properties"].as_array().expect("properties").clone();
    assert_eq!(properties.last().map(|property| &property["name"]), Some(&"no deadlock".into()));
    assert!(!stdout(&output).contains("(--deadlock shows it"), "it was asked for");
    let zookeeper = ["check", "--timeouts", "1", "--rounds", "2", "--deadlock"];
    let output = zabcheck(&zookeeper);
    assert_exit(&output, 0);
    assert!(stdout(&output).contains("68 states without a step, 0 of them deadlocks"));
    // What was not seen is not free of them.
    assert_exit(&zabcheck(&with(&zookeeper, &["--depth-max", "10"])), 2);
}

#[test]
fn a_baseline_is_written_when_asked_for_and_else_compared() {
    let folder = TempDir::new().expect("a folder");
    let (path, name) = file(&folder, "baseline.json");
    let args = with(&SMALL, &["--baseline", &name]);
    let absent = zabcheck(&args);
    assert_exit(&absent, 3);
    assert!(stderr(&absent).contains("--write-baseline writes it"), "{}", stderr(&absent));
    assert!(!path.exists() && stdout(&absent).is_empty(), "nothing is explored or written");
    let first = zabcheck(&with(&args, &["--write-baseline"]));
    assert_exit(&first, 0);
    assert!(stdout(&first).contains("baseline written"));
    let written = fs::read_to_string(&path).expect("the baseline");
    let second = zabcheck(&with(&args, &["--threads", "2"]));
    assert_exit(&second, 0);
    assert!(stdout(&second).contains("counts are those of the baseline"));

    fs::write(&path, written.replace("4001", "4000")).expect("it is changed");
    let drift = zabcheck(&args);
    assert_exit(&drift, 1);
    let text = stdout(&drift);
    assert!(text.contains("distinct") && text.contains("4000") && text.contains("4001"), "{text}");

    fs::write(&path, &written).expect("it is changed back");
    let other = zabcheck(&with(&args, &["--restarts", "1"]));
    assert_exit(&other, 3);
    let text = stderr(&other);
    assert!(text.contains("a baseline of other bounds") && text.contains("restarts=1"), "{text}");
    assert_eq!(fs::read_to_string(&path).expect("the baseline"), written, "it was left alone");
    assert_exit(&zabcheck(&with(&args, &["--restarts", "1", "--write-baseline"])), 0);
    assert_exit(&zabcheck(&with(&args, &["--restarts", "1"])), 0);
    assert_exit(&zabcheck(&with(&SMALL, &["--write-baseline"])), 3);
}

#[test]
fn what_is_no_baseline_is_refused() {
    let folder = TempDir::new().expect("a folder");
    let (path, name) = file(&folder, "baseline.json");
    let args = with(&SMALL, &["--baseline", &name]);
    assert_exit(&zabcheck(&with(&args, &["--write-baseline"])), 0);
    let good = fs::read_to_string(&path).expect("the baseline");
    let cases = [
        ("empty", String::new()),
        ("cut", good[..good.len() / 2].to_owned()),
        ("another version", good.replace("\"zabBaseline\": 1", "\"zabBaseline\": 2")),
        ("an unknown field", good.replace("\"depth\"", "\"width\"")),
        ("no number", good.replace("4001", "\"many\"")),
        ("huge", " ".repeat(2 << 20)),
    ];
    for (what, text) in cases {
        fs::write(&path, text).expect("it is written");
        let output = zabcheck(&args);
        assert_eq!(output.status.code(), Some(3), "{what}: {}", stdout(&output));
        assert!(stderr(&output).contains("is no baseline"), "{what}: {}", stderr(&output));
    }
    fs::remove_file(&path).expect("it is removed");
    assert_exit(&zabcheck(&with(&args, &["--write-baseline", "--states-max", "100"])), 2);
    assert!(!path.exists(), "an incomplete run is no baseline");
    // What cannot be written is told before anything is explored.
    let nowhere = folder.path().join("no/such/folder.json");
    let nowhere = nowhere.to_str().expect("UTF-8");
    for flags in [["--baseline", nowhere, "--write-baseline"], ["--json", nowhere, "--ghosts"]] {
        let output = zabcheck(&with(&SMALL, &flags));
        assert_exit(&output, 3);
        assert!(stdout(&output).is_empty() && stderr(&output).contains("cannot write"));
    }
}

#[test]
fn what_can_be_explored_is_listed() {
    let folder = TempDir::new().expect("a folder");
    let (json, name) = file(&folder, "list.json");
    let output = zabcheck(&["check", "--list", "--json", &name]);
    assert_exit(&output, 0);
    let text = stdout(&output);
    for word in ["preset quick", "preset merge", "preset nightly", "primary_integrity", "paper"] {
        assert!(text.contains(word), "{word} is missing in\n{text}");
    }
    let value = read(&json);
    let sizes = [0, 1, 2].map(|preset| {
        value["presets"][preset]["explorations"].as_array().expect("explorations").len()
    });
    assert!(sizes[0] < sizes[1] && sizes[1] < sizes[2], "{sizes:?}");
    let properties = value["properties"].as_array().expect("properties");
    assert!(properties.iter().all(|p| p["says"].as_str().is_some_and(|says| says.len() > 10)));
}

#[test]
fn bad_input_is_told_from_bad_results() {
    let cases: [&[&str]; 12] = [
        &["check", "--liveness", "--symmetry"],
        &["check", "--model", "paper", "--liveness", "--symmetry"],
        &["check", "--model", "paper", "--liveness", "--epochs", "2"],
        &["check", "--txns", "2"],
        &["check", "--servers", "200"],
        &["check", "--preset", "none"],
        &["check", "--preset", "quick", "--servers", "3"],
        &["check", "--model", "raft"],
        &["check", "--model", "paper", "--crashes", "1"],
        &["check", "--model", "paper", "--servers", "9"],
        &["check", "--model", "paper", "--txns", "200"],
        &["check", "--model", "paper", "--servers", "3", "--threads", "0"],
    ];
    for args in cases {
        let output = zabcheck(args);
        assert_exit(&output, 3);
        assert!(!stderr(&output).is_empty(), "{args:?}");
    }
}

#[test]
fn too_little_memory_says_how_much_it_takes() {
    let output = zabcheck(&with(&SMALL, &["--memory", "1KiB"]));
    assert_exit(&output, 3);
    let text = stderr(&output);
    assert!(text.contains("1.0 KiB are too little: expected a size with its unit"), "{text}");
    let output = zabcheck(&with(&HUGE, &["--memory", "20MiB"]));
    assert_exit(&output, 2);
    let text = stdout(&output);
    assert!(text.contains("INCOMPLETE: the memory budget of 20 MiB is used up"), "{text}");
}

/// Whether a process handles SIGINT by itself, as the system tells.
#[cfg(target_os = "linux")]
fn handles_interrupts(process: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    let mask = caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & 0b10 != 0)
}

/// Runs the command and sends it a signal as soon as it handles signals.
#[cfg(target_os = "linux")]
fn interrupted(args: &[&str], signal: &str) -> Output {
    let mut process = Command::new(env!("CARGO_BIN_EXE_zabcheck"))
        .args(args)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("zabcheck runs");
    while !handles_interrupts(process.id()) {
        assert!(process.try_wait().expect("its state").is_none(), "it ended by itself");
        std::thread::yield_now();
    }
    let id = process.id().to_string();
    assert!(Command::new("kill").args([signal, &id]).status().expect("kill runs").success());
    process.wait_with_output().expect("it ends")
}

#[cfg(target_os = "linux")]
#[test]
fn ctrl_c_tells_what_was_covered() {
    let zookeeper = ["check", "--requests", "3", "--crashes", "3", "--timeouts", "3"];
    for args in [&zookeeper[..], &HUGE[..]] {
        let output = interrupted(args, "-INT");
        assert_exit(&output, 2);
        let text = stdout(&output);
        assert!(text.contains("INCOMPLETE: interrupted"), "{text}");
        assert!(text.contains("distinct states"), "{text}");
    }
}

/// It starts no server after that, and does not list what it did not look at.
#[cfg(target_os = "linux")]
#[test]
fn an_interrupted_verify_ends_with_what_it_has() {
    for signal in ["-INT", "-TERM"] {
        let output = interrupted(&["verify"], signal);
        assert_exit(&output, 2);
        let text = stdout(&output);
        assert!(text.ends_with("INCOMPLETE  interrupted: what is not listed was not looked at\n"));
        assert!(!text.contains("server: "), "{text}");
    }
}
