//! What learners acknowledge of what a DIFF brought them, and where established leaders are.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a signature is about a few types of packets, and the others are nothing to it"
)]

use std::collections::{BTreeMap, BTreeSet};

use zab_wire::PacketType;

use super::{Answers, POSITION, Releases, SYNCED_ACKS};
use crate::connection::Message;
use crate::decode::{Item, What};
use crate::properties::Packet;
use crate::raw::{Event, Port};

const EPOCH: i64 = 1 << 32;

/// The connections of the quorum port.
#[derive(Default)]
pub(super) struct Synchronization {
    open: BTreeMap<u64, Connection>,
    /// Leaders that have sent UPTODATE, and their epochs.
    established: BTreeSet<(i64, i64)>,
    /// Those that have proposed something.
    proposed: BTreeSet<(i64, i64)>,
}

struct Connection {
    learner: i64,
    leader: i64,
    epoch: i64,
    /// Where the learner was.
    reported: i64,
    by_diff: bool,
    newleader: Option<Packet>,
    /// What was committed before NEWLEADER and is not acknowledged.
    synced: BTreeSet<i64>,
    acks_ld: u32,
    has_answer: bool,
}

impl Synchronization {
    pub(super) fn item(&mut self, item: &Item, answers: &mut Answers) {
        match &item.what {
            What::Other(Event::Open(side)) if side.port == Port::Quorum => {
                let connection = Connection {
                    learner: side.from,
                    leader: side.to,
                    epoch: 0,
                    reported: 0,
                    by_diff: false,
                    newleader: None,
                    synced: BTreeSet::new(),
                    acks_ld: 0,
                    has_answer: false,
                };
                self.open.insert(side.connection, connection);
            }
            What::Other(Event::Close { connection }) => {
                self.open.remove(connection);
            }
            What::Sent { connection, from, message, .. } => {
                let Message::Packet(packet, _) = &**message else { return };
                let Some(connection) = self.open.get_mut(connection) else { return };
                if *from == connection.learner {
                    connection.by_learner(item, packet.kind, packet.zxid, answers);
                } else {
                    self.position(item, packet.kind, packet.zxid, answers);
                }
            }
            What::Other(_) | What::Lost { .. } => {}
        }
    }

    fn position(&mut self, item: &Item, kind: PacketType, zxid: i64, answers: &mut Answers) {
        let What::Sent { connection, .. } = &item.what else { return };
        let Some(connection) = self.open.get_mut(connection) else { return };
        connection.by_leader(item, kind, zxid);
        let of = (connection.leader, connection.epoch);
        match kind {
            PacketType::UpToDate => drop(self.established.insert(of)),
            PacketType::Proposal if zxid >> 32 == connection.epoch => {
                self.proposed.insert(of);
            }
            PacketType::Diff | PacketType::Trunc | PacketType::Snap
                if self.established.contains(&of) && !self.proposed.contains(&of) =>
            {
                // With transactions of an earlier epoch in its window it names the last of them.
                let at_zero = zxid == connection.epoch * EPOCH;
                let releases = if at_zero { Releases::ALL_BUT_FIXED } else { Releases::ALL };
                answers.saw(connection.leader, POSITION, releases, || vec![Packet::of(item)]);
            }
            _ => {}
        }
    }
}

impl Connection {
    fn by_leader(&mut self, item: &Item, kind: PacketType, zxid: i64) {
        match kind {
            PacketType::LeaderInfo => self.epoch = zxid >> 32,
            PacketType::Diff => self.by_diff = true,
            PacketType::Commit if self.newleader.is_none() => {
                self.synced.insert(zxid);
            }
            PacketType::NewLeader => self.newleader = Some(Packet::of(item)),
            _ => {}
        }
    }

    fn by_learner(&mut self, item: &Item, kind: PacketType, zxid: i64, answers: &mut Answers) {
        match kind {
            PacketType::AckEpoch => self.reported = zxid,
            PacketType::Ack if zxid & (EPOCH - 1) == 0 => self.acks_ld += 1,
            PacketType::Ack if !self.has_answer && self.by_diff && self.reported > 0 => {
                let Some(last) = self.synced.last().copied() else { return };
                self.has_answer = true;
                let releases = if !self.synced.contains(&zxid) {
                    // Acknowledgements are in order: those of the DIFF do not come any more.
                    if zxid < last {
                        return;
                    }
                    Releases::SINCE_3_9_3
                } else if self.acks_ld < 2 {
                    Releases::QUEUED
                } else {
                    Releases::ACKNOWLEDGES
                };
                let evidence =
                    || self.newleader.iter().cloned().chain([Packet::of(item)]).collect();
                answers.saw(self.learner, SYNCED_ACKS, releases, evidence);
            }
            _ => {}
        }
    }
}
