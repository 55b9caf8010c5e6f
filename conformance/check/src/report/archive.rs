//! What came before a line, for explanations: kept only while a trace that diverges is taken once
//! more.

use std::collections::{HashMap, HashSet, VecDeque};

use zab_trace::{Chain, Event, EventKind, Message, Persisted, ServerId, Zxid};

use crate::trace::{At, Line};

/// How many lines are kept: those before them are in nobody's explanation.
const LINES_MAX: usize = 1 << 17;

/// How many lines of the past are shown at most.
const SHOWN_MAX: usize = 7;

/// The last lines of a trace, in causal order.
#[derive(Debug, Default)]
pub(crate) struct Archive {
    lines: VecDeque<Entry>,
}

#[derive(Debug)]
struct Entry {
    line: Line,
    /// A received message: where it was sent.
    sent: Option<At>,
}

/// What must have come before a line.
#[derive(Debug, Default)]
struct Needs {
    /// By chain: how many lines.
    chains: HashMap<(ServerId, u32, Chain), u64>,
    /// All lines of earlier lives.
    lives: HashMap<ServerId, u32>,
    /// The places of lines that send.
    sends: HashSet<At>,
}

impl Needs {
    fn add(&mut self, event: &Event, sent: Option<At>) {
        let (server, life) = (event.server, event.incarnation);
        let named = event.after.iter().map(|(chain, seq)| (chain.clone(), seq + 1));
        let own =
            [(event.chain.clone(), event.seq), (Chain::MAIN, u64::from(!event.chain.is_main()))];
        for (chain, count) in named.chain(own) {
            let needed = self.chains.entry((server, life, chain)).or_default();
            *needed = count.max(*needed);
        }
        let lives = self.lives.entry(server).or_default();
        *lives = life.max(*lives);
        self.sends.extend(sent);
    }

    fn has(&self, Line { at, event }: &Line) -> bool {
        let key = (event.server, event.incarnation, event.chain.clone());
        let earlier = self.lives.get(&event.server).is_some_and(|life| event.incarnation < *life);
        earlier
            || self.sends.contains(at)
            || self.chains.get(&key).is_some_and(|count| event.seq < *count)
    }
}

impl Archive {
    /// Keeps a line. `sent`: where the message that it receives was sent.
    pub(crate) fn note(&mut self, line: &Line, sent: Option<At>) {
        if self.lines.len() == LINES_MAX {
            self.lines.pop_front();
        }
        self.lines.push_back(Entry { line: line.clone(), sent });
    }

    /// Where the message was sent that a kept line receives.
    pub(crate) fn sent(&self, at: At) -> Option<Option<At>> {
        self.lines.iter().find(|entry| entry.line.at == at).map(|entry| entry.sent)
    }

    /// All kept lines that happened before a line, the last one first.
    fn before(&self, event: &Event, sent: Option<At>) -> Vec<&Line> {
        let mut needs = Needs::default();
        needs.add(event, sent);
        let mut past = Vec::new();
        for Entry { line, sent } in self.lines.iter().rev() {
            if needs.has(line) {
                needs.add(&line.event, *sent);
                past.push(line);
            }
        }
        past
    }

    /// The lines that happened before a line and say most about it, in order: the message that it
    /// receives, lines about the same thing, and the line just before it.
    pub(crate) fn nearest(&self, event: &Event, sent: Option<At>) -> Vec<&Line> {
        let past = self.before(event, sent);
        let own = past.iter().position(|line| line.event.server == event.server);
        let message = past.iter().position(|line| Some(line.at) == sent);
        let about = (0..past.len()).filter(|index| concerns(event, &past[*index].event));
        let mut chosen: Vec<usize> = own.into_iter().chain(message).collect();
        for index in about {
            if chosen.len() == SHOWN_MAX {
                break;
            }
            if !chosen.contains(&index) {
                chosen.push(index);
            }
        }
        // Where nothing else is about it, what the server did last.
        for index in (0..past.len()).filter(|index| past[*index].event.server == event.server) {
            if chosen.len() >= 4 {
                break;
            }
            if !chosen.contains(&index) {
                chosen.push(index);
            }
        }
        chosen.sort_unstable_by(|a, b| b.cmp(a));
        chosen.dedup();
        chosen.into_iter().map(|index| past[index]).collect()
    }

