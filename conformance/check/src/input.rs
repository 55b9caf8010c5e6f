//! What is checked: the files of a trace, as streams or in memory.

use std::path::Path;

use zab_trace::{Event, Header, Located, Printable, ReadError, ServerId, Stream, Trace};

/// One file of a trace: its name, its header and the stream of its events.
pub struct Input<'a> {
    /// The name used in places, such as a path.
    pub name: String,
    /// The header line.
    pub header: Header,
    /// The events in the order of the lines.
    pub events: Box<dyn Iterator<Item = Result<Located, ReadError>> + 'a>,
}

impl std::fmt::Debug for Input<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Input").field("name", &self.name).field("header", &self.header).finish()
    }
}

impl<'a> Input<'a> {
    /// A file on disk.
    #[must_use]
    pub fn from_stream(stream: Stream) -> Self {
        let (name, header) = (stream.file().to_owned(), stream.header().clone());
        Self { name, header, events: Box::new(stream) }
    }

    /// Events in memory, as if they were the lines after the header of a file.
    pub fn from_events(name: &str, header: &Header, events: &'a [Event]) -> Self {
        let located =
            events.iter().zip(2..).map(|(event, line)| Ok(Located::new(line, event.clone())));
        Self { name: name.to_owned(), header: header.clone(), events: Box::new(located) }
    }
}

/// A trace that can be read as often as needed: the check reads it a second time, beforehand, when
/// its contract hides `Proposed`.
pub trait Inputs {
    /// Opens all files of the trace, at their beginning.
    ///
    /// # Errors
    /// When there is no file, one cannot be opened, or their headers disagree.
    fn open(&self) -> Result<Vec<Input<'_>>, ReadError>;
}

/// Files and folders on disk.
impl<P: AsRef<Path>> Inputs for [P] {
    fn open(&self) -> Result<Vec<Input<'_>>, ReadError> {
        Ok(zab_trace::open_all(self)?.into_iter().map(Input::from_stream).collect())
    }
}

/// A trace in memory.
impl Inputs for Trace {
    fn open(&self) -> Result<Vec<Input<'_>>, ReadError> {
        let inputs = self.files.iter().map(|file| Input {
            name: file.name.clone(),
            header: file.header.clone(),
            events: Box::new(file.events.iter().cloned().map(Ok)),
        });
        Ok(inputs.collect())
    }
}

/// One header and the events below it.
impl Inputs for (Header, Vec<Event>) {
    fn open(&self) -> Result<Vec<Input<'_>>, ReadError> {
        Ok(vec![Input::from_events("trace", &self.0, &self.1)])
    }
}

/// Where a line stands: which file of the trace, and the line in it, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct At {
    /// The index of the file, in the order in which the trace names them.
    pub(crate) file: u32,
    /// The line, from 1.
    pub(crate) line: u64,
}

/// A line of the trace with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    /// Where it stands.
    pub(crate) at: At,
    /// What it says.
    pub(crate) event: Event,
}

/// A place in a trace as a person reads it: `file:line`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file's name, as it was given.
    pub file: String,
    /// The line, from 1.
    pub line: u64,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", Printable(&self.file), self.line)
    }
}

/// The recorder's own id in events that are about no server.
pub(crate) const RECORDER: ServerId = 0;
