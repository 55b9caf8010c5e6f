//! A file of a trace that is open only while it is read.

use std::fs::File;
use std::io::{BufReader, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::{LINE_BYTES_MAX, Lines, Located, Reader, unreadable};
use crate::{Event, Header, ReadError, ReadErrorKind};

/// One file of a trace as a stream of its events, in memory that does not grow with their number.
///
/// Header and first event are read at once; the file is open from the second event to the last. So
/// a trace may have more files than a process may open, as long as not all are read at the same
/// time. As an iterator it ends after the last event or after the first error.
#[derive(Debug)]
pub struct Stream {
    file: String,
    header: Header,
    at: At,
}

#[derive(Debug)]
enum At {
    /// Nothing was taken; the rest begins at this byte, after this line.
    First {
        path: PathBuf,
        first: Option<Result<Located, ReadError>>,
        rest: u64,
        line: u64,
    },
    /// The first event was taken.
    Closed {
        path: PathBuf,
        rest: u64,
        line: u64,
    },
    Open(Reader<BufReader<File>>),
    End,
}

impl Stream {
    /// Opens a file, reads its header and its first event, and closes it.
    ///
    /// # Errors
    /// When the file cannot be opened, or has no good header.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        let mut reader = Reader::open(path)?;
        let first = reader.next();
        let (file, header) = (reader.file().to_owned(), reader.header().clone());
        let at = match first {
            Some(Ok(_)) | None => {
                let rest = reader.lines.input.stream_position();
                let rest = rest.map_err(|error| unreadable(path, error))?;
                At::First { path: path.to_owned(), first, rest, line: reader.lines.number }
            }
            Some(Err(_)) => At::First { path: path.to_owned(), first, rest: 0, line: 0 },
        };
        Ok(Self { file, header, at })
    }

    /// The header.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The file's name, as it was given.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The first event, until it is taken.
    #[must_use]
    pub const fn first(&self) -> Option<&Event> {
        match &self.at {
            At::First { first: Some(Ok(located)), .. } => Some(&located.event),
            At::First { .. } | At::Closed { .. } | At::Open(_) | At::End => None,
        }
    }

    /// Opens the file again, behind its first event.
    fn resume(
        &self,
        path: &Path,
        rest: u64,
        line: u64,
    ) -> Result<Reader<BufReader<File>>, ReadError> {
        let mut file = File::open(path).map_err(|error| unreadable(path, error))?;
        file.seek(SeekFrom::Start(rest)).map_err(|error| unreadable(path, error))?;
        let input = BufReader::with_capacity(LINE_BYTES_MAX, file);
        let lines = Lines { file: self.file.clone(), input, buffer: Vec::new(), number: line };
        Ok(Reader::resumed(lines, self.header.clone()))
    }
}

impl Iterator for Stream {
    type Item = Result<Located, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            // In place: a reader is large, and this is done for every line.
            if let At::Open(reader) = &mut self.at {
                let next = reader.next();
                if !matches!(next, Some(Ok(_))) {
                    self.at = At::End;
                }
                return next;
            }
            match std::mem::replace(&mut self.at, At::End) {
                At::First { path, first: Some(Ok(first)), rest, line } => {
                    self.at = At::Closed { path, rest, line };
                    return Some(Ok(first));
                }
                At::First { first, .. } => return first,
                At::Closed { path, rest, line } => match self.resume(&path, rest, line) {
                    Ok(reader) => self.at = At::Open(reader),
                    Err(error) => return Some(Err(error)),
                },
                At::Open(_) | At::End => return None,
            }
        }
    }
}

/// The kind of a path that is no regular file; a pipe would wait for ever to be opened.
pub(super) fn not_a_file(path: &Path) -> Option<ReadErrorKind> {
    let kind = path.metadata().ok()?.file_type();
    if kind.is_file() {
        None
    } else if kind.is_dir() {
        Some(ReadErrorKind::NotAFile("a folder"))
    } else {
        Some(ReadErrorKind::NotAFile("a pipe, a socket or a device"))
    }
}
