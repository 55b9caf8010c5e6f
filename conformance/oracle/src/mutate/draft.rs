//! A trace while it is changed.
//!
//! A [`Draft`] knows which two lines are the two ends of one message, so that a change can be made
//! at both. When it is finished, every line gets its number anew: what was removed, added or moved
//! looks like something the servers did, and not like a gap of the recording.

mod moves;
#[cfg(test)]
mod tests;
mod uses;

use std::collections::HashMap;

use zab_trace::{Chain, ConnectionName, Event, EventKind, Message, Packet, Port, ServerId, State};

use crate::rng::Rng;

pub(super) use uses::Link;
use uses::Uses;

/// One line, and what it is an end of.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) event: Event,
    /// The connection whose messages are counted together.
    link: Option<Link>,
    /// The message; its other end has the same number.
    message: Option<usize>,
}

impl Line {
    /// A line that is an end of nothing.
    pub(super) const fn bare(event: Event) -> Self {
        Self { event, link: None, message: None }
    }
}

/// A trace while it is changed.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) lines: Vec<Line>,
    messages: usize,
    /// Whether messages keep the ordinals that the lines have.
    pub(super) keeps_ordinals: bool,
}

impl Draft {
    /// The lines of a trace; what is received comes after it is sent.
    pub(super) fn new(events: &[Event]) -> Self {
        let mut draft = Self { lines: Vec::new(), messages: 0, keeps_ordinals: false };
        let mut uses = Uses::default();
        // The last line that sent a message with this ordinal.
        let mut sent: HashMap<(ConnectionName, Port, ServerId, u64), usize> = HashMap::new();
        for (at, event) in events.iter().enumerate() {
            let link = uses.link(event);
            let id = event.kind.packet().map(|_| draft.new_message());
            draft.lines.push(Line { event: event.clone(), link, message: id });
            let Some(packet) = event.kind.packet() else { continue };
            let key =
                |sender| (packet.connection.clone(), packet.message.port(), sender, packet.ordinal);
            if is_sent(event) {
                sent.insert(key(event.server), at);
            } else if let Some(sent) = sent.remove(&key(packet.peer)) {
                draft.lines[at].message = draft.lines[sent].message;
                draft.unite(at, sent, &mut uses);
            }
        }
        draft
    }

    /// The connections of two lines, which are the ends of one message, are one.
    fn unite(&mut self, at: usize, sent: usize, uses: &mut Uses) {
        let (own, other) = (self.lines[at].link.clone(), self.lines[sent].link.clone());
        if own == other {
            return;
        }
        let server = self.server(at);
        for line in self.lines.iter_mut().filter(|line| line.event.server == server) {
            if line.link == own {
                line.link.clone_from(&other);
            }
        }
        if let Some(link) = other {
            uses.set(server, link);
        }
    }

    /// The lines with new numbers: `seq` in each chain, ordinals in each direction of a connection,
    /// and in the end of a killed server's life the last line of each chain.
    pub(super) fn finish(self) -> Vec<Event> {
        let mut seqs: HashMap<(ServerId, u32, Chain), u64> = HashMap::new();
        let mut ordinals: HashMap<(Link, ServerId, bool), u64> = HashMap::new();
        let keeps_ordinals = self.keeps_ordinals;
        let mut events = Vec::with_capacity(self.lines.len());
        for Line { mut event, link, .. } in self.lines {
            let chain = (event.server, event.incarnation, event.chain.clone());
            event.seq = count(seqs.entry(chain).or_default());
            let (sent, server) = (is_sent(&event), event.server);
            if let (Some(packet), Some(link)) = (event.kind.packet_mut(), link)
                && !keeps_ordinals
            {
                packet.ordinal = count(ordinals.entry((link, server, sent)).or_default());
            }
            events.push(event);
        }
        // The end of a life names the last line of each other chain.
        let ends = |event: &&mut Event| matches!(event.kind, EventKind::Killed | EventKind::Stop);
        for event in events.iter_mut().filter(ends) {
            let life = (event.server, event.incarnation);
            let others = seqs.iter().filter(|((server, incarnation, chain), _)| {
                let other = *chain != Chain::harness() && *chain != event.chain;
                other && (*server, *incarnation) == life
            });
            event.after = others.map(|((_, _, chain), next)| (chain.clone(), next - 1)).collect();
            event.after.sort_unstable();
        }
        events
    }

    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    pub(super) fn kind(&self, at: usize) -> &EventKind {
        &self.lines[at].event.kind
    }

    pub(super) fn server(&self, at: usize) -> ServerId {
        self.lines[at].event.server
    }

    /// The packet of a line that sends or receives.
    pub(super) fn packet(&self, at: usize) -> Option<&Packet> {
        self.lines[at].event.kind.packet()
    }

    pub(super) fn sends(&self, at: usize) -> bool {
        is_sent(&self.lines[at].event)
    }

    /// All lines for which this holds.
    pub(super) fn all(&self, holds: impl Fn(&Self, usize) -> bool) -> Vec<usize> {
        (0..self.lines.len()).filter(|at| holds(self, *at)).collect()
    }

    /// One of the lines for which this holds.
    pub(super) fn any(&self, rng: &mut Rng, holds: impl Fn(&Self, usize) -> bool) -> Option<usize> {
        rng.pick(&self.all(holds))
    }

