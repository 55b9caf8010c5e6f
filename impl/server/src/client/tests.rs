//! The client port with a driver that commits when the test says so.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use zab_wire::client::{
    ConnectRequest, ConnectResponse, CreateRequest, DeleteRequest, GetDataResponse, ReadRequest,
    ReplyHeader, RequestHeader, SyncRecord,
};
use zab_wire::quorum::ForwardedRequest;
use zab_wire::{Acl, ErrorCode, OpCode, Reader, Record, frame};

use super::{Mode, Service, Submission, Submissions};
use crate::config::{Config, ContainerChecks, Endpoint, FourLetterWords};
use crate::descriptors::Shares;
use crate::tree::Tree;

mod memory;
mod order;
mod sessions;
mod unknown;
mod watching;

/// The session timeout of every client, in milliseconds. The machine may hold a test up; its
/// connections must not end for that.
const SESSION_MS: i32 = 600_000;

/// A service on a port, and the test as its driver.
struct Bench {
    service: Arc<Service>,
    submissions: Submissions,
    port: u16,
    zxid: i64,
}

impl Bench {
    /// Does not serve yet.
    async fn new() -> Self {
        let (service, submissions) =
            Service::new(&config(), Shares::of_process(3), Tree::default());
        Self::on_a_port(service, submissions).await
    }

    /// Serves, and answers these words.
    async fn with(four_letter_words: FourLetterWords) -> Self {
        let config = Config { four_letter_words, ..config() };
        let (service, submissions) = Service::new(&config, Shares::of_process(3), Tree::default());
        service.start_serving(Mode::Leader);
        Self::on_a_port(service, submissions).await
    }

    async fn on_a_port(service: Arc<Service>, submissions: Submissions) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(Arc::clone(&service).listen(listener));
        Self { service, submissions, port, zxid: 1 << 32 }
    }

    async fn serving() -> Self {
        let bench = Self::new().await;
        bench.service.start_serving(Mode::Leader);
        bench
    }

    /// The next thing that a client wants.
    async fn next(&mut self) -> Submission {
        within(self.submissions.next()).await
    }

    /// The next write that a client wants.
    async fn write(&mut self) -> ForwardedRequest {
        let next = self.next().await;
        let Submission::Write { request, auth: _ } = next else { panic!("{next:?}") };
        request
    }

    /// Makes it a transaction and applies that.
    fn commit(&mut self, request: &ForwardedRequest) {
        self.zxid += 1;
        let txn = self.service.prepare(request, &[], 1, self.zxid).unwrap();
        self.service.apply(&txn).unwrap();
    }

    /// The next write that a client wants, with who the client is.
    async fn commit_next_with_identities(&mut self) {
        let next = self.next().await;
        let Submission::Write { request, auth } = next else { panic!("{next:?}") };
        self.zxid += 1;
        let txn = self.service.prepare(&request, &auth, 1, self.zxid).unwrap();
        self.service.apply(&txn).unwrap();
    }

    async fn commit_next(&mut self) {
        let request = self.write().await;
        self.commit(&request);
    }

    /// A client with a new session.
    async fn client(&mut self) -> Client {
        self.client_for(SESSION_MS).await
    }

    /// A client with a new session that has this timeout.
    async fn client_for(&mut self, timeout_ms: i32) -> Client {
        let mut client = Client::dial(self.port).await;
        client.timeout_ms = timeout_ms;
        client.greet(0, &[0; 16], 0).await;
        self.commit_next().await;
        client.welcome().await
    }

    /// Another connection of that client's session.
    async fn again(&mut self, client: &Client) -> Client {
        let mut again = Client::dial(self.port).await;
        again.greet(client.session, &client.password, 0).await;
        let next = self.next().await;
        let Submission::Revalidate { session, timeout_ms, done } = next else { panic!("{next:?}") };
        done.send(self.service.revalidate(session, timeout_ms, 1)).unwrap();
        again.welcome().await
    }
}

fn config() -> Config {
    Config {
        id: 1,
        data_dir: "unused".into(),
        data_log_dir: "unused".into(),
        client_address: Some(Endpoint { host: "127.0.0.1".to_owned(), port: 1 }),
        secure_client: None,
        quorum_tls: None,
        tick: Duration::from_secs(2),
        init_limit: 10,
        sync_limit: 5,
        servers: BTreeMap::new(),
        client_connections_max: 60,
        connections_max: 0,
        window: 500,
        snap_limits: crate::config::SnapLimits { count: 100_000, bytes: None },
        purge: None,
        four_letter_words: FourLetterWords::Only(BTreeSet::from(["srvr".to_owned()])),
        session_timeout_min: Duration::from_millis(20),
        session_timeout_max: Duration::from_secs(600),
        extended_types: true,
        quorums: Default::default(),
        enforce_quota: false,
        admin: None,
        metrics: None,
        digests: true,
        containers: ContainerChecks::default(),
        super_digest: Some("super:D/InIHSb7yEEbrWz8b9l71RjZJU=".to_owned()),
        notes: Vec::new(),
    }
}

