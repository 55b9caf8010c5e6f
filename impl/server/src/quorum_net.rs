//! The quorum port: a leader listens, a learner dials, packets go both ways.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpSocket, lookup_host};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, block_in_place};
use zab_core::{ConnectionId, ServerId};
use zab_wire::snapshot::{self, Item};
use zab_wire::{PacketType, QuorumPacket, Record as _};

use crate::config::{Config, Endpoint};
use crate::convert;
use crate::link::{Decode, Link, LinkEvent, LinkIds, Side, Socket};
use crate::storage::SnapshotWriter;
use crate::tls::Mutual;
use crate::tree::{Tree, TreeBuilder};
use crate::unknown_peers;

/// How often a leader is dialled before the role is given up; it may not listen yet.
const DIALS_MAX: u32 = 20;
/// The pause between two of these.
const PAUSE: Duration = Duration::from_millis(100);
/// Most connections that the kernel has accepted and this server has not.
const BACKLOG: u32 = 128;
/// Most bytes of a first packet.
const GREETING_MAX: usize = 1 << 16;

/// How many bytes of a snapshot are written at once.
const WRITE_AT: usize = 1 << 18;

/// What happens on the quorum port.
#[derive(Debug)]
pub(crate) enum QuorumEvent {
    /// Somebody connected and said, in a FOLLOWERINFO or OBSERVERINFO that is left to be read, that
    /// it is this other server.
    Accepted { server: ServerId, socket: Socket },
    /// Dialling is over: a connection, or none.
    Dialled { dial: u64, leader: ServerId, socket: Option<Socket> },
    /// Something happened on a connection.
    Link { connection: ConnectionId, event: LinkEvent<ReceivedPacket> },
}

/// A packet, and what came with it.
#[derive(Debug)]
pub(crate) struct ReceivedPacket {
    /// The packet.
    pub(crate) packet: QuorumPacket,
    /// After SNAP: the leader's tree.
    pub(crate) state: Option<Box<Arrived>>,
}

/// A state that came with SNAP.
#[derive(Debug)]
pub(crate) struct Arrived {
    /// As a tree.
    pub(crate) tree: Tree,
    /// The same as a file.
    pub(crate) file: SnapshotWriter,
}

/// The driver's side of the quorum port.
#[derive(Debug)]
pub(crate) struct QuorumNet {
    ids: LinkIds,
    events: mpsc::Sender<QuorumEvent>,
    /// The own address, and a socket that is bound to it and never used. A server without others
    /// has none.
    own: Option<(SocketAddr, TcpSocket)>,
    /// The other servers.
    others: Vec<ServerId>,
    /// Most connections that have not said who they are.
    places: usize,
    /// Where snapshots are kept.
    snapshots: PathBuf,
    listener: Option<JoinHandle<()>>,
    dialling: Option<JoinHandle<()>>,
    tls: Option<Mutual>,
    /// Counts dials, so that the outcome of one that was stopped is not taken for the next one's.
    dial: u64,
}

/// Holds a port.
async fn reserve(own: &Endpoint) -> std::io::Result<(SocketAddr, TcpSocket)> {
    let mut reserved = Err(std::io::Error::other("the name has no address"));
    for address in lookup_host((own.host.as_str(), own.port)).await? {
        reserved = bind(address).map(|socket| (address, socket));
        if reserved.is_ok() {
            break;
        }
    }
    reserved
}

impl QuorumNet {
    /// Neither listens nor dials yet, but holds the port: whoever connects is refused until
    /// [`Self::listen`], and no other process can take it.
    pub(crate) async fn new(
        config: &Config,
        tls: Option<Mutual>,
        places: usize,
        ids: LinkIds,
        events: mpsc::Sender<QuorumEvent>,
    ) -> std::io::Result<Self> {
        let own = match config.servers.get(&config.id) {
            Some(server) => Some(reserve(&server.quorum).await?),
            None => None,
        };
        let others = config.ids().into_iter().filter(|id| *id != config.id).collect();
        let snapshots = config.data_dir.join("version-2");
        Ok(Self {
            snapshots,
            ids,
            events,
            own,
            others,
            places,
            listener: None,
            dialling: None,
            tls,
            dial: 0,
        })
    }

