//! Servers × channels × environment, as a model that stateright can explore.

use super::abstraction::Seen;
use super::action::Action;
use super::bounds::{Bounds, Election};
use super::effects::Change;
use super::ghost::{Established, Ghost, Violation};
use super::links::{End, Links};
use super::oracle;
use super::packet::Packet;
use super::sizes::{Flat, Log, PAIRS, SERVERS, TXNS_MAX, Transactions, id_at, index};
use super::state::{Budget, State};
use crate::config::{Config, Ensemble};
use crate::dispatch::apply;
use crate::message::Message;
use crate::outbox::Outbox;
use crate::probe::{NoProbe, Probe};
use crate::server::Server;
use crate::shape::Queue;
use crate::step::{Enabled, Step};
use crate::stores::Disk;
use crate::types::{Role, ServerId, ServerSet, Vote};

/// What a run begins with: the disks of the servers, and what properties remember of the past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start<const N: usize = SERVERS> {
    /// By index.
    pub disks: [Disk<Flat<N>>; N],
    /// The transactions made earlier.
    pub transactions: Transactions,
    /// What was committed earlier.
    pub committed: Log,
    /// The leader that was established last, if any was.
    pub established: Option<Established>,
    /// An election that is over, if one is, of all servers but those that are down. Nothing that was
    /// said in it is in flight.
    pub settled: Option<Settled>,
    /// Who is down. A server that has settled has gone down since.
    pub down: ServerSet,
}

/// Who has decided for whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    /// The server that leads.
    pub leader: ServerId,
    /// Those that follow it.
    pub followers: ServerSet,
}

/// Empty disks, and no past.
impl<const N: usize> Default for Start<N> {
    fn default() -> Self {
        Self {
            disks: [Disk::default(); N],
            transactions: Transactions::default(),
            committed: Log::default(),
            established: None,
            settled: None,
            down: ServerSet::default(),
        }
    }
}

/// A defect of the network, seeded to show that the properties notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkMutant {
    /// A learner may receive the second packet in its queue before the first.
    Reorders,
    /// A packet to a learner may vanish from a connection that stays up.
    Drops,
}

/// The system to be explored.
#[derive(Clone, Debug)]
pub struct Zab<const N: usize = SERVERS, const P: usize = PAIRS> {
    /// How far to explore.
    pub bounds: Bounds,
    /// The ensemble, the window, and a seeded defect if any.
    pub ensemble: Ensemble,
    /// The initial states, one for each; servers are up and looking, but for those that the start
    /// names.
    pub starts: Vec<Start<N>>,
    /// A defect of the network, if any.
    pub network: Option<NetworkMutant>,
}

impl Zab {
    /// [`Zab::sized`] for up to three servers.
    #[must_use]
    pub fn new(bounds: Bounds, window: usize) -> Option<Self> {
        Self::sized(bounds, window)
    }
}

impl<const N: usize, const P: usize> Zab<N, P> {
    /// The protocol with these bounds and this window, from empty disks. `None` when the shape has
    /// no room for so many servers or requests.
    #[must_use]
    pub fn sized(bounds: Bounds, window: usize) -> Option<Self> {
        let config = Config::<Flat<N>>::with_observers(bounds.servers, bounds.observers)?;
        let ensemble = config.ensemble;
        let fits = usize::from(bounds.requests) <= TXNS_MAX;
        fits.then(|| Self {
            bounds,
            ensemble: Ensemble { window, forget_committed: true, ..ensemble },
            starts: vec![Start::default()],
            network: None,
        })
    }

    /// The number of voters that is a strict majority, whatever defect is seeded.
    #[must_use]
    pub fn majority(&self) -> usize {
        usize::from(self.bounds.servers) / 2 + 1
    }

    /// The indices of voters and observers.
    pub(super) fn members(&self) -> std::ops::Range<usize> {
        0..usize::from(self.bounds.servers) + usize::from(self.bounds.observers)
    }

    /// The voters' indices.
    pub(super) fn indices(&self) -> std::ops::Range<usize> {
        0..usize::from(self.bounds.servers)
    }

