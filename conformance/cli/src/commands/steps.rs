//! `zabcheck conform` of a capture: its packets followed through the model.

mod releases;
mod switches;

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use serde_json::{Value, json};
use zab_capture::properties::Members;
use zab_capture::{Item, Summary, decode};
use zab_follow::{Answer, Divergence, Followed, Reliance};
use zab_model::Profile;

use crate::args::Named;
use crate::out;
use crate::report::table;

pub(super) use releases::{Releases, print as print_releases, releases};

/// Packets of captures in which the switches are looked for that a capture needs: that is one search for
/// each switch.
const EXPLAINED_MAX: u64 = 20_000;

/// What the model says of a capture.
pub(super) struct Steps {
    pub(super) answer: Answer,
    followed: Vec<(Followed, Named)>,
    /// What the capture needs of its release, if it is no run of `fixed`, and where it leaves `fixed`.
    strict: Vec<Divergence>,
    reliances: Vec<Reliance>,
    /// Whether that was left out, for the capture's size.
    is_large: bool,
}

/// Follows each server under its rules: those that were asked for, or those of the release that the header
/// names.
pub(super) fn check(
    path: &Path,
    members: &Members,
    asked: Option<&Named>,
) -> Result<Steps, String> {
    let (items, summary) = read(path)?;
    let named = |server| release(&summary, server);
    let mut rules = Vec::new();
    for server in zab_follow::servers(members) {
        let Some(rules_of) = asked.cloned().or_else(|| named(server)) else {
            return Ok(Steps::unknown(
                "nobody says which release it is of: give it with --profile 3.8.0",
            ));
        };
        rules.push((server, rules_of));
    }
    let follow = |(server, rules): (i64, Named)| {
        (zab_follow::follow(&items, members, server, rules.profile), rules)
    };
    let followed: Vec<(Followed, Named)> = rules.into_iter().map(follow).collect();
    let answers: Vec<Followed> = followed.iter().map(|(one, _)| one.clone()).collect();
    let answer = zab_follow::answer(&answers);
    let is_large = summary.total() > EXPLAINED_MAX;
    let mut steps = Steps { answer, followed, strict: Vec::new(), reliances: Vec::new(), is_large };
    if !is_large {
        steps.compare(&items, members, named);
    }
    Ok(steps)
}

fn read(path: &Path) -> Result<(Vec<Item>, Summary), String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let mut items = Vec::new();
    let summary = decode(BufReader::new(file), |item| items.push(item.clone()));
    Ok((items, summary.map_err(|error| error.to_string())?))
}

fn release(summary: &Summary, server: i64) -> Option<Named> {
    let software = summary.header.as_ref()?.software.as_ref()?;
    Named::release(zab_follow::release_of(software, server)?)
}

impl Steps {
    fn unknown(why: &str) -> Self {
        let answer = Answer::Inconclusive(why.to_owned());
        Self {
            answer,
            followed: Vec::new(),
            strict: Vec::new(),
            reliances: Vec::new(),
            is_large: false,
        }
    }

    /// Where the capture leaves `fixed`, if it is a run of something else, and the switches that it needs.
    fn compare(&mut self, items: &[Item], members: &Members, named: impl Fn(i64) -> Option<Named>) {
        for (one, Named { profile, .. }) in &self.followed {
            let server = one.server;
            let (strict, release) = match &one.answer {
                Answer::Inconclusive(_) => continue,
                Answer::Diverges(divergence) => {
                    (divergence.clone(), named(server).map(|named| named.profile))
                }
                Answer::Conforms if *profile == Profile::FIXED => continue,
                Answer::Conforms => {
                    let strict = zab_follow::follow(items, members, server, Profile::FIXED);
                    let Answer::Diverges(divergence) = strict.answer else { continue };
                    self.strict.push(divergence.clone());
                    (divergence, Some(*profile))
                }
            };
            let Some(release) = release.filter(|release| *release != Profile::FIXED) else {
                continue;
            };
            let all = zab_follow::reliances(items, members, server, release);
            let is_there = |one: &Reliance| one.divergence.line == strict.line;
            let some_there = all.iter().any(is_there);
            self.reliances.extend(all.into_iter().filter(|one| !some_there || is_there(one)));
        }
    }

