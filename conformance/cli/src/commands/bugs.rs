//! `zabcheck bugs`: each known bug found from empty disks, and the same without it.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::json;
use zab_bugs::{BUGS, Budget, Bug, Control, Impossible, Search, control};
use zab_explorer::{Options, Progress as Far};
use zab_model::Profile;
use zab_presets::{Exploration, Family};

use crate::args::{self, Bugs};
use crate::exit::Exit;
use crate::export::Export;
use crate::interrupt;
use crate::look::{self, CUSTOM};
use crate::out;
use crate::report::bugs::{self as report, Controlled, Row};
use crate::report::page;
use crate::report::progress::Progress;
use crate::report::{can_write, write, write_json};
use crate::retold::{Retold, retold};
use crate::saved::Saved;
use crate::traced;

/// Looks for what is asked for, and tells what was found.
pub(crate) fn run(args: &Bugs) -> Exit {
    if let Err(why) = sensible(args) {
        return out::usage(&args::conflict("bugs", &why));
    }
    let places = [args.json.as_deref(), args.save.as_deref()];
    let places = places.into_iter().flatten().try_for_each(can_write);
    if let Err(why) = places.and_then(|()| args.export.as_ref().map_or(Ok(()), Export::can_write)) {
        out::error(why);
        return Exit::Usage;
    }
    let wanted: Vec<&'static Bug> =
        if args.names.is_empty() { BUGS.iter().collect() } else { args.names.clone() };
    match explore(args, &wanted) {
        Ok((rows, controls)) => finish(args, &rows, &controls),
        Err(why) => {
            out::error(why);
            Exit::Usage
        }
    }
}

/// Whether what is asked for can be: one bug for what is about one, and a budget in which it is not
/// known to be missing.
fn sensible(args: &Bugs) -> Result<(), String> {
    let about_one = [
        ("--budget", args.budget.is_some()),
        ("--only", args.only.is_some()),
        ("--export", args.export.is_some()),
        ("--save", args.save.is_some()),
    ];
    let given = about_one.iter().find(|(_, given)| *given);
    let (Some((flag, _)), names) = (given, args.names.as_slice()) else { return Ok(()) };
    let [bug] = names else {
        return Err(format!("{flag} is for one bug: give its name"));
    };
    let scene = bug.scene;
    let servers = args.budget.map_or_else(|| Budget::parse(scene.budget), Ok)?.bounds.servers;
    report::is_among(args.only, servers)?;
    let Some(budget) = args.budget else { return Ok(()) };
    let is_short = |name: &str, least: u8| budget.amount(name).is_some_and(|number| number < least);
    let needs = scene.needs.iter().chain(&[("rounds", 1, "nobody is elected")]);
    let missing = needs.into_iter().find(|(name, least, _)| is_short(name, *least));
    missing.map_or(Ok(()), |(name, least, why)| {
        Err(format!(
            "{} is known not to show with fewer than {least} {name} ({why}), so nothing is searched",
            bug.name
        ))
    })
}

type Found = (Vec<Row>, Vec<Controlled>);

fn explore(args: &Bugs, wanted: &[&'static Bug]) -> Result<Found, Impossible> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let options = Options {
        threads: args.threads.unwrap_or(cores),
        time_max: args.seconds_max.map(|seconds| Duration::from_secs(seconds.into())),
        stop: Some(interrupt::flag()),
        ..Options::default()
    };
    let (mut rows, mut controls) = (Vec::new(), Vec::<Controlled>::new());
    for bug in wanted {
        let budget = match args.budget {
            Some(budget) => budget,
            None => Budget::parse(bug.scene.budget).map_err(Impossible::Budget)?,
        };
        let search = if interrupt::asked() {
            None
        } else {
            let progress = Progress::start(&format!("looking for {}", bug.name));
            // Which of several shortest runs is found is then always the same.
            let threads = if args.pages.is_some() { 1 } else { options.threads };
            let options = Options { threads, ..options };
            Some(bug.scene.find(budget, &options, &mut |now| progress.say(far(now)))?)
        };
        rows.push(Row { bug, budget, search });
    }
    if !args.without_control {
        for Row { bug, budget, .. } in &rows {
            for profile in [Profile::FIXED, bug.scene.without()?] {
                add_control(&mut controls, bug, profile, *budget, &options)?;
            }
        }
    }
    Ok((rows, controls))
}

