//! The form of a capture: one JSON object per line, in the recorder's order.
//!
//! | `ev` | fields | what happened |
//! |---|---|---|
//! | `listen`, `unlisten` | `ch` `frm` `to` | the recorder's port for `frm` dialling `to` opened or closed with its target |
//! | `open` | `cid` `ch` `frm` `to` | `frm` dialled `to` |
//! | `refused` | `ch` `frm` `to` | `frm` dialled `to` and was refused |
//! | `data` | `cid` `ch` `frm` `to` `hex` | bytes that `frm` sent on this connection |
//! | `eof` | `cid` `ch` `frm` `to` `why` | the side of `frm` ended |
//! | `close` | `cid` | both sides have ended |
//! | `dropped`, `delivered_late` | `ch` `frm` `to` `n` | so many bytes never reached `to`, or only now |
//! | `ctl` | `op` and others | the recorder cut, healed, reset, held, released, dropped, delayed, broke one side off or let a packet go |
//! | `kill_on_ack` | `sid` | this server was killed as its acknowledgement passed |
//! | `mark` | `what` and others | whatever the recorder's user did: start, kill, a client's operation |
//! | `quit` | `connections` | the end; how many connections were opened, if the recorder says so |
//!
//! `t` is monotonic time in nanoseconds; an entry without it is as late as the one before. `ch` is `q` (quorum port) or `e` (election port). The first
//! line may be a [`Header`] instead.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::error::CaptureError;

/// Longest line in bytes.
pub const LINE_MAX: usize = 16 << 20;

/// What a capture may say of itself in its first line.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Header {
    /// The version of the form: 1.
    pub capture: u64,
    /// The ids of all servers, observers included.
    #[serde(default)]
    pub servers: Vec<i64>,
    /// The ids of the observers.
    #[serde(default)]
    pub observers: Vec<i64>,
    /// What the servers run.
    #[serde(default)]
    pub software: Option<String>,
    /// What was done to them, and where the capture comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// The port of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
pub enum Port {
    /// The quorum port (2888).
    #[serde(rename = "q")]
    Quorum,
    /// The election port (3888).
    #[serde(rename = "e")]
    Election,
}

/// A connection, and which of its ends an entry is about.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Side {
    /// The connection's number.
    #[serde(rename = "cid")]
    pub connection: u64,
    /// Its port.
    #[serde(rename = "ch")]
    pub port: Port,
    /// The server that dials, sends or ends.
    #[serde(rename = "frm")]
    pub from: i64,
    /// The other server.
    pub to: i64,
}

/// A directed pair of servers and a port.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Link {
    /// The port.
    #[serde(rename = "ch")]
    pub port: Port,
    /// The server that dials or sends.
    #[serde(rename = "frm")]
    pub from: i64,
    /// The other server.
    pub to: i64,
}

/// What an entry says.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(tag = "ev", rename_all = "snake_case")]
pub enum Event {
    /// The recorder's port for this link opened.
    Listen(Link),
    /// It closed.
    Unlisten(Link),
    /// A connection was opened by [`Side::from`].
    Open(Side),
    /// A connection was refused.
    Refused(Link),
    /// Bytes.
    Data {
        /// Who sent them, and on which connection.
        #[serde(flatten)]
        side: Side,
        /// The bytes.
        #[serde(rename = "hex", with = "hex")]
        bytes: Vec<u8>,
    },
    /// One side of a connection ended.
    Eof {
        /// Which.
        #[serde(flatten)]
        side: Side,
        /// `eof`, `cut`, or the name of an error.
        #[serde(default)]
        why: Option<String>,
    },
    /// Both sides have ended.
    Close {
        /// The connection's number.
        #[serde(rename = "cid")]
        connection: u64,
    },
    /// Bytes that were recorded and never delivered.
    Dropped {
        /// On which link.
        #[serde(flatten)]
        link: Link,
        /// How many.
        #[serde(rename = "n")]
        bytes: u64,
    },
    /// Bytes that were recorded earlier and delivered now.
    DeliveredLate {
        /// On which link.
        #[serde(flatten)]
        link: Link,
        /// How many.
        #[serde(rename = "n")]
        bytes: u64,
    },
    /// The recorder was told to cut, heal, hold, release or delay.
    Ctl {
        /// What it was told.
        op: String,
        /// With what.
        #[serde(flatten)]
        details: Map<String, Value>,
    },
    /// A server was killed as its acknowledgement passed.
    KillOnAck {
        /// Which.
        #[serde(rename = "sid")]
        server: i64,
    },
    /// Whatever the recorder's user did.
    Mark {
        /// What.
        what: String,
        /// With what.
        #[serde(flatten)]
        details: Map<String, Value>,
    },
    /// The end.
    Quit {
        /// How many connections were opened.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        connections: Option<u64>,
    },
}

impl Event {
    /// The server that was started, if this is such a mark.
    #[must_use]
    pub fn started(&self) -> Option<i64> {
        self.marked("start")
    }

    /// The server whose process was ended, if this is such a mark.
    #[must_use]
    pub fn killed(&self) -> Option<i64> {
        self.marked("killed")
    }

