//! `zabcheck check --walks`: a sample of runs where there are too many to see them all.

use serde_json::json;
use zab_explorer::WalkOptions;
use zab_presets::Ending;

use super::{Asked, refuse};
use crate::exit::{self, Exit};
use crate::interrupt;
use crate::out;
use crate::report::ci;
use crate::report::progress::Progress;
use crate::report::walks::{self, Walked};
use crate::report::write_json;

/// Steps after which a walk ends, unless `--depth-max` says otherwise.
const STEPS_MAX: u64 = 1_000;

impl Asked<'_> {
    /// Walks through each exploration, tells what was found, and says how it ended: never that
    /// something holds.
    pub(super) fn walk(&self, walks_max: u64) -> Exit {
        let limits = &self.args.limits;
        let options = WalkOptions {
            seed: self.args.walks.seed.unwrap_or(0),
            walks_max,
            steps_max: limits.depth_max.unwrap_or(STEPS_MAX),
            time_max: limits.time_max(),
            stop_when_violated: limits.stop_when_violated,
            stop: Some(interrupt::flag()),
        };
        let (mut all, mut refused) = (Vec::new(), Exit::Good);
        for exploration in &self.explorations {
            if interrupt::asked() {
                break;
            }
            let name = exploration.name;
            if self.preset.is_some() && exploration.family.is_unlimited() {
                out::line(format_args!("{name} is left out: walks need a bound on failures\n"));
                continue;
            }
            let progress = Progress::start(&format!("walking {name}"));
            let mut tell = |walks, steps| {
                progress.say(format!("{walks} of {walks_max} walks, {steps} steps"));
            };
            let walks = exploration.walk(&options, &mut tell);
            drop(progress);
            match walks {
                Ok(mut walks) => {
                    if self.args.deadlock {
                        walks.judge_deadlocks();
                    }
                    let walked = Walked { exploration, options, walks };
                    walks::print(&walked);
                    if self.preset.is_some() {
                        out::line("");
                    }
                    let violated = walked.walks.violated();
                    all.push(walked);
                    if violated && limits.stop_when_violated {
                        break;
                    }
                }
                Err(error) => {
                    refused = refuse(&format!("{name}: {error}"));
                    break;
                }
            }
        }
        let found = all.iter().map(|walked| exit::of(walked.ending()));
        // What was not looked at is as little known as what a walk has not met.
        let exit = found.fold(Exit::Unknown, Exit::and).and(refused);
        if self.preset.is_some() {
            let violated = all.iter().filter(|walked| walked.ending() == Ending::Violated).count();
            let all = self.explorations.len();
            out::line(format_args!(
                "{violated} of {all} explorations have a walk that violates a property"
            ));
        }
        self.report(&all, exit)
    }

    fn report(&self, all: &[Walked<'_>], exit: Exit) -> Exit {
        let explorations: Vec<_> = all.iter().map(walks::json).collect();
        let missing = self.explorations.len() - all.len();
        if missing > 0 {
            out::line(format_args!("explorations that were not walked: {missing}"));
        }
        let value = json!({
            "preset": self.preset.map(zab_presets::Preset::name),
            "missing": missing,
            "explorations": explorations,
        });
        let cases: Vec<_> = all.iter().flat_map(walks::cases).collect();
        let found =
            all.iter().map(|walked| (walked.exploration, walked.walks.properties.as_slice()));
        exit.and(write_json(self.args.json.as_deref(), "check --walks", value))
            .and(ci::write(&self.args.reports, "check", &cases))
            .and(self.export(found))
    }
}
