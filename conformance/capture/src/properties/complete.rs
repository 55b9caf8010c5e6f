//! Whether a capture has all that passed between the servers. What it lacks may be just what made the rest
//! legal, so in such a capture nothing is a violation because something else is not there.

use std::collections::{BTreeMap, BTreeSet};

use zab_wire::PacketType;

use super::{Finding, Members, Report, W_CLIENT, W_DIGEST, W_LEADER};
use crate::connection::Message;
use crate::decode::{Item, What};
use crate::raw::{Event, Port};

/// Properties that are violated by what is there, whatever is missing.
const BY_WHAT_IS_THERE: [&str; 3] = [W_DIGEST, W_LEADER, W_CLIENT];

/// What shows whether a capture is complete.
#[derive(Debug, Default)]
pub(super) struct Complete {
    /// Before which ports the recorder listened: the port and its server.
    listened: BTreeSet<(Port, i64)>,
    /// For whom it stood there.
    stood_for: BTreeMap<(Port, i64), BTreeSet<i64>>,
    /// Who has sent votes to whom.
    voted: BTreeSet<(i64, i64)>,
    /// Who has dialled, by the number of the connection.
    diallers: BTreeMap<u64, i64>,
    refused: u64,
    /// How many connections there were, as the last entry says.
    opened: Option<u64>,
    /// The line of the last message of each end of a connection.
    last: BTreeMap<(u64, i64), u64>,
    /// From this line on, bytes may have been lost.
    blind_from: Option<u64>,
    /// How many packets learner and leader have sent on a connection of the quorum port.
    packets: BTreeMap<u64, (u64, u64)>,
    /// Ends of connections of the quorum port whose first packet is no first packet: whether a learner's.
    midway: BTreeSet<(u64, bool)>,
    /// As what servers have registered, or that they have led.
    parts: BTreeMap<i64, BTreeSet<Part>>,
}

/// As what a server takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Voter,
    Observer,
}

impl Complete {
    pub(super) fn item(&mut self, item: &Item) {
        match &item.what {
            What::Sent { connection, from, to, message, .. } => {
                self.last.insert((*connection, *from), item.line);
                match **message {
                    Message::Notification(_) => {
                        self.voted.insert((*from, *to));
                    }
                    Message::Packet(ref packet, _) => {
                        self.packet(*connection, *from, Some(packet.kind));
                    }
                    Message::Snapshot(_) => self.packet(*connection, *from, None),
                    Message::Initial(_) | Message::NotANotification(_) => {}
                }
            }
            What::Lost { connection, from, .. } => {
                let last = self.last.get(&(*connection, *from)).copied().unwrap_or_default();
                self.blind_from = Some(self.blind_from.unwrap_or(last).min(last));
            }
            What::Other(Event::Listen(link)) => {
                self.listened.insert((link.port, link.to));
                self.stands(link.port, link.from, link.to);
            }
            What::Other(Event::Refused(link)) => {
                self.refused += 1;
                self.stands(link.port, link.from, link.to);
            }
            What::Other(Event::Open(side)) => {
                self.diallers.insert(side.connection, side.from);
                self.stands(side.port, side.from, side.to);
            }
            What::Other(Event::Quit { connections }) => self.opened = *connections,
            What::Other(_) => {}
        }
    }

    fn packet(&mut self, connection: u64, from: i64, kind: Option<PacketType>) {
        let by_learner = self.diallers.get(&connection) == Some(&from);
        let part = match kind {
            Some(PacketType::FollowerInfo | PacketType::LeaderInfo) => Some(Part::Voter),
            Some(PacketType::ObserverInfo) => Some(Part::Observer),
            _ => None,
        };
        self.parts.entry(from).or_default().extend(part);
        let sent = self.packets.entry(connection).or_default();
        let sent = if by_learner { &mut sent.0 } else { &mut sent.1 };
        *sent += 1;
        let begins = match kind {
            Some(PacketType::FollowerInfo | PacketType::ObserverInfo) => by_learner,
            Some(PacketType::LeaderInfo) => !by_learner,
            _ => false,
        };
        if *sent == 1 && !begins {
            self.midway.insert((connection, by_learner));
        }
    }

    fn stands(&mut self, port: Port, from: i64, to: i64) {
        self.stood_for.entry((port, to)).or_default().insert(from);
    }

    /// Puts into the report what is missing.
    pub(super) fn report(&self, members: &Members, report: &mut Report) {
        let missing = self.link(members).or_else(|| self.votes()).or_else(|| self.packets());
        let missing = missing.or_else(|| self.beginning()).or_else(|| self.parts(members));
        report.lacks = self.connection();
        let is_incomplete = missing.is_some() || report.lacks.is_some();
        let Some(blind_from) = is_incomplete.then_some(0).or(self.blind_from) else { return };
        report.doubts.extend(missing);
        let told = report.findings.len();
        // The packets of a finding are in the order of the capture.
        let is_before =
            |found: &Finding| found.packets.last().is_some_and(|packet| packet.line <= blind_from);
        report.findings.retain(|found| BY_WHAT_IS_THERE.contains(&found.rule) || is_before(found));
        let left_out = told - report.findings.len();
        if left_out > 0 && report.doubts.is_empty() {
            report.doubts.extend(report.lacks.clone());
        }
    }