    pub(super) fn print(&self) {
        if let Answer::Diverges(divergence) = &self.answer {
            print_divergence(divergence);
        }
        for divergence in &self.strict {
            let server = divergence.server;
            out::line(format_args!("\nnote: of fixed, server {server} is no run:"));
            print_divergence(divergence);
        }
        if self.is_large {
            out::line(format_args!(
                "note: it has more than {EXPLAINED_MAX} messages, so it was not compared with fixed"
            ));
        }
        for Reliance { server, settings, rule, says, issues, .. } in &self.reliances {
            let issues = if issues.is_empty() { "" } else { &format!("; see {issues}") };
            out::line(format_args!(
                "server {server}: consistent with {settings} ({rule}){issues}\n  {says}"
            ));
        }
        out::line(self.effort());
    }

    /// How many ways were looked at, server by server.
    fn effort(&self) -> String {
        let row = |(one, rules): &(Followed, Named)| {
            let Followed { server, packets, nodes, largest, .. } = one;
            let tenths = nodes * 10 / (*packets).max(1);
            let word = word(&one.answer);
            [
                server.to_string(),
                rules.name.clone(),
                word.to_owned(),
                packets.to_string(),
                format!("{}.{}", tenths / 10, tenths % 10),
                largest.to_string(),
            ]
        };
        let columns = ["server", "rules", "verdict", "packets sent", "ways a packet", "most"];
        table(columns, self.followed.iter().map(row).collect()).to_string()
    }

    pub(super) fn json(&self) -> Value {
        let server = |(one, rules): &(Followed, Named)| {
            let (divergence, reason) = match &one.answer {
                Answer::Diverges(divergence) => (Some(to_json(divergence)), None),
                Answer::Inconclusive(why) => (None, Some(why)),
                Answer::Conforms => (None, None),
            };
            json!({
                "server": one.server, "rules": rules.name, "verdict": word(&one.answer),
                "reason": reason, "packets": one.packets, "nodes": one.nodes,
                "largest": one.largest, "divergence": divergence,
            })
        };
        let reliance = |one: &Reliance| {
            json!({
                "server": one.server, "settings": one.settings, "says": one.says,
                "rule": one.rule, "issues": one.issues, "divergence": to_json(&one.divergence),
            })
        };
        json!({
            "servers": self.followed.iter().map(server).collect::<Vec<_>>(),
            "leaves_fixed": self.strict.iter().map(to_json).collect::<Vec<_>>(),
            "relies_on": self.reliances.iter().map(reliance).collect::<Vec<_>>(),
        })
    }
}

/// The verdict in one word.
pub(super) fn word(answer: &Answer) -> &'static str {
    match answer {
        Answer::Conforms => "CONFORMS",
        Answer::Diverges(_) => "DIVERGES",
        Answer::Inconclusive(_) => "INCONCLUSIVE",
    }
}

fn print_divergence(divergence: &Divergence) {
    let Divergence { server, packet, rule, instead, guards, .. } = divergence;
    out::line(format_args!("  server {server} cannot send"));
    out::line(format_args!("  {packet}"));
    out::line(format_args!("  the rule of such a packet: {rule} (zabcheck explain {rule})"));
    for said in instead {
        out::line(format_args!("  possible instead: {said}"));
    }
    for guard in guards {
        out::line(format_args!("  does not hold: {guard}"));
    }
}

fn to_json(divergence: &Divergence) -> Value {
    let Divergence { server, line, packet, rule, instead, guards } = divergence;
    json!({
        "server": server, "line": line, "packet": packet.trim(), "rule": rule,
        "instead": instead, "guards": guards,
    })
}