    fn marked(&self, word: &str) -> Option<i64> {
        let Self::Mark { what, details } = self else { return None };
        details.get("sid").filter(|_| what == word).and_then(Value::as_i64)
    }
}

/// One entry of a capture.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its line, from 1.
    pub line: u64,
    /// Monotonic time in nanoseconds.
    pub time_ns: u64,
    /// What happened.
    pub event: Event,
}

#[derive(Deserialize)]
struct At {
    #[serde(default)]
    t: Option<u64>,
}

/// Bytes as hexadecimal text.
mod hex {
    use super::{Deserialize, Deserializer, Error, HEXLOWER, HEXLOWER_PERMISSIVE, Serializer};

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(from)?;
        HEXLOWER_PERMISSIVE.decode(text.as_bytes()).map_err(D::Error::custom)
    }

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&HEXLOWER.encode(bytes))
    }
}

/// The line of a header, with its end.
///
/// # Errors
/// Never: a header has no value that JSON lacks.
pub fn header_line(header: &Header) -> serde_json::Result<String> {
    serde_json::to_string(header).map(|text| text + "\n")
}

/// The line of an entry, with its end.
///
/// # Errors
/// If a detail of `ctl` or `mark` has a name that JSON cannot say twice.
pub fn entry_line(time_ns: u64, event: &Event) -> serde_json::Result<String> {
    #[derive(Serialize)]
    struct Line<'a> {
        t: u64,
        #[serde(flatten)]
        event: &'a Event,
    }
    serde_json::to_string(&Line { t: time_ns, event }).map(|text| text + "\n")
}

/// Whether a file is a capture, by its first line: a header, or an object that says what happened.
#[must_use]
pub fn is_capture(file: &Path) -> bool {
    let Ok(file) = File::open(file) else { return false };
    let mut first = Vec::new();
    let read = BufReader::new(file).take(LINE_MAX as u64).read_until(b'\n', &mut first);
    let line: Option<Map<String, Value>> =
        read.ok().and_then(|_| serde_json::from_slice(&first).ok());
    line.is_some_and(|line| line.contains_key("capture") || line.contains_key("ev"))
}

/// Reads a capture line by line.
#[derive(Debug)]
pub struct Reader<R> {
    input: R,
    line: u64,
    time_ns: u64,
    header: Option<Header>,
}

impl<R: BufRead> Reader<R> {
    /// A reader at the beginning of a capture.
    pub fn new(input: R) -> Self {
        Self { input, line: 0, time_ns: 0, header: None }
    }

    /// The header, once the first line was read, if it was one.
    #[must_use]
    pub fn header(&self) -> Option<&Header> {
        self.header.as_ref()
    }

    /// The next entry; `None` at the end. Empty lines are left out.
    ///
    /// # Errors
    /// If a line cannot be read, is too long, or is no entry.
    pub fn next_entry(&mut self) -> Result<Option<Entry>, CaptureError> {
        loop {
            let Some(text) = self.next_line()? else { return Ok(None) };
            if text.trim().is_empty() {
                continue;
            }
            if self.line == 1 && self.take_header(&text)? {
                continue;
            }
            let entry = self.entry(&text);
            if entry.is_err() && !text.ends_with('\n') && self.line > 1 {
                return Err(CaptureError::Cut { line: self.line });
            }
            return entry.map(Some);
        }
    }

    fn next_line(&mut self) -> Result<Option<String>, CaptureError> {
        self.line += 1;
        let line = self.line;
        let mut bytes = Vec::new();
        let limit = LINE_MAX as u64 + 1;
        let read = self.input.by_ref().take(limit).read_until(b'\n', &mut bytes);
        read.map_err(|source| CaptureError::Read { line, source })?;
        if bytes.len() > LINE_MAX {
            return Err(CaptureError::TooLong { line, max: LINE_MAX });
        }
        if bytes.is_empty() {
            return Ok(None);
        }
        let text = String::from_utf8(bytes);
        text.map(Some).map_err(|why| CaptureError::Entry { line, why: why.to_string() })
    }

    /// Whether the text is a header.
    fn take_header(&mut self, text: &str) -> Result<bool, CaptureError> {
        let Ok(header) = serde_json::from_str::<Header>(text) else { return Ok(false) };
        if header.capture != 1 {
            return Err(CaptureError::Version { offered: header.capture });
        }
        self.header = Some(header);
        Ok(true)
    }

    fn entry(&mut self, text: &str) -> Result<Entry, CaptureError> {
        let line = self.line;
        let refuse = |why: serde_json::Error| CaptureError::Entry { line, why: why.to_string() };
        let At { t } = serde_json::from_str(text).map_err(refuse)?;
        self.time_ns = t.unwrap_or(self.time_ns);
        let mut event = serde_json::from_str(text).map_err(refuse)?;
        if let Event::Ctl { details, .. } | Event::Mark { details, .. } = &mut event {
            details.remove("t");
            if let Some(server) = details.get("sid").filter(|server| !server.is_i64()) {
                let why = format!("\"sid\" is {server}, expected the number of a server");
                return Err(CaptureError::Entry { line, why });
            }
        }
        Ok(Entry { line, time_ns: self.time_ns, event })
    }
}
