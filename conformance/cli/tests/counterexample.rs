//! What is told of a run that violates a property: its steps and states, how to look at it, and files
//! for other tools.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use support::{assert_exit, stderr, stdout, zabcheck};
use tempfile::TempDir;

mod support;

/// Several properties are violated within these bounds, in runs that begin alike.
const LOST: &str = "check --model paper --servers 3 --txns 2 --ghosts --timeouts 1 --restarts 1 \
                    --symmetry --reading epoch-first";

/// Two that lead alone are stuck.
const STUCK: &str = "check --model paper --servers 2 --deadlock";

/// Runs a line of arguments, and more.
fn run(line: &str, more: &[&str]) -> std::process::Output {
    let args: Vec<&str> = line.split_whitespace().chain(more.iter().copied()).collect();
    zabcheck(&args)
}

/// The commands of the lines that say how to look at a run, without the name of the program.
fn looks(text: &str) -> Vec<&str> {
    text.lines().filter_map(|line| line.strip_prefix("look: zabcheck ")).collect()
}

/// A page of a state, which begins with the header of its table.
fn page_after<'t>(text: &'t str, line: &str) -> Vec<&'t str> {
    let lines = text.lines().skip_while(|other| *other != line).skip(1);
    let page = lines.skip_while(|line| !line.starts_with("server  role"));
    page.take_while(|line| !["look: ", "next ", "nothing "].iter().any(|end| line.starts_with(end)))
        .filter(|line| !line.is_empty() && !line.contains(" first after "))
        .collect()
}

#[test]
fn every_violation_is_a_run_with_its_changes_and_steps_are_printed_once() {
    let output = run(LOST, &[]);
    assert_exit(&output, 1);
    let text = stdout(&output);
    let violated = text.lines().filter(|line| line.contains(" is violated after ")).count();
    assert!(violated > 3, "{text}");
    assert_eq!(looks(&text).len(), violated);
    let lost = text.split("\ncommitted_never_lost is violated after ").nth(1).expect(&text);
    let lost = lost.split("\n\n").next().expect("its run");
    let run = lost.lines().skip(1).take_while(|line| !line.ends_with(':'));
    let (steps, changes): (Vec<&str>, Vec<&str>) = run.partition(|line| !line.starts_with("     "));
    assert!(!steps.is_empty() && changes.len() >= steps.len(), "{lost}");
    assert!(changes.iter().all(|change| change.contains(" -> ")), "{changes:?}");
    assert_eq!(text.matches("   1  UpdateLeader").count(), 1, "one beginning for all: {text}");
    assert!(text.contains(": as for "), "{text}");
}

/// The command of a `look:` line leads to the state that the run ends with.
#[test]
fn what_is_looked_at_is_the_last_state_of_the_run() {
    for line in [LOST, STUCK] {
        let output = run(line, &[]);
        let text = stdout(&output);
        let look = *looks(&text).first().unwrap_or_else(|| panic!("{line}: {text}"));
        let looked = run(look, &[]);
        assert_exit(&looked, 0);
        let looked = stdout(&looked);
        let told = page_after(&text, "the last state:");
        assert!(told.len() > 2, "{text}");
        assert_eq!(told, page_after(&looked, ""), "{line}");
    }
}

#[test]
fn an_exploration_of_a_preset_is_looked_at_by_its_name() {
    let output = run("explore --exploration election --path 2", &[]);
    assert_exit(&output, 0);
    let third = "\n1       LOOKING  ELECTION  2              2             1.1      same     0.0\n";
    assert!(stdout(&output).contains(third), "the third start: {}", stdout(&output));
    let output = run("explore --exploration electio --path 2", &[]);
    assert_exit(&output, 3);
    assert!(stderr(&output).contains("'election'"), "{}", stderr(&output));
}

#[test]
fn it_stops_at_the_first_violation_where_asked() {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("result.json");
    let output = run(LOST, &["--stop-when-violated", "--json", file.to_str().expect("UTF-8")]);
    assert_exit(&output, 1);
    let value: Value = serde_json::from_str(&fs::read_to_string(&file).expect("it")).expect("JSON");
    assert_eq!(value["complete"], false);
    let properties = value["properties"].as_array().expect("properties");
    assert!(properties.iter().all(|property| property["verdict"] != "holds"), "{properties:?}");
    let violated = properties.iter().find(|property| property["verdict"] == "VIOLATED");
    let run = &violated.expect("one that is violated")["run"];
    let steps = run["steps"].as_array().expect("steps");
    assert_eq!(run["path"].as_str().map(|path| path.split('/').count()), Some(steps.len() + 1));
    assert!(
        steps.iter().all(|step| step["state"]["servers"].as_array().is_some_and(|s| s.len() == 3))
    );
    assert!(steps.iter().all(|step| !step["changes"].as_array().expect("changes").is_empty()));
}

/// A state as the reader of another's knows it.
#[derive(Debug, Deserialize)]
struct State {
    action: String,
    role: BTreeMap<u64, String>,
    system: BTreeMap<String, String>,
}

fn itf(path: &Path) -> itf::Trace<State> {
    itf::trace_from_str(&fs::read_to_string(path).expect("the file")).expect("a trace in ITF")
}

