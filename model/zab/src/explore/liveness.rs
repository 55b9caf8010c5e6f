//! What must come about once the faults are over.
//!
//! # Runs
//!
//! Faults and requests have their budgets, so that every run comes to its last one. What the protocol
//! does again has none: elections are not counted, and epochs are their ranks ([`Unlimited`]), so that a
//! run that elects again and again comes back to where it was.
//!
//! A server that waits in vain gives up. ZooKeeper has `initLimit` for this: a leader that gets no
//! quorum, and a follower whose leader does not go on, leave their roles (`Leader.getEpochToPropose`,
//! `Leader.waitForEpochAck`, `Leader.waitForNewLeaderAck`, the read timeout of `Learner`). The model has
//! no clock; here limits are longer than anything else takes ([`Action::Timeout`]): where no server has
//! a step left, each that has a role and is not in broadcast may give it up. What a server does over and
//! over that turns down the leader's epoch does not count. Such a timeout is no fault, and costs nothing.
//!
//! An election lasts longer than it takes a server to notice that its leader is gone: those that do not
//! ([`Action::Hasty`]) come to an end. `finalizeWait` of `FastLeaderElection` is for this, and promises it
//! no more than a limit can. Otherwise a leader that steps down for a fresher learner
//! (`l.1.2`) could win each time before that learner takes part.
//!
//! # Claims
//!
//! [`STATEMENTS`] has them in words. Most speak of runs with a quorum that is up; a connection that is
//! broken may always be made again. Starts are fair, so every server comes up in the end, unless it
//! cannot start.
//!
//! # Fairness
//!
//! Weak fairness of each step of the protocol for each server, and where a leader has a step for each
//! learner, for each pair; of elections, that there is one ([`Live::fairness`]). Strong fairness of
//! giving up: a server that waits in vain again and again does so at some time, whatever others do
//! meanwhile, as its limit is counted from when it began to wait. Faults, requests, and timeouts that are
//! faults owe nobody anything. Runs may stutter in any state ([`Live::explore`]).

use stateright::{Model, Property};
use zab_explorer::{
    Claim, Condition, ExplorerModel, Fairness, Lasso, LiveProperty, Options, Progress, Reduced,
    ReducedAction, Reduction, Refused, StateGraph, Strength,
};

use super::action;
use super::ghost::{Violation, common};
use super::links::End;
use super::model::Zab;
use super::sizes::{Flat, PAIRS, SERVERS, id_at, index};
use super::state::State;
use super::unlimited::Unlimited;
use crate::probe::NoProbe;
use crate::shape::Shape;
use crate::types::{Phase, Role, ServerId};

/// What every claim assumes, in a sentence.
pub const ASSUMPTION: &str = "faults come to an end, and so do elections that do not wait for somebody \
    who looks or is about to; other elections have no bound; where no server has a step left, one that \
    waits for its leader or its quorum gives up its role";

/// The claims by name, each in a sentence, in the order of [`Live::claims`]. A server is *left out* that
/// has promised a later epoch than the leader's, which it therefore turns down.
pub const STATEMENTS: [(&str, &str); 7] = [
    ("comes_up", "from some time on, every server is up"),
    (
        "established",
        "whenever a quorum is up, then or later a leader in broadcast has a quorum of followers in \
         broadcast, or no quorum is up",
    ),
    (
        "joined",
        "whenever a quorum is up, then or later every server that is up is in broadcast under one \
         leader, or no quorum is up",
    ),
    ("joined_or_promised", "the same, but for servers that are left out"),
    (
        "settled",
        "from some time on, every server that is up is in broadcast under one leader, but for servers \
         that are left out, or no quorum is up",
    ),
    (
        "applied",
        "whenever something is committed, then or later every server that is up has applied all that \
         is, or no quorum is up",
    ),
    ("applied_or_promised", "the same, but for servers that are left out"),
];

