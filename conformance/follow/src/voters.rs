//! The voters of a capture, and their numbers in the model.

use zab_capture::properties::Members;
use zab_model::ServerId;

/// The voters of a capture, by the numbers that they have in the model: 1 and up, in order of their
/// ids, because elections compare ids.
#[derive(Clone, Debug)]
pub(crate) struct Voters(Vec<i64>);

impl Voters {
    pub(crate) fn of(members: &Members) -> Self {
        Self(members.servers.difference(&members.observers).copied().collect())
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// The model's number of a server; none if it is no voter.
    pub(crate) fn number(&self, server: i64) -> Option<ServerId> {
        let place = self.0.iter().position(|id| *id == server)?;
        u8::try_from(place + 1).ok().map(ServerId)
    }
}
