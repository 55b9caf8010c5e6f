//! Tables, progress and JSON: what several commands show in the same way.

pub(crate) mod bugs;
pub(crate) mod certificate;
pub(crate) mod ci;
pub(crate) mod conformance;
pub(crate) mod counterexample;
pub(crate) mod exploration;
mod file;
pub(crate) mod model;
pub(crate) mod page;
pub(crate) mod progress;
pub(crate) mod walks;

use std::io;
use std::path::Path;

use serde_json::{Value, json};
use tabled::Table;
use tabled::builder::Builder;
use tabled::settings::peaker::Priority;
use tabled::settings::{Style, Width};

use crate::exit::Exit;
use crate::out;

/// The path that means standard output.
pub(crate) const STDOUT: &str = "-";

/// The version of this program, with the commit that it was built from.
pub(crate) const VERSION: &str = env!("ZABCHECK_VERSION");

/// What the results for machines are: `docs/src/output-v1.json`.
const FORMAT: &str = "zabcheck-output/1";

/// A plain table: a header row, then rows.
pub(crate) fn table<const N: usize>(header: [&str; N], rows: Vec<[String; N]>) -> Table {
    let mut builder = Builder::default();
    builder.push_record(header);
    for row in rows {
        builder.push_record(row);
    }
    let mut table = builder.build();
    table.with(Style::sharp());
    if let Some(width) = out::width() {
        table.with(Width::wrap(width).keep_words(true).priority(Priority::max(true)));
    }
    table
}

/// Whether a result can be written there, to be known before it is computed. What is there stays.
pub(crate) fn can_write(path: &Path) -> Result<(), String> {
    if path == Path::new(STDOUT) {
        return Ok(());
    }
    file::can_write(path).map_err(|error| cannot_write(path, &error))
}

/// Writes the result of a command for machines; a failure is told, and makes the command fail.
pub(crate) fn write_json(path: Option<&Path>, command: &str, result: Value) -> Exit {
    let Some(path) = path else { return Exit::Good };
    let mut value = json!({"schema": FORMAT, "command": command});
    if let (Value::Object(all), Value::Object(result)) = (&mut value, result) {
        all.extend(result);
    }
    write(path, &format!("{value:#}\n"))
}

/// Writes a result, all of it or nothing; a failure is told, and makes the command fail.
pub(crate) fn write(path: &Path, text: &str) -> Exit {
    if path == Path::new(STDOUT) {
        out::machine(text);
        return Exit::Good;
    }
    write_with(path, |out| out.write_all(text.as_bytes()))
}

/// The same for a result that is written into a file piece by piece.
pub(crate) fn write_with(
    path: &Path,
    fill: impl FnOnce(&mut dyn io::Write) -> io::Result<()>,
) -> Exit {
    match file::write(path, fill) {
        Ok(()) => Exit::Good,
        Err(error) => {
            out::error(cannot_write(path, &error));
            Exit::Usage
        }
    }
}

fn cannot_write(path: &Path, error: &io::Error) -> String {
    let hints = [
        (io::ErrorKind::NotFound, ": its folder must exist"),
        (io::ErrorKind::IsADirectory, ": give the name of a file in it"),
    ];
    let hint = hints.iter().find(|(kind, _)| *kind == error.kind()).map_or("", |(_, hint)| hint);
    format!("cannot write {}: {error}{hint}", path.display())
}
