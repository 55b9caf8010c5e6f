//! A capture with one message in each line, which can be changed.

use std::collections::BTreeMap;
use std::io::BufRead;

use bytes::BytesMut;
use zab_wire::election::Notification;
use zab_wire::{PacketType, QuorumPacket, Record as _};

use crate::connection::{Message, Stream};
use crate::error::CaptureError;
use crate::raw::{Event, Header, Port, Reader, Side, entry_line, header_line};

/// A line of the capture.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) time_ns: u64,
    pub(super) event: Event,
    /// What the bytes of the event are.
    pub(super) message: Option<Message>,
}

impl Line {
    pub(super) fn side(&self) -> Option<&Side> {
        match &self.event {
            Event::Data { side, .. } => Some(side),
            _ => None,
        }
    }

    pub(super) fn packet(&self) -> Option<&QuorumPacket> {
        match &self.message {
            Some(Message::Packet(packet, _)) => Some(packet),
            _ => None,
        }
    }

    pub(super) fn vote(&self) -> Option<&Notification> {
        match &self.message {
            Some(Message::Notification(vote)) => Some(vote),
            _ => None,
        }
    }

    pub(super) fn is(&self, kind: PacketType) -> bool {
        self.packet().is_some_and(|packet| packet.kind == kind)
    }

    fn set_bytes(&mut self, new: Vec<u8>) {
        if let Event::Data { bytes, .. } = &mut self.event {
            *bytes = new;
        }
    }

    pub(super) fn edit_packet(&mut self, edit: impl FnOnce(&mut QuorumPacket)) {
        if let Some(mut packet) = self.packet().cloned() {
            edit(&mut packet);
            self.set_bytes(packet.to_bytes().to_vec());
        }
    }

    pub(super) fn edit_vote(&mut self, edit: impl FnOnce(&mut Notification)) {
        if let Some(mut vote) = self.vote().cloned() {
            edit(&mut vote);
            let mut bytes = BytesMut::new();
            vote.put(&mut bytes);
            self.set_bytes(bytes.to_vec());
        }
    }

    pub(super) fn edit_bytes(&mut self, edit: impl FnOnce(&mut Vec<u8>)) {
        if let Event::Data { bytes, .. } = &mut self.event {
            edit(bytes);
        }
    }
}

/// A capture that can be changed line by line.
#[derive(Clone, Debug)]
pub struct Sheet {
    header: Option<Header>,
    pub(super) lines: Vec<Line>,
}

/// One direction of a connection while it is read.
struct Direction {
    stream: Stream,
    waiting: Vec<u8>,
}

impl Sheet {
    /// Reads a capture, and gives each message a line of its own.
    ///
    /// # Errors
    /// If the input is no capture.
    pub fn read(input: impl BufRead) -> Result<Self, CaptureError> {
        let mut reader = Reader::new(input);
        let mut lines = Vec::new();
        let mut diallers: BTreeMap<u64, i64> = BTreeMap::new();
        let mut open: BTreeMap<(u64, i64), Direction> = BTreeMap::new();
        while let Some(entry) = reader.next_entry()? {
            let time_ns = entry.time_ns;
            match entry.event {
                Event::Data { side, bytes } => {
                    let by_dialler = diallers.get(&side.connection) == Some(&side.from);
                    let direction =
                        open.entry((side.connection, side.from)).or_insert_with(|| Direction {
                            stream: Stream::new(side.port, by_dialler),
                            waiting: Vec::new(),
                        });
                    direction.waiting.extend_from_slice(&bytes);
                    direction.stream.push(&bytes);
                    while let Ok(Some(message)) = direction.stream.take() {
                        let length = direction.waiting.len() - direction.stream.waiting();
                        let bytes = direction.waiting.drain(..length).collect();
                        let event = Event::Data { side: side.clone(), bytes };
                        lines.push(Line { time_ns, event, message: Some(message) });
                    }
                }
                event => {
                    if let Event::Open(side) = &event {
                        diallers.insert(side.connection, side.from);
                    }
                    lines.push(Line { time_ns, event, message: None });
                }
            }
        }
        Ok(Self { header: reader.header().cloned(), lines })
    }

    /// Who takes part, if the header says so.
    #[must_use]
    pub fn header(&self) -> Option<&Header> {
        self.header.as_ref()
    }

    /// The capture as text.
    #[must_use]
    pub fn text(&self) -> String {
        let header = self.header.iter().filter_map(|header| header_line(header).ok());
        let mut time = 0;
        let lines = self.lines.iter().filter_map(|line| {
            time = line.time_ns.max(time);
            entry_line(time, &line.event).ok()
        });
        header.chain(lines).collect()
    }

    /// The places of all lines that are so.
    pub(super) fn places(&self, fits: impl Fn(&Line) -> bool) -> Vec<usize> {
        (0..self.lines.len()).filter(|at| fits(&self.lines[*at])).collect()
    }

    /// The places of a packet of this type.
    pub(super) fn packets(&self, kind: PacketType) -> Vec<usize> {
        self.places(|line| line.is(kind))
    }

    /// The next line after a place with the same sender on the same connection that is so.
    pub(super) fn next(&self, at: usize, fits: impl Fn(&Line) -> bool) -> Option<usize> {
        let side = self.lines[at].side()?;
        let follows = |line: &Line| {
            line.side()
                .is_some_and(|other| other.connection == side.connection && other.from == side.from)
                && fits(line)
        };
        (at + 1..self.lines.len()).find(|other| follows(&self.lines[*other]))
    }

    /// The last line before a place on the same connection that is so, whoever sent it.
    pub(super) fn before(&self, at: usize, fits: impl Fn(&Line) -> bool) -> Option<usize> {
        let connection = self.lines[at].side()?.connection;
        let is_on = |line: &Line| match &line.event {
            Event::Open(side) => side.connection == connection,
            _ => line.side().is_some_and(|side| side.connection == connection),
        };
        (0..at).rev().find(|other| is_on(&self.lines[*other]) && fits(&self.lines[*other]))
    }

    /// Takes a line from one place to another.
    pub(super) fn shift(&mut self, from: usize, to: usize) {
        let line = self.lines.remove(from);
        self.lines.insert(to.min(self.lines.len()), line);
    }

    /// Whether a place is the first of its kind that is so.
    pub(super) fn is_first(&self, at: usize, like: impl Fn(&Line) -> bool) -> bool {
        !self.lines[..at].iter().any(like)
    }

    /// Quorum connections other than that of a place that are open there.
    pub(super) fn others_open(&self, at: usize) -> Vec<Side> {
        let mut open: BTreeMap<u64, Side> = BTreeMap::new();
        for line in &self.lines[..at] {
            match &line.event {
                Event::Open(side) if side.port == Port::Quorum => {
                    open.insert(side.connection, side.clone());
                }
                Event::Close { connection } => {
                    open.remove(connection);
                }
                _ => {}
            }
        }
        let own = self.lines[at].side().map(|side| side.connection);
        open.into_values().filter(|side| Some(side.connection) != own).collect()
    }
}
