//! How known bugs are shown.

use serde_json::{Value, json};
use textwrap::fill;
use zab_bugs::{Budget, Bug, Control, Scene, Search, Shown};
use zab_model::explore::Action;
use zab_view::Run;

use super::table;
use crate::out;

/// What came of one bug.
pub(crate) struct Row {
    pub(crate) bug: &'static Bug,
    pub(crate) budget: Budget,
    /// Nothing, if the search was interrupted before it began.
    pub(crate) search: Option<Search>,
}

/// An exploration without a bug.
pub(crate) struct Controlled {
    /// The bugs that it is the control of.
    pub(crate) of: Vec<&'static str>,
    pub(crate) budget: Budget,
    /// What is violated without the bug, and known to be.
    pub(crate) known: &'static [&'static str],
    pub(crate) control: Control,
}

/// Prints a row for each bug, then the controls.
pub(crate) fn print(rows: &[Row], controls: &[Controlled], controlled: bool) {
    out::line(
        "from empty disks, three servers unless the bounds say more; leaders are elected in one step;",
    );
    out::line("grain writes: a step of a server goes up to its next write, threads: a step is one");
    out::line("item of one thread:");
    let header =
        ["bug", "switch", "releases", "grain and bounds", "damage", "first sign", "states", "s"];
    out::line(table(header, rows.iter().map(cells).collect()));
    let seconds = total(rows.iter().filter_map(|row| Some(row.search.as_ref()?.seconds)));
    let found = rows.iter().filter(|row| damage(row).is_some()).count();
    out::line(format_args!("{found} of {} found in {seconds:.1} s", rows.len()));
    if !controlled {
        return;
    }
    out::line("the same without the bug, to the end:");
    let header = ["without", "profile", "grain and bounds", "violated", "states", "s"];
    out::line(table(header, controls.iter().map(control_cells).collect()));
    let seconds = total(controls.iter().map(|one| one.control.seconds));
    out::line(format_args!("{} explorations in {seconds:.1} s", controls.len()));
}

/// Seconds in all. That of nothing is 0, where `sum` has -0.
fn total(seconds: impl Iterator<Item = f64>) -> f64 {
    seconds.fold(0.0, |all, one| all + one)
}

fn damage(row: &Row) -> Option<&Shown> {
    row.search.as_ref()?.damage.as_ref()
}

fn cells(row: &Row) -> [String; 8] {
    let Row { bug, budget, search } = row;
    let scene = &bug.scene;
    let releases: Vec<&str> = bug.releases().map(|release| release.name).collect();
    let releases =
        if releases.is_empty() { "none that is modelled".to_owned() } else { releases.join(", ") };
    let names = [bug.name].into_iter().chain(bug.also.iter().copied()).collect::<Vec<_>>();
    let [name, releases] = [names.join("\n"), fill(&releases, 14)];
    let base = scene.base.replace(',', "\n");
    let switch = if base.is_empty() {
        scene.switch.to_owned()
    } else {
        format!("{}\nwith\n{base}", scene.switch)
    };
    let bounds = format!("{}\n{}", scene.grain, fill(&budget.to_string(), 18));
    let Some(search) = search else {
        let rest = [String::new(), String::new(), String::new()];
        let [first, states, seconds] = rest;
        return [name, switch, releases, bounds, "interrupted".to_owned(), first, states, seconds];
    };
    let damage = match &search.damage {
        Some(shown) => format!("{}\n{}", at(shown, named(scene, shown)), fill(scene.means, 32)),
        None => missing(search),
    };
    let first = search
        .precursor
        .as_ref()
        .map(|shown| at(shown, shown.properties.first().copied().unwrap_or_default()));
    [
        name,
        switch,
        releases,
        bounds,
        damage,
        first.unwrap_or_default(),
        search.distinct.to_string(),
        format!("{:.1}", search.seconds),
    ]
}

fn missing(search: &Search) -> String {
    match search.stopped {
        _ if search.overflow => "a queue was too short".to_owned(),
        Some(stop) => format!("INCOMPLETE: {stop}"),
        None => "NOT FOUND within these bounds".to_owned(),
    }
}

