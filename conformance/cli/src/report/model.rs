//! How an exploration is shown.

use serde_json::{Value, json};
use zab_model::explore::{Kind, PropertyReport, Report, Verdict};

use super::table;
use crate::exit::Exit;

/// The verdict's word.
fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Holds => "holds",
        Verdict::Violated => "VIOLATED",
        Verdict::Reached => "reached",
        Verdict::NotReached => "not within these bounds",
        Verdict::Unknown => "unknown",
    }
}

/// How a command ends that explored this.
///
/// A run in which nothing was ever committed, elected or reached says nothing: that is doubt.
pub(crate) fn exit(report: &Report) -> Exit {
    let reached = report.properties.iter().any(|property| property.verdict == Verdict::Reached);
    if report.violated() {
        Exit::Bad
    } else if report.complete && reached {
        Exit::Good
    } else {
        Exit::Unknown
    }
}

/// Prints bounds, counts and one row per property; then the steps to every violation.
pub(crate) fn print(name: &str, covers: &str, report: &Report) {
    println!("model {name}: {covers}\nbounds: {}", report.bounds);
    let rows = report.properties.iter().map(row).collect();
    println!("{}", table(["property", "kind", "verdict"], rows));
    println!(
        "{} distinct states, {} generated, depth {}, {:.1} s, {}",
        report.distinct,
        report.generated,
        report.depth,
        report.seconds,
        if report.complete {
            "complete: every run within these bounds"
        } else {
            "INCOMPLETE: a limit was reached, so nothing is said to hold"
        },
    );
    for property in report.properties.iter().filter(|p| p.verdict == Verdict::Violated) {
        println!("\n{} is violated: {}", property.name, property.statement);
        for step in property.trace.iter().flatten() {
            println!("{:>4}  {}", step.number, step.action);
            for change in &step.changes {
                println!("        {change}");
            }
        }
    }
}

fn row(property: &PropertyReport) -> [String; 3] {
    let kind = match property.kind {
        Kind::Always => "always",
        Kind::Sometimes => "sometimes",
    };
    [property.name.to_owned(), kind.to_owned(), word(property.verdict).to_owned()]
}

/// The same for machines.
pub(crate) fn json(name: &str, report: &Report) -> Value {
    let properties: Vec<Value> = report
        .properties
        .iter()
        .map(|property| {
            let [name, kind, verdict] = row(property);
            let length = property.trace.as_ref().map(Vec::len);
            json!({"name": name, "kind": kind, "verdict": verdict, "trace_length": length})
        })
        .collect();
    let actions: serde_json::Map<String, Value> =
        report.actions.iter().map(|(name, count)| ((*name).to_owned(), json!(count))).collect();
    json!({
        "name": name,
        "bounds": report.bounds.to_string(),
        "distinct": report.distinct,
        "generated": report.generated,
        "depth": report.depth,
        "complete": report.complete,
        "seconds": report.seconds,
        "properties": properties,
        "actions": actions,
    })
}
