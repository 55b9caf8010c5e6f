//! One client connection: a task that reads frames, keeps the session's order, writes answers.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot::{self, error::TryRecvError};
use tokio::time::{Instant, timeout};
use zab_wire::client::SyncRecord;
use zab_wire::quorum::ForwardedRequest;
use zab_wire::{MAX_BUFFER, Record as _, frame};

use super::handshake::{self, Greeting, Session};
use super::requests::{self, Class, Request};
use super::service::{Outcome, Service, Serving, Submission};
use crate::four_letter;

/// Most requests of one connection that are not answered yet. While they are so many, nothing
/// more is read from it.
const PIPELINE_MAX: usize = 1000;

/// Bytes of answers that are collected before they are written.
const WRITE_AT: usize = 64 * 1024;

/// Why a connection ends. Nobody is told: the client sees the end, and connects again.
struct Gone;

impl From<std::io::Error> for Gone {
    fn from(_: std::io::Error) -> Self {
        Self
    }
}

/// Serves one connection to its end.
pub(super) async fn run(service: &Arc<Service>, stream: TcpStream, address: IpAddr) {
    // Without it, answers wait for the client's delayed acknowledgements; it may be missing.
    let _ = stream.set_nodelay(true);
    let mut wire = Wire { stream, input: BytesMut::new(), output: BytesMut::new() };
    let limit = service.limits().timeout_max;
    let Ok(Ok(Some(first))) = timeout(limit, first_frame(service, &mut wire)).await else { return };
    let mut watch = service.watch_serving();
    let Some(serving) = *watch.borrow_and_update() else { return };
    tokio::select! {
        _ = watch.wait_for(|now| *now != Some(serving)) => {}
        _ = greet_and_talk(service, serving, &mut wire, &first, address) => {}
    }
}

/// The first frame; `None` if the connection was about a four-letter word.
async fn first_frame(service: &Service, wire: &mut Wire) -> Result<Option<Bytes>, Gone> {
    while wire.input.len() < 4 {
        wire.receive().await?;
    }
    let mut first = [0; 4];
    first.copy_from_slice(&wire.input[..4]);
    if let Some(word) = four_letter::parse(first) {
        wire.output.extend_from_slice(four_letter::answer(word, service).as_bytes());
        wire.flush().await?;
        wire.stream.shutdown().await?;
        return Ok(None);
    }
    loop {
        if let Some(frame) = wire.take()? {
            return Ok(Some(frame));
        }
        wire.receive().await?;
    }
}

async fn greet_and_talk(
    service: &Arc<Service>,
    serving: Serving,
    wire: &mut Wire,
    first: &Bytes,
    address: IpAddr,
) -> Result<(), Gone> {
    let session = match handshake::greet(service, serving, first, address).await {
        Greeting::Welcome(session) => session,
        Greeting::Expired { knows_read_only } => {
            let response = handshake::expired(knows_read_only);
            frame::put(&mut wire.output, |out| response.encode(out));
            wire.flush().await?;
            return Ok(wire.stream.shutdown().await?);
        }
        Greeting::Refused => return Err(Gone),
    };
    let (place, kicked) = service.sessions.enter(session.id).await;
    frame::put(&mut wire.output, |out| handshake::welcome(session).encode(out));
    let mut connection = Connection {
        service,
        serving,
        session,
        address,
        flying: VecDeque::new(),
        waiting: VecDeque::new(),
        closing: false,
    };
    let talked = tokio::select! {
        _ = kicked => Err(Gone),
        talked = connection.talk(wire) => talked,
    };
    drop(place);
    talked
}

/// The socket, and bytes on their way.
struct Wire {
    stream: TcpStream,
    input: BytesMut,
    output: BytesMut,
}

impl Wire {
    /// Waits for more bytes.
    async fn receive(&mut self) -> Result<(), Gone> {
        match self.stream.read_buf(&mut self.input).await? {
            0 => Err(Gone),
            _ => Ok(()),
        }
    }

    /// Takes a frame that is there already.
    fn take(&mut self) -> Result<Option<Bytes>, Gone> {
        frame::take(&mut self.input, MAX_BUFFER).map_err(|_| Gone)
    }

    async fn flush(&mut self) -> Result<(), Gone> {
        self.stream.write_all(&self.output).await?;
        self.output.clear();
        Ok(())
    }
}

/// A connection with a session.
///
/// Requests are answered in the order in which they came. Those in `flying` came before those in
/// `waiting`: a read waits for the session's writes before it, so that it sees them, and a write
/// waits for reads before it, so that they do not see it.
struct Connection<'a> {
    service: &'a Arc<Service>,
    serving: Serving,
    session: Session,
    address: IpAddr,
    flying: VecDeque<Flying>,
    waiting: VecDeque<(Instant, Request)>,
    /// The client has ended its session: nothing after that is read.
    closing: bool,
}

/// A request that was submitted and is not answered yet.
struct Flying {
    since: Instant,
    xid: i32,
    awaited: Awaited,
}

enum Awaited {
    Write { op: i32, outcome: oneshot::Receiver<Outcome> },
    Sync { path: String, done: oneshot::Receiver<()> },
}

/// What a submission came to.
enum Settled {
    Write { op: i32, outcome: Outcome },
    Sync { path: String },
}

