//! One end of a connection: which use of its name a line belongs to.
//!
//! A name is a pair of socket addresses. When a connection has ended, the operating system may give
//! its addresses to a new one, so a name can be used several times. Ordinals of each use begin at 0.

use zab_trace::{Contract, EventName, Packet, Port, ServerId};

/// A direction of a connection, seen from one end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// What this end sends.
    Out,
    /// What this end receives.
    In,
}

/// What a line begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begun {
    /// Nothing: it goes on with the present use.
    Nothing,
    /// A use, as far as this direction is concerned.
    One(Direction),
    /// A use, in both directions.
    Both,
}

/// Why a line does not fit to what this end did before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The ordinal is not the next one.
    Ordinal {
        /// The one that is due.
        expected: u64,
    },
    /// This end does not have the connection, or has it no more.
    Closed,
    /// The other end is another server.
    Peer {
        /// As earlier lines of this end say.
        known: ServerId,
    },
}

/// What the lines of a server show of its connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shows {
    /// `Connected` begins every use on the quorum port.
    pub(crate) connected: bool,
    /// `Disconnected` ends every use on the quorum port.
    pub(crate) disconnected: bool,
    /// Its lines are only partially ordered: they may be looked at in another order than that in
    /// which they happened.
    pub(crate) partial: bool,
}

impl Shows {
    /// What lines show under a contract.
    pub(crate) fn new(contract: &Contract) -> Self {
        let shows = |name| !contract.hidden.contains(&name);
        let (connected, disconnected) =
            (shows(EventName::Connected), shows(EventName::Disconnected));
        Self { connected, disconnected, partial: false }
    }
}

/// One direction of the present use.
#[derive(Clone, Copy, Debug, Default)]
struct Half {
    open: bool,
    /// Which use it is.
    label: u32,
    /// Messages so far.
    count: u64,
    peer: Option<ServerId>,
}

/// What a server's lines said about one name.
#[derive(Clone, Debug, Default)]
pub(crate) struct End {
    /// Uses that began since the process started.
    uses: u32,
    /// `Connected` of the present use has come.
    connected: bool,
    out: Half,
    r#in: Half,
}

impl End {
    /// Whether this end has the connection.
    pub(crate) const fn is_open(&self) -> bool {
        self.out.open || self.r#in.open
    }

    /// How many uses began since the process started.
    pub(crate) const fn uses(&self) -> u32 {
        self.uses
    }

    /// Which use the present one is, in a direction.
    pub(crate) const fn label(&self, direction: Direction) -> u32 {
        self.half(direction).label
    }

    /// The server at the other end of the present use, if a line named it.
    pub(crate) const fn peer(&self, direction: Direction) -> Option<ServerId> {
        self.half(direction).peer
    }

    const fn half(&self, direction: Direction) -> &Half {
        match direction {
            Direction::Out => &self.out,
            Direction::In => &self.r#in,
        }
    }

    fn half_mut(&mut self, direction: Direction) -> &mut Half {
        match direction {
            Direction::Out => &mut self.out,
            Direction::In => &mut self.r#in,
        }
    }

    /// A `Connected` line.
    pub(crate) fn connected(
        &mut self,
        peer: Option<ServerId>,
        shows: Shows,
    ) -> Result<Begun, Fault> {
        // A line of another chain may have been looked at before this one.
        let joins = shows.partial && self.is_open() && !self.connected;
        // The end of the use before is missing: the caller says so.
        let twice = shows.disconnected && !shows.partial && self.is_open();
        let begun = if joins || twice { Begun::Nothing } else { Begun::Both };
        if begun == Begun::Both {
            self.begin(begun);
        }
        self.connected = true;
        for half in [&mut self.out, &mut self.r#in] {
            match (half.peer, peer) {
                (Some(known), Some(peer)) if known != peer && !twice => {
                    return Err(Fault::Peer { known });
                }
                (None, Some(_)) => half.peer = peer,
                (Some(_) | None, _) => {}
            }
        }
        Ok(begun)
    }

    /// What a message would begin.
    pub(crate) fn begins(&self, direction: Direction, packet: &Packet, shows: Shows) -> Begun {
        let quorum = packet.message.port() == Port::Quorum;
        // Otherwise only `Connected` begins a use.
        let restarts = !quorum || !shows.connected || shows.partial;
        let half = self.half(direction);
        if packet.ordinal > 0 || !restarts {
            Begun::Nothing
        } else if !half.open {
            Begun::Both
        } else if half.count == 0 {
            Begun::Nothing
        } else if quorum {
            Begun::Both
        } else {
            // Which of the other direction's messages belong to it, no line says.
            Begun::One(direction)
        }
    }

    /// A `Sent` or `Received` line.
    pub(crate) fn message(
        &mut self,
        direction: Direction,
        packet: &Packet,
        shows: Shows,
    ) -> Result<Begun, Fault> {
        let begun = self.begins(direction, packet, shows);
        self.begin(begun);
        let quorum = packet.message.port() == Port::Quorum;
        let half = self.half(direction);
        if !half.open && !shows.partial {
            let waits = quorum && shows.connected;
            return Err(if waits { Fault::Closed } else { Fault::Ordinal { expected: 0 } });
        }
        if packet.ordinal != half.count {
            return Err(Fault::Ordinal { expected: half.count });
        }
        match half.peer {
            Some(known) if known != packet.peer => return Err(Fault::Peer { known }),
            Some(_) => {}
            None if quorum => {
                self.out.peer = Some(packet.peer);
                self.r#in.peer = Some(packet.peer);
            }
            None => self.half_mut(direction).peer = Some(packet.peer),
        }
        self.half_mut(direction).count += 1;
        Ok(begun)
    }

    fn begin(&mut self, begun: Begun) {
        let fresh = |half: &Half| Half { open: true, count: 0, peer: None, ..*half };
        match begun {
            Begun::Nothing => return,
            Begun::One(direction) => *self.half_mut(direction) = fresh(self.half(direction)),
            Begun::Both => {
                self.out = fresh(&self.out);
                self.r#in = fresh(&self.r#in);
                self.connected = false;
            }
        }
        self.uses += 1;
    }

    /// Numbers a use that has begun.
    pub(crate) fn set_label(&mut self, direction: Direction, label: u32) {
        self.half_mut(direction).label = label;
    }

    /// A `Disconnected` line.
    pub(crate) fn close(&mut self) {
        self.out.open = false;
        self.r#in.open = false;
    }

    /// The process ends, and with it everything that was open.
    pub(crate) fn end_life(&mut self) {
        self.close();
        self.uses = 0;
    }
}
