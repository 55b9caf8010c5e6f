//! Random values survive a round trip; random and damaged bytes never panic a decoder, and what a
//! decoder accepts encodes to the bytes it accepted.

use std::fmt::Debug;

use bytes::{Bytes, BytesMut};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use zab_wire::client::{
    AuthPacket, CheckVersionRequest, ConnectRequest, ConnectResponse, Create2Response,
    CreateRequest, CreateTtlRequest, DeleteRequest, GetChildren2Response, GetDataResponse,
    MultiRequest, MultiResponse, Op, OpResult, ReadRequest, ReplyHeader, RequestHeader,
    SetAclRequest, SetDataRequest, SetWatches2, WatcherEvent,
};
use zab_wire::election::{InitialMessage, Notification, ServerState};
use zab_wire::quorum::{ForwardedRequest, LearnerInfo, Revalidated, session_pings};
use zab_wire::snapshot::{Decoder, Item, read_file};
use zab_wire::txn::{
    CheckTxn, CreateContainerTxn, CreateTtlTxn, CreateTxn, DeleteTxn, MultiTxn, PartTxn, SetAclTxn,
    SetDataTxn,
};
use zab_wire::{
    Acl, Id, OpCode, PacketType, QuorumPacket, Reader, Record, Stat, Txn, TxnBody, TxnDigest,
    TxnHeader, frame, log,
};

fn bytes() -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..40).prop_map(Bytes::from)
}

fn id() -> impl Strategy<Value = Id> {
    (".{0,8}", ".{0,8}").prop_map(|(scheme, id)| Id { scheme, id })
}

fn acl() -> impl Strategy<Value = Vec<Acl>> {
    vec((any::<i32>(), id()).prop_map(|(perms, id)| Acl { perms, id }), 0..4)
}

prop_compose! {
    fn stat()(z in any::<[i64; 6]>(), n in any::<[i32; 5]>()) -> Stat {
        Stat {
            czxid: z[0], mzxid: z[1], ctime: z[2], mtime: z[3], version: n[0], cversion: n[1],
            aversion: n[2], ephemeral_owner: z[4], data_length: n[3], num_children: n[4],
            pzxid: z[5],
        }
    }
}

fn packet() -> impl Strategy<Value = QuorumPacket> {
    let kind = prop::sample::select(PacketType::ALL);
    (kind, any::<i64>(), option::of(bytes()), option::of(vec(id(), 0..4)))
        .prop_map(|(kind, zxid, data, auth)| QuorumPacket { kind, zxid, data, auth })
}

fn notification() -> impl Strategy<Value = Notification> {
    let state = prop::sample::select(ServerState::ALL);
    (state, any::<[i64; 4]>(), any::<i32>(), option::of(bytes())).prop_map(
        |(state, [leader, zxid, election_epoch, peer_epoch], version, config)| Notification {
            state,
            leader,
            zxid,
            election_epoch,
            peer_epoch,
            config,
            version,
        },
    )
}

/// Kinds that stand in a `Multi` too.
fn part_body() -> impl Strategy<Value = (OpCode, TxnBody)> {
    let path = "/[a-z]{1,8}";
    prop_oneof![
        (path, option::of(bytes()), acl(), any::<i32>()).prop_map(
            |(path, data, acl, parent_cversion)| {
                let create = CreateContainerTxn { path, data, acl, parent_cversion };
                (OpCode::CreateContainer, TxnBody::CreateContainer(create))
            }
        ),
        (path, option::of(bytes()), acl(), any::<i32>(), any::<i64>()).prop_map(
            |(path, data, acl, parent_cversion, ttl)| {
                let create = CreateTtlTxn { path, data, acl, parent_cversion, ttl };
                (OpCode::CreateTtl, TxnBody::CreateTtl(create))
            }
        ),
        path.prop_map(|path| (OpCode::DeleteContainer, TxnBody::Delete(DeleteTxn { path }))),
        (path, option::of(bytes()), acl(), any::<bool>(), any::<i32>()).prop_map(
            |(path, data, acl, ephemeral, parent_cversion)| {
                let create = CreateTxn { path, data, acl, ephemeral, parent_cversion };
                (OpCode::Create2, TxnBody::Create(create))
            }
        ),
        path.prop_map(|path| (OpCode::Delete, TxnBody::Delete(DeleteTxn { path }))),
        (path, option::of(bytes()), any::<i32>()).prop_map(|(path, data, version)| {
            (OpCode::SetData, TxnBody::SetData(SetDataTxn { path, data, version }))
        }),
        any::<i32>().prop_map(|number| (OpCode::Error, TxnBody::Error(number))),
    ]
}

