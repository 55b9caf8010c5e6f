//! Every rule and every deviation of `docs/src/rules.md` is in the model, the core and the tests.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::{assert_none, files, read, root, shown, texts};

/// Rules without a place in the core, each with the reason.
const NOT_IN_CORE: &[(&str, &str)] = &[
    ("zk.crash", "a crash happens to the core; it is no step of it"),
    (
        "zk.fle.observe",
        "an observer elects as voters do (`zk.fle.*`); the model takes that in one step",
    ),
];

/// Deviations that the model does not cite, each with the reason.
const NOT_IN_MODEL: &[(&str, &str)] = &[("D-FW", "the model has no clock, so nothing waits")];

/// The ids in the ledger's tables: first cell of a row, in backticks, no deviation.
fn ledger() -> BTreeSet<String> {
    let text = read(&root().join("docs/src/rules.md"));
    let ids: BTreeSet<String> = text
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
        .map(|(id, _)| id.to_owned())
        .collect();
    assert!(
        ids.len() > 30,
        "the ledger lists {} rules only: is its format still the same?",
        ids.len()
    );
    ids
}

/// Ids that open a doc comment (`/// f.1.1: …`) below a folder.
fn documented_ids(folder: &str) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    let of_rules = |path: &&PathBuf| {
        // The core's list of defects names rules, but is no place of theirs.
        shown(path).starts_with(folder) && !path.ends_with("core/src/mutant.rs")
    };
    for path in files("rs").iter().filter(of_rules) {
        for line in read(path).lines() {
            let line = line.trim_start();
            let Some(doc) = line.strip_prefix("/// ").or_else(|| line.strip_prefix("// ")) else {
                continue;
            };
            let Some((head, _)) = doc.split_once(':') else { continue };
            let is_id = |word: &&str| {
                word.chars().all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '_')
            };
            let words = head.split([',', ' ']).map(|word| word.trim_matches('`'));
            ids.extend(words.filter(is_id).map(str::to_owned));
        }
    }
    ids
}

/// Whether a file is a test or holds test data of the given crates.
fn is_test_of(name: &str, crates: &[&str]) -> bool {
    crates.iter().any(|c| name.starts_with(c))
        && (name.contains("/tests/") || name.ends_with("tests.rs"))
}

#[test]
fn every_rule_has_a_model_a_core_and_tests() {
    let (model, core) = (documented_ids("model/zab/src"), documented_ids("impl/core/src"));
    let mut tests: BTreeMap<&str, String> = BTreeMap::new();
    for path in files("rs").iter().chain(files("txt").iter()) {
        for crate_folder in ["model/zab", "impl/core"] {
            if is_test_of(&shown(path), &[crate_folder]) {
                tests.entry(crate_folder).or_default().push_str(&read(path));
            }
        }
    }
    let mut missing = Vec::new();
    for id in ledger() {
        let excepted = NOT_IN_CORE.iter().any(|(rule, _)| *rule == id);
        if !model.contains(&id) {
            missing.push(format!("{id}: no function in model/zab/src"));
        }
        if !core.contains(&id) && !excepted {
            missing.push(format!("{id}: no place in impl/core/src"));
        }
        for crate_folder in ["model/zab", "impl/core"] {
            let text = tests.get(crate_folder).map_or("", String::as_str);
            let needs_none = excepted && crate_folder == "impl/core";
            if !needs_none && !mentions(text, &id) {
                missing.push(format!("{id}: no test in {crate_folder}"));
            }
        }
    }
    assert_none("the ledger and the code differ", &missing);
}

/// Whether the id stands in the text as a whole word (`f.1.1` is not in `f.1.10`).
fn mentions(text: &str, id: &str) -> bool {
    text.match_indices(id).any(|(at, _)| {
        let inside = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let before = text[..at].chars().next_back();
        let mut after = text[at + id.len()..].chars();
        let next = after.next();
        let continues = next == Some('.') && after.next().is_some_and(inside);
        !before.is_some_and(|c| inside(c) || c == '.') && !next.is_some_and(inside) && !continues
    })
}