impl Connection<'_> {
    async fn talk(&mut self, wire: &mut Wire) -> Result<(), Gone> {
        let limit = Duration::from_millis(u64::try_from(self.session.timeout).unwrap_or(0));
        let mut silent_until = Instant::now() + limit;
        loop {
            while self.takes_more() && wire.output.len() < WRITE_AT {
                let Some(frame) = wire.take()? else { break };
                silent_until = Instant::now() + limit;
                self.take_up(Request::decode(&frame).map_err(|_| Gone)?, &mut wire.output).await?;
            }
            let idle = wire.output.is_empty();
            // A client that does not read its answers is as good as gone.
            timeout(limit, wire.flush()).await.map_err(|_| Gone)??;
            if self.closing && self.flying.is_empty() && self.waiting.is_empty() {
                return Ok(wire.stream.shutdown().await?);
            }
            if !idle {
                // More frames may be in the buffer than one round of answers took.
                continue;
            }
            tokio::select! {
                settled = settle_first(&mut self.flying) => {
                    let (since, xid, settled) = settled?;
                    self.answer(since, xid, settled, &mut wire.output);
                    self.settle_more(&mut wire.output)?;
                    self.advance(&mut wire.output).await?;
                }
                received = wire.receive(), if self.takes_more() => received?,
                () = tokio::time::sleep_until(silent_until), if self.takes_more() => {
                    return Err(Gone);
                }
            }
        }
    }

    fn takes_more(&self) -> bool {
        !self.closing && self.flying.len() + self.waiting.len() < PIPELINE_MAX
    }

    /// Answers a request, submits it, or lets it wait for those before it.
    async fn take_up(&mut self, request: Request, output: &mut BytesMut) -> Result<(), Gone> {
        let since = Instant::now();
        self.service.stats().request();
        if request.class() == Class::Ping {
            requests::answer_local(self.service, &request, output);
            self.answered(since);
            return Ok(());
        }
        self.closing |= request.closes() || request.authenticates();
        self.waiting.push_back((since, request));
        self.advance(output).await
    }

    /// Answers and submits what waits, as far as that may be done now.
    async fn advance(&mut self, output: &mut BytesMut) -> Result<(), Gone> {
        while let Some((_, next)) = self.waiting.front() {
            if next.class() == Class::Local && !self.flying.is_empty() {
                break;
            }
            let Some((since, request)) = self.waiting.pop_front() else { break };
            match request.class() {
                Class::Local | Class::Ping => {
                    requests::answer_local(self.service, &request, output);
                    self.answered(since);
                }
                Class::Write => self.submit_write(since, request).await?,
                Class::Sync => self.submit_sync(since, request).await?,
            }
        }
        Ok(())
    }

    async fn submit_write(&mut self, since: Instant, request: Request) -> Result<(), Gone> {
        let Request { xid, op, .. } = request;
        let forwarded = self.forwarded(request);
        let auth = handshake::identity(self.address);
        let submitted = self.service.write(self.serving, forwarded, auth).await;
        let outcome = submitted.ok_or(Gone)?;
        self.flying.push_back(Flying { since, xid, awaited: Awaited::Write { op, outcome } });
        Ok(())
    }

    async fn submit_sync(&mut self, since: Instant, request: Request) -> Result<(), Gone> {
        let SyncRecord { path } = SyncRecord::from_bytes(&request.payload).map_err(|_| Gone)?;
        let (told, done) = oneshot::channel();
        let (xid, auth) = (request.xid, handshake::identity(self.address));
        let request = self.forwarded(request);
        let submission = Submission::Sync { request, auth, done: told };
        if !self.service.submit(self.serving, submission).await {
            return Err(Gone);
        }
        self.flying.push_back(Flying { since, xid, awaited: Awaited::Sync { path, done } });
        Ok(())
    }

    fn forwarded(&self, request: Request) -> ForwardedRequest {
        let Request { xid, op, payload } = request;
        ForwardedRequest { session: self.session.id, cxid: xid, op, payload }
    }

    /// Answers what has settled besides the first.
    fn settle_more(&mut self, output: &mut BytesMut) -> Result<(), Gone> {
        while let Some(first) = self.flying.front_mut() {
            let settled = match &mut first.awaited {
                Awaited::Write { op, outcome } => {
                    outcome.try_recv().map(|outcome| Settled::Write { op: *op, outcome })
                }
                Awaited::Sync { path, done } => {
                    done.try_recv().map(|()| Settled::Sync { path: std::mem::take(path) })
                }
            };
            match settled {
                Ok(settled) => {
                    let (since, xid) = (first.since, first.xid);
                    self.flying.pop_front();
                    self.answer(since, xid, settled, output);
                }
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Closed) => return Err(Gone),
            }
        }
        Ok(())
    }

    fn answer(&mut self, since: Instant, xid: i32, settled: Settled, output: &mut BytesMut) {
        match settled {
            Settled::Write { op, outcome } => {
                requests::answer_write(self.service, xid, op, outcome, output);
            }
            Settled::Sync { path } => requests::answer_sync(self.service, xid, path, output),
        }
        self.answered(since);
    }

    fn answered(&self, since: Instant) {
        self.service.stats().settled(1);
        self.service.stats().reply(since.elapsed());
    }
}

impl Drop for Connection<'_> {
    fn drop(&mut self) {
        self.service.stats().settled(self.flying.len() + self.waiting.len());
    }
}

/// Waits for the first submission, and takes it out when it has settled.
async fn settle_first(flying: &mut VecDeque<Flying>) -> Result<(Instant, i32, Settled), Gone> {
    let Some(first) = flying.front_mut() else { return std::future::pending().await };
    let settled = match &mut first.awaited {
        Awaited::Write { op, outcome } => {
            let outcome = outcome.await.map_err(|_| Gone)?;
            Settled::Write { op: *op, outcome }
        }
        Awaited::Sync { path, done } => {
            done.await.map_err(|_| Gone)?;
            Settled::Sync { path: std::mem::take(path) }
        }
    };
    let taken = (first.since, first.xid, settled);
    flying.pop_front();
    Ok(taken)
}
