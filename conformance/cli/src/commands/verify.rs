//! `zabcheck verify`: the main job, in one command.

use std::path::{Path, PathBuf};

use zab_check::{Options, Verdict};
use zab_ensemble::{Recording, Scenario, ZabServer, left_a_run};
use zab_presets::{Ending, Preset};

use super::record::exit_of;
use crate::args::{Limits, Verify};
use crate::exit::{self, Exit};
use crate::exploring;
use crate::interrupt;
use crate::out;
use crate::report::progress::Progress;
use crate::report::{model, table};

/// The scenario that is run on real servers.
const SCENARIO: &str = "leader-kill";

/// Rows of the final table: what, outcome, how much was looked at.
type Row = [String; 3];

/// Explores the model, records a run of real servers, checks it, and prints one table.
pub(crate) fn run(args: &Verify) -> Exit {
    let mut rows = Vec::new();
    let explored = explore(&mut rows);
    let (recorded, kept) = record_and_check(args, &mut rows);
    out::line(table(["what", "verdict", "how far"], rows));
    if let Some(folder) = kept {
        out::line(format_args!("the recorded run is in {}", folder.display()));
    }
    explored.and(recorded)
}

fn explore(rows: &mut Vec<Row>) -> Exit {
    let mut exit = Exit::Good;
    for exploration in Preset::Quick.explorations() {
        let what = format!("model {}: {}", exploration.family.name(), exploration.covers);
        match exploring::explore(&exploration, &Limits::default()) {
            Ok(outcome) => {
                let ending = outcome.ending();
                if ending != Ending::Holds {
                    model::print(&outcome);
                }
                let (states, depth) = (outcome.counts.distinct, outcome.counts.depth);
                let far = format!("{states} states, depth {depth}, {:.1} s", outcome.seconds);
                rows.push([what, ending.word().to_owned(), far]);
                exit = exit.and(exit::of(ending));
            }
            Err(error) => {
                rows.push([what, "FAILED".to_owned(), error.to_string()]);
                exit = exit.and(Exit::Usage);
            }
        }
    }
    exit
}

/// Records and checks the scenario; the second value is the run's folder if it is left behind.
fn record_and_check(args: &Verify, rows: &mut Vec<Row>) -> (Exit, Option<PathBuf>) {
    let what = format!("real servers: {SCENARIO}");
    let failed = |rows: &mut Vec<Row>, exit, why: String| {
        rows.push([what.clone(), "FAILED".to_owned(), why]);
        (exit, None)
    };
    let Some(scenario) = Scenario::named(SCENARIO) else {
        return failed(rows, Exit::Usage, "no such scenario".to_owned());
    };
    let server = match ZabServer::find() {
        Ok(server) => server,
        Err(error) => return failed(rows, Exit::Usage, error.to_string()),
    };
    out::line(format_args!("server: {}", server.origin()));
    let temporary = match tempfile::tempdir() {
        Ok(folder) => folder,
        Err(error) => return failed(rows, Exit::Usage, format!("no temporary folder: {error}")),
    };
    let stop = interrupt::flag();
    let out = args.out.clone().unwrap_or_else(|| temporary.path().join("run"));
    let progress = Progress::start(&format!("recording {SCENARIO}"));
    let recorded = Recording { target: &server, servers: 3, scenario, stop }.run(&out);
    drop(progress);
    let left_a_run = left_a_run(&recorded, &out);
    let recorded = match recorded {
        Ok(run) => {
            let far = format!("{} events of {} incarnations", run.events, run.incarnations);
            rows.push([what.clone(), "recorded".to_owned(), far]);
            Exit::Good
        }
        Err(error) => failed(rows, exit_of(&error), error.to_string()).0,
    };
    // A run that failed is checked as well, up to there.
    let checked = if left_a_run { check_run(&out, rows) } else { Exit::Good };
    let exit = recorded.and(checked);
    if exit == Exit::Good && args.out.is_none() {
        return (exit, None);
    }
    let _kept = temporary.keep();
    (exit, Some(out))
}

fn check_run(folder: &Path, rows: &mut Vec<Row>) -> Exit {
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
    rows.push(["its trace against the model".to_owned(), outcome.verdict.word().to_owned(), far]);
    outcome.verdict.exit()
}
