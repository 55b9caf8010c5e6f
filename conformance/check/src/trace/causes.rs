//! Which lines of an open segment came before a line of another server, and through it before a
//! line of the same one.
//!
//! A message is sent before it is received. So when a server sends in one chain, and another one
//! answers, the answer is after that line in whichever chain it arrives, although no `after` says
//! so. A [`Mark`] is what a line knows of one chain; messages carry marks. Where no segment is open
//! there are none, and nothing is kept.

use std::collections::HashMap;

use zab_trace::ServerId;

use crate::trace::input::At;

/// So many lines of a chain of an open segment came before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// Whose segment.
    pub(crate) server: ServerId,
    /// The number of the segment.
    pub(crate) segment: u64,
    /// The chain, as the segment counts them.
    pub(crate) row: usize,
    /// How many of its lines.
    pub(crate) count: usize,
}

/// Adds marks to marks; of one chain the latest is kept.
pub(crate) fn join(known: &mut Vec<Mark>, more: &[Mark]) {
    for mark in more {
        let same = |other: &&mut Mark| (other.server, other.row) == (mark.server, mark.row);
        match known.iter_mut().find(same) {
            Some(other) if (other.segment, other.count) < (mark.segment, mark.count) => {
                *other = *mark;
            }
            Some(_) => {}
            None => known.push(*mark),
        }
    }
}

/// What messages that are on their way know.
#[derive(Debug, Default)]
pub(crate) struct Causes {
    /// By the place of the line that sends it.
    on_the_way: HashMap<At, Vec<Mark>>,
}

impl Causes {
    /// A message is sent by a line that knows this.
    pub(crate) fn send(&mut self, sent: At, known: Vec<Mark>) {
        if !known.is_empty() {
            self.on_the_way.insert(sent, known);
        }
    }

    /// What a received message knows.
    pub(crate) fn receive(&mut self, sent: At) -> Vec<Mark> {
        if self.on_the_way.is_empty() {
            return Vec::new();
        }
        self.on_the_way.remove(&sent).unwrap_or_default()
    }
}
