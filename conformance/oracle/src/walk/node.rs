//! One server of a random run, and what its steps produced but no line has shown.

use std::collections::VecDeque;

use zab_model::{
    Config, Decision, Effect, Enabled, Message, NoProbe, Notification, Outbox, Server, ServerId,
    Step, Wide, Write,
};
use zab_trace::{EventKind, Round, Zxid};

use zab_check::convert::{self, ModelMessage};

/// Something a step produced that a line of its own shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Product {
    Delivered(Zxid),
    Looking(Round),
    Elected(u64, Round),
    Established(u32),
    Committed(Zxid),
}

impl Product {
    /// The line that shows it.
    pub(crate) const fn line(self) -> EventKind {
        match self {
            Self::Delivered(zxid) => EventKind::Delivered { zxid },
            Self::Looking(round) => EventKind::Looking { round },
            Self::Elected(leader, round) => EventKind::Elected { leader, round },
            Self::Established(epoch) => EventKind::Established { epoch },
            Self::Committed(zxid) => EventKind::Committed { zxid },
        }
    }
}

/// A server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Node {
    pub(crate) server: Server<Wide>,
    pub(crate) incarnation: u32,
    pub(crate) seq: u64,
    /// The open quorum connection to each row.
    pub(crate) wires: Vec<Option<usize>>,
    /// Messages to be sent, by connection; also on connections this end has ended.
    pub(crate) sends: Vec<(usize, VecDeque<ModelMessage>)>,
    /// Notifications to be sent to each row.
    pub(crate) notices: Vec<VecDeque<Notification<u32>>>,
    /// The last notification sent to each row.
    pub(crate) last: Vec<Option<Notification<u32>>>,
    /// Lines to be shown, each kind in its order.
    pub(crate) lines: [VecDeque<Product>; 5],
    /// Connections this end has ended, whose `Disconnected` line is to come.
    pub(crate) ended: Vec<usize>,
    /// The write of the last step.
    pub(crate) written: Option<Write<u32>>,
    pub(crate) proposed: Option<Zxid>,
    /// The line of a `Looking` that is still to be decided has come already.
    pub(crate) looking_shown: bool,
    /// A role, or the election, ended before all lines of its decisions were shown.
    pub(crate) late: bool,
}

impl Node {
    pub(crate) fn new(row: usize, servers: usize) -> Self {
        let id = ServerId(u8::try_from(row + 1).unwrap_or(0));
        Self {
            server: Server::new(id),
            incarnation: 0,
            seq: 0,
            wires: vec![None; servers],
            sends: Vec::new(),
            notices: vec![VecDeque::new(); servers],
            last: vec![None; servers],
            lines: Default::default(),
            ended: Vec::new(),
            written: None,
            proposed: None,
            looking_shown: false,
            late: false,
        }
    }

    /// The process ends.
    pub(crate) fn forget(&mut self) {
        let servers = self.wires.len();
        self.wires = vec![None; servers];
        self.sends.clear();
        self.notices = vec![VecDeque::new(); servers];
        self.last = vec![None; servers];
        self.lines = Default::default();
        self.ended.clear();
        self.looking_shown = false;
    }

    /// Takes a step, if it is enabled and no line is late; otherwise the node is of no more use.
    pub(crate) fn step(&mut self, cfg: &Config<Wide>, step: Step<Wide>) -> bool {
        let mut outbox = Outbox::default();
        if zab_model::apply(cfg, &mut self.server, step, &mut outbox, &mut NoProbe) == Enabled::No {
            return false;
        }
        self.written = None;
        self.proposed = None;
        for effect in outbox.effects() {
            self.take(*effect);
        }
        !self.late
    }

    fn take(&mut self, effect: Effect<Wide>) {
        match effect {
            Effect::Persisted(write) => self.written = Some(write),
            Effect::Delivered(zxid) => {
                self.lines[0].push_back(Product::Delivered(convert::zxid(zxid)));
            }
            Effect::Sent { to, message: Message::Notification(notification) } => {
                if let Some(row) = to.row() {
                    self.notices[row].push_back(notification);
                }
            }
            Effect::Sent { to, message } => {
                let wire = to.row().and_then(|row| self.wires[row]);
                let queue = self.sends.iter_mut().find(|(link, _)| Some(*link) == wire);
                if let Some((_, queue)) = queue {
                    queue.push_back(message);
                }
            }
            Effect::Decided(decision) => self.decide(decision),
            Effect::Closed(peer) => {
                if let Some(row) = peer.row() {
                    self.ended.extend(self.wires[row].take());
                }
            }
            Effect::Replaced(_)
            // At grain `threads` only.
            | Effect::Queued { .. }
            | Effect::Started(_) => {}
            Effect::ClosedAll => {
                let wires = self.wires.iter_mut().filter_map(Option::take);
                self.ended.extend(wires);
                // The log is taken over as it is.
                self.lines[0].clear();
                self.late |= self.lines.iter().any(|lines| !lines.is_empty());
            }
        }
    }

    fn decide(&mut self, decision: Decision<u32>) {
        match decision {
            Decision::Looking { round } => {
                if !std::mem::take(&mut self.looking_shown) {
                    self.lines[1].push_back(Product::Looking(round));
                }
            }
            Decision::Resent => {}
            Decision::Elected { leader, round } => {
                self.late |= self.lines[1..].iter().any(|lines| !lines.is_empty());
                let leader = u64::from(leader.0);
                self.lines[2].push_back(Product::Elected(leader, round));
            }
            Decision::Proposed { zxid } => self.proposed = Some(convert::zxid(zxid)),
            Decision::Established { epoch } => {
                self.lines[3].push_back(Product::Established(epoch));
            }
            Decision::Committed { zxid } => {
                self.lines[4].push_back(Product::Committed(convert::zxid(zxid)));
            }
        }
    }
}
