//! What is fixed during a run: the ensemble, the window and the profile.

use crate::grain::Grain;
use crate::history::History;
use crate::profile::{Profile, Quorum};
use crate::shape::Shape;
use crate::types::{ServerId, ServerSet};

/// The window of a leader in transactions, unless configured.
pub const WINDOW_DEFAULT: usize = 500;

/// What is fixed during a run: the servers, and the rules that they follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ensemble {
    /// How many voting members there are; their ids are 1 to this.
    pub voters: u8,
    /// How many observers there are; their ids come after those of the voters.
    pub observers: u8,
    /// The window: how many of its last committed transactions a leader can send one by one; at
    /// least 1.
    pub window: usize,
    /// Whether a server forgets lastCommitted when it leaves its role. The rules keep it, because a
    /// trace shows it. No rule reads it before `l.2.2` or `f.2.2` sets it again, so an exploration
    /// may forget it, and then has fewer states.
    pub forget_committed: bool,
    /// What servers do where releases differ.
    pub profile: Profile,
    /// How much of it is one step.
    pub grain: Grain,
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
        Self::with_observers(voters, 0)
    }

    /// The same with observers besides, whose ids come after those of the voters.
    #[must_use]
    pub fn with_observers(voters: u8, observers: u8) -> Option<Self> {
        let members = usize::from(voters) + usize::from(observers);
        let fits = voters > 0 && members <= S::SERVERS_MAX;
        let ensemble = Ensemble { observers, ..Ensemble::new(voters) };
        fits.then(|| Self { ensemble, logs: S::Logs::default() })
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
        Self {
            voters,
            observers: 0,
            window: WINDOW_DEFAULT,
            forget_committed: false,
            profile: Profile::FIXED,
            grain: Grain::Writes,
        }
    }

    /// The voting members in order of their ids.
    pub fn voters(&self) -> impl Iterator<Item = ServerId> + use<> {
        (1..=self.voters).map(ServerId)
    }

    /// The observers in order of their ids.
    pub fn observers(&self) -> impl Iterator<Item = ServerId> + use<> {
        self.members().skip(usize::from(self.voters))
    }

    /// The voting members, then the observers, in order of their ids.
    pub fn members(&self) -> impl Iterator<Item = ServerId> + use<> {
        (1..=self.voters.saturating_add(self.observers)).map(ServerId)
    }

    /// Whether a server is a voting member or an observer.
    #[must_use]
    pub fn is_member(&self, id: ServerId) -> bool {
        (1..=self.voters.saturating_add(self.observers)).contains(&id.0)
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
        match self.profile.quorum {
            Quorum::Majority => half + 1,
            Quorum::Half => half.max(1),
        }
    }

    /// Whether a set of voters is a quorum.
    #[must_use]
    pub fn is_quorum(&self, set: ServerSet) -> bool {
        set.len() >= self.quorum()
    }
}
