//! Tables, progress and JSON: what several commands show in the same way.

pub(crate) mod counterexample;
mod file;
pub(crate) mod model;
pub(crate) mod progress;

use std::path::Path;

use tabled::Table;
use tabled::builder::Builder;
use tabled::settings::Style;

use crate::exit::Exit;
use crate::out;

/// The path that means standard output.
pub(crate) const STDOUT: &str = "-";

/// A plain table: a header row, then rows.
pub(crate) fn table<const N: usize>(header: [&str; N], rows: Vec<[String; N]>) -> Table {
    let mut builder = Builder::default();
    builder.push_record(header);
    for row in rows {
        builder.push_record(row);
    }
    let mut table = builder.build();
    table.with(Style::sharp());
    table
}

/// Whether a result can be written there, to be known before it is computed. What is there stays.
pub(crate) fn can_write(path: &Path) -> Result<(), String> {
    if path == Path::new(STDOUT) {
        return Ok(());
    }
    file::can_write(path).map_err(|error| cannot_write(path, &error))
}

/// Writes a result for machines; a failure is told, and makes the command fail.
pub(crate) fn write_json(path: &Path, value: &serde_json::Value) -> Exit {
    write(path, &format!("{value:#}\n"))
}

/// Writes a result, all of it or nothing; a failure is told, and makes the command fail.
pub(crate) fn write(path: &Path, text: &str) -> Exit {
    if path == Path::new(STDOUT) {
        out::machine(text);
        return Exit::Good;
    }
    match file::write(path, text) {
        Ok(()) => Exit::Good,
        Err(error) => {
            out::error(cannot_write(path, &error));
            Exit::Usage
        }
    }
}

fn cannot_write(path: &Path, error: &std::io::Error) -> String {
    format!("cannot write {}: {error}", path.display())
}