fn body() -> impl Strategy<Value = (OpCode, TxnBody)> {
    let path = "/[a-z]{1,8}";
    let check = (path, any::<i32>())
        .prop_map(|(path, version)| (OpCode::Check, TxnBody::Check(CheckTxn { path, version })));
    let part = prop_oneof![4 => part_body(), 1 => check];
    prop_oneof![
        part_body(),
        vec(part, 0..4).prop_map(|parts| {
            let parts = parts.iter().map(|(kind, body)| PartTxn::new(*kind, body)).collect();
            (OpCode::Multi, TxnBody::Multi(MultiTxn { parts }))
        }),
        (path, acl(), any::<i32>()).prop_map(|(path, acl, version)| {
            (OpCode::SetAcl, TxnBody::SetAcl(SetAclTxn { path, acl, version }))
        }),
        any::<i32>()
            .prop_map(|timeout_ms| (OpCode::CreateSession, TxnBody::CreateSession(timeout_ms))),
        option::of(vec(path, 0..4))
            .prop_map(|paths| (OpCode::CloseSession, TxnBody::CloseSession(paths))),
    ]
}

prop_compose! {
    fn txn()(
        (kind, body) in body(), session: i64, cxid: i32, zxid: i64, time: i64,
        // Version 2 is the only one there is; the old form of closeSession leans on that.
        tree in option::of(any::<i64>()),
    ) -> Txn {
        let header = TxnHeader { session, cxid, zxid, time, kind: kind.number() };
        Txn { header, body, digest: tree.map(|tree| TxnDigest { version: 2, tree }) }
    }
}

