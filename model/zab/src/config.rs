//! What is fixed during a run: the ensemble, the window, and which defect is seeded, if any.

use crate::history::History;
use crate::shape::Shape;
use crate::types::{ServerId, ServerSet};

/// The window of a leader in transactions, unless configured.
pub const WINDOW_DEFAULT: usize = 500;

/// What is fixed during a run: the servers, and the rules that they follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ensemble {
    /// How many voting members there are; their ids are 1 to this.
    pub voters: u8,
    /// The window: how many of its last committed transactions a leader can send one by one; at
    /// least 1.
    pub window: usize,
    /// Whether a server forgets lastCommitted when it leaves its role. The rules keep it, because a
    /// trace shows it. No rule reads it before `l.2.2` or `f.2.2` sets it again, so an exploration
    /// may forget it, and then has fewer states.
    pub forget_committed: bool,
    /// The seeded defect; `None` for the protocol as it is.
    pub mutant: Option<Mutant>,
}

/// An ensemble, and the storage of its histories.
#[derive(Debug)]
pub struct Config<S: Shape> {
    /// The servers and their rules.
    pub ensemble: Ensemble,
    /// Where transactions are stored.
    pub logs: S::Logs,
}

impl<S: Shape> Config<S> {
    /// An ensemble with voters 1 to `voters` that follows the protocol; `None` if the shape has no
    /// room for so many, or there are none.
    #[must_use]
    pub fn new(voters: u8) -> Option<Self> {
        let fits = (1..=S::SERVERS_MAX).contains(&usize::from(voters));
        fits.then(|| Self { ensemble: Ensemble::new(voters), logs: S::Logs::default() })
    }

    /// A history with the storage of its transactions.
    pub fn history(&self, log: S::Log) -> History<'_, S> {
        History::new(&self.logs, log)
    }
}

impl Ensemble {
    /// Voters 1 to `voters`, who follow the protocol.
    #[must_use]
    pub fn new(voters: u8) -> Self {
        Self { voters, window: WINDOW_DEFAULT, forget_committed: false, mutant: None }
    }

    /// The voting members in order of their ids.
    pub fn voters(&self) -> impl Iterator<Item = ServerId> + use<> {
        (1..=self.voters).map(ServerId)
    }

    /// Whether a server is a voting member.
    #[must_use]
    pub fn is_voter(&self, id: ServerId) -> bool {
        (1..=self.voters).contains(&id.0)
    }

    /// The smallest number of voters that is a strict majority.
    #[must_use]
    pub fn quorum(&self) -> usize {
        let half = usize::from(self.voters) / 2;
        if self.has(Mutant::MinorityQuorum) { half.max(1) } else { half + 1 }
    }

    /// Whether a set of voters is a quorum.
    #[must_use]
    pub fn is_quorum(&self, set: ServerSet) -> bool {
        set.len() >= self.quorum()
    }

    /// Whether this defect is seeded.
    pub(crate) fn has(&self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }
}

/// Defects that can be seeded, each in exactly one rule, to show that the properties notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mutant {
    /// Half of the voters counts as a quorum, everywhere.
    MinorityQuorum,
    /// `zk.fle.order` does not compare epochs. A worse leader is then elected, but nothing is lost,
    /// because the gate of `l.1.2` refuses it.
    VoteIgnoresEpoch,
    /// `f.1.2` accepts an epoch older than the accepted one.
    OlderEpochAccepted,
    /// `f.1.2` answers without having written acceptedEpoch.
    AcceptedEpochNotWritten,
    /// `l.1.2` accepts learners that know more than the leader. The refusal protects from a wrong
    /// election; after an election as `zk.fle.*` says it is not needed.
    FresherLearnerAccepted,
    /// `zk.sync.diff` starts after the last committed transaction, whatever the learner has.
    DiffFromMax,
    /// `zk.sync.trunc` cuts one committed transaction too many.
    TruncBelowCommitted,
    /// `f.2.0` does not cut the history after TRUNC.
    TruncIgnored,
    /// `zk.sync.withdraw` is left out (D-H01: every current release of ZooKeeper).
    NothingWithdrawn,
    /// `f.2.1` writes currentEpoch before the history.
    EpochBeforeHistory,
    /// `f.2.1` acknowledges NEWLEADER before anything is written.
    AckLdBeforeWrites,
    /// `l.2.2` establishes the leader as soon as it has sent NEWLEADER.
    EstablishedWithoutQuorum,
    /// `f.3.1` acknowledges what is not yet durable.
    AckBeforeSync,
    /// `l.3.1` counts the leader's own acknowledgement before its log is durable.
    OwnAckBeforeSync,
    /// `l.3.2` commits with the first acknowledgement.
    CommitWithoutQuorum,
    /// `f.3.3` takes the whole history for committed.
    CommitAhead,
    /// `zk.bcast.apply` delivers what is committed but not yet durable here.
    DeliveredBeforeSync,
}

impl Mutant {
    /// Every seeded defect.
    pub const ALL: [Self; 17] = [
        Self::MinorityQuorum,
        Self::VoteIgnoresEpoch,
        Self::OlderEpochAccepted,
        Self::AcceptedEpochNotWritten,
        Self::FresherLearnerAccepted,
        Self::DiffFromMax,
        Self::TruncBelowCommitted,
        Self::TruncIgnored,
        Self::NothingWithdrawn,
        Self::EpochBeforeHistory,
        Self::AckLdBeforeWrites,
        Self::EstablishedWithoutQuorum,
        Self::AckBeforeSync,
        Self::OwnAckBeforeSync,
        Self::CommitWithoutQuorum,
        Self::CommitAhead,
        Self::DeliveredBeforeSync,
    ];
}
