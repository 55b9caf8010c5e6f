//! Runs of the family as sequence diagrams.

use zab_view::{Channel, Fact, Lane, NOTHING, Pictured, Step, Way, sequence, svg};

use super::action::Action;
use super::model::Paper;
use super::queue::{Kind, Message};
use super::render::{COLUMNS, facts, zxids};
use super::state::State;
use super::types::History;

/// To a follower, and to the leader of one.
pub(super) const DOWN: u8 = 0;
const UP: u8 = 1;

/// The sequence diagram of a run from a state, as SVG; actions that are not possible where they
/// stand are left out.
#[must_use]
pub fn run_svg<const N: usize, const X: usize, const G: usize>(
    model: &Paper<N, X, G>,
    start: &State<N, X, G>,
    actions: &[Action],
) -> String {
    svg(&sequence(model, start, actions.iter().copied()))
}

impl<const N: usize, const X: usize, const G: usize> Pictured for Paper<N, X, G> {
    fn lanes(&self) -> usize {
        N
    }

    fn facts(&self, state: &State<N, X, G>) -> Vec<Fact> {
        facts(state)
    }

    fn columns(&self) -> &'static [&'static str] {
        &COLUMNS
    }

    fn noted(&self) -> &'static [&'static str] {
        &COLUMNS[..6]
    }

    /// A crash is its own recovery, so that nobody is ever down.
    fn phase(&self, state: &State<N, X, G>, index: usize) -> Option<Lane> {
        Some(state.servers[index].phase.into())
    }

    fn ways(&self, state: &State<N, X, G>) -> Vec<Way> {
        ways(state)
    }

    fn tell(&self, state: &State<N, X, G>, action: &Action) -> Option<Step<State<N, X, G>>> {
        let next = state.after(self.rules(), *action)?;
        let mut step = Step::local(next, doers(*action));
        step.crash = matches!(action, Action::Restart(_));
        let (before, after) = (ways(state), ways(&next));
        // A server that writes history and epoch apart leaves NEWLEADER where it is until the end.
        let read = reads(*action);
        step.received = read.filter(|read| {
            let messages = |ways: &[Way]| {
                ways.iter().find(|way| way.channel == *read).map(|way| way.messages.len())
            };
            messages(&before) != messages(&after)
        });
        for (old, new) in before.iter().zip(&after) {
            let taken = usize::from(step.received == Some(old.channel));
            let kept = old.messages.get(taken..).unwrap_or_default();
            if let Some(sent) = new.messages.strip_prefix(kept) {
                step.sent.extend(sent.iter().map(|text| (new.channel, text.clone())));
            }
        }
        Some(step)
    }
}

/// Both directions of every follower's connection.
pub(super) fn ways<const N: usize, const X: usize, const G: usize>(
    state: &State<N, X, G>,
) -> Vec<Way> {
    let mut ways = Vec::new();
    for (follower, server) in state.servers.iter().enumerate() {
        // What a mutant leaves behind has no leader any more; it is drawn where it was sent.
        let leader = server.leader.index().unwrap_or(follower);
        let link = &server.link;
        let words = |message: &Message| message_text(message, &link.history);
        let down = link.down.messages().map(words).collect();
        let up = link.up.messages().map(words).collect();
        for (kind, from, to, messages) in
            [(DOWN, leader, follower, down), (UP, follower, leader, up)]
        {
            ways.push(Way { channel: (kind, follower, 0), from, to, room: None, messages });
        }
    }
    ways
}

fn message_text<const X: usize>(message: &Message, history: &History<X>) -> String {
    let Message { kind, zxid, value } = *message;
    match kind {
        Kind::None => NOTHING.to_owned(),
        Kind::Cepoch | Kind::NewEpoch => format!("{kind} {}", zxid.epoch()),
        Kind::AckEpoch | Kind::NewLeader => {
            format!("{kind} {} [{}]", zxid.epoch(), zxids(history.txns()))
        }
        Kind::AckLd | Kind::CommitLd | Kind::Ack | Kind::Commit => format!("{kind} {zxid:?}"),
        Kind::Propose => format!("{kind} {zxid:?}=v{value}"),
    }
}

/// The servers whose step an action is.
fn doers(action: Action) -> Vec<usize> {
    match action {
        Action::Timeout(leader, follower) => vec![leader, follower],
        Action::ConnectAndFollowerSendCepoch(_, follower) => vec![follower],
        Action::UpdateLeader(_)
        | Action::FollowLeader(_)
        | Action::Restart(_)
        | Action::LeaderProcessCepoch(..)
        | Action::FollowerProcessNewEpoch(..)
        | Action::LeaderProcessAckEpoch(..)
        | Action::FollowerProcessNewLeader(..)
        | Action::LeaderProcessAckLd(..)
        | Action::FollowerProcessCommitLd(..)
        | Action::LeaderProcessRequest(_)
        | Action::LeaderBroadcastPropose(_)
        | Action::FollowerProcessPropose(..)
        | Action::LeaderProcessAck(..)
        | Action::FollowerProcessCommit(..)
        | Action::FilterNonexistentMessage(_) => vec![action.server()],
    }
}

/// The channel whose next message an action is about.
fn reads(action: Action) -> Option<Channel> {
    match action {
        Action::LeaderProcessCepoch(_, follower)
        | Action::LeaderProcessAckEpoch(_, follower)
        | Action::LeaderProcessAckLd(_, follower)
        | Action::LeaderProcessAck(_, follower) => Some((UP, follower, 0)),
        Action::FollowerProcessNewEpoch(follower, _)
        | Action::FollowerProcessNewLeader(follower, _)
        | Action::FollowerProcessCommitLd(follower, _)
        | Action::FollowerProcessPropose(follower, _)
        | Action::FollowerProcessCommit(follower, _) => Some((DOWN, follower, 0)),
        Action::UpdateLeader(_)
        | Action::FollowLeader(_)
        | Action::Timeout(..)
        | Action::Restart(_)
        | Action::ConnectAndFollowerSendCepoch(..)
        | Action::LeaderProcessRequest(_)
        | Action::LeaderBroadcastPropose(_)
        | Action::FilterNonexistentMessage(_) => None,
    }
}
