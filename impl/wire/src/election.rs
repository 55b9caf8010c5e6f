//! The election port (3888): an initial message from the dialler, then notifications both ways.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::code::numbered;
use crate::error::{DecodeError, Found, or_incomplete};
use crate::frame;
use crate::jute::{Reader, Record, put_buffer};

/// Protocol version of an initial message with one address.
pub const PROTOCOL_V1: i64 = -65536;

/// Protocol version of an initial message with several addresses.
pub const PROTOCOL_V2: i64 = -65535;

/// Longest address text of an initial message, in bytes.
pub const MAX_ADDRESS: usize = 2048;

/// Longest notification in bytes, its frame's length not counted.
pub const MAX_NOTIFICATION: usize = 512 * 1024;

/// The version of a notification that carries the configuration.
pub const NOTIFICATION_VERSION: i32 = 2;

/// What a dialler says first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitialMessage {
    /// The dialler's server id; observers may say −1.
    pub server: i64,
    /// Its own election address, `host:port`, several separated by `|`. `None` in the oldest
    /// form, which is the bare server id.
    pub address: Option<String>,
}

impl InitialMessage {
    /// Takes the initial message from the front of `buffer`; `None` if it is not all there yet.
    ///
    /// # Errors
    /// An unknown protocol version, an address that is too long or not UTF-8.
    pub fn take(buffer: &mut BytesMut) -> Result<Option<Self>, DecodeError> {
        let mut reader = Reader::with_limit(buffer, MAX_ADDRESS);
        let taken = or_incomplete(reader.read())?;
        if taken.is_some() {
            let length = reader.offset();
            buffer.advance(length);
        }
        Ok(taken)
    }
}

impl Record for InitialMessage {
    fn encode(&self, out: &mut BytesMut) {
        if let Some(address) = &self.address {
            let several = address.contains('|');
            out.put_i64(if several { PROTOCOL_V2 } else { PROTOCOL_V1 });
            out.put_i64(self.server);
            put_buffer(out, address.as_bytes());
        } else {
            out.put_i64(self.server);
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let at = reader.clone();
        let first: i64 = reader.read()?;
        if first >= 0 {
            return Ok(Self { server: first, address: None });
        }
        if first != PROTOCOL_V1 && first != PROTOCOL_V2 {
            return Err(at.refuse("a server id or a protocol version", Found::Number(first)));
        }
        let server = reader.read()?;
        let at = reader.clone();
        let address: String = reader.read()?;
        match address.is_empty() {
            false => Ok(Self { server, address: Some(address) }),
            true => Err(at.refuse("an election address", Found::Number(0))),
        }
    }
}

numbered! {
    /// What a server is doing (`QuorumPeer.ServerState`).
    ServerState, "the number of a server state" {
        /// Electing.
        Looking = 0,
        /// Following a leader.
        Following = 1,
        /// Leading.
        Leading = 2,
        /// Observing.
        Observing = 3,
    }
}

/// One notification of fast leader election.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// What the sender is doing.
    pub state: ServerState,
    /// Whom it votes for; `i64::MIN` from observers.
    pub leader: i64,
    /// Last zxid of that server.
    pub zxid: i64,
    /// The sender's round.
    pub election_epoch: i64,
    /// Epoch of the server it votes for. The oldest form lacks it: then it is zxid's epoch.
    pub peer_epoch: i64,
    /// The sender's configuration as text. Only since version 2, `None` before.
    pub config: Option<Bytes>,
    /// 0 for the two forms that have no version.
    pub version: i32,
}

impl Notification {
    /// Takes one frame from the front of `buffer`. `Ok(None)`: more bytes are needed.
    ///
    /// # Errors
    /// A frame length outside `1..=`[`MAX_NOTIFICATION`]: close the connection. Content that is
    /// no notification is an error in the inner `Result`: the next frame can still be read.
    pub fn take(buffer: &mut BytesMut) -> Result<Option<Result<Self, DecodeError>>, DecodeError> {
        let Some(content) = frame::take(buffer, MAX_NOTIFICATION)? else { return Ok(None) };
        if content.is_empty() {
            let expected = "a notification of at least one byte";
            return Err(DecodeError { offset: 0, expected, found: Found::Number(0) });
        }
        Ok(Some(Self::from_bytes(&content)))
    }

    /// Appends the notification with its frame.
    pub fn put(&self, out: &mut BytesMut) {
        frame::put(out, |out| self.encode(out));
    }
}

/// The content of a frame: 28 bytes in the oldest form, 40 in the next, then with a configuration.
impl Record for Notification {
    fn encode(&self, out: &mut BytesMut) {
        self.state.encode(out);
        out.put_i64(self.leader);
        out.put_i64(self.zxid);
        out.put_i64(self.election_epoch);
        out.put_i64(self.peer_epoch);
        out.put_i32(self.version);
        if let Some(config) = &self.config {
            put_buffer(out, config);
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let state = reader.read()?;
        let leader = reader.read()?;
        let zxid: i64 = reader.read()?;
        let election_epoch = reader.read()?;
        let mut notification = Self {
            state,
            leader,
            zxid,
            election_epoch,
            peer_epoch: zxid >> 32,
            config: None,
            version: 0,
        };
        if reader.remaining() == 0 {
            return Ok(notification);
        }
        notification.peer_epoch = reader.read()?;
        if reader.remaining() == 0 {
            return Ok(notification);
        }
        notification.version = reader.read()?;
        if reader.remaining() > 0 {
            notification.config = Some(reader.read()?);
        }
        Ok(notification)
    }
}
