//! A small ZooKeeper client: the load of the scenarios, and four-letter words.
//!
//! Blocking, one request at a time, every call with a deadline. What it cannot know (a write whose
//! answer never came) it reports as such.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use zab_wire::client::{
    ConnectRequest, ConnectResponse, CreateRequest, GetDataResponse, ReadRequest, ReplyHeader,
    RequestHeader, SyncRecord,
};
use zab_wire::{Acl, ErrorCode, OpCode, Reader, Record, frame};

/// How long one call may take before it is given up.
const CALL_MAX: Duration = Duration::from_secs(5);
/// How long the answer to a four-letter word may take. It is asked for again and again.
const WORD_MAX: Duration = Duration::from_secs(1);
/// How long a read waits until it looks whether somebody has asked the command to end.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Session timeout asked for, in milliseconds. The client is never idle for long.
const SESSION_MS: i32 = 60_000;

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The connection failed; whether the operation took place is unknown.
    #[error("connection to {server}: {source}")]
    Connection {
        /// The server's client address.
        server: SocketAddr,
        /// What went wrong.
        source: io::Error,
    },
    /// The server answered something that is no ZooKeeper reply.
    #[error("{server} sent {what}")]
    Nonsense {
        /// The server's client address.
        server: SocketAddr,
        /// What it sent.
        what: String,
    },
    /// The server refused the operation.
    #[error("{server} refused: error {code}")]
    Refused {
        /// The server's client address.
        server: SocketAddr,
        /// ZooKeeper's error number.
        code: i32,
    },
}

/// A session on one server.
pub(crate) struct Client<'a> {
    server: SocketAddr,
    stream: TcpStream,
    received: BytesMut,
    next_xid: i32,
    /// Set when a call is to be given up.
    stop: &'a AtomicBool,
}

impl<'a> Client<'a> {
    /// Opens a session on the server at `server`.
    pub(crate) fn connect(server: SocketAddr, stop: &'a AtomicBool) -> Result<Self, ClientError> {
        let failed = |source| ClientError::Connection { server, source };
        let stream = TcpStream::connect_timeout(&server, CALL_MAX).map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        let mut client = Self { server, stream, received: BytesMut::new(), next_xid: 1, stop };
        client.write_frame(|out| hello().encode(out))?;
        let reply = client.read_frame(Instant::now() + CALL_MAX)?;
        let welcome = client.decode::<ConnectResponse>(&mut Reader::new(&reply))?;
        if welcome.session == 0 {
            return Err(client.nonsense("no session"));
        }
        Ok(client)
    }

    /// Asks for a session and does not wait for the answer.
    pub(crate) fn knock(server: SocketAddr) -> Result<TcpStream, ClientError> {
        let failed = |source| ClientError::Connection { server, source };
        let mut stream = TcpStream::connect_timeout(&server, CALL_MAX).map_err(failed)?;
        let mut out = BytesMut::new();
        frame::put(&mut out, |out| hello().encode(out));
        stream.write_all(&out).map_err(failed)?;
        Ok(stream)
    }

    /// Creates a persistent node.
    pub(crate) fn create(&mut self, path: &str, data: &[u8]) -> Result<(), ClientError> {
        self.call(OpCode::Create, &persistent(path, data)).map(drop)
    }

    /// A node's data as the leader has it: `sync`, then a local read. None: there is no such node.
    pub(crate) fn get(&mut self, path: &str) -> Result<Option<Bytes>, ClientError> {
        self.call(OpCode::Sync, &SyncRecord { path: path.to_owned() })?;
        let request = ReadRequest { path: path.to_owned(), watch: false };
        let reply = match self.call(OpCode::GetData, &request) {
            Err(ClientError::Refused { code, .. }) if code == ErrorCode::NoNode.number() => {
                return Ok(None);
            }
            reply => reply?,
        };
        let answer = self.decode::<GetDataResponse>(&mut Reader::new(&reply))?;
        Ok(Some(answer.data.unwrap_or_default()))
    }

    /// Sends a request without waiting for its answer, which may never come.
    /// Returns the number of the request.
    pub(crate) fn send_create(&mut self, path: &str, data: &[u8]) -> Result<i32, ClientError> {
        self.send(OpCode::Create, &persistent(path, data))
    }

