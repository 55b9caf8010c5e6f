//! Reading: a file as a stream, or a whole trace at once.

mod cause;
mod folder;
mod joined;
mod stream;

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::error::{LINE_BYTES_MAX, disagreement};
use crate::header::VERSION;
use crate::names::Interner;
use crate::parse::{self, Misread, Parsed};
use crate::{Event, Header, ReadError, ReadErrorKind};

pub use folder::{files_not_read, trace_files};
pub use joined::{Pair, joined_names};
pub use stream::Stream;

/// An event and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    /// The line in its file, from 1.
    pub line: u64,
    /// The event.
    pub event: Event,
    /// Fields of its `state` and `recovered` that the format does not know. They are ignored.
    pub unknown: Vec<String>,
}

impl Located {
    /// An event that has all its fields from the format.
    #[must_use]
    pub const fn new(line: u64, event: Event) -> Self {
        Self { line, event, unknown: Vec::new() }
    }
}

/// Streams the events of one file, in memory that does not grow with the number of its events.
///
/// As an iterator it ends after the last event or after the first error.
#[derive(Debug)]
pub struct Reader<R> {
    lines: Lines<R>,
    header: Header,
    names: Interner,
    failed: bool,
}

impl<R: BufRead> Reader<R> {
    /// Starts reading: reads the header line. `file` is the name used in errors.
    ///
    /// # Errors
    /// When there is no header, or one of another version, or the line cannot be read.
    pub fn new(file: impl Into<String>, input: R) -> Result<Self, ReadError> {
        let mut lines =
            Lines { file: file.into(), input, buffer: Vec::with_capacity(1024), number: 0 };
        let Some(line) = lines.next()? else {
            return Err(lines.error(1, ReadErrorKind::Empty));
        };
        let header = header(line).map_err(|(column, kind)| lines.error(column, kind))?;
        Ok(Self::resumed(lines, header))
    }

    /// Goes on after lines that were read before.
    fn resumed(lines: Lines<R>, header: Header) -> Self {
        Self { lines, header, names: Interner::default(), failed: false }
    }

    /// The header.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The file's name, as it was given.
    pub fn file(&self) -> &str {
        &self.lines.file
    }

    fn read(&mut self) -> Result<Option<Located>, ReadError> {
        let Some(line) = self.lines.next()? else { return Ok(None) };
        let Misread { column, sentence } = match parse::event(line, &mut self.names) {
            Ok(Parsed { event, unknown }) => {
                return Ok(Some(Located { line: self.lines.number, event, unknown }));
            }
            Err(misread) => misread,
        };
        let (column, kind) = if let Some(kind) = cause::of_line(line, "an event") {
            (1, kind)
        } else if parse::has_field(line, "zabTrace") {
            (1, ReadErrorKind::SecondHeader)
        } else {
            (column, ReadErrorKind::Malformed(sentence))
        };
        Err(self.lines.error(column, kind))
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<Located, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let next = self.read().transpose();
        self.failed = matches!(next, None | Some(Err(_)));
        next
    }
}

impl Reader<BufReader<File>> {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// When the path is no regular file, it cannot be opened, and as [`Reader::new`].
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        if let Some(kind) = stream::not_a_file(path) {
            return Err(ReadError { file: path.display().to_string(), line: 1, column: 1, kind });
        }
        let file = File::open(path).map_err(|error| unreadable(path, error))?;
        Self::new(path.display().to_string(), BufReader::with_capacity(LINE_BYTES_MAX, file))
    }
}

/// Lines of text with their numbers.
#[derive(Debug)]
struct Lines<R> {
    file: String,
    input: R,
    buffer: Vec<u8>,
    /// The number of the line in `buffer`; 0 before the first.
    number: u64,
}

impl<R: BufRead> Lines<R> {
    /// The next line without its line feed.
    fn next(&mut self) -> Result<Option<&str>, ReadError> {
        self.buffer.clear();
        self.number += 1;
        let read = (&mut self.input)
            .take(LINE_BYTES_MAX as u64)
            .read_until(b'\n', &mut self.buffer)
            .map_err(|error| self.error(1, ReadErrorKind::Io(error)))?;
        if read == 0 {
            return Ok(None);
        }
        if self.number == 1
            && let Some(kind) = cause::of_file(&self.buffer)
        {
            return Err(self.error(1, kind));
        }
        if self.buffer.pop_if(|byte| *byte == b'\n').is_none() {
            let kind =
                if read == LINE_BYTES_MAX { ReadErrorKind::TooLong } else { ReadErrorKind::Cut };
            return Err(self.error(read as u64, kind));
        }
        match std::str::from_utf8(&self.buffer) {
            Ok(line) => Ok(Some(line)),
            Err(error) => {
                let at = error.valid_up_to();
                let byte = self.buffer.get(at).copied().unwrap_or_default();
                Err(self.error(at as u64 + 1, ReadErrorKind::NotUtf8 { byte }))
            }
        }
    }

