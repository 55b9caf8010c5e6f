//! `record` of what goes over the wires.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use zab_ensemble::{
    ApacheError, ApacheServer, Mixed, RecordError, SCENARIOS, Scenario, Target, Untraced,
    WIRE_SCENARIOS, WireRecorded, WireRecording, WireScenario,
};

use crate::args::{self, Implementation, Record};
use crate::commands::wire::{self, Judged};
use crate::exit::Exit;
use crate::interrupt;
use crate::out;
use crate::report::progress::Progress;
use crate::report::{table, write_json};

/// The names of the scenarios, one a line.
pub(super) fn names() -> Exit {
    WIRE_SCENARIOS.iter().for_each(|scenario| out::line(scenario.name));
    Exit::Good
}

/// The scenarios of both kinds of recordings.
pub(super) fn list() -> Exit {
    let traced = SCENARIOS.iter().map(|s| (s.name, s.story, "traces"));
    let wire = WIRE_SCENARIOS.iter().map(|s| (s.name, s.story, "wire"));
    let rows = traced
        .chain(wire)
        .map(|(name, story, of)| [name.to_owned(), of.to_owned(), story.to_owned()]);
    out::line(table(["scenario", "of", "what happens"], rows.collect()));
    out::line("of traces: --target zab-server, --server; of wire: --target apache, mixed, --wire");
    Exit::Good
}

/// Records one scenario, once or several times.
pub(super) fn run(args: &Record, name: &str, out: &Path) -> Exit {
    let Some(scenario) = WireScenario::named(name) else {
        let exists = Scenario::named(name).is_some();
        let why = if exists { "is one for traces" } else { "does not exist" };
        out::error(format_args!(
            "the scenario {name} {why}, and the wires are to be recorded: see record --list"
        ));
        return Exit::Usage;
    };
    let found = args
        .servers_for(name, scenario.servers)
        .map_err(|why| (Exit::Usage, why))
        .and_then(|servers| Ok((servers, target(args, servers)?)));
    let (servers, target) = match found {
        Ok(found) => found,
        Err((exit, why)) => {
            out::error(why);
            return exit;
        }
    };
    out::line(format_args!("servers: {}", target.software()));
    let recording = WireRecording {
        target: &*target,
        servers,
        scenario,
        seed: args.seed,
        duration: Duration::from_secs(args.duration.into()),
        rounds: args.rounds,
        wait_max: Duration::from_secs(args.wait.into()),
        stop: interrupt::flag_with_servers(),
    };
    let (exit, runs) = match args.times {
        None => once(&recording, out),
        Some(times) => many(&recording, out, times),
    };
    let value = json!({
        "scenario": name,
        "servers": servers,
        "asked": args.times.unwrap_or(1),
        "interrupted": interrupt::asked(),
        "runs": runs,
    });
    exit.and(write_json(args.json.as_deref(), "record", value))
}

/// The servers to run, or how the command ends without them and why.
fn target(args: &Record, servers: u8) -> Result<Box<dyn Target>, (Exit, String)> {
    let usage = |why: String| (Exit::Usage, why);
    if args.target != args::Target::Mixed && !args.run.is_empty() {
        return Err(usage("--run says what a server of --target mixed runs".to_owned()));
    }
    match args.target {
        args::Target::Apache => apache(args),
        args::Target::ZabServer => ours(),
        args::Target::Mixed => {
            let mut others: BTreeMap<u64, Box<dyn Target>> = BTreeMap::new();
            for (id, what) in &args.run {
                if *id == 0 || *id > u64::from(servers) {
                    return Err(usage(format!("--run {id}=…: there are servers 1 to {servers}")));
                }
                let server = match what {
                    Implementation::Apache => apache(args)?,
                    Implementation::ZabServer => ours()?,
                };
                others.insert(*id, server);
            }
            if others.is_empty() {
                let why = "--target mixed needs --run, such as --run 2=zab-server";
                return Err(usage(why.to_owned()));
            }
            Ok(Box::new(Mixed::new(apache(args)?, others)))
        }
    }
}

