//! Runs of the composed system as sequence diagrams.

use zab_view::{Channel, Fact, Lane, Pictured, Step, Way, sequence, svg};

use super::action::Action;
use super::facts::{COLUMNS, facts};
use super::links::{Down, End, NOTES_MAX};
use super::model::Zab;
use super::packet::Packet;
use super::sizes::{Flat, index};
use super::state::State;
use crate::grain::Grain;
use crate::message::{Message, Notification};
use crate::probe::{Probe, Record};
use crate::shape::{Queue, Shape};
use crate::types::{Role, ServerId};

/// The kinds of channel: to a learner, to a leader, FOLLOWERINFO on a connection that the leader
/// has not accepted, notifications, and to a leader on the connection before the accepted one.
const DOWN: u8 = 0;
const UP: u8 = 1;
const HELLO: u8 = 2;
const ELECTION: u8 = 3;
const OLDER: u8 = 4;

/// The sequence diagram of a run from a state, as SVG; actions that are not possible where they
/// stand are left out.
#[must_use]
pub fn run_svg<const N: usize, const P: usize>(
    model: &Zab<N, P>,
    start: &State<N, P>,
    actions: &[Action],
) -> String {
    svg(&sequence(model, start, actions.iter().copied()))
}

/// Writes down what a step sends.
#[derive(Default)]
struct Post {
    sent: Vec<(Channel, String)>,
}

impl Probe for Post {
    fn sent<S: Shape>(&mut self, from: ServerId, to: ServerId, message: &Message<S>) {
        let (from, to) = (index(from), index(to));
        let channel = match message {
            Message::Notification(_) => (ELECTION, from, to),
            Message::FollowerInfo { .. } | Message::ObserverInfo { .. } => (HELLO, from, to),
            Message::AckEpoch { .. } | Message::AckLd { .. } | Message::Ack { .. } => {
                (UP, from, to)
            }
            Message::LeaderInfo { .. }
            | Message::Diff { .. }
            | Message::Trunc { .. }
            | Message::Snap { .. }
            | Message::Proposal(_)
            | Message::Commit { .. }
            | Message::Inform(_)
            | Message::NewLeader { .. }
            | Message::UpToDate => (DOWN, from, to),
        };
        self.sent.push((channel, words(message)));
    }
}

/// A message in few words. Notifications are without their name: they have channels of their own.
fn words<S: Shape>(message: &Message<S>) -> String {
    if let Message::Notification(Notification { role, vote, round }) = message {
        return format!("{role} {round} {vote}");
    }
    message.to_string()
}

impl<const N: usize, const P: usize> Pictured for Zab<N, P> {
    fn lanes(&self) -> usize {
        self.members().len()
    }

    fn facts(&self, state: &State<N, P>) -> Vec<Fact> {
        facts(state)
    }