/// Explores without the bug, unless the same has been explored for another one.
fn add_control(
    controls: &mut Vec<Controlled>,
    bug: &'static Bug,
    profile: Profile,
    budget: Budget,
    options: &Options<'_>,
) -> Result<(), Impossible> {
    let scene = &bug.scene;
    let known = if profile == Profile::FIXED { &[] } else { scene.known };
    let same = |one: &&mut Controlled| {
        let Control { profile: of, grain, .. } = one.control;
        (of, grain) == (profile, scene.grain) && one.budget == budget && one.known == known
    };
    if let Some(done) = controls.iter_mut().find(same) {
        if !done.of.contains(&bug.name) {
            done.of.push(bug.name);
        }
        return Ok(());
    }
    if interrupt::asked() {
        return Ok(());
    }
    let progress = Progress::start(&format!("without {}", bug.name));
    let tell = &mut |now: &Far| progress.say(far(now));
    let control = control(profile, scene.grain, budget, known, options, tell)?;
    controls.push(Controlled { of: vec![bug.name], budget, known, control });
    Ok(())
}

fn far(now: &Far) -> String {
    format!("{} states, depth {}", now.distinct, now.depth)
}

/// Prints and writes what was found, and says how it ended.
fn finish(args: &Bugs, rows: &[Row], controls: &[Controlled]) -> Exit {
    report::print(rows, controls, !args.without_control);
    let mut exit = rows.iter().map(|row| exit_of(args, row)).fold(Exit::Good, Exit::and);
    for Controlled { control: Control { violated, stopped, .. }, .. } in controls {
        exit = exit.and(match (violated.is_empty(), stopped) {
            (false, _) => Exit::Bad,
            (true, Some(_)) => Exit::Unknown,
            (true, None) => Exit::Good,
        });
    }
    if interrupt::asked() {
        exit = exit.and(Exit::Unknown);
    }
    let mut exported = args.pages.as_deref().map_or(Exit::Good, |folder| pages(folder, rows));
    exported = exported
        .and(args.stories.as_deref().map_or(Exit::Good, |folder| traced::stories(folder, rows)));
    if let [Row { bug, budget, search: Some(search) }] = rows {
        exported = exported.and(story(args, bug, *budget, search));
    }
    let value = json!({
        "bugs": rows.iter().map(report::row_json).collect::<Vec<_>>(),
        "controls": controls.iter().map(report::control_json).collect::<Vec<_>>(),
    });
    exit.and(exported).and(write_json(args.json.as_deref(), "bugs", value))
}

/// Writes a page about each bug that was found.
fn pages(folder: &Path, rows: &[Row]) -> Exit {
    if let Err(error) = fs::create_dir_all(folder) {
        out::error(format_args!("cannot make the folder {}: {error}", folder.display()));
        return Exit::Usage;
    }
    let mut exit = Exit::Good;
    for Row { bug, budget, search } in rows {
        let Some(search) = search else { continue };
        let Some(damage) = &search.damage else { continue };
        let Some(run) = retold(&bug.scene, *budget, &damage.actions).and_then(|retold| retold.run)
        else {
            out::error(format_args!(
                "no page for {}: the model does not make its run again",
                bug.name
            ));
            exit = exit.and(Exit::Bad);
            continue;
        };
        let page = page::page(bug, *budget, search, &run);
        exit = exit.and(write(&folder.join(page::file(bug)), &page));
    }
    exit
}

fn exit_of(args: &Bugs, row: &Row) -> Exit {
    match &row.search {
        None => Exit::Unknown,
        Some(search) => match &search.damage {
            Some(_) => Exit::Good,
            None if search.stopped.is_some() || args.budget.is_some() => Exit::Unknown,
            None => Exit::Bad,
        },
    }
}

/// Tells the run of one bug, and writes it where that is asked for.
fn story(args: &Bugs, bug: &Bug, budget: Budget, search: &Search) -> Exit {
    let Some(damage) = &search.damage else { return Exit::Good };
    let Some(Retold { family, run }) = retold(&bug.scene, budget, &damage.actions) else {
        return Exit::Good;
    };
    let exploration = Exploration {
        name: CUSTOM,
        covers: bug.says,
        family: Family::Zookeeper(family.clone()),
        liveness: false,
    };
    let Some(run) = run else {
        out::error("the model does not make that run again");
        return Exit::Unknown;
    };
    out::line(format_args!("\n{}: {}", bug.name, bug.says));
    report::print_run(&run, &damage.actions, args.only);
    out::line(format_args!("look: {}", look::at(&exploration, &run)));
    let mut exit = Exit::Good;
    if let Some(path) = &args.save {
        let saved = Saved::new(bug.name, &family, budget, damage);
        exit = write(path, &saved.text());
        if exit == Exit::Good {
            out::line(format_args!("saved: zabcheck replay {}", path.display()));
        }
    }
    let Some(export) = &args.export else { return exit };
    let title = format!("a run that shows {}", bug.name);
    let written = export.write(&exploration, &run, &title);
    if written == Exit::Good {
        out::line(format_args!("{}: {title}", export.name()));
    }
    exit.and(written)
}