    /// The other end of the message that this line sends or receives.
    pub(super) fn other_end(&self, at: usize) -> Option<usize> {
        let id = self.lines[at].message?;
        (0..self.lines.len()).find(|other| *other != at && self.lines[*other].message == Some(id))
    }

    /// The connection of a line, if it is about one.
    pub(super) fn link(&self, at: usize) -> Option<&Link> {
        self.lines[at].link.as_ref()
    }

    /// Whether two lines belong to the same life of the same server, and its process wrote both.
    pub(super) fn same_life(&self, one: usize, other: usize) -> bool {
        let (one, other) = (&self.lines[one].event, &self.lines[other].event);
        (one.server, one.incarnation, &one.chain) == (other.server, other.incarnation, &other.chain)
    }

    /// The line before this one in the same life.
    pub(super) fn before(&self, at: usize) -> Option<usize> {
        (0..at).rev().find(|other| self.same_life(at, *other))
    }

    /// The line after this one in the same life.
    pub(super) fn after(&self, at: usize) -> Option<usize> {
        (at + 1..self.lines.len()).find(|other| self.same_life(at, *other))
    }

    /// The last line that this server wrote before this place, if its process runs there.
    pub(super) fn running(&self, server: ServerId, at: usize) -> Option<usize> {
        let last = (0..at).rev().find(|other| self.server(*other) == server)?;
        let ended = self.kind(last).ends_incarnation();
        (!ended).then_some(last)
    }

    /// The last state that this server showed before this place.
    pub(super) fn state(&self, server: ServerId, at: usize) -> Option<State> {
        let own = self.lines[..at].iter().rev().filter(|line| line.event.server == server);
        own.filter_map(|line| line.event.state).next()
    }

    /// Removes these lines.
    pub(super) fn remove(&mut self, mut lines: Vec<usize>) {
        lines.sort_unstable();
        lines.dedup();
        for at in lines.into_iter().rev() {
            self.lines.remove(at);
        }
    }

    /// Removes these lines, and of messages the other ends.
    pub(super) fn remove_both(&mut self, lines: Vec<usize>) {
        let others: Vec<usize> = lines.iter().filter_map(|at| self.other_end(*at)).collect();
        self.remove([lines, others].concat());
    }

    /// A line of a running server before the line at `at`, with the state that it showed last.
    pub(super) fn insert(&mut self, at: usize, server: ServerId, kind: EventKind) -> Option<()> {
        let last = self.running(server, at)?;
        let last = &self.lines[last].event;
        let mut event = Event::new(server, last.incarnation, 0, kind);
        event.state = last.state;
        let link = connection(&event).map(|(name, port)| self.last_use(name, port, at));
        self.lines.insert(at, Line { event, link, message: None });
        Some(())
    }

    /// The last connection before this place that has this name, or a new one.
    fn last_use(&self, name: ConnectionName, port: Port, at: usize) -> Link {
        let links = self.lines[..at].iter().rev().filter_map(|line| line.link.as_ref());
        let last = links.into_iter().find(|link| link.name == name && link.port == port);
        last.cloned().unwrap_or(Link { name, port, usage: 0 })
    }

    /// The same line once more, right after itself; a message also at its other end.
    pub(super) fn repeat(&mut self, at: usize) {
        let mut ends = vec![at];
        ends.extend(self.other_end(at));
        ends.sort_unstable();
        let id = self.lines[at].message.map(|_| self.new_message());
        for end in ends.into_iter().rev() {
            let copy = Line { message: id, ..self.lines[end].clone() };
            self.lines.insert(end + 1, copy);
        }
    }

    fn new_message(&mut self) -> usize {
        self.messages += 1;
        self.messages
    }

    pub(super) fn set_message(&mut self, at: usize, message: Message) {
        if let Some(packet) = self.lines[at].event.kind.packet_mut() {
            packet.message = message;
        }
    }

    /// Changes the packets at both ends of a message.
    pub(super) fn change_both(&mut self, at: usize, change: impl Fn(Message) -> Message) {
        for end in [Some(at), self.other_end(at)].into_iter().flatten() {
            if let Some(packet) = self.packet(end) {
                self.set_message(end, change(packet.message));
            }
        }
    }

    pub(super) fn packet_mut(&mut self, at: usize) -> Option<&mut Packet> {
        self.lines[at].event.kind.packet_mut()
    }

    /// The line belongs to another connection from now on.
    pub(super) fn set_link(&mut self, at: usize, link: &Link) {
        self.lines[at].link = Some(link.clone());
    }

    /// Whether a line is about the quorum port.
    pub(super) fn on_quorum_port(&self, at: usize) -> bool {
        self.link(at).is_some_and(|link| link.port == Port::Quorum)
    }
}

fn count(next: &mut u64) -> u64 {
    *next += 1;
    *next - 1
}

fn is_sent(event: &Event) -> bool {
    matches!(event.kind, EventKind::Sent(_))
}

/// The connection that a line names, and its port.
fn connection(event: &Event) -> Option<(ConnectionName, Port)> {
    let port = event.kind.packet().map_or(Port::Quorum, |packet| packet.message.port());
    event.kind.connection().map(|name| (name.clone(), port))
}
