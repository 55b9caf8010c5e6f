//! What the engine reports, made ready to be shown.

use zab_explorer::{Report, Trace};
use zab_view::Run as Told;

use crate::outcome::{Counts, Ends, Fault, Outcome, Property, kind};
use crate::presets::Exploration;

/// The outcome of an exploration; `told` makes a run ready to be shown.
pub(crate) fn outcome<S>(
    exploration: &Exploration,
    report: &Report<S>,
    told: &dyn Fn(&Trace<S>) -> Option<Told>,
) -> Outcome {
    let property = |property: &zab_explorer::PropertyReport<S>| {
        let violation = match &property.verdict {
            zab_explorer::Verdict::Violated(trace) => Some(trace),
            zab_explorer::Verdict::Holds
            | zab_explorer::Verdict::Reached(_)
            | zab_explorer::Verdict::NeverReached
            | zab_explorer::Verdict::Unknown => None,
        };
        Property {
            name: property.name,
            kind: kind(&property.kind),
            verdict: (&property.verdict).into(),
            trace_length: property.verdict.trace().map(Trace::steps),
            run: violation.and_then(told),
            remarks: Vec::new(),
        }
    };
    Outcome {
        name: exploration.name,
        covers: exploration.covers,
        model: exploration.family.name(),
        bounds: exploration.family.to_string(),
        reductions: report.reductions.clone(),
        counts: Counts {
            distinct: report.distinct,
            unreduced: report.unreduced,
            generated: report.generated,
            depth: report.depth(),
            actions: report.actions.clone(),
        },
        stopped: report.stopped,
        waiting: report.waiting,
        left_out: report.left_out,
        ends: Ends {
            terminal: report.terminal,
            deadlocks: report.deadlocks,
            trace_length: report.deadlock.as_ref().map(Trace::steps),
            run: report.deadlock.as_ref().and_then(told),
        },
        fault: report.fault.as_ref().map(|fault| Fault {
            text: fault.to_string(),
            run: fault.trace.as_ref().and_then(told),
        }),
        disk: report.disk.clone(),
        seconds: report.seconds,
        threads: report.threads,
        memory: report.memory,
        bytes_per_state: report.bytes_per_state(),
        identity: report.identity,
        properties: report.properties.iter().map(property).collect(),
        liveness: None,
    }
}
