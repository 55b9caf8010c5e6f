//! Of which releases the packets of each voter of a capture are a run of the model.

use std::path::Path;

use serde_json::{Value, json};
use zab_capture::properties::Members;
use zab_follow::{Answer, Divergence};
use zab_model::profile::RELEASES;

use super::switches::{self, Switches};
use super::{EXPLAINED_MAX, read, release, to_json, word};
use crate::out;

/// What the model says of one voter under the rules of each release.
pub(in crate::commands) struct Releases {
    server: i64,
    answers: Vec<(&'static str, Answer)>,
    /// What it shows of each switch; none, if it is a run of no release, or too long.
    switches: Option<Switches>,
}

/// Follows each voter under the rules of every release.
pub(in crate::commands) fn releases(
    path: &Path,
    members: &Members,
) -> Result<Vec<Releases>, String> {
    let (items, summary) = read(path)?;
    let voters = members.servers.difference(&members.observers);
    let of = |server: &i64| {
        let follow = |profile| zab_follow::follow(&items, members, *server, profile).answer;
        let answers = RELEASES.iter().map(|release| (release.name, follow(release.profile)));
        let mut of = Releases { server: *server, answers: answers.collect(), switches: None };
        if summary.total() <= EXPLAINED_MAX {
            let named = release(&summary, *server);
            of.switches = switches::switches(&items, members, *server, named, &of.runs());
        }
        of
    };
    Ok(voters.map(of).collect())
}

/// Prints what the model says of all voters: the switches, then the releases.
pub(in crate::commands) fn print(all: &[Releases]) {
    let switches: Vec<&Switches> = all.iter().filter_map(|one| one.switches.as_ref()).collect();
    switches::print(&switches);
    for one in all.iter().filter(|one| one.switches.is_none()) {
        let why = match one.runs().is_empty() {
            true => "it is a run of no release".to_owned(),
            false => format!("the capture has more than {EXPLAINED_MAX} messages"),
        };
        let server = one.server;
        out::line(format_args!("note: server {server} is not in the table of switches: {why}"));
    }
    all.iter().for_each(Releases::print);
}

impl Releases {
    /// The names of those of which it is a run.
    fn runs(&self) -> Vec<&'static str> {
        let runs = self.answers.iter().filter(|(_, answer)| matches!(answer, Answer::Conforms));
        runs.map(|(name, _)| *name).collect()
    }

    fn print(&self) {
        let (server, runs) = (self.server, self.runs());
        let names = if runs.is_empty() { "no release".to_owned() } else { runs.join(", ") };
        out::line(format_args!("server {server}: followed through the model, a run of {names}"));
        for (name, answer) in &self.answers {
            match answer {
                Answer::Conforms => {}
                Answer::Diverges(Divergence { packet, .. }) => {
                    let packet = packet.split_whitespace().collect::<Vec<_>>().join(" ");
                    out::line(format_args!("  not of {name}: it cannot send {packet}"));
                }
                Answer::Inconclusive(why) => out::line(format_args!("  {name}: {why}")),
            }
        }
    }

    /// The same for machines.
    pub(in crate::commands) fn json(&self) -> Value {
        let answer = |(name, answer): &(&str, Answer)| {
            let (divergence, reason) = match answer {
                Answer::Conforms => (None, None),
                Answer::Diverges(divergence) => (Some(to_json(divergence)), None),
                Answer::Inconclusive(why) => (None, Some(why)),
            };
            json!({
                "release": name, "verdict": word(answer),
                "divergence": divergence, "reason": reason,
            })
        };
        json!({
            "server": self.server,
            "releases": self.runs(),
            "answers": self.answers.iter().map(answer).collect::<Vec<_>>(),
            "switches": self.switches.as_ref().map(Switches::json),
        })
    }
}
