//! Why a file is no capture.

use std::io;

use thiserror::Error;

/// A capture that cannot be read on.
#[derive(Debug, Error)]
pub enum CaptureError {
    /// The file cannot be read.
    #[error("line {line}: cannot be read: {source}")]
    Read {
        /// The line, from 1.
        line: u64,
        /// What the system says.
        source: io::Error,
    },
    /// A line is longer than [`LINE_MAX`](crate::raw::LINE_MAX) bytes.
    #[error("line {line} is longer than {max} bytes")]
    TooLong {
        /// The line, from 1.
        line: u64,
        /// The limit in bytes.
        max: usize,
    },
    /// A line is no entry.
    #[error(
        "line {line}: expected an entry of a capture, a JSON object with \"t\" and \"ev\": {why}"
    )]
    Entry {
        /// The line, from 1.
        line: u64,
        /// What is wrong with it.
        why: String,
    },
    /// The last line has no end and is no entry: its writer was stopped, or its disk was full.
    #[error("the capture is cut in line {line}: what stands before it is complete")]
    Cut {
        /// The line, from 1.
        line: u64,
    },
    /// A header that this program does not understand.
    #[error("line 1: capture form {offered}, expected 1")]
    Version {
        /// What the header says.
        offered: u64,
    },
    /// Bytes or an end on a connection that is not open.
    #[error(
        "line {line}: connection {connection} is not open: expected an earlier \"open\" with this cid"
    )]
    NotOpen {
        /// The line, from 1.
        line: u64,
        /// The connection's number.
        connection: u64,
    },
    /// Bytes of a server that is no end of the connection.
    #[error("line {line}: server {server} is no end of connection {connection}")]
    NoEnd {
        /// The line, from 1.
        line: u64,
        /// The connection's number.
        connection: u64,
        /// The server that the line names.
        server: i64,
    },
    /// A connection is opened under a number that another one has.
    #[error("line {line}: connection {connection} was opened before: expected a new cid")]
    OpenedTwice {
        /// The line, from 1.
        line: u64,
        /// The connection's number.
        connection: u64,
    },
    /// There is no entry in the file.
    #[error("there is no entry in it: expected one JSON object per line")]
    Empty,
}
