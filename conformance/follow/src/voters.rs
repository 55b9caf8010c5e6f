//! The servers of a capture, and their numbers in the model.

use zab_capture::properties::Members;
use zab_model::ServerId;

/// The servers of a capture, by the numbers that they have in the model: the voters 1 and up, in order
/// of their ids, because elections compare ids; then the observers.
#[derive(Clone, Debug)]
pub(crate) struct Voters {
    voters: Vec<i64>,
    observers: Vec<i64>,
}

impl Voters {
    pub(crate) fn of(members: &Members) -> Self {
        let voters = members.servers.difference(&members.observers).copied().collect();
        Self { voters, observers: members.observers.iter().copied().collect() }
    }

    /// How many vote, and how many observe.
    pub(crate) fn counts(&self) -> (usize, usize) {
        (self.voters.len(), self.observers.len())
    }

    /// The model's number of a server; none if it is none of the ensemble.
    pub(crate) fn number(&self, server: i64) -> Option<ServerId> {
        let place = self.voters.iter().chain(&self.observers).position(|id| *id == server)?;
        u8::try_from(place + 1).ok().map(ServerId)
    }

    /// Whether a server votes, by its number in the model.
    pub(crate) fn votes(&self, number: ServerId) -> bool {
        number.row().is_some_and(|row| row < self.voters.len())
    }
}
