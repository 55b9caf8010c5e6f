//! How explorations are shown.

use serde_json::{Map, Value, json};
use zab_presets::{Ending, Ends, Exploration, NO_DEADLOCK, Outcome, Property, Verdict};
use zab_view::Run;

use super::counterexample;
use super::table;
use crate::look;
use crate::out;

const MIB: u64 = 1 << 20;

/// Prints one exploration in full: a row for each property, counts, and what they are worth.
pub(crate) fn print(exploration: &Exploration, outcome: &Outcome) {
    out::line(format_args!("model {}, {}: {}", outcome.model, outcome.name, outcome.covers));
    out::line(format_args!("bounds: {}", outcome.bounds));
    let rows = outcome.properties.iter().map(|property| {
        let length = property.trace_length.map_or_else(String::new, |steps| steps.to_string());
        [property.name, property.kind, property.verdict.word(), &length].map(str::to_owned)
    });
    out::line(table(["property", "kind", "verdict", "shown in steps"], rows.collect()));
    print_counts(exploration, outcome);
    counterexample::print_all(exploration, outcome.fault.as_ref(), &outcome.properties);
}

fn print_counts(exploration: &Exploration, outcome: &Outcome) {
    let counts = &outcome.counts;
    out::line(format_args!(
        "{} distinct states, {} generated, depth {}, {:.1} s on {} threads",
        counts.distinct, counts.generated, counts.depth, outcome.seconds, outcome.threads
    ));
    if exploration.family.is_unlimited() {
        out::line(format_args!(
            "taken for one: what differs in {}; so these are no counts of bounded runs",
            outcome.reductions.join(", ")
        ));
    }
    if let Some(unreduced) = counts.unreduced {
        out::line(format_args!("with symmetry: they stand for {unreduced} states"));
    }
    out::line(format_args!(
        "{:.1} bytes a state, the frontier apart ({} MiB at its largest); identities of {} bits, \
         {:.1e} states expected to be mistaken for others",
        outcome.bytes_per_state,
        outcome.memory.frontier_peak / MIB,
        outcome.identity.bits,
        outcome.identity.missing_expected
    ));
    let never: Vec<&str> = counts
        .actions
        .iter()
        .filter(|(_, count)| *count == 0)
        .map(|(name, _)| name.as_str())
        .collect();
    if !never.is_empty() {
        out::line(format_args!("actions never taken: {}", never.join(", ")));
    }
    out::line(ends(outcome));
    if let Some(liveness) = &outcome.liveness {
        out::line(format_args!(
            "liveness: {} states, {} steps that change them, {:.1} s, fairness in {} \
             conditions; every claim speaks of runs where {}",
            liveness.states,
            liveness.steps,
            liveness.seconds,
            liveness.conditions,
            liveness.assumption
        ));
    }
    out::line(ending(exploration, outcome));
}

/// The states without a step, in a line.
fn ends(outcome: &Outcome) -> String {
    let Ends { terminal, deadlocks, trace_length, .. } = outcome.ends;
    let counts = format!("{terminal} states without a step, {deadlocks} of them deadlocks");
    let is_judged = outcome.properties.iter().any(|property| property.name == NO_DEADLOCK);
    match trace_length {
        Some(steps) if is_judged => format!("{counts}: a shortest run to one has {steps} steps"),
        Some(steps) => format!(
            "{counts}: a shortest run to one has {steps} steps (--deadlock shows it, and takes it \
             for a violation)"
        ),
        None => counts,
    }
}

/// Whether it saw everything, in a line.
fn ending(exploration: &Exploration, outcome: &Outcome) -> String {
    let left_out = outcome.left_out;
    match outcome.cut() {
        None if left_out > 0 => format!(
            "complete within the model's boundary: {left_out} steps lead outside of it and were \
             left out, so what holds is said of what is within"
        ),
        None if exploration.family.is_unlimited() => {
            "complete: every run of histories of that length, with any number of failures, requests \
             and epochs"
                .to_owned()
        }
        None => "complete: every run within these bounds".to_owned(),
        Some(zab_explorer::Stop::Memory) => format!(
            "INCOMPLETE: the memory budget of {} MiB is used up with {} states waiting, so nothing \
             is said to hold (hint: give more with --memory, or use --symmetry or smaller bounds)",
            outcome.memory.budget / MIB,
            outcome.waiting
        ),
        Some(why) if outcome.disk.is_some() => format!(
            "INCOMPLETE: {why} ({}) with {} states waiting, so nothing is said to hold (the last \
             checkpoint, if there is one, is whole: --resume goes on from it)",
            outcome.disk.as_deref().unwrap_or_default(),
            outcome.waiting
        ),
        Some(why) => format!(
            "INCOMPLETE: {why} with {} states waiting, so nothing is said to hold",
            outcome.waiting
        ),
    }
}

