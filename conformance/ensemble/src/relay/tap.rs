//! Who is told of what passes through the relay, and may say what becomes of it.

use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;

use super::{Joined, JoinedConnection, Link};

/// Who is told of connections.
pub(crate) trait Tap: Send + Sync {
    /// Two connections were made into one; no byte has been forwarded yet.
    fn joined(&self, connection: &JoinedConnection) -> Connected;

    /// The relay begins or ends to listen on a link.
    fn listening(&self, link: Link, now: bool);

    /// Somebody dialled, and the target refused.
    fn refused(&self, link: Link);
}

/// A connection that passes.
pub(crate) struct Connected {
    pub(crate) by_dialler: Box<dyn Passage>,
    pub(crate) by_acceptor: Box<dyn Passage>,
    /// Called when both of its sockets are closed.
    pub(crate) closed: Box<dyn FnOnce() + Send>,
}

/// One direction of a connection.
pub(crate) trait Passage: Send {
    /// The sender sent these bytes: what becomes of them, in this order.
    fn read(&mut self, bytes: Bytes) -> Vec<Order>;

    /// The sender's side has ended, and why. The first call counts.
    fn ended(&mut self, why: &str);

    /// What decides on the delivery.
    fn controls(&self) -> Controls;
}

/// What is done with what a sender sent.
pub(crate) enum Order {
    /// Deliver these bytes.
    Deliver(Bytes),
    /// Deliver nothing before this is true.
    Wait(watch::Receiver<bool>),
    /// Do this, now that everything before is delivered.
    Act(Box<dyn FnOnce() + Send>),
}

/// What happens to everything on a direction of a link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flow {
    /// It is delivered at once.
    #[default]
    Pass,
    /// It is read, and not delivered yet.
    Hold,
    /// It is read, and never delivered. The connection is reset when this ends.
    Drop,
    /// It is delivered so long after it was read.
    Delay(Duration),
}

/// What decides on the delivery in one direction.
pub(crate) struct Controls {
    pub(crate) flow: watch::Receiver<Flow>,
    /// Whether the side of the sender was broken off.
    pub(crate) sender_is_off: watch::Receiver<bool>,
    /// Whether the side of the receiver was broken off.
    pub(crate) receiver_is_off: watch::Receiver<bool>,
    pub(crate) told: Box<dyn Told>,
}

/// Who is told of unusual deliveries.
pub(crate) trait Told: Send {
    /// So many bytes are delivered, which were held back.
    fn late(&self, bytes: usize);
    /// So many bytes will never be delivered.
    fn dropped(&self, bytes: usize);
}

/// Forwards everything, and only tells of connections.
pub(super) struct Plain(pub(super) Joined);

impl Tap for Plain {
    fn joined(&self, connection: &JoinedConnection) -> Connected {
        (self.0)(connection);
        Connected {
            by_dialler: Box::new(Everything::default()),
            by_acceptor: Box::new(Everything::default()),
            closed: Box::new(|| {}),
        }
    }

    fn listening(&self, _link: Link, _now: bool) {}

    fn refused(&self, _link: Link) {}
}

/// A direction in which everything is delivered at once.
#[derive(Default)]
struct Everything {
    flow: watch::Sender<Flow>,
    off: watch::Sender<bool>,
}

impl Passage for Everything {
    fn read(&mut self, bytes: Bytes) -> Vec<Order> {
        vec![Order::Deliver(bytes)]
    }

    fn ended(&mut self, _why: &str) {}

    fn controls(&self) -> Controls {
        Controls {
            flow: self.flow.subscribe(),
            sender_is_off: self.off.subscribe(),
            receiver_is_off: self.off.subscribe(),
            told: Box::new(Nobody),
        }
    }
}

struct Nobody;

impl Told for Nobody {
    fn late(&self, _bytes: usize) {}

    fn dropped(&self, _bytes: usize) {}
}
