//! Chooses steps, takes them, and writes down what happened.

use super::dice::Dice;
use super::network::Network;
use super::{Connection, Entry, Place, Plan, Port, Run};
use crate::config::Config;
use crate::dispatch::apply;
use crate::message::Message;
use crate::number::Number;
use crate::outbox::{Effect, Outbox};
use crate::probe::NoProbe;
use crate::server::{Server, Stage};
use crate::shape::Shape;
use crate::step::{Enabled, Step};
use crate::types::{Phase, Role, ServerId};

/// Something that the walk can do next.
#[derive(Clone, Copy, Debug)]
enum Choice {
    Start(ServerId),
    Crash(ServerId),
    Receive(ServerId, usize, ServerId),
    Settle(ServerId),
    Resend(ServerId),
    Connect(ServerId),
    Cut(usize),
    Notice(ServerId, usize, ServerId),
    /// Free when waiting can bring nothing.
    Leave(ServerId, bool),
    Write(ServerId),
    Sync(ServerId),
    Request(ServerId),
}

/// A random run while it takes place.
pub(super) struct Walker<'a, S: Shape> {
    seed: u64,
    plan: Plan<S>,
    made: &'a Plan<S>,
    config: Config<S>,
    dice: Dice,
    servers: Vec<Server<S>>,
    incarnations: Vec<u32>,
    network: Network<S>,
    entries: Vec<Entry<S>>,
}

fn row(id: ServerId) -> usize {
    usize::from(id.0) - 1
}

impl<'a, S: Shape> Walker<'a, S> {
    pub(super) fn new(seed: u64, plan: &'a Plan<S>, config: Config<S>) -> Self {
        let servers: Vec<_> = config.voters().map(Server::new).collect();
        let incarnations = vec![0; servers.len()];
        let (dice, network, entries) = (Dice::new(seed), Network::new(), Vec::new());
        let made = plan;
        let plan = *plan;
        Self { seed, plan, made, config, dice, servers, incarnations, network, entries }
    }

    pub(super) fn run(mut self) -> Run<S> {
        while self.entries.len() < self.plan.steps {
            let mut choices = self.choices();
            loop {
                // Whoever crashed can start, so there always is something to do.
                let Some(choice) = self.dice.draw(&mut choices) else { return self.end() };
                if self.take(choice) {
                    break;
                }
            }
        }
        self.end()
    }

    fn end(self) -> Run<S> {
        let connections = self.network.connections();
        Run { seed: self.seed, config: self.config, connections, entries: self.entries }
    }

    /// What can be tried, with its weight: work is likely, waiting too long and faults are rare.
    fn choices(&self) -> Vec<(usize, Choice)> {
        let mut choices = Vec::new();
        for server in &self.servers {
            let id = server.id;
            if server.role == Role::Down {
                choices.push((20, Choice::Start(id)));
                continue;
            }
            if self.plan.crashes > 0 {
                choices.push((1, Choice::Crash(id)));
            }
            if !server.program.is_finished() {
                choices.push((60, Choice::Write(id)));
                continue;
            }
            let receivable = self.network.receivable(id).into_iter();
            choices.extend(receivable.map(|(at, from)| (100, Choice::Receive(id, at, from))));
            let ended = self.network.ended(id).into_iter();
            choices.extend(ended.map(|(at, peer)| (10, Choice::Notice(id, at, peer))));
            self.choices_of_role(server, &mut choices);
        }
        if self.plan.disconnects > 0 {
            choices.extend(self.network.working().into_iter().map(|at| (1, Choice::Cut(at))));
        }
        choices
    }

    fn choices_of_role(&self, server: &Server<S>, choices: &mut Vec<(usize, Choice)>) {
        let id = server.id;
        match server.role {
            Role::Down => {}
            Role::Looking => choices.extend([(5, Choice::Settle(id)), (1, Choice::Resend(id))]),
            Role::Following | Role::Leading => {
                let stranded = self.is_stranded(server);
                if stranded || self.plan.timeouts > 0 {
                    choices.push((if stranded { 5 } else { 1 }, Choice::Leave(id, stranded)));
                }
                if server.synchronization.stage == Stage::Idle && server.phase == Phase::Discovery {
                    choices.push((40, Choice::Connect(id)));
                }
                if server.phase == Phase::Broadcast && server.unsynced() > 0 {
                    choices.push((30, Choice::Sync(id)));
                }
                if server.role == Role::Leading && self.plan.requests > 0 {
                    choices.push((10, Choice::Request(id)));
                }
            }
        }
    }

    /// Whether nothing can come of waiting: see `Zab::is_stranded`, which has the same rule.
    fn is_stranded(&self, server: &Server<S>) -> bool {
        let supports =
            |other: &&Server<S>| other.role == Role::Following && other.vote.leader == server.id;
        match server.role {
            Role::Down | Role::Looking => false,
            Role::Following => {
                let idle =
                    server.synchronization.stage == Stage::Idle && server.phase == Phase::Discovery;
                idle && self.servers[row(server.vote.leader)].role != Role::Leading
            }
            Role::Leading => {
                self.servers.iter().filter(supports).count() + 1 < self.config.quorum()
            }
        }
    }