#[test]
fn a_rule_id_is_found_as_a_whole_word_only() {
    assert!(mentions("rule f.1.1, then", "f.1.1"));
    assert!(mentions("ends with f.1.1.", "f.1.1"));
    assert!(!mentions("f.1.10", "f.1.1"));
    assert!(!mentions("zk.sync.diff.more", "zk.sync.diff"));
}

#[test]
fn no_rule_id_in_the_code_is_missing_from_the_ledger() {
    let ledger = ledger();
    let looks_like_a_rule = |id: &str| {
        let parts: Vec<&str> = id.split('.').collect();
        match parts.as_slice() {
            ["f" | "l", phase, step] => {
                phase.chars().all(|c| c.is_ascii_digit())
                    && step.chars().all(|c| c.is_ascii_digit())
            }
            ["zk", area, name] => !area.is_empty() && !name.is_empty(),
            _ => false,
        }
    };
    let unknown: Vec<String> = documented_ids("model/zab/src")
        .union(&documented_ids("impl/core/src"))
        .filter(|id| looks_like_a_rule(id) && !ledger.contains(*id))
        .cloned()
        .collect();
    assert_none("ids that docs/src/rules.md does not list", &unknown);
}

/// Ids of deviations in a text: `D-` and capital letters or digits.
fn deviations(text: &str) -> BTreeSet<&str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let is_id = |word: &&str| {
        let name = word.strip_prefix("D-").unwrap_or("");
        !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
    };
    text.split(|c| !is_part(c)).filter(is_id).collect()
}

#[test]
fn deviations_are_listed_in_the_ledger_and_cited_in_the_code() {
    let ledger = read(&root().join("docs/src/rules.md"));
    let listed: BTreeSet<&str> =
        ledger.lines().filter_map(|line| line.strip_prefix("| D-")).collect();
    let listed: BTreeSet<String> =
        listed.iter().map(|row| format!("D-{}", row.split(' ').next().unwrap_or(""))).collect();
    assert!(listed.len() > 8, "the ledger lists {listed:?}: is its format still the same?");
    let mut wrong = Vec::new();
    for (name, text) in ["rs", "md", "txt"].iter().flat_map(|extension| texts("", extension)) {
        let unknown = deviations(&text).into_iter().filter(|id| !listed.contains(*id));
        wrong
            .extend(unknown.map(|id| format!("{name} cites {id}, which the ledger does not list")));
    }
    for (folder, excepted) in [("model/zab/src", NOT_IN_MODEL), ("impl/core/src", &[])] {
        let texts = texts(folder, "rs");
        for id in &listed {
            let cited = texts.iter().any(|(_, text)| deviations(text).contains(id.as_str()));
            if !cited && !excepted.iter().any(|(exception, _)| exception == id) {
                wrong.push(format!("{folder} does not cite {id}"));
            }
        }
    }
    assert_none("the deviations of the ledger and of the code differ", &wrong);
}

#[test]
fn each_switch_of_a_profile_is_read_in_one_place() {
    let listed = read(&root().join("model/zab/src/profile/switches.rs"));
    // `"rule" name: Type {`
    let name = |line: &'_ str| {
        let (_, after) = line.trim().strip_prefix('"')?.split_once("\" ")?;
        Some(after.strip_suffix(" {")?.split_once(": ")?.0.to_owned())
    };
    let switches: Vec<String> = listed.lines().filter_map(name).collect();
    assert!(switches.len() > 20, "{} switches only: has the list another form?", switches.len());
    let mut rules = texts("model/zab/src", "rs");
    rules.retain(|(name, _)| !name.starts_with("model/zab/src/profile"));
    let code: String = rules.into_iter().map(|(_, text)| text).collect();
    let words: Vec<&str> =
        code.split(|c: char| !c.is_ascii_alphanumeric() && !"_.()".contains(c)).collect();
    let ends = |word: &str, name: &str| {
        ["profile", "profile()"].iter().any(|of| word.ends_with(&format!("{of}.{name}")))
    };
    let reads = |name: &str| words.iter().filter(|word| ends(word, name)).count();
    let wrong: Vec<_> = switches.iter().filter(|switch| reads(switch) != 1).cloned().collect();
    assert_none("switches that are not read in exactly one place", &wrong);
}
