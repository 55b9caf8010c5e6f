//! The rules, told as stories: `rules/*.txt`.
//!
//! `REWRITE=1 cargo test -p zab-model --test stories` fills in what follows `----`. Read the
//! difference, and commit it only if you understand it.

mod story;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use story::Story;
use zab_model::{Mutant, Record, Small, Wide};

type Bytes = Small<5, 8>;

/// Tells every story to both shapes; returns what the probes saw.
fn tell_all() -> Record {
    let mut seen = Record::default();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rules");
    datadriven::walk(folder.to_str().unwrap(), |file| {
        let mut pair: Option<(Story<Bytes>, Story<Wide>)> = None;
        file.run(|case| {
            if case.directive == "server" {
                let words = case.input.trim();
                keep(&mut seen, pair.take());
                let (small, wide) = pair.insert((Story::new(words), Story::new(words)));
                return agree(small.state(), wide.state());
            }
            let (small, wide) = pair.as_mut().expect("a story begins with a server");
            match case.directive.as_str() {
                "tell" => agree(small.tell(&case.input), wide.tell(&case.input)),
                "skip" => agree(small.skip(&case.input), wide.skip(&case.input)),
                "plan" => agree(small.plan(&case.input), wide.plan(&case.input)),
                other => panic!("{other} is no directive"),
            }
        });
        keep(&mut seen, pair);
    });
    seen
}

fn keep(seen: &mut Record, pair: Option<(Story<Bytes>, Story<Wide>)>) {
    if let Some((small, _)) = pair {
        seen.checks.extend(small.seen.checks);
        seen.fired.extend(small.seen.fired);
    }
}

fn agree(small: String, wide: String) -> String {
    assert_eq!(small, wide, "the shapes disagree");
    small
}

/// The ids of the rules in the ledger; deviations and the pure helpers' parents included.
fn ledger() -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/rules.md");
    let text = fs::read_to_string(path).unwrap();
    let ids = text.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    ids.map(|(id, _)| id.to_owned()).collect()
}

#[test]
fn every_rule_of_the_ledger_has_a_story() {
    let seen = tell_all();
    let fired: BTreeSet<String> = seen.fired.iter().map(|rule| (*rule).to_owned()).collect();
    let untold: Vec<_> = ledger().difference(&fired).cloned().collect();
    assert_eq!(untold, Vec::<String>::new(), "rules without a story");
    let unknown: Vec<_> = fired.difference(&ledger()).cloned().collect();
    assert_eq!(unknown, Vec::<String>::new(), "rules that the ledger does not have");
    let mut sides: BTreeMap<(&str, &str), BTreeSet<bool>> = BTreeMap::new();
    for check in &seen.checks {
        sides.entry((check.rule, check.guard)).or_default().insert(check.holds);
    }
    let one_sided: Vec<_> = sides.iter().filter(|(_, seen)| !seen.contains(&false)).collect();
    assert!(one_sided.is_empty(), "guards that no story sees fail: {one_sided:?}");
}

/// What the stories say when a server has a defect: the directives and inputs of every file, told
/// to one shape, without looking at what is expected.
fn transcript(defect: Option<Mutant>) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rules");
    let mut files: Vec<_> =
        fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let mut said = String::new();
    for file in files {
        let text = fs::read_to_string(file).unwrap();
        let mut story: Option<Story<Bytes>> = None;
        for block in text.split("\n\n") {
            let Some((input, _)) = block.split_once("\n----") else { continue };
            let lines: Vec<&str> = input.lines().filter(|line| !line.starts_with('#')).collect();
            let rest = lines[1..].join("\n");
            match (lines[0], &mut story) {
                ("server", story) => {
                    let defect =
                        defect.map_or(String::new(), |mutant| format!(" mutant={mutant:?}"));
                    *story = Some(Story::new(&(rest + &defect)));
                }
                ("tell" | "skip", Some(story)) => said += &story.tell(&rest),
                (other, _) => assert_eq!(other, "plan"),
            }
        }
    }
    said
}

#[test]
fn every_seeded_defect_changes_a_story() {
    let right = transcript(None);
    assert!(right.len() > 10_000, "the stories were not told");
    let unseen: Vec<_> =
        Mutant::ALL.into_iter().filter(|mutant| transcript(Some(*mutant)) == right).collect();
    assert_eq!(unseen, []);
}
