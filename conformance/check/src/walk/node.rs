//! One server of a random run, and what its steps produced but no line has shown.

use std::collections::VecDeque;

use zab_model::{
    Config, Decision, Effect, Enabled, Message, NoProbe, Notification, Outbox, Server, ServerId,
    Step, Wide, Write,
};
use zab_trace::{EventKind, Zxid};

use crate::convert::{self, Letter};

/// A server.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) server: Server<Wide>,
    pub(super) incarnation: u32,
    pub(super) seq: u64,
    /// The open quorum connection to each row.
    pub(super) wires: Vec<Option<usize>>,
    /// Messages to be sent, by connection; also on connections this end has ended.
    pub(super) sends: Vec<(usize, VecDeque<Letter>)>,
    /// Notifications to be sent to each row.
    pub(super) notices: Vec<VecDeque<Notification<u32>>>,
    /// The last notification sent to each row.
    pub(super) last: Vec<Option<Notification<u32>>>,
    /// Lines to be shown, each kind in its order.
    pub(super) lines: [VecDeque<EventKind>; 5],
    /// Connections this end has ended, whose `Disconnected` line is to come.
    pub(super) ended: Vec<usize>,
    /// The write of the last step.
    pub(super) written: Option<Write<u32>>,
    pub(super) proposed: Option<Zxid>,
}

impl Node {
    pub(super) fn new(row: usize, servers: usize) -> Self {
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
        }
    }

    /// The process ends.
    pub(super) fn forget(&mut self) {
        let servers = self.wires.len();
        self.wires = vec![None; servers];
        self.sends.clear();
        self.notices = vec![VecDeque::new(); servers];
        self.last = vec![None; servers];
        self.lines = Default::default();
        self.ended.clear();
    }

    /// Takes a step, if it is enabled.
    pub(super) fn step(&mut self, cfg: &Config<Wide>, step: Step<Wide>) -> bool {
        let mut outbox = Outbox::default();
        if zab_model::apply(cfg, &mut self.server, step, &mut outbox, &mut NoProbe) == Enabled::No {
            return false;
        }
        self.written = None;
        self.proposed = None;
        for effect in outbox.effects() {
            self.take(*effect);
        }
        true
    }

    fn take(&mut self, effect: Effect<Wide>) {
        match effect {
            Effect::Persisted(write) => self.written = Some(write),
            Effect::Delivered(zxid) => {
                let zxid = convert::zxid(zxid);
                self.lines[0].push_back(EventKind::Delivered { zxid });
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
            Effect::Replaced(_) => {}
            Effect::ClosedAll => {
                let wires = self.wires.iter_mut().filter_map(Option::take);
                self.ended.extend(wires);
            }
        }
    }

    fn decide(&mut self, decision: Decision<u32>) {
        match decision {
            Decision::Looking { round } => {
                self.lines[1].push_back(EventKind::Looking { round: u64::from(round) });
            }
            Decision::Resent => {}
            Decision::Elected { leader, round } => self.lines[2].push_back(EventKind::Elected {
                leader: u64::from(leader.0),
                round: u64::from(round),
            }),
            Decision::Proposed { zxid } => self.proposed = Some(convert::zxid(zxid)),
            Decision::Established { epoch } => {
                self.lines[3].push_back(EventKind::Established { epoch });
            }
            Decision::Committed { zxid } => {
                let zxid = convert::zxid(zxid);
                self.lines[4].push_back(EventKind::Committed { zxid });
            }
        }
    }
}
