//! Between which servers the recorder stood: it listened for the one in place of the other, or was
//! dialled. What was said where it did not stand is unknown.

use std::collections::BTreeSet;

use super::Members;
use crate::raw::{Event, Link, Port, Side};

/// Pairs of servers.
#[derive(Debug, Default)]
pub(super) struct Covered {
    /// Learner and leader.
    quorum: BTreeSet<(i64, i64)>,
    /// The smaller and the greater.
    election: BTreeSet<(i64, i64)>,
}

impl Covered {
    pub(super) fn event(&mut self, event: &Event) {
        let (port, from, to) = match event {
            Event::Listen(Link { port, from, to })
            | Event::Refused(Link { port, from, to })
            | Event::Open(Side { port, from, to, .. }) => (port, *from, *to),
            _ => return,
        };
        match port {
            Port::Quorum => self.quorum.insert((from, to)),
            Port::Election => self.election.insert((from.min(to), from.max(to))),
        };
    }

    /// What a learner says to a leader is not known after all; whether it was taken to be.
    pub(super) fn forget(&mut self, learner: i64, leader: i64) -> bool {
        self.quorum.remove(&(learner, leader))
    }

    /// Whether what they say to each other on the leader's quorum port is known.
    pub(super) fn has_learner(&self, learner: i64, leader: i64) -> bool {
        self.quorum.contains(&(learner, leader))
    }

    /// Whether the votes between them are known.
    pub(super) fn has_votes(&self, one: i64, other: i64) -> bool {
        self.election.contains(&(one.min(other), one.max(other)))
    }

    /// Whether the votes between a server and each other one are known.
    pub(super) fn has_all_votes(&self, members: &Members, server: i64) -> bool {
        members.servers.iter().all(|other| *other == server || self.has_votes(server, *other))
    }

    /// The voters of which it is not known what they say to a leader, without those in `known`.
    pub(super) fn hidden(
        &self,
        members: &Members,
        leader: i64,
        known: &BTreeSet<i64>,
    ) -> BTreeSet<i64> {
        let is_hidden = |id: &&i64| {
            members.is_voter(**id)
                && **id != leader
                && !self.has_learner(**id, leader)
                && !known.contains(*id)
        };
        members.servers.iter().filter(is_hidden).copied().collect()
    }
}
