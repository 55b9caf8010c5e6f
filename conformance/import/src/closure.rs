//! All states that one step of a trace leads to: the step itself, and what a trace does not show.

use std::collections::HashSet;

use stateright::Model;
use zab_model::Queue;
use zab_model::explore::{Action, Packet, PacketKind, State, Zab};
use zab_model::{Message, Progress, ServerId, ServerSet, Zxid};

use crate::compare::position;
use crate::read::{ActionKind, Sync};

/// A step of a trace in the model's terms.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    pub(crate) action: ActionKind,
    pub(crate) node: ServerId,
    /// The other party, if there is one.
    pub(crate) peer: ServerId,
    pub(crate) peers: ServerSet,
    pub(crate) zxid: Option<Zxid<u8>>,
    pub(crate) sync: Option<Sync>,
}

/// More states than this are not looked at for one step.
pub(crate) const STATES_MAX: usize = 400_000;

/// What came of one step.
pub(crate) struct Reached {
    /// Every state after the step.
    pub(crate) after: Vec<State>,
    /// Whether there were too many states to see them all.
    pub(crate) truncated: bool,
}

/// The next packet to a learner.
pub(crate) fn to_learner(state: &State, learner: ServerId) -> Option<Packet> {
    state.links.down[place(learner)].next()
}

/// The next packet to a leader.
pub(crate) fn to_leader(state: &State, learner: ServerId, leader: ServerId) -> Option<Packet> {
    let up = &state.links.up[(place(learner), place(leader))];
    up.queue.as_slice().get(usize::from(up.older)).copied()
}

fn place(id: ServerId) -> usize {
    id.row().unwrap_or_default()
}

/// Every state that the step leads to, with any steps that a trace does not show before and after.
pub(crate) fn take(model: &Zab, from: &[State], wanted: &Wanted) -> Reached {
    let is_done_already = wanted.is_nothing();
    explore(model, from, is_done_already, |state, action| {
        if wanted.is(state, action) {
            Kind::Wanted
        } else if is_hidden(state, action) {
            Kind::Hidden
        } else {
            Kind::Other
        }
    })
}

/// Every state that these steps lead to.
pub(crate) fn all_by(
    model: &Zab,
    from: &[State],
    may: impl Fn(&State, &Action) -> bool,
) -> Reached {
    let kind = |state: &State, action: &Action| {
        if may(state, action) { Kind::Hidden } else { Kind::Other }
    };
    explore(model, from, true, kind)
}

/// What a step of the model is to a step of a trace.
enum Kind {
    /// The step itself, which is taken once.
    Wanted,
    /// A step that a trace does not show.
    Hidden,
    /// Neither.
    Other,
}

fn explore(
    model: &Zab,
    from: &[State],
    is_done_already: bool,
    kind: impl Fn(&State, &Action) -> Kind,
) -> Reached {
    let mut seen: HashSet<(State, bool)> = HashSet::new();
    let mut waiting: Vec<(State, bool)> =
        from.iter().map(|state| (*state, is_done_already)).collect();
    seen.extend(waiting.iter().copied());
    let mut actions = Vec::new();
    while let Some((state, done)) = waiting.pop() {
        if seen.len() > STATES_MAX {
            return Reached { after: Vec::new(), truncated: true };
        }
        actions.clear();
        model.actions(&state, &mut actions);
        for action in &actions {
            let done = match kind(&state, action) {
                Kind::Wanted if !done => true,
                Kind::Hidden => done,
                Kind::Wanted | Kind::Other => continue,
            };
            let Some(next) = model.next_state(&state, *action) else { continue };
            if seen.insert((next, done)) {
                waiting.push((next, done));
            }
        }
    }
    let after = seen.into_iter().filter(|(_, done)| *done).map(|(state, _)| state).collect();
    Reached { after, truncated: false }
}

/// What no trace shows: the work of threads, phase 1, that a connection has ended, and the
/// acknowledgement of UPTODATE.
pub(crate) fn is_hidden(state: &State, action: &Action) -> bool {
    match action {
        Action::Sync(..)
        | Action::Write(_)
        | Action::Apply(_)
        | Action::ZombieWrites(_)
        | Action::Connect(_)
        | Action::Accept(..)
        | Action::LearnerNotices(_)
        | Action::LeaderNotices(..)
        | Action::OlderEnds(..)
        | Action::LeaveRole(_) => true,
        Action::Handler(learner, leader) => !waits_for_choice(state, *learner, *leader),
        Action::ToLearner(id) => is_kind(to_learner(state, *id), &[PacketKind::LeaderInfo]),
        Action::ToLeader(learner, leader) => {
            to_leader(state, *learner, *leader).is_some_and(|packet| match packet.decode() {
                Some(Message::AckEpoch { .. }) => true,
                Some(Message::Ack { zxid }) => zxid.counter == 0,
                _ => false,
            })
        }
        Action::Start(..)
        | Action::Crash(_)
        | Action::Kill(_)
        | Action::CutReturns(_)
        | Action::LoseDisk(_)
        | Action::AppendFails(_)
        | Action::Elect(..)
        | Action::Join(..)
        | Action::Observe(..)
        | Action::Notification(..)
        | Action::Settle(_)
        | Action::Resend(_)
        | Action::Cut(_)
        | Action::Lose(_)
        | Action::Swap(_)
        | Action::OlderToLeader(..)
        | Action::Request(_) => false,
    }
}

