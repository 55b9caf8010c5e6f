//! What a capture shows of each switch, through the model.

use serde_json::{Value, json};
use zab_capture::Item;
use zab_capture::properties::Members;
use zab_follow::{Answer, Divergence, Shown, Shows, Trial};
use zab_model::Profile;
use zab_model::profile::{RELEASES, SWITCHES};

use super::{to_json, word};
use crate::args::Named;
use crate::out;
use crate::report::table;

/// What a capture shows of the switches at one voter.
pub(in crate::commands) struct Switches {
    server: i64,
    /// The release, all of whose other switches stay as they are.
    base: String,
    shown: Vec<Shown>,
}

/// Follows a voter under a release of which it is a run, with one switch at another value. The release is
/// that of the header, or the last one of which it is a run.
pub(super) fn switches(
    items: &[Item],
    members: &Members,
    server: i64,
    named: Option<Named>,
    runs: &[&str],
) -> Option<Switches> {
    let releases = RELEASES.iter().rev().filter(|one| runs.contains(&one.name));
    // `fixed` is no release: it is taken if nothing else explains what was seen.
    let (fixed, others): (Vec<_>, Vec<_>) =
        releases.map(Named::of).partition(|base| base.profile == Profile::FIXED);
    let bases = named.into_iter().chain(others).chain(fixed);
    bases.into_iter().find_map(|base| {
        let shown = zab_follow::switches(items, members, server, base.profile)?;
        Some(Switches { server, base: base.name, shown })
    })
}

fn says(shows: Shows) -> &'static str {
    match shows {
        Shows::OldOnly => "old only",
        Shows::NewOnly => "new only",
        Shows::Both => "both explain it",
        Shows::NotExercised => "not exercised",
        Shows::Unknown => "not known",
    }
}

/// Prints a row for each switch that makes a difference at some voter, a column for each voter.
pub(in crate::commands) fn print(all: &[&Switches]) {
    let Some(first) = all.first() else { return };
    let of = |one: &Switches, index: usize| one.shown.get(index).map(Shown::shows);
    let (mut rows, mut idle) = (Vec::new(), Vec::new());
    for (index, Shown { switch, rule, trials }) in first.shown.iter().enumerate() {
        let answers: Vec<Shows> = all.iter().filter_map(|one| of(one, index)).collect();
        if answers.iter().all(|shows| *shows == Shows::NotExercised) {
            idle.push(*switch);
            continue;
        }
        let values = |is_new: bool| {
            let values = trials.iter().filter(|trial| trial.is_new == is_new);
            values.map(|trial| trial.value).collect::<Vec<_>>().join(", ")
        };
        let servers = all
            .iter()
            .zip(answers)
            .map(|(one, shows)| format!("server {}: {}", one.server, says(shows)));
        rows.push([
            (*switch).to_owned(),
            (*rule).to_owned(),
            values(false),
            values(true),
            servers.collect::<Vec<_>>().join("\n"),
        ]);
    }
    out::line("each switch by itself, through the model:");
    if !rows.is_empty() {
        out::line(table(["switch", "rule", "old", "new", "explained by"], rows));
    }
    if !idle.is_empty() {
        out::line(textwrap::fill(&format!("not exercised: {}", idle.join(", ")), 100));
    }
    all.iter().for_each(|one| one.print_why());
}

impl Switches {
    /// The packets on which the answers rest that leave out a value.
    fn print_why(&self) {
        let Self { server, base, shown } = self;
        for one in shown.iter().filter(|one| matches!(one.shows(), Shows::OldOnly | Shows::NewOnly))
        {
            let explain = |trial: &&Trial| trial.answer == Answer::Conforms;
            let values = one.trials.iter().filter(explain).map(|trial| trial.value);
            let (switch, rule, says) = (one.switch, one.rule, says(one.shows()));
            let values = values.collect::<Vec<_>>().join(", ");
            out::line(format_args!("server {server}, {switch} ({rule}): {says} ({values})"));
            if let Some(about) = SWITCHES.iter().find(|switch| switch.name == one.switch) {
                out::line(format_args!("  {}", about.says.trim()));
            }
            for trial in &one.trials {
                if let Answer::Diverges(Divergence { packet, .. }) = &trial.answer {
                    let packet = packet.split_whitespace().collect::<Vec<_>>().join(" ");
                    out::line(format_args!(
                        "  {base} with {switch}={} cannot send {packet}",
                        trial.value
                    ));
                }
            }
        }
    }

    /// The same for machines.
    pub(super) fn json(&self) -> Value {
        let trial = |trial: &Trial| {
            let (divergence, reason) = match &trial.answer {
                Answer::Conforms => (None, None),
                Answer::Diverges(divergence) => (Some(to_json(divergence)), None),
                Answer::Inconclusive(why) => (None, Some(why)),
            };
            json!({
                "value": trial.value, "is_new": trial.is_new, "verdict": word(&trial.answer),
                "same_run": trial.is_same_run, "divergence": divergence, "reason": reason,
            })
        };
        let shown = |one: &Shown| {
            json!({
                "switch": one.switch, "rule": one.rule, "answer": says(one.shows()),
                "trials": one.trials.iter().map(trial).collect::<Vec<_>>(),
            })
        };
        json!({
            "base": self.base,
            "switches": self.shown.iter().map(shown).collect::<Vec<_>>(),
        })
    }
}
