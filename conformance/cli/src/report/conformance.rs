//! How the verdict on a trace is shown to machines.

use std::path::PathBuf;

use serde_json::{Value, json};
use zab_check::{Count, Divergence, Mismatch, Outcome, Place, Summary, Verdict, Violation};
use zab_trace::Finding as Note;

use crate::exit::Exit;
use crate::report::ci::{Case, Finding, State};

/// The names of paths.
pub(crate) fn names(paths: &[PathBuf]) -> Vec<String> {
    paths.iter().map(|path| path.display().to_string()).collect()
}

/// The verdict on a trace, with all its parts.
pub(crate) fn json(paths: &[PathBuf], outcome: &Outcome) -> Value {
    let verdict = &outcome.verdict;
    let mut value = json!({
        "paths": names(paths),
        "verdict": verdict.word(),
        "exit": verdict.exit().code(),
        "rule": verdict.rule(),
        "place": verdict.place().map(place),
        "text": verdict.to_string(),
        "notes": outcome.notes.iter().map(note).collect::<Vec<_>>(),
        "peak_memory_kib": peak_memory_kib(),
    });
    let (name, part) = match verdict {
        Verdict::Conforms(summary) => ("summary", summarized(summary)),
        Verdict::Diverges(divergence) => ("divergence", divergent(divergence)),
        Verdict::Violates(violation) => ("violation", violated(violation)),
        Verdict::Inconclusive(inconclusive) => ("reason", json!(inconclusive.reason.to_string())),
        Verdict::Refused(refusal) => ("reason", json!(refusal.to_string())),
    };
    value[name] = part;
    value
}

/// What is said of a trace whose check did not end.
pub(crate) const INTERRUPTED: &str = "INCONCLUSIVE  interrupted before there was a verdict";

/// The same for machines, and as a case.
pub(crate) fn interrupted(paths: &[PathBuf]) -> (Value, Case) {
    let value = json!({
        "paths": names(paths),
        "verdict": "INCONCLUSIVE",
        "exit": Exit::Unknown.code(),
        "rule": null,
        "place": null,
        "text": INTERRUPTED,
        "notes": [],
        "peak_memory_kib": peak_memory_kib(),
        "reason": "interrupted",
    });
    let case = Case {
        suite: "conform".to_owned(),
        name: names(paths).join(" "),
        state: State::Unknown,
        findings: vec![Finding::error("INCONCLUSIVE", INTERRUPTED)],
    };
    (value, case)
}

fn place(place: &Place) -> Value {
    json!({"file": place.file, "line": place.line})
}

/// A finding of the lint.
pub(crate) fn note(note: &Note) -> Value {
    json!({
        "file": note.file,
        "line": (note.line > 0).then_some(note.line),
        "severity": note.severity.to_string(),
        "sentence": note.sentence,
    })
}

fn summarized(summary: &Summary) -> Value {
    json!({
        "events": summary.events,
        "servers": summary.servers,
        "incarnations": summary.incarnations,
        "committed": summary.committed,
        "steps": summary.steps,
        "hidden_steps": summary.hidden_steps,
        "frontier_max": summary.frontier_max,
        "frontier_mean": summary.frontier_mean(),
        "lines": counts(&summary.counts.lines),
        "state": counts(&summary.counts.fields),
    })
}

fn counts(counts: &[Count]) -> Value {
    let count = |count: &Count| {
        let value = json!({"promised": count.promised, "seen": count.seen, "owed": count.owed});
        (count.name.to_owned(), value)
    };
    Value::Object(counts.iter().map(count).collect())
}

fn divergent(divergence: &Divergence) -> Value {
    let before: Vec<Value> = divergence
        .past
        .iter()
        .map(|past| json!({"place": place(&past.place), "event": past.event}))
        .collect();
    json!({
        "server": divergence.server,
        "incarnation": divergence.incarnation,
        "seq": divergence.seq,
        "event": divergence.event,
        "mismatch": mismatch(&divergence.mismatch),
        "held": divergence.held,
        "states": divergence.states,
        "state": divergence.state,
        "legal": divergence.legal,
        "later": divergence.later.as_ref().map(place),
        "notes": divergence.notes,
        "before": before,
        "next": divergence.next,
    })
}

fn mismatch(mismatch: &Mismatch) -> Value {
    match mismatch {
        Mismatch::Guard { guard, found, wanted } => {
            json!({"kind": "guard", "name": guard, "found": found, "wanted": wanted})
        }
        Mismatch::Field { field, found, wanted } => {
            json!({"kind": "field", "name": field, "found": found, "wanted": wanted})
        }
        Mismatch::Unexpected { found, wanted } => {
            json!({"kind": "unexpected", "name": null, "found": found, "wanted": wanted})
        }
    }
}

fn violated(Violation { property, seen, .. }: &Violation) -> Value {
    json!({"property": property, "seen": seen})
}

/// The verdict as a test case.
pub(crate) fn case(suite: &str, paths: &[PathBuf], outcome: &Outcome) -> Case {
    let verdict = &outcome.verdict;
    let text = verdict.to_string();
    let finding = Finding {
        place: verdict.place().map(|place| (place.file.clone(), Some(place.line))),
        ..Finding::error(verdict.rule().unwrap_or(verdict.word()), text)
    };
    let is_fine = matches!(verdict, Verdict::Conforms(_));
    Case {
        suite: suite.to_owned(),
        name: names(paths).join(" "),
        state: State::of(verdict.exit()),
        findings: if is_fine { Vec::new() } else { vec![finding] },
    }
}

/// The most memory that this process ever had resident, in KiB, where the system tells (Linux).
fn peak_memory_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}