    /// Waits so long for the answer to a request that was sent. False: it did not come in time.
    pub(crate) fn is_answered(&mut self, xid: i32, wait: Duration) -> Result<bool, ClientError> {
        let deadline = Instant::now() + wait;
        match self.answer(xid, deadline) {
            Ok(_) => Ok(true),
            Err(ClientError::Connection { source, .. })
                if source.kind() == io::ErrorKind::TimedOut =>
            {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    fn send(&mut self, op: OpCode, request: &impl Record) -> Result<i32, ClientError> {
        let xid = self.next_xid;
        self.next_xid += 1;
        self.write_frame(|out| {
            RequestHeader { xid, op: op.number() }.encode(out);
            request.encode(out);
        })?;
        Ok(xid)
    }

    /// One request and its reply's body.
    fn call(&mut self, op: OpCode, request: &impl Record) -> Result<Bytes, ClientError> {
        let xid = self.send(op, request)?;
        self.answer(xid, Instant::now() + CALL_MAX)
    }

    /// The body of a reply.
    fn answer(&mut self, xid: i32, deadline: Instant) -> Result<Bytes, ClientError> {
        loop {
            let reply = self.read_frame(deadline)?;
            let mut reader = Reader::new(&reply);
            let header = self.decode::<ReplyHeader>(&mut reader)?;
            let body = reply.slice(reader.offset()..);
            match header {
                ReplyHeader { xid: answered, .. } if answered != xid => {}
                ReplyHeader { err: 0, .. } => return Ok(body),
                ReplyHeader { err: code, .. } => {
                    return Err(ClientError::Refused { server: self.server, code });
                }
            }
        }
    }

    fn decode<T: Record>(&self, reader: &mut Reader<'_>) -> Result<T, ClientError> {
        reader.read().map_err(|error| self.nonsense(&error.to_string()))
    }

    fn write_frame(&mut self, fill: impl FnOnce(&mut BytesMut)) -> Result<(), ClientError> {
        let mut out = BytesMut::new();
        frame::put(&mut out, fill);
        let server = self.server;
        let failed = |source| ClientError::Connection { server, source };
        self.stream.set_write_timeout(Some(CALL_MAX)).map_err(failed)?;
        self.stream.write_all(&out).map_err(failed)
    }

    fn read_frame(&mut self, deadline: Instant) -> Result<Bytes, ClientError> {
        let server = self.server;
        let failed = |source| ClientError::Connection { server, source };
        loop {
            match frame::take(&mut self.received, zab_wire::MAX_SERVER_BUFFER) {
                Ok(Some(content)) => return Ok(content),
                Ok(None) => {}
                Err(error) => return Err(self.nonsense(&error.to_string())),
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || self.stop.load(Ordering::Relaxed) {
                return Err(failed(io::ErrorKind::TimedOut.into()));
            }
            self.stream.set_read_timeout(Some(left.min(LOOK_EVERY))).map_err(failed)?;
            let mut chunk = [0; 4096];
            match self.stream.read(&mut chunk) {
                Ok(0) => return Err(failed(io::ErrorKind::UnexpectedEof.into())),
                Ok(count) => self.received.extend_from_slice(&chunk[..count]),
                Err(error) if is_nothing_yet(&error) => {}
                Err(error) => return Err(failed(error)),
            }
        }
    }

    fn nonsense(&self, what: &str) -> ClientError {
        ClientError::Nonsense { server: self.server, what: what.to_owned() }
    }
}

/// What a client says first.
fn hello() -> ConnectRequest {
    ConnectRequest {
        protocol_version: 0,
        last_zxid_seen: 0,
        timeout_ms: SESSION_MS,
        session: 0,
        password: Some(Bytes::from_static(&[0; 16])),
        read_only: Some(false),
    }
}

/// Whether a read ended because nothing came in time, or a signal did.
fn is_nothing_yet(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), Interrupted | TimedOut | WouldBlock)
}

/// The request that creates a persistent node, open to everyone.
fn persistent(path: &str, data: &[u8]) -> CreateRequest {
    CreateRequest {
        path: path.to_owned(),
        data: Some(Bytes::copy_from_slice(data)),
        acl: Acl::open(),
        flags: 0,
    }
}

/// What a server says it is in its answer to `srvr`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// It serves as the leader.
    Leader,
    /// It serves as a follower.
    Follower,
    /// It serves as an observer.
    Observer,
    /// It says that it does not serve.
    NotServing,
    /// It does not answer, or not in time.
    Silent,
}

/// Asks a server with the four-letter word `srvr`.
pub(crate) fn mode(server: SocketAddr) -> Mode {
    match four_letter_word(server, b"srvr") {
        Ok(answer) if answer.contains("Mode: leader") => Mode::Leader,
        Ok(answer) if answer.contains("Mode: follower") => Mode::Follower,
        Ok(answer) if answer.contains("Mode: observer") => Mode::Observer,
        Ok(answer) if !answer.is_empty() => Mode::NotServing,
        Ok(_) | Err(_) => Mode::Silent,
    }
}

fn four_letter_word(server: SocketAddr, word: &[u8; 4]) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&server, WORD_MAX)?;
    stream.set_read_timeout(Some(WORD_MAX))?;
    stream.write_all(word)?;
    let mut answer = Vec::new();
    stream.take(64 * 1024).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
