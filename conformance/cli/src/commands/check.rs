//! `zabcheck check`.

use serde_json::{Value, json};
use zab_model::presets::{Exploration, Preset};

use crate::args::{self, Check};
use crate::baseline::{self, Compared};
use crate::bounds;
use crate::exit::Exit;
use crate::exploring::explore;
use crate::interrupt;
use crate::listing;
use crate::report::outcome::Outcome;
use crate::report::{model, table, write_json};

/// Explores, tells what was found, and says how it ended.
pub(crate) fn run(args: &Check) -> Exit {
    if args.list {
        listing::print();
        let json = args.json.as_deref();
        return json.map_or(Exit::Good, |path| write_json(path, &listing::json()));
    }
    if bounds::any(&args.bounds, &args.paper) {
        let family = args.model.unwrap_or(args::Family::Zookeeper);
        match bounds::exploration(family, &args.bounds, &args.paper) {
            Ok(exploration) => single(args, &exploration),
            Err(message) => refuse(&message),
        }
    } else {
        let preset = args.preset.map_or(Preset::Quick, Preset::from);
        several(args, preset)
    }
}

fn refuse(message: &str) -> Exit {
    eprintln!("zabcheck: {message}");
    Exit::Usage
}

fn single(args: &Check, exploration: &Exploration) -> Exit {
    match explore(exploration, &args.limits) {
        Ok(outcome) => {
            model::print(&outcome);
            let value = model::json(&outcome);
            finish(args, &[outcome], &value)
        }
        Err(error) => refuse(&error.to_string()),
    }
}

fn several(args: &Check, preset: Preset) -> Exit {
    let mut explorations = preset.explorations();
    if let Some(family) = args.model {
        explorations.retain(|exploration| exploration.family.name() == family.name());
    }
    let mut outcomes = Vec::new();
    for exploration in &explorations {
        if interrupt::asked() {
            break;
        }
        match explore(exploration, &args.limits) {
            Ok(outcome) => outcomes.push(outcome),
            Err(error) => return refuse(&format!("{}: {error}", exploration.name)),
        }
    }
    model::print_all(&outcomes);
    let missing = explorations.len() - outcomes.len();
    if missing > 0 {
        println!("interrupted: {missing} explorations of the preset were not begun");
    }
    let values: Vec<Value> = outcomes.iter().map(model::json).collect();
    let value = json!({"preset": preset.name(), "not_begun": missing, "explorations": values});
    let exit = finish(args, &outcomes, &value);
    if missing > 0 { exit.and(Exit::Unknown) } else { exit }
}

/// Writes and compares what was asked for, and says how it all ended.
fn finish(args: &Check, outcomes: &[Outcome], value: &Value) -> Exit {
    let exit = outcomes.iter().map(Outcome::exit).fold(Exit::Good, Exit::and);
    let written = args.json.as_deref().map_or(Exit::Good, |path| write_json(path, value));
    let compared = match &args.baseline {
        None => Exit::Good,
        Some(_) if interrupt::asked() || !outcomes.iter().all(Outcome::complete) => {
            eprintln!("zabcheck: an incomplete run has no counts to compare: baseline left alone");
            Exit::Unknown
        }
        Some(path) => match baseline::compare(path, outcomes) {
            Ok(Compared::Written) => {
                println!("baseline written to {}", path.display());
                Exit::Good
            }
            Ok(Compared::Same) => {
                println!("counts are those of the baseline {}", path.display());
                Exit::Good
            }
            Ok(Compared::Drift(rows)) => {
                println!("counts differ from the baseline {}:", path.display());
                println!("{}", table(["exploration", "count", "baseline", "now"], rows));
                Exit::Bad
            }
            Err(error) => refuse(&error.to_string()),
        },
    };
    exit.and(written).and(compared)
}
