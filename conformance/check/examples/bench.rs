//! Checks long traces of five simulated servers, and prints events per second and peak memory.
//!
//! `cargo run --release -p zab-check --example bench -- 100000 1000000`
//!
//! Each length is generated into a temporary file and checked by a process of its own, so that the
//! memory is the checker's alone.

use std::{
    fs::File,
    io::{BufWriter, Write as _},
    path::Path,
    process::{Command, ExitCode},
};

use zab_check::{Verdict, measure};
use zab_sim::{Config, header, simulate_into};
use zab_trace::Writer;

type Failure = Box<dyn std::error::Error>;

fn generate(path: &Path, events: u64) -> Result<(), Failure> {
    let config = Config::long(events);
    let mut writer = Writer::new(BufWriter::new(File::create(path)?), &header(1, &config))?;
    let mut result = Ok(());
    simulate_into(1, &config, &mut |event| {
        if result.is_ok() {
            result = writer.write(event);
        }
    });
    result?;
    writer.into_inner().flush()?;
    Ok(())
}

fn report(path: &Path) -> Result<(), Failure> {
    let measured = measure([path].as_slice());
    let Verdict::Conforms(summary) = &measured.verdict else {
        return Err(measured.verdict.to_string().into());
    };
    println!(
        "{} events, {} transactions: {} events/s, peak memory {} bytes",
        summary.events,
        summary.committed,
        measured.events_per_second(),
        measured.peak_bytes.map_or_else(|| "unknown".to_owned(), |bytes| bytes.to_string()),
    );
    Ok(())
}

fn run() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [word, path] = arguments.as_slice()
        && word == "check"
    {
        return report(Path::new(path));
    }
    for events in &arguments {
        let path = std::env::temp_dir().join(format!("zab-bench-{events}.ndjson"));
        generate(&path, events.parse()?)?;
        let status = Command::new(std::env::current_exe()?)
            .args(["check".as_ref(), path.as_os_str()])
            .status()?;
        std::fs::remove_file(&path)?;
        if !status.success() {
            return Err("the trace does not conform".into());
        }
    }
    Ok(())
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}
