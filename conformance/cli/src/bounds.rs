//! From the flags of single bounds to what is explored.

use zab_model::Profile;
use zab_model::explore::{self, SERVERS_MAX, TXNS_MAX, Zab};
use zab_paper::{self as paper, Rules, Variant};
use zab_presets::{Exploration, Family, PaperRun};

use crate::args::{self, Bounds, Election, Epochs, Failures, PaperBounds};
use crate::look::CUSTOM;

/// Whether any bound was given.
pub(crate) fn any(bounds: &Bounds, paper: &PaperBounds) -> bool {
    *bounds != Bounds::default() || *paper != PaperBounds::default()
}

/// The exploration that single bounds ask for.
///
/// # Errors
/// When a flag is of the other family, or the family has no room for the bounds; in words.
pub(crate) fn exploration(
    family: args::Family,
    bounds: &Bounds,
    paper: &PaperBounds,
) -> Result<Exploration, String> {
    if let Some(flag) = foreign(family, bounds, paper) {
        let instead = match flag {
            "--requests" => "; there it is --txns",
            "--txns" => "; there it is --requests",
            "--crashes" => "; there it is --restarts",
            "--restarts" => "; there it is --crashes",
            _ => "",
        };
        return Err(format!(
            "{flag} is not for --model {}{instead}; `zabcheck check --help` lists the flags",
            family.name()
        ));
    }
    let family = match family {
        args::Family::Zookeeper => Family::Zookeeper(zookeeper(bounds)?),
        args::Family::Paper => Family::Paper(published(bounds, paper)?),
    };
    Ok(Exploration { name: CUSTOM, covers: "the bounds given", family })
}

/// Lets servers of the family `zookeeper` follow a profile; explorations of the other are dropped.
///
/// # Errors
/// When none is left; in words.
pub(crate) fn follow(profile: &Profile, explorations: &mut Vec<Exploration>) -> Result<(), String> {
    explorations.retain_mut(|exploration| {
        if let Family::Zookeeper(model) = &mut exploration.family {
            model.ensemble.profile = *profile;
            return true;
        }
        false
    });
    if explorations.is_empty() {
        return Err("--profile is for --model zookeeper".to_owned());
    }
    Ok(())
}

/// A flag that was given and means nothing for the family that was asked for.
fn foreign(family: args::Family, bounds: &Bounds, paper: &PaperBounds) -> Option<&'static str> {
    let Bounds { servers: _, timeouts: _, requests, crashes, disconnects, rounds, resends, .. } =
        bounds;
    let zookeeper = [
        ("--requests", requests.is_some()),
        ("--crashes", crashes.is_some()),
        ("--disconnects", disconnects.is_some()),
        ("--rounds", rounds.is_some()),
        ("--resends", resends.is_some()),
        ("--election", bounds.election.is_some()),
        ("--window", bounds.window.is_some()),
    ];
    let PaperBounds { txns, epochs, failures, restarts, reading, symmetry, ghosts, liveness } =
        paper;
    let paper = [
        ("--txns", txns.is_some()),
        ("--epochs", epochs.is_some()),
        ("--failures", failures.is_some()),
        ("--restarts", restarts.is_some()),
        ("--reading", !reading.is_empty()),
        ("--symmetry", *symmetry),
        ("--ghosts", *ghosts),
        ("--liveness", *liveness),
    ];
    let given = match family {
        args::Family::Zookeeper => paper.iter().find(|(_, given)| *given),
        args::Family::Paper => zookeeper.iter().find(|(_, given)| *given),
    };
    given.map(|(flag, _)| *flag)
}

fn zookeeper(args: &Bounds) -> Result<Zab, String> {
    let bounds = explore::Bounds {
        servers: args.servers.unwrap_or(3),
        requests: args.requests.unwrap_or(1),
        crashes: args.crashes.unwrap_or(0),
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
    let model = Zab::new(bounds, window).filter(|_| window > 0 && bounds.servers > 1);
    model.ok_or_else(|| {
        let expected = if !(2..=SERVERS_MAX).contains(&usize::from(bounds.servers)) {
            format!("--servers: expected 2 to {SERVERS_MAX} (--model paper takes 2 to 5)")
        } else if usize::from(bounds.requests) > TXNS_MAX {
            format!("--requests: expected at most {TXNS_MAX}")
        } else if window == 0 {
            "--window: expected at least 1".to_owned()
        } else {
            "give smaller ones".to_owned()
        };
        format!("model zookeeper has no room for these bounds ({bounds}); {expected}")
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
    let named = paper.reading.iter().filter_map(|name| paper::reading(name));
    let variant = named.fold(Variant::default(), Variant::read);
    let rules = Rules { variant, ..Rules::new(bounds) };
    let PaperBounds { symmetry, ghosts, liveness, .. } = *paper;
    Ok(PaperRun { rules, symmetry, ghosts, liveness, unlimited })
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
        ];
        for flags in asked {
            let understood = |line: &str| match Cli::try_parse_from(line.split_whitespace()) {
                Ok(Cli { command: Command::Explore(args), .. }) => {
                    exploration(args.model, &args.bounds, &args.paper).expect("it fits")
                }
                other => panic!("{line}: {other:?}"),
            };
            let first = understood(&format!("zabcheck explore {flags}"));
            let again = understood(&look::command(&first));
            assert_eq!(again.family.to_string(), first.family.to_string());
        }
    }
}
