//! The canonical spelling: fixed order of keys, no spaces, nothing that is unknown.

use std::io::{self, Write};

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::{
    Chain, ConnectionName, Event, EventKind, Header, LINE_BYTES_MAX, LogDigest, Message, Packet,
    Persisted, Recovered, State, TxnDigest, Zxid,
};

/// Writes a trace file: the header, then one line per event.
///
/// Every line is formatted into a reused buffer and handed over in one `write_all`, so that a line
/// written to a file is one write(2) and is there, whole, before the caller goes on. Wrap `out` in
/// a buffer only where that does not matter.
#[derive(Debug)]
pub struct Writer<W> {
    out: W,
    line: Vec<u8>,
}

impl<W: Write> Writer<W> {
    /// Starts a file: writes its header line.
    ///
    /// # Errors
    /// When writing fails, or the line would be longer than [`LINE_BYTES_MAX`].
    pub fn new(out: W, header: &Header) -> io::Result<Self> {
        let mut writer = Self { out, line: Vec::with_capacity(512) };
        writer.write_line(header)?;
        Ok(writer)
    }

    /// Writes one event.
    ///
    /// # Errors
    /// When writing fails, or the line would be longer than [`LINE_BYTES_MAX`].
    pub fn write(&mut self, event: &Event) -> io::Result<()> {
        self.write_line(event)
    }

    /// What was written to.
    #[must_use]
    pub fn into_inner(self) -> W {
        self.out
    }

    fn write_line(&mut self, value: &impl Serialize) -> io::Result<()> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, value)?;
        self.line.push(b'\n');
        if self.line.len() > LINE_BYTES_MAX {
            let what = format!("a line longer than {LINE_BYTES_MAX} bytes");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        }
        self.out.write_all(&self.line)
    }
}

type Keys<S> = <S as Serializer>::SerializeMap;

