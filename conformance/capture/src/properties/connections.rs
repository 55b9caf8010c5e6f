//! What is known of each connection of the quorum port: who leads, which epoch, how far it is.

use std::collections::{BTreeMap, BTreeSet};

use zab_wire::{PacketType, QuorumPacket};

use super::{Members, Packet, epoch};
use crate::connection::Message;
use crate::decode::{Item, What};
use crate::payload::Payload;
use crate::raw::{Event, Port, Side};

/// One connection of a learner to a leader.
#[derive(Clone, Debug)]
pub(super) struct Connection {
    pub(super) number: u64,
    pub(super) learner: i64,
    pub(super) leader: i64,
    pub(super) is_observer: bool,
    /// Whether the learner has sent anything, as it does first.
    pub(super) learner_has_spoken: bool,
    leader_has_spoken: bool,
    /// Whether some of what its ends sent is unknown.
    is_blind: bool,
    /// The epoch of FOLLOWERINFO or OBSERVERINFO.
    pub(super) accepted_epoch: Option<i64>,
    /// The epoch of LEADERINFO.
    pub(super) epoch: Option<i64>,
    /// The zxid of ACKEPOCH, and the packet.
    pub(super) reported: Option<(i64, Packet)>,
    /// DIFF, TRUNC or SNAP.
    pub(super) header: Option<(PacketType, i64)>,
    /// The end of the history that NEWLEADER's acknowledgement speaks of.
    pub(super) history: i64,
    pub(super) newleader_sent: bool,
    pub(super) newleader_acknowledged: bool,
    pub(super) uptodate_sent: bool,
    /// How an earlier connection of this learner to this leader ended, if it did.
    pub(super) earlier_end: Option<Packet>,
}

/// A packet of the quorum port, with what was known of its connection before it.
pub(super) struct Seen<'a> {
    pub(super) item: &'a Item,
    pub(super) connection: &'a Connection,
    /// Whether the learner sent it; else the leader did.
    pub(super) by_learner: bool,
    pub(super) packet: &'a QuorumPacket,
    pub(super) payload: &'a Payload,
}

impl Seen<'_> {
    pub(super) fn evidence(&self) -> Packet {
        Packet::of(self.item)
    }

    /// Who sent it.
    pub(super) fn sender(&self) -> i64 {
        if self.by_learner { self.connection.learner } else { self.connection.leader }
    }

    /// Whether one end answers what the capture does not show: one direction of the connection is
    /// missing so far.
    pub(super) fn is_one_sided(&self) -> bool {
        let begins =
            matches!(self.packet.kind, PacketType::FollowerInfo | PacketType::ObserverInfo);
        match self.by_learner {
            true => !self.connection.leader_has_spoken && !begins,
            false => !self.connection.learner_has_spoken,
        }
    }

    /// Whether all is known of what was sent on the connection until now.
    pub(super) fn is_whole(&self) -> bool {
        !self.connection.is_blind && !self.is_one_sided()
    }

    /// The epoch and the leader, once LEADERINFO was sent.
    pub(super) fn leadership(&self) -> Option<(i64, i64)> {
        Some((self.connection.leader, self.connection.epoch?))
    }
}

/// All connections of the quorum port.
#[derive(Debug, Default)]
pub(super) struct Connections {
    open: BTreeMap<u64, Connection>,
    /// How the newest connection of a learner to a leader ended.
    ended: BTreeMap<(i64, i64), Packet>,
    senders: BTreeSet<i64>,
}

impl Connections {
    /// Something else than a message.
    pub(super) fn event(&mut self, item: &Item, event: &Event) {
        match event {
            Event::Open(side) if side.port == Port::Quorum => {
                let earlier_end = self.ended.remove(&(side.from, side.to));
                let connection = Connection::new(side, earlier_end);
                self.open.insert(side.connection, connection);
            }
            Event::Eof { side, .. } => {
                if let Some(connection) = self.open.get(&side.connection) {
                    let pair = (connection.learner, connection.leader);
                    self.ended.entry(pair).or_insert_with(|| Packet::of(item));
                }
            }
            Event::Close { connection } => {
                self.open.remove(connection);
            }
            Event::Open(_)
            | Event::Listen(_)
            | Event::Unlisten(_)
            | Event::Refused(_)
            | Event::Data { .. }
            | Event::Dropped { .. }
            | Event::DeliveredLate { .. }
            | Event::Ctl { .. }
            | Event::KillOnAck { .. }
            | Event::Mark { .. }
            | Event::Quit { .. } => {}
        }
    }

