//! How the runs are shown that an exploration has found.

use zab_presets::{Exploration, Fault, Property, Verdict};
use zab_view::Run;

use crate::look;
use crate::out;

/// Prints what the model did that no model may do, and the runs that violate properties. Steps that a
/// run has in common with one that was printed before are not printed again.
pub(crate) fn print_all(exploration: &Exploration, fault: Option<&Fault>, properties: &[Property]) {
    if let Some(Fault { text, run }) = fault {
        let after = if run.is_some() { "; the run to that state:" } else { "" };
        out::line(format_args!("\n{text}{after}"));
        if let Some(run) = run {
            print(exploration, run, None);
        }
    }
    let mut printed: Vec<(&str, &Run)> = Vec::new();
    for property in violated(properties) {
        let steps = property.trace_length.unwrap_or(0);
        out::line(format_args!("\n{}:", property.is_violated_after(steps)));
        let Some(run) = &property.run else {
            if property.remarks.is_empty() {
                out::line("the model does not make that run again");
            }
            property.remarks.iter().for_each(out::line);
            continue;
        };
        let known = printed.iter().map(|(name, known)| (run.in_common(known), *name));
        let known = known.max_by_key(|(common, _)| *common).filter(|(common, _)| *common > 1);
        print(exploration, run, known);
        property.remarks.iter().for_each(out::line);
        printed.push((property.name, run));
    }
}

/// The properties that are violated.
pub(crate) fn violated(properties: &[Property]) -> impl Iterator<Item = &Property> {
    properties.iter().filter(|property| property.verdict == Verdict::Violated)
}

/// Prints a run: its steps with what each changed, the last state, and how to look at it. `known` is
/// how many of its steps have been printed already, and for which property.
fn print(exploration: &Exploration, run: &Run, known: Option<(usize, &str)>) {
    let skipped = known.map_or(0, |(steps, _)| steps);
    if let Some((steps, property)) = known {
        out::line(format_args!("   1 to {steps}: as for {property}"));
    }
    let cycle = run.returns_to.filter(|state| *state < run.steps.len());
    // The cycle is printed whole.
    let skipped = cycle.map_or(skipped, |cycle| skipped.min(cycle));
    for (number, step) in run.steps.iter().enumerate().skip(skipped) {
        if cycle == Some(number) {
            out::line("then for ever:");
        }
        out::line(format_args!("{:>4}  {}", number + 1, step.text()));
        step.changes.iter().for_each(|change| out::line(format_args!("        {change}")));
    }
    if run.returns_to.is_some() && cycle.is_none() {
        out::line("then nothing happens any more");
    }
    if skipped < run.steps.len() {
        let what = if cycle.is_some() { "the state after that round" } else { "the last state" };
        out::line(format_args!("{what}:"));
        out::text(run.last_page());
    }
    out::line(format_args!("look: {}", look::at(exploration, run)));
}