/// Prints several explorations: a row for each, and in full those that are not as they should be.
pub(crate) fn print_all(explorations: &[Exploration], outcomes: &[Outcome]) {
    let all = explorations.iter().zip(outcomes);
    for (exploration, outcome) in all.filter(|(_, outcome)| outcome.ending() != Ending::Holds) {
        print(exploration, outcome);
        out::line("");
    }
    let rows = outcomes.iter().map(summary).collect();
    let header = [
        "exploration",
        "covers",
        "verdict",
        "properties",
        "distinct",
        "terminal",
        "depth",
        "seconds",
    ];
    out::line(table(header, rows));
}

fn summary(outcome: &Outcome) -> [String; 8] {
    let Ends { terminal, deadlocks, .. } = outcome.ends;
    let claims = outcome.count(Verdict::Holds);
    let [reached, never] = [Verdict::Reached, Verdict::NeverReached].map(|v| outcome.count(v));
    [
        outcome.name.to_owned(),
        outcome.covers.to_owned(),
        outcome.ending().word().to_owned(),
        format!("{claims} hold, {reached} of {} reached", reached + never),
        outcome.counts.distinct.to_string(),
        format!("{terminal}, {deadlocks} deadlocks"),
        outcome.counts.depth.to_string(),
        format!("{:.1}", outcome.seconds),
    ]
}

/// An exploration for machines.
pub(crate) fn json(exploration: &Exploration, outcome: &Outcome) -> Value {
    let run = |run: &Option<Run>| run.as_ref().map(|run| run_json(exploration, run));
    let counts = &outcome.counts;
    let property = |property: &Property| property_json(exploration, property);
    let properties: Vec<Value> = outcome.properties.iter().map(property).collect();
    let actions: Map<String, Value> =
        counts.actions.iter().map(|(name, count)| (name.clone(), json!(count))).collect();
    json!({
        "name": outcome.name,
        "model": outcome.model,
        "bounds": outcome.bounds,
        "reductions": outcome.reductions,
        "verdict": outcome.ending().word(),
        "distinct": counts.distinct,
        "unreduced": counts.unreduced,
        "generated": counts.generated,
        "depth": counts.depth,
        "complete": outcome.complete(),
        "stopped": outcome.cut().map(|why| why.to_string()),
        "seconds": outcome.seconds,
        "threads": outcome.threads,
        "disk": outcome.disk,
        "waiting": outcome.waiting,
        "left_out": outcome.left_out,
        "terminal": outcome.ends.terminal,
        "deadlocks": outcome.ends.deadlocks,
        "deadlock_length": outcome.ends.trace_length,
        "fault": outcome.fault.as_ref().map(|fault| json!({
            "text": fault.text,
            "run": run(&fault.run),
        })),
        "memory_bytes_peak": outcome.memory.peak,
        "bytes_per_state": outcome.bytes_per_state,
        "frontier_bytes_peak": outcome.memory.frontier_peak,
        "identity_bits": outcome.identity.bits,
        "missing_expected": outcome.identity.missing_expected,
        "properties": properties,
        "actions": actions,
        "liveness": outcome.liveness.as_ref().map(|liveness| json!({
            "states": liveness.states,
            "steps": liveness.steps,
            "conditions": liveness.conditions,
            "assumption": liveness.assumption,
            "seconds": liveness.seconds,
        })),
    })
}

/// A property for machines.
pub(super) fn property_json(exploration: &Exploration, property: &Property) -> Value {
    json!({
        "name": property.name,
        "kind": property.kind,
        "verdict": property.verdict.word(),
        "trace_length": property.trace_length,
        "run": property.run.as_ref().map(|run| run_json(exploration, run)),
        "remarks": property.remarks,
    })
}

/// A run for machines, with the command that looks at it.
pub(super) fn run_json(exploration: &Exploration, run: &Run) -> Value {
    let mut value = zab_view::json(run);
    value["look"] = look::at(exploration, run).into();
    value
}