#[test]
fn a_run_is_written_for_other_tools() {
    let folder = TempDir::new().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    fs::write(at("run.svg"), "an older one").expect("written");
    for name in ["run.svg", "run.mmd", "run.itf.json", "run.json"] {
        let output = run(STUCK, &["--export", at(name).to_str().expect("UTF-8")]);
        assert_exit(&output, 1);
        let told = format!("{name}: a run that ends in a deadlock\n");
        assert!(stdout(&output).ends_with(&told), "{}", stdout(&output));
    }
    let text = |name: &str| fs::read_to_string(at(name)).expect("the file");
    assert!(text("run.svg").starts_with("<svg ") && text("run.svg").contains("UpdateLeader(2)"));
    assert!(text("run.mmd").starts_with("sequenceDiagram\n    participant s0 as server 1\n"));
    assert!(
        text("run.mmd").contains("\n    Note over s1: 2  UpdateLeader(2)\n"),
        "{}",
        text("run.mmd")
    );
    let trace = itf(&at("run.itf.json"));
    let actions: Vec<&str> = trace.states.iter().map(|state| state.value.action.as_str()).collect();
    assert_eq!(actions, ["start", "UpdateLeader(1)", "UpdateLeader(2)"]);
    let last = &trace.states[2].value;
    assert!(last.role.values().all(|role| role == "LEADING"), "{last:?}");
    assert_eq!(last.system["the oracle names"], "2");
    assert_eq!(trace.loop_index, None);
    let value: Value = serde_json::from_str(&text("run.json")).expect("JSON");
    assert_eq!(value["steps"][1]["action"], "UpdateLeader(2)");
    // Nothing else is left behind.
    assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), 4);
}

/// Of a run that goes on for ever, `loop` is the state that it goes back to.
#[test]
fn a_run_that_goes_on_for_ever_says_where() {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("run.itf.json");
    let path = file.to_str().expect("UTF-8");
    let line = "check --model paper --servers 3 --timeouts 1 --liveness --export";
    let output = run(line, &[path]);
    assert_exit(&output, 1);
    assert!(stdout(&output).contains("\nthen nothing happens any more\n"), "{}", stdout(&output));
    let trace = itf(&file);
    assert_eq!(trace.loop_index, Some(trace.states.len() as u64 - 1));
}

#[test]
fn what_cannot_be_exported_is_refused_before_anything_is_explored() {
    let refused = [
        ("run.png", "ends with .svg, .mmd, .itf.json, .json, or .ndjson for a trace"),
        ("/nonexistent/run.svg", "cannot write /nonexistent/run.svg: No such file"),
    ];
    for (file, words) in refused {
        let output = run(STUCK, &["--export", file]);
        assert_exit(&output, 3);
        assert!(stderr(&output).contains(words), "{}", stderr(&output));
        assert_eq!(stdout(&output), "");
    }
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("run.svg");
    let output = run("check --model paper --servers 2 --export", &[file.to_str().expect("UTF-8")]);
    assert_exit(&output, 0);
    assert!(stdout(&output).contains("nothing is violated"), "{}", stdout(&output));
    assert!(!file.exists());
}

/// What a random walk finds is a run like any other: it is told with its states, exported, looked at,
/// and found again by the seed of its walk alone.
#[test]
fn a_walk_that_violates_is_a_run_like_any_other() {
    let asked = [
        "--model zookeeper --profile 3.9.1 --requests 2 --crashes 1 --disconnects 1 --rounds 3",
        "--model paper --servers 3 --timeouts 1 --deadlock",
    ];
    for flags in asked {
        let folder = TempDir::new().expect("a folder");
        let file = folder.path().join("run.json");
        let check = |more: &[&str]| {
            let flags: Vec<&str> = ["check"].into_iter().chain(flags.split(' ')).collect();
            let file = file.to_str().expect("UTF-8");
            let output = zabcheck(&[&flags, more, &["--export", file]].concat());
            assert_exit(&output, 1);
            let exported = fs::read_to_string(file).expect("the run");
            (stdout(&output), exported)
        };
        let (said, run) = check(&["--walks", "3000", "--seed", "17", "--stop-when-violated"]);
        assert!(said.contains(" of 3000 random walks from seed 17: "), "{said}");
        assert!(
            said.contains("\na sample of runs: what was not met may be violated as well\n"),
            "{said}"
        );
        assert!(said.contains("\nthe last state:\n") && said.contains(" -> "), "{said}");
        let part = |before: &str, after: &str| {
            let rest = said.split(before).nth(1).unwrap_or_else(|| panic!("no {before}: {said}"));
            rest.split(after).next().unwrap_or_default().to_owned()
        };
        let (_, again) =
            check(&["--walks", "1", "--seed", &part("again: --walks 1 --seed ", "\n")]);
        assert_eq!(run, again, "{flags}");
        let look = part("\nlook: zabcheck ", "\n");
        let looked = zabcheck(&look.split(' ').collect::<Vec<_>>());
        assert_exit(&looked, 0);
        let step = |text: &str| {
            text.lines().filter(|line| line.starts_with("   1  ")).map(str::to_owned).next()
        };
        assert!(step(&said).is_some() && step(&said) == step(&stdout(&looked)), "{look}");
    }
}

/// However many walks there were, what they did not meet is not said to hold.
#[test]
fn walks_never_say_that_something_holds() {
    for flags in ["--model paper --servers 2", "--requests 1", "--preset quick --model zookeeper"] {
        let flags: Vec<&str> =
            ["check", "--walks", "200"].into_iter().chain(flags.split(' ')).collect();
        let output = zabcheck(&flags);
        assert_exit(&output, 2);
        let said = stdout(&output);
        for word in ["holds", "verified", "complete:"] {
            assert!(!said.contains(word), "{word}: {said}");
        }
        assert!(
            said.contains("INCOMPLETE: a sample of runs, so nothing is said to hold"),
            "{said}"
        );
    }
}
