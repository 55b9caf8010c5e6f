//! The election port: one connection between each two servers, one message waiting for each.
//!
//! Source: `QuorumCnxManager`. Of two servers the one with the larger id keeps the connection
//! that it dialled: a server that is dialled by a smaller one closes and dials back. A newer
//! notification replaces one that still waits, and a new connection repeats the last one.
//!
//! Anybody may say that it is some server, so that alone gives nobody the place of a connection: a
//! connection counts once a whole vote has come on it, which a server sends at once. Of two servers
//! the one with the larger id dials again when the connection ends, so that it takes back a place
//! that another one took.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use zab_core::{ConnectionId, Notification, ServerId};
use zab_trace::ConnectionName;
use zab_wire::Record as _;
use zab_wire::election::{self as wire, InitialMessage};

use crate::config::{Config, Endpoint};
use crate::convert;
use crate::link::{Decode, Link, LinkEvent, LinkIds, Socket};
use crate::tls::Mutual;
use crate::unknown_peers;

/// Most bytes of a greeting and a first notification.
const GREETING_MAX: usize = 1 << 16;
/// The first pause between attempts to dial; it doubles.
const PAUSE: Duration = Duration::from_millis(50);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// What happens on the election port.
#[derive(Debug)]
pub(crate) enum ElectionEvent {
    /// A server dialled and said who it is.
    Arrived { server: ServerId, socket: Socket },
    /// An attempt to dial is over. `Ok(None)`: the other server is to dial back.
    Dialled { server: ServerId, result: std::io::Result<Option<Socket>> },
    /// Something happened on the connection to this server.
    Link { server: ServerId, connection: ConnectionId, event: LinkEvent<Notification> },
}

/// What the protocol, or its trace, must know.
#[derive(Debug)]
pub(crate) enum Change {
    /// A connection with this name is used from now on.
    Opened(ConnectionId, ConnectionName),
    /// It is not used any more, and nothing more comes from it.
    Ended(ConnectionId),
    /// A notification arrived.
    Notification {
        /// The sender.
        from: ServerId,
        /// On which connection.
        connection: ConnectionId,
        /// What it says.
        notification: Notification,
    },
}

/// The driver's side of the election port.
#[derive(Debug)]
pub(crate) struct ElectionNet {
    id: ServerId,
    own_address: String,
    quorum_text: Bytes,
    /// Who votes.
    voters: Vec<ServerId>,
    peers: BTreeMap<ServerId, Peer>,
    ids: LinkIds,
    events: mpsc::Sender<ElectionEvent>,
    tls: Option<Mutual>,
}

#[derive(Debug)]
struct Peer {
    address: Endpoint,
    link: Option<Link>,
    /// The link's socket has taken everything that was sent.
    is_idle: bool,
    /// What waits to be sent.
    slot: Option<Notification>,
    /// What was sent last.
    last: Option<Notification>,
    is_dialling: bool,
    /// Attempts to dial since the last connection.
    attempts: u32,
}

impl ElectionNet {
    /// Starts to listen on the own election address. A server without others has none.
    pub(crate) async fn start(
        config: &Config,
        tls: Option<Mutual>,
        places: usize,
        ids: LinkIds,
        events: mpsc::Sender<ElectionEvent>,
    ) -> std::io::Result<Self> {
        let own = config.servers.get(&config.id).map(|server| &server.election);
        if let Some(own) = own {
            let listener = TcpListener::bind((own.host.as_str(), own.port)).await?;
            let (id, all) = (config.id, config.ids());
            let (voters, sender) = (config.voters(), events.clone());
            let tls = tls.clone();
            tokio::spawn(unknown_peers::receive(listener, places, move |socket| {
                let (all, voters, events) = (all.clone(), voters.clone(), sender.clone());
                let tls = tls.clone();
                async move {
                    let Some(mut socket) = socket.secured(tls.as_ref()).await else { return };
                    if let Some(server) = greet(&mut socket, id, &all, voters).await {
                        // If the driver has ended nobody needs to know.
                        let _ = events.send(ElectionEvent::Arrived { server, socket }).await;
                    }
                }
            }));
        }
        let peers = config.servers.iter().filter(|(id, _)| **id != config.id);
        let peer = |address: &Endpoint| Peer {
            address: address.clone(),
            link: None,
            is_idle: false,
            slot: None,
            last: None,
            is_dialling: false,
            attempts: 0,
        };
        Ok(Self {
            id: config.id,
            own_address: own.map(Endpoint::to_string).unwrap_or_default(),
            quorum_text: config.quorum_text().into(),
            voters: config.voters(),
            peers: peers.map(|(id, server)| (*id, peer(&server.election))).collect(),
            ids,
            events,
            tls,
        })
    }

