//! The check of a trace: lines in causal order, each given to its server; what they have in common
//! is compared with ZAB's properties.

mod adequacy;
mod assumed;
mod base;
mod checker;
mod diverge;
mod end;
mod options;
mod postponed;
mod refused;
mod run;
mod stop;

use zab_trace::{Lint, Severity, State};

pub use options::{Options, Outcome};
pub use run::check_under_contract;

use crate::report::{Reason, Refusal, Verdict};
use crate::trace::Inputs;
use stop::{inconclusive, unreadable};

/// Checks a trace against the model's profile `fixed`.
#[must_use]
pub fn check<I: Inputs + ?Sized>(inputs: &I, options: &Options) -> Outcome {
    let contract = match inputs.open() {
        Ok(inputs) => inputs.first().map(|input| input.header.contract.clone()),
        Err(error) => return note_not_read(inputs, unreadable(&error).into()),
    };
    let outcome = match contract.map(|contract| adequacy::check_contract(&contract)) {
        None => Verdict::Refused(Refusal::Empty).into(),
        Some(Err(refusal)) => Verdict::Refused(refusal).into(),
        Some(Ok(())) => with_cause(inputs, check_under_contract(inputs, options)),
    };
    note_not_read(inputs, outcome)
}

/// Notes files that lie beside those of the trace.
fn note_not_read<I: Inputs + ?Sized>(inputs: &I, mut outcome: Outcome) -> Outcome {
    let mut lint = Lint::default();
    lint.not_read(&inputs.not_read());
    outcome.notes.extend(lint.finish().findings);
    outcome
}

/// Where the trace may lack lines, a lint of all of it says what is the cause.
fn with_cause<I: Inputs + ?Sized>(inputs: &I, mut outcome: Outcome) -> Outcome {
    match &outcome.verdict {
        Verdict::Inconclusive(inconclusive) if inconclusive.reason.is_of_form() => {
            let report = inputs.lint();
            if let Some(verdict) = end::form(&report) {
                outcome.verdict = verdict;
            }
            let warnings = report.findings.into_iter();
            outcome.notes.extend(
                warnings.filter(|note| note.severity == Severity::Warning && note.line > 0),
            );
        }
        // An emitter that forgot a kind of line shows no run that could be judged.
        Verdict::Diverges(divergence) => {
            if let Some(never) = &divergence.unseen
                && !comes(inputs, never.name)
            {
                let reason = Reason::NeverSeen(never.clone());
                outcome.verdict = inconclusive(None, reason);
            }
        }
        Verdict::Conforms(_)
        | Verdict::Violates(_)
        | Verdict::Inconclusive(_)
        | Verdict::Refused(_) => {}
    }
    outcome
}

/// Whether any line of the trace shows what has this name: an event, `state` or a field of it.
fn comes<I: Inputs + ?Sized>(inputs: &I, name: &str) -> bool {
    let lines = inputs.open().into_iter().flatten().flat_map(|input| input.events).flatten();
    lines.map(|located| located.event).any(|event| {
        let known = event.state.map(|state| state.known());
        let field = State::FIELDS.iter().position(|field| *field == name);
        event.kind.name().as_str() == name
            || known.is_some_and(|known| name == "state" || field.is_some_and(|at| known[at]))
    })
}
