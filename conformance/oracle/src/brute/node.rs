//! One server as the search over the whole ensemble knows it.

use zab_check::Shown;
use zab_check::convert::{self, ModelMessage};
use zab_model::{
    Config, Decision, Effect, Enabled, Message, NoProbe, Notification, Outbox, Server, ServerId,
    Step, Wide, Write,
};
use zab_trace::{Round, Zxid};

/// Something that a step produced, and that a line of its own shows later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Due {
    Delivered(Zxid),
    Looking(Round),
    Elected(u64, Round),
    Established(u32),
    Committed(Zxid),
    /// Connection and message.
    Message(usize, ModelMessage),
    /// Row of the receiver and notification.
    Notification(usize, Notification<u32>),
}

impl Due {
    /// What is due is shown in the order of the steps among what has the same lane.
    pub(super) const fn lane(self) -> (u8, usize) {
        match self {
            Self::Delivered(_) => (0, 0),
            Self::Looking(_) => (1, 0),
            Self::Elected(..) => (2, 0),
            Self::Established(_) => (3, 0),
            Self::Committed(_) => (4, 0),
            Self::Message(link, _) => (5, link),
            Self::Notification(row, _) => (6, row),
        }
    }

    /// Whether a line without a message shows it.
    pub(super) const fn is_line(self) -> bool {
        self.lane().0 < 5
    }
}

/// A server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Node {
    pub(super) server: Server<Wide>,
    /// By row: the open quorum connection.
    pub(super) wires: Vec<Option<usize>>,
    /// Connections this end has ended, whose `Disconnected` line is to come.
    pub(super) ended: Vec<usize>,
    /// What is to be shown, sorted by lane.
    pub(super) due: Vec<Due>,
    /// By row: the last notification sent.
    pub(super) last: Vec<Option<Notification<u32>>>,
    /// The write of the last step.
    pub(super) written: Option<Write<u32>>,
    /// The transaction of the last step.
    pub(super) proposed: Option<Zxid>,
    /// The line of a `Looking` that is still to be decided has come already.
    pub(super) looking_shown: bool,
}

impl Node {
    pub(super) fn new(row: usize, servers: usize) -> Self {
        Self {
            server: Server::new(ServerId(u8::try_from(row + 1).unwrap_or(0))),
            wires: vec![None; servers],
            ended: Vec::new(),
            due: Vec::new(),
            last: vec![None; servers],
            written: None,
            proposed: None,
            looking_shown: false,
        }
    }

    /// The process ends: all is forgotten but what is on disk.
    pub(super) fn forget(&mut self) {
        let server = self.server.clone();
        *self = Self { server, ..Self::new(0, self.wires.len()) };
    }

    /// What is due in a lane, with its place.
    pub(super) fn lane(&self, lane: (u8, usize)) -> impl Iterator<Item = (usize, Due)> {
        let due = self.due.iter().copied().enumerate();
        due.filter(move |(_, due)| due.lane() == lane)
    }

    /// Takes this away, if it is the first of its lane.
    pub(super) fn take(&mut self, wanted: Due) -> bool {
        let first = self.lane(wanted.lane()).next().filter(|(_, due)| *due == wanted);
        first.map(|(at, _)| self.due.remove(at)).is_some()
    }

    /// Forgets what no line shows.
    pub(super) fn hide(&mut self, shown: Shown) {
        self.due.retain(|due| match due {
            Due::Delivered(_) => shown.delivered,
            Due::Looking(_) => shown.looking,
            Due::Elected(..) => shown.elected,
            Due::Established(_) => shown.established,
            Due::Committed(_) => shown.committed,
            Due::Message(..) | Due::Notification(..) => true,
        });
    }

    /// Takes a step, if it is enabled and no line is late; otherwise the node is of no more use.
    pub(super) fn step(&mut self, cfg: &Config<Wide>, step: Step<Wide>) -> bool {
        let mut outbox = Outbox::default();
        if zab_model::apply(cfg, &mut self.server, step, &mut outbox, &mut NoProbe) == Enabled::No {
            return false;
        }
        (self.written, self.proposed) = (None, None);
        outbox.effects().iter().all(|effect| self.effect(*effect))
    }

    /// False if a role, or the election, ends before all lines of its decisions were shown.
    fn effect(&mut self, effect: Effect<Wide>) -> bool {
        match effect {
            Effect::Persisted(write) => self.written = Some(write),
            Effect::Delivered(zxid) => self.push(Due::Delivered(convert::zxid(zxid))),
            Effect::Sent { to, message: Message::Notification(notification) } => {
                to.row()
                    .into_iter()
                    .for_each(|row| self.push(Due::Notification(row, notification)));
            }
            Effect::Sent { to, message } => {
                let link = to.row().and_then(|row| self.wires[row]);
                link.into_iter().for_each(|link| self.push(Due::Message(link, message)));
            }
            Effect::Decided(decision) => return self.decide(decision),
            Effect::Closed(peer) => {
                let link = peer.row().and_then(|row| self.wires[row].take());
                self.ended.extend(link);
            }
            Effect::Replaced(_)
            // At grain `threads` only.
            | Effect::Queued { .. }
            | Effect::Started(_) => {}
            Effect::ClosedAll => {
                self.ended.extend(self.wires.iter_mut().filter_map(Option::take));
                // The log is taken over as it is.
                self.due.retain(|due| !matches!(due, Due::Delivered(_)));
                return !self.due.iter().any(|due| due.is_line());
            }
        }
        true
    }

    fn decide(&mut self, decision: Decision<u32>) -> bool {
        match decision {
            Decision::Looking { round } => {
                if !std::mem::take(&mut self.looking_shown) {
                    self.push(Due::Looking(round));
                }
            }
            Decision::Resent => {}
            Decision::Elected { leader, round } => {
                if self.due.iter().any(|due| due.is_line() && !matches!(due, Due::Delivered(_))) {
                    return false;
                }
                self.push(Due::Elected(u64::from(leader.0), round));
            }
            Decision::Proposed { zxid } => self.proposed = Some(convert::zxid(zxid)),
            Decision::Established { epoch } => self.push(Due::Established(epoch)),
            Decision::Committed { zxid } => self.push(Due::Committed(convert::zxid(zxid))),
        }
        true
    }

    fn push(&mut self, due: Due) {
        let place = self.due.partition_point(|other| other.lane() <= due.lane());
        self.due.insert(place, due);
    }
}
