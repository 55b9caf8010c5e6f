//! A client that does one thing at a time.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use bytes::{Bytes, BytesMut};
use zab_wire::client::{
    ConnectRequest, ConnectResponse, CreateRequest, GetChildrenResponse, ReadRequest, ReplyHeader,
    RequestHeader, SyncRecord,
};
use zab_wire::{Acl, Id, OpCode, Reader, Record as _, frame};

use crate::cluster::connect;

/// A session.
pub(crate) struct Client {
    stream: TcpStream,
    xid: i32,
    session: i64,
}

/// The connection has ended: what was asked for last may or may not have happened.
#[derive(Debug)]
pub(crate) struct Lost;

impl Client {
    /// A new session; `None` if the server is not there or does not serve.
    pub(crate) fn connect(port: u16) -> Option<Self> {
        // The machine may hold the test up; it must not lose its session for that.
        Self::connect_for(port, 600_000)
    }

    /// As [`Self::connect`], with this session timeout.
    pub(crate) fn connect_for(port: u16, timeout_ms: i32) -> Option<Self> {
        let mut client = Self { stream: connect(port)?, xid: 0, session: 0 };
        let request = ConnectRequest {
            protocol_version: 0,
            last_zxid_seen: 0,
            timeout_ms,
            session: 0,
            password: Some(Bytes::from_static(&[0; 16])),
            read_only: Some(false),
        };
        client.send(&request.to_bytes()).ok()?;
        let response = ConnectResponse::from_bytes(&client.receive().ok()?).unwrap();
        client.session = response.session;
        (response.session != 0).then_some(client)
    }

    /// The session's id.
    pub(crate) fn session(&self) -> i64 {
        self.session
    }

    /// Creates a node; its error number, 0 if there is none.
    pub(crate) fn create(&mut self, path: &str) -> Result<i32, Lost> {
        self.ask_create(path)?;
        Ok(self.answer()?.0)
    }

    /// As [`Self::create`], with this data.
    pub(crate) fn create_with(&mut self, path: &str, data: &[u8]) -> Result<i32, Lost> {
        self.ask_create_with(path, data)?;
        Ok(self.answer()?.0)
    }

    /// Creates a node of the kind that these flags name; its error number.
    pub(crate) fn create_kind(&mut self, path: &str, flags: i32) -> Result<i32, Lost> {
        self.ask_create_kind(path, b"data", flags)?;
        Ok(self.answer()?.0)
    }

    /// Asks for a node without waiting for the answer.
    pub(crate) fn ask_create(&mut self, path: &str) -> Result<(), Lost> {
        self.ask_create_with(path, b"data")
    }

    fn ask_create_with(&mut self, path: &str, data: &[u8]) -> Result<(), Lost> {
        self.ask_create_kind(path, data, 0)
    }

    fn ask_create_kind(&mut self, path: &str, data: &[u8], flags: i32) -> Result<(), Lost> {
        let anyone = Id { scheme: "world".to_owned(), id: "anyone".to_owned() };
        let request = CreateRequest {
            path: path.to_owned(),
            data: Some(Bytes::copy_from_slice(data)),
            acl: vec![Acl { perms: 31, id: anyone }],
            flags,
        };
        self.ask(OpCode::Create, &request.to_bytes())
    }

    /// Brings the server up to date, then reads the names of a node's children, sorted.
    pub(crate) fn children(&mut self, path: &str) -> Result<Vec<String>, Lost> {
        self.ask(OpCode::Sync, &SyncRecord { path: path.to_owned() }.to_bytes())?;
        assert_eq!(self.answer()?.0, 0);
        let request = ReadRequest { path: path.to_owned(), watch: false };
        self.ask(OpCode::GetChildren, &request.to_bytes())?;
        let (err, body) = self.answer()?;
        assert_eq!(err, 0);
        let mut children = GetChildrenResponse::from_bytes(&body).unwrap().children;
        children.sort();
        Ok(children)
    }

    fn ask(&mut self, op: OpCode, body: &[u8]) -> Result<(), Lost> {
        self.xid += 1;
        let header = RequestHeader { xid: self.xid, op: op.number() };
        self.send(&[&header.to_bytes(), body].concat())
    }

    fn answer(&mut self) -> Result<(i32, Vec<u8>), Lost> {
        let answer = self.receive()?;
        let mut reader = Reader::new(&answer);
        let header: ReplyHeader = reader.read().unwrap();
        Ok((header.err, reader.rest().to_vec()))
    }

    fn send(&mut self, content: &[u8]) -> Result<(), Lost> {
        let mut out = BytesMut::new();
        frame::put(&mut out, |out| out.extend_from_slice(content));
        self.stream.write_all(&out).map_err(|_| Lost)
    }

    fn receive(&mut self) -> Result<Vec<u8>, Lost> {
        let mut length = [0; 4];
        self.stream.read_exact(&mut length).map_err(|_| Lost)?;
        let mut content = vec![0; usize::try_from(u32::from_be_bytes(length)).unwrap()];
        self.stream.read_exact(&mut content).map_err(|_| Lost)?;
        Ok(content)
    }
}
