//! The family as a `stateright::Model`.

use stateright::{Model, Path, Property, Representative};
use zab_explorer::ExplorerModel;

use super::action::Action;
use super::bounds::{Bounds, BoundsError};
use super::liveness;
use super::picture::run_svg;
use super::properties;
use super::queue::Kind;
use super::render;
use super::state::{Role, State};
use super::types::Seat;
use super::variant::Rules;
use crate::types::Phase;

/// ZAB as published, for `N` servers and histories of at most `X` transactions. Ghosts remember
/// the first `G` requests; with `G` = 0 states are those of the normal form.
#[derive(Clone, Copy, Debug)]
pub struct Paper<const N: usize, const X: usize, const G: usize> {
    rules: Rules,
}

impl<const N: usize, const X: usize, const G: usize> Paper<N, X, G> {
    /// The family under these rules.
    ///
    /// # Errors
    /// When states of this type have no room for what the bounds allow.
    pub fn new(rules: Rules) -> Result<Self, BoundsError> {
        rules.bounds.fit(N, X)?;
        let needed = rules.bounds.requests_max();
        if G > 0 && needed > G {
            return Err(BoundsError::Requests { needed, room: G });
        }
        Ok(Self { rules })
    }

    /// The same under other rules, which allow no more epochs.
    pub(super) fn with_rules(&self, rules: Rules) -> Self {
        Self { rules }
    }

    /// What it was created with.
    #[must_use]
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// How far it goes.
    #[must_use]
    pub fn bounds(&self) -> &Bounds {
        &self.rules.bounds
    }

    /// Calls `visit` with every action that may be enabled: what roles, budgets and the heads of
    /// queues do not rule out. The rules decide; this spares them most of what they would refuse.
    pub fn for_each_candidate(&self, state: &State<N, X, G>, mut visit: impl FnMut(Action)) {
        let (bounds, spent) = (&self.rules.bounds, &state.spent);
        let (may_time_out, may_restart) =
            (spent.timeouts < bounds.timeouts, spent.restarts < bounds.restarts);
        for (i, server) in state.servers.iter().enumerate() {
            match server.role {
                Role::Looking => {
                    if state.oracle != Seat::of(i) {
                        visit(Action::UpdateLeader(i));
                    }
                    if state.oracle != Seat::EMPTY {
                        visit(Action::FollowLeader(i));
                    }
                }
                Role::Following => match server.leader.index() {
                    Some(leader) => {
                        if may_time_out {
                            visit(Action::Timeout(leader, i));
                        }
                        on_up(server.link.up.head().kind, leader, i)
                            .into_iter()
                            .for_each(&mut visit);
                        let down = server.link.down.head().kind;
                        on_down(down, i, leader).into_iter().for_each(&mut visit);
                    }
                    None => {
                        let leader = state.oracle.index();
                        let connect = |leader| Action::ConnectAndFollowerSendCepoch(leader, i);
                        leader.map(connect).into_iter().for_each(&mut visit);
                    }
                },
                Role::Leading => {
                    if server.phase == Phase::Broadcast {
                        visit(Action::LeaderProcessRequest(i));
                        visit(Action::LeaderBroadcastPropose(i));
                    }
                }
            }
            if may_restart {
                visit(Action::Restart(i));
            }
            if server.leader == Seat::EMPTY && !server.link.is_empty() {
                visit(Action::FilterNonexistentMessage(i));
            }
        }
    }

    /// Calls `visit` with every enabled action and the state it leads to.
    pub fn for_each_step(
        &self,
        state: &State<N, X, G>,
        mut visit: impl FnMut(Action, State<N, X, G>),
    ) {
        self.for_each_candidate(state, |action| {
            let mut next = *state;
            if next.take(&self.rules, action).is_some() {
                visit(action, next);
            }
        });
    }
}

