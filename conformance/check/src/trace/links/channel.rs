//! What is known of one pair of ends: the ends, and what is on its way between them.

use std::collections::VecDeque;

use zab_trace::{ConnectionName, ServerId};

use super::{Begun, ConnectionId, Direction, End, InFlight};

/// What one use of a connection carries in one direction.
#[derive(Debug)]
pub(super) struct Segment<C> {
    /// None before the first message.
    pub(super) receiver: Option<ServerId>,
    pub(super) sent: u64,
    /// Messages that are sent and not received.
    pub(super) queue: VecDeque<InFlight<C>>,
    /// The receiver's end is closed: nothing more is received.
    pub(super) lost: bool,
}

/// What one server sends on a channel, by use of its end.
#[derive(Debug)]
pub(super) struct Stream<C> {
    pub(super) sender: ServerId,
    /// The use that comes first in `segments`.
    pub(super) first: u32,
    pub(super) segments: VecDeque<Segment<C>>,
}

/// A server's end, under one name.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) name: u32,
    pub(super) server: ServerId,
    /// How other parts know its present use.
    pub(super) id: ConnectionId,
    pub(super) end: End,
}

/// Everything known of one channel.
#[derive(Debug)]
pub(super) struct Channel<C> {
    /// Its names: several if a relay joined them.
    pub(super) names: Vec<ConnectionName>,
    pub(super) ends: Vec<Held>,
    pub(super) streams: Vec<Stream<C>>,
    /// By server: the numbers that its next use gets, as a sender and as a receiver.
    pub(super) next: Vec<(ServerId, [u32; 2])>,
}

impl<C> Default for Channel<C> {
    fn default() -> Self {
        Self { names: Vec::new(), ends: Vec::new(), streams: Vec::new(), next: Vec::new() }
    }
}

impl<C> Channel<C> {
    pub(super) fn end(&self, name: u32, server: ServerId) -> Option<&Held> {
        self.ends.iter().find(|held| held.name == name && held.server == server)
    }

    pub(super) fn stream(&self, sender: ServerId) -> Option<&Stream<C>> {
        self.streams.iter().find(|stream| stream.sender == sender)
    }

    pub(super) fn segment(&self, sender: ServerId, label: u32) -> Option<&Segment<C>> {
        self.stream(sender)?.segment(label)
    }

    pub(super) fn segment_mut(&mut self, sender: ServerId, label: u32) -> Option<&mut Segment<C>> {
        self.streams.iter_mut().find(|stream| stream.sender == sender)?.segment_mut(label)
    }

    /// The number that the next use of a server's end will have.
    pub(super) fn coming(&self, server: ServerId, direction: Direction) -> u32 {
        let next = self.next.iter().find(|(other, _)| *other == server);
        next.map_or(0, |(_, labels)| labels[direction as usize])
    }

    /// Numbers what has begun at an end.
    pub(super) fn number(&mut self, index: usize, begun: Begun) {
        let server = self.ends[index].server;
        let place = self.next.iter().position(|(other, _)| *other == server);
        let place = place.unwrap_or_else(|| {
            self.next.push((server, [0; 2]));
            self.next.len() - 1
        });
        let directions: &[Direction] = match begun {
            Begun::Nothing => &[],
            Begun::One(Direction::Out) => &[Direction::Out],
            Begun::One(Direction::In) => &[Direction::In],
            Begun::Both => &[Direction::Out, Direction::In],
        };
        for direction in directions {
            let next = &mut self.next[place].1[*direction as usize];
            self.ends[index].end.set_label(*direction, *next);
            *next += 1;
        }
    }

    /// The receiver's end of this use is closed: nothing of it arrives any more.
    pub(super) fn lose(&mut self, receiver: ServerId, label: u32) {
        for stream in self.streams.iter_mut().filter(|stream| stream.sender != receiver) {
            if let Some(segment) = stream.segment_mut(label)
                && segment.receiver == Some(receiver)
            {
                segment.queue = VecDeque::new();
                segment.lost = true;
            }
            // What comes before it arrived, or never will.
            while stream.segments.len() > 1
                && stream.first < label
                && stream.segments[0].receiver.is_none_or(|to| to == receiver)
            {
                stream.segments.pop_front();
                stream.first += 1;
            }
        }
    }

    /// Whether the receiver has closed its end of this use before the sender's line was looked at.
    pub(super) fn is_closed(&self, receiver: ServerId, label: u32) -> bool {
        let past = |end: &End| {
            let own = end.label(Direction::In);
            own > label || (own == label && !end.is_open())
        };
        // An end of this server under another name may be open still.
        let mut ends = self.ends.iter().filter(|held| held.server == receiver).peekable();
        ends.peek().is_some() && ends.all(|held| past(&held.end))
    }
}

impl<C> Stream<C> {
    pub(super) fn segment(&self, label: u32) -> Option<&Segment<C>> {
        let index = usize::try_from(label.checked_sub(self.first)?).ok()?;
        self.segments.get(index)
    }

    pub(super) fn segment_mut(&mut self, label: u32) -> Option<&mut Segment<C>> {
        let index = usize::try_from(label.checked_sub(self.first)?).ok()?;
        self.segments.get_mut(index)
    }

    /// The segment with this number, which is one of the last.
    pub(super) fn extend_to(&mut self, label: u32) -> Option<&mut Segment<C>> {
        if self.segments.is_empty() {
            self.first = label;
        }
        let index = usize::try_from(label.checked_sub(self.first)?).ok()?;
        while self.segments.len() <= index {
            let (queue, lost) = (VecDeque::new(), false);
            self.segments.push_back(Segment { receiver: None, sent: 0, queue, lost });
        }
        self.segments.get_mut(index)
    }
}
