//! Who waits for something that does not come, in a state from which nothing goes on.

use super::bounds::{Bounds, Election};
use super::links::End;
use super::model::Zab;
use super::sizes::{Flat, index};
use super::state::State;
use crate::server::Server;
use crate::types::{Phase, Role, ServerId};

impl<const N: usize, const P: usize> Zab<N, P> {
    /// Whether somebody waits in vain in a state without a step: an end of a connection has not been
    /// noticed, a follower waits on a connection to a leader in broadcast, or a server looks for a leader
    /// that is there. ZooKeeper's limits would end each of them in time (`initLimit`, `syncLimit`);
    /// nobody who follows the rules needs them for this.
    pub(super) fn waits_in_vain(&self, state: &State<N, P>) -> bool {
        self.ensemble.voters().any(|id| match state.server(id).role {
            Role::Down => false,
            Role::Looking => self.looks_in_vain(state),
            Role::Following => self.follows_in_vain(state, id),
            Role::Leading => self
                .others(id)
                .any(|learner| state.links.up[(index(learner), index(id))].end == End::Severed),
        })
    }

    fn follows_in_vain(&self, state: &State<N, P>, id: ServerId) -> bool {
        let follower = state.server(id);
        match state.links.down[index(id)].end {
            End::Closed => false,
            End::Open => {
                let leader = state.server(follower.vote.leader);
                let serves = leader.role == Role::Leading && leader.phase == Phase::Broadcast;
                serves && follower.phase != Phase::Broadcast
            }
            End::Severed => true,
        }
    }

    /// Whether an election that is left to itself has not come to an end: those who look are a quorum,
    /// or a server leads one. A server that was down, or that has decided and looks again while another
    /// does, may not know what was said meanwhile: it is said again (`zk.fle.resend`), and nothing is
    /// said here of such runs.
    fn looks_in_vain(&self, state: &State<N, P>) -> bool {
        let Bounds { election, crashes, kills, rounds, .. } = self.bounds;
        let returns = rounds.saturating_sub(state.budget.rounds);
        let has_heard = crashes == 0 && kills == 0 && returns <= 1;
        let is_left_alone = match election {
            Election::FleOnly => has_heard,
            Election::Oracle | Election::Anybody | Election::Fle => false,
        };
        // It would look too, if the bounds allowed one more return.
        if self.ensemble.voters().any(|id| self.is_stranded(state, id)) {
            return false;
        }
        let servers = &state.servers[self.indices()];
        let count = |is: &dyn Fn(&Server<Flat<N>>) -> bool| {
            servers.iter().filter(|server| is(server)).count()
        };
        let looking = count(&|server| server.role == Role::Looking);
        let leads_quorum = |leader: &Server<Flat<N>>| {
            let follows = |server: &Server<Flat<N>>| {
                server.role == Role::Following && server.vote.leader == leader.id
            };
            leader.role == Role::Leading && count(&follows) + 1 >= self.majority()
        };
        is_left_alone && (looking >= self.majority() || servers.iter().any(leads_quorum))
    }
}
