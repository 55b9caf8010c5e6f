//! SARIF 2.1.0: a result for each finding, and the rules that they break, from the ledger.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_sarif::sarif::{
    ArtifactLocation, Location, LogicalLocation, Message, MultiformatMessageString,
    PhysicalLocation, Region, ReportingDescriptor, Result as Shown, ResultLevel, Run, Sarif, Tool,
    ToolComponent,
};

use super::{Case, Finding};
use crate::ledger;
use crate::report::VERSION;

/// The log of a command.
///
/// # Errors
/// When serde cannot write it.
pub(super) fn text(cases: &[Case]) -> Result<String, String> {
    let findings = || {
        let of = |case| move |finding| (case, finding);
        cases.iter().flat_map(move |case: &Case| case.findings.iter().map(of(case)))
    };
    let ids: BTreeSet<&str> = findings().map(|(_, finding)| finding.rule.as_str()).collect();
    let rules: Vec<_> = ids.into_iter().map(rule).collect();
    let results: Vec<_> = findings().map(|(case, finding)| result(case, finding)).collect();
    let driver = ToolComponent::builder().name("zabcheck").version(VERSION).rules(rules).build();
    let run = Run::builder().tool(Tool::builder().driver(driver).build()).results(results).build();
    let log = Sarif::builder()
        .schema("https://json.schemastore.org/sarif-2.1.0.json")
        .version(serde_json::json!("2.1.0"))
        .runs([run])
        .build();
    let text = serde_json::to_string_pretty(&log).map_err(|error| error.to_string())?;
    Ok(text + "\n")
}

/// A rule with what the ledger says of it, if it is one of the ledger.
fn rule(id: &str) -> ReportingDescriptor {
    let says = ledger::rules().into_iter().find(|rule| rule.id == id).map(|rule| rule.says());
    let says = says.unwrap_or_else(|| format!("{id} (zabcheck check --list tells properties)"));
    let says = MultiformatMessageString::builder().text(escaped(&says)).build();
    ReportingDescriptor::builder().id(id).short_description(says).build()
}

fn result(case: &Case, finding: &Finding) -> Shown {
    let level = if finding.is_error { ResultLevel::Error } else { ResultLevel::Warning };
    let message = Message::builder().text(escaped(&finding.text)).build();
    Shown::builder()
        .rule_id(finding.rule.as_str())
        .level(level)
        .message(message)
        .locations([location(case, finding)])
        .build()
}

/// The line of a file; of what is in no file, the name.
fn location(case: &Case, finding: &Finding) -> Location {
    let Some((file, line)) = &finding.place else {
        let name = format!("{}: {}", case.suite, case.name);
        let named = LogicalLocation::builder().fully_qualified_name(name).build();
        return Location::builder().logical_locations([named]).build();
    };
    let artifact = ArtifactLocation::builder().uri(uri(file)).build();
    // A finding about a whole file is shown at its first line.
    let line = i64::try_from(line.unwrap_or(1)).unwrap_or(i64::MAX);
    let region = Region::builder().start_line(line).build();
    let place = PhysicalLocation::builder().artifact_location(artifact).region(region).build();
    Location::builder().physical_location(place).build()
}

/// In SARIF's messages a word in braces is a placeholder, and a brace is written twice (3.11.5).
fn escaped(text: &str) -> String {
    text.replace('{', "{{").replace('}', "}}")
}

/// The path as a relative reference, or as a file's URI.
fn uri(path: &str) -> String {
    let mut uri = if path.starts_with('/') { "file://".to_owned() } else { String::new() };
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            uri.push(byte.into());
        } else {
            // Writing to a string cannot fail.
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_references() {
        assert_eq!(uri("runs/1/a b.ndjson"), "runs/1/a%20b.ndjson");
        assert_eq!(uri("/runs/ü#1"), "file:///runs/%C3%BC%231");
    }

    #[test]
    fn rules_say_what_the_ledger_says() {
        let says = rule("l.3.2").short_description.expect("text").text;
        assert!(says.starts_with("ACK(z) from a learner"), "{says}");
    }
}
