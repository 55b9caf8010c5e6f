//! From the flags of single bounds to what is explored.

use zab_model::explore::{self, Largest};
use zab_model::{Grain, Profile};
use zab_paper::{self as paper, Rules, Variant};
use zab_presets::{Exploration, Family, GHOSTS, PaperRun};

use crate::args::{self, Bounds, Election, Epochs, Failures, PaperBounds};
use crate::look::CUSTOM;

/// Whether any bound was given.
pub(crate) fn any(bounds: &Bounds, paper: &PaperBounds) -> bool {
    *bounds != Bounds::default() || *paper != PaperBounds::default()
}

/// The exploration that single bounds ask for.
///
/// # Errors
/// When a flag is of the other family, flags exclude each other, or the family has no room for the
/// bounds; in words.
pub(crate) fn exploration(
    family: args::Family,
    bounds: &Bounds,
    paper: &PaperBounds,
) -> Result<Exploration, String> {
    if let Some((flag, instead)) = foreign(family, bounds, paper) {
        let other = match family {
            args::Family::Zookeeper => args::Family::Paper,
            args::Family::Paper => args::Family::Zookeeper,
        };
        let (name, other) = (family.name(), other.name());
        let instead =
            instead.map_or_else(|| format!("give --model {other}"), |flag| format!("use {flag}"));
        return Err(format!(
            "{flag} is for --model {other}, but the bounds are for --model {name} here: {instead}"
        ));
    }
    let family = match family {
        args::Family::Zookeeper => Family::Zookeeper(zookeeper(bounds)?),
        args::Family::Paper => Family::Paper(published(bounds, paper)?),
    };
    let liveness = paper.liveness;
    Ok(Exploration { name: CUSTOM, covers: "the bounds given", family, liveness })
}

/// Lets servers of the family `zookeeper` follow a profile, at a grain; explorations of the other
/// are dropped if either is given.
///
/// # Errors
/// When none is left; in words.
pub(crate) fn follow(
    profile: Option<Profile>,
    grain: Option<Grain>,
    explorations: &mut Vec<Exploration>,
) -> Result<(), String> {
    let Some(flag) = profile.map(|_| "--profile").or(grain.map(|_| "--grain")) else {
        return Ok(());
    };
    explorations.retain_mut(|exploration| {
        if let Family::Zookeeper(model) = &mut exploration.family {
            model.ensemble.profile = profile.unwrap_or(model.ensemble.profile);
            model.ensemble.grain = grain.unwrap_or(model.ensemble.grain);
            return true;
        }
        false
    });
    if explorations.is_empty() {
        return Err(format!("{flag} is for --model zookeeper"));
    }
    Ok(())
}

/// A flag, and the one of the other family that comes closest.
type Instead = (&'static str, Option<&'static str>);

/// A flag that was given and means nothing for the family that was asked for.
fn foreign(family: args::Family, bounds: &Bounds, paper: &PaperBounds) -> Option<Instead> {
    let Bounds { requests, crashes, disconnects, rounds, resends, .. } = bounds;
    let Bounds { observers, kills, lost_disks, failed_appends, .. } = bounds;
    let zookeeper = [
        ("--observers", observers.is_some(), None),
        ("--requests", requests.is_some(), Some("--txns")),
        ("--crashes", crashes.is_some(), Some("--restarts")),
        ("--kills", kills.is_some(), None),
        ("--lost-disks", lost_disks.is_some(), None),
        ("--failed-appends", failed_appends.is_some(), None),
        ("--disconnects", disconnects.is_some(), Some("--timeouts")),
        ("--rounds", rounds.is_some(), Some("--epochs")),
        ("--resends", resends.is_some(), None),
        ("--election", bounds.election.is_some(), None),
        ("--window", bounds.window.is_some(), None),
    ];
    let PaperBounds { txns, epochs, failures, restarts, reading, symmetry, ghosts, liveness: _ } =
        paper;
    let paper = [
        ("--txns", txns.is_some(), Some("--requests")),
        ("--epochs", epochs.is_some(), Some("--rounds")),
        ("--failures", failures.is_some(), None),
        ("--restarts", restarts.is_some(), Some("--crashes")),
        ("--reading", !reading.is_empty(), None),
        ("--symmetry", *symmetry, None),
        ("--ghosts", *ghosts, None),
    ];
    let given = match family {
        args::Family::Zookeeper => paper.iter().find(|(_, given, _)| *given),
        args::Family::Paper => zookeeper.iter().find(|(_, given, _)| *given),
    };
    given.map(|(flag, _, instead)| (*flag, *instead))
}

