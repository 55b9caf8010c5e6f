//! Captures made by hand.

#![expect(dead_code, reason = "no test file uses everything")]

use std::collections::BTreeMap;
use std::fmt::Write;

use bytes::{Bytes, BytesMut};
use zab_wire::election::{InitialMessage, Notification, ServerState};
use zab_wire::quorum::LearnerInfo;
use zab_wire::txn::{CreateTxn, TxnDigest};
use zab_wire::{Acl, OpCode, PacketType, QuorumPacket, Record, Txn, TxnBody, TxnHeader};

/// Who leads where nobody else is named.
pub(crate) const LEADER: i64 = 3;

/// A capture in the making.
#[derive(Clone, Default)]
pub(crate) struct Story {
    text: String,
    time: u64,
    /// Learner and leader of each connection; an election connection has one of them twice.
    connections: Vec<(i64, i64)>,
    /// What each server has accepted, and adopted.
    accepted: BTreeMap<i64, i64>,
    adopted: BTreeMap<i64, i64>,
}

impl Story {
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    fn line(&mut self, fields: &str) -> &mut Self {
        self.time += 1000;
        writeln!(self.text, "{{\"t\":{},{fields}}}", self.time).expect("a text");
        self
    }

    pub(crate) fn mark(&mut self, fields: &str) -> &mut Self {
        self.line(&format!(r#""ev":"mark",{fields}"#))
    }

    fn open(&mut self, port: &str, from: i64, to: i64) -> u64 {
        self.connections.push((from, to));
        let number = self.connections.len() as u64;
        self.line(&format!(r#""ev":"open","cid":{number},"ch":"{port}","frm":{from},"to":{to}"#));
        number
    }

    /// The recorder listens for a learner in place of its leader.
    pub(crate) fn listens(&mut self, from: i64, to: i64) -> &mut Self {
        self.line(&format!(r#""ev":"listen","ch":"q","frm":{from},"to":{to}"#))
    }

    /// Bytes of one end of a quorum connection.
    pub(crate) fn bytes(&mut self, connection: u64, from: i64, hex: &str) -> &mut Self {
        self.bytes_on("q", connection, from, hex)
    }

    fn bytes_on(&mut self, port: &str, connection: u64, from: i64, hex: &str) -> &mut Self {
        let (learner, leader) = self.ends_of(connection);
        let to = if from == learner { leader } else { learner };
        self.line(&format!(
            r#""ev":"data","cid":{connection},"ch":"{port}","frm":{from},"to":{to},"hex":"{hex}""#
        ))
    }

    fn ends_of(&self, connection: u64) -> (i64, i64) {
        self.connections[usize::try_from(connection).expect("a number") - 1]
    }

    fn packet(&mut self, connection: u64, from: i64, packet: &QuorumPacket) -> &mut Self {
        self.bytes(connection, from, &hex(&packet.to_bytes()))
    }

    /// The learner sends a packet without data.
    pub(crate) fn sends(&mut self, connection: u64, kind: PacketType, zxid: i64) -> &mut Self {
        let (learner, _) = self.ends_of(connection);
        if kind == PacketType::Ack && zxid & 0xffff_ffff == 0 {
            self.adopted.insert(learner, zxid >> 32);
        }
        self.packet(connection, learner, &QuorumPacket::bare(kind, zxid))
    }

    /// The leader sends a packet without data.
    pub(crate) fn leads(&mut self, connection: u64, kind: PacketType, zxid: i64) -> &mut Self {
        let (_, leader) = self.ends_of(connection);
        if kind == PacketType::NewLeader {
            self.adopted.insert(leader, zxid >> 32);
        }
        self.packet(connection, leader, &QuorumPacket::bare(kind, zxid))
    }

    /// The leader sends a packet with a transaction.
    pub(crate) fn leads_txn(&mut self, connection: u64, kind: PacketType, txn: &Txn) -> &mut Self {
        let (_, leader) = self.ends_of(connection);
        let packet = QuorumPacket::with_data(kind, txn.header.zxid, txn.to_bytes());
        self.packet(connection, leader, &packet)
    }

    pub(crate) fn propose(&mut self, connections: &[u64], txn: &Txn) -> &mut Self {
        for connection in connections {
            self.leads_txn(*connection, PacketType::Proposal, txn);
        }
        self
    }

    /// A learner dials a leader; discovery up to ACKEPOCH with this zxid.
    pub(crate) fn joins_leader(&mut self, learner: i64, leader: i64, epoch: i64, zxid: i64) -> u64 {
        self.discovers(PacketType::FollowerInfo, learner, leader, epoch, zxid)
    }

    fn discovers(
        &mut self,
        kind: PacketType,
        learner: i64,
        leader: i64,
        epoch: i64,
        zxid: i64,
    ) -> u64 {
        let connection = self.registers(kind, learner, leader, zxid);
        self.accepts(connection, epoch, zxid);
        connection
    }

    /// A learner dials a leader and says what it has accepted.
    pub(crate) fn registers(
        &mut self,
        kind: PacketType,
        learner: i64,
        leader: i64,
        zxid: i64,
    ) -> u64 {
        let connection = self.open("q", learner, leader);
        let had = *self.accepted.entry(learner).or_insert(zxid >> 32);
        let info = LearnerInfo { server: learner, protocol_version: 0x1_0000, config_version: 0 };
        let info = QuorumPacket::with_data(kind, had << 32, info.to_bytes());
        self.packet(connection, learner, &info);
        connection
    }

    /// The same, with another epoch than the one that it has accepted.
    pub(crate) fn registers_as(&mut self, learner: i64, leader: i64, epoch: i64) -> u64 {
        self.accepted.insert(learner, epoch);
        self.registers(PacketType::FollowerInfo, learner, leader, 0)
    }

    /// LEADERINFO and ACKEPOCH.
    pub(crate) fn accepts(&mut self, connection: u64, epoch: i64, zxid: i64) {
        let (learner, _) = self.ends_of(connection);
        self.offers(connection, epoch);
        let had = self.accepted.insert(learner, epoch);
        let adopted = self.adopted.get(&learner).copied().unwrap_or(zxid >> 32);
        let current = if had == Some(epoch) { -1 } else { adopted };
        self.answers(connection, zxid, i32::try_from(current).expect("a small epoch"));
    }

    /// LEADERINFO.
    pub(crate) fn offers(&mut self, connection: u64, epoch: i64) -> &mut Self {
        let (_, leader) = self.ends_of(connection);
        self.accepted.insert(leader, epoch);
        let version = Bytes::from_static(&[0, 1, 0, 0]);
        let offer = QuorumPacket::with_data(PacketType::LeaderInfo, epoch << 32, version);
        self.packet(connection, leader, &offer)
    }

    /// ACKEPOCH.
    pub(crate) fn answers(&mut self, connection: u64, zxid: i64, current: i32) -> &mut Self {
        let (learner, _) = self.ends_of(connection);
        let current = Bytes::copy_from_slice(&current.to_be_bytes());
        let answer = QuorumPacket::with_data(PacketType::AckEpoch, zxid, current);
        self.packet(connection, learner, &answer)
    }

    /// The same with the usual leader.
    pub(crate) fn joins(&mut self, learner: i64, epoch: i64, zxid: i64) -> u64 {
        self.joins_leader(learner, LEADER, epoch, zxid)
    }

    /// The same, and an empty DIFF up to UPTODATE.
    pub(crate) fn follows(&mut self, learner: i64, epoch: i64, zxid: i64) -> u64 {
        let connection = self.joins(learner, epoch, zxid);
        self.synchronizes(connection, epoch, zxid);
        connection
    }

    /// An observer joins.
    pub(crate) fn observes(&mut self, learner: i64, epoch: i64) -> u64 {
        let kind = PacketType::ObserverInfo;
        let connection = self.discovers(kind, learner, LEADER, epoch, 0);
        self.synchronizes(connection, epoch, 0);
        connection
    }

    fn synchronizes(&mut self, connection: u64, epoch: i64, zxid: i64) {
        self.leads(connection, PacketType::Diff, zxid);
        self.leads(connection, PacketType::NewLeader, epoch << 32);
        self.sends(connection, PacketType::Ack, epoch << 32);
        self.leads(connection, PacketType::UpToDate, -1);
        self.sends(connection, PacketType::Ack, epoch << 32);
    }

    /// Both sides of a connection end.
    pub(crate) fn ends(&mut self, connection: u64) -> &mut Self {
        let (from, to) = self.ends_of(connection);
        let side = |from: i64, to: i64| {
            format!(r#""ev":"eof","cid":{connection},"ch":"q","frm":{from},"to":{to},"why":"cut""#)
        };
        self.line(&side(from, to)).line(&side(to, from));
        self.line(&format!(r#""ev":"close","cid":{connection}"#))
    }

    /// A LOOKING server votes for itself.
    pub(crate) fn vote(&mut self, server: i64, round: i64, zxid: i64) -> &mut Self {
        let other = server % 3 + 1;
        let connection = self.open("e", server, other);
        let epoch = self.adopted.get(&server).copied().unwrap_or_default();
        let vote = (round, epoch, zxid);
        self.greets(connection, server);
        self.notifies(connection, ServerState::Looking, server, server, vote)
    }

    /// Election connections between all of these, each dialled by the greater.
    pub(crate) fn meets(&mut self, servers: &[i64]) -> &mut Self {
        for one in servers {
            for other in servers.iter().filter(|other| *other < one) {
                let connection = self.open("e", *one, *other);
                self.greets(connection, *one);
            }
        }
        self
    }

    /// A LOOKING server without a history votes on the connection that it has with another.
    pub(crate) fn votes(&mut self, from: i64, to: i64, round: i64, leader: i64) -> &mut Self {
        let at = self.connection_of(from, to);
        self.notifies(at, ServerState::Looking, from, leader, (round, 0, 0))
    }

    /// A server without a history says that it follows another.
    pub(crate) fn settles(&mut self, from: i64, to: i64, round: i64, leader: i64) -> &mut Self {
        let at = self.connection_of(from, to);
        self.notifies(at, ServerState::Following, from, leader, (round, 0, 0))
    }

    fn connection_of(&self, one: i64, other: i64) -> u64 {
        let ends = (one.max(other), one.min(other));
        let at = self.connections.iter().position(|other| *other == ends).expect("they have met");
        at as u64 + 1
    }

    fn greets(&mut self, connection: u64, server: i64) -> &mut Self {
        let mut bytes = BytesMut::new();
        InitialMessage { server, address: Some("0.0.0.0:1".to_owned()) }.encode(&mut bytes);
        self.bytes_on("e", connection, server, &hex(&bytes))
    }

    fn notifies(
        &mut self,
        connection: u64,
        state: ServerState,
        from: i64,
        leader: i64,
        (election_epoch, peer_epoch, zxid): (i64, i64, i64),
    ) -> &mut Self {
        let mut bytes = BytesMut::new();
        let (config, version) = (None, 2);
        Notification { state, leader, zxid, election_epoch, peer_epoch, config, version }
            .put(&mut bytes);
        self.bytes_on("e", connection, from, &hex(&bytes))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// A transaction that creates a node.
pub(crate) fn txn(zxid: i64, path: &str, digest: Option<i64>) -> Txn {
    let create = CreateTxn {
        path: path.to_owned(),
        data: None,
        acl: Acl::open(),
        ephemeral: false,
        parent_cversion: 1,
    };
    let kind = OpCode::Create.number();
    Txn {
        header: TxnHeader { session: 5, cxid: 1, zxid, time: 1_000, kind },
        body: TxnBody::Create(create),
        digest: digest.map(|tree| TxnDigest { version: 2, tree }),
    }
}
