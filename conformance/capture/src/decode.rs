//! From the entries of a capture to its messages, in the order of the capture.

use std::collections::BTreeMap;
use std::io::BufRead;

use zab_wire::DecodeError;

use crate::connection::{Broken, Connection, Message};
use crate::error::CaptureError;
use crate::raw::{Entry, Event, Header, Port, Reader, Side};

/// Something that happened, at the place of the capture's entry that completed it.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// The line of the capture, from 1.
    pub line: u64,
    /// Time since the first entry, in microseconds.
    pub time_us: u64,
    /// What happened.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// A server sent a message.
    Sent {
        /// The connection's number.
        connection: u64,
        /// Its port.
        port: Port,
        /// The sender.
        from: i64,
        /// The other end.
        to: i64,
        /// The message.
        message: Box<Message>,
    },
    /// Bytes that are no message: nothing more is known of what this server sends on this connection.
    Lost {
        /// The connection's number.
        connection: u64,
        /// The sender.
        from: i64,
        /// The other end.
        to: i64,
        /// What is wrong with them.
        error: DecodeError,
        /// Whether they look like the beginning of an encrypted connection.
        is_tls: bool,
    },
    /// Anything else than bytes.
    Other(Event),
}

/// What a capture held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Its header, if it has one.
    pub header: Option<Header>,
    /// Entries.
    pub entries: u64,
    /// Connections that were opened.
    pub connections: u64,
    /// Messages by name.
    pub messages: BTreeMap<&'static str, u64>,
    /// Messages with bytes that are not what the format asks for, and directions that were lost.
    pub errors: u64,
    /// Bytes that were captured and are no whole message: the connection or the capture ended.
    pub unfinished_bytes: u64,
    /// Those of them that were captured on connections that have not ended.
    pub waiting_bytes: u64,
    /// Whether it ends as a recorder ends it.
    pub has_end: bool,
}

impl Summary {
    /// All messages.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.messages.values().sum()
    }
}

/// Gives every message of a capture to `visit`, and everything else that the capture tells.
///
/// # Errors
/// If the input is no capture. What was visited before is as good as without the error.
pub fn decode(input: impl BufRead, mut visit: impl FnMut(&Item)) -> Result<Summary, CaptureError> {
    let mut reader = Reader::new(input);
    let mut decoder = Decoder::default();
    let mut first_ns = None;
    while let Some(Entry { line, time_ns, event }) = reader.next_entry()? {
        decoder.summary.entries += 1;
        let first_ns = *first_ns.get_or_insert(time_ns);
        let time_us = time_ns.saturating_sub(first_ns) / 1000;
        decoder.entry(line, event, |what| visit(&Item { line, time_us, what }))?;
    }
    let mut summary = decoder.summary;
    let waiting: usize = decoder.connections.values().map(Connection::waiting).sum();
    summary.unfinished_bytes += waiting as u64;
    summary.waiting_bytes = waiting as u64;
    summary.header = reader.header().cloned();
    if summary.entries == 0 { Err(CaptureError::Empty) } else { Ok(summary) }
}

#[derive(Default)]
struct Decoder {
    connections: BTreeMap<u64, Connection>,
    summary: Summary,
}

impl Decoder {
    fn entry(
        &mut self,
        line: u64,
        event: Event,
        mut visit: impl FnMut(What),
    ) -> Result<(), CaptureError> {
        match &event {
            Event::Data { side, bytes } => return self.data(line, side, bytes, visit),
            Event::Open(side) => {
                let connection = side.connection;
                if self.connections.insert(connection, Connection::new(side)).is_some() {
                    return Err(CaptureError::OpenedTwice { line, connection });
                }
                self.summary.connections += 1;
            }
            Event::Eof { side, .. } => {
                self.open(line, side.connection)?;
            }
            Event::Close { connection } => {
                let waiting = self.open(line, *connection)?.waiting();
                self.summary.unfinished_bytes += waiting as u64;
                self.connections.remove(connection);
            }
            Event::Quit { .. } => self.summary.has_end = true,
            Event::Listen(_)
            | Event::Unlisten(_)
            | Event::Refused(_)
            | Event::Dropped { .. }
            | Event::DeliveredLate { .. }
            | Event::Ctl { .. }
            | Event::KillOnAck { .. }
            | Event::Mark { .. } => {}
        }
        visit(What::Other(event));
        Ok(())
    }

    fn open(&mut self, line: u64, connection: u64) -> Result<&mut Connection, CaptureError> {
        let open = self.connections.get_mut(&connection);
        open.ok_or(CaptureError::NotOpen { line, connection })
    }

    fn data(
        &mut self,
        line: u64,
        side: &Side,
        bytes: &[u8],
        mut visit: impl FnMut(What),
    ) -> Result<(), CaptureError> {
        let Side { connection, port, from, to } = *side;
        let open = self.connections.get_mut(&connection);
        let open = open.ok_or(CaptureError::NotOpen { line, connection })?;
        let direction = open.direction(from);
        let direction = direction.ok_or(CaptureError::NoEnd { line, connection, server: from })?;
        direction.push(bytes);
        loop {
            match direction.take() {
                Ok(Some(message)) => {
                    *self.summary.messages.entry(message.name()).or_default() += 1;
                    self.summary.errors += u64::from(message.is_unreadable());
                    let message = Box::new(message);
                    visit(What::Sent { connection, port, from, to, message });
                }
                Ok(None) => return Ok(()),
                Err(Broken { error, is_tls }) => {
                    self.summary.errors += 1;
                    visit(What::Lost { connection, from, to, error, is_tls });
                    return Ok(());
                }
            }
        }
    }
}