/// Whether a leader's handler has to choose next how its learner is synchronized.
fn waits_for_choice(state: &State, learner: ServerId, leader: ServerId) -> bool {
    use zab_model::Table;
    let learner = state.server(leader).leader.learners.row(learner);
    learner.progress == Progress::WaitsForGate
}

fn is_kind(packet: Option<Packet>, kinds: &[PacketKind]) -> bool {
    packet.is_some_and(|packet| kinds.contains(&packet.kind()))
}

impl Wanted {
    /// Whether the step is one of the trace only: the model has no such thing, or does it unseen.
    fn is_nothing(&self) -> bool {
        use ActionKind as A;
        let is_unseen = matches!(
            self.action,
            A::FollowerProcessNEWLEADERAfterCurrentEpochUpdated
                | A::FollowerCommitProcessorCommit
                | A::PartitionRecover
        );
        is_unseen || self.action == A::PartitionStart && self.peers.is_empty()
    }

    fn is(&self, state: &State, action: &Action) -> bool {
        use ActionKind as A;
        let (node, peer) = (self.node, self.peer);
        match (self.action, action) {
            (A::ElectionAndDiscovery, Action::Elect(id, followers)) => {
                *id == node && *followers == self.peers
            }
            (A::LeaderSyncFollower, Action::Handler(learner, leader)) => {
                (*leader, *learner) == (node, peer) && waits_for_choice(state, peer, node)
            }
            (A::LeaderProcessACKLD | A::LeaderProcessACK, Action::ToLeader(learner, leader)) => {
                (*leader, *learner) == (node, peer) && self.is_up(state)
            }
            (A::LeaderProcessRequest, Action::Request(id))
            | (A::NodeCrash, Action::Crash(id))
            | (A::NodeStart, Action::Start(id, _)) => *id == node,
            (A::PartitionStart, Action::Cut(id)) => self.peers.contains(*id),
            (A::FollowerSyncProcessorLogRequest, Action::Sync(id, up_to)) => {
                *id == node && state.server(node).vote.leader == peer && self.is_zxid(*up_to)
            }
            (A::FilterNonexistentMessage, Action::ToLeader(_, id)) => *id == node,
            (A::FilterNonexistentMessage, Action::ToLearner(id)) => *id == node,
            (_, Action::ToLearner(id)) => {
                *id == node && state.server(node).vote.leader == peer && self.is_down(state)
            }
            _ => false,
        }
    }

    /// Whether the next packet to this leader is the one of the step.
    fn is_up(&self, state: &State) -> bool {
        let packet = to_leader(state, self.peer, self.node);
        match packet.and_then(Packet::decode) {
            Some(Message::AckLd { .. }) => self.action == ActionKind::LeaderProcessACKLD,
            Some(Message::Ack { zxid }) => {
                self.action == ActionKind::LeaderProcessACK && self.is_zxid(zxid)
            }
            _ => false,
        }
    }

    /// Whether the next packet to this follower is the one of the step. The zxid of a DIFF is where the
    /// learner is in the specifications; ZooKeeper has the leader's there.
    fn is_down(&self, state: &State) -> bool {
        use ActionKind as A;
        let Some(message) = to_learner(state, self.node).and_then(Packet::decode) else {
            return false;
        };
        match (self.action, message) {
            (A::FollowerProcessSyncMessage, Message::Diff { .. }) => {
                self.is_sync(Sync::Diff) && self.is_zxid(position(state, state.server(self.node)))
            }
            (A::FollowerProcessSyncMessage, Message::Trunc { zxid }) => {
                self.is_sync(Sync::Trunc) && self.is_zxid(zxid)
            }
            (A::FollowerProcessSyncMessage, Message::Snap { .. }) => self.is_sync(Sync::Snap),
            (
                A::FollowerProcessPROPOSALInSync | A::FollowerProcessPROPOSAL,
                Message::Proposal(txn),
            ) => self.is_zxid(txn.zxid),
            (
                A::FollowerProcessCOMMITInSync | A::FollowerProcessCOMMIT,
                Message::Commit { zxid },
            ) => self.is_zxid(zxid),
            (A::FollowerProcessNEWLEADER, Message::NewLeader { .. }) => true,
            (A::FollowerProcessUPTODATE, Message::UpToDate) => {
                self.is_zxid(Zxid::new(state.server(self.node).accepted_epoch, 0))
            }
            _ => false,
        }
    }

    fn is_zxid(&self, zxid: Zxid<u8>) -> bool {
        self.zxid.is_none_or(|told| told == zxid)
    }

    fn is_sync(&self, sync: Sync) -> bool {
        self.sync.is_none_or(|told| told == sync)
    }
}
