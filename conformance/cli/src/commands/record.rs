//! `zabcheck record`.

use std::collections::BTreeSet;
use std::path::Path;

use zab_check::{Options, Verdict};
use zab_ensemble::{RecordError, Recording, SCENARIOS, Scenario, ZabServer, left_a_run};

use crate::args::{Record, Target};
use crate::exit::Exit;
use crate::interrupt;
use crate::out;
use crate::report::progress::Progress;
use crate::report::table;

/// Records one scenario, or lists them.
pub(crate) fn run(args: &Record) -> Exit {
    if args.names {
        SCENARIOS.iter().for_each(|scenario| out::line(scenario.name));
        return Exit::Good;
    }
    if args.list {
        let rows = SCENARIOS.iter().map(|s| [s.name.to_owned(), s.story.to_owned()]).collect();
        out::line(table(["scenario", "what happens"], rows));
        return Exit::Good;
    }
    // clap has made sure that both are there.
    let (Some(name), Some(out)) = (&args.scenario, &args.out) else { return Exit::Usage };
    let Some(scenario) = Scenario::named(name) else {
        out::error(format_args!(
            "there is no scenario {name:?}; `zabcheck record --list` names them"
        ));
        return Exit::Usage;
    };
    let Target::ZabServer = args.target;
    let server = match ZabServer::find() {
        Ok(server) => server,
        Err(error) => {
            out::error(error);
            return Exit::Usage;
        }
    };
    out::line(format_args!("server: {}", server.origin()));
    let (servers, stop) = (args.servers, interrupt::flag());
    let recording = Recording { target: &server, servers, scenario, stop };
    match args.times {
        None => once(&recording, out),
        Some(times) => many(&recording, out, times),
    }
}

/// How a command ends that failed to record: a lost write is a violation, a run that shows
/// something else is no verdict, and the rest is for the user to mend.
pub(super) fn exit_of(error: &RecordError) -> Exit {
    match error {
        RecordError::Lost { .. } => Exit::Bad,
        RecordError::NotShown { .. }
        | RecordError::Interrupted
        | RecordError::Client(_)
        | RecordError::Process(_)
        | RecordError::BadStop { .. }
        | RecordError::Read(_) => Exit::Unknown,
        RecordError::NotEmpty(_)
        | RecordError::Io { .. }
        | RecordError::NoPorts
        | RecordError::NoSuchServer(_)
        | RecordError::NotRunning(_)
        | RecordError::NobodyRuns => Exit::Usage,
    }
}

fn once(recording: &Recording<'_>, out: &Path) -> Exit {
    let name = recording.scenario.name;
    let progress = Progress::start(&format!("recording {name}"));
    let result = recording.run(out);
    drop(progress);
    let left_a_run = left_a_run(&result, out);
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
            if left_a_run {
                let folder = out.display();
                out::line(format_args!("the run until then: zabcheck conform {folder}"));
            }
            exit_of(&error)
        }
    }
}

/// Records and checks one run after the other; one row for each, and how many orders there were.
/// A run that fails is checked as well, up to there.
fn many(recording: &Recording<'_>, out: &Path, times: u32) -> Exit {
    let progress = Progress::start(&format!("recording {}", recording.scenario.name));
    let mut exit = Exit::Good;
    let mut rows = Vec::new();
    let mut orders = BTreeSet::new();
    let mut conforming = 0;
    for number in 1..=times {
        progress.say(format!("run {number} of {times}"));
        let folder = out.join(number.to_string());
        let recorded = recording.run(&folder);
        let verdict = left_a_run(&recorded, &folder)
            .then(|| zab_check::check([&folder].as_slice(), &Options::default()).verdict);
        let word = verdict.as_ref().map_or("", Verdict::word);
        let judged = verdict.as_ref().map_or(Exit::Good, Verdict::exit);
        exit = exit.and(judged);
        let (run, order) = match &recorded {
            Ok(run) => {
                conforming += u32::from(judged == Exit::Good);
                orders.insert(run.order);
                (format!("{} events", run.events), format!("{:016x}", run.order))
            }
            Err(error) => {
                exit = exit.and(exit_of(error));
                (format!("failed: {error}"), String::new())
            }
        };
        rows.push([number.to_string(), run, word.to_owned(), order]);
        if matches!(recorded, Err(RecordError::Interrupted)) {
            break;
        }
    }
    drop(progress);
    out::line(table(["run", "recorded", "verdict", "causal order"], rows));
    out::line(format_args!(
        "{}: {conforming} of {times} runs were recorded and conform, {} distinct causal orders",
        recording.scenario.name,
        orders.len()
    ));
    exit
}
