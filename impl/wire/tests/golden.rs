//! Bytes that Apache ZooKeeper sent, both directions: they decode to what is stated here, and that
//! encodes to the very same bytes.

use std::fmt::Debug;

use bytes::{Bytes, BytesMut};
use zab_wire::election::{InitialMessage, Notification, ServerState};
use zab_wire::quorum::{ForwardedRequest, LearnerInfo, PROTOCOL_VERSION, session_pings};
use zab_wire::snapshot::{self, Decoder, Item, Sealer};
use zab_wire::txn::{CreateTxn, DeleteTxn, PartTxn, SetDataTxn};
use zab_wire::{
    Acl, ErrorCode, Id, OpCode, PacketType, QuorumPacket, Record, StatPersisted, Txn, TxnBody,
    TxnDigest, TxnHeader, log,
};

/// A session of server 1 in the capture.
const SESSION: i64 = 0x0100_000c_7629_0000;

/// The bytes with this name in a file of lines `name: hex`.
fn golden(file: &str, name: &str) -> Bytes {
    let mut lines = file.lines().filter_map(|line| line.split_once(": "));
    let (_, hex) = lines.find(|(key, _)| *key == name).unwrap();
    let digits = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

fn quorum(name: &str) -> Bytes {
    golden(include_str!("golden/quorum.hex"), name)
}

fn txn(name: &str) -> Bytes {
    golden(include_str!("golden/txns.hex"), name)
}

/// Both directions for a record that knows its own end.
fn agree<T: Record + PartialEq + Debug>(bytes: &[u8], value: &T) {
    assert_eq!(T::from_bytes(bytes).as_ref(), Ok(value));
    assert_eq!(value.to_bytes(), bytes);
}

/// Both directions for a packet, and that it is taken from a stream only when it is whole.
fn packet(name: &str, expected: &QuorumPacket) {
    let bytes = quorum(name);
    agree(&bytes, expected);
    let mut buffer = BytesMut::new();
    for byte in &bytes[..bytes.len() - 1] {
        buffer.extend_from_slice(&[*byte]);
        assert_eq!(QuorumPacket::take(&mut buffer), Ok(None));
    }
    buffer.extend_from_slice(&bytes[bytes.len() - 1..]);
    buffer.extend_from_slice(b"next");
    assert_eq!(QuorumPacket::take(&mut buffer).unwrap().as_ref(), Some(expected));
    assert_eq!(&buffer[..], b"next");
}

fn localhost() -> Option<Vec<Id>> {
    Some(vec![Id { scheme: "ip".to_owned(), id: "127.0.0.1".to_owned() }])
}

#[test]
fn the_initial_message() {
    let bytes = golden(include_str!("golden/election.hex"), "initial");
    let address = Some("0.0.0.0:22023".to_owned());
    agree(&bytes, &InitialMessage { server: 3, address });
    let mut buffer = BytesMut::from(&bytes[..32]);
    assert_eq!(InitialMessage::take(&mut buffer), Ok(None));
    assert_eq!(buffer.len(), 32);
}

#[test]
fn a_notification_with_a_configuration() {
    let bytes = golden(include_str!("golden/election.hex"), "notification");
    let mut buffer = BytesMut::from(&bytes[..]);
    let notification = Notification::take(&mut buffer).unwrap().unwrap().unwrap();
    assert!(buffer.is_empty());
    let config = notification.config.clone().unwrap();
    assert!(config.starts_with(b"server.1=127.0.0.1:22131:22231:participant\n"));
    assert!(config.ends_with(b"\nversion=0"));
    let expected = Notification {
        state: ServerState::Looking,
        leader: 3,
        zxid: 0,
        election_epoch: 1,
        peer_epoch: 0,
        config: Some(config),
        version: 2,
    };
    assert_eq!(notification, expected);
    let mut out = BytesMut::new();
    notification.put(&mut out);
    assert_eq!(out, bytes);
}

#[test]
fn the_two_older_forms_of_a_notification() {
    let bytes = golden(include_str!("golden/election.hex"), "notification");
    let shortest = Notification::from_bytes(&bytes[4..32]).unwrap();
    assert_eq!((shortest.election_epoch, shortest.peer_epoch), (1, 0));
    let short = Notification::from_bytes(&bytes[4..40]).unwrap();
    assert_eq!((short.version, short.config), (0, None));
    assert!(Notification::from_bytes(&bytes[4..31]).unwrap_err().is_incomplete());
}

#[test]
fn packets_of_discovery() {
    let info =
        LearnerInfo { server: 1, protocol_version: PROTOCOL_VERSION, config_version: 0 }.to_bytes();
    packet("followerinfo", &QuorumPacket::with_data(PacketType::FollowerInfo, 0, info));
    let version = PROTOCOL_VERSION.to_bytes();
    let leader_info = QuorumPacket::with_data(PacketType::LeaderInfo, 1 << 32, version);
    packet("leaderinfo", &leader_info);
    let epoch = 0_i32.to_bytes();
    packet("ackepoch", &QuorumPacket::with_data(PacketType::AckEpoch, 0, epoch));
}

#[test]
fn packets_of_synchronization() {
    packet("diff", &QuorumPacket::bare(PacketType::Diff, 0));
    packet("snap", &QuorumPacket::bare(PacketType::Snap, 1 << 32));
    packet("ack", &QuorumPacket::bare(PacketType::Ack, 1 << 32));
    packet("uptodate", &QuorumPacket::bare(PacketType::UpToDate, -1));
    let config = QuorumPacket::from_bytes(&quorum("newleader")).unwrap().data.unwrap();
    assert!(config.starts_with(b"server.1="));
    packet("newleader", &QuorumPacket::with_data(PacketType::NewLeader, 1 << 32, config));
}

#[test]
fn packets_of_broadcast() {
    packet("commit", &QuorumPacket::bare(PacketType::Commit, 0x1_0000_0001));
    packet("sync", &QuorumPacket::bare(PacketType::Sync, 0));
    let proposal = QuorumPacket::with_data(PacketType::Proposal, 0x1_0000_0003, txn("create"));
    packet("proposal_create", &proposal);
    packet("ping_of_leader", &QuorumPacket::bare(PacketType::Ping, 1 << 32));
    let ping = QuorumPacket::from_bytes(&quorum("ping_of_learner")).unwrap();
    let sessions = session_pings(&ping.data.unwrap()).unwrap();
    let sessions: Vec<_> = sessions.iter().map(|ping| (ping.session, ping.timeout_ms)).collect();
    assert_eq!(sessions, [(0x0300_000c_7729_0000, 10_000), (SESSION, 10_000)]);
}

#[test]
fn forwarded_requests() {
    let data = |cxid, op: OpCode, payload: Bytes| {
        ForwardedRequest { session: SESSION, cxid, op: op.number(), payload }.to_bytes()
    };
    let request =
        |data, auth| QuorumPacket { kind: PacketType::Request, zxid: -1, data: Some(data), auth };
    let create_session = data(0, OpCode::CreateSession, 10_000_i32.to_bytes());
    packet("request_create_session", &request(create_session, None));
    let path = "/".to_owned().to_bytes();
    packet("request_sync", &request(data(30, OpCode::Sync, path), localhost()));
    let create = zab_wire::client::CreateRequest {
        path: "/w".to_owned(),
        data: Some(Bytes::from_static(b"0")),
        acl: Acl::open(),
        flags: 0,
    };
    let create = data(1, OpCode::Create, create.to_bytes());
    packet("request_create", &request(create, localhost()));
}

fn header(cxid: i32, counter: i64, time: i64, kind: OpCode) -> TxnHeader {
    let zxid = (1 << 32) | counter;
    TxnHeader { session: SESSION, cxid, zxid, time, kind: kind.number() }
}

fn transaction(name: &str, header: TxnHeader, body: TxnBody, tree: Option<i64>) {
    let digest = tree.map(|tree| TxnDigest { version: 2, tree });
    agree(&txn(name), &Txn { header, body, digest });
}

#[test]
fn transactions_of_sessions() {
    let create = header(0, 1, 0x01a1_ffcc_93f2, OpCode::CreateSession);
    transaction("create_session", create, TxnBody::CreateSession(10_000), Some(0x51c6_d660));
    let close = header(32, 32, 0x01a1_ffcc_9c78, OpCode::CloseSession);
    let body = TxnBody::CloseSession(Some(vec!["/w/e".to_owned()]));
    transaction("close_session", close, body, Some(0xa_399a_0261));
}

#[test]
fn transactions_of_nodes() {
    let create = CreateTxn {
        path: "/w".to_owned(),
        data: Some(Bytes::from_static(b"0")),
        acl: Acl::open(),
        ephemeral: false,
        parent_cversion: 1,
    };
    let create_header = header(1, 3, 0x01a1_ffcc_9525, OpCode::Create);
    transaction("create", create_header, TxnBody::Create(create), Some(0x1_b14c_b4e6));
    let data = Some(Bytes::from_static(b"1"));
    let set_data = TxnBody::SetData(SetDataTxn { path: "/w".to_owned(), data, version: 1 });
    let set_header = header(22, 24, 0x01a1_ffcc_9969, OpCode::SetData);
    transaction("set_data", set_header, set_data, Some(0x9_42b3_3c3f));
    let delete = TxnBody::Delete(DeleteTxn { path: "/t1".to_owned() });
    let delete_header = header(31, 31, 0x01a1_ffcc_9b70, OpCode::Delete);
    transaction("delete", delete_header, delete, Some(0xa_831d_fdcb));
}

#[test]
fn a_failed_request_is_a_transaction_without_a_digest() {
    let body = TxnBody::Error(ErrorCode::NodeExists.number());
    let header = header(29, 30, 0x01a1_ffcc_9afc, OpCode::Error);
    transaction("error", header, body, None);
    assert_eq!(Txn::from_bytes(&txn("error")).unwrap().error(), Some(ErrorCode::NodeExists));
}

#[test]
fn a_multi_is_taken_apart() {
    let bytes = txn("multi");
    let decoded = Txn::from_bytes(&bytes).unwrap();
    assert_eq!(decoded.op_code(), Some(OpCode::Multi));
    assert_eq!(decoded.to_bytes(), bytes);
    let TxnBody::Multi(multi) = &decoded.body else { panic!("{decoded:?}") };
    assert!(multi.parts.len() > 1);
    for part in &multi.parts {
        let body = part.decode_body().unwrap();
        assert!(!matches!(body, TxnBody::Other(_)), "{body:?}");
        let kind = OpCode::from_number(part.kind).unwrap();
        assert_eq!(PartTxn::new(kind, &body), *part);
    }
}

#[test]
fn a_kind_that_is_not_taken_apart_keeps_its_bytes() {
    let head = header(1, 2, 3, OpCode::Reconfig).to_bytes();
    let bytes = [&head[..], b"whatever follows"].concat();
    let decoded = Txn::from_bytes(&bytes).unwrap();
    assert_eq!(decoded.body, TxnBody::Other(Bytes::from_static(b"whatever follows")));
    assert_eq!(decoded.to_bytes(), bytes);
}

#[test]
fn a_session_that_closes_without_a_list() {
    let header = header(32, 32, 0, OpCode::CloseSession);
    let digest = Some(TxnDigest { version: 2, tree: 7 });
    for digest in [None, digest] {
        let old = Txn { header, body: TxnBody::CloseSession(None), digest };
        agree(&old.to_bytes(), &old);
        let empty = Txn { header, body: TxnBody::CloseSession(Some(Vec::new())), digest };
        agree(&empty.to_bytes(), &empty);
        let one = Txn { header, body: TxnBody::CloseSession(Some(vec!["/e/f".into()])), digest };
        agree(&one.to_bytes(), &one);
    }
}

#[test]
fn a_snapshot_stream_byte_by_byte() {
    let bytes = golden(include_str!("golden/snapshot.hex"), "stream");
    let (mut decoder, mut buffer, mut items) = (Decoder::default(), BytesMut::new(), Vec::new());
    let mut signed = false;
    for byte in &bytes {
        assert!(!signed);
        buffer.extend_from_slice(&[*byte]);
        while items.last() != Some(&Item::End) {
            let Some(item) = decoder.take(&mut buffer).unwrap() else { break };
            items.push(item);
        }
        if items.last() == Some(&Item::End) {
            signed = decoder.take_signature(&mut buffer).unwrap().is_some();
        }
    }
    assert!(signed && buffer.is_empty());
    assert_eq!(encode(&items), bytes);

    let [Item::Acl(acl), Item::Node(root), nodes @ .., Item::End] = &items[..] else {
        panic!("{items:?}")
    };
    assert_eq!((acl.key, acl.acl[0].perms), (1, 1));
    assert_eq!((root.path.as_str(), root.acl, root.stat), ("", -1, StatPersisted::default()));
    let paths: Vec<_> = (nodes.iter())
        .map(|item| if let Item::Node(node) = item { node.path.as_str() } else { "" })
        .collect();
    assert_eq!(paths, ["/zookeeper", "/zookeeper/config", "/zookeeper/quota"]);
}

#[test]
fn a_log_file_of_a_java_server() {
    let mut file = golden(include_str!("golden/files.hex"), "log").to_vec();
    let length = file.len();
    // As it was: allocated ahead.
    file.resize(length + 1000, 0);
    let scan = log::scan(&file).unwrap();
    assert_eq!((scan.end, scan.torn), (length, None));
    let txns: Vec<_> =
        (scan.records.iter()).map(|range| Txn::from_bytes(&file[range.clone()]).unwrap()).collect();
    let kinds: Vec<_> = txns.iter().filter_map(Txn::op_code).collect();
    let (create, delete) = (OpCode::Create, OpCode::Delete);
    let expected = [OpCode::CreateSession, create, OpCode::SetData, create, delete, create];
    assert_eq!(kinds, expected);
    assert!(txns.iter().zip(1..).all(|(txn, zxid)| txn.header.zxid == zxid));

    let mut out = log::FileHeader::LOG.to_bytes().to_vec();
    for txn in &txns {
        let mut record = BytesMut::new();
        log::put_record(&mut record, &txn.to_bytes());
        out.extend_from_slice(&record);
    }
    assert_eq!(out, file[..length]);
}

#[test]
fn a_snapshot_file_of_a_java_server() {
    let file = golden(include_str!("golden/files.hex"), "snapshot");
    let mut items = Vec::new();
    snapshot::read_file(&file, |item| items.push(item)).unwrap();
    let sessions = items.iter().filter(|item| matches!(item, Item::Session(_))).count();
    let nodes: Vec<_> = (items.iter())
        .filter_map(
            |item| if let Item::Node(node) = item { Some(node.path.as_str()) } else { None },
        )
        .collect();
    assert_eq!(sessions, 1);
    assert_eq!(nodes.len(), 6);
    assert!(nodes.contains(&"/a") && nodes.contains(&"/r"));

    // The same, but for the digest that follows with a seal of its own.
    items.push(Item::End);
    let mut out = BytesMut::new();
    log::FileHeader::SNAPSHOT.encode(&mut out);
    body(&items, &mut out);
    let mut sealer = Sealer::default();
    sealer.update(&out);
    sealer.seal(&mut out);
    assert_eq!(out, file[..file.len() - 33]);
    assert!(snapshot::read_file(&out, drop).is_ok());
    for at in 0..file.len() {
        let mut damaged = file.to_vec();
        damaged[at] ^= 1;
        assert!(snapshot::read_file(&damaged, drop).is_err(), "damage at {at}");
        let cut = snapshot::read_file(&file[..at], drop).is_ok();
        assert_eq!(cut, at == file.len() - 33, "cut at {at}");
    }
}

fn encode(items: &[Item]) -> BytesMut {
    let mut out = BytesMut::new();
    body(items, &mut out);
    snapshot::put_signature(&mut out);
    out
}

fn body(items: &[Item], out: &mut BytesMut) {
    let (mut sessions, mut acls, mut nodes) = (Vec::new(), Vec::new(), BytesMut::new());
    for item in items {
        match item {
            Item::Session(session) => sessions.push(*session),
            Item::Acl(acl) => acls.push(acl.clone()),
            Item::Node(node) => node.encode(&mut nodes),
            Item::End => snapshot::put_end(&mut nodes),
        }
    }
    snapshot::put_head(out, &sessions, &acls);
    out.extend_from_slice(&nodes);
}
