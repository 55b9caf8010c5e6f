//! `zabcheck conform`.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use zab_check::{Options, Outcome, Verdict};

use crate::args::Conform;
use crate::exit::Exit;
use crate::out;
use crate::report::progress::Progress;
use crate::report::write_json;

/// Checks one trace and prints the verdict, with its explanation if it is not accepted.
pub(crate) fn run(args: &Conform) -> Exit {
    let options = Options { witness: args.witness.is_some(), ..Options::default() };
    let progress = Progress::start("checking");
    let outcome = zab_check::check(args.paths.as_slice(), &options);
    drop(progress);
    out::line(&outcome.verdict);
    let mut exit = exit(&outcome.verdict);
    if let Some(path) = &args.json {
        exit = exit.and(write_json(path, &to_json(&args.paths, &outcome.verdict)));
    }
    if let Some(path) = &args.witness {
        exit = exit.and(write_witness(path, &outcome));
    }
    exit
}

/// How a command ends that got this verdict.
pub(crate) fn exit(verdict: &Verdict) -> Exit {
    match verdict.exit() {
        zab_check::Exit::Conforms => Exit::Good,
        zab_check::Exit::Rejected => Exit::Bad,
        zab_check::Exit::Inconclusive => Exit::Unknown,
        zab_check::Exit::BadInput => Exit::Usage,
    }
}

/// Writes the run of the model that explains the trace; without one there is nothing to write.
fn write_witness(path: &Path, outcome: &Outcome) -> Exit {
    let Some(witness) = &outcome.witness else {
        out::error("no witness is written, since the trace is not accepted");
        return Exit::Good;
    };
    let write = || -> io::Result<()> {
        let mut out = BufWriter::new(File::create(path)?);
        witness.write(&mut out)?;
        out.flush()
    };
    match write() {
        Ok(()) => Exit::Good,
        Err(error) => {
            out::error(format_args!("cannot write {}: {error}", path.display()));
            Exit::Usage
        }
    }
}

fn to_json(paths: &[PathBuf], verdict: &Verdict) -> Value {
    let place = verdict.place().map(|place| json!({"file": place.file, "line": place.line}));
    let mut value = json!({
        "paths": paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>(),
        "verdict": verdict.word(),
        "exit": verdict.exit().code(),
        "rule": verdict.rule(),
        "place": place,
        "text": verdict.to_string(),
        "peak_memory_kib": peak_memory_kib(),
    });
    if let Verdict::Conforms(summary) = verdict {
        value["summary"] = json!({
            "events": summary.events,
            "servers": summary.servers,
            "incarnations": summary.incarnations,
            "committed": summary.committed,
            "steps": summary.steps,
            "hidden_steps": summary.hidden_steps,
            "frontier_max": summary.frontier_max,
            "frontier_mean": summary.frontier_mean(),
        });
    }
    value
}

/// The most memory that this process ever had resident, in KiB, where the system tells (Linux).
fn peak_memory_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}
