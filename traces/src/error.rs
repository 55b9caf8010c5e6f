//! Why a file is no trace.

use std::{fmt, io};

use crate::header::VERSION;
use crate::{Header, Printable};

/// The longest line, in bytes, with its line feed.
pub const LINE_BYTES_MAX: usize = 64 * 1024;

/// What is wrong with a file, and where.
///
/// Shown as `file:line:column: what is wrong`.
#[derive(Debug)]
pub struct ReadError {
    /// The file's name, as it was given.
    pub file: String,
    /// The line, from 1.
    pub line: u64,
    /// The column in bytes, from 1.
    pub column: u64,
    /// What is wrong.
    pub kind: ReadErrorKind,
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (file, kind) = (Printable(&self.file), Printable(&self.kind));
        write!(f, "{file}:{}:{}: {kind}", self.line, self.column)
    }
}

impl std::error::Error for ReadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.kind.source()
    }
}

/// What is wrong with a line.
#[derive(Debug, thiserror::Error)]
pub enum ReadErrorKind {
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Io(#[source] io::Error),
    /// The path is no file that can be read again: a check reads a trace more than once.
    #[error("{0}, expected a regular file, since a trace is read more than once")]
    NotAFile(&'static str),
    /// A folder without a trace file.
    #[error("no *.ndjson file in this folder{others}")]
    NoTraceFile {
        /// What is there instead, as the end of the sentence.
        others: String,
    },
    /// Known by its first bytes.
    #[error("compressed with {0}: unpack it first")]
    Compressed(&'static str),
    /// Known by its first bytes.
    #[error("UTF-16, expected UTF-8")]
    Utf16,
    /// U+FEFF at the beginning.
    #[error("a byte order mark, expected UTF-8 without one")]
    ByteOrderMark,
    /// A line with nothing on it, or blanks.
    #[error("an empty line, expected {expected}")]
    EmptyLine {
        /// What should be there.
        expected: &'static str,
    },
    /// A machine that lost power may leave zeros where a line was not written.
    #[error("zero bytes, expected text: this part of the file was never written")]
    Zeros,
    /// One array around all events.
    #[error("a JSON array, expected one JSON object on each line, without brackets around them")]
    Array,
    /// A comma between two events.
    #[error("a comma after the object, expected one JSON object on each line, and nothing else")]
    Comma,
    /// Lines that end as on the Macintosh of old.
    #[error("a carriage return inside the line, expected a line feed at the end of every line")]
    CarriageReturn,
    /// There is not one line.
    #[error("the file is empty, expected a header line")]
    Empty,
    /// The last line has no end: the writer died, or the file was cut.
    #[error("the last line is cut: expected a line feed at its end")]
    Cut,
    /// A line of hostile length.
    #[error("the line is longer than {LINE_BYTES_MAX} bytes")]
    TooLong,
    /// Not UTF-8.
    #[error("not UTF-8: byte 0x{byte:02x}")]
    NotUtf8 {
        /// The first byte that does not fit.
        byte: u8,
    },
    /// The first line is something else.
    #[error("expected a header line, an object with \"zabTrace\": {VERSION}")]
    NoHeader,
    /// A header again, inside the file.
    #[error("a second header inside the file, expected an event")]
    SecondHeader,
    /// A format that this crate does not know.
    #[error("format version {found}, expected {VERSION}")]
    WrongVersion {
        /// The header's `zabTrace`.
        found: String,
    },
    /// Not what the format says: the sentence says what was found and what was expected.
    #[error("{0}")]
    Malformed(String),
    /// Two files of one trace do not fit together.
    #[error("{field} differs from that of {first}")]
    HeaderDiffers {
        /// The name of the header field.
        field: &'static str,
        /// The file it differs from.
        first: String,
    },
}

/// The first header field in which two files of one trace may not differ, but do.
pub(crate) fn disagreement(first: &Header, other: &Header) -> Option<&'static str> {
    let fields = [
        ("servers", first.servers != other.servers),
        ("observers", first.observers != other.observers),
        ("profile", first.profile != other.profile),
        ("window", first.window != other.window),
        ("contract", first.contract != other.contract),
    ];
    fields.into_iter().find_map(|(name, differs)| differs.then_some(name))
}
