//! Explorations as test cases.

use std::fmt::Write as _;

use zab_presets::{Ending, Outcome, Property, Verdict};
use zab_view::Run;

use crate::report::ci::{Case, Finding, State};

/// A case for each property, and one for the exploration itself if it did not see everything, or the
/// model failed.
pub(crate) fn cases(outcome: &Outcome) -> Vec<Case> {
    let suite = format!("{} of model {}", outcome.name, outcome.model);
    let of = |property: &Property| property_case(&suite, property);
    let mut cases: Vec<Case> = outcome.properties.iter().map(of).collect();
    let run = |finding| Case {
        suite: suite.clone(),
        name: "exploration".to_owned(),
        state: State::Unknown,
        findings: vec![finding],
    };
    if let Some(fault) = &outcome.fault {
        let story = fault.run.as_ref().map(story).unwrap_or_default();
        let text = format!("{}{story}", fault.text);
        cases.push(run(Finding::error("fault", text)));
    } else if let Some(why) = outcome.cut() {
        let text = format!("INCOMPLETE: {why} with {} states waiting", outcome.waiting);
        cases.push(run(Finding::error("incomplete", text)));
    } else if outcome.ending() == Ending::Vacuous {
        cases
            .push(run(Finding::error("vacuous", "what is claimed speaks of nothing that happens")));
    }
    cases
}

/// A property as a case.
pub(super) fn property_case(suite: &str, property: &Property) -> Case {
    let state = match property.verdict {
        // Whether a situation must be within the bounds is for the exploration to say.
        Verdict::Holds | Verdict::Reached | Verdict::NeverReached => State::Passed,
        Verdict::Violated => State::Failed,
        Verdict::Vacuous | Verdict::Unknown => State::Unknown,
    };
    let (name, steps) = (property.name, property.trace_length.unwrap_or(0));
    let text = match state {
        State::Passed => None,
        State::Failed => {
            let told =
                || property.remarks.iter().fold(String::new(), |all, line| all + "\n" + line);
            let story = property.run.as_ref().map_or_else(told, story);
            Some(format!("{}:{story}", property.is_violated_after(steps)))
        }
        State::Unknown => Some(format!("{name}: {}", property.verdict.word())),
    };
    let picture = property.run.as_ref().map(|run| run.sequence.clone());
    let finding = text.map(|text| Finding { picture, ..Finding::error(name, text) });
    let findings = finding.into_iter().collect();
    Case { suite: suite.to_owned(), name: name.to_owned(), state, findings }
}

/// The steps of a run, each with what it changed, as lines.
fn story(run: &Run) -> String {
    let mut text = String::new();
    for (number, step) in (1..).zip(&run.steps) {
        // Writing to a string cannot fail.
        let _ = write!(text, "\n{number:>4}  {}", step.text());
        for change in &step.changes {
            let _ = write!(text, "\n        {change}");
        }
    }
    text
}
