//! `zabcheck verify`: the main job, in one command.

use std::path::{Path, PathBuf};
use std::time::Duration;

use zab_check::{Options, Verdict};
use zab_ensemble::{Recording, Scenario, ZabServer, left_a_run};
use zab_presets::{Ending, Preset};

use super::record::exit_of;
use crate::args::{Limits, Verify};
use crate::exit::{self, Exit};
use crate::exploring;
use crate::interrupt;
use crate::out;
use crate::report::model;
use crate::report::progress::Progress;

/// The scenario that is run on real servers.
const SCENARIO: &str = "leader-kill";

/// How long any wait may take; no machine is so slow.
const WAIT_MAX: Duration = Duration::from_secs(300);

/// Explores the model, records a run of real servers and checks it; tells each verdict when it is
/// known, and how all of it ended.
pub(crate) fn run(args: &Verify) -> Exit {
    let explored = explore();
    if interrupt::asked() {
        out::line("INCOMPLETE  interrupted: what is not listed was not looked at");
        return explored.and(Exit::Unknown);
    }
    let (recorded, kept) = record_and_check(args);
    if let Some(folder) = kept {
        out::line(format_args!("the recorded run is in {}", folder.display()));
    }
    let exit = explored.and(recorded);
    if exit == Exit::Good {
        out::line("verified, within the bounds above");
    }
    exit
}

/// Tells what was looked at, the verdict, and how far it goes.
fn tell(verdict: &str, what: &str, far: &str) {
    out::line(format_args!("{verdict:<12}{what}\n{:12}{far}", ""));
}

fn explore() -> Exit {
    let mut exit = Exit::Good;
    for exploration in Preset::Quick.explorations() {
        if interrupt::asked() {
            return exit.and(Exit::Unknown);
        }
        let what = format!("model {}: {}", exploration.family.name(), exploration.covers);
        match exploring::explore(&exploration, &Limits::default()) {
            Ok(outcome) => {
                let ending = outcome.ending();
                if ending != Ending::Holds {
                    model::print(&exploration, &outcome);
                }
                let (states, depth) = (outcome.counts.distinct, outcome.counts.depth);
                let far = format!("{states} states, depth {depth}, {:.1} s", outcome.seconds);
                tell(ending.word(), &what, &far);
                exit = exit.and(exit::of(ending));
            }
            Err(error) => {
                tell("FAILED", &what, &error.to_string());
                exit = exit.and(Exit::Usage);
            }
        }
    }
    exit
}

/// Records and checks the scenario; the second value is the run's folder if it is left behind.
fn record_and_check(args: &Verify) -> (Exit, Option<PathBuf>) {
    let what = format!("real servers: {SCENARIO}");
    let failed = |exit, why: &str| {
        tell("FAILED", &what, why);
        (exit, None)
    };
    let Some(scenario) = Scenario::named(SCENARIO) else {
        return failed(Exit::Usage, "no such scenario");
    };
    let progress = Progress::start("finding or building zab-server");
    let server = ZabServer::find();
    drop(progress);
    let server = match server {
        Ok(server) => server,
        Err(error) => return failed(Exit::Usage, &error.to_string()),
    };
    out::line(format_args!("server: {}", server.origin()));
    let temporary = match tempfile::tempdir() {
        Ok(folder) => folder,
        Err(error) => return failed(Exit::Usage, &format!("no temporary folder: {error}")),
    };
    let stop = interrupt::flag_with_servers();
    let out = args.out.clone().unwrap_or_else(|| temporary.path().join("run"));
    let progress = Progress::start(&format!("recording {SCENARIO}"));
    let recorded = Recording { target: &server, servers: 3, scenario, wait_max: WAIT_MAX, stop };
    let recorded = recorded.run(&out);
    drop(progress);
    let left_a_run = left_a_run(&recorded, &out);
    let recorded = match recorded {
        Ok(run) => {
            let far = format!("{} events of {} incarnations", run.events, run.incarnations);
            tell("recorded", &what, &far);
            Exit::Good
        }
        Err(error) => failed(exit_of(&error), &error.to_string()).0,
    };
    // A run that failed is checked as well, up to there.
    let checked = if left_a_run { check_run(&out) } else { Exit::Good };
    let exit = recorded.and(checked);
    if exit == Exit::Good && args.out.is_none() {
        return (exit, None);
    }
    let _kept = temporary.keep();
    (exit, Some(out))
}

fn check_run(folder: &Path) -> Exit {
    let progress = Progress::start("checking");
    let outcome = zab_check::check([folder].as_slice(), &Options::default());
    drop(progress);
    let far = if let Verdict::Conforms(summary) = &outcome.verdict {
        format!(
            "{} transactions committed, {} model steps, at most {} candidate states",
            summary.committed, summary.steps, summary.frontier_max
        )
    } else {
        out::line(&outcome.verdict);
        "see above".to_owned()
    };
    tell(outcome.verdict.word(), "its trace against the model", &far);
    outcome.verdict.exit()
}
