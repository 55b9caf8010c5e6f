//! Processes that start without a mark in the capture.
//!
//! A recorder that was not told of starts and kills has no marks of them. A process that starts is known by
//! its votes: the first round of a process is 1 (`FastLeaderElection.lookForLeader`, which counts from 0), and
//! it votes for itself. So there was a new process if a server says something new of itself in round 1,
//! has been further than that before, and all its connections of before have ended meanwhile. The last message
//! is sent again on a new connection (`zk.link.resend`), but says nothing new.

use std::collections::BTreeMap;

use zab_capture::Item;
use zab_capture::Message;
use zab_capture::What;
use zab_capture::raw::Event;
use zab_model::ServerId;
use zab_wire::election::Notification;
use zab_wire::election::ServerState;

use crate::voters::Voters;

/// The places at which such processes start; none, if the capture marks starts of this server.
pub(super) fn unmarked(items: &[Item], voters: &Voters, id: ServerId) -> Vec<usize> {
    let mut life = Life::default();
    let mut starts = Vec::new();
    for (place, item) in items.iter().enumerate() {
        match &item.what {
            What::Other(event)
                if event.started().and_then(|server| voters.number(server)) == Some(id) =>
            {
                return Vec::new();
            }
            What::Other(Event::Open(side)) => {
                if [side.from, side.to].iter().any(|end| voters.number(*end) == Some(id)) {
                    life.opened.push((place, side.connection));
                }
            }
            What::Other(Event::Eof { side, .. }) => {
                if voters.number(side.from) == Some(id) {
                    life.ended.entry(side.connection).or_insert(place);
                }
            }
            What::Other(Event::Close { connection }) => {
                life.ended.entry(*connection).or_insert(place);
            }
            What::Sent { from, message, .. } if voters.number(*from) == Some(id) => {
                if let Message::Notification(vote) = &**message
                    && let Some(end) = life.end_before(*from, vote)
                {
                    starts.push(end);
                    let Life { opened, ended, .. } = life;
                    life = Life { opened, ended, ..Life::default() };
                }
                life.says(place, *from, message);
            }
            What::Sent { .. } | What::Lost { .. } | What::Other(_) => {}
        }
    }
    starts
}

/// What a process has shown of itself.
#[derive(Default)]
struct Life {
    /// Connections of this server, and where they were opened.
    opened: Vec<(usize, u64)>,
    /// Where connections ended, at its end or at both.
    ended: BTreeMap<u64, usize>,
    /// What it has said of itself in round 1.
    first: Vec<Notification>,
    /// Whether it has been further than the beginning of its first election.
    is_further: bool,
    /// The place after the last vote or packet that it sent.
    said: usize,
}

impl Life {
    /// The place after this process, if this is the first vote of the next one: its connections have ended
    /// before. Until then it may have received what was sent to it.
    fn end_before(&self, server: i64, vote: &Notification) -> Option<usize> {
        if !is_first(server, vote) || !self.is_further || self.first.contains(vote) {
            return None;
        }
        let before = self.opened.iter().filter(|(place, _)| *place < self.said);
        let ends = before.map(|(_, connection)| self.ended.get(connection).map(|end| end + 1));
        ends.chain([Some(self.said)]).try_fold(0, |last, end| Some(last.max(end?)))
    }

    fn says(&mut self, place: usize, server: i64, message: &Message) {
        match message {
            Message::Initial(_) => return,
            Message::Notification(vote) if is_first(server, vote) => self.first.push(vote.clone()),
            Message::Notification(vote) => {
                self.is_further |= vote.state != ServerState::Looking || vote.election_epoch > 1;
            }
            Message::Packet(..) | Message::Snapshot(_) | Message::NotANotification(_) => {
                self.is_further = true;
            }
        }
        self.said = place + 1;
    }
}

/// Whether it is what a process says first: a vote for itself in round 1.
fn is_first(server: i64, vote: &Notification) -> bool {
    vote.state == ServerState::Looking && vote.leader == server && vote.election_epoch == 1
}
