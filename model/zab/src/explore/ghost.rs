//! What properties remember of the past although no server does.
//!
//! No rule reads any of it.

use zab_flat::flat;

use super::sizes::Log;
use crate::shape::{Few, Queue};
use crate::types::ServerId;

/// Leaders that can be established in one exploration.
pub(super) const ESTABLISHED_MAX: usize = 4;

/// The memory of the properties.
#[flat]
#[derive(Debug, Default)]
#[repr(C)]
pub struct Ghost {
    /// The longest history that any server has known to be committed.
    pub committed: Log,
    /// The established leaders, in the order in which they were.
    pub established: Few<Established, ESTABLISHED_MAX>,
    /// Which [`Violation`]s have happened, the lower bits first.
    violations: [u8; 2],
}

/// A leader that was established.
#[flat]
#[derive(Debug, Default)]
#[repr(C)]
pub struct Established {
    /// Its epoch.
    pub epoch: u8,
    /// Who it is.
    pub leader: ServerId,
    /// Its initial history.
    pub initial: Log,
}

/// Something that a single step must not do, and that the state after it does not show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Violation {
    /// An epoch of a server went back.
    EpochWentBack = 1,
    /// Something was acknowledged that was not durable.
    AckedNotDurable = 2,
    /// A leader sent a TRUNC that cuts a transaction that is committed and on the learner's disk.
    CommittedCut = 4,
    /// Something was delivered that was not durable, or in broadcast not committed.
    DeliveredEarly = 8,
    /// A follower left its role because its leader sent what no leader may send.
    BadPacket = 16,
    /// A queue or a table of the exploration was too small.
    Overflow = 32,
    /// A learner acknowledged a transaction before it acknowledged NEWLEADER.
    AckBeforeAckLd = 64,
    /// A step was none of abstract primary-order broadcast.
    NoAbstractStep = 128,
    /// A server decided for a leader without the votes of a quorum.
    DecidedEarly = 256,
    /// A server looked for a leader again in a round that it had before.
    RoundStood = 512,
    /// A leader was established whose epoch or initial history was not durable.
    EstablishedEarly = 1024,
    /// A SNAP was sent to a learner that needed none.
    SnapInVain = 2048,
}

impl Violation {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::EpochWentBack,
        Self::AckedNotDurable,
        Self::CommittedCut,
        Self::DeliveredEarly,
        Self::BadPacket,
        Self::Overflow,
        Self::AckBeforeAckLd,
        Self::NoAbstractStep,
        Self::DecidedEarly,
        Self::RoundStood,
        Self::EstablishedEarly,
        Self::SnapInVain,
    ];
}

impl Ghost {
    /// Remembers a violation.
    pub fn mark(&mut self, violation: Violation) {
        self.set(self.bits() | violation as u16);
    }

    /// Forgets a violation, where it cannot be judged.
    pub(super) fn clear(&mut self, violation: Violation) {
        self.set(self.bits() & !(violation as u16));
    }

    /// Whether the violation has happened.
    #[must_use]
    pub fn has(&self, violation: Violation) -> bool {
        self.bits() & violation as u16 != 0
    }

    fn bits(&self) -> u16 {
        u16::from_le_bytes(self.violations)
    }

    fn set(&mut self, bits: u16) {
        self.violations = bits.to_le_bytes();
    }

    /// A server knows this history to be committed.
    pub fn learn_committed(&mut self, committed: &Log) {
        if is_prefix(&self.committed, committed) {
            self.committed = *committed;
        }
    }

    /// A leader is established.
    pub fn establish(&mut self, leader: Established) {
        if !self.established.push(leader) {
            self.mark(Violation::Overflow);
        }
    }
}

/// Whether `longer` begins with `shorter`.
#[must_use]
pub(super) fn is_prefix(shorter: &Log, longer: &Log) -> bool {
    longer.numbers().starts_with(shorter.numbers())
}

/// How many transactions two histories have in common from the start.
#[must_use]
pub(super) fn common(one: &Log, other: &Log) -> usize {
    one.numbers().iter().zip(other.numbers()).take_while(|(a, b)| a == b).count()
}
