//! A leader that is none: it wins the election of one server, and then says what no leader says.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use zab_wire::election::{InitialMessage, Notification, ServerState};
use zab_wire::quorum::PROTOCOL_VERSION;
use zab_wire::txn::{CreateTxn, DeleteTxn, MultiTxn, PartTxn};
use zab_wire::{Acl, OpCode, PacketType, QuorumPacket, Record as _, Txn, TxnBody, TxnHeader, log};

use crate::cluster::{Cluster, connect, until};

/// Who it says it is, and its epoch.
const ID: u64 = 3;
const EPOCH: i64 = 1 << 32;

/// Its quorum port, and its votes on a thread of their own.
struct Pretender {
    quorum: TcpListener,
}

/// The quorum connection of its follower.
struct Follower {
    stream: TcpStream,
    input: BytesMut,
}

impl Pretender {
    /// Wins every election of server 1.
    fn new(cluster: &Cluster) -> Self {
        let quorum = TcpListener::bind((Ipv4Addr::LOCALHOST, cluster.ports[&ID].quorum)).unwrap();
        let election = until("the election port", || connect(cluster.ports[&1].election));
        // Ends with the connection.
        std::thread::spawn(move || vote(election));
        Self { quorum }
    }

    /// The follower's next connection, up to its ACKEPOCH.
    fn follower(&self) -> Follower {
        let (stream, _) = self.quorum.accept().unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let mut follower = Follower { stream, input: BytesMut::new() };
        assert_eq!(follower.receive().unwrap().kind, PacketType::FollowerInfo);
        let version = PROTOCOL_VERSION.to_bytes();
        follower.send(&QuorumPacket::with_data(PacketType::LeaderInfo, EPOCH, version));
        assert_eq!(follower.receive().unwrap().kind, PacketType::AckEpoch);
        follower
    }

    /// A follower that is in broadcast, with nothing in its history but what it has.
    fn serving(&self, last: i64) -> Follower {
        let mut follower = self.follower();
        follower.send(&QuorumPacket::bare(PacketType::Diff, last));
        follower.bring_to_broadcast();
        follower
    }
}

/// Answers whatever the server votes with a vote for the pretender in the same round.
fn vote(mut stream: TcpStream) {
    stream.set_read_timeout(None).unwrap();
    let greeting = InitialMessage { server: 3, address: Some("127.0.0.1:1".to_owned()) };
    let _ = stream.write_all(&greeting.to_bytes());
    // A connection counts once a vote has come on it.
    let mut first = BytesMut::new();
    let (state, config) = (ServerState::Looking, Some(Bytes::from_static(b"version=0")));
    Notification {
        state,
        leader: 3,
        zxid: 0,
        election_epoch: 1,
        peer_epoch: 0,
        config,
        version: 2,
    }
    .put(&mut first);
    let _ = stream.write_all(&first);
    let mut input = BytesMut::new();
    let mut chunk = [0; 4096];
    while let Ok(length @ 1..) = stream.read(&mut chunk) {
        input.extend_from_slice(&chunk[..length]);
        while let Ok(Some(heard)) = Notification::take(&mut input) {
            let Ok(heard) = heard else { continue };
            if heard.state != ServerState::Looking {
                continue;
            }
            let mut out = BytesMut::new();
            // As good as the follower's own history, and a greater id.
            let own = Notification { leader: 3, ..heard };
            own.put(&mut out);
            if heard.leader != 3 && stream.write_all(&out).is_err() {
                return;
            }
        }
    }
}

impl Follower {
    /// The server may have closed the connection already.
    fn send(&mut self, packet: &QuorumPacket) {
        let _ = self.stream.write_all(&packet.to_bytes());
    }

    /// The next packet; `None` if the connection has ended.
    fn receive(&mut self) -> Option<QuorumPacket> {
        loop {
            if let Some(packet) = QuorumPacket::take(&mut self.input).unwrap() {
                return Some(packet);
            }
            let mut chunk = [0; 4096];
            match self.stream.read(&mut chunk) {
                Ok(0) => return None,
                Ok(length) => self.input.extend_from_slice(&chunk[..length]),
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("the server neither answers nor closes: {error}"),
            }
        }
    }

    fn bring_to_broadcast(&mut self) {
        self.send(&QuorumPacket::with_data(PacketType::NewLeader, EPOCH, Bytes::new()));
        assert_eq!(self.receive().unwrap().zxid, EPOCH);
        self.send(&QuorumPacket::bare(PacketType::UpToDate, -1));
        assert_eq!(self.receive().unwrap().zxid, EPOCH);
    }

