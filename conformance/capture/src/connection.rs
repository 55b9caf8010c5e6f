//! One connection: the bytes of each direction, and the messages in them.

use bytes::BytesMut;
use zab_wire::election::{InitialMessage, Notification};
use zab_wire::{DecodeError, PacketType, QuorumPacket};

use crate::payload::Payload;
use crate::raw::{Port, Side};
use crate::snapshot::{Arriving, SnapshotBody};

/// A message of either port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// What a dialler of the election port says first.
    Initial(InitialMessage),
    /// A vote.
    Notification(Notification),
    /// A frame of the election port that is no notification.
    NotANotification(DecodeError),
    /// A packet of the quorum port.
    Packet(QuorumPacket, Payload),
    /// The snapshot that follows SNAP.
    Snapshot(SnapshotBody),
}

impl Message {
    /// Whether its bytes are not what the format asks for.
    #[must_use]
    pub fn is_unreadable(&self) -> bool {
        matches!(self, Self::NotANotification(_) | Self::Packet(_, Payload::Unreadable(_)))
    }
}

/// How a connection begins that is encrypted: a record of type handshake, of TLS 1.x.
const TLS_HANDSHAKE: [u8; 2] = [0x16, 3];

/// Bytes that are no message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// What is wrong with them.
    pub error: DecodeError,
    /// Whether they look like the beginning of an encrypted connection.
    pub is_tls: bool,
}

/// What comes next in a direction.
#[derive(Debug)]
enum Stage {
    Initial,
    Notifications,
    Packets,
    Snapshot(Box<Arriving>),
    /// Something could not be read, and there is no way to find the next message.
    Lost,
}

/// What one end of a connection sends: bytes that arrive in any pieces, and the messages in them.
#[derive(Debug)]
pub struct Stream {
    by_dialler: bool,
    buffer: BytesMut,
    stage: Stage,
}

impl Stream {
    /// What the dialler of this port sends, or its acceptor.
    #[must_use]
    pub fn new(port: Port, by_dialler: bool) -> Self {
        let stage = match port {
            Port::Election if by_dialler => Stage::Initial,
            Port::Election => Stage::Notifications,
            Port::Quorum => Stage::Packets,
        };
        Self { by_dialler, buffer: BytesMut::new(), stage }
    }

    /// Adds bytes; those after a place that could not be read are dropped.
    pub fn push(&mut self, bytes: &[u8]) {
        if !matches!(self.stage, Stage::Lost) {
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// How many bytes wait for the rest of their message.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.buffer.len()
    }

    /// The next message; `None` if its bytes are not all there.
    ///
    /// # Errors
    /// If the bytes are no message. Nothing more comes out of this direction then.
    pub fn take(&mut self) -> Result<Option<Message>, Broken> {
        self.take_next().map_err(|error| {
            self.stage = Stage::Lost;
            let bytes = std::mem::take(&mut self.buffer);
            Broken { error, is_tls: bytes.starts_with(&TLS_HANDSHAKE) }
        })
    }

    fn take_next(&mut self) -> Result<Option<Message>, DecodeError> {
        let buffer = &mut self.buffer;
        match &mut self.stage {
            Stage::Initial => {
                let taken = InitialMessage::take(buffer)?;
                if taken.is_some() {
                    self.stage = Stage::Notifications;
                }
                Ok(taken.map(Message::Initial))
            }
            Stage::Notifications => Ok(Notification::take(buffer)?.map(|read| match read {
                Ok(notification) => Message::Notification(notification),
                Err(error) => Message::NotANotification(error),
            })),
            Stage::Packets => {
                let Some(packet) = QuorumPacket::take(buffer)? else { return Ok(None) };
                if packet.kind == PacketType::Snap && !self.by_dialler {
                    self.stage = Stage::Snapshot(Box::default());
                }
                // The learner dials the leader.
                let payload = Payload::of(&packet, self.by_dialler);
                Ok(Some(Message::Packet(packet, payload)))
            }
            Stage::Snapshot(arriving) => {
                let taken = arriving.take(buffer)?;
                if taken.is_some() {
                    self.stage = Stage::Packets;
                }
                Ok(taken.map(Message::Snapshot))
            }
            Stage::Lost => Ok(None),
        }
    }
}

/// A connection that was opened.
#[derive(Debug)]
pub(crate) struct Connection {
    dialler: i64,
    acceptor: i64,
    by_dialler: Stream,
    by_acceptor: Stream,
}

impl Connection {
    /// A connection as its `open` entry tells it.
    pub(crate) fn new(open: &Side) -> Self {
        Self {
            dialler: open.from,
            acceptor: open.to,
            by_dialler: Stream::new(open.port, true),
            by_acceptor: Stream::new(open.port, false),
        }
    }

    /// The direction in which a server sends; `None` if it is no end.
    pub(crate) fn direction(&mut self, sender: i64) -> Option<&mut Stream> {
        if sender == self.dialler {
            Some(&mut self.by_dialler)
        } else if sender == self.acceptor {
            Some(&mut self.by_acceptor)
        } else {
            None
        }
    }

    /// How many bytes of either direction wait for the rest of their message.
    pub(crate) fn waiting(&self) -> usize {
        self.by_dialler.waiting() + self.by_acceptor.waiting()
    }
}
