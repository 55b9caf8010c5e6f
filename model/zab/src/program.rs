//! Programs: what a server must write, deliver and send, in order, before it may do anything else.

use zab_flat::flat;

/// One item of a program. What it writes or sends is read from the server when its turn comes:
/// since nothing else happens in between, it is still the same.
#[flat]
#[derive(Debug, Default)]
#[repr(u8)]
pub enum Item {
    /// No item: the program is shorter.
    #[default]
    None,
    /// Write acceptedEpoch.
    AcceptedEpoch,
    /// Write currentEpoch.
    CurrentEpoch,
    /// Append the unsynced tail of the history and sync it.
    Log,
    /// Cut the history on disk to the one in memory.
    Truncate,
    /// Replace the history on disk by the base of this synchronization.
    Snapshot,
    /// Deliver what this synchronization added to the base (`f.2.1`).
    Deliver,
    /// Send the proposal to every other voter (`zk.fle.enter`).
    Notify,
    /// Send LEADERINFO to every learner that waits for it (`l.1.1`).
    LeaderInfo,
    /// Send ACKEPOCH (`f.1.2`).
    AckEpoch,
    /// `l.2.1` for every learner that waits for the gate (`l.1.2`).
    Synchronize,
    /// Send ACK-LD (`f.2.1`).
    AckLd,
}

impl Item {
    /// Whether the item is a write: a step of its own, before which a crash can come.
    #[must_use]
    pub fn is_write(self) -> bool {
        use Item::{AcceptedEpoch, CurrentEpoch, Log, Snapshot, Truncate};
        matches!(self, AcceptedEpoch | CurrentEpoch | Log | Truncate | Snapshot)
    }
}

/// The items that are left, first one first, then [`Item::None`].
#[flat]
#[derive(Debug, Default)]
#[repr(transparent)]
pub struct Program([Item; 5]);

impl Program {
    /// A program of at most five items; items that are [`Item::None`] are left out.
    pub(crate) fn of(items: &[Item]) -> Self {
        let mut program = Self::default();
        let given = items.iter().copied().filter(|item| *item != Item::None);
        for (place, item) in program.0.iter_mut().zip(given) {
            *place = item;
        }
        program
    }

    /// The next item; [`Item::None`] when the program is finished.
    #[must_use]
    pub fn next(self) -> Item {
        self.0[0]
    }

    /// Whether nothing is left.
    #[must_use]
    pub fn is_finished(self) -> bool {
        self.next() == Item::None
    }

    /// Whether an item is still to come.
    #[must_use]
    pub fn contains(self, item: Item) -> bool {
        self.0.contains(&item)
    }

    pub(crate) fn advance(&mut self) {
        self.0.copy_within(1.., 0);
        self.0[4] = Item::None;
    }
}