    /// Puts a notification into the slot of a server.
    pub(crate) fn notify(&mut self, to: ServerId, notification: Notification) {
        if let Some(peer) = self.peers.get_mut(&to) {
            peer.slot = Some(notification);
        }
    }

    /// Sends what can be sent, and dials where something waits and there is no connection.
    /// `on_send` is called before the bytes of each notification may leave.
    pub(crate) fn pump(&mut self, mut on_send: impl FnMut(ConnectionId, ServerId, &Notification)) {
        let mut to_dial = Vec::new();
        for (server, peer) in &mut self.peers {
            let Some(link) = &mut peer.link else {
                if peer.slot.is_some() && !peer.is_dialling {
                    to_dial.push(*server);
                }
                continue;
            };
            if !peer.is_idle {
                continue;
            }
            let Some(notification) = peer.slot.take() else { continue };
            on_send(link.id, *server, &notification);
            let mut out = BytesMut::new();
            convert::notification_to_wire(&notification, &self.quorum_text).put(&mut out);
            peer.is_idle = false;
            peer.last = Some(notification);
            link.send([out.freeze()]);
        }
        for server in to_dial {
            self.dial(server);
        }
    }

    /// Takes in what happened, and says what came of it. Call [`Self::pump`] afterwards.
    pub(crate) fn on_event(&mut self, event: ElectionEvent) -> Vec<Change> {
        match event {
            ElectionEvent::Arrived { server, socket } => self.on_arrived(server, socket),
            ElectionEvent::Dialled { server, result } => {
                if let Some(peer) = self.peers.get_mut(&server) {
                    peer.is_dialling = false;
                }
                match result {
                    Ok(Some(socket)) => self.adopt(server, socket),
                    Ok(None) | Err(_) => Vec::new(),
                }
            }
            ElectionEvent::Link { server, connection, event } => {
                self.on_link(server, connection, event)
            }
        }
    }

    fn on_arrived(&mut self, server: ServerId, socket: Socket) -> Vec<Change> {
        if server > self.id {
            return self.adopt(server, socket);
        }
        drop(socket);
        self.dial(server);
        Vec::new()
    }

    fn on_link(
        &mut self,
        server: ServerId,
        connection: ConnectionId,
        event: LinkEvent<Notification>,
    ) -> Vec<Change> {
        let is_current =
            |peer: &&mut Peer| peer.link.as_ref().is_some_and(|it| it.id == connection);
        let Some(peer) = self.peers.get_mut(&server).filter(is_current) else {
            // Left over from a connection that was replaced.
            return Vec::new();
        };
        match event {
            LinkEvent::Items(notifications) => {
                let change =
                    |notification| Change::Notification { from: server, connection, notification };
                notifications.into_iter().map(change).collect()
            }
            LinkEvent::Written => {
                peer.is_idle = true;
                Vec::new()
            }
            LinkEvent::Flowing => Vec::new(),
            LinkEvent::Ended(_) => {
                peer.link = None;
                if server < self.id && peer.slot.is_none() {
                    // The other one may have lost it to somebody else, and dials only if it has
                    // something to say.
                    peer.slot.clone_from(&peer.last);
                }
                vec![Change::Ended(connection)]
            }
        }
    }