/// One end of a connection.
struct Client {
    stream: TcpStream,
    input: BytesMut,
    session: i64,
    password: Bytes,
    timeout_ms: i32,
}

impl Client {
    async fn dial(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        Self {
            stream,
            input: BytesMut::new(),
            session: 0,
            password: Bytes::new(),
            timeout_ms: SESSION_MS,
        }
    }

    async fn greet(&mut self, session: i64, password: &[u8], last_zxid_seen: i64) {
        let request = ConnectRequest {
            protocol_version: 0,
            last_zxid_seen,
            timeout_ms: self.timeout_ms,
            session,
            password: Some(Bytes::copy_from_slice(password)),
            read_only: Some(false),
        };
        self.send(&request.to_bytes()).await;
    }

    async fn greeting(&mut self) -> Option<ConnectResponse> {
        Some(ConnectResponse::from_bytes(&self.receive().await?).unwrap())
    }

    async fn welcome(mut self) -> Self {
        let response = self.greeting().await.unwrap();
        assert_ne!(response.session, 0);
        assert_eq!((response.timeout_ms, response.read_only), (self.timeout_ms, Some(false)));
        self.session = response.session;
        self.password = response.password.unwrap();
        self
    }

    async fn send(&mut self, content: &[u8]) {
        let mut out = BytesMut::new();
        frame::put(&mut out, |out| out.extend_from_slice(content));
        self.stream.write_all(&out).await.unwrap();
    }

    async fn ask(&mut self, xid: i32, op: OpCode, record: &impl Record) {
        let mut out = BytesMut::new();
        RequestHeader { xid, op: op.number() }.encode(&mut out);
        record.encode(&mut out);
        self.send(&out).await;
    }

    /// Sends all of these at once.
    async fn ask_together(&mut self, requests: impl IntoIterator<Item = (i32, OpCode, Bytes)>) {
        let mut out = BytesMut::new();
        for (xid, op, record) in requests {
            frame::put(&mut out, |out| {
                RequestHeader { xid, op: op.number() }.encode(out);
                out.extend_from_slice(&record);
            });
        }
        self.stream.write_all(&out).await.unwrap();
    }

    /// A frame; `None` if the connection has ended.
    async fn receive(&mut self) -> Option<Bytes> {
        loop {
            if let Some(frame) = frame::take(&mut self.input, 1 << 20).unwrap() {
                return Some(frame);
            }
            // A reset is an end too.
            if within(self.stream.read_buf(&mut self.input)).await.unwrap_or(0) == 0 {
                return None;
            }
        }
    }

    /// The next answer: whose, with which outcome, and its record.
    async fn answer(&mut self) -> (i32, ErrorCode, Bytes) {
        let (header, rest) = self.frame().await;
        (header.xid, ErrorCode::from_number(header.err).unwrap(), rest)
    }

    /// Of the next answer or event: whose, and its zxid.
    async fn stamp(&mut self) -> (i32, i64) {
        let (header, _) = self.frame().await;
        (header.xid, header.zxid)
    }

    async fn frame(&mut self) -> (ReplyHeader, Bytes) {
        let frame = self.receive().await.unwrap();
        let mut reader = Reader::new(&frame);
        let header = reader.read().unwrap();
        (header, frame.slice(reader.offset()..))
    }

    async fn ask_ping(&mut self) {
        let header = RequestHeader { xid: -2, op: OpCode::Ping.number() };
        self.send(&header.to_bytes()).await;
    }

    /// Waits until the server has taken up everything that was sent before.
    async fn ping(&mut self) {
        self.ask_ping().await;
        assert_eq!(self.answer().await, (-2, ErrorCode::Ok, Bytes::new()));
    }
}

/// What does not happen fails the test, in place of making it hang.
async fn within<T>(awaited: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(600), awaited).await.unwrap()
}

fn create(path: &str) -> CreateRequest {
    let data = Some(Bytes::from_static(b"data"));
    CreateRequest { path: path.to_owned(), data, acl: Acl::open(), flags: 0 }
}

fn read(path: &str) -> ReadRequest {
    ReadRequest { path: path.to_owned(), watch: false }
}