fn apache(args: &Record) -> Result<Box<dyn Target>, (Exit, String)> {
    match ApacheServer::find(args.zookeeper_jars.as_deref()) {
        Ok(server) => Ok(Box::new(server)),
        Err(error @ (ApacheError::NoJava | ApacheError::NotInstalled(_))) => {
            Err((Exit::Missing, error.to_string()))
        }
        Err(error @ ApacheError::NoJars(_)) => Err((Exit::Usage, error.to_string())),
    }
}

fn ours() -> Result<Box<dyn Target>, (Exit, String)> {
    let found = super::find_server().map_err(super::without_server)?;
    Ok(Box::new(Untraced(found)))
}

fn to_json(
    folder: &Path,
    recorded: &Result<WireRecorded, RecordError>,
    word: Option<&str>,
) -> Value {
    let run = recorded.as_ref().ok();
    json!({
        "folder": folder.display().to_string(),
        "error": recorded.as_ref().err().map(ToString::to_string),
        "events": run.map(|run| run.messages),
        "incarnations": null,
        "acknowledged": run.map(|run| run.acknowledged),
        "order": null,
        "verdict": word,
    })
}

/// Acknowledged writes that are gone are a violation, whatever the packets say.
fn exit_of(recorded: &Result<WireRecorded, RecordError>) -> Exit {
    match recorded {
        Ok(WireRecorded { lost: 0, .. }) => Exit::Good,
        Ok(_) => Exit::Bad,
        Err(error) => super::exit_of(error),
    }
}

fn once(recording: &WireRecording<'_>, out: &Path) -> (Exit, Vec<Value>) {
    let name = recording.scenario.name;
    let progress = Progress::start(&format!("recording {name}"));
    let recorded = recording.run(out);
    drop(progress);
    let folder = out.display();
    match &recorded {
        Ok(WireRecorded { messages, acknowledged, lost }) => {
            out::line(format_args!(
                "recorded {name}: {messages} messages in {folder}; {acknowledged} writes were \
                 acknowledged, {lost} of them are gone at the end"
            ));
            out::line(format_args!("next: zabcheck wire {folder}"));
        }
        Err(error) => {
            out::error(format_args!("recording {name} failed: {error}"));
            if wire::captures_in(out).iter().any(|path| wire::has_entries(path)) {
                out::line(format_args!("the run until then: zabcheck wire {folder}"));
            }
        }
    }
    (exit_of(&recorded), vec![to_json(out, &recorded, None)])
}

/// Records one run after the other, and looks at the properties of each.
fn many(recording: &WireRecording<'_>, out: &Path, times: u32) -> (Exit, Vec<Value>) {
    let progress = Progress::start(&format!("recording {}", recording.scenario.name));
    let mut exit = Exit::Good;
    let (mut rows, mut values, mut fine) = (Vec::new(), Vec::new(), 0);
    for number in 1..=times {
        progress.say(format!("run {number} of {times}"));
        let folder = out.join(number.to_string());
        let seed = recording.seed + u64::from(number) - 1;
        let recorded = WireRecording { seed, ..*recording }.run(&folder);
        let judged: Option<Judged> =
            wire::captures_in(&folder).first().map(|path| wire::judged(path));
        let word = judged.as_ref().map_or("", Judged::word);
        let ended = exit_of(&recorded).and(judged.as_ref().map_or(Exit::Unknown, Judged::exit));
        fine += u32::from(ended == Exit::Good);
        exit = exit.and(ended);
        values.push(to_json(&folder, &recorded, Some(word)));
        let shown = match &recorded {
            Ok(run) => format!("{} messages, {} lost", run.messages, run.lost),
            Err(error) => format!("failed: {error}"),
        };
        let rules = judged.as_ref().map(Judged::rules).unwrap_or_default();
        rows.push([number.to_string(), seed.to_string(), shown, word.to_owned(), rules]);
        if matches!(recorded, Err(RecordError::Interrupted)) {
            break;
        }
    }
    drop(progress);
    out::line(table(["run", "seed", "recorded", "verdict", "violated"], rows));
    out::line(format_args!(
        "{}: in {fine} of {times} runs nothing was lost and no property on the wire is violated",
        recording.scenario.name
    ));
    (exit, values)
}
