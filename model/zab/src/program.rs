//! Programs: what a server must write, deliver and send, in order, before it may do anything else.
//! They are tables; a state holds which one is run and how far it is.

use zab_flat::flat;

use crate::grain::Grain;

/// One item of a program. What it writes or sends is read from the server when its turn comes:
/// since nothing else happens in between, it is still the same.
#[flat]
#[derive(Debug, Default)]
#[repr(u8)]
pub enum Item {
    /// No item: the program is finished.
    #[default]
    None,
    /// Write acceptedEpoch.
    AcceptedEpoch,
    /// Write currentEpoch.
    CurrentEpoch,
    /// Append the unsynced tail of the history and sync it, if there is one.
    Log,
    /// Cut the history on disk to the one in memory.
    Truncate,
    /// After SNAP: replace the history on disk by the base of this synchronization.
    Snapshot,
    /// Deliver what this synchronization added to the base (`f.2.1`).
    Deliver,
    /// Set the vote that an election was settled with (`zk.fle.settle`).
    CurrentVote,
    /// Send the proposal to every other voter (`zk.fle.enter`).
    Notify,
    /// Send LEADERINFO to every learner that waits for it (`l.1.1`).
    LeaderInfo,
    /// Send ACKEPOCH (`f.1.2`).
    AckEpoch,
    /// `l.2.1` for every learner that waits for the gate (`l.1.2`).
    Synchronize,
    /// Hand what was received to the sync thread (`f.2.1`).
    Queue,
    /// The sync thread may run here.
    Pause,
    /// Send ACK-LD (`f.2.1`).
    AckLd,
    /// The leader counts itself among those who have acknowledged NEWLEADER (`l.1.2`).
    OwnAckLd,
}

impl Item {
    /// Whether the item is a write: a step of its own, before which a crash can come.
    #[must_use]
    pub fn is_write(self) -> bool {
        use Item::{AcceptedEpoch, CurrentEpoch, Log, Snapshot, Truncate};
        matches!(self, AcceptedEpoch | CurrentEpoch | Log | Truncate | Snapshot)
    }

    /// Whether the item is a step of its own.
    pub(crate) fn is_step(self, grain: Grain) -> bool {
        match grain {
            Grain::Writes => self.is_write() || self == Self::Pause,
            // Handlers are threads, and so nobody pauses for another one.
            Grain::Threads => {
                use Item::{LeaderInfo, None, Pause, Synchronize};
                !matches!(self, None | LeaderInfo | Synchronize | Pause)
            }
        }
    }
}

/// The programs that there are. Which of several is run is up to the profile.
#[flat]
#[derive(Debug, Default)]
#[repr(u8)]
pub enum ProgramName {
    /// None.
    #[default]
    None,
    /// Of `zk.fle.enter`.
    Enter,
    /// Of `zk.fle.settle`.
    Settle,
    /// Of `l.1.1`.
    OfferEpoch,
    /// Of `f.1.2`.
    AcceptEpoch,
    /// Of `f.1.2`, without its write.
    AnswerEpoch,
    /// Of `l.1.2`.
    Lead,
    /// Of `l.1.2`, where the epoch is written last.
    LeadFirst,
    /// Of `f.2.0`.
    Truncate,
    /// Of `f.2.1`.
    NewLeader,
    /// Of `f.2.1`, where the epoch is written first.
    NewLeaderEpochFirst,
    /// Of `f.2.1`, where the log is written last.
    NewLeaderAckBeforeLog,
    /// Of `f.2.1`, where everything is written after the acknowledgement.
    NewLeaderAckFirst,
    /// Of `f.2.1`, where nothing is logged.
    NewLeaderUnlogged,
    /// Of `f.2.1`, where the log is written by the sync thread.
    NewLeaderQueued,
    /// Of `f.2.1`, where everything is logged and nothing delivered.
    NewLeaderSynced,
}

impl ProgramName {
    /// Its items, in order.
    pub(crate) fn items(self) -> &'static [Item] {
        use Item::{
            AcceptedEpoch, AckEpoch, AckLd, CurrentEpoch, CurrentVote, Deliver, LeaderInfo, Log,
            Notify, OwnAckLd, Pause, Queue, Snapshot, Synchronize, Truncate,
        };
        match self {
            Self::None => &[],
            Self::Enter => &[Log, Notify],
            Self::Settle => &[CurrentVote],
            Self::OfferEpoch => &[AcceptedEpoch, LeaderInfo],
            Self::AcceptEpoch => &[AcceptedEpoch, AckEpoch],
            Self::AnswerEpoch => &[AckEpoch],
            Self::Lead => &[CurrentEpoch, Synchronize, OwnAckLd],
            Self::LeadFirst => &[Synchronize, CurrentEpoch, OwnAckLd],
            Self::Truncate => &[Truncate],
            Self::NewLeader => &[Snapshot, Log, Deliver, CurrentEpoch, AckLd],
            Self::NewLeaderEpochFirst => &[CurrentEpoch, Snapshot, Log, Deliver, AckLd],
            Self::NewLeaderAckBeforeLog => &[Snapshot, CurrentEpoch, AckLd, Log, Deliver],
            Self::NewLeaderAckFirst => &[AckLd, Snapshot, Log, Deliver, CurrentEpoch],
            Self::NewLeaderUnlogged => &[Snapshot, CurrentEpoch, AckLd],
            Self::NewLeaderQueued => &[Snapshot, CurrentEpoch, Queue, Pause, AckLd],
            Self::NewLeaderSynced => &[Snapshot, Log, CurrentEpoch, AckLd],
        }
    }
}

/// A program, and how far it is. A finished one is the default.
#[flat]
#[derive(Debug, Default)]
#[repr(C)]
pub struct Program {
    name: ProgramName,
    /// How many of its items are done.
    done: u8,
}

impl Program {
    pub(crate) fn new(name: ProgramName) -> Self {
        Self { name, done: 0 }
    }

    /// The items that are left, in order. Some may have nothing to do when their turn comes.
    #[must_use]
    pub fn left(self) -> &'static [Item] {
        self.name.items().get(usize::from(self.done)..).unwrap_or_default()
    }

    /// The next item; [`Item::None`] when the program is finished.
    #[must_use]
    pub fn next(self) -> Item {
        self.left().first().copied().unwrap_or_default()
    }

    /// Whether nothing is left.
    #[must_use]
    pub fn is_finished(self) -> bool {
        self.left().is_empty()
    }

    /// Whether an item is still to come.
    #[must_use]
    pub fn contains(self, item: Item) -> bool {
        self.left().contains(&item)
    }

    /// Whether the program is unfinished, and this item of it is done.
    pub(crate) fn is_past(self, item: Item) -> bool {
        self.name.items().iter().take(self.done.into()).any(|done| *done == item)
    }

    pub(crate) fn advance(&mut self) {
        self.done += 1;
        if self.is_finished() {
            *self = Self::default();
        }
    }
}
