//! `zabcheck import`: whether a run of the model agrees with a trace of another tool.

use std::fs;

use serde_json::{Value, json};
use textwrap::fill;
use zab_bugs::{BUGS, Scene};
use zab_import::{Judged, TlcTrace, Unsupported, judge, read};
use zab_model::Profile;
use zab_model::profile::RELEASES;

use crate::args::{Import, Named};
use crate::exit::Exit;
use crate::out;
use crate::report::{can_write, write_json};

/// Reads the trace, looks for a run that agrees with it, and tells what came of it.
pub(crate) fn run(args: &Import) -> Exit {
    if let Err(why) = args.json.as_deref().map_or(Ok(()), can_write) {
        out::error(why);
        return Exit::Usage;
    }
    let name = args.tlc_json.display();
    let text = match fs::read_to_string(&args.tlc_json) {
        Ok(text) => text,
        Err(error) => {
            out::error(format_args!("cannot read {name}: {error}"));
            return Exit::Usage;
        }
    };
    let trace = match read(&text) {
        Ok(trace) => trace,
        Err(why) => {
            out::error(format_args!("{name} is no trace of the TLA+ specifications: {why}"));
            return Exit::Usage;
        }
    };
    let asked = args.profile.clone().unwrap_or_else(Named::fixed);
    let profile = asked.profile;
    let judged = match judge(&trace, profile) {
        Ok(judged) => judged,
        Err(why) => return cannot(&name.to_string(), &why),
    };
    out::line(format_args!(
        "{name}: {} steps of {}, {}",
        trace.steps.len(),
        trace.servers.join(", "),
        trace
            .version
            .as_ref()
            .map_or("no version".to_owned(), |version| format!("version {version}"))
    ));
    verdict(&asked, &judged);
    let others = if judged.rejected.is_some() && args.profile.is_none() {
        by_others(&trace)
    } else {
        Others::default()
    };
    others.print();
    let exit = if judged.rejected.is_some() { Exit::Bad } else { Exit::Good };
    exit.and(write_json(args.json.as_deref(), "import", value(&trace, profile, &judged, &others)))
}

fn cannot(name: &str, why: &Unsupported) -> Exit {
    match why {
        Unsupported::TooMany(_) => {
            out::line(format_args!("INCONCLUSIVE  {name}: {why}"));
            Exit::Unknown
        }
        Unsupported::Transactions | Unsupported::Start(_) => {
            out::error(format_args!("{name}: {why}"));
            Exit::Usage
        }
    }
}

fn verdict(asked: &Named, judged: &Judged) {
    let alike: Vec<&str> = asked.alike().collect();
    match alike.as_slice() {
        [] => out::line(format_args!("profile: {asked}")),
        alike => out::line(format_args!(
            "profile: {asked}; the same in all that is modelled: {}",
            alike.join(", ")
        )),
    }
    let order = judged.order.join(" < ");
    match &judged.rejected {
        None => out::line(format_args!(
            "ACCEPTED  a run of the model agrees with all {} steps (ids: {order})",
            judged.agreed
        )),
        Some(rejected) => {
            out::line(format_args!(
                "REJECTED  at step {}, {} of {} (ids: {order})",
                rejected.step, rejected.action, rejected.node
            ));
            for why in &rejected.why {
                out::line(fill(&format!("  {why}"), 100));
            }
        }
    }
}

/// What is accepted where `fixed` does not.
#[derive(Default)]
struct Others {
    /// Known bugs, each with the switches that it is made of; two of them, if none is enough.
    bugs: Vec<(String, String)>,
    releases: Vec<&'static str>,
    /// How many profiles were tried.
    tried: usize,
}

fn by_others(trace: &TlcTrace) -> Others {
    let accepts =
        |profile: Profile| judge(trace, profile).is_ok_and(|judged| judged.rejected.is_none());
    let mut others = Others::default();
    let scenes: Vec<(&str, Scene)> = BUGS.iter().map(|bug| (bug.name, bug.scene)).collect();
    let alone = scenes.iter().filter_map(|(name, scene)| {
        scene.profile().ok().map(|profile| ((*name).to_owned(), profile))
    });
    let pairs = scenes.iter().enumerate().flat_map(|(place, (first, scene))| {
        scenes.iter().skip(place + 1).filter_map(move |(second, other)| {
            both(scene, other).map(|profile| (format!("{first} and {second}"), profile))
        })
    });
    let mut tried: Vec<Profile> = Vec::new();
    for some in [alone.collect::<Vec<_>>(), pairs.collect()] {
        for (name, profile) in some {
            if !tried.contains(&profile) {
                tried.push(profile);
                if accepts(profile) {
                    others.bugs.push((name, profile.to_string()));
                }
            }
        }
        if !others.bugs.is_empty() {
            break;
        }
    }
    let releases = RELEASES.iter().filter(|release| release.profile != Profile::FIXED);
    others.tried = tried.len() + releases.clone().count();
    others.releases =
        releases.filter(|release| accepts(release.profile)).map(|release| release.name).collect();
    others
}

/// Servers with both bugs, if they can have both.
fn both(one: &Scene, other: &Scene) -> Option<Profile> {
    let first = one.profile().ok()?;
    let profile = first.with(other.base).ok()?.with(other.switch).ok()?;
    (profile.with(one.switch).ok()? == profile && profile != first).then_some(profile)
}

impl Others {
    fn print(&self) {
        if self.tried == 0 {
            return;
        }
        for (bug, switches) in &self.bugs {
            out::line(format_args!("accepted with {bug}: --profile fixed,{switches}"));
        }
        if !self.releases.is_empty() {
            out::line(format_args!("accepted as {}", self.releases.join(", ")));
        }
        let accepted = self.bugs.len() + self.releases.len();
        out::line(format_args!(
            "{accepted} of {} other profiles accept it: known bugs and releases",
            self.tried
        ));
    }
}

fn value(trace: &TlcTrace, profile: Profile, judged: &Judged, others: &Others) -> Value {
    let rejected = judged.rejected.as_ref().map(|rejected| {
        json!({
            "step": rejected.step,
            "action": rejected.action,
            "server": rejected.node,
            "why": rejected.why,
        })
    });
    let bugs = others.bugs.iter().map(|(bug, switches)| json!({"bug": bug, "switches": switches}));
    json!({
        "version": trace.version,
        "servers": trace.servers,
        "steps": trace.steps.len(),
        "profile": profile.to_string(),
        "accepted": judged.rejected.is_none(),
        "agreed": judged.agreed,
        "order": judged.order,
        "rejected": rejected,
        "accepted_with": bugs.collect::<Vec<_>>(),
        "accepted_as": others.releases,
    })
}