    /// The voters' ids, without one.
    pub(super) fn others(&self, id: ServerId) -> impl Iterator<Item = ServerId> + '_ {
        self.ensemble.voters().filter(move |other| *other != id)
    }

    /// The ids of voters and observers, without one.
    pub(super) fn other_members(&self, id: ServerId) -> impl Iterator<Item = ServerId> + '_ {
        self.ensemble.members().filter(move |other| *other != id)
    }

    pub(super) fn has_oracle(&self) -> bool {
        match self.bounds.election {
            Election::Oracle | Election::Anybody => true,
            Election::Fle | Election::FleOnly => false,
        }
    }

    pub(super) fn can_elect(
        &self,
        state: &State<N, P>,
        leader: ServerId,
        followers: ServerSet,
    ) -> bool {
        let whoever = self.bounds.election == Election::Anybody;
        oracle::can_elect(self.ensemble, state, leader, followers, whoever)
    }

    /// The state in which servers have just started. They start at once, so no notification is
    /// lost because its receiver is still down; unless an election is over, or a server is still down.
    pub(super) fn initial(&self, start: &Start<N>) -> State<N, P> {
        let server = |index: usize| Server::recovered(id_at(index), start.disks[index]);
        let before: [Server<Flat<N>>; N] = std::array::from_fn(server);
        let mut ghost = Ghost::default();
        ghost.committed = start.committed;
        if let Some(leader) = start.established {
            ghost.establish(leader);
        }
        let (links, budget) = (Links::default(), Budget::of(&self.bounds));
        let transactions = start.transactions;
        let mut state = State { servers: before, transactions, links, ghost, budget };
        let (config, step) = (state.config(self.ensemble), Step::Start { survived: 0 });
        let started = self.ensemble.members().map(|id| {
            let mut out = Outbox::default();
            let server = &mut state.servers[index(id)];
            let _ = apply(&config, server, step, &mut out, &mut NoProbe);
            (id, out)
        });
        let started: Vec<_> = started.collect();
        for (id, out) in &started {
            Change {
                config: &config,
                notifies: !self.has_oracle(),
                id: *id,
                before: &before[index(*id)],
                step,
                out,
            }
            .spread(&mut state);
            if self.has_oracle() {
                oracle::forget_election(&mut state.servers[index(*id)]);
            }
        }
        self.settle_at_first(&mut state, start);
        state
    }

    /// Takes one server through one step, with the effects on channels and on what properties
    /// remember. `false` when the step is not possible; the state must not be used then.
    pub(super) fn step<B: Probe>(
        &self,
        state: &mut State<N, P>,
        id: ServerId,
        step: Step<Flat<N>>,
        probe: &mut B,
    ) -> bool {
        let before = *state.server(id);
        let mut out = Outbox::default();
        let config = &state.config(self.ensemble);
        let seen = Seen::of(config, state, id);
        match apply(config, &mut state.servers[index(id)], step, &mut out, probe) {
            Enabled::No => return false,
            Enabled::Yes => {}
        }
        state.transactions = config.logs.transactions();
        out.sent().for_each(|(to, message)| probe.sent(id, to, message));
        let notifies = !self.has_oracle();
        Change { config, notifies, id, before: &before, step, out: &out }.spread(state);
        if seen.step_to(config, state).is_none() {
            state.ghost.mark(Violation::NoAbstractStep);
        }
        if self.has_oracle() {
            oracle::forget_election(&mut state.servers[index(id)]);
        }
        self.pay_for_return(state, id, &before)
    }

    /// With messages in elections, every return to LOOKING costs one of the rounds.
    fn pay_for_return(
        &self,
        state: &mut State<N, P>,
        id: ServerId,
        before: &Server<Flat<N>>,
    ) -> bool {
        let had_role = before.role == Role::Following || before.role == Role::Leading;
        if self.has_oracle() || !had_role || state.server(id).role != Role::Looking {
            return true;
        }
        spend(&mut state.budget.rounds)
    }

    /// The state after an action, with the guards that were looked at. `None` when the action is
    /// not possible.
    pub fn act<B: Probe>(
        &self,
        state: &State<N, P>,
        action: Action,
        probe: &mut B,
    ) -> Option<State<N, P>> {
        let mut next = *state;
        self.perform(&mut next, action, probe).then_some(next)
    }

    fn perform<B: Probe>(&self, state: &mut State<N, P>, action: Action, probe: &mut B) -> bool {
        match action {
            Action::Start(id, survived) => {
                state.links.start(index(id));
                self.step(state, id, Step::Start { survived }, probe)
            }
            Action::Crash(id) => {
                spend(&mut state.budget.crashes) && self.step(state, id, Step::Crash, probe)
            }
            Action::Elect(leader, followers) => self.elect(state, leader, followers, probe),
            Action::Join(id, leader) => {
                let vote = oracle::winning_vote(state, leader);
                oracle::can_join(self.ensemble, state, id, leader)
                    && self.settle(state, id, vote, probe)
            }
            Action::Observe(id, leader) => self.step(state, id, Step::Observe { leader }, probe),
            Action::Notification(from, to) => self.notification(state, from, to, probe),
            Action::Settle(id) => self.step(state, id, Step::Settle, probe),
            Action::Resend(id) => {
                spend(&mut state.budget.resends) && self.step(state, id, Step::Resend, probe)
            }
            Action::Connect(id) => {
                let peer = state.server(id).vote.leader;
                self.step(state, id, Step::Connected { peer }, probe)
            }
            Action::Accept(learner, leader) => self.accept(state, learner, leader, probe),
            Action::OlderToLeader(from, to) => self.older_to_leader(state, from, to, probe),
            Action::OlderEnds(learner, leader) => self.older_ends(state, learner, leader, probe),
            Action::ToLeader(learner, leader) => self.to_leader(state, learner, leader, probe),
            Action::ToLearner(id) => self.to_learner(state, id, probe),
            Action::Cut(id) => {
                state.links.cut(index(id));
                spend(&mut state.budget.disconnects)
            }
            Action::Lose(id) => {
                state.links.down[index(id)].queue.pop();
                true
            }
            Action::Swap(id) => {
                state.links.down[index(id)].queue.as_mut_slice()[..2].swap(0, 1);
                true
            }
            Action::LearnerNotices(id) => {
                let peer = state.server(id).vote.leader;
                self.step(state, id, Step::Disconnected { peer }, probe)
            }
            Action::LeaderNotices(learner, leader) => {
                state.links.leader_closes(index(leader), index(learner));
                self.step(state, leader, Step::Disconnected { peer: learner }, probe)
            }
            Action::LeaveRole(id) => {
                (self.is_stranded(state, id) || spend(&mut state.budget.timeouts))
                    && self.step(state, id, Step::LeaveRole, probe)
            }
            Action::Write(id) => self.step(state, id, Step::ProgramNext, probe),
            Action::Apply(id) => self.step(state, id, Step::Apply, probe),
            Action::Handler(learner, id) => self.step(state, id, Step::Handler { learner }, probe),
            Action::Sync(id, up_to) => self.step(state, id, Step::SyncLog { up_to }, probe),
            Action::Request(id) => self.request(state, id, probe),
            Action::Kill(id) => self.kill(state, id, probe),
            Action::CutReturns(id) => self.step(state, id, Step::CutReturns, probe),
            Action::LoseDisk(id) => {
                spend(&mut state.budget.lost_disks) && self.step(state, id, Step::LoseDisk, probe)
            }
            Action::AppendFails(id) => {
                spend(&mut state.budget.failed_appends)
                    && self.step(state, id, Step::AppendFails, probe)
            }
            Action::ZombieWrites(id) => self.step(state, id, Step::ZombieWrites, probe),
        }
    }

    /// A process ends. What was appended is still there, and so is a cut: the operating system
    /// writes it.
    fn kill<B: Probe>(&self, state: &mut State<N, P>, id: ServerId, probe: &mut B) -> bool {
        let is_killed = spend(&mut state.budget.kills) && self.step(state, id, Step::Crash, probe);
        let server = &mut state.servers[index(id)];
        server.disk.history = server.history;
        server.disk.cut = Log::default();
        is_killed
    }

    fn notification<B: Probe>(
        &self,
        state: &mut State<N, P>,
        from: ServerId,
        to: ServerId,
        probe: &mut B,
    ) -> bool {
        let queue = &mut state.links.notes[(index(from), index(to))];
        let Some(note) = queue.as_slice().first().copied() else { return false };
        queue.pop();
        let message = Message::Notification(note.decode());
        self.step(state, to, Step::Receive { from, message }, probe)
    }

    fn to_leader<B: Probe>(
        &self,
        state: &mut State<N, P>,
        learner: ServerId,
        leader: ServerId,
        probe: &mut B,
    ) -> bool {
        let up = &mut state.links.up[(index(learner), index(leader))];
        let Some(packet) = up.take() else { return false };
        self.receive(state, leader, learner, packet, probe)
    }

    fn request<B: Probe>(&self, state: &mut State<N, P>, id: ServerId, probe: &mut B) -> bool {
        let made = state.transactions.iter().filter(|txn| txn.zxid.counter > 0).count();
        let payload = u8::try_from(made + 1).unwrap_or(u8::MAX);
        if made == TXNS_MAX {
            // Histories have no room for it. Without this mark behaviours would be left out
            // silently.
            state.ghost.mark(Violation::Overflow);
            return spend(&mut state.budget.requests);
        }
        spend(&mut state.budget.requests) && self.step(state, id, Step::Request { payload }, probe)
    }

    fn to_learner<B: Probe>(&self, state: &mut State<N, P>, id: ServerId, probe: &mut B) -> bool {
        let down = &mut state.links.down[index(id)];
        let leader = down.leader;
        let Some(packet) = down.next() else { return false };
        down.queue.pop();
        self.receive(state, id, id_at(usize::from(leader)), packet, probe)
    }

    pub(super) fn receive<B: Probe>(
        &self,
        state: &mut State<N, P>,
        to: ServerId,
        from: ServerId,
        packet: Packet,
        probe: &mut B,
    ) -> bool {
        let Some(message) = packet.message() else { return false };
        self.step(state, to, Step::Receive { from, message }, probe)
    }

    fn elect<B: Probe>(
        &self,
        state: &mut State<N, P>,
        leader: ServerId,
        followers: ServerSet,
        probe: &mut B,
    ) -> bool {
        let vote = oracle::winning_vote(state, leader);
        self.can_elect(state, leader, followers)
            && spend(&mut state.budget.rounds)
            && self.settle(state, leader, vote, probe)
            && followers.iter().all(|id| self.settle(state, id, vote, probe))
    }

    fn settle<B: Probe>(
        &self,
        state: &mut State<N, P>,
        id: ServerId,
        vote: Vote<u8>,
        probe: &mut B,
    ) -> bool {
        let enabled = oracle::settle(self.ensemble, state, id, vote, probe) == Enabled::Yes;
        oracle::forget_election(&mut state.servers[index(id)]);
        enabled
    }

    /// Whether it is useless for a server to wait in its role: a follower without a connection
    /// whose leader does not lead, or a leader with too few followers. Leaving the role is then
    /// free; otherwise it costs a timeout.
    pub(super) fn is_stranded(&self, state: &State<N, P>, id: ServerId) -> bool {
        let server = state.server(id);
        match server.role {
            Role::Down | Role::Looking => false,
            Role::Following => {
                state.links.down[index(id)].end == End::Closed
                    && state.server(server.vote.leader).role != Role::Leading
            }
            Role::Leading => {
                let supports = |other: &ServerId| {
                    let follower = state.server(*other);
                    follower.role == Role::Following
                        && follower.vote.leader == id
                        && state.links.down[index(*other)].end != End::Severed
                };
                self.others(id).filter(supports).count() + 1 < self.majority()
            }
        }
    }
}

/// Takes one from a budget; `false` when nothing is left of it.
fn spend(budget: &mut u8) -> bool {
    let left = budget.checked_sub(1);
    *budget = left.unwrap_or(0);
    left.is_some()
}
