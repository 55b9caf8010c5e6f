//! The decoders of zab-wire: streams, records, files.

use std::fmt::Debug;

use bytes::{Bytes, BytesMut};
use zab_wire::client::{
    AddWatchRequest, AuthPacket, CheckVersionRequest, ConnectRequest, ConnectResponse,
    Create2Response, CreateRequest, CreateResponse, CreateTtlRequest, DeleteRequest, GetAclRequest,
    GetAllChildrenNumberRequest, GetChildren2Response, GetChildrenResponse, GetDataResponse,
    GetEphemeralsRequest, MultiRequest, MultiResponse, Op, ReadRequest, ReplyHeader, RequestHeader,
    SetAclRequest, SetDataRequest, SetWatches, SetWatches2, StatResponse, SyncRecord,
    WatchesRequest,
};
use zab_wire::election::{InitialMessage, Notification, ServerState};
use zab_wire::quorum::{
    ForwardedRequest, LearnerInfo, Revalidate, Revalidated, SessionPing, session_pings,
};
use zab_wire::snapshot::{self, AclItem, NodeItem, SessionItem};
use zab_wire::{
    Acl, DecodeError, Id, OpCode, PacketType, QuorumPacket, Reader, Record, Stat, StatPersisted,
    Txn, TxnBody, TxnHeader, frame, log,
};

/// A decoder of a stream: the next item, if it is there.
type Take<'a, T> = Box<dyn FnMut(&mut BytesMut) -> Result<Option<T>, DecodeError> + 'a>;

/// One byte chooses the decoder and how much arrives at a time; the rest is the stream.
pub(crate) fn streams(bytes: &[u8]) {
    let Some((choice, bytes)) = bytes.split_first() else { return };
    let chunk = usize::from(choice / 8) + 1;
    match choice % 5 {
        0 => stream(bytes, chunk, || Box::new(|buffer| frame::take(buffer, 1000))),
        1 => stream(bytes, chunk, || Box::new(InitialMessage::take)),
        2 => stream(bytes, chunk, || Box::new(Notification::take)),
        3 => stream(bytes, chunk, || Box::new(QuorumPacket::take)),
        _ => stream(bytes, chunk, || {
            let mut decoder = snapshot::Decoder::default();
            Box::new(move |buffer| decoder.take(buffer))
        }),
    }
}

/// What is decoded does not depend on how the bytes arrive.
fn stream<'a, T: Debug + PartialEq>(bytes: &[u8], chunk: usize, start: impl Fn() -> Take<'a, T>) {
    let at_once = decode(bytes, bytes.len().max(1), start());
    assert_eq!(decode(bytes, chunk, start()), at_once, "{chunk} bytes at a time");
}

/// The items, and whether the stream was refused after them.
fn decode<T>(bytes: &[u8], chunk: usize, mut take: Take<'_, T>) -> (Vec<T>, bool) {
    let (mut buffer, mut items) = (BytesMut::new(), Vec::new());
    for part in bytes.chunks(chunk) {
        buffer.extend_from_slice(part);
        loop {
            let before = buffer.len();
            match take(&mut buffer) {
                Ok(Some(item)) => items.push(item),
                Ok(None) => break,
                Err(_) => return (items, true),
            }
            assert!(buffer.len() < before, "an item without bytes");
        }
    }
    (items, false)
}

/// Every record that a server reads.
pub(crate) fn records(bytes: &[u8]) {
    exact::<ConnectRequest>(bytes);
    exact::<ConnectResponse>(bytes);
    exact::<RequestHeader>(bytes);
    exact::<ReplyHeader>(bytes);
    exact::<CreateResponse>(bytes);
    exact::<Create2Response>(bytes);
    exact::<DeleteRequest>(bytes);
    exact::<ReadRequest>(bytes);
    exact::<StatResponse>(bytes);
    exact::<GetDataResponse>(bytes);
    exact::<SetDataRequest>(bytes);
    exact::<GetChildrenResponse>(bytes);
    exact::<GetChildren2Response>(bytes);
    exact::<SyncRecord>(bytes);
    exact::<LearnerInfo>(bytes);
    exact::<SessionPing>(bytes);
    exact::<Revalidate>(bytes);
    exact::<Revalidated>(bytes);
    exact::<ForwardedRequest>(bytes);
    exact::<TxnHeader>(bytes);
    exact::<Stat>(bytes);
    exact::<StatPersisted>(bytes);
    exact::<SessionItem>(bytes);
    exact::<NodeItem>(bytes);
    exact::<AuthPacket>(bytes);
    exact::<SetWatches>(bytes);
    exact::<SetWatches2>(bytes);
    exact::<AddWatchRequest>(bytes);
    exact::<WatchesRequest>(bytes);
    exact::<CheckVersionRequest>(bytes);
    exact::<GetAclRequest>(bytes);
    exact::<GetEphemeralsRequest>(bytes);
    exact::<GetAllChildrenNumberRequest>(bytes);
    // Nulls are written as what they stand for, and the end of a list may say anything else.
    settled::<Id>(bytes);
    settled::<Acl>(bytes);
    settled::<AclItem>(bytes);
    settled::<CreateRequest>(bytes);
    settled::<CreateTtlRequest>(bytes);
    settled::<SetAclRequest>(bytes);
    settled::<MultiRequest>(bytes);
    settled::<MultiResponse>(bytes);
    settled::<QuorumPacket>(bytes);
    // A whole record each. Its encoding may differ, but it means the same: of two versions that
    // are understood, one is written.
    same::<InitialMessage>(bytes);
    same::<Notification>(bytes);
    same::<Txn>(bytes);
    if let Ok(pings) = session_pings(bytes) {
        let again: Vec<u8> = pings.iter().flat_map(|ping| ping.to_bytes().to_vec()).collect();
        assert_eq!(again, bytes);
    }
}

