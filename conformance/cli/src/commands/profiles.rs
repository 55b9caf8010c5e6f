//! `zabcheck profiles`: what releases of ZooKeeper do differently, as far as the model can say it.

use textwrap::fill;
use zab_model::Profile;
use zab_model::profile::{GAPS, KNOWN, Known, RELEASES, Release, SWITCHES, Switch};

use crate::args::Profiles;
use crate::exit::Exit;
use crate::out;
use crate::report::table;

/// Prints the table of all releases, or one profile in full.
pub(crate) fn run(args: &Profiles) -> Exit {
    match &args.profile {
        None => all(),
        Some(profile) => one(profile),
    }
    Exit::Good
}

fn all() {
    let names = RELEASES.iter().map(|release| release.name);
    let header: Vec<&str> = ["switch", "value"].into_iter().chain(names).collect();
    let rows = SWITCHES.iter().filter(differs).flat_map(rows_of);
    out::line(table_of(&header, rows.collect()));
    out::line("the other switches are the same in all of them; other values are seeded defects:");
    let seeded = SWITCHES.iter().filter(|switch| !differs(switch)).map(|switch| {
        let values: Vec<&str> = switch.values.iter().map(|value| value.name).collect();
        [switch.name.to_owned(), values.join(", ")]
    });
    out::line(table(["switch", "values"], seeded.collect()));
    out::line("known not to hold:");
    let known = KNOWN.iter().map(|known| {
        let properties = known.properties.join("\n");
        let releases = fill(&known.releases.join(", "), 24);
        [known.issue, &releases, &properties, known.cure].map(str::to_owned)
    });
    out::line(table(["cause", "releases", "properties", "cured by"], known.collect()));
    out::line("not modelled, so that nothing is said about it:");
    let gaps = GAPS.iter().map(|gap| {
        let releases = if gap.releases.is_empty() { "all" } else { &gap.releases.join(", ") };
        [gap.name.to_owned(), fill(gap.says, 60), fill(releases, 24)]
    });
    out::line(table(["what", "what releases do", "releases"], gaps.collect()));
}

/// Whether releases differ in it, from each other or from `fixed`.
fn differs(switch: &&Switch) -> bool {
    RELEASES.iter().any(|release| switch.of(&release.profile) != switch.values[0])
}

/// A row for each value that some release has.
fn rows_of(switch: &Switch) -> Vec<Vec<String>> {
    let has = |release: &Release, name| switch.of(&release.profile).name == name;
    let used = switch.values.iter().filter(|value| RELEASES.iter().any(|one| has(one, value.name)));
    let row = |value: &zab_model::profile::Value| {
        let marks = RELEASES.iter().map(|release| if has(release, value.name) { "x" } else { "" });
        [switch.name, value.name].into_iter().chain(marks).map(str::to_owned).collect()
    };
    used.map(row).collect()
}

fn table_of(header: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut builder = tabled::builder::Builder::default();
    builder.push_record(header.iter().copied());
    rows.into_iter().for_each(|row| builder.push_record(row));
    builder.build().with(tabled::settings::Style::sharp()).to_string()
}

/// What servers do under a profile, why properties do not hold, and what it does not say.
fn one(profile: &Profile) {
    out::line(format_args!("profile {profile}"));
    let rows = SWITCHES.iter().filter(|switch| switch.of(profile) != switch.values[0]);
    let rows = rows.map(|switch| {
        let value = switch.of(profile);
        let does = format!("{} {}", switch.says.trim(), value.says.trim());
        [switch.name.to_owned(), value.name.to_owned(), fill(&does, 60)]
    });
    out::line(table(["switch", "value", "what it is about, and what servers do"], rows.collect()));
    let Some(release) = RELEASES.iter().find(|release| release.profile == *profile) else { return };
    let causes = KNOWN.iter().filter(|known| known.releases.contains(&release.name));
    let causes: Vec<&Known> = causes.collect();
    if !causes.is_empty() {
        let rows = causes.iter().map(|known| [known.issue.to_owned(), known.properties.join("\n")]);
        out::line(table(["cause", "properties that do not hold"], rows.collect()));
    }
    let names = RELEASES.iter().filter(|other| other.profile == *profile).map(|other| other.name);
    for name in names {
        let gaps =
            GAPS.iter().filter(|gap| RELEASES.iter().any(|r| r.name == name && gap.is_of(r)));
        let rows: Vec<_> = gaps.map(|gap| [gap.name.to_owned(), fill(gap.says, 60)]).collect();
        if !rows.is_empty() {
            out::line(format_args!("{name}, not modelled:"));
            out::line(table(["what", "what the release does"], rows));
        }
    }
}
