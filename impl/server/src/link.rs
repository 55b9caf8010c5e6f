//! One TCP connection between servers: a task that reads and writes it, and the driver's handle.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpStream, lookup_host};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use zab_core::ConnectionId;
use zab_trace::ConnectionName;

use crate::config::Endpoint;

/// How long a TCP connection may take to come up; ZooKeeper's `cnxTimeout`.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Most bytes that wait for a peer that does not read; then the connection is given up.
const QUEUED_BYTES_MAX: usize = 1 << 28;

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
    /// Something arrived whole.
    Item(T),
    /// One call of [`Link::send`] has reached the socket. Only if asked for.
    Written,
    /// The connection ended, for this reason. The last event of a link.
    Ended(String),
}

/// Takes items off the front of a buffer.
pub(crate) trait Decode: Send + 'static {
    /// What is taken.
    type Item: Send;

    /// The next item; `None` if it is not all there yet. An error ends the connection.
    fn take(&mut self, buffer: &mut BytesMut) -> Result<Option<Self::Item>, String>;
}

/// The driver's handle of a connection; dropping it closes the connection at once.
#[derive(Debug)]
pub(crate) struct Link {
    /// Its number.
    pub(crate) id: ConnectionId,
    /// Its name in traces.
    pub(crate) name: ConnectionName,
    outgoing: mpsc::UnboundedSender<Bytes>,
    queued: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Link {
    /// Queues bytes behind those queued before. `false`: the peer does not read, and the
    /// connection should be given up.
    pub(crate) fn send(&self, bytes: Bytes) -> bool {
        let queued = self.queued.fetch_add(bytes.len(), Ordering::Relaxed);
        // A task that has ended has said so.
        let _ = self.outgoing.send(bytes);
        queued < QUEUED_BYTES_MAX
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A connection that is up, before anybody reads it.
#[derive(Debug)]
pub(crate) struct Fresh {
    /// The connection.
    pub(crate) stream: TcpStream,
    /// Which end this is.
    pub(crate) side: Side,
    /// Bytes that were read and not used.
    pub(crate) rest: BytesMut,
}

impl Fresh {
    /// Opens a connection to the first address of `endpoint` that takes it.
    pub(crate) async fn dial(endpoint: &Endpoint) -> std::io::Result<Self> {
        let attempt = async {
            let addresses = lookup_host((endpoint.host.as_str(), endpoint.port)).await?;
            TcpStream::connect(&*addresses.collect::<Vec<_>>()).await
        };
        let stream = tokio::time::timeout(CONNECT_TIMEOUT, attempt).await??;
        Ok(Self { stream, side: Side::Dialler, rest: BytesMut::new() })
    }

    /// A connection that was accepted.
    pub(crate) fn accepted(stream: TcpStream) -> Self {
        Self { stream, side: Side::Acceptor, rest: BytesMut::new() }
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
        let queued = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&queued);
        let (reader, writer) = self.stream.into_split();
        let task = tokio::spawn(async move {
            let tell = |event| events.send(wrap(id, event));
            let reading = async {
                let (mut reader, mut decode, mut buffer) = (reader, decode, self.rest);
                loop {
                    match next(&mut reader, &mut decode, &mut buffer).await {
                        Ok(item) => {
                            if tell(LinkEvent::Item(item)).await.is_err() {
                                return "the driver has ended".to_owned();
                            }
                        }
                        Err(reason) => return reason,
                    }
                }
            };
            let writing = async {
                let told = || async { !tell_written || tell(LinkEvent::Written).await.is_ok() };
                write(writer, queue, &counter, told).await
            };
            let reason = tokio::select! {
                reason = reading => reason,
                reason = writing => reason,
            };
            // If the driver has ended nobody needs to know.
            let _ = tell(LinkEvent::Ended(reason)).await;
        });
        Ok(Link { id, name, outgoing, queued, task })
    }
}

/// The next item, or why there will be none.
async fn next<D: Decode>(
    reader: &mut OwnedReadHalf,
    decode: &mut D,
    buffer: &mut BytesMut,
) -> Result<D::Item, String> {
    loop {
        if let Some(item) = decode.take(buffer)? {
            return Ok(item);
        }
        buffer.reserve(1 << 16);
        match reader.read_buf(buffer).await {
            Ok(0) if buffer.is_empty() => return Err("closed by the other end".to_owned()),
            Ok(0) => return Err("closed by the other end in the middle of a message".to_owned()),
            Ok(_) => {}
            Err(error) => return Err(error.to_string()),
        }
    }
}

/// Writes what is queued until the connection fails; why it did.
async fn write<F: Future<Output = bool>>(
    mut writer: OwnedWriteHalf,
    mut queue: mpsc::UnboundedReceiver<Bytes>,
    queued: &AtomicUsize,
    written: impl Fn() -> F,
) -> String {
    let mut batch = Vec::new();
    while queue.recv_many(&mut batch, 256).await > 0 {
        let joined = match batch.as_slice() {
            [one] => one.clone(),
            several => several.concat().into(),
        };
        if let Err(error) = writer.write_all(&joined).await {
            return error.to_string();
        }
        queued.fetch_sub(joined.len(), Ordering::Relaxed);
        for _ in batch.drain(..) {
            if !written().await {
                return "the driver has ended".to_owned();
            }
        }
    }
    "closed by this end".to_owned()
}
