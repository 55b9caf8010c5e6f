//! Traces as files.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use zab_trace::{Chain, Event, ServerId, Writer};

use crate::config::Config;
use crate::outcome::Outcome;
use crate::{header, simulate_into};

/// Runs a cluster and writes its trace as one stream, header first. What is kept in memory does
/// not grow with the trace, apart from the servers' logs.
///
/// # Errors
/// When writing fails; the run is finished, but what follows the failure is not written.
pub fn write(seed: u64, config: &Config, out: impl Write) -> io::Result<Outcome> {
    let mut writer = Writer::new(out, &header(seed, config))?;
    let mut result = Ok(());
    let outcome = simulate_into(seed, config, &mut |event| {
        if result.is_ok() {
            result = writer.write(event);
        }
    });
    result?;
    writer.into_inner().flush()?;
    Ok(outcome)
}

/// Runs a cluster and writes its trace into a folder, which is made if it is not there: a file for
/// each server and incarnation, as servers write theirs, and `harness.ndjson` for the kills.
///
/// # Errors
/// When a file cannot be written; those that were begun stay.
pub fn record(seed: u64, config: &Config, folder: &Path) -> io::Result<Outcome> {
    fs::create_dir_all(folder)?;
    let mut files = Files { folder, seed, config, open: BTreeMap::new() };
    let mut result = Ok(());
    let outcome = simulate_into(seed, config, &mut |event| {
        if result.is_ok() {
            result = files.write(event);
        }
    });
    result?;
    files.close()?;
    Ok(outcome)
}

/// The files of a folder; `None` stands for the recorder's.
struct Files<'a> {
    folder: &'a Path,
    seed: u64,
    config: &'a Config,
    open: BTreeMap<Option<ServerId>, (u32, Writer<BufWriter<File>>)>,
}

impl Files<'_> {
    fn write(&mut self, event: &Event) -> io::Result<()> {
        let by_recorder = event.chain == Chain::harness();
        let (owner, incarnation) =
            if by_recorder { (None, 0) } else { (Some(event.server), event.incarnation) };
        match self.open.get_mut(&owner) {
            Some((present, writer)) if *present == incarnation => writer.write(event),
            // An incarnation writes nothing once the next has begun.
            Some(_) | None => {
                let mut writer = self.begin(owner, incarnation)?;
                writer.write(event)?;
                match self.open.insert(owner, (incarnation, writer)) {
                    Some((_, older)) => older.into_inner().flush(),
                    None => Ok(()),
                }
            }
        }
    }

    fn begin(
        &self,
        owner: Option<ServerId>,
        incarnation: u32,
    ) -> io::Result<Writer<BufWriter<File>>> {
        let name = match owner {
            Some(server) => format!("server-{server}.{incarnation}.ndjson"),
            None => "harness.ndjson".to_owned(),
        };
        let file = BufWriter::new(File::create(self.folder.join(name))?);
        Writer::new(file, &header(self.seed, self.config))
    }

    fn close(self) -> io::Result<()> {
        for (_, writer) in self.open.into_values() {
            writer.into_inner().flush()?;
        }
        Ok(())
    }
}