    /// Listens, until [`Self::stop_listening`].
    pub(crate) async fn listen(&mut self) -> std::io::Result<()> {
        self.stop_listening().await;
        let Some((own, _)) = self.own else { return Ok(()) };
        let listener = bind(own)?.listen(BACKLOG)?;
        let (others, sender) = (self.others.clone(), self.events.clone());
        let tls = self.tls.clone();
        self.listener =
            Some(tokio::spawn(unknown_peers::receive(listener, self.places, move |socket| {
                introduce(socket, tls.clone(), others.clone(), sender.clone())
            })));
        Ok(())
    }

    /// Whether it listens, or has no port to listen on, where it should.
    pub(crate) fn listens_as(&self, is_leading: bool) -> bool {
        self.own.is_none() || self.listener.is_some() == is_leading
    }

    /// Reads and writes a connection from now on.
    pub(crate) fn start(&self, socket: Socket) -> std::io::Result<Link> {
        // Only a leader may send one.
        let is_dialler = socket.side == Side::Dialler;
        let snapshots = is_dialler.then(|| (self.snapshots.clone(), self.dial));
        let decode = Packets { snapshots, snapshot: None };
        let wrap = |connection, event| QuorumEvent::Link { connection, event };
        socket.start(&self.ids, decode, false, self.events.clone(), wrap)
    }

    /// Listens no more; returns when the port is free.
    pub(crate) async fn stop_listening(&mut self) {
        if let Some(listener) = self.listener.take() {
            listener.abort();
            // The only error is that it was aborted.
            let _ = listener.await;
        }
    }

    /// After a pause, dials a leader, again and again for a while; then comes
    /// [`QuorumEvent::Dialled`].
    pub(crate) fn dial(&mut self, leader: ServerId, address: Endpoint, pause: Duration) {
        self.stop_dialling();
        let (events, dial, tls) = (self.events.clone(), self.dial, self.tls.clone());
        self.dialling = Some(tokio::spawn(async move {
            tokio::time::sleep(pause).await;
            let socket = dial_often(&address, tls.as_ref()).await;
            // If the driver has ended nobody needs to know.
            let _ = events.send(QuorumEvent::Dialled { dial, leader, socket }).await;
        }));
    }

    /// Gives up what is dialled, without an outcome.
    pub(crate) fn stop_dialling(&mut self) {
        self.dial += 1;
        if let Some(dialling) = self.dialling.take() {
            dialling.abort();
        }
    }

    /// Whether an outcome is that of the present dial.
    pub(crate) fn is_current(&self, dial: u64) -> bool {
        self.dial == dial
    }
}

/// Several sockets may hold the port as long as only one of them listens; connections of earlier
/// listeners do not matter either.
fn bind(address: SocketAddr) -> std::io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// Hands a connection on if its first packet is the FOLLOWERINFO or OBSERVERINFO of another server.
async fn introduce(
    socket: Socket,
    tls: Option<Mutual>,
    others: Vec<ServerId>,
    events: mpsc::Sender<QuorumEvent>,
) {
    let Some(mut socket) = socket.secured(tls.as_ref()).await else { return };
    while let Ok(taken) = QuorumPacket::take(&mut socket.rest.clone()) {
        if let Some(packet) = taken {
            if matches!(packet.kind, PacketType::FollowerInfo | PacketType::ObserverInfo)
                && let Ok((server, _)) = convert::learner_info(&packet)
                && others.contains(&server)
            {
                // If the driver has ended nobody needs to know.
                let _ = events.send(QuorumEvent::Accepted { server, socket }).await;
            }
            return;
        }
        let read = socket.stream.read_buf(&mut socket.rest).await;
        if !read.is_ok_and(|read| read > 0) || socket.rest.len() > GREETING_MAX {
            return;
        }
    }
}

