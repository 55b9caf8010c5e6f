//! What is under way between a follower and its leader.
//!
//! Messages exist only on a live connection, and a follower has at most one. So channels are kept
//! by follower, and a [`Link`] is empty unless its owner follows somebody. A message that carries a
//! history (ACKEPOCH up, NEWLEADER down) is the only one of its connection, because the second is
//! the answer to the first; its history has a place of its own.

use std::fmt;

use zab_flat::flat;

use super::types::{History, Zxid};

/// The nine messages of the paper.
#[flat]
#[derive(Debug, Default)]
#[repr(u8)]
pub enum Kind {
    /// No message: the place is free.
    #[default]
    None,
    /// CEPOCH(f.p): what the follower last promised.
    Cepoch,
    /// NEWEPOCH(e′): the epoch the leader proposes.
    NewEpoch,
    /// ACKEPOCH(f.a, history): what the follower last adopted, and all it has.
    AckEpoch,
    /// NEWLEADER(e′, history): the initial history of the epoch.
    NewLeader,
    /// ACK-LD(zxid): the history up to there is adopted.
    AckLd,
    /// COMMIT-LD(zxid): the history up to there is committed.
    CommitLd,
    /// PROPOSE(zxid, value).
    Propose,
    /// ACK(zxid).
    Ack,
    /// COMMIT(zxid).
    Commit,
}

/// A message. An epoch travels as the zxid `epoch.0`.
#[flat]
#[derive(Default)]
#[repr(C)]
pub struct Message {
    /// Which one.
    pub kind: Kind,
    /// Its zxid, or its epoch.
    pub zxid: Zxid,
    /// The value of a PROPOSE, otherwise 0.
    pub value: u8,
}

impl Message {
    /// A message that carries an epoch.
    #[must_use]
    pub fn epoch(kind: Kind, epoch: u8) -> Self {
        Self { kind, zxid: Zxid::new(epoch, 0), value: 0 }
    }

    /// A message that carries a zxid.
    #[must_use]
    pub fn zxid(kind: Kind, zxid: Zxid) -> Self {
        Self { kind, zxid, value: 0 }
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::None => f.write_str("-"),
            Kind::Cepoch | Kind::NewEpoch | Kind::AckEpoch | Kind::NewLeader => {
                write!(f, "{:?}({})", self.kind, self.zxid.epoch())
            }
            Kind::AckLd | Kind::CommitLd | Kind::Ack | Kind::Commit => {
                write!(f, "{:?}({:?})", self.kind, self.zxid)
            }
            Kind::Propose => write!(f, "Propose({:?}=v{})", self.zxid, self.value),
        }
    }
}

/// A FIFO of at most 2`X` + 1 messages: behind NEWLEADER (or instead of it) a leader of `X`
/// transactions sends at most COMMIT-LD, one PROPOSE and one COMMIT for each.
#[flat]
#[repr(C)]
pub struct Queue<const X: usize> {
    first: Message,
    rest: [[Message; 2]; X],
}

impl<const X: usize> Default for Queue<X> {
    fn default() -> Self {
        Self { first: Message::default(), rest: [[Message::default(); 2]; X] }
    }
}

impl<const X: usize> Queue<X> {
    /// The next message, of kind [`Kind::None`] if there is none.
    #[must_use]
    pub fn head(&self) -> Message {
        self.first
    }

    /// Drops the next message.
    pub fn pop(&mut self) {
        let rest = self.rest.as_flattened_mut();
        self.first = rest.first().copied().unwrap_or_default();
        rest.rotate_left(1);
        if let Some(last) = rest.last_mut() {
            *last = Message::default();
        }
    }

    /// Adds a message at the end; `None` if there is no room.
    pub fn push(&mut self, message: Message) -> Option<()> {
        *self.slots_mut().find(|slot| slot.kind == Kind::None)? = message;
        Some(())
    }

    /// Every place, also those that are free.
    pub(super) fn slots_mut(&mut self) -> impl Iterator<Item = &mut Message> {
        std::iter::once(&mut self.first).chain(self.rest.as_flattened_mut())
    }

    /// Its messages in order.
    pub fn messages(&self) -> impl Iterator<Item = &Message> {
        let all = std::iter::once(&self.first).chain(self.rest.as_flattened());
        all.take_while(|message| message.kind != Kind::None)
    }
}

impl<const X: usize> fmt::Debug for Queue<X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.messages()).finish()
    }
}

/// Both directions between a follower and the leader it is connected to.
#[flat]
#[derive(Debug, Default)]
#[repr(C)]
pub struct Link<const X: usize> {
    /// To the follower.
    pub down: Queue<X>,
    /// To the leader.
    pub up: Queue<X>,
    /// The history in the ACKEPOCH or NEWLEADER that is under way; empty if there is none.
    pub history: History<X>,
}

impl<const X: usize> Link<X> {
    /// Whether nothing is under way.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.down.head().kind == Kind::None && self.up.head().kind == Kind::None
    }
}
