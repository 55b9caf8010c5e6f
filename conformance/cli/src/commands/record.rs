//! `zabcheck record`.

mod wire;

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use zab_check::{Options, Verdict};
use zab_ensemble::{
    BinaryError, CommandServer, RecordError, Recorded, Recording, SCENARIOS, Scenario, Target,
    ZabServer, left_a_run,
};

use crate::args::Record;
use crate::exit::Exit;
use crate::interrupt;
use crate::out;
use crate::report::progress::Progress;
use crate::report::{can_write, table, write_json};

/// Records one scenario, or lists them.
pub(crate) fn run(args: &Record) -> Exit {
    if args.names && args.is_wire() {
        return wire::names();
    }
    if args.names {
        SCENARIOS.iter().for_each(|scenario| out::line(scenario.name));
        return Exit::Good;
    }
    if args.list {
        return wire::list();
    }
    // clap has made sure that both are there.
    let (Some(name), Some(out)) = (&args.scenario, &args.out) else { return Exit::Usage };
    if let Some(Err(why)) = args.json.as_deref().map(can_write) {
        out::error(why);
        return Exit::Usage;
    }
    let fine = if args.times.is_some() { Ok(()) } else { can_use(out) };
    if args.is_wire() {
        return match fine {
            Ok(()) => wire::run(args, name, out),
            Err(why) => {
                out::error(why);
                Exit::Usage
            }
        };
    }
    let Some(scenario) = Scenario::named(name) else {
        out::error(format_args!(
            "the scenario {name} is one for captures: add --wire, or see record --list"
        ));
        return Exit::Usage;
    };
    let servers = match args.servers_for(name, scenario.servers) {
        Ok(servers) => servers,
        Err(why) => {
            out::error(why);
            return Exit::Usage;
        }
    };
    let fine = fine.and_then(|()| make(out)).map_err(|why| (Exit::Usage, why));
    let target = match fine.and_then(|()| target(args)) {
        Ok(target) => target,
        Err((exit, why)) => {
            out::error(why);
            return exit.and(write_json(
                args.json.as_deref(),
                "record",
                to_value(args, servers, Vec::new()),
            ));
        }
    };
    let recording = Recording {
        target: &*target,
        servers,
        scenario,
        wait_max: Duration::from_secs(args.wait.into()),
        stop: interrupt::flag_with_servers(),
    };
    let (exit, runs) = match args.times {
        None => once(&recording, out),
        Some(times) => many(&recording, out, times),
    };
    exit.and(write_json(args.json.as_deref(), "record", to_value(args, servers, runs)))
}

/// All runs for machines.
fn to_value(args: &Record, servers: u8, runs: Vec<Value>) -> Value {
    json!({
        "scenario": args.scenario,
        "servers": servers,
        "asked": args.times.unwrap_or(1),
        "interrupted": interrupt::asked(),
        "runs": runs,
    })
}

/// A run for machines.
pub(super) fn to_json(
    folder: &Path,
    recorded: &Result<Recorded, RecordError>,
    verdict: Option<&Verdict>,
) -> Value {
    let run = recorded.as_ref().ok();
    json!({
        "folder": folder.display().to_string(),
        "error": recorded.as_ref().err().map(ToString::to_string),
        "events": run.map(|run| run.events),
        "incarnations": run.map(|run| run.incarnations),
        "acknowledged": run.map(|run| run.acknowledged),
        "order": run.map(|run| format!("{:016x}", run.order)),
        "verdict": verdict.map(Verdict::word),
    })
}

/// Makes the folder of a run, if it is not there.
fn make(out: &Path) -> Result<(), String> {
    fs::create_dir_all(out).map_err(|error| format!("--out {}: {error}", out.display()))
}

