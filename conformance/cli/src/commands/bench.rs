//! `zabcheck bench`: events per second and peak memory of the checker.
//!
//! Each check runs in a process of its own, so that its peak memory is its own.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use zab_sim::Config;
use zab_trace::Writer;

use crate::args::Bench;
use crate::exit::Exit;
use crate::interrupt;
use crate::out;
use crate::report::progress::Progress;
use crate::report::{can_write, table, write_json};

/// How often it is looked whether a check has ended.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// What one check of a generated trace cost.
struct Measured {
    events: u64,
    committed: u64,
    seconds: f64,
    /// Peak resident memory in KiB.
    peak_kib: u64,
}

/// Generates two traces of five servers, one ten times the other, checks both, prints a table. What
/// is interrupted tells what was measured until then.
pub(crate) fn run(args: &Bench) -> Exit {
    let _asked = interrupt::flag();
    if let Some(Err(why)) = args.json.as_deref().map(can_write) {
        return failed(Exit::Usage, &why);
    }
    let folder = match tempfile::tempdir() {
        Ok(folder) => folder,
        Err(error) => {
            let why = format!("no temporary folder: {error} (TMPDIR names another)");
            return failed(Exit::Usage, &why);
        }
    };
    let (mut exit, mut all) = (Exit::Good, Vec::new());
    for events in [args.events / 10, args.events] {
        match generate_and_measure(folder.path(), events) {
            Ok(measured) => all.push(measured),
            Err((code, why)) => {
                exit = failed(code, &why);
                break;
            }
        }
    }
    if !all.is_empty() {
        let rows = all.iter().map(row).collect();
        out::line(table(["events", "committed", "seconds", "events/s", "peak MiB"], rows));
    }
    let rows: Vec<Value> = all.iter().map(to_json).collect();
    let value = json!({"rows": rows, "complete": exit == Exit::Good});
    exit.and(write_json(args.json.as_deref(), "bench", value))
}

/// One row; or how the command ends, and why.
fn generate_and_measure(folder: &Path, events: u64) -> Result<Measured, (Exit, String)> {
    let path = folder.join(format!("{events}.ndjson"));
    let progress = Progress::start(&format!("generating {events} events"));
    generate(&path, events)
        .map_err(|error| (Exit::Usage, format!("cannot write {}: {error}", path.display())))?;
    drop(progress);
    if interrupt::asked() {
        return Err((Exit::Unknown, format!("interrupted before {events} events were checked")));
    }
    let _progress = Progress::start(&format!("checking {events} events"));
    measure(&path).map_err(|why| (Exit::Unknown, why))
}

fn failed(exit: Exit, why: &str) -> Exit {
    out::error(why);
    exit
}

fn to_json(measured: &Measured) -> Value {
    json!({
        "events": measured.events,
        "committed": measured.committed,
        "seconds": measured.seconds,
        "peak_memory_kib": measured.peak_kib,
    })
}

#[expect(clippy::cast_precision_loss, reason = "figures for a person, shown with few digits")]
fn row(measured: &Measured) -> [String; 5] {
    [
        measured.events.to_string(),
        measured.committed.to_string(),
        format!("{:.2}", measured.seconds),
        format!("{:.0}", measured.events as f64 / measured.seconds),
        format!("{:.1}", measured.peak_kib as f64 / 1024.0),
    ]
}

/// Writes the trace of a long simulated run, or of a part of it if somebody asks for the end.
fn generate(path: &Path, events: u64) -> io::Result<()> {
    let config = Config::long(events);
    let file = BufWriter::with_capacity(1 << 20, File::create(path)?);
    let mut writer = Writer::new(file, &zab_sim::header(1, &config))?;
    let mut written = Ok(());
    let _outcome = zab_sim::simulate_into(1, &config, &mut |event| {
        if written.is_ok() && !interrupt::asked() {
            written = writer.write(event);
        }
    });
    written?;
    // The check syncs its result, which would wait for what is still to be written of this file.
    writer.into_inner().into_inner()?.sync_all()
}

/// Checks a file in a process of its own, which tells what it needed.
fn measure(path: &Path) -> Result<Measured, String> {
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let result = path.with_extension("json");
    let start = Instant::now();
    let mut child = Command::new(own)
        .arg("conform")
        .arg(path)
        .arg("--json")
        .arg(&result)
        .stdout(Stdio::null())
        .spawn()
        .map_err(|error| error.to_string())?;
    let status = loop {
        if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
            break status;
        }
        if interrupt::asked() {
            // It fails only if the check has just ended.
            let _ = child.kill();
        }
        thread::sleep(LOOK_EVERY);
    };
    let seconds = start.elapsed().as_secs_f64();
    if interrupt::asked() {
        return Err("interrupted while a trace was checked".to_owned());
    }
    if !status.success() {
        return Err(format!("the generated trace was not accepted ({status})"));
    }
    let text = std::fs::read_to_string(&result).map_err(|error| error.to_string())?;
    let value: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let number = |value: &Value, what: &str| {
        value.as_u64().ok_or_else(|| format!("the check did not tell {what}"))
    };
    Ok(Measured {
        events: number(&value["summary"]["events"], "how many events it saw")?,
        committed: number(&value["summary"]["committed"], "how much was committed")?,
        seconds,
        peak_kib: number(&value["peak_memory_kib"], "how much memory it needed")?,
    })
}
