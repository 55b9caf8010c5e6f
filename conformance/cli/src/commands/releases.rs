//! `zabcheck releases`: which release of ZooKeeper has which known bug.

use serde_json::{Value, json};
use tabled::builder::Builder;
use tabled::settings::Style;
use textwrap::fill;
use zab_bugs::{ALIKE, BUGS, Bug, behaves_as};
use zab_model::profile::{RELEASES, Release};

use crate::args::Releases;
use crate::exit::Exit;
use crate::out;
use crate::report::{can_write, table, write_json};

/// Prints the table of all releases, or the bugs of one.
pub(crate) fn run(args: &Releases) -> Exit {
    if let Err(why) = args.json.as_deref().map_or(Ok(()), can_write) {
        out::error(why);
        return Exit::Usage;
    }
    let release = args.name.as_deref().and_then(|name| Some((name, behaves_as(name)?)));
    let shown: Vec<&Release> = match release {
        Some((name, release)) => {
            one(name, release);
            vec![release]
        }
        None => {
            all();
            RELEASES.iter().collect()
        }
    };
    let values: Vec<Value> = shown
        .iter()
        .map(|release| {
            let also = names_like(release.name).chain(release.also.iter().copied());
            let bugs = BUGS.iter().filter(|bug| bug.is_in(release)).map(|bug| bug.name);
            json!({
                "release": release.name,
                "also": also.collect::<Vec<_>>(),
                "bugs": bugs.collect::<Vec<_>>(),
            })
        })
        .collect();
    write_json(args.json.as_deref(), "releases", json!({"releases": values}))
}

fn names_like(name: &str) -> impl Iterator<Item = &'static str> {
    ALIKE.iter().filter(move |(_, like)| *like == name).map(|(name, _)| *name)
}

fn all() {
    let mut builder = Builder::default();
    let names = RELEASES.iter().map(|release| release.name);
    builder.push_record(["bug", "what is wrong"].into_iter().chain(names));
    for bug in BUGS {
        let marks = RELEASES.iter().map(|release| if bug.is_in(release) { "x" } else { "" });
        let says = fill(bug.says, 40);
        builder.push_record([bug.name, &says].into_iter().chain(marks));
    }
    out::line(builder.build().with(Style::sharp()));
    for release in RELEASES {
        let also: Vec<&str> =
            names_like(release.name).chain(release.also.iter().copied()).collect();
        if !also.is_empty() {
            out::line(format_args!("like {}: {}", release.name, also.join(", ")));
        }
    }
    out::line("`zabcheck bugs` finds them, `zabcheck profiles` says what else releases do");
}

fn one(name: &str, release: &Release) {
    if name != release.name {
        out::line(format_args!("{name} behaves as {}", release.name));
    }
    let bugs: Vec<&Bug> = BUGS.iter().filter(|bug| bug.is_in(release)).collect();
    let rows = bugs
        .iter()
        .map(|bug| [bug.name.to_owned(), fill(bug.says, 50), bug.scene.switch.to_owned()]);
    out::line(format_args!("{name} has {} of {} known bugs", bugs.len(), BUGS.len()));
    out::line(table(["bug", "what is wrong", "switch"], rows.collect()));
}
