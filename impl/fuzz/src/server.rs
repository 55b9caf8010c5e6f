//! What the server makes of what was decoded: packets, transactions, its configuration.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use zab_server::config::Config;
use zab_server::fuzz;
use zab_server::tree::{Asked, ENSEMBLE, Preparer, Rules, Tree};
use zab_wire::client::{
    CheckVersionRequest, CreateRequest, CreateTtlRequest, DeleteRequest, MultiRequest, Op,
    SetAclRequest, SetDataRequest,
};
use zab_wire::election::Notification;
use zab_wire::quorum::ForwardedRequest;
use zab_wire::{Acl, Id, OpCode, QuorumPacket, Record as _};

use crate::wire;

/// A stream of packets, or of notifications, and what each of them means.
pub(crate) fn packets(bytes: &[u8]) {
    let Some((choice, bytes)) = bytes.split_first() else { return };
    let mut buffer = BytesMut::from(bytes);
    if choice % 5 == 2 {
        while let Ok(Some(taken)) = Notification::take(&mut buffer) {
            let _ = taken.map(|notification| fuzz::notification(&notification));
        }
    } else {
        while let Ok(Some(packet)) = QuorumPacket::take(&mut buffer) {
            fuzz::packet(&packet);
        }
    }
}

/// Transactions, each behind its length in two bytes, applied to a tree. What was let through can
/// be applied; and the tree can be written and read back. Once it was, it stays as it is: only a
/// node whose parent was deleted, which no leader asks for, is not written.
pub(crate) fn tree(mut bytes: &[u8]) {
    let mut tree = Tree::default();
    while let Some((length, rest)) = bytes.split_first_chunk() {
        let length = usize::from(u16::from_be_bytes(*length)).min(rest.len());
        let (txn, rest) = rest.split_at(length);
        let before = (tree.node_count(), tree.session_count(), tree.last_zxid());
        if tree.apply(txn).is_err() {
            let after = (tree.node_count(), tree.session_count(), tree.last_zxid());
            assert_eq!(after, before, "a refused transaction changes nothing");
        }
        bytes = rest;
    }
    let read = |file: &[u8]| Tree::from_file(file, tree.last_zxid()).expect("the own file");
    let file = read(&tree.to_file()).to_file();
    assert_eq!(read(&file).to_file(), file);
}

/// Requests of two sessions, as a leader prepares them: whatever a client asks for, what the leader
/// proposes can be applied. Each has an operation in its first byte, a session and whether all is
/// applied before the next one in the second, and its length in the next two.
pub(crate) fn requests(mut bytes: &[u8]) {
    let (mut tree, mut leader) = (
        Tree::default(),
        Preparer::new(Rules { extended_types: true, digests: true, enforce_quota: true }),
    );
    let mut zxid = 0;
    let mut outstanding = VecDeque::new();
    let everyone = [Id { scheme: "digest".to_owned(), id: "u:p".to_owned() }];
    for session in [1, 2] {
        let payload = 10_000_i32.to_bytes();
        let request = request(session, OpCode::CreateSession, payload);
        let asked = Asked { request: &request, auth: &everyone, origin: 1 };
        zxid += 1;
        outstanding.push_back(leader.prepare(&tree, &asked, zxid, 1000));
    }
    while let Some(([op, flags, a, b], rest)) = bytes.split_first_chunk() {
        let length = usize::from(u16::from_be_bytes([*a, *b])).min(rest.len());
        let (payload, rest) = rest.split_at(length);
        let op = OpCode::ALL[usize::from(*op) % OpCode::ALL.len()];
        let session = i64::from(flags & 1) + 1;
        let request = request(session, op, Bytes::copy_from_slice(payload));
        let origin = if flags & 4 == 0 { 1 } else { ENSEMBLE };
        let asked = Asked { request: &request, auth: &everyone, origin };
        zxid += 1;
        outstanding.push_back(leader.prepare(&tree, &asked, zxid, 1000));
        if flags & 2 == 0 {
            apply(&mut tree, &mut leader, &mut outstanding);
        }
        bytes = rest;
    }
    apply(&mut tree, &mut leader, &mut outstanding);
    let again = Tree::from_file(&tree.to_file(), zxid).expect("the own file");
    assert_eq!(again.to_file(), tree.to_file());
    assert_eq!(again.data_bytes(), tree.data_bytes());
}

fn request(session: i64, op: OpCode, payload: Bytes) -> ForwardedRequest {
    ForwardedRequest { session, cxid: 1, op: op.number(), payload }
}

