//! A page about a known bug, in Markdown: what it is, its run as a table and as a diagram.

use std::fmt::Write;

use zab_bugs::{Budget, Bug, Search, Shown, reason};
use zab_model::explore::Action;
use zab_view::Run;

use super::bugs::named;

/// The file of a bug's page.
pub(crate) fn file(bug: &Bug) -> String {
    format!("{}.md", bug.name.to_lowercase())
}

/// The page of a bug that was found.
pub(crate) fn page(bug: &Bug, budget: Budget, search: &Search, run: &Run) -> String {
    let mut page = String::new();
    let Some(damage) = &search.damage else { return page };
    let mut line = |text: &str| {
        // Writing to a string cannot fail.
        let _ = writeln!(page, "{text}");
    };
    let also = bug.also.iter().map(|name| format!(" ({name})")).collect::<String>();
    line(&format!("# {}{also}\n", bug.name));
    line(&format!("{}\n", bug.says));
    line("| | |\n|---|---|");
    for (name, value) in facts(bug, budget, search, damage) {
        line(&format!("| {name} | {value} |"));
    }
    let command = format!("zabcheck bugs {}", bug.name);
    line(&format!(
        "\nRepeat it: `{command}`. This page is written by `zabcheck bugs --pages DIR`."
    ));
    if let Some(reason) = reason(bug.name) {
        line(&format!("\n## Why it happens\n\n{}", reason.why));
        line(&format!("\n## What the fix changes\n\n{}", reason.fix));
    }
    line("\n## The run\n\n| | server | step | rules | what changes |\n|---|---|---|---|---|");
    for ((number, step), action) in (1..).zip(&run.steps).zip(&damage.actions) {
        let rules = step.rules.join(", ");
        let changes: Vec<String> = step.changes.iter().map(|change| cell(change)).collect();
        let changes = changes.join("<br>");
        let (server, action) = (server(*action), cell(&step.action));
        line(&format!("| {number} | {server} | {action} | {rules} | {changes} |"));
    }
    line(&format!(
        "\n## The run as a diagram\n\n```mermaid\n{}```",
        zab_view::mermaid(&run.sequence)
    ));
    page
}

fn facts(
    bug: &Bug,
    budget: Budget,
    search: &Search,
    damage: &Shown,
) -> Vec<(&'static str, String)> {
    let scene = &bug.scene;
    let releases: Vec<&str> = bug.releases().map(|release| release.name).collect();
    let releases = match releases.as_slice() {
        [] => "none of those that are modelled".to_owned(),
        some => some.join(", "),
    };
    let shown = |property: &str, shown: &Shown| {
        format!("`{property}`, {} steps, faults: {}", shown.actions.len(), shown.faults)
    };
    let mut facts = vec![("releases that have it", releases), ("switch", code(scene.switch))];
    if !scene.base.is_empty() {
        facts.push(("with", code(scene.base)));
    }
    facts.push(("grain", code(scene.grain.name())));
    facts.push(("bounds", code(&budget.to_string())));
    let property = named(scene, damage);
    facts.push(("damage", format!("{}: {}", shown(property, damage), scene.means)));
    if let Some(first) = &search.precursor {
        let properties = first.properties.first().copied().unwrap_or_default();
        facts.push(("first sign", shown(properties, first)));
    }
    facts
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

fn server(action: Action) -> u8 {
    action.server().0
}

/// Text as it may stand in a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;").replace('>', "&gt;")
}
