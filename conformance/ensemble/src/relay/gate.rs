//! Whether a link is open, and who is on it.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use tokio::net::TcpListener;
use tokio::sync::watch;

use super::{Link, lock};
use crate::ports::bound;

/// How many connections may wait to be accepted.
const BACKLOG: u32 = 64;

/// The gate of a link: it is open while the relay listens, and it knows how many are inside.
#[derive(Debug)]
pub(super) struct Gate {
    link: Link,
    /// Where the relay listens when the gate is open.
    address: SocketAddr,
    /// Where the connections lead.
    target: SocketAddr,
    /// Whether the link is cut; every connection on it watches.
    cut: watch::Sender<bool>,
    inside: Mutex<Inside>,
    /// Told when there is less inside.
    less: Condvar,
}

/// What a cut has to wait for. Its lock also orders cuts and what comes in.
#[derive(Debug, Default)]
struct Inside {
    listening: bool,
    connections: usize,
}

impl Gate {
    /// A closed gate at `address`, whose port is reserved as long as the gate is used.
    pub(super) fn new(link: Link, address: SocketAddr, target: SocketAddr) -> Self {
        Self {
            link,
            address,
            target,
            cut: watch::Sender::new(false),
            inside: Mutex::default(),
            less: Condvar::new(),
        }
    }

    pub(super) const fn link(&self) -> Link {
        self.link
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) const fn target(&self) -> SocketAddr {
        self.target
    }

    /// Whether the link is cut, from now on.
    pub(super) fn watch(&self) -> watch::Receiver<bool> {
        self.cut.subscribe()
    }

    /// Begins to listen; none if the link is cut.
    pub(super) fn open(self: &Arc<Self>) -> io::Result<Option<Open>> {
        let mut inside = lock(&self.inside);
        if *self.cut.borrow() {
            return Ok(None);
        }
        let listener = bound(self.address)?.listen(BACKLOG)?;
        inside.listening = true;
        Ok(Some(Open { listener: Some(listener), gate: Arc::clone(self) }))
    }

    /// Lets a connection in; none if the link is cut.
    pub(super) fn enter(self: &Arc<Self>) -> Option<Entered> {
        let mut inside = lock(&self.inside);
        if *self.cut.borrow() {
            return None;
        }
        inside.connections += 1;
        Some(Entered { gate: Arc::clone(self) })
    }

    /// Closes the gate, and waits until nobody is inside.
    pub(super) fn cut(&self) {
        let mut inside = lock(&self.inside);
        self.cut.send_replace(true);
        while inside.listening || inside.connections > 0 {
            inside = self.less.wait(inside).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Lets the gate be opened again.
    pub(super) fn heal(&self) {
        let inside = lock(&self.inside);
        self.cut.send_replace(false);
        drop(inside);
    }

    fn leave(&self, change: impl FnOnce(&mut Inside)) {
        change(&mut lock(&self.inside));
        self.less.notify_all();
    }
}

/// An open gate. Dropping it stops listening: who was not let in yet is reset.
#[derive(Debug)]
pub(super) struct Open {
    listener: Option<TcpListener>,
    gate: Arc<Gate>,
}

impl Open {
    pub(super) const fn listener(&self) -> Option<&TcpListener> {
        self.listener.as_ref()
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        // Closed first, because a cut returns when nobody says any more that he listens.
        drop(self.listener.take());
        self.gate.leave(|inside| inside.listening = false);
    }
}

/// A connection on a link. To be dropped after its sockets.
#[derive(Debug)]
pub(super) struct Entered {
    gate: Arc<Gate>,
}

impl Entered {
    pub(super) fn gate(&self) -> &Gate {
        &self.gate
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.gate.leave(|inside| inside.connections -= 1);
    }
}