/// The model whose runs are judged.
#[derive(Clone, Debug)]
pub struct Live<const N: usize = SERVERS, const P: usize = PAIRS> {
    reduced: Reduced<Unlimited<N, P>>,
}

/// A step of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// A step of the family.
    Step(ReducedAction<action::Action>),
    /// A server gives up its role although it need not: a fault.
    GivesUp(ReducedAction<action::Action>),
    /// An election that does not wait for somebody who looks, or is about to.
    Hasty(ReducedAction<action::Action>),
    /// A server that waits in vain gives up its role.
    Timeout(ServerId),
}

/// Of which servers a claim speaks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whom {
    All,
    ButPromised,
}

/// Kinds of steps that a leader takes for each learner.
const FOR_EACH_LEARNER: [&str; 6] =
    ["Accept", "ToLeader", "LeaderNotices", "Handler", "OlderToLeader", "OlderEnds"];

/// Kinds of steps of which fairness speaks.
const FAIR: [&str; 10] = [
    "Start",
    "Join",
    "Connect",
    "Accept",
    "ToLeader",
    "ToLearner",
    "LearnerNotices",
    "LeaveRole",
    "Write",
    "Sync",
];

/// The election: whoever wins.
const ELECT: &str = "Elect";
const GIVES_UP: &str = "GivesUp";
const HASTY: &str = "Hasty";
const TIMEOUT: &str = "Timeout";

impl<const N: usize, const P: usize> Live<N, P> {
    /// The runs within the bounds of a model, but for elections. `None` where elections have messages,
    /// at grain `threads`, and with observers.
    #[must_use]
    pub fn new(zab: &Zab<N, P>) -> Option<Self> {
        Unlimited::elections(zab).map(|reduced| Self { reduced })
    }

    fn zab(&self) -> &Zab<N, P> {
        self.reduced.as_ref()
    }

    fn servers(&self) -> usize {
        self.zab().indices().len()
    }

    /// Calls `visit` with every step.
    fn for_each_step(&self, state: &State<N, P>, mut visit: impl FnMut(Action, State<N, P>)) {
        let mut is_quiet = true;
        self.reduced.for_each_step(state, |step, next| {
            let gives_up = self.gives_up(state, &step.action);
            let who = learner(&step.action).unwrap_or(step.action.server());
            is_quiet &= gives_up
                || is_from_outside(&step.action)
                || next == *state
                || self.is_left_out(state, who);
            let action = if gives_up {
                Action::GivesUp(step)
            } else if self.is_hasty(state, &step.action) {
                Action::Hasty(step)
            } else {
                Action::Step(step)
            };
            visit(action, next);
        });
        if is_quiet {
            for id in self.zab().ensemble.voters() {
                self.timeout(state, id).into_iter().for_each(|next| {
                    visit(Action::Timeout(id), next);
                });
            }
        }
    }

    /// Whether a server leaves its role without need.
    fn gives_up(&self, state: &State<N, P>, action: &action::Action) -> bool {
        if let action::Action::LeaveRole(id) = action {
            return !self.zab().is_stranded(state, *id);
        }
        false
    }

    /// Whether an election leaves out a server that looks, or that follows one that does not lead and
    /// will notice.
    fn is_hasty(&self, state: &State<N, P>, action: &action::Action) -> bool {
        let action::Action::Elect(leader, followers) = action else { return false };
        self.zab().others(*leader).filter(|id| !followers.contains(*id)).any(|id| {
            let server = state.server(id);
            let leads = |id| state.server(id).role == Role::Leading;
            match server.role {
                Role::Looking => true,
                Role::Following => !leads(server.vote.leader),
                Role::Leading | Role::Down => false,
            }
        })
    }

    /// Whether a leader's epoch is decided, and is one that the server turns down: it comes and goes for
    /// ever, and no limit waits for that.
    fn is_left_out(&self, state: &State<N, P>, id: ServerId) -> bool {
        let promised = state.server(id).accepted_epoch;
        self.zab().others(id).map(|other| state.server(other)).any(|other| {
            let decided = other.role == Role::Leading && other.leader.decided;
            decided && other.accepted_epoch < promised
        })
    }

