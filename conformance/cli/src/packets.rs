//! A capture as a sequence diagram: each packet in the row in which the recorder saw it.

mod near;

use std::collections::{BTreeMap, BTreeSet};

use zab_capture::raw::{Event, Side};
use zab_capture::{Item, Message, What};
use zab_view::{Arrow, End, Lane, Row, Sequence};
use zab_wire::PacketType;
use zab_wire::election::ServerState;

pub(crate) use near::near;

/// Most rows of a diagram: more than this nobody looks at, and no browser draws.
pub(crate) const ROWS_MAX: usize = 2_000;

/// The phases that servers are in; a server that has done nothing yet elects.
#[derive(Clone, Debug, Default)]
struct Phases(BTreeMap<i64, Option<Lane>>);

impl Phases {
    fn of(&self, server: i64) -> Option<Lane> {
        self.0.get(&server).copied().unwrap_or(Some(Lane::Election))
    }

    /// Goes on by what happened.
    fn step(&mut self, what: &What) {
        for server in actors(what) {
            let phase = after(what, self.of(server));
            self.0.insert(server, phase);
        }
    }
}

/// What is left out: how many entries, and where they lead.
#[derive(Debug)]
struct Gap {
    entries: usize,
    phases: Phases,
}

/// A diagram in the making.
#[derive(Debug, Default)]
pub(crate) struct Diagram {
    items: Vec<Item>,
    /// What is left out before an item, by its index.
    gaps: BTreeMap<usize, Gap>,
    /// Lines of the capture that are marked.
    marked: BTreeSet<u64>,
    /// Items that found no room.
    pub(crate) left_out: usize,
}

impl Diagram {
    /// Adds what is to be seen.
    pub(crate) fn add(&mut self, item: &Item) {
        if self.items.len() < ROWS_MAX {
            self.items.push(item.clone());
        } else {
            self.left_out += 1;
        }
    }

    /// A diagram in which these lines are marked.
    pub(crate) fn marking(lines: impl IntoIterator<Item = u64>) -> Self {
        Self { marked: lines.into_iter().collect(), ..Self::default() }
    }

    /// Whether an item stands in a line that is marked.
    pub(crate) fn marks(&self, item: &Item) -> bool {
        self.marked.contains(&item.line)
    }

    /// Says what is left out here.
    fn leave_out(&mut self, gap: Gap) {
        self.gaps.insert(self.items.len(), gap);
    }

    /// The diagram; none if there is nothing to be seen.
    pub(crate) fn sequence(&self) -> Option<Sequence> {
        let servers: BTreeSet<i64> = self.items.iter().flat_map(|item| ends(&item.what)).collect();
        let servers: Vec<i64> = servers.into_iter().collect();
        let lane = |server: i64| servers.iter().position(|other| *other == server);
        let start = Phases::default();
        let mut phases: Vec<Option<Lane>> =
            servers.iter().map(|server| start.of(*server)).collect();
        let mut rows = Vec::new();
        let mut arrows = Vec::new();
        for (index, item) in self.items.iter().enumerate() {
            if let Some(gap) = self.gaps.get(&index) {
                for (phase, server) in phases.iter_mut().zip(&servers) {
                    *phase = gap.phases.of(*server);
                }
                rows.push(row(format!("… {} entries", gap.entries), &phases));
            }
            let own: Vec<usize> = actors(&item.what).into_iter().filter_map(lane).collect();
            for index in &own {
                phases[*index] = after(&item.what, phases[*index]);
            }
            if let What::Sent { from, to, message, .. } = &item.what
                && let (Some(from), Some(to)) = (lane(*from), lane(*to))
            {
                let (sent, text) = (rows.len(), message.to_string());
                arrows.push(Arrow { from, to, text, sent, end: End::Received(sent) });
            }
            rows.push(Row {
                crash: is_end(&item.what),
                servers: own,
                marked: self.marks(item) || matches!(item.what, What::Lost { .. }),
                ..row(words(item), &phases)
            });
        }
        let lanes = servers.iter().map(|server| format!("server {server}")).collect();
        (!rows.is_empty()).then_some(Sequence { lanes, rows, arrows })
    }
}