    /// A recorder listens for each other server in place of one that listens: for one of them it did not.
    fn link(&self, members: &Members) -> Option<String> {
        self.listened.iter().find_map(|(port, to)| {
            let stood_for = self.stood_for.get(&(*port, *to))?;
            let mut others = members.servers.iter().filter(|id| *id != to);
            let one = others.find(|id| !stood_for.contains(id))?;
            let port = match port {
                Port::Election => "election",
                Port::Quorum => "quorum",
            };
            Some(format!(
                "the capture lacks a link: the recorder stood before the {port} port of server {to} for \
                 others, and not for server {one}"
            ))
        })
    }

    /// Whoever votes answers everybody who votes (`zk.fle.settled_reply`), and tells new ones its vote: a
    /// server that tells others its votes, and one that it got votes from nothing. Told only of a
    /// recorder that tells where it listens, because it is then known to have stood there.
    fn votes(&self) -> Option<String> {
        if !self.listened.iter().any(|(port, _)| *port == Port::Election) {
            return None;
        }
        let speaks = |id: &i64| self.voted.iter().any(|(from, _)| from == id);
        let mut one_way =
            self.voted.iter().filter(|(from, to)| !self.voted.contains(&(*to, *from)));
        let (from, to) = one_way.find(|(_, to)| speaks(to))?;
        Some(format!(
            "the capture lacks a direction: server {from} sends votes to server {to}, and server {to} \
             votes, and sends none to server {from}"
        ))
    }

    /// A learner says nothing after its first packet before it is answered, and a leader nothing before
    /// that packet.
    fn packets(&self) -> Option<String> {
        self.packets.iter().find_map(|(connection, sent)| {
            let end = match sent {
                (2.., 0) => "leader",
                (0, 1..) => "learner",
                _ => return None,
            };
            Some(format!(
                "the capture lacks a direction: the {end} of connection {connection} has sent nothing, \
                 and is answered"
            ))
        })
    }

    /// Neither end of a connection begins with its first packet: it is older than the capture.
    fn beginning(&self) -> Option<String> {
        let is_older = |connection: &u64| {
            [true, false].iter().all(|by_learner| self.midway.contains(&(*connection, *by_learner)))
        };
        let connection = self.packets.keys().find(|connection| is_older(connection))?;
        Some(format!(
            "the capture lacks the beginning of connection {connection}: its learner does not begin with \
             FOLLOWERINFO or OBSERVERINFO, and its leader not with LEADERINFO"
        ))
    }

    /// A voter registers with FOLLOWERINFO and may lead, an observer registers with OBSERVERINFO
    /// (`Learner.registerWithLeader`). One that does only what the other kind does was named wrongly.
    fn parts(&self, members: &Members) -> Option<String> {
        self.parts.iter().filter(|(server, _)| members.servers.contains(server)).find_map(
            |(server, parts)| {
                let is_voter = members.is_voter(*server);
                let (named, acts) = if is_voter {
                    (Part::Voter, "registers as an observer, and is not named as one")
                } else {
                    (
                        Part::Observer,
                        "registers as a follower or leads, and is named as an observer",
                    )
                };
                let is_wrong = !parts.is_empty() && !parts.contains(&named);
                is_wrong.then(|| format!("server {server} {acts}"))
            },
        )
    }

    /// Connections are numbered one after the other. A recorder may give a number to one that is refused;
    /// and if most numbers are missing, it numbers in another way. The last ones are missed if the end of the
    /// capture says how many there were.
    fn connection(&self) -> Option<String> {
        let there = self.diallers.len();
        let opened = self.opened.and_then(|opened| usize::try_from(opened).ok());
        if let Some(opened) = opened.filter(|opened| *opened > there) {
            return Some(format!(
                "the capture lacks a connection: its end says that there were {opened}, and there are {there}"
            ));
        }
        let (first, last) = (*self.diallers.keys().next()?, *self.diallers.keys().next_back()?);
        let first = first.min(1);
        let there = u64::try_from(self.diallers.len()).ok()?;
        let missing = (last - first + 1).checked_sub(there)?;
        if missing <= self.refused || missing > there {
            return None;
        }
        let one = (first..=last).find(|number| !self.diallers.contains_key(number))?;
        Some(format!(
            "the capture lacks a connection: there are numbers up to {last}, and not {one}"
        ))
    }
}
