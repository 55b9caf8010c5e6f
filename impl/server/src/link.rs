//! One TCP connection between servers: a task that reads and writes it, and the driver's handle.

mod writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt as _, ReadHalf};
use tokio::net::{TcpStream, lookup_host};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use zab_core::ConnectionId;
use zab_trace::ConnectionName;

use crate::config::Endpoint;
use crate::tls::Mutual;
use crate::transport::Transport;

/// How long a TCP connection may take to come up; ZooKeeper's `cnxTimeout`.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Most bytes that wait for a peer that does not read; then the connection is given up. What
/// brings a learner up to date is not counted, and as much as that may wait behind it: its size is
/// that of the state.
const QUEUED_BYTES_MAX: usize = 1 << 28;

/// How often an end tells that bytes flow.
const FLOWING_EVERY: Duration = Duration::from_millis(100);

/// Gives every connection of the process its own number, on all ports.
#[derive(Debug, Clone, Default)]
pub(crate) struct LinkIds(Arc<AtomicU64>);

impl LinkIds {
    fn next(&self) -> ConnectionId {
        ConnectionId(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

/// Which end of a connection this process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// It opened the connection.
    Dialler,
    /// It listened.
    Acceptor,
}

/// What a link tells the driver.
#[derive(Debug)]
pub(crate) enum LinkEvent<T> {
    /// Something arrived whole; this is all of it that came together, in order, or as much of that
    /// as is told at once.
    Items(Vec<T>),
    /// One call of [`Link::send`] has reached the socket. Only if asked for.
    Written,
    /// A part of something long has arrived, or has been taken by the other end. Told now and
    /// then, so that a long transfer is not taken for silence.
    Flowing,
    /// The connection ended, for this reason. The last event of a link.
    Ended(String),
}

/// Takes items off the front of a buffer.
pub(crate) trait Decode: Send + 'static {
    /// What is taken.
    type Item: Send;

    /// The next item; `None` if it is not all there yet. An error ends the connection.
    fn take(&mut self, buffer: &mut BytesMut) -> Result<Option<Self::Item>, String>;

    /// Whether a part of the next item is worth a [`LinkEvent::Flowing`].
    fn is_long(&self) -> bool {
        false
    }
}

/// The driver's handle of a connection; dropping it closes the connection at once.
#[derive(Debug)]
pub(crate) struct Link {
    /// Its number.
    pub(crate) id: ConnectionId,
    /// Its name in traces.
    pub(crate) name: ConnectionName,
    outgoing: mpsc::UnboundedSender<Outgoing>,
    /// What was put since the last flush.
    joined: BytesMut,
    queued: Arc<Queued>,
    task: JoinHandle<()>,
}

/// What waits to be written.
#[derive(Debug)]
struct Queued {
    /// Bytes that count.
    bytes: AtomicUsize,
    /// How many there may be: more after a long transfer, during which others had to wait.
    max: AtomicUsize,
}

/// Bytes that are made when they can be written. An error ends the connection.
type Pieces = Box<dyn Iterator<Item = Result<Bytes, String>> + Send>;

/// Something that is to be written.
enum Outgoing {
    /// A message.
    Message {
        /// Its bytes, in parts.
        parts: Vec<Bytes>,
        /// How many of them count as queued.
        counted: usize,
    },
    /// Made while it is written.
    Pieces(Pieces),
}

impl Link {
    /// Queues a message, in parts, behind those queued before. `false`: the peer does not read,
    /// and the connection should be given up.
    pub(crate) fn send(&mut self, parts: impl Into<Vec<Bytes>>) -> bool {
        self.flush();
        let parts = parts.into();
        let counted = parts.iter().map(Bytes::len).sum();
        let is_taken = self.queued.take(counted);
        self.queue(Outgoing::Message { parts, counted });
        is_taken
    }

    /// As [`Self::send`], for a short message that `fill` writes. It may wait for others that are to
    /// leave with it, until [`Self::flush`].
    pub(crate) fn put(&mut self, fill: impl FnOnce(&mut BytesMut)) -> bool {
        let before = self.joined.len();
        fill(&mut self.joined);
        let is_taken = self.queued.take(self.joined.len() - before);
        if self.joined.len() >= writer::WRITE_AT {
            self.flush();
        }
        is_taken
    }

    /// Lets go what was put.
    pub(crate) fn flush(&mut self) {
        if !self.joined.is_empty() {
            let joined = self.joined.split().freeze();
            let counted = joined.len();
            self.queue(Outgoing::Message { parts: vec![joined], counted });
        }
    }

    /// As [`Self::send`], for what brings a learner up to date: it may be long.
    pub(crate) fn send_catching_up(&mut self, parts: impl Into<Vec<Bytes>>) {
        self.flush();
        self.queue(Outgoing::Message { parts: parts.into(), counted: 0 });
    }

    /// As [`Self::send_catching_up`], for what is to be made only when it can be written.
    /// An error among it ends the connection.
    pub(crate) fn send_pieces(
        &mut self,
        pieces: impl Iterator<Item = Result<Bytes, String>> + Send + 'static,
    ) {
        self.flush();
        self.queue(Outgoing::Pieces(Box::new(pieces)));
    }

