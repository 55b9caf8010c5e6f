//! The model as the project's engine sees it: steps without lists, all properties at once.

use stateright::Property;
use zab_explorer::FlatModel;

use super::action::Action;
use super::bounds::Election;
use super::model::Zab;
use super::properties::{Case, holding};
use super::state::{Flat, State, id_at, index};
use crate::probe::NoProbe;
use crate::server::Server;
use crate::types::{Phase, Role, ServerId};

impl Zab {
    /// The kind of action that a class belongs to, and the index of the server that takes it.
    fn kind_and_server(&self, class: u16) -> (usize, usize) {
        let servers = self.indices().len();
        (usize::from(class) / servers, usize::from(class) % servers)
    }
}

impl FlatModel for Zab {
    /// One class for each kind of action and each server that takes it.
    fn class_names(&self) -> Vec<String> {
        let of_kind = |name| self.indices().map(move |place| format!("{name}({})", id_at(place)));
        Action::NAMES.into_iter().flat_map(of_kind).collect()
    }

    fn class(&self, action: &Action) -> u16 {
        let class = action.kind() * self.indices().len() + index(action.server());
        u16::try_from(class).unwrap_or(u16::MAX)
    }

    /// The kind of action, whoever takes it.
    fn action_name(&self, class: u16) -> String {
        Action::NAMES[self.kind_and_server(class).0].to_owned()
    }

    fn for_each_successor(&self, state: &State, mut visit: impl FnMut(u16, State)) {
        self.for_each_candidate(state, |action| {
            if let Some(next) = self.act(state, action, &mut NoProbe) {
                visit(self.class(&action), next);
            }
        });
    }

    /// No election is left, or a server leads a quorum. Where servers do more than elect, the leader
    /// must also be in broadcast, and no request be left.
    fn may_end(&self, state: &State) -> bool {
        let servers = &state.servers[self.indices()];
        let follows = |leader: ServerId| {
            let follows = move |server: &&Server<Flat>| {
                server.role == Role::Following && server.vote.leader == leader
            };
            servers.iter().filter(follows).count()
        };
        let elects_only = self.bounds.election == Election::FleOnly;
        let is_done = |leader: &Server<Flat>| {
            elects_only || (leader.phase == Phase::Broadcast && state.budget.requests == 0)
        };
        let leads = |server: &Server<Flat>| {
            server.role == Role::Leading
                && follows(server.id) + 1 >= self.majority()
                && is_done(server)
        };
        state.budget.rounds == 0 || servers.iter().any(leads)
    }

    /// In the order of `PROPERTIES`, those left out that do not apply, as in `properties`.
    fn property_mask(&self, _: &[Property<Self>], state: &State) -> u64 {
        holding(&Case::new(self, state))
    }
}
