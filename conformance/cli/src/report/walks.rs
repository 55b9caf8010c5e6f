//! How random walks are shown.

use serde_json::{Value, json};
use zab_explorer::WalkOptions;
use zab_presets::{Ending, Exploration, Property, Verdict, Walks};

use super::counterexample;
use super::exploration::property_case;
use super::model::{property_json, run_json};
use super::table;
use crate::out;
use crate::report::ci::{Case, Finding, State};

/// The walks through an exploration.
pub(crate) struct Walked<'a> {
    pub(crate) exploration: &'a Exploration,
    pub(crate) options: WalkOptions<'a>,
    pub(crate) walks: Walks,
}

impl Walked<'_> {
    /// How they ended: whatever was not met, other walks may meet.
    pub(crate) fn ending(&self) -> Ending {
        if self.walks.violated() { Ending::Violated } else { Ending::Incomplete }
    }
}

/// Prints how far the walks went, a row for each property that they show, and the runs that violate
/// one.
pub(crate) fn print(walked: &Walked<'_>) {
    let Walked { exploration, options, walks } = walked;
    let (model, name, covers) = (exploration.family.name(), exploration.name, exploration.covers);
    out::line(format_args!("model {model}, {name}: {covers}"));
    out::line(format_args!("bounds: {}", exploration.family));
    let rows = walks.properties.iter().map(|property| {
        let verdict = match property.verdict {
            Verdict::Violated | Verdict::Reached => property.verdict.word(),
            Verdict::Holds | Verdict::NeverReached | Verdict::Vacuous | Verdict::Unknown => {
                "not met"
            }
        };
        let length = property.trace_length.map_or_else(String::new, |steps| steps.to_string());
        [property.name, property.kind, verdict, &length].map(str::to_owned)
    });
    out::line(table(["property", "kind", "walks", "shown in steps"], rows.collect()));
    out::line(format_args!(
        "{} of {} random walks from seed {}: {} steps, {:.1} s; {} ended in a state without a step \
         ({} of them in a deadlock), {} after {} steps",
        walks.walks,
        options.walks_max,
        options.seed,
        walks.steps,
        walks.seconds,
        walks.ended,
        walks.deadlocks,
        walks.cut,
        options.steps_max,
    ));
    if let Some(why) = walks.stopped {
        out::line(format_args!("they ended early: {why}"));
    }
    counterexample::print_all(exploration, walks.fault.as_ref(), &walks.properties);
    out::line(match walked.ending() {
        Ending::Violated => "a sample of runs: what was not met may be violated as well",
        Ending::Holds | Ending::Vacuous | Ending::Incomplete => {
            "INCOMPLETE: a sample of runs, so nothing is said to hold"
        }
    });
}

/// The same for machines.
pub(crate) fn json(walked: &Walked<'_>) -> Value {
    let Walked { exploration, options, walks } = walked;
    let property = |property: &Property| property_json(exploration, property);
    json!({
        "name": exploration.name,
        "model": exploration.family.name(),
        "bounds": exploration.family.to_string(),
        "verdict": walked.ending().word(),
        "seed": options.seed,
        "walks_asked": options.walks_max,
        "walks": walks.walks,
        "steps_max": options.steps_max,
        "steps": walks.steps,
        "ended": walks.ended,
        "cut": walks.cut,
        "deadlocks": walks.deadlocks,
        "stopped": walks.stopped.map(|why| why.to_string()),
        "seconds": walks.seconds,
        "fault": walks.fault.as_ref().map(|fault| json!({
            "text": fault.text,
            "run": fault.run.as_ref().map(|run| run_json(exploration, run)),
        })),
        "properties": walks.properties.iter().map(property).collect::<Vec<_>>(),
    })
}

/// A case for each property that is violated, and one for the walks, which prove nothing.
pub(crate) fn cases(walked: &Walked<'_>) -> Vec<Case> {
    let Walked { exploration, options, walks } = walked;
    let suite = format!("{} of model {}", exploration.name, exploration.family.name());
    let violated = walks.properties.iter().filter(|one| one.verdict == Verdict::Violated);
    let mut cases: Vec<Case> = violated.map(|property| property_case(&suite, property)).collect();
    let fault = walks.fault.as_ref().map(|fault| Finding::error("fault", &*fault.text));
    let sampled = format!(
        "INCOMPLETE: {} random walks from seed {} are a sample, so nothing is said to hold",
        walks.walks, options.seed
    );
    let finding = fault.unwrap_or_else(|| Finding::error("sampled", sampled));
    let findings = vec![finding];
    cases.push(Case { suite, name: "random walks".to_owned(), state: State::Unknown, findings });
    cases
}