impl Serialize for Zxid {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl Serialize for TxnDigest {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl Serialize for LogDigest {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl Serialize for ConnectionName {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

impl Serialize for Chain {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut keys = to.serialize_map(None)?;
        keys.serialize_entry("server", &self.server)?;
        keys.serialize_entry("incarnation", &self.incarnation)?;
        keys.serialize_entry("seq", &self.seq)?;
        if !self.chain.is_main() {
            keys.serialize_entry("chain", &self.chain)?;
        }
        if !self.after.is_empty() {
            keys.serialize_entry("after", &self.after)?;
        }
        keys.serialize_entry("event", &self.kind.name())?;
        arguments::<S>(&mut keys, &self.kind)?;
        if let Some(state) = &self.state {
            keys.serialize_entry("state", state)?;
        }
        keys.end()
    }
}

fn arguments<S: Serializer>(keys: &mut Keys<S>, kind: &EventKind) -> Result<(), S::Error> {
    match kind {
        EventKind::Start { recovered } => keys.serialize_entry("recovered", recovered),
        EventKind::Stop | EventKind::Killed | EventKind::Resent => Ok(()),
        EventKind::Connected { connection, peer } => {
            keys.serialize_entry("connection", connection)?;
            known(keys, "peer", peer.as_ref())
        }
        EventKind::Disconnected { connection } => keys.serialize_entry("connection", connection),
        EventKind::Received(packet) | EventKind::Sent(packet) => packet_keys::<S>(keys, packet),
        EventKind::Persisted(what) => match what {
            Persisted::AcceptedEpoch(epoch) => keys.serialize_entry("acceptedEpoch", epoch),
            Persisted::CurrentEpoch(epoch) => keys.serialize_entry("currentEpoch", epoch),
            Persisted::Log(zxid) => keys.serialize_entry("log", zxid),
            Persisted::Truncated(zxid) => keys.serialize_entry("truncated", zxid),
            Persisted::Snapshot(zxid) => keys.serialize_entry("snapshot", zxid),
        },
        EventKind::Delivered { zxid } | EventKind::Committed { zxid } => {
            keys.serialize_entry("zxid", zxid)
        }
        EventKind::Looking { round } => keys.serialize_entry("round", round),
        EventKind::Elected { leader, round } => {
            keys.serialize_entry("leader", leader)?;
            keys.serialize_entry("round", round)
        }
        EventKind::Proposed { zxid, digest } => {
            keys.serialize_entry("zxid", zxid)?;
            keys.serialize_entry("digest", digest)
        }
        EventKind::Established { epoch } => keys.serialize_entry("epoch", epoch),
        EventKind::Joined { left, right } => {
            keys.serialize_entry("left", left)?;
            keys.serialize_entry("right", right)
        }
    }
}

fn packet_keys<S: Serializer>(keys: &mut Keys<S>, packet: &Packet) -> Result<(), S::Error> {
    keys.serialize_entry("connection", &packet.connection)?;
    keys.serialize_entry("ordinal", &packet.ordinal)?;
    keys.serialize_entry("peer", &packet.peer)?;
    keys.serialize_entry("message", &packet.message)
}

/// Absent is unknown, so what is unknown is left out.
fn known<M: SerializeMap, T: Serialize>(
    keys: &mut M,
    key: &'static str,
    value: Option<&T>,
) -> Result<(), M::Error> {
    value.map_or(Ok(()), |value| keys.serialize_entry(key, value))
}

impl Serialize for Message {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut keys = to.serialize_map(None)?;
        keys.serialize_entry("type", &self.kind())?;
        match self {
            Self::Notification { role, leader, zxid, round, peer_epoch } => {
                keys.serialize_entry("role", role)?;
                keys.serialize_entry("leader", leader)?;
                keys.serialize_entry("zxid", zxid)?;
                keys.serialize_entry("round", round)?;
                keys.serialize_entry("peerEpoch", peer_epoch)?;
            }
            Self::FollowerInfo { accepted_epoch } => {
                keys.serialize_entry("acceptedEpoch", accepted_epoch)?;
            }
            Self::AckEpoch { current_epoch, last_zxid } => {
                keys.serialize_entry("currentEpoch", current_epoch)?;
                keys.serialize_entry("lastZxid", last_zxid)?;
            }
            Self::LeaderInfo { epoch } | Self::NewLeader { epoch } | Self::AckLd { epoch } => {
                keys.serialize_entry("epoch", epoch)?;
            }
            Self::Diff { zxid }
            | Self::Trunc { zxid }
            | Self::Snap { zxid }
            | Self::Commit { zxid }
            | Self::Ack { zxid } => keys.serialize_entry("zxid", zxid)?,
            Self::Proposal { zxid, digest } => {
                keys.serialize_entry("zxid", zxid)?;
                keys.serialize_entry("digest", digest)?;
            }
            Self::UpToDate => {}
        }
        keys.end()
    }
}

impl Serialize for State {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut keys = to.serialize_map(None)?;
        known(&mut keys, "role", self.role.as_ref())?;
        known(&mut keys, "phase", self.phase.as_ref())?;
        known(&mut keys, "acceptedEpoch", self.accepted_epoch.as_ref())?;
        known(&mut keys, "currentEpoch", self.current_epoch.as_ref())?;
        known(&mut keys, "logLength", self.log_length.as_ref())?;
        known(&mut keys, "lastZxid", self.last_zxid.as_ref())?;
        known(&mut keys, "lastCommitted", self.last_committed.as_ref())?;
        known(&mut keys, "logDigest", self.log_digest.as_ref())?;
        keys.end()
    }
}

impl Serialize for Recovered {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut keys = to.serialize_map(None)?;
        keys.serialize_entry("acceptedEpoch", &self.accepted_epoch)?;
        keys.serialize_entry("currentEpoch", &self.current_epoch)?;
        keys.serialize_entry("lastZxid", &self.last_zxid)?;
        known(&mut keys, "logLength", self.log_length.as_ref())?;
        known(&mut keys, "logDigest", self.log_digest.as_ref())?;
        keys.end()
    }
}