    fn queue(&self, outgoing: Outgoing) {
        // If the task has ended, it has sent `LinkEvent::Ended`.
        let _ = self.outgoing.send(outgoing);
    }
}

impl Queued {
    /// So many bytes more. `false`: there were too many already.
    fn take(&self, bytes: usize) -> bool {
        self.bytes.fetch_add(bytes, Ordering::Relaxed) < self.max.load(Ordering::Relaxed)
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A connection that is up, before anybody reads it.
#[derive(Debug)]
pub(crate) struct Socket {
    /// The connection.
    pub(crate) stream: Transport,
    /// Which end this is.
    pub(crate) side: Side,
    /// Bytes that were read and not used.
    pub(crate) rest: BytesMut,
}

impl Socket {
    /// Opens a connection to the first address of `endpoint` that takes it, under TLS if there is
    /// any between servers.
    pub(crate) async fn dial(endpoint: &Endpoint, tls: Option<&Mutual>) -> std::io::Result<Self> {
        let attempt = async {
            let addresses = lookup_host((endpoint.host.as_str(), endpoint.port)).await?;
            TcpStream::connect(&*addresses.collect::<Vec<_>>()).await
        };
        let stream = tokio::time::timeout(CONNECT_TIMEOUT, attempt).await??;
        let stream = match tls {
            None => Transport::Plain(stream),
            Some(tls) => tls.connect(stream, &endpoint.host).await?,
        };
        Ok(Self { stream, side: Side::Dialler, rest: BytesMut::new() })
    }

    /// A connection that was accepted.
    pub(crate) fn accepted(stream: TcpStream) -> Self {
        Self { stream: Transport::Plain(stream), side: Side::Acceptor, rest: BytesMut::new() }
    }

    /// A connection that was accepted, after the handshake if there is TLS between servers. `None`:
    /// the other end is no member.
    pub(crate) async fn secured(self, tls: Option<&Mutual>) -> Option<Self> {
        match (self.stream, tls) {
            (Transport::Plain(stream), Some(tls)) => {
                let stream = tls.accept(stream).await.ok()?;
                Some(Self { stream, ..self })
            }
            (stream, _) => Some(Self { stream, ..self }),
        }
    }

    /// Starts the task of this connection. What happens goes to `events`, wrapped by `wrap`;
    /// [`LinkEvent::Written`] only if `tell_written`.
    pub(crate) fn start<D: Decode, E: Send + 'static>(
        self,
        ids: &LinkIds,
        decode: D,
        tell_written: bool,
        events: mpsc::Sender<E>,
        wrap: impl Fn(ConnectionId, LinkEvent<D::Item>) -> E + Send + Sync + 'static,
    ) -> std::io::Result<Link> {
        let (local, peer) = (self.stream.local_addr()?, self.stream.peer_addr()?);
        let name = match self.side {
            Side::Dialler => ConnectionName::new(local, peer),
            Side::Acceptor => ConnectionName::new(peer, local),
        };
        self.stream.set_nodelay(true)?;
        let id = ids.next();
        let (outgoing, queue) = mpsc::unbounded_channel();
        let (bytes, max) = (AtomicUsize::new(0), AtomicUsize::new(QUEUED_BYTES_MAX));
        let queued = Arc::new(Queued { bytes, max });
        let counter = Arc::clone(&queued);
        let (reader, writer) = tokio::io::split(self.stream);
        let task = tokio::spawn(async move {
            let tell = |event| events.send(wrap(id, event));
            let reading = async {
                let mut reading = Reading { reader, decode, buffer: self.rest, failed: None };
                loop {
                    match reading.next(|| tell(LinkEvent::Flowing)).await {
                        Ok(items) => {
                            if tell(LinkEvent::Items(items)).await.is_err() {
                                return "the driver has ended".to_owned();
                            }
                        }
                        Err(reason) => return reason,
                    }
                }
            };
            let writing = async {
                let told = || async { !tell_written || tell(LinkEvent::Written).await.is_ok() };
                let flowing = || async { tell(LinkEvent::Flowing).await.is_ok() };
                writer::write(writer, queue, &counter, told, flowing).await
            };
            let reason = tokio::select! {
                reason = reading => reason,
                reason = writing => reason,
            };
            // If the driver has ended nobody needs to know.
            let _ = tell(LinkEvent::Ended(reason)).await;
        });
        Ok(Link { id, name, outgoing, joined: BytesMut::new(), queued, task })
    }
}

/// Most items that are told at once.
const ITEMS_MAX: usize = 64;

/// The reading half of a connection.
struct Reading<D> {
    reader: ReadHalf<Transport>,
    decode: D,
    buffer: BytesMut,
    /// Why there are no items after those that were given.
    failed: Option<String>,
}

impl<D: Decode> Reading<D> {
    /// The next items, or why there will be none.
    async fn next<F: Future>(&mut self, flowing: impl Fn() -> F) -> Result<Vec<D::Item>, String> {
        let mut told = Instant::now();
        loop {
            let items = self.take()?;
            if !items.is_empty() {
                return Ok(items);
            }
            self.buffer.reserve(1 << 16);
            match self.reader.read_buf(&mut self.buffer).await {
                Ok(0) if self.buffer.is_empty() => {
                    return Err("closed by the other end".to_owned());
                }
                Ok(0) => {
                    return Err("closed by the other end in the middle of a message".to_owned());
                }
                Ok(_) if self.decode.is_long() && told.elapsed() >= FLOWING_EVERY => {
                    told = Instant::now();
                    // If the driver has ended, the next item finds out.
                    let _ = flowing().await;
                }
                Ok(_) => {}
                Err(error) => return Err(error.to_string()),
            }
        }
    }

    /// The items that have arrived. What is wrong behind them is told after them.
    fn take(&mut self) -> Result<Vec<D::Item>, String> {
        let mut items = Vec::new();
        while self.failed.is_none() && items.len() < ITEMS_MAX {
            match self.decode.take(&mut self.buffer) {
                Ok(Some(item)) => items.push(item),
                Ok(None) => break,
                Err(reason) => self.failed = Some(reason),
            }
        }
        match self.failed.take_if(|_| items.is_empty()) {
            Some(reason) => Err(reason),
            None => Ok(items),
        }
    }
}

#[cfg(test)]
mod tests;