    /// Some bytes on a connection are no message: more is unknown.
    pub(super) fn lost(&mut self, connection: u64) {
        if let Some(connection) = self.open.get_mut(&connection) {
            connection.is_blind = true;
        }
    }

    /// What a message means where it stands; `None` if it is no packet of the quorum port.
    pub(super) fn packet<'a>(&'a mut self, item: &'a Item) -> Option<Seen<'a>> {
        let What::Sent { connection, from, message, .. } = &item.what else { return None };
        self.senders.insert(*from);
        let Message::Packet(packet, payload) = &**message else { return None };
        let connection = self.open.get(connection)?;
        let by_learner = *from == connection.learner;
        Some(Seen { item, connection, by_learner, packet, payload })
    }

    /// Takes note of a message, after everybody has looked at it.
    pub(super) fn after(&mut self, item: &Item) {
        let What::Sent { connection, from, message, .. } = &item.what else { return };
        let Message::Packet(packet, payload) = &**message else { return };
        let Some(connection) = self.open.get_mut(connection) else { return };
        let by_learner = *from == connection.learner;
        if !(Seen { item, connection, by_learner, packet, payload }.is_whole()) {
            connection.is_blind = true;
        }
        if by_learner {
            connection.of_learner(item, packet);
        } else {
            connection.of_leader(packet);
        }
    }

    pub(super) fn has_sent(&self, server: i64) -> bool {
        self.senders.contains(&server)
    }

    /// Who has sent something and is no member.
    pub(super) fn strangers<'a>(&'a self, members: &'a Members) -> impl Iterator<Item = i64> + 'a {
        self.senders.difference(&members.servers).copied()
    }
}

impl Connection {
    fn new(open: &Side, earlier_end: Option<Packet>) -> Self {
        Self {
            number: open.connection,
            learner: open.from,
            leader: open.to,
            is_observer: false,
            learner_has_spoken: false,
            leader_has_spoken: false,
            is_blind: false,
            accepted_epoch: None,
            epoch: None,
            reported: None,
            header: None,
            history: 0,
            newleader_sent: false,
            newleader_acknowledged: false,
            uptodate_sent: false,
            earlier_end,
        }
    }

    /// What the learner's history begins with: what is proposed on this connection follows it.
    /// Nothing is known after SNAP, whose snapshot may hold more than it says.
    pub(super) fn start(&self) -> Option<i64> {
        match self.header? {
            (PacketType::Trunc, zxid) => Some(zxid),
            (PacketType::Diff, _) => self.reported.as_ref().map(|(zxid, _)| *zxid),
            _ => None,
        }
    }

    fn of_learner(&mut self, item: &Item, packet: &QuorumPacket) {
        self.learner_has_spoken = true;
        match packet.kind {
            PacketType::FollowerInfo => self.accepted_epoch = Some(epoch(packet.zxid)),
            PacketType::ObserverInfo => {
                self.is_observer = true;
                self.accepted_epoch = Some(epoch(packet.zxid));
            }
            PacketType::AckEpoch => self.reported = Some((packet.zxid, Packet::of(item))),
            PacketType::Ack if self.newleader_sent => self.newleader_acknowledged = true,
            _ => {}
        }
    }

    fn of_leader(&mut self, packet: &QuorumPacket) {
        self.leader_has_spoken = true;
        match packet.kind {
            PacketType::LeaderInfo => self.epoch = Some(epoch(packet.zxid)),
            PacketType::Diff => {
                self.header = Some((packet.kind, packet.zxid));
                self.history = self.reported.as_ref().map_or(0, |(zxid, _)| *zxid);
            }
            PacketType::Trunc | PacketType::Snap => {
                self.header = Some((packet.kind, packet.zxid));
                self.history = packet.zxid;
            }
            PacketType::Commit | PacketType::Inform if !self.newleader_sent => {
                self.history = packet.zxid;
            }
            PacketType::NewLeader => self.newleader_sent = true,
            PacketType::UpToDate => self.uptodate_sent = true,
            _ => {}
        }
    }
}