    /// The last line that happened before a line, and fits.
    pub(crate) fn last(
        &self,
        event: &Event,
        sent: Option<At>,
        fits: impl Fn(&Event) -> bool,
    ) -> Option<&Line> {
        self.before(event, sent).into_iter().find(|line| fits(&line.event))
    }

    /// The first line that happened before a line, and fits.
    pub(crate) fn first(
        &self,
        event: &Event,
        sent: Option<At>,
        fits: impl Fn(&Event) -> bool,
    ) -> Option<&Line> {
        self.before(event, sent).into_iter().rev().find(|line| fits(&line.event))
    }
}

/// What a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Subject {
    /// A transaction: its proposal, its sync, its acknowledgements, its commit.
    Txn(Zxid),
    /// Who leads, and from which epoch on.
    Epoch,
    /// Bringing a learner up to date.
    Synchronization,
    /// Votes.
    Election,
    /// Starts and ends.
    Life,
    /// A connection as such.
    Connection,
}

fn subject(kind: &EventKind) -> Subject {
    match kind {
        EventKind::Sent(packet) | EventKind::Received(packet) => of_message(&packet.message),
        EventKind::Start { .. } | EventKind::Stop | EventKind::Killed => Subject::Life,
        EventKind::Connected { .. } | EventKind::Disconnected { .. } | EventKind::Joined { .. } => {
            Subject::Connection
        }
        EventKind::Persisted(Persisted::Log(zxid))
        | EventKind::Delivered { zxid }
        | EventKind::Committed { zxid }
        | EventKind::Proposed { zxid, .. } => Subject::Txn(*zxid),
        EventKind::Persisted(Persisted::Truncated(_) | Persisted::Snapshot(_)) => {
            Subject::Synchronization
        }
        EventKind::Persisted(Persisted::AcceptedEpoch(_) | Persisted::CurrentEpoch(_))
        | EventKind::Established { .. } => Subject::Epoch,
        EventKind::Looking { .. } | EventKind::Resent | EventKind::Elected { .. } => {
            Subject::Election
        }
    }
}

fn of_message(message: &Message) -> Subject {
    match message {
        Message::Notification { .. } => Subject::Election,
        Message::FollowerInfo { .. }
        | Message::LeaderInfo { .. }
        | Message::AckEpoch { .. }
        | Message::NewLeader { .. }
        | Message::AckLd { .. }
        | Message::UpToDate => Subject::Epoch,
        Message::Diff { .. } | Message::Trunc { .. } | Message::Snap { .. } => {
            Subject::Synchronization
        }
        Message::Proposal { zxid, .. } | Message::Commit { zxid } | Message::Ack { zxid } => {
            Subject::Txn(*zxid)
        }
    }
}

/// Whether an earlier line is about what a line is about.
fn concerns(line: &Event, earlier: &Event) -> bool {
    let own = line.server == earlier.server;
    let of = subject(&earlier.kind);
    match subject(&line.kind) {
        Subject::Txn(zxid) => {
            let covers = matches!(earlier.kind, EventKind::Persisted(Persisted::Log(at))
                if at.epoch == zxid.epoch && at >= zxid);
            of == Subject::Txn(zxid) || (covers && own)
        }
        Subject::Epoch => own && of == Subject::Epoch,
        Subject::Synchronization => {
            let sends = |event: &Event| matches!(event.kind, EventKind::Sent(_));
            let reports = earlier
                .kind
                .packet()
                .is_some_and(|packet| matches!(packet.message, Message::AckEpoch { .. }));
            let with_peer = match (line.kind.packet(), earlier.kind.packet()) {
                (Some(one), Some(other)) => {
                    // A report comes from the other side than what it is answered with.
                    one.peer == other.peer && reports != (sends(line) == sends(earlier))
                }
                (Some(_) | None, Some(_) | None) => true,
            };
            own && with_peer && (of == Subject::Synchronization || reports)
        }
        Subject::Election => own && of == Subject::Election,
        Subject::Life => own && matches!(of, Subject::Life | Subject::Txn(_)),
        Subject::Connection => {
            own && (of == Subject::Connection || earlier.kind.packet().is_some())
        }
    }
}