/// What decodes encodes to the same bytes; what does not says where.
fn exact<T: Record + Debug>(bytes: &[u8]) {
    let mut reader = Reader::new(bytes);
    match T::decode(&mut reader) {
        Ok(value) => assert_eq!(value.to_bytes(), bytes[..reader.offset()]),
        Err(error) => assert!(error.offset <= bytes.len(), "{error}"),
    }
}

/// What decodes encodes to bytes that mean the same; what does not says where.
fn settled<T: Record + PartialEq + Debug>(bytes: &[u8]) {
    let mut reader = Reader::new(bytes);
    match T::decode(&mut reader) {
        Ok(value) => assert_eq!(T::from_bytes(&value.to_bytes()).as_ref(), Ok(&value)),
        Err(error) => assert!(error.offset <= bytes.len(), "{error}"),
    }
}

fn same<T: Record + PartialEq + Debug>(bytes: &[u8]) {
    if let Ok(value) = T::from_bytes(bytes) {
        assert_eq!(T::from_bytes(&value.to_bytes()).as_ref(), Ok(&value));
    }
}

/// A log file and a snapshot file.
pub(crate) fn files(bytes: &[u8]) {
    if let Ok(scan) = log::scan(bytes) {
        let mut end = 0;
        for record in &scan.records {
            assert!(end <= record.start && record.start <= record.end, "records in order");
            end = record.end;
        }
        assert!(end <= scan.end && scan.end <= bytes.len());
        // What the scan leaves of the file is a file without a tail.
        let whole = log::scan(&bytes[..scan.end]).expect("the good part");
        assert_eq!((whole.records, whole.torn), (scan.records, None));
    }
    let mut items = 0;
    // The error, if there is one, is as good as the file.
    let _ = snapshot::read_file(bytes, |_| items += 1);
    assert!(items <= bytes.len(), "an item without bytes");
}

pub(crate) fn stream_seeds() -> Vec<Vec<u8>> {
    let packets =
        packets().into_iter().map(|packet| [&[3 + 8 * 7], &packet.to_bytes()[..]].concat());
    let mut votes = BytesMut::from(&[2 + 8 * 2][..]);
    notification().put(&mut votes);
    notification().put(&mut votes);
    let hello = InitialMessage { server: 3, address: Some("127.0.0.1:3888".to_owned()) };
    let hello = [&[1], &hello.to_bytes()[..]].concat();
    let snapshot = [&[4 + 8], &snapshot_stream()[..]].concat();
    let mut frames = BytesMut::from(&[0][..]);
    frame::put(&mut frames, |out| RequestHeader { xid: 1, op: 11 }.encode(out));
    packets.chain([votes.to_vec(), hello, snapshot, frames.to_vec()]).collect()
}

pub(crate) fn record_seeds() -> Vec<Vec<u8>> {
    let connect = ConnectRequest {
        protocol_version: 0,
        last_zxid_seen: 7,
        timeout_ms: 10_000,
        session: 5,
        password: Some(Bytes::from_static(&[1; 16])),
        read_only: Some(false),
    };
    let create = CreateRequest {
        path: "/a".to_owned(),
        data: Some(Bytes::from_static(b"data")),
        acl: Acl::open(),
        flags: 0,
    };
    let mut vote = BytesMut::new();
    notification().put(&mut vote);
    let txns = txns().iter().map(|txn| txn.to_bytes().to_vec()).collect::<Vec<_>>();
    let packets = packets().into_iter().map(|packet| packet.to_bytes().to_vec());
    let others = [connect.to_bytes().to_vec(), create.to_bytes().to_vec(), vote[4..].to_vec()];
    let multi = MultiRequest {
        ops: vec![
            Op::Create(OpCode::Create2, create),
            Op::Delete(DeleteRequest { path: "/a".to_owned(), version: 0 }),
        ],
    };
    let names = vec!["/a".to_owned(), "/b".to_owned()];
    let standard =
        SetWatches { relative_zxid: 1, data: names.clone(), exist: names.clone(), child: names };
    let again = SetWatches2 { standard, persistent: vec!["/".to_owned()], recursive: Vec::new() };
    let coordination = [multi.to_bytes().to_vec(), again.to_bytes().to_vec()];
    packets.chain(txns).chain(others).chain(coordination).collect()
}

