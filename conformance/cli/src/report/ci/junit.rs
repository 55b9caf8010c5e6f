//! JUnit XML: a suite for each exploration or table, a case for each thing that was looked at.
//!
//! What is violated is a `failure`; what could not be decided is an `error`.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::{Case, State};

/// The report of a command.
///
/// # Errors
/// When a text cannot be part of XML.
pub(super) fn text(command: &str, cases: &[Case]) -> Result<String, String> {
    let mut report = Report::new(format!("zabcheck {command}"));
    for suite in cases.chunk_by(|one, next| one.suite == next.suite) {
        let Some(first) = suite.first() else { continue };
        let mut shown = TestSuite::new(first.suite.as_str());
        shown.add_test_cases(suite.iter().map(case));
        report.add_test_suite(shown);
    }
    report.to_string().map(|text| without_disabled(&text)).map_err(|error| error.to_string())
}

/// Leaves out an attribute of suites that quick-junit always writes: nothing here is ever disabled, and
/// older copies of Jenkins' schema do not know it.
fn without_disabled(text: &str) -> String {
    let line = |line: &str| {
        // A tag has a line of its own, and in texts < is &lt;.
        let is_suite = line.trim_start().starts_with("<testsuite ");
        if is_suite { line.replacen(" disabled=\"0\"", "", 1) } else { line.to_owned() }
    };
    text.split_inclusive('\n').map(line).collect()
}

fn case(case: &Case) -> TestCase {
    let mut status = match case.state {
        State::Passed => TestCaseStatus::success(),
        State::Failed => TestCaseStatus::non_success(NonSuccessKind::Failure),
        State::Unknown => TestCaseStatus::non_success(NonSuccessKind::Error),
    };
    if case.state != State::Passed {
        if let Some(first) = case.findings.first() {
            status.set_message(first.summary.as_str()).set_type(first.rule.as_str());
        }
        let texts: Vec<&str> = case.findings.iter().map(|finding| finding.text.as_str()).collect();
        status.set_description(texts.join("\n\n"));
    }
    let mut shown = TestCase::new(case.name.as_str(), status);
    shown.set_classname(case.suite.as_str());
    if case.state == State::Passed && !case.findings.is_empty() {
        let texts: Vec<&str> = case.findings.iter().map(|finding| finding.text.as_str()).collect();
        shown.set_system_out(texts.join("\n"));
    }
    shown
}
