//! `docs/src/defects.md` lists every seeded defect: its tables and the lists in the code are equal.

use std::fmt::Debug;
use std::fs;
use std::path::{Path, PathBuf};

use zab_model::Profile;
use zab_model::explore::NetworkMutant;
use zab_oracle::mutate;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The rows below a heading, each with its cells; a code span stands without its quotes.
fn rows(heading: &str) -> Vec<Vec<String>> {
    let page = fs::read_to_string(root().join("docs/src/defects.md")).expect("the page");
    let lines = page.lines().skip_while(|line| *line != heading).skip(1);
    let rows = lines.take_while(|line| !line.starts_with('#')).filter(|line| line.starts_with('|'));
    let cells = |row: &str| row.trim_matches('|').split('|').map(cell).collect();
    // The first two rows are the head of the table.
    rows.skip(2).map(cells).collect()
}

fn cell(text: &str) -> String {
    text.trim().trim_matches('`').to_owned()
}

/// The first cells of the rows below a heading.
fn names(heading: &str) -> Vec<String> {
    rows(heading).into_iter().filter_map(|row| row.into_iter().next()).collect()
}

fn shown(list: &[impl Debug]) -> Vec<String> {
    list.iter().map(|item| format!("{item:?}")).collect()
}

#[test]
fn the_page_lists_the_defects_of_the_model() {
    let listed: Vec<String> = Profile::defects().map(|profile| profile.to_string()).collect();
    assert_eq!(names("## The rules of the model"), listed);
    let network = [NetworkMutant::Reorders, NetworkMutant::Drops];
    assert_eq!(names("## The network of the model"), shown(&network));
}

/// The property that notices a defect is the one that the test of the model asks for.
#[test]
fn the_page_names_the_property_that_the_test_of_the_model_names() {
    let test = fs::read_to_string(root().join("model/zab/tests/explore/defects.rs"));
    let test = test.expect("the test of the defects").replace([' ', '\n'], "");
    for row in rows("## The rules of the model") {
        let entry = test.split_once(&format!("(\"{}\",", row[0]));
        let entry = entry.and_then(|(_, after)| after.split_once(')')).map(|(entry, _)| entry);
        let property = format!("\"{}\"", row[2]);
        assert!(entry.is_some_and(|entry| entry.contains(&property)), "{row:?}: {entry:?}");
    }
}

#[test]
fn the_page_lists_the_defects_of_the_simulation() {
    let driver = rows("## Driver, disk and network of the simulation");
    let rows: Vec<_> = driver.into_iter().chain(rows("## The core")).collect();
    let found: Vec<_> = rows.iter().map(|row| (row[0].as_str(), row[2].as_str())).collect();
    let listed: Vec<_> = zab_sim::mutants().iter().map(|m| (m.name, m.description)).collect();
    assert_eq!(found, listed);
}

#[test]
fn the_page_lists_the_corruptions_of_the_corpus() {
    let files = zab_trace::trace_files(&[root().join("traces/corpus/reject")]).expect("the corpus");
    let row = |path: &PathBuf| {
        let header = zab_trace::Reader::open(path).expect("a trace").header().clone();
        let rule = header.expect.and_then(|expect| expect.rule).unwrap_or_default();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        vec![name, rule, header.note.unwrap_or_default()]
    };
    let mut listed: Vec<Vec<String>> = files.iter().map(row).collect();
    listed.sort();
    assert_eq!(rows("## Corruptions of the corpus"), listed);
}

#[test]
fn the_page_lists_the_groups_of_the_grid() {
    let found = rows("## The grid of corruptions");
    let mut listed: Vec<[String; 2]> = Vec::new();
    for kind in mutate::kinds() {
        match listed.iter_mut().find(|[group, _]| group == kind.group) {
            Some([_, count]) => *count = (count.parse::<u32>().expect("a number") + 1).to_string(),
            None => listed.push([kind.group.to_owned(), "1".to_owned()]),
        }
    }
    let found: Vec<_> = found.iter().map(|row| [row[0].clone(), row[1].clone()]).collect();
    assert_eq!(found, listed);
}
