//! What a person reads when a trace does not conform.

use std::path::Path;

use zab_check::{LINES_MAX, Options, check};

/// The report on a file of the corpus, without the part of its path that differs between machines.
fn report(name: &str) -> String {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../traces/corpus");
    let path = corpus.join("reject").join(format!("{name}.ndjson"));
    let verdict = check([path].as_slice(), &Options::default()).verdict;
    verdict.to_string().replace(&corpus.display().to_string(), "corpus")
}

#[test]
fn a_report_has_at_most_forty_lines() {
    for crime in zab_check::corrupt::crimes() {
        let report = report(crime.name);
        assert!(report.lines().count() <= LINES_MAX, "{report}");
        assert!(report.starts_with("DIVERGES"), "{report}");
        for part in ["  event ", "  rule ", "  next "] {
            assert!(report.contains(part), "{} lacks {part}: {report}", crime.name);
        }
    }
}

#[test]
fn an_ack_before_its_fsync() {
    insta::assert_snapshot!(report("ack_before_fsync"));
}

#[test]
fn a_guard_that_fails() {
    insta::assert_snapshot!(report("winner_that_should_lose"));
}

#[test]
fn a_field_that_differs() {
    insta::assert_snapshot!(report("state_with_wrong_last_committed"));
}

#[test]
fn a_message_before_it_is_sent() {
    insta::assert_snapshot!(report("received_before_sent"));
}

#[test]
fn a_truncation_below_what_is_committed() {
    insta::assert_snapshot!(report("trunc_below_committed"));
}
