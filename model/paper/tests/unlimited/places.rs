//! The page lists every function that reads an epoch, a value or a budget.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const PAGE: &str = include_str!("../../../../docs/src/unlimited.md");

/// What is explored without bounds, without ghosts and pictures.
const FILES: [&str; 12] = [
    "rules/broadcast.rs",
    "rules/discovery.rs",
    "rules/election.rs",
    "rules/failure.rs",
    "rules/mod.rs",
    "rules/synchronization.rs",
    "model.rs",
    "normal.rs",
    "properties.rs",
    "primary_order.rs",
    "liveness.rs",
    "symmetry.rs",
];

/// Words for numbers that are renamed, for transactions that have them, and for what is counted.
const WORDS: [&str; 9] =
    ["epoch", "zxid", "Zxid", "history", "txn", "value", "spent", "bounds", "theirs"];

/// Names of messages, actions and fields that are no numbers.
const OTHERS: [&str; 6] = ["ack_epoch", "new_epoch", "NewEpoch", "AckEpoch", "cepoch", "Cepoch"];

fn source(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(file);
    let text = fs::read_to_string(path).expect("a source file");
    text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default().to_owned()
}

/// The name of the function that begins in a line.
fn begun(line: &str) -> Option<&str> {
    let (before, after) = line.split_once("fn ")?;
    let is_word = before.ends_with(' ') || before.is_empty();
    let end = after.find(|c: char| !c.is_alphanumeric() && c != '_')?;
    (is_word && end > 0).then(|| &after[..end])
}

/// Every function of a file that has one of the words in its body.
fn mentioned(file: &str) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    let mut function = None;
    let is_code =
        |line: &&str| !["//", "#["].iter().any(|sign| line.trim_start().starts_with(sign));
    for line in source(file).lines().filter(is_code) {
        if let Some(name) = begun(line) {
            function = Some(name.to_owned());
        }
        let code = OTHERS.iter().fold(line.to_owned(), |code, other| code.replace(other, ""));
        let code = code.split("fn ").next().unwrap_or_default();
        if WORDS.iter().any(|word| code.contains(word))
            && let Some(name) = &function
        {
            found.insert((file.to_owned(), name.clone()));
        }
    }
    found
}

/// The rows of the page's table: a file, and a function of it.
fn listed() -> BTreeSet<(String, String)> {
    let names = |cell: &str| -> Vec<String> {
        cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    };
    let rows = PAGE.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.flat_map(|row| {
        let (file, rest) = row.split_once("` | ").expect("a file");
        let functions = rest.split(" | ").next().map(names).unwrap_or_default();
        functions.into_iter().map(|function| (file.to_owned(), function)).collect::<Vec<_>>()
    })
    .collect()
}

#[test]
fn the_page_lists_every_place_that_reads_a_number_or_a_budget() {
    let found: BTreeSet<_> = FILES.iter().flat_map(|file| mentioned(file)).collect();
    assert!(found.len() > 40);
    let listed = listed();
    let missing: Vec<_> = found.difference(&listed).collect();
    let gone: Vec<_> = listed.difference(&found).collect();
    assert!(missing.is_empty() && gone.is_empty(), "not listed: {missing:?}; not there: {gone:?}");
}
