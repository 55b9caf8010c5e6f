//! The election port: one connection between each two servers, one message waiting for each.
//!
//! Source: `QuorumCnxManager`. Of two servers the one with the larger id keeps the connection
//! that it dialled: a server that is dialled by a smaller one closes and dials back. A newer
//! notification replaces one that still waits, and a new connection repeats the last one.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc};
use zab_core::{ConnectionId, Notification, ServerId};
use zab_trace::ConnectionName;
use zab_wire::Record as _;
use zab_wire::election::{self as wire, InitialMessage};

use crate::config::{Config, Endpoint};
use crate::convert;
use crate::link::{Decode, Fresh, Link, LinkEvent, LinkIds};

/// How long a dialler may take to say who it is.
const INITIAL_MESSAGE_TIMEOUT: Duration = Duration::from_secs(5);
/// Most connections that have not said who they are.
const STRANGERS_MAX: usize = 128;
/// The first pause between attempts to dial; it doubles.
const PAUSE: Duration = Duration::from_millis(50);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// What happens on the election port.
#[derive(Debug)]
pub(crate) enum ElectionEvent {
    /// A server dialled and said who it is.
    Arrived { server: i64, fresh: Fresh },
    /// An attempt to dial is over. `Ok(None)`: the other server is to dial back.
    Dialled { server: ServerId, result: std::io::Result<Option<Fresh>> },
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
    peers: BTreeMap<ServerId, Peer>,
    ids: LinkIds,
    events: mpsc::Sender<ElectionEvent>,
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
    /// Starts to listen on the own election address.
    pub(crate) async fn start(
        config: &Config,
        ids: LinkIds,
        events: mpsc::Sender<ElectionEvent>,
    ) -> std::io::Result<Self> {
        let own = &config.servers[&config.id].election;
        let listener = TcpListener::bind((own.host.as_str(), own.port)).await?;
        tokio::spawn(listen(listener, events.clone()));
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
            own_address: own.to_string(),
            quorum_text: config.quorum_text().into(),
            peers: peers.map(|(id, server)| (*id, peer(&server.election))).collect(),
            ids,
            events,
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
            let Some(link) = &peer.link else {
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
            link.send(out.freeze());
        }
        for server in to_dial {
            self.dial(server);
        }
    }

    /// Takes in what happened, and says what came of it. Call [`Self::pump`] afterwards.
    pub(crate) fn on_event(&mut self, event: ElectionEvent) -> Vec<Change> {
        match event {
            ElectionEvent::Arrived { server, fresh } => self.on_arrived(server, fresh),
            ElectionEvent::Dialled { server, result } => {
                if let Some(peer) = self.peers.get_mut(&server) {
                    peer.is_dialling = false;
                }
                match result {
                    Ok(Some(fresh)) => self.adopt(server, fresh),
                    Ok(None) | Err(_) => Vec::new(),
                }
            }
            ElectionEvent::Link { server, connection, event } => {
                self.on_link(server, connection, event).into_iter().collect()
            }
        }
    }

    fn on_arrived(&mut self, server: i64, fresh: Fresh) -> Vec<Change> {
        let known = ServerId::try_from(server).ok().filter(|id| self.peers.contains_key(id));
        match known {
            Some(server) if server > self.id => self.adopt(server, fresh),
            Some(server) => {
                drop(fresh);
                self.dial(server);
                Vec::new()
            }
            None => Vec::new(),
        }
    }

    fn on_link(
        &mut self,
        server: ServerId,
        connection: ConnectionId,
        event: LinkEvent<Notification>,
    ) -> Option<Change> {
        let peer = self.peers.get_mut(&server)?;
        // Otherwise it is left over from a connection that was replaced.
        peer.link.as_ref().filter(|link| link.id == connection)?;
        match event {
            LinkEvent::Item(notification) => {
                Some(Change::Notification { from: server, connection, notification })
            }
            LinkEvent::Written => {
                peer.is_idle = true;
                None
            }
            LinkEvent::Ended(_) => {
                peer.link = None;
                Some(Change::Ended(connection))
            }
        }
    }

    /// The newest connection takes the place of an older one.
    fn adopt(&mut self, server: ServerId, fresh: Fresh) -> Vec<Change> {
        let voters = self.peers.keys().copied().chain([self.id]).collect();
        let wrap = move |connection, event| ElectionEvent::Link { server, connection, event };
        let decode = Notifications { voters };
        let link = fresh.start(&self.ids, decode, true, self.events.clone(), wrap);
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
        let events = self.events.clone();
        tokio::spawn(async move {
            tokio::time::sleep(pause).await;
            let result = introduce(&address, &first).await.map(|fresh| keeps.then_some(fresh));
            // If the driver has ended nobody needs to know.
            let _ = events.send(ElectionEvent::Dialled { server, result }).await;
        });
    }
}

async fn introduce(address: &Endpoint, first: &InitialMessage) -> std::io::Result<Fresh> {
    let mut fresh = Fresh::dial(address).await?;
    fresh.stream.write_all(&first.to_bytes()).await?;
    Ok(fresh)
}

async fn listen(listener: TcpListener, events: mpsc::Sender<ElectionEvent>) {
    let strangers = Arc::new(Semaphore::new(STRANGERS_MAX));
    // The semaphore is never closed.
    while let Ok(permit) = Arc::clone(&strangers).acquire_owned().await {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors, most likely: there will be some again.
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let events = events.clone();
        tokio::spawn(async move {
            let mut fresh = Fresh::accepted(stream);
            let greeting = tokio::time::timeout(INITIAL_MESSAGE_TIMEOUT, greet(&mut fresh)).await;
            drop(permit);
            if let Ok(Some(server)) = greeting {
                let _ = events.send(ElectionEvent::Arrived { server, fresh }).await;
            }
        });
    }
}

/// Who dialled; `None` if it did not say so in a form that is understood.
async fn greet(fresh: &mut Fresh) -> Option<i64> {
    loop {
        match InitialMessage::take(&mut fresh.rest) {
            Ok(Some(message)) => return Some(message.server),
            Ok(None) => {}
            Err(_) => return None,
        }
        if fresh.stream.read_buf(&mut fresh.rest).await.ok()? == 0 {
            return None;
        }
    }
}

/// Frames with a notification of a voter about a voter.
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
