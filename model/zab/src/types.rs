//! The words that every rule uses: servers, sets of servers, positions, transactions, votes.
//!
//! All of them are flat: plain bytes when the numbers are bytes, without padding.

use std::fmt;

use zab_flat::flat;
pub use zab_paper::Phase;

use crate::number::Number;

/// A server. The ids of voting members go from 1 to their number, those of observers on from there; a
/// mapping from other ids must keep the order of voters, because elections compare ids. 0 is
/// [`Self::NOBODY`].
#[flat]
#[derive(Debug, Default, PartialOrd, Ord)]
#[repr(transparent)]
pub struct ServerId(pub u8);

impl ServerId {
    /// No server: the leader in a vote that was never cast.
    pub const NOBODY: Self = Self(0);

    /// Where this server's row is in a table; `None` for [`Self::NOBODY`].
    #[must_use]
    pub fn row(self) -> Option<usize> {
        usize::from(self.0).checked_sub(1)
    }
}

impl fmt::Display for ServerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::NOBODY { f.write_str("nobody") } else { write!(f, "{}", self.0) }
    }
}

/// A set of servers, ids 1 to 16.
#[flat]
#[derive(Default)]
#[repr(transparent)]
pub struct ServerSet([u8; 2]);

impl ServerSet {
    /// The set of one server.
    #[must_use]
    pub fn of(id: ServerId) -> Self {
        let mut set = Self::default();
        set.insert(id);
        set
    }

    fn bits(self) -> u16 {
        u16::from_le_bytes(self.0)
    }

    fn bit(id: ServerId) -> u16 {
        id.row()
            .and_then(|row| u32::try_from(row).ok())
            .and_then(|r| 1u16.checked_shl(r))
            .unwrap_or(0)
    }

    /// Adds a server; nothing happens if it is a member already.
    pub fn insert(&mut self, id: ServerId) {
        self.0 = (self.bits() | Self::bit(id)).to_le_bytes();
    }

    /// Takes a server out; nothing happens if it is no member.
    pub fn remove(&mut self, id: ServerId) {
        self.0 = (self.bits() & !Self::bit(id)).to_le_bytes();
    }

    /// Whether a server is a member.
    #[must_use]
    pub fn contains(self, id: ServerId) -> bool {
        self.bits() & Self::bit(id) != 0
    }

    /// How many members there are.
    #[must_use]
    pub fn len(self) -> usize {
        self.0.iter().map(|byte| byte.count_ones() as usize).sum()
    }

    /// Whether there is no member.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.bits() == 0
    }

    /// The members in order of their ids.
    pub fn iter(self) -> impl Iterator<Item = ServerId> {
        (1..=16).map(ServerId).filter(move |id| self.contains(*id))
    }
}

impl fmt::Display for ServerSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (place, id) in self.iter().enumerate() {
            write!(f, "{}{id}", if place == 0 { "" } else { "," })?;
        }
        f.write_str("}")
    }
}

impl fmt::Debug for ServerSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The id of a transaction, and a position in a history: epoch, then counter. `0.0` is the position
/// before the first transaction.
#[flat]
#[derive(Debug, Default, PartialOrd, Ord)]
#[repr(C)]
pub struct Zxid<N> {
    /// The epoch of the leader that proposed it.
    pub epoch: N,
    /// Its place among the proposals of that epoch, from 1.
    pub counter: N,
}

impl<N: Number> Zxid<N> {
    /// The zxid `epoch.counter`.
    pub fn new(epoch: N, counter: N) -> Self {
        Self { epoch, counter }
    }

    /// Whether `later` may directly follow `self` in a history (`next` in the rules).
    pub fn next_is(self, later: Self) -> bool {
        let same_epoch = later.epoch == self.epoch && Some(later.counter) == self.counter.next();
        let newer_epoch = later.epoch > self.epoch && later.counter == N::ONE;
        same_epoch || newer_epoch
    }
}

impl<N: fmt::Display> fmt::Display for Zxid<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.epoch, self.counter)
    }
}

/// One transaction of a history.
#[flat]
#[derive(Debug, Default, PartialOrd, Ord)]
#[repr(C)]
pub struct Txn<N, P> {
    /// Its id.
    pub zxid: Zxid<N>,
    /// Identifies its payload: a small number, or the digest in a trace.
    pub payload: P,
}

/// What a server votes for: leader, that leader's last zxid, that leader's currentEpoch.
#[flat]
#[derive(Debug, Default)]
#[repr(C)]
pub struct Vote<N> {
    /// The server voted for.
    pub leader: ServerId,
    /// The last zxid in its history.
    pub zxid: Zxid<N>,
    /// Its currentEpoch; the established epoch once there is one (`zk.fle.update_vote`).
    pub peer_epoch: N,
}

impl<N: fmt::Display> fmt::Display for Vote<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({}, {}, {})", self.leader, self.zxid, self.peer_epoch)
    }
}

/// What a server is.
#[flat]
#[derive(Debug, Default)]
#[repr(u8)]
pub enum Role {
    /// Crashed, or never started.
    #[default]
    Down,
    /// Electing.
    Looking,
    /// Follows the leader it voted for; of an observer OBSERVING, which is the same without a vote.
    Following,
    /// Leads, or tries to.
    Leading,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Down => "DOWN",
            Self::Looking => "LOOKING",
            Self::Following => "FOLLOWING",
            Self::Leading => "LEADING",
        })
    }
}
