//! A state, and which of the packets on their way have been seen.

use std::cmp::Ordering;

use zab_model::explore::{Action, End, Packet, SERVERS, State};
use zab_model::{Queue, ServerId, ServerSet};
use zerocopy::IntoBytes;

use super::Seen;

/// A state together with what a relay has seen of the packets in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Watched {
    state: State,
    /// By learner: how many of the packets to it are seen.
    down: [u8; SERVERS],
    /// By learner and leader: how many of the packets to the leader.
    up: [[u8; SERVERS]; SERVERS],
    /// By learner and leader: whether the FOLLOWERINFO of a connection that is not accepted yet is.
    hello: [[bool; SERVERS]; SERVERS],
}

/// Something that is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// A packet on its way from one server to another.
    Packet(ServerId, ServerId, Packet),
    /// The first server is elected, and the set follows it.
    Elected(ServerId, ServerSet),
    /// What was done to a server: the kind of action, and the server.
    Done(usize, ServerId),
}

impl Event {
    /// What is seen of an action besides the packets that it sends; `None` if that is nothing.
    pub(super) fn of(action: Action) -> Option<Self> {
        match action {
            Action::Elect(leader, followers) => Some(Self::Elected(leader, followers)),
            Action::Join(..)
            | Action::Observe(..)
            | Action::Start(..)
            | Action::Crash(_)
            | Action::Kill(_)
            | Action::LoseDisk(_)
            | Action::AppendFails(_)
            | Action::Cut(_)
            | Action::LeaveRole(_)
            | Action::Request(_)
            | Action::Resend(_)
            | Action::Lose(_)
            | Action::Swap(_) => Some(Self::Done(action.kind(), action.server())),
            Action::CutReturns(_)
            | Action::ZombieWrites(_)
            | Action::Notification(..)
            | Action::Settle(_)
            | Action::Connect(_)
            | Action::Accept(..)
            | Action::ToLeader(..)
            | Action::OlderToLeader(..)
            | Action::OlderEnds(..)
            | Action::ToLearner(_)
            | Action::LearnerNotices(_)
            | Action::LeaderNotices(..)
            | Action::Write(_)
            | Action::Sync(..)
            | Action::Apply(_)
            | Action::Handler(..) => None,
        }
    }

    pub(super) fn is_packet(&self) -> bool {
        matches!(self, Self::Packet(..))
    }

    /// What is told of it; `action` is what was done, if something was.
    pub(super) fn seen(&self, action: Action) -> Seen {
        match self {
            Self::Packet(from, to, packet) => Seen::Packet(*from, *to, *packet),
            Self::Elected(..) | Self::Done(..) => Seen::Done(action),
        }
    }
}

impl Watched {
    /// A state in which nothing has been seen.
    pub(super) fn new(state: State) -> Self {
        Self { state, down: [0; SERVERS], up: Default::default(), hello: Default::default() }
    }

    /// A state in which all that is on its way has been seen.
    pub(super) fn all_seen(state: State) -> Self {
        let mut watched = Self::new(state);
        loop {
            let next = watched.unseen().next();
            let Some((_, next)) = next else { return watched };
            watched = next;
        }
    }

    pub(super) fn state(&self) -> &State {
        &self.state
    }

    /// Whether the packet that an action takes has been seen, if it takes one.
    pub(super) fn may(&self, action: Action) -> bool {
        let seen = |learner, leader| self.up[row(learner)][row(leader)];
        if let Action::ToLeader(learner, leader) = action {
            let older = self.state.links.up[(row(learner), row(leader))].older;
            return seen(learner, leader) > older;
        }
        if let Action::OlderToLeader(learner, leader) = action {
            return seen(learner, leader) > 0;
        }
        if let Action::Accept(learner, leader) = action {
            return self.hello[row(learner)][row(leader)];
        }
        if let Action::ToLearner(id) = action { self.down[row(id)] > 0 } else { true }
    }

