//! Runs of the model through actions that a test chooses.

use stateright::Model;
use zab_model::explore::{Action, State, Zab};
use zab_model::{Message, NoProbe, Queue, ServerId, ServerSet};

/// A model and the state that a script has brought it to.
pub(crate) struct Script {
    pub(crate) model: Zab,
    pub(crate) state: State,
}

pub(crate) fn id(number: u8) -> ServerId {
    ServerId(number)
}

pub(crate) fn set(numbers: &[u8]) -> ServerSet {
    let mut set = ServerSet::default();
    for number in numbers {
        set.insert(id(*number));
    }
    set
}

impl Script {
    /// A script that begins in the model's first initial state.
    pub(crate) fn new(model: Zab) -> Self {
        let state = model.init_states().remove(0);
        Self { model, state }
    }

    /// The actions that are possible now.
    pub(crate) fn possible(&self) -> Vec<Action> {
        let mut actions = Vec::new();
        self.model.actions(&self.state, &mut actions);
        actions.retain(|action| self.model.next_state(&self.state, *action).is_some());
        actions
    }

    /// Takes one action, which must be among the possible ones.
    pub(crate) fn act(&mut self, action: Action) {
        let possible = self.possible();
        assert!(possible.contains(&action), "{action} is not among {possible:?}");
        let next = self.model.act(&self.state, action, &mut NoProbe);
        self.state = next.expect("the action is possible");
    }

    /// Lets these servers connect, talk to each other and write until nothing is left to be done.
    /// Logs are synced only by [`Script::sync`].
    pub(crate) fn talk(&mut self, servers: &[u8]) {
        let among = |server: ServerId| servers.contains(&server.0);
        while let Some(action) = self.possible().into_iter().find(|action| {
            if let Action::Connect(server) = action {
                let leader = self.state.servers[usize::from(server.0) - 1].vote.leader;
                among(*server) && among(leader)
            } else if let Action::Write(server) | Action::ToLearner(server) = action {
                among(*server)
            } else if let Action::Accept(from, to) | Action::ToLeader(from, to) = action {
                among(*from) && among(*to)
            } else {
                false
            }
        }) {
            self.act(action);
        }
    }

    /// A server's log becomes durable as far as it goes.
    pub(crate) fn sync(&mut self, server: u8) {
        let log = &self.state.servers[usize::from(server) - 1].history;
        let number = *log.numbers().last().expect("a transaction to sync");
        let last = self.state.transactions[usize::from(number) - 1].zxid;
        self.act(Action::Sync(id(server), last));
    }

    /// What is on its way to a learner.
    pub(crate) fn on_its_way(&self, learner: u8) -> Vec<String> {
        let packets = self.state.links.down[usize::from(learner) - 1].queue.as_slice();
        let messages = packets.iter().filter_map(|packet| packet.decode());
        messages.map(|message: Message<_>| message.to_string()).collect()
    }
}
