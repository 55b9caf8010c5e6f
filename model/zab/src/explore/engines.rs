//! The model as engines see it: as stateright's `Model`, and as our engine's `ExplorerModel`, which
//! makes no lists of steps and evaluates all properties at once.

use stateright::{Model, Path, Property};
use zab_explorer::ExplorerModel;

use super::action::Action;
use super::bounds::Election;
use super::model::Zab;
use super::picture::run_svg;
use super::properties::{self, Case, Kind, holding};
use super::render;
use super::sizes::{Flat, id_at, index};
use super::state::State;
use crate::probe::NoProbe;
use crate::server::Server;
use crate::types::{Phase, Role, ServerId};

impl<const N: usize, const P: usize> Zab<N, P> {
    /// The kind of action that a class belongs to, and the index of the server that takes it.
    fn kind_and_server(&self, class: u16) -> (usize, usize) {
        let servers = self.members().len();
        (usize::from(class) / servers, usize::from(class) % servers)
    }
}

impl<const N: usize, const P: usize> Model for Zab<N, P> {
    type State = State<N, P>;
    type Action = Action;

    fn init_states(&self) -> Vec<State<N, P>> {
        self.starts.iter().map(|start| self.initial(start)).collect()
    }

    fn actions(&self, state: &State<N, P>, actions: &mut Vec<Action>) {
        self.for_each_candidate(state, |action| actions.push(action));
    }

    fn next_state(&self, state: &State<N, P>, action: Action) -> Option<State<N, P>> {
        self.act(state, action, &mut NoProbe)
    }

    fn format_action(&self, action: &Action) -> String {
        action.to_string()
    }

    fn format_step(&self, state: &State<N, P>, action: Action) -> Option<String> {
        render::step_text(self, state, action)
    }

    fn as_svg(&self, path: Path<State<N, P>, Action>) -> Option<String> {
        let steps = path.into_vec();
        let (start, _) = *steps.first()?;
        let actions: Vec<Action> = steps.iter().filter_map(|(_, action)| *action).collect();
        Some(run_svg(self, &start, &actions))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let property = |property: &properties::Property<N, P>| match property.kind {
            Kind::Always => Property::always(property.name, property.check),
            Kind::Sometimes => Property::sometimes(property.name, property.check),
        };
        properties::table().iter().filter(|property| property.applies(self)).map(property).collect()
    }
}

impl<const N: usize, const P: usize> ExplorerModel for Zab<N, P> {
    /// One class for each kind of action and each server that takes it.
    fn class_names(&self) -> Vec<String> {
        let of_kind = |name| self.members().map(move |place| format!("{name}({})", id_at(place)));
        Action::NAMES.into_iter().flat_map(of_kind).collect()
    }

    fn class(&self, action: &Action) -> u16 {
        let class = action.kind() * self.members().len() + index(action.server());
        u16::try_from(class).unwrap_or(u16::MAX)
    }

    /// The kind of action, whoever takes it.
    fn action_name(&self, class: u16) -> String {
        Action::NAMES[self.kind_and_server(class).0].to_owned()
    }

    fn for_each_successor(&self, state: &State<N, P>, mut visit: impl FnMut(u16, State<N, P>)) {
        self.for_each_candidate(state, |action| {
            if let Some(next) = self.act(state, action, &mut NoProbe) {
                visit(self.class(&action), next);
            }
        });
    }

    /// Nobody waits for what does not come; and no election is left, or a server leads a quorum. Where
    /// servers do more than elect, the leader must also be in broadcast, and no request be left.
    fn may_end(&self, state: &State<N, P>) -> bool {
        if self.waits_in_vain(state) {
            return false;
        }
        let servers = &state.servers[self.indices()];
        let follows = |leader: ServerId| {
            let follows = move |server: &&Server<Flat<N>>| {
                server.role == Role::Following && server.vote.leader == leader
            };
            servers.iter().filter(follows).count()
        };
        let elects_only = self.bounds.election == Election::FleOnly;
        let is_done = |leader: &Server<Flat<N>>| {
            elects_only || (leader.phase == Phase::Broadcast && state.budget.requests == 0)
        };
        let leads = |server: &Server<Flat<N>>| {
            server.role == Role::Leading
                && follows(server.id) + 1 >= self.majority()
                && is_done(server)
        };
        state.budget.rounds == 0 || servers.iter().any(leads)
    }

    /// In the order of `PROPERTIES` without those that do not apply, like `properties`.
    fn property_mask(&self, _: &[Property<Self>], state: &State<N, P>) -> u64 {
        holding(&Case::new(self, state))
    }
}
