//! `zabcheck check`.

use serde_json::json;
use zab_model::explore::{Exploration, Limits, Report, Suite, Zab, check as explore};

use super::paper;
use crate::args::{Bounds, Check, Election, Family, PaperBounds, Preset};
use crate::exit::Exit;
use crate::report::progress::Progress;
use crate::report::{model, write_json};

/// Explores, prints a table for each exploration, and says how it ended.
pub(crate) fn run(args: &Check) -> Exit {
    if let Some(flag) = foreign(args) {
        eprintln!(
            "zabcheck: {flag} is not for this --model; `zabcheck check --help` lists the flags"
        );
        return Exit::Usage;
    }
    match args.model {
        Family::Zookeeper => run_zookeeper(args),
        Family::Paper => paper::run(args),
    }
}

/// A flag that was given and means nothing for the model that was asked for.
fn foreign(args: &Check) -> Option<&'static str> {
    let Bounds { servers: _, timeouts: _, requests, crashes, disconnects, rounds, resends, .. } =
        &args.bounds;
    let zookeeper = [
        ("--requests", requests.is_some()),
        ("--crashes", crashes.is_some()),
        ("--disconnects", disconnects.is_some()),
        ("--rounds", rounds.is_some()),
        ("--resends", resends.is_some()),
        ("--election", args.bounds.election.is_some()),
        ("--window", args.bounds.window.is_some()),
    ];
    let PaperBounds { txns, epochs, restarts, symmetry, ghosts, threads, memory } = &args.paper;
    let paper = [
        ("--txns", txns.is_some()),
        ("--epochs", epochs.is_some()),
        ("--restarts", restarts.is_some()),
        ("--symmetry", *symmetry),
        ("--ghosts", *ghosts),
        ("--threads", threads.is_some()),
        ("--memory", memory.is_some()),
    ];
    let given = match args.model {
        Family::Zookeeper => paper.iter().find(|(_, given)| *given),
        Family::Paper => zookeeper.iter().find(|(_, given)| *given),
    };
    given.map(|(flag, _)| *flag)
}

fn run_zookeeper(args: &Check) -> Exit {
    let explorations = match custom(&args.bounds) {
        None => suite(args.preset).explorations(),
        Some(Ok(exploration)) => vec![exploration],
        Some(Err(message)) => {
            eprintln!("zabcheck: {message}");
            return Exit::Usage;
        }
    };
    let limits = Limits {
        states_max: args.states_max.unwrap_or(Limits::default().states_max),
        seconds_max: args.seconds_max.map_or(Limits::default().seconds_max, f64::from),
    };
    let mut exit = Exit::Good;
    let mut values = Vec::new();
    for exploration in &explorations {
        let report = explore_one(exploration, limits);
        model::print(exploration.name, exploration.covers, &report);
        exit = exit.and(model::exit(&report));
        values.push(model::json(exploration.name, &report));
    }
    if let Some(path) = &args.json {
        exit = exit.and(write_json(path, &json!({ "explorations": values })));
    }
    exit
}

/// Explores, with a line of progress.
pub(crate) fn explore_one(exploration: &Exploration, limits: Limits) -> Report {
    let progress = Progress::start(&format!("exploring {}", exploration.name));
    explore(&exploration.model, limits, &mut |now| {
        progress.say(format!(
            "{} states, {} generated, depth {}, {:.1} s",
            now.distinct, now.generated, now.depth, now.seconds
        ));
    })
}

fn suite(preset: Preset) -> Suite {
    match preset {
        Preset::Default => Suite::Default,
        Preset::Quick => Suite::Quick,
        Preset::Thorough => Suite::Thorough,
    }
}

/// The exploration that single bounds ask for; `None` when none is given.
fn custom(args: &Bounds) -> Option<Result<Exploration, String>> {
    use zab_model::explore as model;
    let counts = [
        args.servers,
        args.requests,
        args.crashes,
        args.timeouts,
        args.disconnects,
        args.rounds,
        args.resends,
        args.window,
    ];
    if counts.iter().all(Option::is_none) && args.election.is_none() {
        return None;
    }
    let bounds = model::Bounds {
        servers: args.servers.unwrap_or(3),
        requests: args.requests.unwrap_or(1),
        crashes: args.crashes.unwrap_or(0),
        timeouts: args.timeouts.unwrap_or(0),
        disconnects: args.disconnects.unwrap_or(0),
        rounds: args.rounds.unwrap_or(1),
        resends: args.resends.unwrap_or(0),
        election: match args.election {
            None | Some(Election::Oracle) => model::Election::Oracle,
            Some(Election::Anybody) => model::Election::Anybody,
            Some(Election::Fle) => model::Election::Fle,
            Some(Election::FleOnly) => model::Election::FleOnly,
        },
    };
    let window = args.window.map_or(zab_model::WINDOW_DEFAULT, usize::from);
    let exploration = Zab::new(bounds, window).filter(|_| window > 0 && bounds.servers > 1);
    Some(exploration.map_or_else(
        || {
            Err(format!(
                "no room for these bounds ({bounds}): expected 2 to {} servers, at most {} \
                 requests and a window of at least 1",
                model::SERVERS_MAX,
                model::TXNS_MAX
            ))
        },
        |model| Ok(Exploration { name: "custom", covers: "the bounds given", model }),
    ))
}