    fn propose(&mut self, zxid: i64, txn: &[u8]) {
        let data = Bytes::copy_from_slice(txn);
        self.send(&QuorumPacket::with_data(PacketType::Proposal, zxid, data));
    }

    /// Waits for the end of the connection; nothing may be acknowledged before it.
    fn expect_end(mut self, why: &str) {
        while let Some(packet) = self.receive() {
            assert_ne!(packet.kind, PacketType::Ack, "{why}: acknowledged {:x}", packet.zxid);
        }
    }
}

fn txn(zxid: i64, kind: i32, body: TxnBody) -> Bytes {
    let header = TxnHeader { session: 1, cxid: 1, zxid, time: 1, kind };
    Txn { header, body, digest: None }.to_bytes()
}

fn create(path: &str, length: usize) -> TxnBody {
    let data = Some(Bytes::from(vec![1; length]));
    let (path, acl) = (path.to_owned(), Acl::open());
    TxnBody::Create(CreateTxn { path, data, acl, ephemeral: false, parent_cversion: 1 })
}

fn multi(kind: OpCode, path: &str) -> TxnBody {
    let parts = vec![
        PartTxn::new(OpCode::Create, &create("/good", 1)),
        PartTxn::new(kind, &create(path, 1)),
    ];
    TxnBody::Multi(MultiTxn { parts })
}

/// The zxids in the logs of a server.
fn logged(cluster: &Cluster, id: u64) -> Vec<i64> {
    let folder = cluster.folder(id).join("version-2");
    let mut zxids = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_string_lossy().starts_with("log.") {
            let file = std::fs::read(path).unwrap();
            let records = log::scan(&file).unwrap().records;
            zxids.extend(
                records.into_iter().map(|range| Txn::from_bytes(&file[range]).unwrap().header.zxid),
            );
        }
    }
    zxids.sort_unstable();
    zxids
}

/// Attempts in one life of the server are few: the pauses between them grow.
#[test]
fn what_cannot_be_applied_is_neither_logged_nor_acknowledged() {
    let mut cluster = Cluster::new("");
    let (first, second) = (EPOCH + 1, EPOCH + 2);
    let other = |kind| txn(first, kind, TxnBody::Other(Bytes::from_static(&[0; 8])));
    let cases = [
        ("a reconfiguration", other(OpCode::Reconfig.number())),
        ("an unknown kind", other(1000)),
        ("a multi that sets a list", txn(first, 14, multi(OpCode::SetAcl, "/x"))),
        ("a multi with a malformed part", txn(first, 14, multi(OpCode::CreateContainer, "/x"))),
        ("a path without a slash", txn(first, 1, create("x", 1))),
        ("a path in a multi", txn(first, 14, multi(OpCode::Create, "/x/"))),
        ("more bytes than servers send", txn(first, 1, create("/x", 3 << 20))),
    ];
    for some in cases.chunks(2) {
        cluster.start(1);
        let pretender = Pretender::new(&cluster);
        for (why, txn) in some {
            let mut follower = pretender.follower();
            follower.send(&QuorumPacket::bare(PacketType::Diff, 0));
            follower.propose(first, txn);
            follower.expect_end(&format!("{why} in synchronization"));
            let mut follower = pretender.serving(0);
            follower.propose(first, txn);
            follower.expect_end(&format!("{why} in broadcast"));
        }
        assert_eq!(cluster.stop(1).code(), Some(0), "it ran all the time");
        assert!(logged(&cluster, 1).is_empty(), "nothing was logged");
    }
    let said = cluster.stderr(1);
    let refused = "transaction 0x100000001 of kind 16 (Reconfig) cannot be applied";
    assert_eq!(said.matches(refused).count(), 1, "{said}");

    cluster.start(1);
    let pretender = Pretender::new(&cluster);
    let mut follower = pretender.serving(0);
    let delete = TxnBody::Delete(DeleteTxn { path: "/x".to_owned() });
    follower.propose(first, &txn(first, 14, multi(OpCode::Create2, "/x")));
    follower.propose(second, &txn(second, OpCode::DeleteContainer.number(), delete));
    for zxid in [first, second] {
        assert_eq!(follower.receive().unwrap().zxid, zxid);
        follower.send(&QuorumPacket::bare(PacketType::Commit, zxid));
    }
    assert_eq!(cluster.stop(1).code(), Some(0));
    assert_eq!(logged(&cluster, 1), [first, second]);
    cluster.start(1);
    until("the next life", || cluster.word(1, "ruok").filter(|answer| answer == "imok"));
    assert_eq!(cluster.stop(1).code(), Some(0));
}

