//! A plain TCP relay between servers. It forwards bytes and understands none of them.
//!
//! For each server, each other server and each of the two ports there is one listening socket;
//! who dials it is connected to the other server's real port. So every connection belongs to one
//! [`Link`], and links can be cut and healed one by one.
//!
//! The relay listens on a link's port only while the target listens on its own and the link is
//! not cut. A server that dials too early is refused, as it would be without a relay; were it
//! accepted and then hung up on, it would give up its role instead of dialling again.

mod forward;
mod gate;
mod pump;
mod survey;
pub(crate) mod tap;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::{Builder, Runtime};
use zab_trace::{ConnectionName, Event, Port, ServerId};

use gate::Gate;
use survey::Survey;
use tap::{Plain, Tap};

use crate::ReservedPorts;

/// A server and where it really listens, or will.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint {
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

/// Who is told of joined connections.
type Joined = Box<dyn Fn(&JoinedConnection) + Send + Sync>;

/// The relay. It runs on a thread of its own until it is dropped, which resets all connections.
#[derive(Debug)]
pub struct Relay {
    runtime: Option<Runtime>,
    gates: BTreeMap<Link, Arc<Gate>>,
    /// Held so that nobody takes the port of a gate while it is closed.
    _ports: ReservedPorts,
}

impl Relay {
    /// Takes a free loopback port for every link between these servers, and forwards whoever dials
    /// it while its target listens. `joined` is told of every connection, on another thread,
    /// before its first byte is forwarded.
    ///
    /// # Errors
    /// When the system has no port, socket or thread left.
    pub fn start(
        targets: &[Endpoint],
        joined: impl Fn(&JoinedConnection) + Send + Sync + 'static,
    ) -> io::Result<Self> {
        Self::start_with(targets, Arc::new(Plain(Box::new(joined))))
    }

    /// The same, with somebody who is told of everything and decides what is delivered.
    pub(crate) fn start_with(targets: &[Endpoint], tap: Arc<dyn Tap>) -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("relay")
            .enable_io()
            .enable_time()
            .build()?;
        let mut survey = Survey::default();
        let links: Vec<(Link, SocketAddr)> = links_between(targets).collect();
        let ports = ReservedPorts::reserve(links.len())?;
        let mut gates = BTreeMap::new();
        for ((link, target), address) in links.into_iter().zip(ports.addresses()) {
            let gate = Arc::new(Gate::new(link, address, target));
            let listens = survey.watch(target);
            runtime.spawn(forward::serve(Arc::clone(&gate), listens, Arc::clone(&tap)));
            gates.insert(link, gate);
        }
        runtime.spawn(survey.run());
        Ok(Self { runtime: Some(runtime), gates, _ports: ports })
    }

    /// Where `from` has to dial to reach this port of `to`; none if there is no such link.
    #[must_use]
    pub fn address(&self, from: ServerId, to: ServerId, port: Port) -> Option<SocketAddr> {
        self.gates.get(&Link { from, to, port }).map(|gate| gate.address())
    }

    /// The port of [`Relay::address`].
    #[must_use]
    pub fn port(&self, from: ServerId, to: ServerId, port: Port) -> Option<u16> {
        self.address(from, to, port).map(|address| address.port())
    }

    /// Every link.
    pub fn links(&self) -> impl Iterator<Item = Link> + '_ {
        self.gates.keys().copied()
    }

    /// Cuts this link: when this returns, its connections are reset at both ends, and new ones are
    /// refused until it is healed.
    pub fn cut_link(&self, link: Link) {
        self.change(|other| other == link, Gate::cut);
    }

    /// Heals this link: a moment later new connections are forwarded again.
    pub fn heal_link(&self, link: Link) {
        self.change(|other| other == link, Gate::heal);
    }

    /// Cuts two servers from each other: the links of both ports, whoever dials.
    pub fn cut(&self, one: ServerId, other: ServerId) {
        self.change(between(one, other), Gate::cut);
    }

    /// Heals what [`Relay::cut`] cut.
    pub fn heal(&self, one: ServerId, other: ServerId) {
        self.change(between(one, other), Gate::heal);
    }

    /// Cuts a server from all others.
    pub fn isolate(&self, server: ServerId) {
        self.change(|link| link.touches(server), Gate::cut);
    }

    /// Heals every link of a server.
    pub fn rejoin(&self, server: ServerId) {
        self.change(|link| link.touches(server), Gate::heal);
    }

    fn change(&self, which: impl Fn(Link) -> bool, change: impl Fn(&Gate)) {
        let meant = self.gates.iter().filter(|(link, _)| which(**link));
        meant.for_each(|(_, gate)| change(gate));
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.change(|_| true, Gate::cut);
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

/// Whether a link leads from one of two servers to the other.
fn between(one: ServerId, other: ServerId) -> impl Fn(Link) -> bool {
    move |link| one != other && link.touches(one) && link.touches(other)
}

/// Every link between these servers, and where it leads.
fn links_between(targets: &[Endpoint]) -> impl Iterator<Item = (Link, SocketAddr)> + '_ {
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
