//! Which actions are possible, in a fixed order, and the model as stateright sees it.

use stateright::{Model, Property};

use super::action::Action;
use super::bounds::Election;
use super::links::End;
use super::model::{NetworkMutant, Zab};
use super::oracle;
use super::properties::PROPERTIES;
use super::render;
use super::report::Kind;
use super::state::{Flat, State, id_at, index};
use crate::probe::NoProbe;
use crate::shape::{Queue, Shape};
use crate::types::{Phase, Role, ServerId, ServerSet};

impl Zab {
    fn push_server(&self, state: &State, id: ServerId, actions: &mut Vec<Action>) {
        let server = state.server(id);
        if server.role == Role::Down {
            let survivors = 0..=u8::try_from(server.unsynced()).unwrap_or(u8::MAX);
            actions.extend(survivors.map(|survived| Action::Start(id, survived)));
            return;
        }
        if state.budget.crashes > 0 {
            actions.push(Action::Crash(id));
        }
        if !server.program.is_finished() {
            actions.push(Action::Write(id));
            return;
        }
        self.push_notifications(state, id, actions);
        match server.role {
            Role::Down => {}
            Role::Looking => self.push_looking(state, id, actions),
            Role::Following => self.push_following(state, id, actions),
            Role::Leading => self.push_leading(state, id, actions),
        }
        if server.role != Role::Looking
            && (self.is_stranded(state, id) || state.budget.timeouts > 0)
        {
            actions.push(Action::LeaveRole(id));
        }
        if server.phase == Phase::Broadcast {
            let unsynced =
                server.history.as_slice().iter().skip(Flat::length(&server.disk.history));
            actions.extend(unsynced.map(|txn| Action::Sync(id, txn.zxid)));
        }
    }

    fn push_notifications(&self, state: &State, id: ServerId, actions: &mut Vec<Action>) {
        for from in self.others(id) {
            if !state.links.notes[index(from)][index(id)].as_slice().is_empty() {
                actions.push(Action::Notification(from, id));
            }
        }
    }

    fn push_looking(&self, state: &State, id: ServerId, actions: &mut Vec<Action>) {
        if !self.has_oracle() {
            actions.push(Action::Settle(id));
            if state.budget.resends > 0 {
                actions.push(Action::Resend(id));
            }
            return;
        }
        if state.budget.rounds > 0 {
            for followers in subsets(self.others(id)) {
                if self.can_elect(state, id, followers) {
                    actions.push(Action::Elect(id, followers));
                }
            }
        }
        for leader in self.others(id) {
            if oracle::can_join(&self.config, state, id, leader) {
                actions.push(Action::Join(id, leader));
            }
        }
    }

    fn push_following(&self, state: &State, id: ServerId, actions: &mut Vec<Action>) {
        let down = &state.links.down[index(id)];
        match down.end {
            End::Closed => {
                let leads = state.server(state.server(id).vote.leader).role == Role::Leading;
                if leads && self.bounds.election != Election::FleOnly {
                    actions.push(Action::Connect(id));
                }
            }
            End::Open => {
                if state.budget.disconnects > 0 {
                    actions.push(Action::Cut(id));
                }
                let waiting = down.queue.as_slice().len();
                match self.network {
                    Some(NetworkMutant::Drops) if waiting > 0 => actions.push(Action::Lose(id)),
                    Some(NetworkMutant::Reorders) if waiting > 1 => actions.push(Action::Swap(id)),
                    Some(NetworkMutant::Drops | NetworkMutant::Reorders) | None => {}
                }
            }
            End::Severed => actions.push(Action::LearnerNotices(id)),
        }
        if !down.queue.as_slice().is_empty() {
            actions.push(Action::ToLearner(id));
        }
    }

    fn push_leading(&self, state: &State, id: ServerId, actions: &mut Vec<Action>) {
        for learner in self.others(id) {
            let up = &state.links.up[index(learner)][index(id)];
            if !up.queue.as_slice().is_empty() {
                actions.push(Action::ToLeader(learner, id));
            }
            if up.newer != End::Closed {
                actions.push(Action::Accept(learner, id));
            }
            if up.end == End::Severed {
                actions.push(Action::LeaderNotices(learner, id));
            }
        }
        if state.server(id).phase == Phase::Broadcast && state.budget.requests > 0 {
            actions.push(Action::Request(id));
        }
    }
}

/// Every subset of a few servers, the empty one first.
fn subsets(servers: impl Iterator<Item = ServerId>) -> Vec<ServerSet> {
    let mut sets = vec![ServerSet::default()];
    for id in servers {
        for place in 0..sets.len() {
            let mut larger = sets[place];
            larger.insert(id);
            sets.push(larger);
        }
    }
    sets
}

impl Model for Zab {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        self.starts.iter().map(|start| self.initial(start)).collect()
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for place in self.indices() {
            self.push_server(state, id_at(place), actions);
        }
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        self.act(state, action, &mut NoProbe)
    }

    fn format_action(&self, action: &Action) -> String {
        action.to_string()
    }

    fn format_step(&self, state: &State, action: Action) -> Option<String> {
        render::step_text(self, state, action)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let property = |property: &super::properties::Property| match property.kind {
            Kind::Always => Property::always(property.name, property.check),
            Kind::Sometimes => Property::sometimes(property.name, property.check),
        };
        PROPERTIES.iter().filter(|property| property.applies(self)).map(property).collect()
    }
}
