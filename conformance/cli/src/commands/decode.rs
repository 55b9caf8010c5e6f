//! `zabcheck decode`.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;

use serde_json::{Value, json};
use zab_capture::raw::Event;
use zab_capture::{CaptureError, Item, Summary, What};

use super::wire;
use crate::args::{Decode, Members};
use crate::exit::Exit;
use crate::export::Picture;
use crate::out;
use crate::packets::{self, Diagram, ROWS_MAX};
use crate::report::{table, write_json};

/// Prints the messages of a capture, and how many there are of each kind.
pub(crate) fn run(args: &Decode) -> Exit {
    let mut messages: Vec<Value> = Vec::new();
    let mut diagram = Diagram::default();
    if let Some(Err(why)) = args.export.as_ref().map(Picture::can_write) {
        out::error(why);
        return Exit::Usage;
    }
    let mut seen = BTreeSet::new();
    let decoded = decode(&args.capture, |item| {
        if let What::Other(Event::Open(side)) = &item.what {
            seen.extend([side.from, side.to]);
        }
        if args.export.is_some() && is_drawn(&args.only, &item.what) {
            diagram.add(item);
        }
        if args.only.is_empty() || is_one_of(&args.only, &item.what) {
            out::line(item);
            if args.json.is_some() {
                messages.extend(zab_capture::json(item));
            }
        }
    });
    let summary = match decoded {
        Ok(summary) => summary,
        Err(error) => {
            out::error(format_args!("{}: {error}", args.capture.display()));
            let is_cut = matches!(error, CaptureError::Cut { .. });
            return if is_cut { Exit::Unknown } else { Exit::Usage };
        }
    };
    let rows = summary.messages.iter().map(|(name, count)| [(*name).to_owned(), count.to_string()]);
    out::line(table(["message", "number"], rows.collect()));
    out::line(format_args!(
        "{} messages on {} connections; {} unreadable; {} bytes of messages that were not complete",
        summary.total(),
        summary.connections,
        summary.errors,
        summary.unfinished_bytes,
    ));
    compare(&args.members, &seen);
    let mut exit = if summary.errors == 0 { Exit::Good } else { Exit::Usage };
    if let Some(picture) = &args.export {
        exit = exit.and(draw(picture, &diagram));
    }
    exit.and(write_json(args.json.as_deref(), "decode", to_json(&summary, messages)))
}

/// Says where the servers of the capture are not those that were named.
fn compare(given: &Members, seen: &BTreeSet<i64>) {
    let Some(named) = wire::named(given) else { return };
    for server in seen.difference(&named.servers) {
        out::line(format_args!("server {server} takes part, and is none of those that were named"));
    }
    for server in named.servers.difference(seen) {
        out::line(format_args!("server {server} was named, and has no connection"));
    }
}

/// Draws what there is.
fn draw(picture: &Picture, diagram: &Diagram) -> Exit {
    if diagram.left_out > 0 {
        let (name, left_out) = (picture.name(), diagram.left_out);
        out::line(format_args!(
            "{name} shows the first {ROWS_MAX} rows; {left_out} more are left out (--only chooses)"
        ));
    }
    match diagram.sequence() {
        Some(sequence) => picture.write(&sequence),
        None => {
            out::line(format_args!("there is nothing to draw: {} is not written", picture.name()));
            Exit::Good
        }
    }
}

fn is_drawn(only: &[String], what: &What) -> bool {
    if only.is_empty() { packets::is_shown(what) } else { is_one_of(only, what) }
}

fn decode(path: &Path, visit: impl FnMut(&Item)) -> Result<Summary, CaptureError> {
    let read = |source: io::Error| CaptureError::Read { line: 1, source };
    let file = File::open(path).map_err(read)?;
    zab_capture::decode(BufReader::new(file), visit)
}

/// Whether something is a message of one of these names.
fn is_one_of(names: &[String], what: &What) -> bool {
    match what {
        What::Sent { message, .. } => {
            names.iter().any(|name| name.eq_ignore_ascii_case(message.name()))
        }
        What::Lost { .. } => true,
        What::Other(_) => false,
    }
}

fn to_json(summary: &Summary, messages: Vec<Value>) -> Value {
    json!({
        "messages": messages,
        "counts": summary.messages,
        "connections": summary.connections,
        "unreadable": summary.errors,
        "unfinished_bytes": summary.unfinished_bytes,
    })
}