    /// The server that is left out for ever: through all of a run's cycle, or in its last state, while
    /// a leader is established (D-WAIT of `docs/src/rules.md`).
    #[must_use]
    pub fn waits(&self, lasso: &Lasso<State<N, P>>) -> Option<ServerId> {
        let last = lasso.stem.states.last();
        let for_ever = || last.into_iter().chain(&lasso.cycle.states);
        self.zab().ensemble.voters().find(|id| {
            let is_up = |state: &State<N, P>| state.server(*id).role != Role::Down;
            for_ever().all(|state| {
                is_up(state) && self.is_left_out(state, *id) && self.established(state).is_some()
            })
        })
    }

    /// The state after a server has waited in vain.
    fn timeout(&self, state: &State<N, P>, id: ServerId) -> Option<State<N, P>> {
        let server = state.server(id);
        let has_role = matches!(server.role, Role::Following | Role::Leading);
        if !has_role || server.phase == Phase::Broadcast {
            return None;
        }
        let mut before = *state;
        before.budget.timeouts = 1;
        let mut next = self.zab().act(&before, action::Action::LeaveRole(id), &mut NoProbe)?;
        next.budget.timeouts = state.budget.timeouts;
        Some(self.reduced.reduction().canonical(&next))
    }

    /// The graph on which the claims can be judged, with runs that may stutter anywhere.
    ///
    /// # Errors
    /// When the engine refuses to begin.
    pub fn explore(
        &self,
        options: &Options<'_>,
        progress: &mut dyn FnMut(&Progress),
    ) -> Result<StateGraph<'_, Self>, Refused> {
        Ok(StateGraph::explore(self, options, Self::claims(), progress)?.stuttering())
    }

    /// The claims, in the order of [`STATEMENTS`].
    #[must_use]
    pub fn claims() -> Vec<LiveProperty<Self>> {
        let quorum_up: fn(&Self, &State<N, P>) -> bool = |live, state| live.has_quorum_up(state);
        let committed: fn(&Self, &State<N, P>) -> bool =
            |_, state| Flat::<N>::length(&state.ghost.committed) > 0;
        let claims = [
            Claim::EventuallyAlways(|live: &Self, state| live.are_up(state) == live.servers()),
            Claim::LeadsTo(quorum_up, |live, state| {
                !live.has_quorum_up(state) || live.established(state).is_some()
            }),
            Claim::LeadsTo(quorum_up, |live, state| {
                !live.has_quorum_up(state) || live.all_serve(state, Whom::All)
            }),
            Claim::LeadsTo(quorum_up, |live, state| {
                !live.has_quorum_up(state) || live.all_serve(state, Whom::ButPromised)
            }),
            Claim::EventuallyAlways(|live, state| {
                !live.has_quorum_up(state) || live.all_serve(state, Whom::ButPromised)
            }),
            Claim::LeadsTo(committed, |live, state| {
                !live.has_quorum_up(state) || live.all_applied(state, Whom::All)
            }),
            Claim::LeadsTo(committed, |live, state| {
                !live.has_quorum_up(state) || live.all_applied(state, Whom::ButPromised)
            }),
        ];
        let named = STATEMENTS.into_iter().zip(claims);
        named.map(|((name, _), claim)| LiveProperty { name, claim }).collect()
    }

    fn are_up(&self, state: &State<N, P>) -> usize {
        self.zab().indices().filter(|at| state.servers[*at].role != Role::Down).count()
    }

    fn has_quorum_up(&self, state: &State<N, P>) -> bool {
        self.are_up(state) >= self.zab().majority()
    }

    /// The leader in broadcast that a quorum follows in broadcast.
    fn established(&self, state: &State<N, P>) -> Option<ServerId> {
        self.zab().ensemble.voters().find(|id| {
            let server = state.server(*id);
            let leads = server.role == Role::Leading && server.phase == Phase::Broadcast;
            let followers = self.zab().others(*id).filter(|other| serves(state, *other, *id));
            leads && followers.count() + 1 >= self.zab().majority()
        })
    }

    /// The servers that are up, and under that leader are not left out.
    fn of_whom(
        &self,
        state: &State<N, P>,
        leader: ServerId,
        whom: Whom,
    ) -> impl Iterator<Item = ServerId> {
        let epoch = state.server(leader).accepted_epoch;
        self.zab().ensemble.voters().filter(move |id| {
            let server = state.server(*id);
            let promised = server.accepted_epoch > epoch && whom == Whom::ButPromised;
            server.role != Role::Down && !promised
        })
    }

    /// Whether all that are up serve under one leader.
    fn all_serve(&self, state: &State<N, P>, whom: Whom) -> bool {
        self.established(state).is_some_and(|leader| {
            let mut servers = self.of_whom(state, leader, whom);
            servers.all(|id| id == leader || serves(state, id, leader))
        })
    }

    /// Whether all that are up serve under one leader, and have applied everything that is known to be
    /// committed.
    fn all_applied(&self, state: &State<N, P>, whom: Whom) -> bool {
        let committed = state.ghost.committed;
        let has_all = |id: ServerId| {
            let tree = state.server(id).database.tree;
            common(&tree, &committed) == Flat::<N>::length(&committed)
        };
        let leader = self.established(state).filter(|_| self.all_serve(state, whom));
        leader.is_some_and(|leader| self.of_whom(state, leader, whom).all(has_all))
    }

    /// The fairness that the claims need.
    #[must_use]
    pub fn fairness(&self) -> Fairness {
        let names = self.class_names();
        let of = |wanted: &dyn Fn(&str) -> bool| -> Vec<u16> {
            let classes = (0..).zip(&names);
            let classes = classes.filter(|(_, name)| wanted(kind(name)) && !is_of_itself(name));
            classes.map(|(class, _)| class).collect()
        };
        let (name, strength) = (ELECT.to_owned(), Strength::Weak);
        let classes = of(&|kind| kind == ELECT);
        let election = Fairness {
            conditions: vec![Condition { name, strength, classes }],
            ..Fairness::default()
        };
        Fairness::weak(&names, of(&|kind| FAIR.contains(&kind)))
            .and(election)
            .and(Fairness::strong(&names, of(&|kind| kind == TIMEOUT)))
            .finitely(of(&|kind| kind == HASTY))
    }
}

