//! Phase 0: an oracle names a leader, anybody at any time.

use crate::state::{Heard, Leading, Role, State};
use crate::types::Phase;
use crate::types::{Members, Seat};

impl<const N: usize, const X: usize, const G: usize> State<N, X, G> {
    fn switch_to_leader(&mut self, i: usize) {
        let server = &mut self.servers[i];
        let heard = Heard::from_self(i);
        server.role = Role::Leading;
        server.phase = Phase::Discovery;
        server.leading = Leading {
            learners: Members::of(i),
            cepoch: heard,
            ack_epoch: heard,
            ack_ld: heard,
            ..Leading::default()
        };
    }

    /// `UpdateLeader`: a looking server makes the oracle name it, and leads.
    pub(super) fn update_leader(&mut self, i: usize) -> Option<()> {
        let enabled = self.servers[i].role == Role::Looking && self.oracle != Seat::of(i);
        enabled.then(|| {
            self.oracle = Seat::of(i);
            self.switch_to_leader(i);
        })
    }

    /// `FollowLeader`: a looking server asks the oracle, and leads or follows.
    pub(super) fn follow_leader(&mut self, i: usize) -> Option<()> {
        let leader = self.oracle.index()?;
        (self.servers[i].role == Role::Looking).then(|| {
            if leader == i {
                self.switch_to_leader(i);
            } else {
                self.servers[i].role = Role::Following;
                self.servers[i].phase = Phase::Discovery;
            }
        })
    }
}
