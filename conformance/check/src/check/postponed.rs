//! Lines that wait until it is known what is in a snapshot.
//!
//! A SNAP line does not say what the snapshot holds: its sender's state does. Where the sender's
//! lines are only partially ordered, no state may have sent it yet when the line that receives it
//! comes, because a line of another chain stands further behind in the file. The order of chains in
//! a file must not matter, so the receiver waits.

use std::collections::VecDeque;

use zab_trace::{EventKind, Message, ServerId};

use crate::search::Monitor;
use crate::trace::Line;

/// The lines, each server's in their order.
#[derive(Debug, Default)]
pub(crate) struct Postponed {
    lines: VecDeque<Line>,
}

impl Postponed {
    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Whether lines of this server wait.
    pub(super) fn holds(&self, server: ServerId) -> bool {
        self.lines.iter().any(|line| line.event.server == server)
    }

    pub(super) fn push(&mut self, line: Line) {
        self.lines.push_back(line);
    }

    /// All lines, which then wait no more.
    pub(super) fn drain(&mut self) -> VecDeque<Line> {
        std::mem::take(&mut self.lines)
    }

    /// The first line of a server that needs to wait no more.
    pub(super) fn ready(&mut self, monitors: &[Monitor]) -> Option<Line> {
        let mut blocked: Vec<ServerId> = Vec::new();
        let index = self.lines.iter().position(|line| {
            let server = line.event.server;
            let waits = blocked.contains(&server) || awaits_snapshot(monitors, line);
            if waits {
                blocked.push(server);
            }
            !waits
        })?;
        self.lines.remove(index)
    }
}

/// Whether a line receives a SNAP from a server of which no state has sent one that it shows.
pub(super) fn awaits_snapshot(monitors: &[Monitor], line: &Line) -> bool {
    let EventKind::Received(packet) = &line.event.kind else { return false };
    if !matches!(packet.message, Message::Snap { .. }) {
        return false;
    }
    let sender = monitors.iter().find(|monitor| monitor.id == packet.peer);
    let poset = sender.and_then(|monitor| monitor.poset.as_ref());
    poset.is_some_and(|poset| poset.awaits_snapshot())
}