    /// The same after an action: what has left a queue is not among what was seen in it any more.
    pub(super) fn after(&self, action: Action, state: State) -> Self {
        let mut next = Self { state, ..*self };
        if let Action::ToLearner(id) = action {
            next.down[row(id)] = next.down[row(id)].saturating_sub(1);
        }
        if let Action::Connect(learner) = action {
            next.hello[row(learner)] = [false; SERVERS];
        }
        // What is taken away is at the front, and was seen; or it is lost, seen or not.
        if let Action::ToLeader(learner, leader)
        | Action::OlderToLeader(learner, leader)
        | Action::OlderEnds(learner, leader)
        | Action::Accept(learner, leader) = action
        {
            let pair = (row(learner), row(leader));
            let waits = |state: &State| state.links.up[pair].queue.as_slice().len();
            let gone = waits(&self.state).saturating_sub(waits(&state));
            let seen = &mut next.up[row(learner)][row(leader)];
            *seen = seen.saturating_sub(count(gone));
        }
        for learner in 0..SERVERS {
            next.down[learner] = next.down[learner].min(count(next.sent_down(learner)));
            for leader in (0..SERVERS).filter(|leader| *leader != learner) {
                let up = &state.links.up[(learner, leader)];
                let seen = &mut next.up[learner][leader];
                *seen = (*seen).min(count(up.queue.as_slice().len()));
                next.hello[learner][leader] &= up.newer != End::Closed;
            }
        }
        next
    }

    /// How many packets to a learner are sent and have not arrived.
    fn sent_down(&self, learner: usize) -> usize {
        let down = &self.state.links.down[learner];
        down.queue.as_slice().len() - usize::from(down.held)
    }

    /// The packets that an action has sent, in a fixed order, each seen at once.
    pub(super) fn sent(&self, action: Action, state: &State) -> Vec<Event> {
        let mut watched = self.after(action, *state);
        let mut events = Vec::new();
        loop {
            let next = watched.unseen().next();
            let Some((event, next)) = next else { return events };
            events.push(event);
            watched = next;
        }
    }

    /// Every packet that can be seen next, and the same after that.
    pub(super) fn unseen(&self) -> impl Iterator<Item = (Event, Self)> + '_ {
        let down = (0..SERVERS).filter_map(|learner| {
            let seen = usize::from(self.down[learner]);
            let down = &self.state.links.down[learner];
            let packet =
                *down.queue.as_slice().get(seen).filter(|_| seen < self.sent_down(learner))?;
            let mut next = *self;
            next.down[learner] += 1;
            Some((Event::Packet(id(usize::from(down.leader)), id(learner), packet), next))
        });
        let pairs = (0..SERVERS).flat_map(|learner| {
            (0..SERVERS).filter(move |leader| *leader != learner).map(move |to| (learner, to))
        });
        let up = pairs.clone().filter_map(|(learner, leader)| {
            let seen = usize::from(self.up[learner][leader]);
            let packet = *self.state.links.up[(learner, leader)].queue.as_slice().get(seen)?;
            let mut next = *self;
            next.up[learner][leader] += 1;
            Some((Event::Packet(id(learner), id(leader), packet), next))
        });
        let hello = pairs.filter_map(|(learner, leader)| {
            let up = &self.state.links.up[(learner, leader)];
            let is_new = up.newer != End::Closed && !self.hello[learner][leader];
            let mut next = *self;
            next.hello[learner][leader] = true;
            is_new.then_some((Event::Packet(id(learner), id(leader), up.hello), next))
        });
        down.chain(up).chain(hello)
    }

    /// Some order, the same each time.
    pub(super) fn by_bytes(&self, other: &Self) -> Ordering {
        let state = self.state.as_bytes().cmp(other.state.as_bytes());
        let seen = |watched: &Self| (watched.down, watched.up, watched.hello);
        state.then_with(|| seen(self).cmp(&seen(other)))
    }
}

fn row(id: ServerId) -> usize {
    id.row().unwrap_or_default()
}

fn id(index: usize) -> ServerId {
    ServerId(u8::try_from(index + 1).unwrap_or(u8::MAX))
}

fn count(number: usize) -> u8 {
    u8::try_from(number).unwrap_or(u8::MAX)
}
