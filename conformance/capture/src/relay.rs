//! A plain TCP relay between servers. It forwards bytes and understands none of them.
//!
//! For each server, each other server and each of the two ports there is one listening socket;
//! who dials it is connected to the other server's real port. So every connection belongs to one
//! [`Link`], and links can be cut and healed one by one.

mod forward;

use std::{
    collections::BTreeMap,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
};

use tokio::{
    net::TcpListener,
    runtime::{Builder, Runtime},
    sync::watch,
};
use zab_trace::{ConnectionName, Event, Port, ServerId};

/// A server and where it really listens, or will.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// The server.
    pub server: ServerId,
    /// The address of its election port.
    pub election: SocketAddr,
    /// The address of its quorum port.
    pub quorum: SocketAddr,
}

/// The way on which one server dials one port of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Link {
    /// Who dials.
    pub from: ServerId,
    /// Who is dialled.
    pub to: ServerId,
    /// Which of its ports.
    pub port: Port,
}

/// Two connections that the relay made into one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinedConnection {
    /// The link they are on.
    pub link: Link,
    /// The connection as the dialler sees it: from its socket to the relay's.
    pub left: ConnectionName,
    /// The connection as the acceptor sees it: from the relay's socket to its own.
    pub right: ConnectionName,
}

impl JoinedConnection {
    /// The line of the trace that says so, with the recorder's `seq` for such lines.
    #[must_use]
    pub fn event(&self, seq: u64) -> Event {
        Event::joined(seq, self.left.clone(), self.right.clone())
    }
}

/// The relay. It runs on a thread of its own until it is dropped, which resets all connections.
#[derive(Debug)]
pub struct Relay {
    runtime: Option<Runtime>,
    links: BTreeMap<Link, Arc<LinkState>>,
    joined: Arc<Mutex<Vec<JoinedConnection>>>,
}

/// What the relay knows of a link.
#[derive(Debug)]
struct LinkState {
    link: Link,
    /// Where the relay listens.
    listen: SocketAddr,
    /// Where the connections lead.
    target: SocketAddr,
    /// Whether the link is cut; every connection on it watches.
    cut: watch::Sender<bool>,
    /// How many connections are on the link. The lock also orders cuts and new connections.
    live: Mutex<usize>,
    /// Told when `live` falls.
    fell: Condvar,
}

