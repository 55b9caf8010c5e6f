//! `zabcheck check`.

mod walking;

use serde_json::{Value, json};
use zab_model::Profile;
use zab_presets::{Ending, Exploration, Outcome, Preset, Property};
use zab_view::Run;

use crate::args::{self, Check};
use crate::baseline::{Baseline, Compared};
use crate::bounds;
use crate::exit::{self, Exit};
use crate::exploring::explore;
use crate::export::Export;
use crate::interrupt;
use crate::listing;
use crate::out;
use crate::report::certificate::Certificate;
use crate::report::ci;
use crate::report::counterexample::violated;
use crate::report::{can_write, exploration, model, table, write_json};

/// Explores, tells what was found, and says how it ended.
pub(crate) fn run(args: &Check) -> Exit {
    if args.list {
        listing::print();
        return write_json(args.json.as_deref(), "check --list", listing::json());
    }
    let (explorations, preset) = match explorations(args) {
        Ok(asked) => asked,
        Err(why) => return out::usage(&args::conflict("check", &why)),
    };
    match (prepare(args, explorations, preset), args.walks.walks) {
        (Ok(asked), None) => asked.run(),
        (Ok(asked), Some(walks)) => asked.walk(walks),
        (Err(message), _) => refuse(&message),
    }
}

/// What is to be explored, and the preset that it is.
fn explorations(args: &Check) -> Result<(Vec<Exploration>, Option<Preset>), String> {
    let (mut explorations, preset) = if bounds::any(&args.bounds, &args.paper) {
        let family = args.model.unwrap_or(args::Family::Zookeeper);
        (vec![bounds::exploration(family, &args.bounds, &args.paper)?], None)
    } else {
        let named = args.preset.map_or(Preset::Quick, Preset::from);
        let wanted = args.model.map(args::Family::name);
        let mut explorations = named.explorations();
        explorations.retain(|e| wanted.is_none_or(|family| e.family.name() == family));
        (explorations, Some(named))
    };
    bounds::follow(args.profile, args.grain, &mut explorations)?;
    Ok((explorations, preset))
}

/// What is to be done; nothing of it will turn out to be impossible for want of a file.
struct Asked<'a> {
    args: &'a Check,
    explorations: Vec<Exploration>,
    /// Unless single bounds were given.
    preset: Option<Preset>,
    baseline: Option<Baseline<'a>>,
    certificate: Option<Certificate>,
}

