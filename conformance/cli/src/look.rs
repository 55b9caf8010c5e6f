//! The commands that look at an exploration, and at the runs that it has found, by hand.

use zab_model::explore::{self, Zab};
use zab_paper as paper;
use zab_presets::{Exploration, Family, PaperRun};
use zab_view::Run;

/// The name of an exploration that flags ask for.
pub(crate) const CUSTOM: &str = "custom";

/// The command that looks at the model of an exploration.
pub(crate) fn command(exploration: &Exploration) -> String {
    let Exploration { name, family, .. } = exploration;
    if *name != CUSTOM {
        return format!("zabcheck explore --exploration {name}");
    }
    let flags = match family {
        Family::Zookeeper(model) => zookeeper_flags(model),
        Family::Paper(run) => paper_flags(run),
    };
    format!("zabcheck explore --model {} {}", family.name(), flags.join(" "))
}

fn zookeeper_flags(model: &Zab) -> Vec<String> {
    let explore::Bounds {
        servers, requests, crashes, timeouts, disconnects, rounds, resends, ..
    } = model.bounds;
    let counts = [
        ("servers", servers),
        ("requests", requests),
        ("crashes", crashes),
        ("timeouts", timeouts),
        ("disconnects", disconnects),
        ("rounds", rounds),
        ("resends", resends),
    ];
    let counts = counts.map(|(name, count)| format!("--{name} {count}"));
    let more = [
        format!("--election {}", model.bounds.election),
        format!("--window {}", model.ensemble.window),
    ];
    counts.into_iter().chain(more).collect()
}

fn paper_flags(run: &PaperRun) -> Vec<String> {
    let paper::Bounds { servers, txns, epochs, timeouts, restarts } = run.rules.bounds;
    let counts = [
        ("servers", Some(servers)),
        ("txns", Some(txns)),
        ("epochs", epochs),
        ("timeouts", Some(timeouts)),
        ("restarts", Some(restarts)),
    ];
    let counts = counts.into_iter().filter_map(|(name, n)| n.map(|n| format!("--{name} {n}")));
    let readings = run.rules.variant.readings().map(|one| format!("--reading {}", one.name));
    let ghosts = run.ghosts.then(|| "--ghosts".to_owned());
    counts.chain(readings).chain(ghosts).collect()
}

/// The command that looks at a run.
pub(crate) fn at(exploration: &Exploration, run: &Run) -> String {
    format!("{} --path {}", command(exploration), run.path_text())
}