/// What a leader does with the next message of a follower.
fn on_up(kind: Kind, leader: usize, follower: usize) -> Option<Action> {
    match kind {
        Kind::Cepoch => Some(Action::LeaderProcessCepoch(leader, follower)),
        Kind::AckEpoch => Some(Action::LeaderProcessAckEpoch(leader, follower)),
        Kind::AckLd => Some(Action::LeaderProcessAckLd(leader, follower)),
        Kind::Ack => Some(Action::LeaderProcessAck(leader, follower)),
        Kind::None
        | Kind::NewEpoch
        | Kind::NewLeader
        | Kind::CommitLd
        | Kind::Propose
        | Kind::Commit => None,
    }
}

/// What a follower does with the next message of its leader.
fn on_down(kind: Kind, follower: usize, leader: usize) -> Option<Action> {
    match kind {
        Kind::NewEpoch => Some(Action::FollowerProcessNewEpoch(follower, leader)),
        Kind::NewLeader => Some(Action::FollowerProcessNewLeader(follower, leader)),
        Kind::CommitLd => Some(Action::FollowerProcessCommitLd(follower, leader)),
        Kind::Propose => Some(Action::FollowerProcessPropose(follower, leader)),
        Kind::Commit => Some(Action::FollowerProcessCommit(follower, leader)),
        Kind::None | Kind::Cepoch | Kind::AckEpoch | Kind::AckLd | Kind::Ack => None,
    }
}

/// Itself, for properties and predicates that may be asked of what is made of it as well.
impl<const N: usize, const X: usize, const G: usize> AsRef<Self> for Paper<N, X, G> {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl<const N: usize, const X: usize, const G: usize> Model for Paper<N, X, G> {
    type State = State<N, X, G>;
    type Action = Action;

    fn init_states(&self) -> Vec<Self::State> {
        vec![State::default()]
    }

    fn actions(&self, state: &Self::State, actions: &mut Vec<Action>) {
        self.for_each_candidate(state, |action| actions.push(action));
    }

    fn next_state(&self, state: &Self::State, action: Action) -> Option<Self::State> {
        state.after(&self.rules, action)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all(self.bounds())
    }

    fn format_action(&self, action: &Action) -> String {
        action.to_string()
    }

    fn format_step(&self, state: &Self::State, action: Action) -> Option<String> {
        render::step_text(self, state, action)
    }

    fn as_svg(&self, path: Path<Self::State, Action>) -> Option<String> {
        let steps = path.into_vec();
        let (start, _) = *steps.first()?;
        let actions: Vec<Action> = steps.iter().filter_map(|(_, action)| *action).collect();
        Some(run_svg(self, &start, &actions))
    }
}

impl<const N: usize, const X: usize, const G: usize> ExplorerModel for Paper<N, X, G> {
    /// One class for each action with the servers it is about, in the order of [`Action::all`].
    fn class_names(&self) -> Vec<String> {
        Action::all(N).iter().map(ToString::to_string).collect()
    }

    fn class(&self, action: &Action) -> u16 {
        action.class(N)
    }

    /// The action of the specification, whoever takes it.
    fn action_name(&self, class: u16) -> String {
        let action = Action::all(N)[usize::from(class)];
        Action::KINDS[usize::from(action.kind())].to_owned()
    }

    fn for_each_successor(&self, state: &Self::State, mut visit: impl FnMut(u16, Self::State)) {
        self.for_each_step(state, |action, next| visit(action.class(N), next));
    }

    /// A bound on epochs is reached; or all requests are made, and a leader that a quorum supports has
    /// nothing left to do.
    fn may_end(&self, state: &Self::State) -> bool {
        let bounds = self.bounds();
        let reached = state.servers.iter().map(|server| server.accepted_epoch).max();
        let is_done =
            |leader| liveness::all_joined(state, leader) && liveness::all_delivered(state, leader);
        bounds.epochs.is_some_and(|bound| reached.is_some_and(|epoch| epoch >= bound))
            || (state.spent.txns >= bounds.txns
                && liveness::supported(self, state).is_some_and(is_done))
    }

    fn representative(&self, state: &Self::State) -> Self::State {
        state.representative()
    }

    fn orbit_size(&self, state: &Self::State) -> u64 {
        state.orbit_size()
    }
}
