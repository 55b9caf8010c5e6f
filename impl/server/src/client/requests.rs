//! Requests and their answers: what each operation is, and the bytes that answer it.

use bytes::{Bytes, BytesMut};
use zab_wire::client::{
    Create2Response, CreateResponse, GetChildren2Response, GetChildrenResponse, GetDataResponse,
    ReadRequest, ReplyHeader, RequestHeader, StatResponse, SyncRecord,
};
use zab_wire::{DecodeError, ErrorCode, OpCode, Reader, Record, frame};

use super::service::{Outcome, Service};
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
    pub(super) fn decode(frame: &Bytes) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(frame);
        let header: RequestHeader = reader.read()?;
        let payload = frame.slice(reader.offset()..);
        Ok(Self { xid: header.xid, op: header.op, payload })
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

    /// Whether it ends the session, and so the connection.
    pub(super) fn closes(&self) -> bool {
        self.op == OpCode::CloseSession.number()
    }

    /// Whether it can only fail, and ends the connection when it does.
    pub(super) fn authenticates(&self) -> bool {
        self.op == OpCode::Auth.number()
    }
}

/// Appends the answer to a [`Class::Local`] or [`Class::Ping`] request.
pub(super) fn answer_local(service: &Service, request: &Request, out: &mut BytesMut) {
    // The zxid must be that of the very tree that was read.
    let (zxid, answer) = service.read(|tree| (tree.last_zxid(), look(tree, request)));
    put(out, request.xid, zxid, answer.map_err(ErrorCode::number));
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

/// Appends the answer to a write.
pub(super) fn answer_write(
    service: &Service,
    xid: i32,
    op: i32,
    outcome: Outcome,
    out: &mut BytesMut,
) {
    let answer = outcome.result.map(|change| match change {
        Change::Created { path, stat } if op == OpCode::Create2.number() => {
            Create2Response { path, stat }.to_bytes()
        }
        Change::Created { path, stat: _ } => CreateResponse { path }.to_bytes(),
        Change::Replaced { stat } => StatResponse { stat }.to_bytes(),
        Change::Deleted | Change::SessionCreated | Change::SessionClosed => Bytes::new(),
    });
    put(out, xid, last_zxid(service).max(outcome.zxid), answer);
}

/// Appends the answer to a `sync` of this path.
pub(super) fn answer_sync(service: &Service, xid: i32, path: String, out: &mut BytesMut) {
    put(out, xid, last_zxid(service), Ok(SyncRecord { path }.to_bytes()));
}

fn last_zxid(service: &Service) -> i64 {
    service.read(Tree::last_zxid)
}

/// Appends a reply's frame. What follows the header of a failure is nothing.
fn put(out: &mut BytesMut, xid: i32, zxid: i64, answer: Result<Bytes, i32>) {
    let (err, body) = match answer {
        Ok(body) => (0, body),
        Err(number) => (number, Bytes::new()),
    };
    frame::put(out, |out| {
        ReplyHeader { xid, zxid, err }.encode(out);
        out.extend_from_slice(&body);
    });
}