    /// The newest connection takes the place of an older one.
    fn adopt(&mut self, server: ServerId, socket: Socket) -> Vec<Change> {
        let voters = self.voters.clone();
        let wrap = move |connection, event| ElectionEvent::Link { server, connection, event };
        let decode = Notifications { voters };
        let link = socket.start(&self.ids, decode, true, self.events.clone(), wrap);
        let (Ok(link), Some(peer)) = (link, self.peers.get_mut(&server)) else {
            // A socket without addresses has ended already.
            return Vec::new();
        };
        let opened = Change::Opened(link.id, link.name.clone());
        let ended = peer.link.replace(link).map(|old| Change::Ended(old.id));
        if peer.slot.is_none() {
            peer.slot.clone_from(&peer.last);
        }
        peer.is_idle = true;
        peer.attempts = 0;
        ended.into_iter().chain([opened]).collect()
    }

    /// Dials a server, after a pause that grows with every attempt since the last connection.
    fn dial(&mut self, server: ServerId) {
        let Some(peer) = self.peers.get_mut(&server).filter(|peer| !peer.is_dialling) else {
            return;
        };
        let pause = match peer.attempts {
            // The server that made this one dial may be another than the one that it is connected to.
            0 if peer.link.is_some() => PAUSE,
            0 => Duration::ZERO,
            attempts => PAUSE_MAX.min(PAUSE * (1 << attempts.min(6))),
        };
        peer.is_dialling = true;
        peer.attempts = peer.attempts.saturating_add(1);
        let address = peer.address.clone();
        let keeps = self.id > server;
        let first = InitialMessage {
            server: i64::try_from(self.id).unwrap_or(i64::MAX),
            address: Some(self.own_address.clone()),
        };
        let (events, tls) = (self.events.clone(), self.tls.clone());
        tokio::spawn(async move {
            tokio::time::sleep(pause).await;
            let result = introduce(&address, tls.as_ref(), &first)
                .await
                .map(|socket| keeps.then_some(socket));
            // If the driver has ended nobody needs to know.
            let _ = events.send(ElectionEvent::Dialled { server, result }).await;
        });
    }
}

async fn introduce(
    address: &Endpoint,
    tls: Option<&Mutual>,
    first: &InitialMessage,
) -> std::io::Result<Socket> {
    let mut socket = Socket::dial(address, tls).await?;
    socket.stream.write_all(&first.to_bytes()).await?;
    socket.stream.flush().await?;
    Ok(socket)
}

/// Which other server dialled: `None` if it did not say so in a form that is understood. One with
/// a larger id has cast a vote, too, which is left to be read.
async fn greet(
    socket: &mut Socket,
    own: ServerId,
    all: &[ServerId],
    voters: Vec<ServerId>,
) -> Option<ServerId> {
    let server = loop {
        if let Some(message) = InitialMessage::take(&mut socket.rest).ok()? {
            break ServerId::try_from(message.server).ok()?;
        }
        read_more(socket).await?;
    };
    if server == own || !all.contains(&server) {
        return None;
    }
    let mut decode = Notifications { voters };
    while server > own && decode.take(&mut socket.rest.clone()).ok()?.is_none() {
        read_more(socket).await?;
    }
    Some(server)
}

/// Reads what has come; `None` if nothing will, or too much.
async fn read_more(socket: &mut Socket) -> Option<()> {
    let read = socket.stream.read_buf(&mut socket.rest).await.ok()?;
    (read > 0 && socket.rest.len() <= GREETING_MAX).then_some(())
}

/// Frames with a notification about a voter, or of an observer about nobody.
struct Notifications {
    voters: Vec<ServerId>,
}

impl Decode for Notifications {
    type Item = Notification;

    fn take(&mut self, buffer: &mut BytesMut) -> Result<Option<Notification>, String> {
        loop {
            let taken = wire::Notification::take(buffer).map_err(|error| error.to_string())?;
            let Some(taken) = taken else { return Ok(None) };
            let notification = taken.map_err(|error| error.to_string())?;
            if let Some(notification) = convert::notification(&notification, &self.voters)? {
                return Ok(Some(notification));
            }
        }
    }
}

#[cfg(test)]
mod tests;
