//! `zabcheck bugs` and `zabcheck releases`.

mod support;

use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use support::{assert_exit, stderr, stdout, zabcheck};
use tempfile::TempDir;

#[test]
fn one_bug_is_found_told_and_missing_without_its_switch() {
    let output = zabcheck(&["bugs", "4394", "--threads", "1"]);
    assert_exit(&output, 0);
    let text = stdout(&output);
    for words in [
        "ZOOKEEPER-4394",
        "list_at_newleader=emptied",
        "leader_sends_what_fits",
        "29 steps, no fault",
        "1 of 1 found in ",
        "the same without the bug, to the end:",
        "nothing",
        "  29  ToLearner ",
        "look: zabcheck explore --model zookeeper ",
        "--profile fixed,list_at_newleader=emptied --path 0/",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    let look =
        text.lines().find_map(|line| line.strip_prefix("look: zabcheck ")).expect("a command");
    let shown = zabcheck(&look.split(' ').collect::<Vec<_>>());
    assert_exit(&shown, 0);
    assert!(stdout(&shown).contains("leader_sends_what_fits"), "{}", stdout(&shown));
}

#[test]
fn the_steps_of_one_server_are_shown_alone() {
    let output = zabcheck(&["bugs", "4394", "--only", "2", "--without-control", "--threads", "1"]);
    assert_exit(&output, 0);
    let text = stdout(&output);
    let word = |line: &str, place: usize| line.split_whitespace().nth(place).map(str::to_owned);
    let is_step = |line: &&str| word(line, 0).is_some_and(|number| number.parse::<u8>().is_ok());
    let steps = text.lines().filter(is_step).filter_map(|line| word(line, 1));
    let steps: Vec<String> = steps.collect();
    let has = |name: &str| steps.iter().any(|step| step == name);
    assert!(steps.len() > 5 && has("Connect") && has("ToLearner"), "{text}");
    assert!(!has("Request"), "that is the leader's: {text}");
    assert!(!text.contains("the last state:") && !text.contains("to the end:"), "{text}");
}

#[test]
fn the_grain_of_each_is_told() {
    let output = zabcheck(&["bugs", "3104", "4394", "--without-control"]);
    assert_exit(&output, 0);
    let text = stdout(&output);
    assert!(text.contains("2 of 2 found in "), "{text}");
    assert!(text.contains("threads") && text.contains("writes"), "{text}");
}

#[test]
fn what_is_known_not_to_show_is_not_searched() {
    for (args, words) in [
        (
            &["bugs", "3911", "--budget", "rounds=3 requests=1 crashes=1"][..],
            "fewer than 2 requests",
        ),
        (&["bugs", "1154", "--budget", "requests=3 crashes=1"], "fewer than 2 rounds"),
        (&["bugs", "4394", "--budget", "rounds=0 requests=1"], "fewer than 1 rounds"),
        (&["bugs", "5010", "--budget", "servers=5 rounds=2 requests=1"], "fewer than 1 faults"),
        (&["bugs", "--budget", "requests=1"], "--budget is for one bug"),
        (&["bugs", "4394", "4685", "--only", "1"], "--only is for one bug"),
        (&["bugs", "4394", "--budget", "request=1"], "expected NAME=NUMBER"),
        (&["bugs", "4394", "--budget", "requests=9"], "requests=9: there is room for 3"),
        (&["bugs", "4394", "--budget", "servers=6"], "servers, of which there are 2 to 5"),
        (&["bugs", "4634"], "the nearest is "),
        (&["bugs", "zookeeper-4395"], "the nearest is ZOOKEEPER-4394"),
        (&["bugs", "4394", "--only", "6"], "from 1 to 5"),
        (&["bugs", "4394", "--only", "4"], "the servers of this run are 1 to 3"),
        (&["bugs", "4394", "--export", "run.png"], "ends with .svg"),
        (&["releases", "3.8.9"], "the nearest is 3.8.0"),
        (&["releases", "3.9.55"], "the nearest is 3.9.5"),
        (&["diff", "3.9.4", "3.9.33"], "the nearest is "),
        (&["diff", "3.9.4", "3.9.3,acks_of_cut=lost"], "no value of acks_of_cut is named lost"),
        (
            &["diff", "3.9.4", "3.9.3", "--budget", "servers=4"],
            "servers=4: profiles are compared among 3 servers at most",
        ),
        (&["diff", "3.9.4", "3.9.3", "--budget", "requests=4"], "requests=4: there is room for 3"),
        (&["diff", "3.8.1", "3.8.0"], "there is nothing to compare"),
    ] {
        let output = zabcheck(args);
        assert_exit(&output, 3);
        assert!(stderr(&output).contains(words), "{args:?}: {}", stderr(&output));
    }
}

#[test]
fn what_differs_between_two_profiles_is_told_in_packets() {
    let output = zabcheck(&["diff", "fixed", "fixed,establishment=at_once"]);
    assert_exit(&output, 0);
    let text = stdout(&output);
    for words in [
        "fixed,establishment=at_once can show this, and fixed cannot: ",
        "servers=2 rounds=1 requests=1",
        "NEWLEADER epoch=1",
        "<- fixed cannot",
        "fixed shows nothing that fixed,establishment=at_once does not, within these bounds",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    let bounds = "servers=2 rounds=1 requests=1";
    let output = zabcheck(&["diff", "3.9.3", "3.9.4", "--budget", bounds]);
    assert_exit(&output, 2);
    let text = stdout(&output);
    assert!(text.contains("which does not say that there is none"), "{text}");
    let few = ["diff", "3.9.3", "3.9.4", "--budget", bounds, "--pairs-max", "3"];
    let output = zabcheck(&few);
    assert_exit(&output, 2);
    assert!(stdout(&output).contains("so far, and there was more to see"), "{}", stdout(&output));
}

#[test]
fn a_budget_of_ones_own_is_searched_and_says_no_more_than_it_saw() {
    let none = ["bugs", "2845", "--without-control", "--budget", "rounds=2 requests=1"];
    let output = zabcheck(&none);
    assert_exit(&output, 2);
    assert!(stdout(&output).contains("NOT FOUND within these"), "{}", stdout(&output));
    let found =
        ["bugs", "h-02", "--without-control", "--budget", "rounds=2 requests=1 crashes=1@2"];
    let output = zabcheck(&found);
    assert_exit(&output, 0);
    assert!(stdout(&output).contains("Crash 2"), "{}", stdout(&output));
}

#[test]
fn releases_have_the_bugs_of_their_profiles() {
    let output = zabcheck(&["releases"]);
    assert_exit(&output, 0);
    let text = stdout(&output);
    assert!(text.contains("like 3.8.0: 3.8.1, 3.8.2, 3.8.3, 3.8.4"), "{text}");
    let output = zabcheck(&["releases", "3.8.5"]);
    assert_exit(&output, 0);
    let text = stdout(&output);
    assert!(text.starts_with("3.8.5 behaves as 3.8.6\n"), "{text}");
    for (bug, has) in [("4712", true), ("5010", true), ("4643", false), ("4925", false)] {
        assert_eq!(text.contains(&format!("ZOOKEEPER-{bug}")), has, "{bug}: {text}");
    }
    let text = stdout(&zabcheck(&["releases", "fixed"]));
    assert!(text.starts_with("fixed has 0 of "), "{text}");
}

/// A saved run of one bug, found on one thread, and the folder that it is in.
fn saved() -> (TempDir, PathBuf) {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("run.json");
    let name = path.to_str().expect("UTF-8");
    let args = ["bugs", "4394", "--without-control", "--threads", "1", "--save", name];
    let output = zabcheck(&args);
    assert_exit(&output, 0);
    assert!(stdout(&output).contains("saved: zabcheck replay "), "{}", stdout(&output));
    (folder, path)
}

#[test]
fn a_saved_run_is_made_and_judged_again() {
    let (_folder, path) = saved();
    let name = path.to_str().expect("UTF-8");
    let output = zabcheck(&["replay", name]);
    assert_exit(&output, 0);
    let text = stdout(&output);
    assert!(text.contains("after step 29 violated: leader_sends_what_fits"), "{text}");
    assert!(text.contains("29 steps, each made and judged again"), "{text}");
    assert!(!text.contains("after step 28"), "{text}");
    let picture = path.with_extension("svg");
    let export = ["replay", name, "--only", "1", "--export", picture.to_str().expect("UTF-8")];
    assert_exit(&zabcheck(&export), 0);
    assert!(fs::read_to_string(picture).expect("written").starts_with("<svg"));
}

/// A run as another build saved it.
fn older(run: &Value) -> Value {
    let mut older = run.clone();
    older["schema"] = "zabcheck-run/1".into();
    older.as_object_mut().expect("an object").remove("grain");
    older
}

/// What is done to a saved run.
type Change<'a> = &'a dyn Fn(&mut Value);

#[test]
fn a_file_of_another_model_build_or_form_is_refused_and_a_changed_run_differs() {
    let (_folder, path) = saved();
    let name = path.to_str().expect("UTF-8");
    let text = fs::read_to_string(&path).expect("the run");
    let value: Value = serde_json::from_str(&text).expect("JSON");
    let replayed = |change: &dyn Fn(&mut Value)| {
        let mut changed = value.clone();
        change(&mut changed);
        fs::write(&path, changed.to_string()).expect("written");
        let output = zabcheck(&["replay", name]);
        (output.status.code(), stdout(&output) + &stderr(&output))
    };
    let cases: [(Change<'_>, i32, &str); 15] = [
        (
            &|run| run["build"] = "0.0.1 (somewhere)".into(),
            3,
            "build \"0.0.1 (somewhere)\", expected",
        ),
        (&|run| run["model"] = "paper".into(), 3, "model \"paper\", expected \"zookeeper\""),
        (&|run| run["schema"] = "zabcheck-run/1".into(), 3, "schema \"zabcheck-run/1\""),
        // Of an older form other fields are missing, too: that it is one is said.
        (&|run| *run = older(run), 3, "schema \"zabcheck-run/1\""),
        (&|run| run["grain"] = "steps".into(), 3, "no grain is steps"),
        (&|run| run["more"] = 1.into(), 3, "unknown field `more`"),
        (&|run| run["steps"] = "Elect".into(), 3, "steps: invalid type: string \"Elect\""),
        (&|run| *run = 4.into(), 3, "integer `4`, expected the fields of a saved run"),
        (&|run| run["steps"][3] = 4.into(), 3, "steps[3]: invalid type: integer `4`"),
        (&|run| run["build"] = 4.into(), 3, "build: invalid type: integer `4`"),
        (&|run| run["profile"] = "acks_of_cut=lost".into(), 3, "no value of acks_of_cut"),
        (&|run| run["bounds"] = "crashes=many".into(), 3, "expected NAME=NUMBER"),
        (&|run| run["bounds"] = "requests=9".into(), 3, "requests=9: there is room for 3"),
        (
            &|run| run["steps"][3] = "Crash 1".into(),
            1,
            "step 4, \"Crash 1\", is not possible: possible are ",
        ),
        (
            &|run| run["profile"] = "fixed".into(),
            1,
            "the last state does not violate leader_sends_what_fits",
        ),
    ];
    for (change, code, words) in cases {
        let (ended, said) = replayed(change);
        assert_eq!(ended, Some(code), "{said}");
        assert!(said.contains(words), "{words}: {said}");
    }
    fs::write(&path, "no run\n").expect("written");
    let output = zabcheck(&["replay", name]);
    assert_exit(&output, 3);
    assert!(stderr(&output).contains("is no saved run"), "{}", stderr(&output));
    assert_exit(&zabcheck(&["replay", "absent"]), 3);
}

#[test]
fn a_page_tells_the_run_as_a_table_and_as_a_diagram() {
    let folder = TempDir::new().expect("a folder");
    let pages = folder.path().join("pages");
    let pages = pages.to_str().expect("UTF-8");
    let args = ["bugs", "4394", "--without-control", "--pages", pages];
    assert_exit(&zabcheck(&args), 0);
    let written: Vec<_> = fs::read_dir(pages).expect("pages").flatten().collect();
    assert_eq!(written.len(), 1, "{written:?}");
    let page = fs::read_to_string(written[0].path()).expect("a page");
    let first = page.lines().next();
    assert_eq!(first, Some("# ZOOKEEPER-4394"));
    for words in
        ["## Why it happens", "## What the fix changes", "| 29 | ", "```mermaid\nsequenceDiagram\n"]
    {
        assert!(page.contains(words), "{words}: {page}");
    }
    // On one thread the same run is found each time.
    assert_exit(&zabcheck(&args), 0);
    assert_eq!(fs::read_to_string(written[0].path()).expect("a page"), page);
}
