//! A learner's newer connection, and what is left of the older one (`zk.sync.fence`).

use super::model::Zab;
use super::packet::Packet;
use super::sizes::index;
use super::state::State;
use crate::probe::Probe;
use crate::server::Progress;
use crate::shape::Table;
use crate::step::Step;
use crate::types::ServerId;

impl<const N: usize, const P: usize> Zab<N, P> {
    /// The leader receives FOLLOWERINFO on the newer connection.
    pub(super) fn accept<B: Probe>(
        &self,
        state: &mut State<N, P>,
        learner: ServerId,
        leader: ServerId,
        probe: &mut B,
    ) -> bool {
        let packet = state.links.accept(index(learner), index(leader));
        self.receive(state, leader, learner, packet, probe)
            && self.forget_older(state, learner, leader, probe)
    }

    /// The leader receives the next packet on the older connection.
    pub(super) fn older_to_leader<B: Probe>(
        &self,
        state: &mut State<N, P>,
        learner: ServerId,
        leader: ServerId,
        probe: &mut B,
    ) -> bool {
        let up = &mut state.links.up[(index(learner), index(leader))];
        let packet = up.take_older().and_then(Packet::message);
        let Some(message) = packet else { return false };
        let step = Step::ReceiveOlder { from: learner, message };
        self.step(state, leader, step, probe) && self.forget_older(state, learner, leader, probe)
    }

    /// The leader notices that the older connection has ended; what is unread on it is lost.
    pub(super) fn older_ends<B: Probe>(
        &self,
        state: &mut State<N, P>,
        learner: ServerId,
        leader: ServerId,
        probe: &mut B,
    ) -> bool {
        state.links.up[(index(learner), index(leader))].forget_older();
        self.forget_older(state, learner, leader, probe)
    }

    /// An older connection is of interest as long as the leader serves it and has something to read on
    /// it. When one is over, so is the other.
    fn forget_older<B: Probe>(
        &self,
        state: &mut State<N, P>,
        learner: ServerId,
        leader: ServerId,
        probe: &mut B,
    ) -> bool {
        let up = &mut state.links.up[(index(learner), index(leader))];
        let older = state.servers[index(leader)].leader.learners.row(learner).older;
        if older == Progress::None {
            up.forget_older();
        }
        let is_over = older == Progress::None || up.older > 0;
        is_over || self.step(state, leader, Step::OlderEnds { peer: learner }, probe)
    }
}