/// The property of the damage, of all that the last state violates.
pub(crate) fn named(scene: &Scene, shown: &Shown) -> &'static str {
    let mut damage = scene.damage.iter().copied();
    damage.find(|name| shown.properties.contains(name)).unwrap_or_default()
}

fn at(shown: &Shown, property: &str) -> String {
    let faults = match shown.faults {
        0 => "no fault".to_owned(),
        1 => "1 fault".to_owned(),
        faults => format!("{faults} faults"),
    };
    format!("{property}\n{} steps, {faults}", shown.actions.len())
}

fn control_cells(one: &Controlled) -> [String; 6] {
    let Controlled { of, budget, known, control } = one;
    let violated = match (control.violated.as_slice(), control.stopped) {
        ([], Some(stop)) => format!("INCOMPLETE: {stop}"),
        ([], None) if known.is_empty() => "nothing".to_owned(),
        ([], None) => format!("nothing but what it is known for:\n{}", known.join("\n")),
        (violated, _) => format!("VIOLATED\n{}", violated.join("\n")),
    };
    [
        of.join("\n"),
        control.profile.to_string().replace(',', "\n"),
        format!("{}\n{}", control.grain, fill(&budget.to_string(), 24)),
        violated,
        control.distinct.to_string(),
        format!("{:.1}", control.seconds),
    ]
}

/// Whether the server that is looked at is one of so many.
///
/// # Errors
/// When it is not; in words.
pub(crate) fn is_among(only: Option<u8>, servers: u8) -> Result<(), String> {
    match only {
        Some(only) if only > servers => {
            Err(format!("--only {only}: the servers of this run are 1 to {servers}"))
        }
        Some(_) | None => Ok(()),
    }
}

/// Prints a run: its steps with what each changed, or those of one server.
pub(crate) fn print_run(run: &Run, actions: &[Action], only: Option<u8>) {
    for ((number, step), action) in (1..).zip(&run.steps).zip(actions) {
        let elects = matches!(action, Action::Elect(_, followers)
            if only.is_some_and(|server| followers.iter().any(|id| id.0 == server)));
        if only.is_some_and(|server| server != action.server().0) && !elects {
            continue;
        }
        out::line(format_args!("{number:>4}  {}", step.text()));
        step.changes.iter().for_each(|change| out::line(format_args!("        {change}")));
    }
    if only.is_none() {
        out::line("the last state:");
        out::text(run.last_page());
    }
}

/// What came of one bug, for machines.
pub(crate) fn row_json(row: &Row) -> Value {
    let Row { bug, budget, search } = row;
    let scene = &bug.scene;
    let releases: Vec<&str> = bug.releases().map(|release| release.name).collect();
    json!({
        "bug": bug.name,
        "also": bug.also,
        "says": bug.says,
        "releases": releases,
        "switch": scene.switch,
        "base": scene.base,
        "grain": scene.grain.name(),
        "bounds": budget.to_string(),
        "search": search.as_ref().map(|search| search_json(scene, search)),
    })
}

fn search_json(scene: &Scene, search: &Search) -> Value {
    json!({
        "found": search.damage.is_some(),
        "damage": search.damage.as_ref().map(|shown| {
            let mut value = shown_json(shown);
            value["property"] = named(scene, shown).into();
            value["means"] = scene.means.into();
            value
        }),
        "precursor": search.precursor.as_ref().map(shown_json),
        "stopped": search.stopped.map(|stop| stop.to_string()),
        "distinct": search.distinct,
        "seconds": search.seconds,
    })
}

fn shown_json(shown: &Shown) -> Value {
    let actions = shown.actions.iter().map(ToString::to_string);
    json!({
        "properties": shown.properties,
        "steps": shown.actions.len(),
        "faults": shown.faults,
        "actions": actions.collect::<Vec<_>>(),
    })
}

/// An exploration without a bug, for machines.
pub(crate) fn control_json(one: &Controlled) -> Value {
    let Controlled { of, budget, known, control } = one;
    json!({
        "of": of,
        "profile": control.profile.to_string(),
        "grain": control.grain.name(),
        "bounds": budget.to_string(),
        "known": known,
        "violated": control.violated,
        "stopped": control.stopped.map(|stop| stop.to_string()),
        "distinct": control.distinct,
        "seconds": control.seconds,
    })
}
