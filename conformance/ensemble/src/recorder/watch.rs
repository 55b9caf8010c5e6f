//! Packets that something is to happen at.

use std::sync::{Arc, Mutex};

use tokio::sync::watch;
use zab_capture::Message;
use zab_trace::{Port, ServerId};
use zab_wire::{PacketType, QuorumPacket};

use super::lock;

/// A message that was sent and is not delivered yet.
pub struct Passing<'a> {
    /// The number of its connection.
    pub connection: u64,
    /// The port.
    pub port: Port,
    /// Who sent it.
    pub from: ServerId,
    /// Whom it is for.
    pub to: ServerId,
    /// What it says.
    pub message: &'a Message,
}

impl Passing<'_> {
    /// The packet, if it is one of the quorum port.
    #[must_use]
    pub fn packet(&self) -> Option<&QuorumPacket> {
        let Message::Packet(packet, _) = self.message else { return None };
        (self.port == Port::Quorum).then_some(packet)
    }

    /// Whether it is a packet of this type.
    #[must_use]
    pub fn is(&self, kind: PacketType) -> bool {
        self.packet().is_some_and(|packet| packet.kind == kind)
    }
}

/// An end of a message's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// The one who sent it.
    Sender,
    /// The one whom it is for.
    Receiver,
}

/// What is done when a packet passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reaction {
    /// It is only told.
    Tell,
    /// Somebody is killed before it is delivered.
    KillBefore(Who),
    /// Somebody is killed once it is delivered.
    KillAfter(Who),
    /// It and what follows on its connection is held back until it is released.
    Hold,
}

/// What passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passed {
    /// The number of its connection.
    pub connection: u64,
    /// The zxid of a packet of the quorum port.
    pub zxid: Option<i64>,
    /// Sender, receiver and message, in words.
    pub text: String,
}

type Matches = Box<dyn Fn(&Passing<'_>) -> bool + Send>;

/// A packet that is waited for.
pub(super) struct Watch {
    pub(super) matches: Matches,
    pub(super) reaction: Reaction,
    passed: Arc<Mutex<Option<Passed>>>,
    pub(super) released: watch::Receiver<bool>,
}

/// What became of a packet that is waited for.
#[derive(Clone)]
pub struct Watched {
    passed: Arc<Mutex<Option<Passed>>>,
    release: Arc<watch::Sender<bool>>,
}

impl Watch {
    pub(super) fn new(matches: Matches, reaction: Reaction) -> (Self, Watched) {
        let (release, released) = watch::channel(false);
        let passed = Arc::new(Mutex::new(None));
        let watched = Watched { passed: Arc::clone(&passed), release: Arc::new(release) };
        (Self { matches, reaction, passed, released }, watched)
    }

    pub(super) fn saw(&self, passing: &Passing<'_>) {
        let packet = passing.packet();
        *lock(&self.passed) = Some(Passed {
            connection: passing.connection,
            zxid: packet.map(|packet| packet.zxid),
            text: format!("{} -> {} {}", passing.from, passing.to, passing.message),
        });
    }
}

impl Watched {
    /// The packet, once it has passed.
    #[must_use]
    pub fn passed(&self) -> Option<Passed> {
        lock(&self.passed).clone()
    }

    pub(super) fn text(&self) -> Option<String> {
        self.passed().map(|passed| passed.text)
    }

    pub(super) fn release(&self) {
        self.release.send_replace(true);
    }
}