/// Whether a class is of a leader that is its own learner, which is nobody.
fn is_of_itself(class: &str) -> bool {
    let ids = class.split_once('(').and_then(|(_, ids)| ids.strip_suffix(')'));
    ids.and_then(|ids| ids.split_once(", ")).is_some_and(|(leader, learner)| leader == learner)
}

/// The kind of action that a class is of.
fn kind(class: &str) -> &str {
    class.split('(').next().unwrap_or(class)
}

/// Whether a server follows that leader in broadcast, over a connection that works.
fn serves<const N: usize, const P: usize>(
    state: &State<N, P>,
    id: ServerId,
    leader: ServerId,
) -> bool {
    let server = state.server(id);
    let follows = server.role == Role::Following && server.vote.leader == leader;
    let is_connected = state.links.down[index(id)].end == End::Open;
    follows && server.phase == Phase::Broadcast && is_connected
}

impl<const N: usize, const P: usize> Model for Live<N, P> {
    type State = State<N, P>;
    type Action = Action;

    fn init_states(&self) -> Vec<State<N, P>> {
        self.reduced.init_states()
    }

    fn actions(&self, state: &State<N, P>, actions: &mut Vec<Action>) {
        self.for_each_step(state, |action, _| actions.push(action));
    }

    fn next_state(&self, state: &State<N, P>, action: Action) -> Option<State<N, P>> {
        match action {
            Action::Step(step) | Action::GivesUp(step) | Action::Hasty(step) => {
                self.reduced.next_state(state, step)
            }
            Action::Timeout(id) => self.timeout(state, id),
        }
    }

