//! Histories as they are read.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use crate::record::{Call, Clock, Header, Line, Operation, VERSION, What};

/// The longest line that is read, with its end.
const LINE_MAX: u64 = 4 << 20;

/// A history: its header and its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// The first line, of the first file where there are several.
    pub header: Header,
    /// The others.
    pub lines: Vec<Line>,
    /// Where each line stands: a file, and the number of the line in it.
    places: Vec<(usize, usize)>,
    files: Vec<String>,
}

/// Why a history cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be read.
    #[error("{file}: cannot be read: {source}")]
    Read {
        /// Which.
        file: String,
        /// Why.
        source: io::Error,
    },
    /// A line is not what the format says.
    #[error("{file}:{line}: {what}")]
    Line {
        /// The file.
        file: String,
        /// The line.
        line: usize,
        /// What is wrong with it.
        what: String,
    },
}

impl History {
    /// A history that was made, not read.
    ///
    /// # Errors
    /// As for one that is read.
    pub fn new(header: Header, lines: Vec<Line>) -> Result<Self, LoadError> {
        let places = (0..lines.len()).map(|index| (0, index + 2)).collect();
        let history = Self { header, lines, places, files: vec!["history".to_owned()] };
        history.validate()?;
        Ok(history)
    }

    /// Reads a history from its files.
    ///
    /// # Errors
    /// If a file cannot be read, or is not what the format says.
    pub fn load(paths: &[PathBuf]) -> Result<Self, LoadError> {
        let mut whole: Option<Self> = None;
        for path in paths {
            let name = path.display().to_string();
            let part = read(path, &name)?;
            let Some(whole) = &mut whole else {
                whole = Some(part);
                continue;
            };
            let what =
                |what: &str| LoadError::Line { file: name.clone(), line: 1, what: what.to_owned() };
            let (header, other) = (&whole.header, &part.header);
            if (header.clock, header.since) != (other.clock, other.since) {
                return Err(what(
                    "expected the same clock and the same \"since\" as in the other files",
                ));
            }
            if header.clock == Clock::Each {
                return Err(what(
                    "clients in several files can only be compared by a shared clock",
                ));
            }
            whole.places.extend(part.places.iter().map(|(_, line)| (whole.files.len(), *line)));
            whole.lines.extend(part.lines);
            whole.files.extend(part.files);
        }
        let missing = || LoadError::Read {
            file: "history".to_owned(),
            source: io::ErrorKind::NotFound.into(),
        };
        let whole = whole.ok_or_else(missing)?;
        whole.validate()?;
        Ok(whole)
    }

    /// Where a line stands: the file and the number of the line in it.
    #[must_use]
    pub fn place(&self, index: usize) -> (&str, usize) {
        let (file, line) = self.places[index];
        (&self.files[file], line)
    }

    /// The operations, with the indices of their lines.
    pub(crate) fn operations(&self) -> impl Iterator<Item = (usize, &Operation)> {
        self.lines.iter().enumerate().filter_map(|(index, line)| match &line.what {
            What::Operation(operation) => Some((index, operation)),
            What::Connected { .. }
            | What::Disconnected { .. }
            | What::Expired { .. }
            | What::Watch { .. }
            | What::Mark(_) => None,
        })
    }

    /// What no line can say by itself: moments that tell nothing apart, replies that lack what the
    /// check rests on.
    fn validate(&self) -> Result<(), LoadError> {
        let mut moments: BTreeMap<(u32, u64), usize> = BTreeMap::new();
        for (index, line) in self.lines.iter().enumerate() {
            let fail = |what: String| {
                let (file, line) = self.place(index);
                Err(LoadError::Line { file: file.to_owned(), line, what })
            };
            let mut at = Vec::new();
            match &line.what {
                What::Operation(operation) => {
                    if let Some(what) = unfit(operation, line.session.is_some()) {
                        return fail(what.to_owned());
                    }
                    at.push(operation.invoked);
                    at.extend(operation.returned);
                }
                What::Connected { at: moment }
                | What::Disconnected { at: moment }
                | What::Expired { at: moment }
                | What::Watch { at: moment, .. } => at.push(*moment),
                What::Mark(mark) => at.push(mark.at),
            }
            for moment in at {
                if let Some(other) = moments.insert((line.client, moment), index) {
                    let (_, other) = self.place(other);
                    return fail(format!(
                        "client {} has the moment {moment} twice (see line {other}), so its order is \
                         not known",
                        line.client
                    ));
                }
            }
        }
        Ok(())
    }
}

/// What is wrong with an operation, if something is.
fn unfit(operation: &Operation, in_session: bool) -> Option<&'static str> {
    let Some(returned) = operation.returned else {
        let answered = operation.error.is_some() || operation.zxid.is_some();
        return answered.then_some("a reply without the moment \"returned\" when it came");
    };
    if returned <= operation.invoked {
        return Some("an operation returns after it is invoked");
    }
    if operation.zxid.is_none() {
        return Some("a reply without the zxid of its header");
    }
    if !in_session {
        return Some("a reply without a session");
    }
    if operation.error.is_some() {
        return None;
    }
    let reply = &operation.reply;
    match &operation.call {
        Call::Create { .. } if reply.path.is_none() => Some("a created node without its path"),
        Call::Get { .. } if reply.stat.is_none() => Some("data without the node's stat"),
        Call::Exists { .. } if reply.stat.is_none() => {
            Some("a node that exists without its stat (one that does not has the error NoNode)")
        }
        Call::Children { .. } if reply.children.is_none() => Some("no names of children"),
        Call::Multi { parts } if parts.len() != reply.parts.len() => {
            Some("a multi with another number of answers than parts")
        }
        _ => None,
    }
}

fn read(path: &Path, name: &str) -> Result<History, LoadError> {
    let failed = |source| LoadError::Read { file: name.to_owned(), source };
    let mut file = BufReader::new(File::open(path).map_err(failed)?);
    let mut header = None;
    let (mut lines, mut places, mut text) = (Vec::new(), Vec::new(), String::new());
    for number in 1.. {
        let wrong = |what: String| LoadError::Line { file: name.to_owned(), line: number, what };
        text.clear();
        let length = io::Read::take(&mut file, LINE_MAX).read_line(&mut text).map_err(failed)?;
        if length == 0 {
            break;
        }
        if !text.ends_with('\n') {
            return Err(wrong(
                "a line without its end: the file is cut, or the line is too long".to_owned(),
            ));
        }
        if header.is_none() {
            header = Some(heading(&text).map_err(wrong)?);
            continue;
        }
        lines.push(serde_json::from_str::<Line>(&text).map_err(|error| wrong(said(&error)))?);
        places.push((0, number));
    }
    let Some(header) = header else {
        return Err(LoadError::Line {
            file: name.to_owned(),
            line: 1,
            what: "no header: the file is empty".to_owned(),
        });
    };
    Ok(History { header, lines, places, files: vec![name.to_owned()] })
}

fn heading(text: &str) -> Result<Header, String> {
    let version = serde_json::from_str::<serde_json::Value>(text).map_err(|error| said(&error))?;
    match version.get("zabHistory").and_then(serde_json::Value::as_u64) {
        Some(found) if found == u64::from(VERSION) => {}
        Some(found) => return Err(format!("expected format version {VERSION}, found {found}")),
        None => return Err("expected a header with \"zabHistory\": is this a history?".to_owned()),
    }
    serde_json::from_value(version).map_err(|error| said(&error))
}

/// What serde says, without its own idea of the place.
fn said(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or(&text).to_owned()
}