/// The snapshot that a Java server sent.
fn captured_snapshot() -> Vec<u8> {
    let hex = include_str!("golden/snapshot.hex").rsplit(' ').next().unwrap().trim();
    let digits = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

/// One of every kind of operation, and one of every kind of result.
fn multi(
    path: &str,
    data: Option<&Bytes>,
    acl: &[Acl],
    stat: Stat,
) -> (MultiRequest, MultiResponse) {
    let (path, data, acl) = (path.to_owned(), data.cloned(), acl.to_vec());
    let create =
        CreateRequest { path: path.clone(), data: data.clone(), acl: acl.clone(), flags: 3 };
    let read = ReadRequest { path: path.clone(), watch: true };
    let ops = vec![
        Op::Create(OpCode::Create, create.clone()),
        Op::Create(OpCode::Create2, create.clone()),
        Op::Create(OpCode::CreateContainer, create),
        Op::CreateTtl(CreateTtlRequest {
            path: path.clone(),
            data: data.clone(),
            acl,
            flags: 5,
            ttl: 7,
        }),
        Op::Delete(DeleteRequest { path: path.clone(), version: 1 }),
        Op::SetData(SetDataRequest { path: path.clone(), data: data.clone(), version: -1 }),
        Op::Check(CheckVersionRequest { path: path.clone(), version: 2 }),
        Op::GetData(read.clone()),
        Op::GetChildren(read),
    ];
    let created = Create2Response { path: path.clone(), stat };
    let results = vec![
        OpResult::Created(path.clone()),
        OpResult::CreatedWithStat(OpCode::Create2, created.clone()),
        OpResult::CreatedWithStat(OpCode::CreateTtl, created),
        OpResult::Done(OpCode::Delete),
        OpResult::Done(OpCode::Check),
        OpResult::Replaced(stat),
        OpResult::Data(data, stat),
        OpResult::Children(vec![path]),
        OpResult::Error(-110),
    ];
    (MultiRequest { ops }, MultiResponse { results })
}

fn agree<T: Record + PartialEq + Debug>(value: &T) {
    assert_eq!(T::from_bytes(&value.to_bytes()).as_ref(), Ok(value));
}

/// What decodes encodes to the same bytes; what does not says why.
fn accept_or_refuse<T: Record + PartialEq + Debug>(bytes: &[u8]) {
    let mut reader = Reader::new(bytes);
    match T::decode(&mut reader) {
        Ok(value) => assert_eq!(value.to_bytes(), bytes[..reader.offset()]),
        Err(error) => assert!(error.offset <= bytes.len(), "{error}"),
    }
}

/// What decodes encodes to bytes that mean the same: some nulls are written as what they stand for,
/// and ends of lists may say anything else.
fn settle<T: Record + PartialEq + Debug>(bytes: &[u8]) {
    let mut reader = Reader::new(bytes);
    match T::decode(&mut reader) {
        Ok(value) => agree(&value),
        Err(error) => assert!(error.offset <= bytes.len(), "{error}"),
    }
}

fn every_decoder(bytes: &[u8]) {
    accept_or_refuse::<ConnectRequest>(bytes);
    accept_or_refuse::<ConnectResponse>(bytes);
    accept_or_refuse::<ForwardedRequest>(bytes);
    accept_or_refuse::<GetChildren2Response>(bytes);
    accept_or_refuse::<LearnerInfo>(bytes);
    accept_or_refuse::<ReadRequest>(bytes);
    accept_or_refuse::<RequestHeader>(bytes);
    accept_or_refuse::<Revalidated>(bytes);
    accept_or_refuse::<SetDataRequest>(bytes);
    accept_or_refuse::<SetWatches2>(bytes);
    accept_or_refuse::<WatcherEvent>(bytes);
    accept_or_refuse::<AuthPacket>(bytes);
    settle::<CreateRequest>(bytes);
    settle::<CreateTtlRequest>(bytes);
    settle::<SetAclRequest>(bytes);
    settle::<QuorumPacket>(bytes);
    settle::<MultiRequest>(bytes);
    settle::<MultiResponse>(bytes);
    // A whole record each, whose encoding may differ: two versions of a greeting are read and one
    // is written, a vote without an epoch gets one, and a closed session's list may be read as a
    // digest.
    let _ = InitialMessage::from_bytes(bytes);
    let _ = Notification::from_bytes(bytes);
    let _ = Txn::from_bytes(bytes);
    let _ = session_pings(bytes);
    let _ = frame::take(&mut BytesMut::from(bytes), 1000);
    let _ = log::scan(bytes);
    let _ = read_file(bytes, drop);
    streams(bytes);
}

/// Decoders of streams end: they consume what they give, and stop at what they refuse.
fn streams(bytes: &[u8]) {
    let mut buffer = BytesMut::from(bytes);
    while let Ok(Some(_)) = QuorumPacket::take(&mut buffer) {}
    let mut buffer = BytesMut::from(bytes);
    while let Ok(Some(_)) = Notification::take(&mut buffer) {}
    let _ = InitialMessage::take(&mut BytesMut::from(bytes));
    let (mut decoder, mut buffer) = (Decoder::default(), BytesMut::from(bytes));
    while let Ok(Some(item)) = decoder.take(&mut buffer) {
        if item == Item::End {
            let _ = decoder.take_signature(&mut buffer);
        }
    }
}

proptest! {
    #[test]
    fn packets_survive(packet in packet()) {
        agree(&packet);
        let mut buffer = BytesMut::from(&packet.to_bytes()[..]);
        prop_assert_eq!(QuorumPacket::take(&mut buffer), Ok(Some(packet)));
    }

    #[test]
    fn notifications_survive(notification in notification()) {
        agree(&notification);
        let mut buffer = BytesMut::new();
        notification.put(&mut buffer);
        prop_assert_eq!(Notification::take(&mut buffer), Ok(Some(Ok(notification))));
    }

    #[test]
    fn transactions_survive(txn in txn()) {
        agree(&txn);
    }

    #[test]
    fn client_records_survive(
        stat in stat(), data in option::of(bytes()), path in ".{0,20}", acl in acl(),
        numbers in any::<[i32; 3]>(), zxid: i64, flag: Option<bool>, names in vec(".{0,9}", 0..5),
    ) {
        let (request, response) = multi(&path, data.as_ref(), &acl, stat);
        agree(&request);
        agree(&response);
        let [xid, version, timeout_ms] = numbers;
        agree(&ConnectRequest {
            protocol_version: version, last_zxid_seen: zxid, timeout_ms, session: zxid,
            password: data.clone(), read_only: flag,
        });
        agree(&ConnectResponse {
            protocol_version: version, timeout_ms, session: zxid, password: data.clone(),
            read_only: flag,
        });
        agree(&ReplyHeader { xid, zxid, err: version });
        agree(&CreateRequest { path: path.clone(), data: data.clone(), acl, flags: xid });
        agree(&SetDataRequest { path, data: data.clone(), version });
        agree(&GetDataResponse { data, stat });
        agree(&GetChildren2Response { children: names, stat });
    }

    #[test]
    fn random_bytes_never_panic(bytes in vec(any::<u8>(), 0..200)) {
        every_decoder(&bytes);
    }

    /// Small numbers get further than random ones: they are lengths, types and states.
    #[test]
    fn random_numbers_never_panic(numbers in vec(-12_i32..70, 0..60)) {
        let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_be_bytes()).collect();
        every_decoder(&bytes);
    }

    #[test]
    fn damaged_packets_never_panic(
        packet in packet(), txn in txn(), at: prop::sample::Index, byte: u8, cut: prop::sample::Index,
    ) {
        for whole in [packet.to_bytes().to_vec(), txn.to_bytes().to_vec(), captured_snapshot()] {
            let mut damaged = whole;
            let index = at.index(damaged.len());
            damaged[index] = byte;
            every_decoder(&damaged);
            damaged.truncate(cut.index(damaged.len()));
            every_decoder(&damaged);
        }
    }

    #[test]
    fn logs_survive_and_cuts_lose_the_last_record_only(
        payloads in vec(vec(any::<u8>(), 1..40), 0..8), padding in 0_usize..40,
        cut: prop::sample::Index,
    ) {
        let mut file = BytesMut::new();
        log::FileHeader::LOG.encode(&mut file);
        let mut ends = vec![file.len()];
        for payload in &payloads {
            log::put_record(&mut file, payload);
            ends.push(file.len());
        }
        let length = file.len();
        file.resize(length + padding, 0);
        let read = |file: &[u8]| {
            let scan = log::scan(file).unwrap();
            let records: Vec<_> = scan.records.iter().map(|range| file[range.clone()].to_vec()).collect();
            (records, scan.end, scan.torn.is_some())
        };
        prop_assert_eq!(read(&file), (payloads.clone(), length, false));
        let cut = ends[0] + cut.index(length - ends[0] + 1);
        let whole = ends.iter().filter(|end| **end <= cut).count() - 1;
        let (records, end, _) = read(&file[..cut]);
        prop_assert_eq!((records, end), (payloads[..whole].to_vec(), ends[whole]));
    }
}