async fn dial_often(address: &Endpoint, tls: Option<&Mutual>) -> Option<Socket> {
    for attempt in 0..DIALS_MAX {
        if attempt > 0 {
            tokio::time::sleep(PAUSE).await;
        }
        if let Ok(socket) = Socket::dial(address, tls).await {
            return Some(socket);
        }
    }
    None
}

/// Packets, and the snapshots that follow SNAP.
struct Packets {
    /// Where snapshots are written while they arrive, and the number of this connection there;
    /// `None`: none may come.
    snapshots: Option<(PathBuf, u64)>,
    /// What is being received.
    snapshot: Option<Incomplete>,
}

/// A SNAP packet, and what has come of its snapshot.
struct Incomplete {
    packet: QuorumPacket,
    decoder: snapshot::Decoder,
    builder: TreeBuilder,
    file: SnapshotWriter,
    /// What is to be written to the file next.
    not_written: BytesMut,
    /// Sessions and lists are written.
    has_head: bool,
    /// Only the signature is missing.
    is_whole: bool,
}

impl Decode for Packets {
    type Item = ReceivedPacket;

    fn take(&mut self, buffer: &mut BytesMut) -> Result<Option<ReceivedPacket>, String> {
        if let Some(incomplete) = &mut self.snapshot {
            if !incomplete.advance(buffer)? {
                return Ok(None);
            }
        } else {
            let packet = QuorumPacket::take(buffer).map_err(|error| error.to_string())?;
            let Some(packet) = packet else { return Ok(None) };
            if packet.kind != PacketType::Snap {
                return Ok(Some(ReceivedPacket { packet, state: None }));
            }
            let Some((directory, number)) = &self.snapshots else {
                return Err("SNAP from a learner".to_owned());
            };
            let file = block_in_place(|| SnapshotWriter::arriving(directory, *number));
            self.snapshot = Some(Incomplete {
                packet,
                decoder: snapshot::Decoder::default(),
                builder: TreeBuilder::default(),
                file: file.map_err(|error| error.to_string())?,
                not_written: BytesMut::new(),
                has_head: false,
                is_whole: false,
            });
            return self.take(buffer);
        }
        let Some(Incomplete { packet, builder, mut file, .. }) = self.snapshot.take() else {
            return Ok(None);
        };
        block_in_place(|| file.finish(None)).map_err(|error| error.to_string())?;
        let tree = builder.finish(packet.zxid).map_err(|error| error.to_string())?;
        Ok(Some(ReceivedPacket { packet, state: Some(Box::new(Arrived { tree, file })) }))
    }

    fn is_long(&self) -> bool {
        self.snapshot.is_some()
    }
}

impl Incomplete {
    /// Takes what has arrived; whether that was all.
    fn advance(&mut self, buffer: &mut BytesMut) -> Result<bool, String> {
        while !self.is_whole {
            match self.decoder.take(buffer).map_err(|error| error.to_string())? {
                None => return Ok(false),
                Some(item) => self.add(item)?,
            }
        }
        let signature = self.decoder.take_signature(buffer);
        Ok(signature.map_err(|error| error.to_string())?.is_some())
    }

    /// Adds an item to the tree and to the file.
    fn add(&mut self, item: Item) -> Result<(), String> {
        if matches!(item, Item::Node(_) | Item::End) && !self.has_head {
            self.has_head = true;
            self.builder.put_head(&mut self.not_written);
        }
        match &item {
            Item::Session(_) | Item::Acl(_) => {}
            Item::Node(node) => node.encode(&mut self.not_written),
            Item::End => {
                self.is_whole = true;
                snapshot::put_end(&mut self.not_written);
            }
        }
        self.builder.add(item).map_err(|error| error.to_string())?;
        if self.not_written.len() >= WRITE_AT || self.is_whole {
            let bytes = self.not_written.split();
            block_in_place(|| self.file.write(&bytes)).map_err(|error| error.to_string())?;
        }
        Ok(())
    }
}