fn zookeeper(args: &Bounds) -> Result<Largest, String> {
    let bounds = explore::Bounds {
        servers: args.servers.unwrap_or(3),
        observers: args.observers.unwrap_or(0),
        requests: args.requests.unwrap_or(1),
        crashes: args.crashes.unwrap_or(0),
        kills: args.kills.unwrap_or(0),
        lost_disks: args.lost_disks.unwrap_or(0),
        failed_appends: args.failed_appends.unwrap_or(0),
        timeouts: args.timeouts.unwrap_or(0),
        disconnects: args.disconnects.unwrap_or(0),
        rounds: args.rounds.unwrap_or(1),
        resends: args.resends.unwrap_or(0),
        election: match args.election {
            None | Some(Election::Oracle) => explore::Election::Oracle,
            Some(Election::Anybody) => explore::Election::Anybody,
            Some(Election::Fle) => explore::Election::Fle,
            Some(Election::FleOnly) => explore::Election::FleOnly,
        },
    };
    let window = args.window.map_or(zab_model::WINDOW_DEFAULT, usize::from);
    // The flags keep all other limits.
    Largest::sized(bounds, window).ok_or_else(|| {
        let (voters, observers) = (bounds.servers, bounds.observers);
        let members = u16::from(voters) + u16::from(observers);
        format!(
            "--servers {voters} and --observers {observers} are {members} servers, and --model zookeeper \
             has room for {} (hint: fewer of either)",
            explore::SERVERS_MAX
        )
    })
}

fn published(args: &Bounds, paper: &PaperBounds) -> Result<PaperRun, String> {
    let (epochs, unlimited) = match (paper.failures, paper.epochs) {
        (None, None) => (None, None),
        (None, Some(Epochs::UpTo(epochs))) => (Some(epochs), None),
        (None, Some(Epochs::Any)) => {
            return Err(
                "--epochs any is for --failures unlimited: with a bound on failures an epoch \
                        is one more than the greatest heard"
                    .to_owned(),
            );
        }
        (Some(Failures::Unlimited), None) => (None, Some(paper::Epochs::Next)),
        (Some(Failures::Unlimited), Some(Epochs::Any)) => (None, Some(paper::Epochs::Any)),
        (Some(Failures::Unlimited), Some(Epochs::UpTo(epochs))) => {
            return Err(format!(
                "--failures unlimited has no bound on epochs, but --epochs {epochs} is one (hint: \
                 leave one of them out)"
            ));
        }
    };
    let bounds = paper::Bounds {
        servers: args.servers.unwrap_or(2),
        txns: paper.txns.unwrap_or(1),
        epochs,
        timeouts: args.timeouts.unwrap_or(0),
        restarts: paper.restarts.unwrap_or(0),
    };
    bounds.fit(usize::from(bounds.servers), usize::from(paper::TXNS_MAX)).map_err(|error| {
        format!("{error} (hint: fewer of --timeouts and --restarts, or --failures unlimited)")
    })?;
    let needed = bounds.requests_max();
    if paper.ghosts && needed > GHOSTS {
        return Err(format!(
            "--ghosts: there may be {needed} requests within these bounds, but {GHOSTS} are \
             remembered (hint: fewer of --servers, --txns, --timeouts and --restarts)"
        ));
    }
    let rules = Rules { variant: variant(&paper.reading)?, ..Rules::new(bounds) };
    let PaperBounds { symmetry, ghosts, liveness, .. } = *paper;
    Ok(PaperRun { rules, symmetry, ghosts, liveness, unlimited })
}

/// All of these readings at once.
fn variant(names: &[String]) -> Result<Variant, String> {
    let readings = || names.iter().filter_map(|name| paper::reading(name));
    let all = readings().fold(Variant::default(), Variant::read);
    // A reading that a later one has replaced would change something again.
    match readings().find(|reading| all.read(reading) != all) {
        None => Ok(all),
        Some(reading) => Err(format!(
            "--reading {} excludes another one that is given: of {} only one can be",
            reading.name,
            names.join(", ")
        )),
    }
}

