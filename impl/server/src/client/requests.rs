//! Requests as they come: what is to be done with each operation.

use bytes::Bytes;
use zab_wire::client::{RequestHeader, SyncRecord};
use zab_wire::{DecodeError, OpCode, Reader, Record as _};

use super::budget::Room;

/// A request as it came.
#[derive(Debug)]
pub(super) struct Request {
    /// The client's number, which the answer repeats.
    pub(super) xid: i32,
    /// The operation's number.
    pub(super) op: i32,
    /// The operation's record.
    pub(super) payload: Bytes,
    /// What it takes until it is answered.
    pub(super) room: Room,
}

/// What is to be done with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Answered at once, ahead of others: it says that both ends live.
    Ping,
    /// Answered at once, ahead of others: what comes after it comes from somebody who is more.
    Auth,
    /// Answered from this server's tree, or with an error, when its turn comes.
    Local,
    /// Goes to the leader and becomes a transaction.
    Write,
    /// Goes to the leader and becomes none.
    Sync,
}

impl Class {
    /// Whether it goes to the leader.
    pub(super) fn needs_leader(self) -> bool {
        match self {
            Self::Write | Self::Sync => true,
            Self::Ping | Self::Auth | Self::Local => false,
        }
    }
}

impl Request {
    /// Reads a frame's content.
    ///
    /// # Errors
    /// If it is too short for a header: the connection is of no use any more.
    pub(super) fn decode(frame: &Bytes, room: Room) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(frame);
        let header: RequestHeader = reader.read()?;
        let payload = frame.slice(reader.offset()..);
        Ok(Self { xid: header.xid, op: header.op, payload, room })
    }

    /// Whether requests of this operation only look at one node.
    pub(super) fn is_look(op: i32) -> bool {
        use OpCode::{Exists, GetChildren, GetChildren2, GetData};
        matches!(OpCode::from_number(op), Some(Exists | GetData | GetChildren | GetChildren2))
    }

    /// Whether it changes nothing at all, not even what its client is told of later: then it can be
    /// answered from any state.
    pub(super) fn is_pure(&self) -> bool {
        // What such a request ends with says whether a watch is wanted.
        Self::is_look(self.op) && self.payload.last() == Some(&0) || self.class() == Class::Ping
    }

    pub(super) fn class(&self) -> Class {
        match OpCode::from_number(self.op) {
            Some(OpCode::Ping) => Class::Ping,
            Some(OpCode::Auth) => Class::Auth,
            Some(
                OpCode::Create
                | OpCode::Create2
                | OpCode::CreateContainer
                | OpCode::CreateTtl
                | OpCode::Delete
                | OpCode::SetData
                | OpCode::SetAcl
                | OpCode::Multi
                | OpCode::Reconfig
                | OpCode::CloseSession,
            ) => Class::Write,
            Some(OpCode::Sync) if SyncRecord::from_bytes(&self.payload).is_ok() => Class::Sync,
            _ => Class::Local,
        }
    }

    /// Whether the connection ends with its answer.
    pub(super) fn ends_session(&self) -> bool {
        self.op == OpCode::CloseSession.number()
    }
}
