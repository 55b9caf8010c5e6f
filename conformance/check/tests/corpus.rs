//! Every file of the corpus gets the verdict that its header expects.

use std::path::{Path, PathBuf};

use zab_check::{Options, check};
use zab_trace::{Reader, Verdict as Expected};

/// The trace files of a part of the corpus.
fn files(part: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../traces/corpus").join(part);
    let entries = std::fs::read_dir(&folder).expect("the corpus is there");
    let mut files: Vec<_> = entries.map(|entry| entry.expect("readable").path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "ndjson"));
    files.sort();
    files
}

/// Checks a file, and compares verdict, line and rule with its header's expectation.
fn assert_expected(path: &Path) {
    let reader = Reader::open(path).expect("a trace");
    let expect = reader.header().expect.clone().expect("a file of the corpus says what to expect");
    let verdict = check([path].as_slice(), &Options::default()).verdict;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let word = Expected::from_word(verdict.word());
    assert_eq!(word, Some(expect.verdict), "{name}: {verdict}");
    if let Some(line) = expect.line {
        assert_eq!(verdict.place().map(|place| place.line), Some(line), "{name}: {verdict}");
    }
    if let Some(rule) = expect.rule {
        assert_eq!(verdict.rule(), Some(rule.as_str()), "{name}: {verdict}");
    }
}

#[test]
fn good_traces_are_accepted() {
    let files = files("accept");
    assert!(!files.is_empty());
    for path in files {
        assert_expected(&path);
    }
}

#[test]
fn bad_traces_are_rejected_where_and_why_they_say() {
    for path in files("reject") {
        assert_expected(&path);
    }
}

#[test]
fn traces_that_lack_what_they_promise_are_not_judged() {
    let files = files("incomplete");
    assert!(!files.is_empty());
    for path in files {
        assert_expected(&path);
    }
}
