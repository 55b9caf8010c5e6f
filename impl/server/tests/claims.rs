//! The table of claims in `docs/src/server.md` against the sources: each claim of the seed documents
//! has a row, and whatever a row names as its test exists.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The claims are numbered from 1 to this.
const CLAIMS: u32 = 73;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// All files below a folder with one of these extensions, and their texts.
fn texts(folder: &Path, extensions: &[&str], into: &mut BTreeMap<PathBuf, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            texts(&path, extensions, into);
        } else if path.extension().is_some_and(|found| extensions.iter().any(|e| found == *e)) {
            into.insert(path.clone(), fs::read_to_string(&path).unwrap());
        }
    }
}

/// The rows of the table: what stands in the two columns.
fn rows(page: &str) -> Vec<(&str, &str)> {
    let table = page.split_once("| claims | test |").expect("the table is there").1;
    let lines = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    lines
        .map(|line| {
            let mut cells = line.trim_matches('|').splitn(2, '|').map(str::trim);
            (cells.next().unwrap(), cells.next().expect("two columns"))
        })
        .collect()
}

/// The numbers that a row begins with: `7–17, 19, 24 election`.
fn numbers(claims: &str) -> Vec<u32> {
    let is_number = |c: char| c.is_ascii_digit() || "–, ".contains(c);
    let end = claims.find(|c| !is_number(c)).unwrap_or(claims.len());
    let mut numbers = Vec::new();
    for part in claims[..end].split(',').map(str::trim) {
        let (first, last) = part.split_once('–').unwrap_or((part, part));
        let [first, last]: [u32; 2] = [first, last].map(|end| end.parse().expect("a number"));
        numbers.extend(first..=last);
    }
    numbers
}

/// What stands between two of these marks, and what stands before each.
fn marked(text: &str, mark: char) -> Vec<(&str, &str)> {
    let parts: Vec<&str> = text.split(mark).collect();
    parts.chunks(2).filter_map(|two| Some((two[0], *two.get(1)?))).collect()
}

struct Sources {
    /// Of this project, in Rust and Python.
    code: BTreeMap<PathBuf, String>,
    scenarios: BTreeSet<String>,
    stories: BTreeSet<String>,
}

impl Sources {
    fn read() -> Self {
        let root = root();
        let mut code = BTreeMap::new();
        for folder in ["impl", "conformance"] {
            texts(&root.join(folder), &["rs", "py"], &mut code);
        }
        let names = |folder: &str| {
            let mut found = BTreeMap::new();
            texts(&root.join(folder), &["txt"], &mut found);
            found
                .keys()
                .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
                .collect()
        };
        let (scenarios, stories) = (names("impl/core/tests/scenarios"), names("traces/stories"));
        Self { code, scenarios, stories }
    }

    /// Files whose path ends like this.
    fn files(&self, name: &str) -> Vec<&str> {
        let found = self.code.iter().filter(|(path, _)| path.ends_with(name));
        found.map(|(_, text)| text.as_str()).collect()
    }

    /// Whether this is the name of a test: a function below the attribute, or one that the recipes'
    /// macro makes.
    fn is_test(&self, name: &str) -> bool {
        let function = format!("fn {name}(");
        self.code.iter().any(|(path, text)| {
            let is_made = path.ends_with("impl/recipes/tests/recipes.rs")
                && text.contains(&format!("\n    {name}, "));
            let mut before = text.split(&function).map(|part| part.trim_end());
            let marked = before.next().is_some_and(|part| {
                let attributes = part.rsplit("\n\n").next().unwrap_or_default();
                attributes.contains("#[test]") || attributes.contains("#[tokio::test")
            });
            is_made || (marked && before.next().is_some())
        })
    }

    /// What is wrong with the names in the column of tests.
    fn wrong(&self, tests: &str) -> Vec<String> {
        let mut wrong = Vec::new();
        let (mut named, mut of_kazoo) = (0, false);
        for (before, name) in marked(tests, '`') {
            let kind = name.rsplit('.').next().unwrap_or_default();
            let is_next = before.trim() == ",";
            of_kazoo = before.trim_end().ends_with("kazoo's") || (of_kazoo && is_next);
            let fine = match kind {
                "rs" => self.files(name).iter().any(|text| text.contains("test]")),
                "txt" => self.scenarios.contains(name.rsplit('/').next().unwrap_or_default()),
                // Its suite is run whole.
                "py" if of_kazoo => !self.files("impl/server/tests/kazoo_suite.py").is_empty(),
                "py" => !self.files(&format!("impl/server/tests/{name}")).is_empty(),
                _ if name.contains('_') => self.is_test(name),
                _ if self.stories.contains(&format!("{name}.txt")) => true,
                // Commands and pages are no tests.
                _ => continue,
            };
            named += 1;
            if !fine {
                wrong.push(format!("there is no {name}"));
            }
        }
        for (before, part) in marked(tests, '*') {
            let script = marked(before, '`').last().map(|(_, script)| *script);
            let script = script.filter(|script| script.ends_with(".py")).unwrap_or("no script");
            let texts = self.files(&format!("impl/server/tests/{script}"));
            let names = [format!("def {part}("), format!("def check_{part}(")];
            if !texts.iter().any(|text| names.iter().any(|name| text.contains(name))) {
                wrong.push(format!("{script} has no part {part}"));
            }
        }
        if named == 0 {
            wrong.push("no test is named".to_owned());
        }
        wrong
    }
}

#[test]
fn every_claim_has_a_row_and_every_test_in_it_exists() {
    let page = fs::read_to_string(root().join("docs/src/server.md")).unwrap();
    let (rows, sources) = (rows(&page), Sources::read());
    let mut claims: Vec<u32> = rows.iter().flat_map(|(claims, _)| numbers(claims)).collect();
    claims.sort_unstable();
    assert_eq!(claims, (1..=CLAIMS).collect::<Vec<_>>(), "each claim has one row");
    let wrong: Vec<String> = rows
        .iter()
        .flat_map(|(claims, tests)| {
            sources.wrong(tests).into_iter().map(move |what| format!("{claims}: {what}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_row_that_names_what_is_not_there_is_found() {
    let sources = Sources::read();
    for (tests, what) in [
        ("a story", "no test is named"),
        ("`zabcheck conform`", "no test is named"),
        ("`a_test_that_nobody_has_written`", "there is no a_test_that_nobody_has_written"),
        ("`root`, `read_back`", "there is no read_back"),
        ("`none.rs`", "there is no none.rs"),
        ("`impl/core/tests/scenarios/none.txt`", "there is no impl/core/tests/scenarios/none.txt"),
        ("`none.py`", "there is no none.py"),
        ("`kazoo_ops.py` *nothing*", "kazoo_ops.py has no part nothing"),
    ] {
        assert_eq!(sources.wrong(tests), [what], "{tests}");
    }
    assert_eq!(numbers("7–9, 19, 24 election"), [7, 8, 9, 19, 24]);
}
