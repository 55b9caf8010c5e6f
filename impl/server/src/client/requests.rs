//! Requests and their answers: what each operation is, and the bytes that answer it.

use bytes::{Bytes, BytesMut};
use zab_wire::client::{
    Create2Response, CreateResponse, GetChildren2Response, GetChildrenResponse, GetDataResponse,
    ReadRequest, ReplyHeader, RequestHeader, StatResponse, SyncRecord,
};
use zab_wire::{DecodeError, ErrorCode, OpCode, Reader, Record, frame};

use super::budget::Room;
use super::service::{Outcome, Service, Serving};
use crate::tree::{Change, Tree};

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
    /// Answered from this server's tree, or with an error, when its turn comes.
    Local,
    /// Goes to the leader and becomes a transaction.
    Write,
    /// Goes to the leader and becomes none.
    Sync,
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

    pub(super) fn class(&self) -> Class {
        match OpCode::from_number(self.op) {
            Some(OpCode::Ping) => Class::Ping,
            Some(
                OpCode::Create
                | OpCode::Create2
                | OpCode::Delete
                | OpCode::SetData
                | OpCode::CloseSession,
            ) => Class::Write,
            Some(OpCode::Sync) if SyncRecord::from_bytes(&self.payload).is_ok() => Class::Sync,
            _ => Class::Local,
        }
    }

    /// Whether the connection ends with its answer: it ends the session, or is an
    /// authentication, which can only fail.
    pub(super) fn ends_connection(&self) -> bool {
        [OpCode::CloseSession, OpCode::Auth].map(OpCode::number).contains(&self.op)
    }
}

/// Where answers come from and go to.
pub(super) struct Answers<'a> {
    pub(super) service: &'a Service,
    pub(super) serving: Serving,
    /// Whole frames, to be sent.
    pub(super) output: BytesMut,
}

/// Serving has stopped: what is in the tree now is not for clients.
pub(super) struct Stopped;

impl Answers<'_> {
    /// Answers a [`Class::Local`] or [`Class::Ping`] request.
    pub(super) fn local(&mut self, request: &Request) -> Result<(), Stopped> {
        // The zxid must be that of the very tree that was read.
        let read = |tree: &Tree| (tree.last_zxid(), look(tree, request));
        let (zxid, answer) = self.service.look(self.serving, read).ok_or(Stopped)?;
        self.put(request.xid, zxid, answer.map_err(ErrorCode::number));
        Ok(())
    }

    /// Answers a write.
    pub(super) fn write(&mut self, xid: i32, op: i32, outcome: Outcome) -> Result<(), Stopped> {
        let answer = outcome.result.map(|change| match change {
            Change::Created { path, stat } if op == OpCode::Create2.number() => {
                Create2Response { path, stat }.to_bytes()
            }
            Change::Created { path, stat: _ } => CreateResponse { path }.to_bytes(),
            Change::Replaced { stat } => StatResponse { stat }.to_bytes(),
            Change::Deleted
            | Change::SessionCreated
            | Change::SessionClosed
            | Change::Compared
            | Change::Several => Bytes::new(),
        });
        // Not the write's own zxid: a ping may have been answered with a later one.
        let zxid = self.last_zxid()?;
        self.put(xid, zxid, answer);
        Ok(())
    }

    /// Answers a `sync` of this path.
    pub(super) fn sync(&mut self, xid: i32, path: String) -> Result<(), Stopped> {
        let zxid = self.last_zxid()?;
        self.put(xid, zxid, Ok(SyncRecord { path }.to_bytes()));
        Ok(())
    }

    fn last_zxid(&self) -> Result<i64, Stopped> {
        self.service.look(self.serving, Tree::last_zxid).ok_or(Stopped)
    }

    /// Appends a reply's frame. What follows the header of a failure is nothing.
    fn put(&mut self, xid: i32, zxid: i64, answer: Result<Bytes, i32>) {
        let (err, body) = match answer {
            Ok(body) => (0, body),
            Err(number) => (number, Bytes::new()),
        };
        frame::put(&mut self.output, |out| {
            ReplyHeader { xid, zxid, err }.encode(out);
            out.extend_from_slice(&body);
        });
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "everything else is not implemented")]
fn look(tree: &Tree, request: &Request) -> Result<Bytes, ErrorCode> {
    let path = || match ReadRequest::from_bytes(&request.payload) {
        // The watch is ignored: none are kept yet.
        Ok(ReadRequest { path, watch: _ }) => Ok(path),
        Err(_) => Err(ErrorCode::MarshallingError),
    };
    match OpCode::from_number(request.op).ok_or(ErrorCode::Unimplemented)? {
        OpCode::Ping => Ok(Bytes::new()),
        OpCode::Auth => Err(ErrorCode::AuthFailed),
        // Only one whose record cannot be read is answered here.
        OpCode::Sync => Err(ErrorCode::MarshallingError),
        OpCode::Exists => Ok(StatResponse { stat: tree.stat(&path()?)? }.to_bytes()),
        OpCode::GetData => {
            let (data, stat) = tree.data(&path()?)?;
            Ok(GetDataResponse { data, stat }.to_bytes())
        }
        OpCode::GetChildren => {
            let (children, _) = tree.children(&path()?)?;
            Ok(GetChildrenResponse { children }.to_bytes())
        }
        OpCode::GetChildren2 => {
            let (children, stat) = tree.children(&path()?)?;
            Ok(GetChildren2Response { children, stat }.to_bytes())
        }
        _ => Err(ErrorCode::Unimplemented),
    }
}