impl Relay {
    /// Listens on a free loopback port for every link between these servers, and forwards whoever
    /// dials it. The targets need not listen yet: who is dialled too early is refused.
    ///
    /// # Errors
    /// When the system has no port, socket or thread left.
    pub fn start(targets: &[Target]) -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("relay")
            .enable_io()
            .enable_time()
            .build()?;
        let joined = Arc::new(Mutex::new(Vec::new()));
        let mut links = BTreeMap::new();
        for (link, target) in links_between(targets) {
            let listener =
                runtime.block_on(TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))))?;
            let state = Arc::new(LinkState {
                link,
                listen: listener.local_addr()?,
                target,
                cut: watch::Sender::new(false),
                live: Mutex::new(0),
                fell: Condvar::new(),
            });
            runtime.spawn(forward::accept(listener, Arc::clone(&state), Arc::clone(&joined)));
            links.insert(link, state);
        }
        Ok(Self { runtime: Some(runtime), links, joined })
    }

    /// Where `from` has to dial to reach this port of `to`; none if there is no such link.
    #[must_use]
    pub fn address(&self, from: ServerId, to: ServerId, port: Port) -> Option<SocketAddr> {
        self.links.get(&Link { from, to, port }).map(|state| state.listen)
    }

    /// The port of [`Relay::address`].
    #[must_use]
    pub fn port(&self, from: ServerId, to: ServerId, port: Port) -> Option<u16> {
        self.address(from, to, port).map(|address| address.port())
    }

    /// Every link.
    pub fn links(&self) -> impl Iterator<Item = Link> + '_ {
        self.links.keys().copied()
    }

    /// Cuts this link: its connections are reset at both ends before this returns, and new ones
    /// are reset as soon as they are dialled, until it is healed.
    pub fn cut_link(&self, link: Link) {
        self.change(|other| other == link, LinkState::cut);
    }

    /// Heals this link: new connections are forwarded again.
    pub fn heal_link(&self, link: Link) {
        self.change(|other| other == link, LinkState::heal);
    }

    /// Cuts two servers from each other: the links of both ports, whoever dials.
    pub fn cut(&self, one: ServerId, other: ServerId) {
        self.change(between(one, other), LinkState::cut);
    }

    /// Heals what [`Relay::cut`] cut.
    pub fn heal(&self, one: ServerId, other: ServerId) {
        self.change(between(one, other), LinkState::heal);
    }

    /// Cuts a server from all others.
    pub fn isolate(&self, server: ServerId) {
        self.change(|link| link.touches(server), LinkState::cut);
    }

    /// Heals every link of a server.
    pub fn rejoin(&self, server: ServerId) {
        self.change(|link| link.touches(server), LinkState::heal);
    }

    /// The connections joined so far, in the order in which that happened. Each is here before its
    /// first byte is forwarded.
    #[must_use]
    pub fn joined(&self) -> Vec<JoinedConnection> {
        lock(&self.joined).clone()
    }

    /// [`Relay::joined`] as the lines of a trace.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        (0..).zip(lock(&self.joined).iter()).map(|(seq, joined)| joined.event(seq)).collect()
    }

    fn change(&self, which: impl Fn(Link) -> bool, change: impl Fn(&LinkState)) {
        let meant = self.links.iter().filter(|(link, _)| which(**link));
        meant.for_each(|(_, state)| change(state));
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.change(|_| true, LinkState::cut);
        if let Some(runtime) = self.runtime.take() {
            // Not waited for, because the caller may itself be a task of another runtime.
            runtime.shutdown_background();
        }
    }
}

impl Link {
    const fn touches(self, server: ServerId) -> bool {
        self.from == server || self.to == server
    }
}

impl LinkState {
    /// A new connection: watches for the cut, and is counted. None if the link is cut.
    fn enter(self: &Arc<Self>) -> Option<Live> {
        let mut live = lock(&self.live);
        if *self.cut.borrow() {
            return None;
        }
        *live += 1;
        Some(Live { link: Arc::clone(self), cut: self.cut.subscribe() })
    }

    /// Resets what is there, and waits until it is gone.
    fn cut(&self) {
        let mut live = lock(&self.live);
        self.cut.send_replace(true);
        while *live > 0 {
            live = self.fell.wait(live).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn heal(&self) {
        let live = lock(&self.live);
        self.cut.send_replace(false);
        drop(live);
    }
}

/// A connection on a link, as long as it is one.
#[derive(Debug)]
struct Live {
    link: Arc<LinkState>,
    cut: watch::Receiver<bool>,
}

impl Drop for Live {
    fn drop(&mut self) {
        *lock(&self.link.live) -= 1;
        self.link.fell.notify_all();
    }
}

/// Whether a link leads from one of two servers to the other.
fn between(one: ServerId, other: ServerId) -> impl Fn(Link) -> bool {
    move |link| one != other && link.touches(one) && link.touches(other)
}

/// Every link between these servers, and where it leads.
fn links_between(targets: &[Target]) -> impl Iterator<Item = (Link, SocketAddr)> + '_ {
    targets.iter().flat_map(move |to| {
        let others = targets.iter().filter(move |from| from.server != to.server);
        others.flat_map(move |from| {
            [(Port::Election, to.election), (Port::Quorum, to.quorum)]
                .map(|(port, target)| (Link { from: from.server, to: to.server, port }, target))
        })
    })
}

/// A lock that was held during a panic is used on: what it guards is changed in one step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
