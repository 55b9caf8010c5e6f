//! Captures made by hand.

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
        self.packet(connection, learner, &QuorumPacket::bare(kind, zxid))
    }

    /// The leader sends a packet without data.
    pub(crate) fn leads(&mut self, connection: u64, kind: PacketType, zxid: i64) -> &mut Self {
        let (_, leader) = self.ends_of(connection);
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

    /// A learner dials a leader; discovery up to ACKEPOCH with this zxid and currentEpoch.
    pub(crate) fn joins_leader(
        &mut self,
        learner: i64,
        leader: i64,
        epoch: i64,
        zxid: i64,
        current: i32,
    ) -> u64 {
        self.discovers(PacketType::FollowerInfo, learner, leader, epoch, zxid, current)
    }

    fn discovers(
        &mut self,
        kind: PacketType,
        learner: i64,
        leader: i64,
        epoch: i64,
        zxid: i64,
        current: i32,
    ) -> u64 {
        let connection = self.open("q", learner, leader);
        let info = LearnerInfo { server: learner, protocol_version: 0x1_0000, config_version: 0 };
        self.packet(connection, learner, &QuorumPacket::with_data(kind, 0, info.to_bytes()));
        let version = Bytes::from_static(&[0, 1, 0, 0]);
        let offer = QuorumPacket::with_data(PacketType::LeaderInfo, epoch << 32, version);
        self.packet(connection, leader, &offer);
        let current = Bytes::copy_from_slice(&current.to_be_bytes());
        let answer = QuorumPacket::with_data(PacketType::AckEpoch, zxid, current);
        self.packet(connection, learner, &answer);
        connection
    }

    /// The same with the usual leader.
    pub(crate) fn joins(&mut self, learner: i64, epoch: i64, zxid: i64, current: i32) -> u64 {
        self.joins_leader(learner, LEADER, epoch, zxid, current)
    }

    /// The same, and an empty DIFF up to UPTODATE.
    pub(crate) fn follows(&mut self, learner: i64, epoch: i64, zxid: i64, current: i32) -> u64 {
        let connection = self.joins(learner, epoch, zxid, current);
        self.synchronizes(connection, epoch, zxid);
        connection
    }

    /// An observer joins.
    pub(crate) fn observes(&mut self, learner: i64, epoch: i64) -> u64 {
        let kind = PacketType::ObserverInfo;
        let connection = self.discovers(kind, learner, LEADER, epoch, 0, 0);
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
        let mut bytes = BytesMut::new();
        InitialMessage { server, address: Some("0.0.0.0:1".to_owned()) }.encode(&mut bytes);
        Notification {
            state: ServerState::Looking,
            leader: server,
            zxid,
            election_epoch: round,
            peer_epoch: 0,
            config: None,
            version: 2,
        }
        .put(&mut bytes);
        self.bytes_on("e", connection, server, &hex(&bytes))
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