/// Whether the folder of a run is empty or absent: nobody is to wait, only to learn that it is not.
pub(super) fn can_use(out: &Path) -> Result<(), String> {
    match fs::read_dir(out).map(Iterator::count) {
        Ok(0) => Ok(()),
        Ok(_) => Err(RecordError::NotEmpty(out.to_owned()).to_string()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(format!("--out {}: {error}", out.display())),
    }
}

/// Our own server, built if it has to be; what cargo says is shown meanwhile.
pub(super) fn find_server() -> Result<ZabServer, BinaryError> {
    let progress = Progress::start("finding or building zab-server:");
    ZabServer::find(interrupt::flag(), &mut |line| progress.say(line))
}

/// How a command ends without our server, and why.
#[expect(clippy::needless_pass_by_value, reason = "errors are mapped by it")]
fn without_server(error: BinaryError) -> (Exit, String) {
    let exit = match error {
        BinaryError::Interrupted => Exit::Unknown,
        BinaryError::NoOwnPath(_) | BinaryError::Build(_) | BinaryError::Missing(_) => Exit::Usage,
    };
    (exit, error.to_string())
}

/// The server to run, told which one it is; or how the command ends, and why.
fn target(args: &Record) -> Result<Box<dyn Target>, (Exit, String)> {
    if let Some(command) = &args.server {
        let server = CommandServer::new(command, !args.no_trace)
            .map_err(|error| (Exit::Usage, format!("--server {command:?}: {error}")))?;
        out::line(format_args!("server: {}, by --server", server.program().display()));
        return Ok(Box::new(server));
    }
    let server = find_server().map_err(without_server)?;
    out::line(format_args!("server: {}", server.origin()));
    Ok(Box::new(server))
}

/// How a command ends that failed to record: a lost write is a violation, a run that shows
/// something else is no verdict, and the rest is for the user to mend.
pub(super) fn exit_of(error: &RecordError) -> Exit {
    match error {
        RecordError::Lost { .. } | RecordError::NotRefused { .. } | RecordError::NotGone { .. } => {
            Exit::Bad
        }
        RecordError::NeedsProgram { .. } => Exit::Missing,
        RecordError::NotShown { .. }
        | RecordError::NoPacket { .. }
        | RecordError::Interrupted
        | RecordError::Client(_)
        | RecordError::Process(_)
        | RecordError::BadStop { .. }
        | RecordError::Read(_) => Exit::Unknown,
        RecordError::NotEmpty(_)
        | RecordError::NeedsTrace(_)
        | RecordError::NoTrace { .. }
        | RecordError::Capture(_)
        | RecordError::BadTrace { .. }
        | RecordError::Io { .. }
        | RecordError::NoPorts
        | RecordError::Story(_)
        | RecordError::NoSuchServer(_)
        | RecordError::NotRunning(_)
        | RecordError::NobodyRuns => Exit::Usage,
    }
}

fn once(recording: &Recording<'_>, out: &Path) -> (Exit, Vec<Value>) {
    let name = recording.scenario.name;
    let progress = Progress::start(&format!("recording {name}"));
    let result = recording.run(out);
    drop(progress);
    let left_a_run = left_a_run(&result, out);
    let value = to_json(out, &result, None);
    let exit = match result {
        Ok(run) if !recording.target.writes_traces() => {
            let written = run.acknowledged;
            out::line(format_args!(
                "ran {name}: every server has all {written} writes that were acknowledged; there is \
                 no trace, so nothing is said about the protocol"
            ));
            Exit::Good
        }
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
            if left_a_run && recording.target.writes_traces() {
                let folder = out.display();
                out::line(format_args!("the run until then: zabcheck conform {folder}"));
            }
            exit_of(&error)
        }
    };
    (exit, vec![value])
}

/// Records and checks one run after the other; one row for each, and how many orders there were.
/// A run that fails is checked as well, up to there.
fn many(recording: &Recording<'_>, out: &Path, times: u32) -> (Exit, Vec<Value>) {
    let progress = Progress::start(&format!("recording {}", recording.scenario.name));
    let mut exit = Exit::Good;
    let (mut rows, mut values) = (Vec::new(), Vec::new());
    let mut orders = BTreeSet::new();
    let mut conforming = 0;
    for number in 1..=times {
        progress.say(format!("run {number} of {times}"));
        let folder = out.join(number.to_string());
        let recorded = recording.run(&folder);
        let verdict = left_a_run(&recorded, &folder)
            .then(|| zab_check::check([&folder].as_slice(), &Options::default()).verdict);
        values.push(to_json(&folder, &recorded, verdict.as_ref()));
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
    (exit, values)
}
