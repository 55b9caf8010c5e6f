//! Every rule rejects a history made for it, no other rule does, and the right one beside it is
//! accepted.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use zab_history::{History, Rule, Verdict, check};

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(folder);
    let entries = std::fs::read_dir(folder).expect("the corpus");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    files
}

fn name(path: &Path) -> String {
    path.file_stem().expect("a name").to_string_lossy().into_owned()
}

fn load(path: &Path) -> History {
    History::load(&[path.to_owned()]).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn each_wrong_history_is_rejected_by_its_rule_and_no_other() {
    let mut rejected: BTreeSet<Rule> = BTreeSet::new();
    let mut wrong = Vec::new();
    for path in files("reject") {
        let (name, history) = (name(&path), load(&path));
        let expected = name.split('.').next().unwrap_or_default();
        let report = check(&history);
        let found: BTreeSet<Rule> = report.violations.iter().map(|found| found.rule).collect();
        let names: Vec<&str> = found.iter().map(|rule| rule.name()).collect();
        if names != [expected] {
            wrong.push(format!("{name}: {:?}", report.violations));
        }
        rejected.extend(found);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let missing: Vec<&str> =
        Rule::ALL.iter().filter(|rule| !rejected.contains(rule)).map(|rule| rule.name()).collect();
    assert!(missing.is_empty(), "no wrong history for {missing:?}");
}

#[test]
fn each_right_history_is_accepted() {
    let right: BTreeSet<String> = files("accept").iter().map(|path| name(path)).collect();
    for path in files("reject") {
        assert!(right.contains(&name(&path)), "no right history beside {}", name(&path));
    }
    for path in files("accept") {
        let report = check(&load(&path));
        assert_eq!(report.verdict, Verdict::Conforms, "{}", name(&path));
    }
}

#[test]
fn a_stale_read_elsewhere_is_told_and_accepted() {
    let path = files("accept").into_iter().find(|path| name(path) == "stale_read");
    let history = load(&path.expect("it is there"));
    let summary = check(&history).summary;
    assert_eq!(summary.stale, 1);
    let stale = summary.first_stale.expect("one");
    assert_eq!((history.place(stale.read).1, history.place(stale.write).1), (4, 3));
}

#[test]
fn a_history_without_answers_is_inconclusive() {
    let path = files("accept").into_iter().next().expect("one");
    let mut history = load(&path);
    history.lines.clear();
    assert!(matches!(check(&history).verdict, Verdict::Inconclusive(_)));
}

#[test]
fn every_line_is_as_the_schema_says_and_is_written_as_it_was_read() {
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/history-v1.json");
    let schema = std::fs::read_to_string(schema).expect("the schema");
    let schema = serde_json::from_str(&schema).expect("JSON");
    let schema = jsonschema::validator_for(&schema).expect("a schema");
    for path in files("accept").into_iter().chain(files("reject")) {
        let text = std::fs::read_to_string(&path).expect("a file");
        for line in text.lines() {
            let value: serde_json::Value = serde_json::from_str(line).expect("JSON");
            if let Err(error) = schema.validate(&value) {
                panic!("{}: {error}\n{line}", path.display());
            }
        }
        for (line, text) in load(&path).lines.iter().zip(text.lines().skip(1)) {
            let again = serde_json::to_value(line).expect("JSON");
            let line: zab_history::Line = serde_json::from_value(again.clone()).expect("a line");
            let first: zab_history::Line = serde_json::from_str(text).expect("a line");
            assert_eq!(line, first);
            assert!(schema.is_valid(&again), "{again}");
        }
    }
}
