//! `zabcheck record`.

use std::collections::BTreeSet;
use std::path::Path;

use zab_check::Options;

use super::conform;
use crate::args::{Record, Target};
use crate::exit::Exit;
use crate::out;
use crate::record;
use crate::record::scenario::{self, Scenario};
use crate::report::progress::Progress;
use crate::report::table;

/// Records one scenario, or lists them.
pub(crate) fn run(args: &Record) -> Exit {
    if args.names {
        scenario::ALL.iter().for_each(|scenario| out::line(scenario.name));
        return Exit::Good;
    }
    if args.list {
        let rows = scenario::ALL.iter().map(|s| [s.name.to_owned(), s.story.to_owned()]).collect();
        out::line(table(["scenario", "what happens"], rows));
        return Exit::Good;
    }
    // clap has made sure that both are there.
    let (Some(name), Some(out)) = (&args.scenario, &args.out) else { return Exit::Usage };
    let Some(scenario) = scenario::named(name) else {
        out::error(format_args!(
            "there is no scenario {name:?}; `zabcheck record --list` names them"
        ));
        return Exit::Usage;
    };
    let Target::ZabServer = args.target;
    let server = match record::find_server() {
        Ok(server) => server,
        Err(error) => {
            out::error(error);
            return Exit::Usage;
        }
    };
    out::line(format_args!("server: {}", server.origin));
    match args.times {
        None => once(&server.path, scenario, out),
        Some(times) => many(&server.path, scenario, out, times),
    }
}

fn once(server: &Path, scenario: &Scenario, out: &Path) -> Exit {
    let name = scenario.name;
    let progress = Progress::start(&format!("recording {name}"));
    let result = record::record(server, scenario, out);
    drop(progress);
    match result {
        Ok(run) => {
            let (events, lives) = (run.events, run.incarnations);
            let folder = out.display();
            out::line(format_args!(
                "recorded {name}: {events} events of {lives} incarnations in {folder}"
            ));
            out::line(format_args!("next: zabcheck conform {folder}"));
            Exit::Good
        }
        Err(error) => {
            out::error(format_args!("recording {name} failed: {error}"));
            record::exit_of(&error)
        }
    }
}

/// Records and checks one run after the other; one row for each, and how many orders there were.
fn many(server: &Path, scenario: &Scenario, out: &Path, times: u32) -> Exit {
    let progress = Progress::start(&format!("recording {}", scenario.name));
    let mut exit = Exit::Good;
    let mut rows = Vec::new();
    let mut orders = BTreeSet::new();
    let mut conforming = 0;
    for number in 1..=times {
        progress.say(format!("run {number} of {times}"));
        let folder = out.join(number.to_string());
        let (events, verdict, order) = match record::record(server, scenario, &folder) {
            Ok(run) => {
                let verdict = zab_check::check([&folder].as_slice(), &Options::default()).verdict;
                exit = exit.and(conform::exit(&verdict));
                conforming += u32::from(conform::exit(&verdict) == Exit::Good);
                orders.insert(run.order);
                (run.events.to_string(), verdict.word().to_owned(), format!("{:016x}", run.order))
            }
            Err(error) => {
                exit = exit.and(record::exit_of(&error));
                (String::new(), format!("not recorded: {error}"), String::new())
            }
        };
        rows.push([number.to_string(), events, verdict, order]);
    }
    drop(progress);
    out::line(table(["run", "events", "verdict", "causal order"], rows));
    out::line(format_args!(
        "{}: {conforming} of {times} runs conform, {} distinct causal orders",
        scenario.name,
        orders.len()
    ));
    exit
}