    fn columns(&self) -> &'static [&'static str] {
        &COLUMNS
    }

    fn noted(&self) -> &'static [&'static str] {
        &["role", "phase", "acceptedEpoch", "currentEpoch", "history", "lastCommitted"]
    }

    fn phase(&self, state: &State<N, P>, index: usize) -> Option<Lane> {
        let server = &state.servers[index];
        (server.role != Role::Down).then_some(server.phase.into())
    }

    fn ways(&self, state: &State<N, P>) -> Vec<Way> {
        let links = &state.links;
        let packets = |packets: &[Packet]| {
            let messages = packets.iter().filter_map(|packet| packet.decode());
            messages.map(|message| words(&message)).collect::<Vec<String>>()
        };
        let mut ways = Vec::new();
        for from in self.members() {
            for to in self.members().filter(|to| *to != from) {
                let down = &links.down[to];
                // A learner has one connection; the others are empty.
                let is_its = usize::from(down.leader) == from;
                let down = if is_its { packets(down.sent()) } else { Vec::new() };
                let up = &links.up[(from, to)];
                let hello = if up.newer == End::Closed { Vec::new() } else { packets(&[up.hello]) };
                let (older, up) = up.queue.as_slice().split_at(usize::from(up.older));
                let (older, up) = (packets(older), packets(up));
                let notes = links.notes[(from, to)].as_slice().iter();
                let notes =
                    notes.map(|note| words::<Flat<N>>(&Message::Notification(note.decode())));
                let notes = notes.collect();
                let kinds = [
                    (DOWN, None, down),
                    (OLDER, None, older),
                    (UP, None, up),
                    (HELLO, Some(1), hello),
                    (ELECTION, Some(NOTES_MAX), notes),
                ];
                for (kind, room, messages) in kinds {
                    ways.push(Way { channel: (kind, from, to), from, to, room, messages });
                }
            }
        }
        ways
    }

    fn rules(&self, state: &State<N, P>, action: &Action) -> Vec<String> {
        let mut record = Record::default();
        let _ = self.act(state, *action, &mut record);
        record.fired.iter().map(ToString::to_string).collect()
    }

    fn tell(&self, state: &State<N, P>, action: &Action) -> Option<Step<State<N, P>>> {
        let mut post = Post::default();
        let next = self.act(state, *action, &mut post)?;
        let mut step = Step::local(next, doers(*action));
        step.sent = post.sent;
        if self.has_oracle() {
            // The coarse election stands for all of its notifications.
            step.sent.retain(|((kind, ..), _)| *kind != ELECTION);
        }
        if self.ensemble.grain == Grain::Threads {
            for to in self.indices() {
                let [before, after] = [state, &step.next].map(|state| &state.links.down[to]);
                release(before, after, to, &mut step.sent);
            }
        }
        let to_learner = |id: ServerId| {
            let leader = usize::from(state.links.down[index(id)].leader);
            Some((DOWN, leader, index(id)))
        };
        match *action {
            Action::Notification(from, to) => {
                step.received = Some((ELECTION, index(from), index(to)));
            }
            Action::Accept(from, to) => {
                let [hello, up, older] =
                    [HELLO, UP, OLDER].map(|kind| (kind, index(from), index(to)));
                step.received = Some(hello);
                step.moved = Some((up, older));
            }
            Action::OlderToLeader(from, to) => {
                step.received = Some((OLDER, index(from), index(to)));
            }
            Action::ToLeader(from, to) => step.received = Some((UP, index(from), index(to))),
            Action::ToLearner(id) => step.received = to_learner(id),
            Action::Lose(id) => step.dropped = to_learner(id),
            Action::Swap(id) => step.swapped = to_learner(id),
            Action::Start(id, _) => {
                step.cleared = (0..N).map(|to| (ELECTION, index(id), to)).collect();
            }
            Action::Crash(_) | Action::Kill(_) => step.crash = true,
            Action::Elect(..)
            | Action::Join(..)
            | Action::Observe(..)
            | Action::Settle(_)
            | Action::Resend(_)
            | Action::Connect(_)
            | Action::Cut(_)
            | Action::LearnerNotices(_)
            | Action::LeaderNotices(..)
            | Action::OlderEnds(..)
            | Action::LeaveRole(_)
            | Action::Write(_)
            | Action::Apply(_)
            | Action::Handler(..)
            | Action::Sync(..)
            | Action::CutReturns(_)
            | Action::LoseDisk(_)
            | Action::AppendFails(_)
            | Action::ZombieWrites(_)
            | Action::Request(_) => {}
        }
        Some(step)
    }
}

/// At grain `threads` a handler that starts to send also sends what was queued before
/// (`Effect::Started`), and the step has no message for it: what got on its way to the learner is in
/// the queue.
fn release(before: &Down, after: &Down, learner: usize, sent: &mut Vec<(Channel, String)>) {
    let same = before.leader == after.leader && before.end != End::Closed;
    let known = if same { before.sent().len() } else { 0 };
    let channel = (DOWN, usize::from(after.leader), learner);
    let told = sent.iter().filter(|(other, _)| *other == channel).count();
    let new = after.sent().get(known..).unwrap_or_default();
    if new.len() > told {
        sent.retain(|(other, _)| *other != channel);
        let messages = new.iter().filter_map(|packet| packet.decode());
        sent.extend(messages.map(|message| (channel, words(&message))));
    }
}

/// Indices of the servers whose step an action is.
fn doers(action: Action) -> Vec<usize> {
    if let Action::Elect(leader, followers) = action {
        return std::iter::once(leader).chain(followers.iter()).map(index).collect();
    }
    vec![index(action.server())]
}
