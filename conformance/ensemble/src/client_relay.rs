//! A relay between a client and its servers that writes a client history.
//!
//! It works with any client, since it reads what goes over the wire. A request is noted before it
//! goes on to the server, and an answer before it goes on to the client, so the intervals of the
//! history lie within those that the client sees.

mod decode;

use std::collections::VecDeque;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use zab_history::{Call, Line, Operation, Recorder, Reply, What};
use zab_wire::client::{
    ConnectRequest, ConnectResponse, ReplyHeader, RequestHeader, WatcherEvent, XID_AUTH,
    XID_NOTIFICATION, XID_PING,
};
use zab_wire::{OpCode, Reader, Record, frame};

/// The longest frame that is relayed.
const FRAME_MAX: usize = 4 << 20;

/// The relay of one client.
#[derive(Debug)]
pub struct ClientRelay {
    addresses: Vec<SocketAddr>,
    session: Arc<Mutex<Option<String>>>,
    open: watch::Sender<bool>,
}

impl ClientRelay {
    /// Listens for the client with this number, on one port for each server; runs on the tokio
    /// runtime of the caller.
    ///
    /// # Errors
    /// If a port cannot be listened on.
    pub async fn start<W: Write + Send + 'static>(
        client: u32,
        servers: &[SocketAddr],
        recorder: &Arc<Recorder<W>>,
    ) -> io::Result<Self> {
        let session = Arc::default();
        let (open, _) = watch::channel(true);
        let mut addresses = Vec::new();
        for server in servers {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            addresses.push(listener.local_addr()?);
            let (recorder, session, open) =
                (Arc::clone(recorder), Arc::clone(&session), open.subscribe());
            tokio::spawn(listen(listener, *server, client, recorder, session, open));
        }
        Ok(Self { addresses, session, open })
    }

    /// The servers as the client is to know them.
    #[must_use]
    pub fn connect_string(&self) -> String {
        let addresses: Vec<String> = self.addresses.iter().map(ToString::to_string).collect();
        addresses.join(",")
    }

    /// The session that the client has, or had last.
    #[must_use]
    pub fn session(&self) -> Option<String> {
        locked(&self.session).clone()
    }

    /// Cuts every connection of the client and lets no other through, until it is opened again: the
    /// client then has a pause as long as somebody wants.
    pub fn set_open(&self, open: bool) {
        self.open.send_replace(open);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn listen<W: Write + Send + 'static>(
    listener: TcpListener,
    server: SocketAddr,
    client: u32,
    recorder: Arc<Recorder<W>>,
    session: Arc<Mutex<Option<String>>>,
    open: watch::Receiver<bool>,
) {
    while let Ok((stream, _)) = listener.accept().await {
        if !*open.borrow() {
            continue;
        }
        let connection = Connection {
            client,
            server: server.to_string(),
            recorder: Arc::clone(&recorder),
            session: Arc::clone(&session),
            state: Mutex::default(),
        };
        tokio::spawn(connection.run(stream, server, open.clone()));
    }
}

/// What was asked for and is not answered yet.
#[derive(Debug)]
struct Asked {
    xid: i32,
    op: i32,
    invoked: u64,
    call: Call,
}

#[derive(Debug, Default)]
struct State {
    /// Whether the client has said who it is, and the server has answered.
    greeted: (bool, bool),
    asked: VecDeque<Asked>,
}

struct Connection<W: Write> {
    client: u32,
    server: String,
    recorder: Arc<Recorder<W>>,
    session: Arc<Mutex<Option<String>>>,
    state: Mutex<State>,
}

impl<W: Write> Connection<W> {
    async fn run(self, mut client: TcpStream, server: SocketAddr, mut open: watch::Receiver<bool>) {
        let Ok(mut server) = TcpStream::connect(server).await else { return };
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        let (mut from_client, mut to_client) = client.split();
        let (mut from_server, mut to_server) = server.split();
        let requests = async {
            let mut buffer = BytesMut::new();
            while let Ok(read) = from_client.read_buf(&mut buffer).await {
                let whole = if read == 0 { None } else { self.requests(&mut buffer) };
                let Some(bytes) = whole else { break };
                if to_server.write_all(&bytes).await.is_err() {
                    break;
                }
            }
        };
        let answers = async {
            let mut buffer = BytesMut::new();
            while let Ok(read) = from_server.read_buf(&mut buffer).await {
                let whole = if read == 0 { None } else { self.answers(&mut buffer) };
                let Some(bytes) = whole else { break };
                if to_client.write_all(&bytes).await.is_err() {
                    break;
                }
            }
        };
        let cut = open.wait_for(|open| !open);
        tokio::select! {
            () = requests => {}
            () = answers => {}
            _ = cut => {}
        }
        self.end();
    }

