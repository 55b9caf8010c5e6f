//! What properties must remember and no rule reads.
//!
//! Ghosts are part of a state's identity, since a property that looks at something outside of it is
//! judged on whichever path came first. They cost states, so they are optional: with `G` = 0 nothing
//! is remembered, counts are those of the normal form, and the properties that need a ghost are not
//! offered. With `G` > 0 the values of the first `G` requests are.

use zab_flat::flat;

use super::types::{History, Txn, Zxid};

/// The memory of a run.
#[flat]
#[derive(Debug)]
#[repr(C)]
pub struct Ghost<const X: usize, const G: usize> {
    /// A bit for every epoch in which a leader was established.
    established: [u8; 2],
    /// 1 once two leaders were established in one epoch.
    twice: u8,
    /// 1 once two servers have committed what is no prefix of the other.
    torn: u8,
    /// 1 once a server's epoch became lower than it was.
    fell: u8,
    /// 1 once a step was taken that abstract primary-order broadcast does not have.
    stray: u8,
    /// The longest history ever committed by anybody.
    committed: History<X>,
    /// By position - 1 in that: the epoch of the server that was first to commit it.
    committed_in: [u8; X],
    /// By value: the zxid under which a leader broadcast it, `0.0` if none did.
    broadcast: [Zxid; G],
}

impl<const X: usize, const G: usize> Default for Ghost<X, G> {
    fn default() -> Self {
        Self {
            established: [0; 2],
            twice: 0,
            torn: 0,
            fell: 0,
            stray: 0,
            committed: History::default(),
            committed_in: [0; X],
            broadcast: [Zxid::ZERO; G],
        }
    }
}

impl<const X: usize, const G: usize> Ghost<X, G> {
    /// Whether anything is remembered at all.
    pub const KEPT: bool = G > 0;

    /// A leader is established in an epoch.
    pub(super) fn establish(&mut self, epoch: u8) {
        if !Self::KEPT {
            return;
        }
        let bits = u16::from_le_bytes(self.established);
        let bit = 1 << epoch;
        self.twice |= u8::from(bits & bit != 0);
        self.established = (bits | bit).to_le_bytes();
    }

    /// A leader broadcasts a transaction, in PROPOSE or in NEWLEADER. `None` if there is no room.
    pub(super) fn broadcast(&mut self, txn: Txn) -> Option<()> {
        if Self::KEPT {
            *self.broadcast.get_mut(usize::from(txn.value))? = txn.zxid;
        }
        Some(())
    }

    /// A server that has adopted this epoch has committed a prefix of its history.
    pub(super) fn commit(&mut self, delivered: &[Txn], epoch: u8) {
        if !Self::KEPT {
            return;
        }
        let known = self.committed.txns();
        let common = known.len().min(delivered.len());
        self.torn |= u8::from(known[..common] != delivered[..common]);
        if delivered.len() > known.len() {
            self.committed_in[known.len()..delivered.len()].fill(epoch);
            self.committed = History::of(delivered.iter().copied());
        }
    }

    /// Every epoch in which a leader was established.
    pub fn epochs(&self) -> impl Iterator<Item = u8> {
        (0..16).filter(|epoch| self.is_established(*epoch))
    }

    /// A server's epoch became lower than it was.
    pub(super) fn fall(&mut self) {
        self.fell = 1;
    }

    /// Whether a server's epoch was ever lower than before.
    #[must_use]
    pub fn fell(&self) -> bool {
        self.fell != 0
    }

    /// A step was taken that abstract primary-order broadcast does not have.
    pub(super) fn stray(&mut self) {
        self.stray = 1;
    }

    /// Whether such a step was ever taken.
    #[must_use]
    pub fn strayed(&self) -> bool {
        self.stray != 0
    }

    /// Whether two leaders were established in one epoch.
    #[must_use]
    pub fn established_twice(&self) -> bool {
        self.twice != 0
    }

    /// Whether two servers have committed what is no prefix of the other, at any time.
    #[must_use]
    pub fn torn(&self) -> bool {
        self.torn != 0
    }

    /// The longest history ever committed by anybody.
    #[must_use]
    pub fn committed(&self) -> &[Txn] {
        self.committed.txns()
    }

    /// What was first committed in epochs up to this one.
    #[must_use]
    pub fn committed_up_to(&self, epoch: u8) -> &[Txn] {
        let committed = self.committed.txns();
        let epochs = &self.committed_in[..committed.len()];
        &committed[..epochs.iter().take_while(|in_epoch| **in_epoch <= epoch).count()]
    }

    /// Whether whatever was committed later was so in the same or a later epoch.
    #[must_use]
    pub fn epochs_of_commits_rise(&self) -> bool {
        self.committed_in[..self.committed.len()].is_sorted()
    }

    /// Whether a leader was established in this epoch.
    #[must_use]
    pub fn is_established(&self, epoch: u8) -> bool {
        u16::from_le_bytes(self.established) & (1 << epoch) != 0
    }

    /// Whether a leader broadcast this transaction.
    #[must_use]
    pub fn was_broadcast(&self, txn: Txn) -> bool {
        self.broadcast.get(usize::from(txn.value)).is_some_and(|zxid| *zxid == txn.zxid)
    }

    /// Every transaction that a leader broadcast.
    pub fn broadcasts(&self) -> impl Iterator<Item = Txn> + Clone {
        let sent = self.broadcast.iter().enumerate().filter(|(_, zxid)| **zxid != Zxid::ZERO);
        sent.map(|(value, zxid)| Txn { zxid: *zxid, value: super::types::small(value) })
    }
}
