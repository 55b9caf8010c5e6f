//! The client port (2181): records inside frames. A connection's first frame is a
//! [`ConnectRequest`]; each later one is a [`RequestHeader`] and the operation's record, and its
//! answer is a [`ReplyHeader`] and, on success, the answer's record.

use bytes::{Bytes, BytesMut};

use crate::data::{Acl, Stat};
use crate::error::DecodeError;
use crate::jute::{Reader, Record, record};

mod access;
mod multi;
mod watch;

pub use access::{
    AuthPacket, ClientInfo, GetAclRequest, GetAclResponse, SetAclRequest, WhoAmIResponse,
};
pub use multi::{MultiHeader, MultiRequest, MultiResponse, Op, OpResult};
pub use watch::{
    AddWatchRequest, ErrorResponse, MODE_PERSISTENT, MODE_PERSISTENT_RECURSIVE, STATE_CONNECTED,
    SetWatches, SetWatches2, WatcherEvent, WatchesRequest, XID_NOTIFICATION,
};

/// `xid` of a ping.
pub const XID_PING: i32 = -2;
/// `xid` of an authentication.
pub const XID_AUTH: i32 = -4;
/// `xid` of setting watches again.
pub const XID_SET_WATCHES: i32 = -8;

/// A client's first frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectRequest {
    /// 0.
    pub protocol_version: i32,
    /// The greatest zxid that the client has seen: no server that is behind may take it.
    pub last_zxid_seen: i64,
    /// The session timeout it asks for, in milliseconds.
    pub timeout_ms: i32,
    /// The session it wants to go on with; 0 for a new one.
    pub session: i64,
    /// That session's password; null is read as empty.
    pub password: Option<Bytes>,
    /// Whether a read-only server will do. `None`: an old client that does not say.
    pub read_only: Option<bool>,
}

impl Record for ConnectRequest {
    fn encode(&self, out: &mut BytesMut) {
        self.protocol_version.encode(out);
        self.last_zxid_seen.encode(out);
        self.timeout_ms.encode(out);
        self.session.encode(out);
        self.password.encode(out);
        if let Some(read_only) = self.read_only {
            read_only.encode(out);
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            protocol_version: reader.read()?,
            last_zxid_seen: reader.read()?,
            timeout_ms: reader.read()?,
            session: reader.read()?,
            password: reader.read()?,
            read_only: trailing_bool(reader)?,
        })
    }
}

/// The answer to a [`ConnectRequest`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectResponse {
    /// 0.
    pub protocol_version: i32,
    /// The session timeout that was granted, in milliseconds; 0: the session is no more.
    pub timeout_ms: i32,
    /// The session; 0: it is no more.
    pub session: i64,
    /// Its password, 16 bytes.
    pub password: Option<Bytes>,
    /// Whether the server is read-only. `None` for a client that did not say either.
    pub read_only: Option<bool>,
}

impl Record for ConnectResponse {
    fn encode(&self, out: &mut BytesMut) {
        self.protocol_version.encode(out);
        self.timeout_ms.encode(out);
        self.session.encode(out);
        self.password.encode(out);
        if let Some(read_only) = self.read_only {
            read_only.encode(out);
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            protocol_version: reader.read()?,
            timeout_ms: reader.read()?,
            session: reader.read()?,
            password: reader.read()?,
            read_only: trailing_bool(reader)?,
        })
    }
}

fn trailing_bool(reader: &mut Reader<'_>) -> Result<Option<bool>, DecodeError> {
    match reader.remaining() {
        0 => Ok(None),
        _ => reader.read().map(Some),
    }
}

record! {
    /// In front of every request.
    #[derive(Copy)]
    RequestHeader {
        /// The client's number of the request, which the reply repeats.
        xid: i32,
        /// The operation's number; not every number has an [`crate::OpCode`].
        op: i32,
    }
}