    /// Takes whole frames of the client; `None` if they are none.
    fn requests(&self, buffer: &mut BytesMut) -> Option<BytesMut> {
        let mut out = BytesMut::new();
        while let Some(body) = frame::take(buffer, FRAME_MAX).ok()? {
            let mut state = locked(&self.state);
            if state.greeted.0 {
                let mut reader = Reader::new(&body);
                let header: RequestHeader = reader.read().ok()?;
                let of_connection = [XID_PING, XID_AUTH].contains(&header.xid);
                if !of_connection {
                    let call = decode::call(header.op, &mut reader);
                    let invoked = self.recorder.moment();
                    let RequestHeader { xid, op } = header;
                    state.asked.push_back(Asked { xid, op, invoked, call });
                }
            } else {
                ConnectRequest::decode(&mut Reader::new(&body)).ok()?;
                state.greeted.0 = true;
            }
            frame::put(&mut out, |out| out.extend_from_slice(&body));
        }
        Some(out)
    }

    /// Takes whole frames of the server; `None` if they are none.
    fn answers(&self, buffer: &mut BytesMut) -> Option<BytesMut> {
        let mut out = BytesMut::new();
        while let Some(body) = frame::take(buffer, FRAME_MAX).ok()? {
            let greeted = std::mem::replace(&mut locked(&self.state).greeted.1, true);
            if greeted {
                self.answer(&body)?;
            } else {
                let welcome = ConnectResponse::decode(&mut Reader::new(&body)).ok()?;
                let at = self.recorder.moment();
                if welcome.session == 0 {
                    self.line(What::Expired { at });
                } else {
                    *locked(&self.session) = Some(decode::session(welcome.session));
                    self.line(What::Connected { at });
                }
            }
            frame::put(&mut out, |out| out.extend_from_slice(&body));
        }
        Some(out)
    }

    fn answer(&self, body: &[u8]) -> Option<()> {
        let mut reader = Reader::new(body);
        let header: ReplyHeader = reader.read().ok()?;
        if [XID_PING, XID_AUTH].contains(&header.xid) {
            return Some(());
        }
        if header.xid == XID_NOTIFICATION {
            let event: WatcherEvent = reader.read().ok()?;
            if let Some(kind) = decode::event(event.kind) {
                let (at, zxid) = (self.recorder.moment(), decode::zxid(header.zxid));
                let zxid = (header.zxid > 0).then_some(zxid);
                self.line(What::Watch { at, kind, path: event.path, zxid });
            }
            return Some(());
        }
        let asked = locked(&self.state).asked.pop_front()?;
        let known = asked.xid == header.xid;
        let (reply, inner) = if header.err == 0 && known {
            decode::reply(asked.op, &asked.call, &mut reader)
        } else {
            (Reply::default(), None)
        };
        let error = (header.err != 0).then(|| decode::error(header.err)).or(inner);
        self.line(What::Operation(Operation {
            invoked: asked.invoked,
            returned: Some(self.recorder.moment()),
            call: asked.call,
            zxid: Some(decode::zxid(header.zxid)),
            error,
            reply,
        }));
        known.then_some(())
    }

    /// What is not answered now never will be.
    fn end(&self) {
        let state = std::mem::take(&mut *locked(&self.state));
        if !state.greeted.1 {
            return;
        }
        for asked in state.asked {
            self.line(What::Operation(Operation {
                invoked: asked.invoked,
                returned: None,
                call: asked.call,
                zxid: None,
                error: None,
                reply: Reply::default(),
            }));
        }
        let at = self.recorder.moment();
        self.line(What::Disconnected { at });
    }

    fn line(&self, what: What) {
        let session = locked(&self.session).clone();
        let line = Line { client: self.client, session, server: Some(self.server.clone()), what };
        // A history that cannot be written ends in the middle of a line, which its reader tells.
        let _ = self.recorder.line(&line);
    }
}

/// Whether an operation is answered with a stat too.
fn has_stat(op: i32) -> bool {
    let with = [OpCode::Create2, OpCode::CreateContainer, OpCode::CreateTtl, OpCode::GetChildren2];
    with.iter().any(|code| code.number() == op)
}