/// Applies what is outstanding, and nothing of it fails that the leader let through.
fn apply(tree: &mut Tree, leader: &mut Preparer, outstanding: &mut VecDeque<Bytes>) {
    while let Some(txn) = outstanding.pop_front() {
        let applied = tree.apply(&txn).expect("what a leader proposes can be applied");
        leader.applied(applied.header.zxid);
        let is_error = applied.header.kind == OpCode::Error.number();
        assert_eq!(applied.outcome.is_err(), is_error, "{:?}", applied.outcome);
        assert_eq!(applied.mismatch, None, "the leader's digest is that of the tree");
    }
}

pub(crate) fn request_seeds() -> Vec<Vec<u8>> {
    let path = |path: &str| path.to_owned();
    let create = |path: &str, flags| CreateRequest {
        path: path.to_owned(),
        data: Some(Bytes::from_static(b"data")),
        acl: Acl::open(),
        flags,
    };
    let delete = |name: &str| DeleteRequest { path: path(name), version: -1 };
    let multi = MultiRequest {
        ops: vec![
            Op::Create(OpCode::Create, create("/a/m", 2)),
            Op::Check(CheckVersionRequest { path: path("/a"), version: 0 }),
            Op::Delete(delete("/a/e")),
            Op::Delete(delete("/none")),
        ],
    };
    let acl = SetAclRequest { path: path("/a"), acl: Acl::open(), version: 0 };
    let ttl =
        CreateTtlRequest { path: path("/t"), data: None, acl: Acl::open(), flags: 5, ttl: 1000 };
    let set = SetDataRequest { path: path("/a"), data: None, version: -1 };
    let all: Vec<(OpCode, Bytes)> = vec![
        (OpCode::Create, create("/a", 0).to_bytes()),
        (OpCode::Create2, create("/a/e", 1).to_bytes()),
        (OpCode::Create, create("/a/s", 3).to_bytes()),
        (OpCode::CreateContainer, create("/c", 4).to_bytes()),
        (OpCode::CreateTtl, ttl.to_bytes()),
        (OpCode::SetData, set.to_bytes()),
        (OpCode::SetAcl, acl.to_bytes()),
        (OpCode::Multi, multi.to_bytes()),
        (OpCode::DeleteContainer, Bytes::from_static(b"/c")),
        (OpCode::CloseSession, Bytes::new()),
    ];
    let parts = |flags: u8| -> Vec<u8> {
        let frames = all.iter().map(|(op, payload)| {
            let index = OpCode::ALL.iter().position(|one| one == op).unwrap_or_default();
            let index = u8::try_from(index).expect("few operations");
            let length = u16::try_from(payload.len()).expect("a short request");
            [&[index, flags], &length.to_be_bytes()[..], payload].concat()
        });
        frames.collect::<Vec<_>>().concat()
    };
    [0, 2, 4, 6].map(parts).into()
}

/// The text of a zoo.cfg, for server 1.
pub(crate) fn config(bytes: &[u8]) {
    let Ok(config) = Config::from_text(&String::from_utf8_lossy(bytes), 1) else { return };
    let ids = config.ids();
    assert!(ids.contains(&1), "server 1 is not among {ids:?}");
    assert_eq!(config.quorum_text().lines().count(), config.servers.len() + 1);
    assert_eq!(config.is_standalone(), config.servers.len() < 2);
}

pub(crate) fn tree_seeds() -> Vec<Vec<u8>> {
    let parts = wire::txns().into_iter().map(|txn| {
        let bytes = txn.to_bytes();
        let length = u16::try_from(bytes.len()).expect("a short transaction");
        [&length.to_be_bytes()[..], &bytes].concat()
    });
    let parts: Vec<Vec<u8>> = parts.collect();
    let all = parts.concat();
    parts.into_iter().chain([all]).collect()
}

pub(crate) fn config_seeds() -> Vec<Vec<u8>> {
    let servers = "server.1=127.0.0.1:2888:3888\nserver.2=[::1]:2889:3889:participant;[::1]:2182\n\
                   server.3=host:2890:3890;2183\n";
    let all = "# a comment\ntickTime=2000\ninitLimit=10\nsyncLimit=5\ndataDir=data\n\
               dataLogDir=log\nclientPort=2181\nclientPortAddress=127.0.0.1\nmaxClientCnxns=60\n\
               minSessionTimeout=4000\nmaxSessionTimeout=40000\ncommitLogCount=500\n\
               4lw.commands.whitelist=srvr, ruok\nunknown=1\n";
    let escaped = "dataDir=a\\u0041\\\n  b\nclient\\ Port : 1\ninitLimit=1\nsyncLimit=1\n";
    [all, escaped].map(|text| format!("{text}{servers}").into_bytes()).into()
}