    /// Tries a choice; `false` when it is not possible, and nothing has happened then.
    fn take(&mut self, choice: Choice) -> bool {
        match choice {
            Choice::Start(id) => {
                let survived = self.dice.below(self.servers[row(id)].unsynced() + 1);
                let step = Step::Start { survived: S::Num::from_usize(survived) };
                self.start(id, step)
            }
            Choice::Crash(id) => self.step(id, Step::Crash, None) && spend(&mut self.plan.crashes),
            Choice::Receive(id, at, from) => self.receive(id, at, from),
            Choice::Settle(id) => self.step(id, Step::Settle, None),
            Choice::Resend(id) => self.step(id, Step::Resend, None),
            Choice::Connect(id) => self.connect(id),
            Choice::Cut(at) => {
                self.network.cut(at);
                spend(&mut self.plan.disconnects)
            }
            Choice::Notice(id, at, peer) => {
                let done = self.step(id, Step::Disconnected { peer }, Some(at));
                if done {
                    self.network.close(at, id);
                }
                done
            }
            Choice::Leave(id, free) => {
                self.step(id, Step::LeaveRole, None) && (free || spend(&mut self.plan.timeouts))
            }
            Choice::Write(id) => self.step(id, Step::ProgramNext, None),
            Choice::Sync(id) => {
                let server = &self.servers[row(id)];
                let more = 1 + self.dice.below(server.unsynced());
                let length = S::length(&server.disk.history) + more;
                let up_to = self.config.history(server.history).zxid_at(length);
                self.step(id, Step::SyncLog { up_to }, None)
            }
            Choice::Request(id) => {
                let number = self.made.requests - self.plan.requests + 1;
                let payload = (self.plan.payload)(number);
                self.step(id, Step::Request { payload }, None) && spend(&mut self.plan.requests)
            }
        }
    }

    /// A process starts; elections get connections to everybody who is there.
    fn start(&mut self, id: ServerId, step: Step<S>) -> bool {
        self.incarnations[row(id)] += 1;
        for peer in self.config.voters().filter(|peer| *peer != id) {
            for old in self.network.open_ends(Port::Election, peer, Some(id)) {
                self.network.close(old, peer);
            }
            if self.servers[row(peer)].role != Role::Down {
                let (dialler, acceptor) = (id.max(peer), id.min(peer));
                self.network.open(Connection { port: Port::Election, dialler, acceptor });
            }
        }
        self.step(id, step, None)
    }

    fn connect(&mut self, id: ServerId) -> bool {
        let peer = self.servers[row(id)].vote.leader;
        if peer == id || self.servers[row(peer)].role != Role::Leading {
            return false;
        }
        let connection = Connection { port: Port::Quorum, dialler: id, acceptor: peer };
        let at = self.network.open(connection);
        self.step(id, Step::Connected { peer }, Some(at))
    }

    fn receive(&mut self, id: ServerId, at: usize, from: ServerId) -> bool {
        let Some((_, message)) = self.network.first(at, id) else { return false };
        let hello = matches!(message, Message::FollowerInfo { .. });
        // A new connection ends the older ones of the same learner; see `l.1.1`.
        let newest = self.network.open_ends(Port::Quorum, id, Some(from)).last() == Some(&at);
        if hello && !newest {
            return false;
        }
        self.step(id, Step::Receive { from, message }, Some(at))
    }

    fn step(&mut self, id: ServerId, step: Step<S>, connection: Option<usize>) -> bool {
        let mut out = Outbox::default();
        let server = &mut self.servers[row(id)];
        match apply(&self.config, server, step, &mut out, &mut NoProbe) {
            Enabled::No => return false,
            Enabled::Yes => {}
        }
        let mut consumed = None;
        if let (Step::Receive { .. }, Some(at)) = (step, connection) {
            consumed =
                self.network.first(at, id).map(|(ordinal, _)| Place { connection: at, ordinal });
            self.network.take(at, id);
        }
        let mut entry = Entry {
            server: id,
            incarnation: self.incarnations[row(id)],
            step,
            connection,
            consumed,
            effects: out.effects().to_vec(),
            sent: Vec::new(),
            closed: Vec::new(),
            after: self.servers[row(id)].projection(&self.config),
        };
        self.spread(&mut entry);
        self.entries.push(entry);
        true
    }

    /// Carries the effects of a step to the connections.
    fn spread(&mut self, entry: &mut Entry<S>) {
        let id = entry.server;
        if entry.step == Step::Crash {
            for port in [Port::Election, Port::Quorum] {
                for at in self.network.open_ends(port, id, None) {
                    self.network.close(at, id);
                }
            }
        }
        for effect in entry.effects.clone() {
            let ends = match effect {
                Effect::Sent { to, message } => {
                    let election = matches!(message, Message::Notification(_));
                    let port = if election { Port::Election } else { Port::Quorum };
                    let at = self.network.between(port, id, to);
                    entry.sent.push(at.map(|at| self.network.send(at, id, message)));
                    continue;
                }
                Effect::Closed(peer) => self.accepted_ends(id, peer, None),
                Effect::Replaced(peer) => self.accepted_ends(id, peer, entry.connection),
                Effect::ClosedAll => self.network.open_ends(Port::Quorum, id, None),
                Effect::Persisted(_) | Effect::Delivered(_) | Effect::Decided(_) => continue,
            };
            for at in ends {
                self.network.close(at, id);
                entry.closed.push(at);
            }
        }
    }

    /// The accepted connections of a learner at its leader, without one.
    fn accepted_ends(&self, id: ServerId, peer: ServerId, but: Option<usize>) -> Vec<usize> {
        let mut ends = self.network.open_ends(Port::Quorum, id, Some(peer));
        ends.retain(|at| self.network.is_accepted(*at) && Some(*at) != but);
        ends
    }
}

/// Takes one from a budget, which is not spent. Always `true`.
fn spend(budget: &mut u32) -> bool {
    *budget = budget.saturating_sub(1);
    true
}