pub(crate) fn file_seeds() -> Vec<Vec<u8>> {
    let mut file = BytesMut::new();
    log::FileHeader::LOG.encode(&mut file);
    for txn in txns() {
        log::put_record(&mut file, &txn.to_bytes());
    }
    let whole = file.to_vec();
    file.extend_from_slice(&[0; 64]);
    let torn = whole[..whole.len() - 2].to_vec();
    vec![whole, file.to_vec(), torn, snapshot_file()]
}

fn notification() -> Notification {
    Notification {
        state: ServerState::Looking,
        leader: 3,
        zxid: 1 << 32,
        election_epoch: 1,
        peer_epoch: 1,
        config: Some(Bytes::from_static(b"server.1=127.0.0.1:1:2:participant\nversion=0")),
        version: 2,
    }
}

/// Packets of every type that a server understands.
pub(crate) fn packets() -> Vec<QuorumPacket> {
    let info = LearnerInfo { server: 1, protocol_version: 0x10000, config_version: 0 };
    let request = ForwardedRequest {
        session: 5,
        cxid: 1,
        op: OpCode::Create.number(),
        payload: Bytes::from_static(b"\0\0\0\x02/a"),
    };
    let txn = txns().remove(0);
    let ping = SessionPing { session: 5, timeout_ms: 10_000 };
    let data = [
        (PacketType::FollowerInfo, Some(info.to_bytes())),
        (PacketType::Request, Some(request.to_bytes())),
        (PacketType::Proposal, Some(txn.to_bytes())),
        (PacketType::Ping, Some(ping.to_bytes())),
        (PacketType::LeaderInfo, Some(Bytes::from_static(&[0, 1, 0, 0]))),
        (PacketType::AckEpoch, Some(Bytes::from_static(&[0, 0, 0, 1]))),
    ];
    let with_data =
        data.map(|(kind, data)| QuorumPacket { kind, zxid: (1 << 32) | 1, data, auth: None });
    let bare = PacketType::ALL.iter().map(|kind| QuorumPacket::bare(*kind, 1 << 32));
    with_data.into_iter().chain(bare).collect()
}

/// Transactions that make, change and remove nodes and sessions.
pub(crate) fn txns() -> Vec<Txn> {
    use zab_wire::txn::{CreateTxn, DeleteTxn, SetDataTxn};
    let data = Some(Bytes::from_static(b"data"));
    let create = CreateTxn {
        path: "/a".to_owned(),
        data: data.clone(),
        acl: Acl::open(),
        ephemeral: false,
        parent_cversion: 1,
    };
    let bodies = [
        (OpCode::CreateSession, TxnBody::CreateSession(10_000)),
        (OpCode::Create, TxnBody::Create(create.clone())),
        (
            OpCode::Create,
            TxnBody::Create(CreateTxn { path: "/a/b".to_owned(), ephemeral: true, ..create }),
        ),
        (OpCode::SetData, TxnBody::SetData(SetDataTxn { path: "/a".to_owned(), data, version: 1 })),
        (OpCode::Delete, TxnBody::Delete(DeleteTxn { path: "/a/b".to_owned() })),
        (OpCode::CloseSession, TxnBody::CloseSession(Some(vec!["/a/b".to_owned()]))),
        (OpCode::Error, TxnBody::Error(-101)),
    ];
    let numbered = (1..).zip(bodies);
    let txn = |(number, (kind, body)): (i32, (OpCode, TxnBody))| Txn {
        header: TxnHeader {
            session: 5,
            cxid: number,
            zxid: (1 << 32) | i64::from(number),
            time: 1_000,
            kind: kind.number(),
        },
        body,
        digest: None,
    };
    numbered.map(txn).collect()
}

fn snapshot_stream() -> Vec<u8> {
    let mut tree = zab_server::tree::Tree::default();
    for txn in txns().iter().take(3) {
        tree.apply(&txn.to_bytes()).expect("a good transaction");
    }
    tree.into_stream().flatten().collect()
}

fn snapshot_file() -> Vec<u8> {
    let mut tree = zab_server::tree::Tree::default();
    for txn in txns().iter().take(3) {
        tree.apply(&txn.to_bytes()).expect("a good transaction");
    }
    tree.to_file().to_vec()
}
