//! `zabcheck verify`: the main job, in one command.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use zab_check::{Options, Verdict};
use zab_ensemble::{BinaryError, RecordError, Recording, Scenario, left_a_run};
use zab_presets::{Ending, Preset};

use super::record::{self, exit_of};
use crate::args::{Files, Limits, Verify};
use crate::exit::{self, Exit};
use crate::exploring;
use crate::interrupt;
use crate::out;
use crate::report::ci;
use crate::report::ci::{Case, Finding, State};
use crate::report::progress::Progress;
use crate::report::{can_write, conformance, exploration, model, write_json};

/// The scenario that is run on real servers.
const SCENARIO: &str = "leader-kill";

/// How long any wait may take; no machine is so slow.
const WAIT_MAX: Duration = Duration::from_secs(300);

/// What was found, for programs.
#[derive(Default)]
struct Found {
    explorations: Vec<Value>,
    recorded: Value,
    trace: Value,
    cases: Vec<Case>,
}

/// Explores the model, records a run of real servers and checks it; tells each verdict when it is
/// known, and how all of it ended.
pub(crate) fn run(args: &Verify) -> Exit {
    if let Err(why) = can_begin(args) {
        out::error(why);
        return Exit::Usage;
    }
    let mut found = Found::default();
    let mut exit = explore(&mut found);
    if interrupt::asked() {
        out::line("INCOMPLETE  interrupted: what is not listed was not looked at");
        exit = exit.and(Exit::Unknown);
    } else {
        let (recorded, kept) = record_and_check(args, &mut found);
        if let Some(folder) = kept {
            out::line(format_args!("the recorded run is in {}", folder.display()));
        }
        exit = exit.and(recorded);
    }
    if exit == Exit::Good {
        out::line("verified, within the bounds above");
    }
    let value = json!({
        "verified": exit == Exit::Good,
        "interrupted": interrupt::asked(),
        "explorations": found.explorations,
        "recorded": found.recorded,
        "trace": found.trace,
    });
    exit.and(write_json(args.json.as_deref(), "verify", value)).and(ci::write(
        &args.reports,
        "verify",
        &found.cases,
    ))
}

/// Whether there is room for what is asked for: nobody is to wait for an exploration first.
fn can_begin(args: &Verify) -> Result<(), String> {
    args.json.as_deref().map_or(Ok(()), can_write)?;
    ci::can_write(&args.reports)?;
    args.out.as_deref().map_or(Ok(()), record::can_use)
}

/// Tells what was looked at, the verdict, and how far it goes.
fn tell(verdict: &str, what: &str, far: &str) {
    out::line(format_args!("{verdict:<12}{what}\n{:12}{far}", ""));
}

impl Found {
    /// What failed, or could not be looked at.
    fn fail(&mut self, what: &str, why: &str, exit: Exit) {
        self.cases.push(Case {
            suite: "verify".to_owned(),
            name: what.to_owned(),
            state: State::of(exit),
            findings: vec![Finding::error("failed", why)],
        });
    }
}

fn explore(found: &mut Found) -> Exit {
    let mut exit = Exit::Good;
    for planned in Preset::Quick.explorations() {
        if interrupt::asked() {
            return exit.and(Exit::Unknown);
        }
        let what = format!("model {}: {}", planned.family.name(), planned.covers);
        match exploring::explore(&planned, &Limits::default(), &Files::default(), None) {
            Ok(outcome) => {
                found.explorations.push(model::json(&planned, &outcome));
                found.cases.extend(exploration::cases(&outcome));
                let ending = outcome.ending();
                if ending != Ending::Holds {
                    model::print(&planned, &outcome);
                }
                let (states, depth) = (outcome.counts.distinct, outcome.counts.depth);
                let far = format!("{states} states, depth {depth}, {:.1} s", outcome.seconds);
                tell(ending.word(), &what, &far);
                exit = exit.and(exit::of(ending));
            }
            Err(error) => {
                tell("FAILED", &what, &error.to_string());
                found.fail(planned.name, &error.to_string(), Exit::Usage);
                exit = exit.and(Exit::Usage);
            }
        }
    }
    exit
}

/// Records and checks the scenario; the second value is the run's folder if it is left behind.
fn record_and_check(args: &Verify, found: &mut Found) -> (Exit, Option<PathBuf>) {
    let what = format!("real servers: {SCENARIO}");
    let failed = |found: &mut Found, exit, why: &str| {
        tell("FAILED", &what, why);
        found.fail(&what, why, exit);
        (exit, None)
    };
    let Some(scenario) = Scenario::named(SCENARIO) else {
        return failed(found, Exit::Usage, "no such scenario");
    };
    let server = match record::find_server() {
        Ok(server) => server,
        Err(BinaryError::Interrupted) => {
            tell("INCOMPLETE", &what, &BinaryError::Interrupted.to_string());
            return (Exit::Unknown, None);
        }
        Err(error) => return failed(found, Exit::Usage, &error.to_string()),
    };
    out::line(format_args!("server: {}", server.origin()));
    let temporary = match tempfile::tempdir() {
        Ok(folder) => folder,
        Err(error) => return failed(found, Exit::Usage, &format!("no temporary folder: {error}")),
    };
    let stop = interrupt::flag_with_servers();
    let out = args.out.clone().unwrap_or_else(|| temporary.path().join("run"));
    let progress = Progress::start(&format!("recording {SCENARIO}"));
    let recorded = Recording { target: &server, servers: 3, scenario, wait_max: WAIT_MAX, stop };
    let recorded = recorded.run(&out);
    drop(progress);
    let left_a_run = left_a_run(&recorded, &out);
    found.recorded = record::to_json(&out, &recorded, None);
    let recorded = match recorded {
        Ok(run) => {
            let far = format!("{} events of {} incarnations", run.events, run.incarnations);
            tell("recorded", &what, &far);
            found.cases.push(Case {
                suite: "verify".to_owned(),
                name: what.clone(),
                state: State::Passed,
                findings: Vec::new(),
            });
            Exit::Good
        }
        Err(RecordError::Interrupted) => {
            tell("INCOMPLETE", &what, "interrupted while it was recorded");
            Exit::Unknown
        }
        Err(error) => failed(found, exit_of(&error), &error.to_string()).0,
    };
    // A run that failed is checked as well, up to there.
    let checked = if left_a_run { check_run(&out, found) } else { Exit::Good };
    let exit = recorded.and(checked);
    // Nobody has to look into a run that was given up.
    if args.out.is_none() && (exit == Exit::Good || interrupt::asked()) {
        return (exit, None);
    }
    let _kept = temporary.keep();
    (exit, Some(out))
}

fn check_run(folder: &Path, found: &mut Found) -> Exit {
    let progress = Progress::start("checking");
    let outcome = zab_check::check([folder].as_slice(), &Options::default());
    drop(progress);
    let paths = [folder.to_owned()];
    found.trace = conformance::json(&paths, &outcome);
    found.cases.push(conformance::case("trace", &paths, &outcome));
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