/// A row in which no server does anything.
fn row(text: String, phases: &[Option<Lane>]) -> Row {
    Row {
        text,
        servers: Vec::new(),
        crash: false,
        notes: vec![String::new(); phases.len()],
        phases: phases.to_vec(),
        marked: false,
    }
}

/// Whether something that is no message is worth a row: what was done to servers and connections.
pub(crate) fn is_shown(what: &What) -> bool {
    match what {
        What::Sent { message, .. } => message.name() != "PING",
        What::Lost { .. } => true,
        What::Other(event) => match event {
            Event::Eof { side, .. } => is_of_quorum_port(side),
            Event::KillOnAck { .. } | Event::Ctl { .. } => true,
            Event::Mark { what, .. } => ["start", "kill9", "killed"].contains(&what.as_str()),
            Event::Listen(_)
            | Event::Unlisten(_)
            | Event::Open(_)
            | Event::Refused(_)
            | Event::Data { .. }
            | Event::Close { .. }
            | Event::Dropped { .. }
            | Event::DeliveredLate { .. }
            | Event::Quit { .. } => false,
        },
    }
}

fn is_of_quorum_port(side: &Side) -> bool {
    side.port == zab_capture::raw::Port::Quorum
}

/// The line and the time, and what happened if no arrow says so.
fn words(item: &Item) -> String {
    let ms = item.time_us / 1000;
    match &item.what {
        What::Sent { connection, .. } => format!("line {}  {ms} ms  #{connection}", item.line),
        What::Lost { .. } | What::Other(_) => {
            let text = item.what.to_string();
            let words: Vec<&str> = text.split_whitespace().collect();
            format!("line {}  {ms} ms  {}", item.line, words.join(" "))
        }
    }
}

/// The servers that have lanes because of this.
fn ends(what: &What) -> Vec<i64> {
    match what {
        What::Sent { from, to, .. } | What::Lost { from, to, .. } => vec![*from, *to],
        What::Other(_) => actors(what),
    }
}

/// Whose step it is.
fn actors(what: &What) -> Vec<i64> {
    match what {
        What::Sent { from, .. } | What::Lost { from, .. } => vec![*from],
        What::Other(Event::Eof { side, .. }) => vec![side.from],
        What::Other(Event::KillOnAck { server }) => vec![*server],
        What::Other(Event::Mark { details, .. }) => {
            details.get("sid").and_then(serde_json::Value::as_i64).into_iter().collect()
        }
        What::Other(_) => Vec::new(),
    }
}

fn is_end(what: &What) -> bool {
    match what {
        What::Other(Event::KillOnAck { .. }) => true,
        What::Other(Event::Mark { what, .. }) => what == "kill9" || what == "killed",
        What::Other(_) | What::Sent { .. } | What::Lost { .. } => false,
    }
}

/// The phase that the sender of a message shows; `None` while it is down.
fn after(what: &What, before: Option<Lane>) -> Option<Lane> {
    if is_end(what) {
        return None;
    }
    let What::Sent { message, .. } = what else { return before.or(Some(Lane::Election)) };
    match &**message {
        Message::Notification(vote) if vote.state == ServerState::Looking => Some(Lane::Election),
        Message::Packet(packet, _) => match packet.kind {
            PacketType::FollowerInfo
            | PacketType::ObserverInfo
            | PacketType::LeaderInfo
            | PacketType::AckEpoch => Some(Lane::Discovery),
            PacketType::Diff | PacketType::Trunc | PacketType::Snap | PacketType::NewLeader => {
                Some(Lane::Synchronization)
            }
            PacketType::Ack if before == Some(Lane::Discovery) => Some(Lane::Synchronization),
            PacketType::UpToDate | PacketType::Ack | PacketType::Commit => Some(Lane::Broadcast),
            PacketType::Request
            | PacketType::Proposal
            | PacketType::Ping
            | PacketType::Revalidate
            | PacketType::Sync
            | PacketType::Inform
            | PacketType::CommitAndActivate
            | PacketType::InformAndActivate => before,
        },
        Message::Initial(_)
        | Message::Notification(_)
        | Message::NotANotification(_)
        | Message::Snapshot(_) => before.or(Some(Lane::Election)),
    }
}