/// `Learner.ping`: the answer has the zxid of the PING, whatever the learner's own history.
#[test]
fn a_learner_sends_back_the_zxid_of_a_ping() {
    let mut cluster = Cluster::new("");
    cluster.start(1);
    let pretender = Pretender::new(&cluster);
    let mut follower = pretender.serving(0);
    for zxid in [EPOCH, EPOCH + 5, EPOCH + 7] {
        follower.send(&QuorumPacket::bare(PacketType::Ping, zxid));
        let answer = follower.receive().unwrap();
        assert_eq!((answer.kind, answer.zxid), (PacketType::Ping, zxid));
    }
    assert_eq!(cluster.stop(1).code(), Some(0));
}

#[test]
fn a_server_that_cannot_join_goes_on_trying_and_says_why_once() {
    let mut cluster = Cluster::new("");
    cluster.start(1);
    let pretender = Pretender::new(&cluster);
    let epoch = |epoch: i64| {
        QuorumPacket::with_data(PacketType::LeaderInfo, epoch << 32, PROTOCOL_VERSION.to_bytes())
    };
    // An epoch that is accepted first, and older ones that are refused then.
    drop(pretender.follower());
    for _ in 0..4 {
        let (stream, _) = pretender.quorum.accept().unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let mut follower = Follower { stream, input: BytesMut::new() };
        assert_eq!(follower.receive().unwrap().kind, PacketType::FollowerInfo);
        follower.send(&epoch(0));
        follower.expect_end("an older epoch");
    }
    let said = cluster.stderr(1);
    let refused = "offered epoch 0, but epoch 1 is already accepted";
    assert_eq!(said.matches(refused).count(), 1, "{said}");
    let elected = "FOLLOWING, the leader is server 3";
    assert_eq!(said.matches(elected).count(), 1, "{said}");

    // Another reason is told, and in the end it joins.
    let mut follower = pretender.follower();
    follower.send(&QuorumPacket::bare(PacketType::Snap, 0));
    let _ = follower.stream.write_all(&(-1_i32).to_be_bytes());
    follower.expect_end("a snapshot of minus one session");
    let _serving = pretender.serving(0);
    assert_eq!(cluster.serves(1), "follower");
    let said = cluster.stderr(1);
    assert!(said.contains("expected a number of items"), "{said}");
    assert!(said.contains("FOLLOWING, epoch 1, serving clients"), "{said}");
    assert_eq!(cluster.stop(1).code(), Some(0));
}

#[test]
fn snapshots_that_cannot_be_read_change_nothing() {
    let mut cluster = Cluster::new("");
    cluster.start(1);
    let pretender = Pretender::new(&cluster);
    let node = |path: &str| {
        let stat = zab_wire::StatPersisted::default();
        let path = path.to_owned();
        zab_wire::snapshot::NodeItem { path, data: None, acl: -1, stat }.to_bytes()
    };
    let head = [0; 8];
    let end = [0, 0, 0, 1, b'/'];
    let signature = [&10_i32.to_be_bytes()[..], b"BenWasHere"].concat();
    let mut follower = pretender.serving(0);
    follower.propose(EPOCH + 1, &txn(EPOCH + 1, 1, create("/kept", 1)));
    assert_eq!(follower.receive().unwrap().zxid, EPOCH + 1);
    drop(follower);
    for (why, bytes) in [
        ("no root", [&head[..], &end, &signature].concat()),
        ("an orphan", [&head[..], &node(""), &node("/a/b"), &end, &signature].concat()),
        ("a path that no tree holds", [&head[..], &node(""), &node("/.."), &end].concat()),
        ("another signature", [&head[..], &node(""), &end, &[0, 0, 0, 1, b'x']].concat()),
        ("a length beyond all", [&head[..], &[0x7f, 0xff, 0xff, 0xff]].concat()),
    ] {
        let mut follower = pretender.follower();
        follower.send(&QuorumPacket::bare(PacketType::Snap, EPOCH + 9));
        let _ = follower.stream.write_all(&bytes);
        follower.send(&QuorumPacket::with_data(PacketType::NewLeader, EPOCH, Bytes::new()));
        follower.expect_end(why);
    }
    assert_eq!(logged(&cluster, 1), [EPOCH + 1]);
    let _serving = pretender.serving(EPOCH + 1);
    assert_eq!(cluster.serves(1), "follower");
    assert_eq!(cluster.stop(1).code(), Some(0));
}
