//! `zabcheck check`.

use serde_json::{Value, json};
use zab_presets::{Exploration, Outcome, Preset};

use crate::args::{self, Check};
use crate::baseline::{Baseline, Compared};
use crate::bounds;
use crate::exit::{self, Exit};
use crate::exploring::explore;
use crate::interrupt;
use crate::listing;
use crate::out;
use crate::report::{can_write, model, table, write_json};

/// Explores, tells what was found, and says how it ended.
pub(crate) fn run(args: &Check) -> Exit {
    if args.list {
        listing::print();
        let json = args.json.as_deref();
        return json.map_or(Exit::Good, |path| write_json(path, &listing::json()));
    }
    match prepare(args) {
        Ok(asked) => asked.run(),
        Err(message) => refuse(&message),
    }
}

/// What is to be done; nothing of it will turn out to be impossible for want of a file.
struct Asked<'a> {
    args: &'a Check,
    explorations: Vec<Exploration>,
    /// Unless single bounds were given.
    preset: Option<Preset>,
    baseline: Option<Baseline<'a>>,
}

fn prepare(args: &Check) -> Result<Asked<'_>, String> {
    let mut preset = None;
    let explorations = if bounds::any(&args.bounds, &args.paper) {
        let family = args.model.unwrap_or(args::Family::Zookeeper);
        vec![bounds::exploration(family, &args.bounds, &args.paper)?]
    } else {
        let named = args.preset.map_or(Preset::Quick, Preset::from);
        preset = Some(named);
        let wanted = args.model.map(args::Family::name);
        let mut explorations = named.explorations();
        explorations.retain(|e| wanted.is_none_or(|family| e.family.name() == family));
        explorations
    };
    args.json.as_deref().map_or(Ok(()), can_write)?;
    let baseline = args.baseline.as_deref().map(|path| Baseline::open(path, &explorations));
    let baseline = baseline.transpose().map_err(|error| error.to_string())?;
    Ok(Asked { args, explorations, preset, baseline })
}

fn refuse(message: &str) -> Exit {
    out::error(message);
    Exit::Usage
}

impl Asked<'_> {
    fn run(self) -> Exit {
        let (mut outcomes, mut refused) = (Vec::new(), Exit::Good);
        for exploration in &self.explorations {
            if interrupt::asked() {
                break;
            }
            match explore(exploration, &self.args.limits) {
                Ok(mut outcome) => {
                    if self.args.deadlock {
                        outcome.judge_deadlocks();
                    }
                    outcomes.push(outcome);
                }
                Err(error) => {
                    refused = refuse(&format!("{}: {error}", exploration.name));
                    break;
                }
            }
        }
        let missing = self.explorations.len() - outcomes.len();
        let value = match (self.preset, outcomes.as_slice()) {
            (None, [outcome]) => {
                model::print(outcome);
                model::json(outcome)
            }
            (None, _) => return refused,
            (Some(preset), _) => {
                model::print_all(&outcomes);
                let values: Vec<Value> = outcomes.iter().map(model::json).collect();
                json!({"preset": preset.name(), "missing": missing, "explorations": values})
            }
        };
        if missing > 0 {
            out::line(format_args!("{missing} explorations of the preset have no result"));
        }
        self.finish(&outcomes, &value).and(refused)
    }

    /// Writes and compares what was asked for, and says how it all ended.
    fn finish(self, outcomes: &[Outcome], value: &Value) -> Exit {
        let seen_all = outcomes.len() == self.explorations.len();
        let complete = seen_all && outcomes.iter().all(Outcome::complete);
        let exit =
            outcomes.iter().map(|outcome| exit::of(outcome.ending())).fold(Exit::Good, Exit::and);
        let exit = if seen_all { exit } else { exit.and(Exit::Unknown) };
        let written = self.args.json.as_deref().map_or(Exit::Good, |path| write_json(path, value));
        let compared = match self.baseline {
            None => Exit::Good,
            Some(baseline) if complete => compare(baseline, outcomes),
            Some(_) => {
                out::error("an incomplete run has no counts to compare: baseline left alone");
                Exit::Unknown
            }
        };
        exit.and(written).and(compared)
    }
}

fn compare(baseline: Baseline<'_>, outcomes: &[Outcome]) -> Exit {
    let path = baseline.path();
    match baseline.settle(outcomes) {
        Ok(Compared::Written) => {
            out::line(format_args!("baseline written to {}", path.display()));
            Exit::Good
        }
        Ok(Compared::Same) => {
            out::line(format_args!("counts are those of the baseline {}", path.display()));
            Exit::Good
        }
        Ok(Compared::Drift(rows)) => {
            out::line(format_args!("counts differ from the baseline {}:", path.display()));
            out::line(table(["exploration", "count", "baseline", "now"], rows));
            Exit::Bad
        }
        Err(error) => refuse(&error.to_string()),
    }
}