    fn properties(&self) -> Vec<Property<Self>> {
        Vec::new()
    }

    /// What does not fit is not gone on with, and no claim that it may decide is said to hold.
    fn within_boundary(&self, state: &State<N, P>) -> bool {
        !state.ghost.has(Violation::Overflow)
    }

    fn format_action(&self, action: &Action) -> String {
        match action {
            Action::Step(step) | Action::GivesUp(step) | Action::Hasty(step) => {
                self.reduced.format_action(step)
            }
            Action::Timeout(id) => format!("{TIMEOUT} {id}"),
        }
    }
}

impl<const N: usize, const P: usize> ExplorerModel for Live<N, P> {
    /// One class for each kind of action and server, and for each pair where the leader has a step for
    /// each learner; then one of each server for what is not the family's.
    fn class_names(&self) -> Vec<String> {
        let ids = || (0..self.servers()).map(id_at);
        let of_kind = |name: &'static str| {
            let pairs = FOR_EACH_LEARNER.contains(&name);
            ids().flat_map(move |id| {
                let learners: Vec<String> = match pairs {
                    true => ids().map(|learner| format!("{name}({id}, {learner})")).collect(),
                    false => vec![format!("{name}({id})")],
                };
                learners
            })
        };
        let kinds = action::Action::NAMES.into_iter().chain([GIVES_UP, HASTY, TIMEOUT]);
        kinds.flat_map(of_kind).collect()
    }

    fn class(&self, action: &Action) -> u16 {
        let servers = self.servers();
        let (kind, id, learner) = match action {
            Action::Step(step) => (step.action.kind(), step.action.server(), learner(&step.action)),
            Action::GivesUp(step) => (action::Action::NAMES.len(), step.action.server(), None),
            Action::Hasty(step) => (action::Action::NAMES.len() + 1, step.action.server(), None),
            Action::Timeout(id) => (action::Action::NAMES.len() + 2, *id, None),
        };
        let names = action::Action::NAMES.iter().take(kind);
        let wide = names.filter(|name| FOR_EACH_LEARNER.contains(name)).count();
        let first = (kind - wide) * servers + wide * servers * servers;
        let place = match learner {
            Some(learner) => index(id) * servers + index(learner),
            None => index(id),
        };
        u16::try_from(first + place).unwrap_or(u16::MAX)
    }

    fn action_name(&self, class: u16) -> String {
        kind(&self.class_names()[usize::from(class)]).to_owned()
    }

    fn for_each_successor(&self, state: &State<N, P>, mut visit: impl FnMut(u16, State<N, P>)) {
        self.for_each_step(state, |action, next| visit(self.class(&action), next));
    }

    fn reductions(&self) -> Vec<&'static str> {
        self.reduced.reductions()
    }
}

/// The learner for which a leader takes a step.
fn learner(action: &action::Action) -> Option<ServerId> {
    use action::Action::{Accept, Handler, LeaderNotices, OlderEnds, OlderToLeader, ToLeader};
    if let Accept(id, _)
    | ToLeader(id, _)
    | LeaderNotices(id, _)
    | Handler(id, _)
    | OlderToLeader(id, _)
    | OlderEnds(id, _) = action
    {
        return Some(*id);
    }
    None
}

/// Whether the environment takes the step: a fault, or a request.
fn is_from_outside(action: &action::Action) -> bool {
    use action::Action::{
        AppendFails, Crash, Cut, CutReturns, Kill, Lose, LoseDisk, Request, Swap,
    };
    matches!(
        action,
        Crash(_)
            | Kill(_)
            | CutReturns(_)
            | LoseDisk(_)
            | AppendFails(_)
            | Cut(_)
            | Lose(_)
            | Swap(_)
            | Request(_)
    )
}
