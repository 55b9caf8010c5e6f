//! The commands that look at an exploration, and at the runs that it has found, by hand.

use zab_model::explore::{self, Largest};
use zab_model::{Ensemble, Grain, Profile};
use zab_paper as paper;
use zab_presets::{Exploration, Family, PaperRun};
use zab_view::Run;

/// The name of an exploration that flags ask for.
pub(crate) const CUSTOM: &str = "custom";

/// The command that looks at the model of an exploration; of one without a bound on failures, with
/// the bounds that a run needs.
pub(crate) fn command(exploration: &Exploration) -> String {
    let Exploration { name, family, .. } = exploration;
    if *name != CUSTOM && !family.is_unlimited() {
        let flags = [vec![format!("zabcheck explore --exploration {name}")], model_flags(family)];
        return flags.concat().join(" ");
    }
    let flags = match family {
        Family::Zookeeper(model) => zookeeper_flags(model),
        Family::Paper(run) => paper_flags(run),
    };
    let flags: Vec<String> = flags.into_iter().chain(model_flags(family)).collect();
    format!("zabcheck explore --model {} {}", family.name(), flags.join(" "))
}

fn zookeeper_flags(model: &Largest) -> Vec<String> {
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
    let explore::Bounds { observers, kills, lost_disks, failed_appends, .. } = model.bounds;
    let rare = [
        ("observers", observers),
        ("kills", kills),
        ("lost-disks", lost_disks),
        ("failed-appends", failed_appends),
    ];
    let counts = counts.into_iter().chain(rare.into_iter().filter(|(_, count)| *count > 0));
    let counts = counts.map(|(name, count)| format!("--{name} {count}"));
    let more = [
        format!("--election {}", model.bounds.election),
        format!("--window {}", model.ensemble.window),
    ];
    counts.chain(more).collect()
}

/// `--profile`, unless servers follow `fixed`, and `--grain`, unless it is `writes`.
fn model_flags(family: &Family) -> Vec<String> {
    let Family::Zookeeper(model) = family else { return Vec::new() };
    let Ensemble { profile, grain, .. } = model.ensemble;
    let profile = (profile != Profile::FIXED).then(|| format!("--profile fixed,{profile}"));
    let grain = (grain != Grain::default()).then(|| format!("--grain {grain}"));
    profile.into_iter().chain(grain).collect()
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
    let exploration = &bounded(exploration, run);
    format!("{} --path {}", command(exploration), run.path_text())
}

/// The model and its bounds in words.
pub(crate) fn words(exploration: &Exploration) -> (String, String) {
    let (title, counts) = match &exploration.family {
        Family::Zookeeper(model) => ("ZAB as ZooKeeper implements it", zookeeper_words(model)),
        Family::Paper(run) => ("ZAB as published", paper_words(run)),
    };
    let named = match exploration.name {
        CUSTOM => String::new(),
        name => format!("{name} ({}): ", exploration.covers),
    };
    (title.to_owned(), format!("{named}{}", counts.join(", ")))
}

/// A number of things, if there are any.
fn count(number: u8, one: &str, many: &str) -> Option<String> {
    match number {
        0 => None,
        1 => Some(format!("1 {one}")),
        _ => Some(format!("{number} {many}")),
    }
}

fn zookeeper_words(model: &Largest) -> Vec<String> {
    let explore::Bounds {
        servers,
        observers,
        requests,
        crashes,
        kills,
        lost_disks,
        failed_appends,
        timeouts,
        disconnects,
        rounds,
        resends,
        election,
    } = model.bounds;
    let counts = [
        count(servers, "server", "servers"),
        count(observers, "observer", "observers"),
        count(requests, "request", "requests"),
        count(crashes, "crash", "crashes"),
        count(kills, "killed process", "killed processes"),
        count(lost_disks, "lost disk", "lost disks"),
        count(failed_appends, "append that fails", "appends that fail"),
        count(timeouts, "server that gives up its role", "times that a server gives up its role"),
        count(disconnects, "broken connection", "broken connections"),
        count(rounds, "election", "elections").filter(|_| !has_messages(election)),
        count(rounds, "return to LOOKING", "returns to LOOKING").filter(|_| has_messages(election)),
        count(resends, "repeated notification", "repeated notifications"),
    ];
    let leaders = match election {
        explore::Election::Oracle => "leaders elected in one step",
        explore::Election::Anybody => "anybody may win an election",
        explore::Election::Fle => "elections with all their messages",
        explore::Election::FleOnly => "elections alone, with all their messages",
    };
    let grain = match model.ensemble.grain {
        Grain::Writes => None,
        Grain::Threads => Some("one step for each item of each thread".to_owned()),
    };
    counts.into_iter().flatten().chain([leaders.to_owned()]).chain(grain).collect()
}

/// Whether elections are more than one step.
fn has_messages(election: explore::Election) -> bool {
    matches!(election, explore::Election::Fle | explore::Election::FleOnly)
}

fn paper_words(run: &PaperRun) -> Vec<String> {
    let paper::Bounds { servers, txns, epochs, timeouts, restarts } = run.rules.bounds;
    let counts = [
        count(servers, "server", "servers"),
        count(txns, "transaction in a history", "transactions in a history"),
        epochs.map(|epochs| format!("epochs up to {epochs}")),
        count(timeouts, "broken connection", "broken connections"),
        count(restarts, "restart", "restarts"),
    ];
    let readings = run.rules.variant.readings().map(|one| format!("reading {}", one.name));
    let ghosts = run.ghosts.then(|| "with the memory of whole runs".to_owned());
    counts.into_iter().flatten().chain(readings).chain(ghosts).collect()
}

/// What has no bound on failures, with as many as a run has.
fn bounded(exploration: &Exploration, run: &Run) -> Exploration {
    let mut exploration = exploration.clone();
    if let (Family::Zookeeper(model), Some(_)) = (&mut exploration.family, run.returns_to) {
        let count = |kind: &str| {
            let of_kind = run.steps.iter().filter(|step| step.action.starts_with(kind));
            u8::try_from(of_kind.count()).unwrap_or(u8::MAX)
        };
        model.bounds.rounds = count("Elect ");
        model.bounds.timeouts = model.bounds.timeouts.saturating_add(count("LeaveRole "));
    }
    if let Family::Paper(paper @ PaperRun { unlimited: Some(_), .. }) = &mut exploration.family {
        let count = |kind: &str| {
            let of_kind = run.steps.iter().filter(|step| step.action.starts_with(kind));
            u8::try_from(of_kind.count()).unwrap_or(u8::MAX)
        };
        let (timeouts, restarts) = (count("Timeout("), count("Restart("));
        let bounds = &mut paper.rules.bounds;
        // A restart spends a timeout too, and a request finds room.
        (bounds.timeouts, bounds.restarts) = (timeouts.saturating_add(restarts), restarts);
        bounds.txns = (bounds.txns + 1).min(paper::TXNS_MAX);
    }
    exploration
}
