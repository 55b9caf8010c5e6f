//! The pages about the bugs, `docs/src/findings/bugs`: each says what the table says, and its run is
//! one that the model makes today, with the damage as its last step.
//!
//! `zabcheck bugs --pages docs/src/findings/bugs` writes them.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use stateright::Model;
use zab_bugs::{BUGS, Budget, Bug, Hunt, Scene, WithHunt, reason};
use zab_model::explore::{Action, State};

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/src/findings/bugs"))
}

fn file(bug: &Bug) -> String {
    format!("{}.md", bug.name.to_lowercase())
}

fn scenes() -> impl Iterator<Item = (&'static Bug, Scene)> {
    BUGS.iter().map(|bug| (bug, bug.scene))
}

/// The actions in the table of the run, as they are printed.
fn steps(page: &str) -> Vec<String> {
    let run = page.split("\n## The run\n").nth(1).expect("a run");
    let table = run.split("\n## ").next().unwrap_or_default();
    let rows = table.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| ")?.split(" | ");
        cells.next()?.parse::<u32>().ok()?;
        cells.nth(1).map(|action| action.replace("&gt;", ">").replace("&lt;", "<"))
    });
    rows.collect()
}

const ADVICE: &str =
    "the pages are out of date: zabcheck bugs --without-control --pages docs/src/findings/bugs";

#[test]
fn each_page_says_what_the_table_says() {
    for (bug, scene) in scenes() {
        let page = fs::read_to_string(folder().join(file(bug))).unwrap_or_else(|error| {
            panic!("{}: {error}; {ADVICE}", bug.name);
        });
        let reason = reason(bug.name).expect("a reason");
        let releases: Vec<&str> = bug.releases().map(|release| release.name).collect();
        let code = |text: &str| format!("`{text}`");
        let words = [
            bug.says.to_owned(),
            reason.why.to_owned(),
            reason.fix.to_owned(),
            scene.means.to_owned(),
            code(scene.switch),
            code(scene.budget),
            releases.join(", "),
            format!("zabcheck bugs {}", bug.name),
        ];
        for words in words {
            assert!(page.contains(&words), "{}: {words:?} is missing; {ADVICE}", bug.name);
        }
        assert!(page.contains("```mermaid\nsequenceDiagram"), "{}", bug.name);
    }
}

#[test]
fn the_run_of_each_page_is_one_that_the_model_makes() {
    for (bug, scene) in scenes() {
        let page = fs::read_to_string(folder().join(file(bug))).expect("the page");
        let budget = Budget::parse(scene.budget).expect("a budget");
        let steps = steps(&page);
        assert!(steps.len() > 10, "{}: {steps:?}", bug.name);
        scene.with_model(budget, Made { bug, scene, steps }).expect("there is room");
    }
}

/// The run of a page, which the model makes, and which does its damage with the last step.
struct Made {
    bug: &'static Bug,
    scene: Scene,
    steps: Vec<String>,
}

impl WithHunt for Made {
    type Output = ();

    fn run<const N: usize, const P: usize>(self, model: &Hunt<N, P>) {
        let Self { bug, scene, steps } = self;
        let is_done = |state: &State<N, P>| {
            model.violated(state).iter().any(|name| scene.damage.contains(name))
        };
        let mut state = model.init_states().remove(0);
        for (number, wanted) in (1..).zip(&steps) {
            assert!(!is_done(&state), "{}: the damage is done before step {number}", bug.name);
            let possible: Vec<(Action, State<N, P>)> = model.next_steps(&state);
            let found = possible.iter().find(|(action, _)| action.to_string() == *wanted);
            let Some((_, next)) = found else {
                panic!("{}: step {number}, {wanted}, is not possible; {ADVICE}", bug.name)
            };
            state = *next;
        }
        assert!(is_done(&state), "{}: the run does no damage; {ADVICE}", bug.name);
    }
}

#[test]
fn there_is_no_page_without_a_bug_and_each_is_in_the_summary() {
    let expected: BTreeSet<String> = scenes().map(|(bug, _)| file(bug)).collect();
    let names = fs::read_dir(folder()).expect("the folder").flatten();
    let found: BTreeSet<String> =
        names.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    assert_eq!(found, expected);
    let summary = folder().join("../../SUMMARY.md");
    let summary = fs::read_to_string(summary).expect("the summary");
    for name in found {
        assert!(summary.contains(&format!("(findings/bugs/{name})")), "{name}");
    }
}