/// What was not given, and what is likely to be missing: as lines.
pub(crate) fn defaults(
    exploration: &Exploration,
    bounds: &Bounds,
    paper: &PaperBounds,
) -> Vec<String> {
    let (all, hint) = match &exploration.family {
        Family::Zookeeper(model) => {
            let explore::Bounds { servers, requests, rounds, .. } = model.bounds;
            let all = [
                ("servers", bounds.servers, servers),
                ("requests", bounds.requests, requests),
                ("rounds", bounds.rounds, rounds),
            ];
            (all, no_election_left(model.bounds.election, bounds))
        }
        Family::Paper(run) => {
            let paper::Bounds { servers, txns, restarts, .. } = run.rules.bounds;
            let restarts = if run.unlimited.is_some() { Some(restarts) } else { paper.restarts };
            let all = [
                ("servers", bounds.servers, servers),
                ("txns", paper.txns, txns),
                ("restarts", restarts, 0),
            ];
            (all, None)
        }
    };
    let missing = all.into_iter().filter(|(_, given, _)| given.is_none());
    let missing: Vec<String> = missing.map(|(name, _, by)| format!("--{name} {by}")).collect();
    let line =
        (!missing.is_empty()).then(|| format!("not given, so by default: {}", missing.join(" ")));
    line.into_iter().chain(hint).collect()
}

/// A fault after the only election is a fault that nobody recovers from.
fn no_election_left(election: explore::Election, bounds: &Bounds) -> Option<String> {
    let faults = [bounds.crashes, bounds.timeouts, bounds.disconnects].into_iter().flatten();
    let faults = faults.fold(0_u8, u8::saturating_add);
    let (first, each) = match election {
        explore::Election::Oracle | explore::Election::Anybody => ("1 election", 1),
        explore::Election::Fle | explore::Election::FleOnly => ("1 return to LOOKING", 0),
    };
    let enough = faults.saturating_add(each);
    (bounds.rounds.is_none() && faults > 0 && enough > 1).then(|| {
        format!(
            "hint: within {first} not every fault is followed by an election; --rounds {enough} \
             has room for one after each"
        )
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::{Cli, Command};
    use crate::look;

    /// The command that looks at an exploration means the bounds that it was asked for with.
    #[test]
    fn what_is_looked_at_is_what_was_explored() {
        let asked = [
            "--requests 2 --crashes 1 --rounds 2 --timeouts 1 --disconnects 1",
            "--election fle-only --resends 1 --requests 0 --servers 2 --window 1",
            "--model paper --servers 3 --txns 2 --epochs 2 --timeouts 1 --restarts 1 --ghosts \
             --reading epoch-first --reading late-ack-ld-commits",
            "--profile 3.9.3,acks_of_cut=withdrawn --grain threads",
            "--servers 2 --observers 2 --requests 1",
        ];
        for flags in asked {
            let understood = |line: &str| match Cli::try_parse_from(line.split_whitespace()) {
                Ok(Cli { command: Command::Explore(args), .. }) => {
                    let asked =
                        exploration(args.model, &args.bounds, &args.paper).expect("it fits");
                    let mut all = vec![asked];
                    follow(args.profile, args.grain, &mut all).expect("it is the family");
                    all.remove(0)
                }
                other => panic!("{line}: {other:?}"),
            };
            let first = understood(&format!("zabcheck explore {flags}"));
            let again = understood(&look::command(&first));
            assert_eq!(again.family.to_string(), first.family.to_string());
        }
    }

    #[test]
    fn readings_that_exclude_each_other_are_refused() {
        let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        for pair in [["history-first", "epoch-first"], ["epoch-first", "history-first"]] {
            let refused = variant(&names(&pair)).expect_err("only one can be");
            assert!(refused.contains("only one can be"), "{refused}");
        }
        for fine in [&["epoch-first", "restart-is-timeout"][..], &["epoch-first", "epoch-first"]] {
            assert!(variant(&names(fine)).is_ok());
        }
    }
}
