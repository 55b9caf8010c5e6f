//! `zabcheck bench`: events per second and peak memory of the checker.
//!
//! Each check runs in a process of its own, so that its peak memory is its own.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::Value;
use zab_sim::Config;
use zab_trace::Writer;

use crate::args::Bench;
use crate::exit::Exit;
use crate::out;
use crate::report::progress::Progress;
use crate::report::table;

/// What one check of a generated trace cost.
struct Measured {
    events: u64,
    committed: u64,
    seconds: f64,
    /// Peak resident memory in KiB.
    peak_kib: u64,
}

/// Generates two traces of five servers, one ten times the other, checks both, prints a table.
pub(crate) fn run(args: &Bench) -> Exit {
    let folder = match tempfile::tempdir() {
        Ok(folder) => folder,
        Err(error) => return failed(Exit::Usage, &format!("no temporary folder: {error}")),
    };
    let mut rows = Vec::new();
    for events in [args.events / 10, args.events] {
        let path = folder.path().join(format!("{events}.ndjson"));
        let progress = Progress::start(&format!("generating {events} events"));
        if let Err(error) = generate(&path, events) {
            let why = format!("cannot write {}: {error}", path.display());
            return failed(Exit::Usage, &why);
        }
        drop(progress);
        let progress = Progress::start(&format!("checking {events} events"));
        let measured = match measure(&path) {
            Ok(measured) => measured,
            Err(why) => return failed(Exit::Unknown, &why),
        };
        drop(progress);
        rows.push(row(&measured));
    }
    out::line(table(["events", "committed", "seconds", "events/s", "peak MiB"], rows));
    Exit::Good
}

fn failed(exit: Exit, why: &str) -> Exit {
    out::error(why);
    exit
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

/// Writes the trace of a long simulated run.
fn generate(path: &Path, events: u64) -> io::Result<()> {
    let config = Config::long(events);
    let file = BufWriter::with_capacity(1 << 20, File::create(path)?);
    let mut writer = Writer::new(file, &zab_sim::header(1, &config))?;
    let mut written = Ok(());
    let _outcome = zab_sim::simulate_into(1, &config, &mut |event| {
        if written.is_ok() {
            written = writer.write(event);
        }
    });
    written
}

/// Checks a file in a process of its own, which tells what it needed.
fn measure(path: &Path) -> Result<Measured, String> {
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let result = path.with_extension("json");
    let start = Instant::now();
    let status = Command::new(own)
        .arg("conform")
        .arg(path)
        .arg("--json")
        .arg(&result)
        .stdout(Stdio::null())
        .status()
        .map_err(|error| error.to_string())?;
    let seconds = start.elapsed().as_secs_f64();
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