fn prepare(
    args: &Check,
    explorations: Vec<Exploration>,
    preset: Option<Preset>,
) -> Result<Asked<'_>, String> {
    if preset.is_some() && (args.files.spill.is_some() || args.files.checkpoint.is_some()) {
        return Err("--spill and --checkpoint are for one exploration, whose bounds are given; a \
                    preset has several"
            .to_owned());
    }
    let certificate = args.files.certificate.as_deref();
    if certificate.is_some() && !explorations.iter().all(|one| one.family.is_unlimited()) {
        return Err(
            "--certificate is for --failures unlimited: only such a set is closed".to_owned()
        );
    }
    let certificate =
        certificate.map(|path| Certificate::begin(path, &explorations[0])).transpose()?;
    args.json.as_deref().map_or(Ok(()), can_write)?;
    args.export.as_ref().map_or(Ok(()), Export::can_write)?;
    ci::can_write(&args.reports)?;
    let open = |path| match args.write_baseline {
        true => can_write(path).map(|()| Baseline::new(path)),
        false => Baseline::open(path, &explorations).map_err(|error| error.to_string()),
    };
    let baseline = args.baseline.as_deref().map(open).transpose()?;
    if let (None, [exploration]) = (preset, explorations.as_slice()) {
        bounds::defaults(exploration, &args.bounds, &args.paper).iter().for_each(out::line);
    }
    Ok(Asked { args, explorations, preset, baseline, certificate })
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
            let certificate = self.certificate.as_ref();
            match explore(exploration, &self.args.limits, &self.args.files, certificate) {
                Ok(mut outcome) => {
                    if self.args.deadlock {
                        outcome.judge_deadlocks();
                    }
                    let violated = outcome.ending() == Ending::Violated;
                    outcomes.push(outcome);
                    if violated && self.args.limits.stop_when_violated {
                        break;
                    }
                }
                Err(error) => {
                    let name = self.preset.map(|_| format!("{}: ", exploration.name));
                    refused = refuse(&format!("{}{error}", name.unwrap_or_default()));
                    break;
                }
            }
        }
        let missing = self.explorations.len() - outcomes.len();
        let value = match (self.preset, outcomes.as_slice()) {
            (None, [outcome]) => {
                model::print(&self.explorations[0], outcome);
                model::json(&self.explorations[0], outcome)
            }
            (None, _) => return refused,
            (Some(preset), _) => {
                model::print_all(&self.explorations, &outcomes);
                let pairs = self.explorations.iter().zip(&outcomes);
                let values: Vec<Value> =
                    pairs.map(|(e, outcome)| model::json(e, outcome)).collect();
                json!({"preset": preset.name(), "missing": missing, "explorations": values})
            }
        };
        if self.args.profile.is_some_and(|profile| profile != Profile::FIXED) {
            out::line("what releases do beyond this model: `zabcheck profiles`");
        }
        if missing > 0 {
            out::line(format_args!("{missing} explorations of the preset have no result"));
        }
        self.finish(&outcomes, value).and(refused)
    }

    /// Writes the shortest run that violates a property.
    fn export<'a>(
        &self,
        explorations: impl Iterator<Item = (&'a Exploration, &'a [Property])>,
    ) -> Exit {
        let Some(export) = &self.args.export else { return Exit::Good };
        let found = explorations.flat_map(|(exploration, properties)| {
            let violated = violated(properties);
            let runs = violated.filter_map(|property| Some((property, property.run.as_ref()?)));
            runs.map(move |(property, run)| Found { exploration, property, run })
        });
        let Some(Found { exploration, property, run }) =
            found.min_by_key(|found| found.run.steps.len())
        else {
            out::line(format_args!("nothing is violated: {} is not written", export.name()));
            return Exit::Good;
        };
        let title = property.title();
        let exit = export.write(exploration, run, &title);
        if exit == Exit::Good {
            out::line(format_args!("{}: {title}", export.name()));
        }
        exit
    }

    /// Writes and compares what was asked for, and says how it all ended.
    fn finish(self, outcomes: &[Outcome], value: Value) -> Exit {
        let seen_all = outcomes.len() == self.explorations.len();
        let complete = seen_all && outcomes.iter().all(Outcome::complete);
        let exit =
            outcomes.iter().map(|outcome| exit::of(outcome.ending())).fold(Exit::Good, Exit::and);
        let exit = if seen_all { exit } else { exit.and(Exit::Unknown) };
        let cases: Vec<_> = outcomes.iter().flat_map(exploration::cases).collect();
        let written = write_json(self.args.json.as_deref(), "check", value);
        let reported = ci::write(&self.args.reports, "check", &cases);
        let properties = outcomes.iter().map(|outcome| outcome.properties.as_slice());
        let exported = self.export(self.explorations.iter().zip(properties));
        let written = written.and(reported).and(exported);
        let certified = self.certificate.zip(outcomes.first());
        let written = written.and(
            certified.map_or(Exit::Good, |(certificate, outcome)| certificate.finish(outcome)),
        );
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

/// A run that violates a property of an exploration.
struct Found<'a> {
    exploration: &'a Exploration,
    property: &'a Property,
    run: &'a Run,
}

fn compare(baseline: Baseline<'_>, outcomes: &[Outcome]) -> Exit {
    let path = baseline.path();
    match baseline.settle(outcomes) {
        Compared::Written(exit) => {
            if exit == Exit::Good {
                out::line(format_args!("baseline written to {}", path.display()));
            }
            exit
        }
        Compared::Same => {
            out::line(format_args!("counts are those of the baseline {}", path.display()));
            Exit::Good
        }
        Compared::Drift(rows) => {
            out::line(format_args!("counts differ from the baseline {}:", path.display()));
            out::line(table(["exploration", "count", "baseline", "now"], rows));
            Exit::Bad
        }
    }
}