record! {
    /// In front of every reply.
    #[derive(Copy)]
    ReplyHeader {
        /// The request's.
        xid: i32,
        /// The last transaction that this server had applied.
        zxid: i64,
        /// The outcome's number: 0, or an [`crate::ErrorCode`], and then no record follows.
        err: i32,
    }
}

record! {
    /// Requests `Create`, `Create2` and `CreateContainer`.
    CreateRequest {
        /// Path of the node to be.
        path: String,
        /// Its data; `None` is null.
        data: Option<Bytes>,
        /// Its access control list.
        acl: Vec<Acl>,
        /// 0 persistent, 1 ephemeral, 2 persistent sequential, 3 ephemeral sequential,
        /// 4 container, 5 and 6 with a time to live.
        flags: i32,
    }
}

record! {
    /// Answer to `Create`.
    CreateResponse {
        /// Path of the new node.
        path: String,
    }
}

record! {
    /// Request `CreateTtl`.
    CreateTtlRequest {
        /// Path of the node to be.
        path: String,
        /// Its data; `None` is null.
        data: Option<Bytes>,
        /// Its access control list.
        acl: Vec<Acl>,
        /// 5 persistent, or 6 persistent sequential, with a time to live.
        flags: i32,
        /// The time to live in milliseconds.
        ttl: i64,
    }
}

record! {
    /// Request `Check`: compare a version.
    CheckVersionRequest {
        /// The node.
        path: String,
        /// The version it must have; −1 for any.
        version: i32,
    }
}

record! {
    /// Request `GetEphemerals`.
    GetEphemeralsRequest {
        /// Only paths that begin with this are told; null and empty: all.
        prefix: Option<Bytes>,
    }
}

record! {
    /// Answer to `GetEphemerals`.
    GetEphemeralsResponse {
        /// Paths of the session's ephemeral nodes.
        ephemerals: Vec<String>,
    }
}

record! {
    /// Request `GetAllChildrenNumber`.
    GetAllChildrenNumberRequest {
        /// The node.
        path: String,
    }
}

record! {
    /// Answer to `GetAllChildrenNumber`.
    #[derive(Copy)]
    GetAllChildrenNumberResponse {
        /// Nodes below it, at every depth.
        total: i32,
    }
}

record! {
    /// Answer to `Create2`, `CreateContainer` and `CreateTtl`.
    Create2Response {
        /// Path of the new node.
        path: String,
        /// What is known of it.
        stat: Stat,
    }
}

record! {
    /// Request `Delete`.
    DeleteRequest {
        /// The node.
        path: String,
        /// The version it must have; −1 for any.
        version: i32,
    }
}

record! {
    /// Requests `Exists`, `GetData`, `GetChildren`, `GetChildren2`.
    ReadRequest {
        /// The node.
        path: String,
        /// Whether to set a watch.
        watch: bool,
    }
}

record! {
    /// Answers to `Exists` and `SetData`.
    #[derive(Copy)]
    StatResponse {
        /// What is known of the node.
        stat: Stat,
    }
}

record! {
    /// Answer to `GetData`.
    GetDataResponse {
        /// The data; `None` is null.
        data: Option<Bytes>,
        /// What is known of the node.
        stat: Stat,
    }
}

record! {
    /// Request `SetData`.
    SetDataRequest {
        /// The node.
        path: String,
        /// Its new data; `None` is null.
        data: Option<Bytes>,
        /// The version it must have; −1 for any.
        version: i32,
    }
}

record! {
    /// Answer to `GetChildren`.
    GetChildrenResponse {
        /// Names, without the parent's path.
        children: Vec<String>,
    }
}

record! {
    /// Answer to `GetChildren2`.
    GetChildren2Response {
        /// Names, without the parent's path.
        children: Vec<String>,
        /// What is known of the parent.
        stat: Stat,
    }
}

record! {
    /// Request `Sync`, and its answer.
    SyncRecord {
        /// A path; it means nothing so far.
        path: String,
    }
}