    fn error(&self, column: u64, kind: ReadErrorKind) -> ReadError {
        ReadError { file: self.file.clone(), line: self.number, column, kind }
    }
}

/// The one field that is read before the version is known.
#[derive(Deserialize)]
struct Version {
    #[serde(default, rename = "zabTrace", deserialize_with = "parse::present")]
    version: Option<Value>,
}

fn header(line: &str) -> Result<Header, (u64, ReadErrorKind)> {
    if !line.trim_start().starts_with('{') {
        let kind = cause::of_line(line, "a header line");
        return Err((1, kind.unwrap_or(ReadErrorKind::NoHeader)));
    }
    let malformed = |misread: Misread| match cause::of_line(line, "a header line") {
        Some(kind) => (1, kind),
        None => (misread.column, ReadErrorKind::Malformed(misread.sentence)),
    };
    match parse::parse_owned::<Version>(line).map_err(malformed)?.version {
        None => return Err((1, ReadErrorKind::NoHeader)),
        Some(version) if version.as_u64() == Some(VERSION) => {}
        Some(version) => {
            return Err((1, ReadErrorKind::WrongVersion { found: version.to_string() }));
        }
    }
    let header: Header = parse::parse_owned(line).map_err(malformed)?;
    check_values(&header).map_err(|sentence| (1, ReadErrorKind::Malformed(sentence)))?;
    Ok(header)
}

/// An ensemble has at least one voter, every id stands for one server, and a leader keeps
/// something.
fn check_values(header: &Header) -> Result<(), String> {
    if header.window == 0 {
        return Err("window 0, expected 1 or more".to_owned());
    }
    if header.servers.is_empty() {
        return Err("no servers, expected at least one voting member".to_owned());
    }
    let mut ids: Vec<_> = header.servers.iter().chain(&header.observers).collect();
    ids.sort_unstable();
    if ids[0] == &0 {
        return Err("server id 0, expected ids from 1: 0 is the recorder".to_owned());
    }
    match ids.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(format!("server {} is named twice", pair[0])),
        None => Ok(()),
    }
}

/// One file, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceFile {
    /// The file's name, as it was given.
    pub name: String,
    /// Its header.
    pub header: Header,
    /// Its events, in the order of its lines.
    pub events: Vec<Located>,
}

/// A whole trace in memory: files whose headers agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// The files, in the order given, at least one.
    pub files: Vec<TraceFile>,
}

impl Trace {
    /// Reads a trace from files and folders (see [`trace_files`]).
    ///
    /// # Errors
    /// When there is no file, one cannot be read, or the headers disagree.
    pub fn load(paths: &[impl AsRef<Path>]) -> Result<Self, ReadError> {
        let mut files = Vec::new();
        for reader in open_all(paths)? {
            let (name, header) = (reader.file().to_owned(), reader.header().clone());
            files.push(TraceFile { name, header, events: reader.collect::<Result<_, _>>()? });
        }
        Ok(Self { files })
    }

    /// The header of the first file; the others agree with it in all that matters to a check.
    ///
    /// # Panics
    /// When `files` was emptied.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.files[0].header
    }
}

/// Opens all files of a trace for streaming, and checks that their headers agree.
///
/// # Errors
/// When there is no file, one cannot be opened, or the headers disagree.
pub fn open_all(paths: &[impl AsRef<Path>]) -> Result<Vec<Stream>, ReadError> {
    let streams =
        trace_files(paths)?.iter().map(|path| Stream::open(path)).collect::<Result<Vec<_>, _>>()?;
    if let Some((first, others)) = streams.split_first() {
        for other in others {
            if let Some(field) = disagreement(first.header(), other.header()) {
                let kind = ReadErrorKind::HeaderDiffers { field, first: first.file().to_owned() };
                let file = other.file().to_owned();
                return Err(ReadError { file, line: 1, column: 1, kind });
            }
        }
    }
    Ok(streams)
}

fn unreadable(path: &Path, error: io::Error) -> ReadError {
    let file = path.display().to_string();
    ReadError { file, line: 1, column: 1, kind: ReadErrorKind::Io(error) }
}
