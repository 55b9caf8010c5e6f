//! Requests become transactions, transactions change trees.

use bytes::Bytes;
use proptest::prelude::*;
use zab_wire::client::{CreateRequest, DeleteRequest, SetDataRequest};
use zab_wire::quorum::ForwardedRequest;
use zab_wire::{Acl, ErrorCode, Id, OpCode, Record, StatPersisted, Txn, TxnBody};

use super::{Asked, Change, Node, Origin, Permission, Preparer, Rules, SnapshotError, Tree, acl};

mod captured;
mod coordination;
mod digests;
mod kinds;
mod quotas;

const SESSION: i64 = 0x0100_0000_0000_0007;
const HERE: Origin = 1;

/// A leader whose transactions are applied as soon as they are prepared, unless it is told to lag.
struct Leader {
    tree: Tree,
    preparer: Preparer,
    zxid: i64,
    /// Who asks.
    auth: Vec<Id>,
    /// Prepared and not applied yet.
    outstanding: Vec<Bytes>,
}

impl Leader {
    /// With one session, which makes the requests.
    fn new() -> Self {
        let (tree, preparer) =
            (Tree::default(), Preparer::new(Rules { digests: true, ..Rules::default() }));
        let (auth, outstanding) = (Vec::new(), Vec::new());
        let mut leader = Self { tree, preparer, zxid: 1 << 32, auth, outstanding };
        let made = leader.submit(OpCode::CreateSession, 10_000_i32.to_bytes());
        assert_eq!(made, Ok(Change::SessionCreated { timeout_ms: 10_000 }));
        leader
    }

    /// Prepares a request, and leaves it outstanding.
    fn propose(&mut self, session: i64, origin: Origin, op: i32, payload: Bytes) -> Bytes {
        self.zxid += 1;
        let cxid = 5;
        let request = ForwardedRequest { session, cxid, op, payload };
        let asked = Asked { request: &request, auth: &self.auth, origin };
        let bytes = self.preparer.prepare(&self.tree, &asked, self.zxid, 1000);
        self.outstanding.push(bytes.clone());
        bytes
    }

    /// Applies the first outstanding transaction.
    fn apply_one(&mut self) -> Result<Change, ErrorCode> {
        let applied = self.tree.apply(&self.outstanding.remove(0)).unwrap();
        self.preparer.applied(applied.header.zxid);
        assert_eq!(applied.mismatch, None, "{:?}", applied.header);
        assert_eq!(self.tree.last_zxid(), applied.header.zxid);
        applied.outcome.map_err(|number| ErrorCode::from_number(number).unwrap())
    }

    fn submit(&mut self, op: OpCode, payload: Bytes) -> Result<Change, ErrorCode> {
        self.propose(SESSION, HERE, op.number(), payload);
        self.apply_one()
    }

    fn create(&mut self, path: &str) -> Result<Change, ErrorCode> {
        self.submit(OpCode::Create, create(path, 0))
    }

    fn delete(&mut self, path: &str, version: i32) -> Result<Change, ErrorCode> {
        self.submit(OpCode::Delete, delete(path, version))
    }

    fn set_data(&mut self, path: &str, data: &str, version: i32) -> Result<Change, ErrorCode> {
        self.submit(OpCode::SetData, set_data(path, data, version))
    }
}

fn create(path: &str, flags: i32) -> Bytes {
    let data = Some(Bytes::from_static(b"data"));
    CreateRequest { path: path.into(), data, acl: Acl::open(), flags }.to_bytes()
}

fn delete(path: &str, version: i32) -> Bytes {
    DeleteRequest { path: path.into(), version }.to_bytes()
}

fn set_data(path: &str, data: &str, version: i32) -> Bytes {
    let data = Some(Bytes::copy_from_slice(data.as_bytes()));
    SetDataRequest { path: path.into(), data, version }.to_bytes()
}

#[test]
fn a_node_lives() {
    let mut leader = Leader::new();
    leader.create("/a").unwrap();
    let created = leader.zxid;
    let stat = leader.tree.stat("/a").unwrap();
    assert_eq!((stat.czxid, stat.mzxid, stat.pzxid), (created, created, created));
    assert_eq!((stat.ctime, stat.mtime, stat.data_length), (1000, 1000, 4));
    assert_eq!((stat.version, stat.cversion, stat.num_children), (0, 0, 0));

    let Ok(Change::Replaced { stat }) = leader.set_data("/a", "longer", 0) else { panic!() };
    assert_eq!((stat.version, stat.data_length, stat.mzxid), (1, 6, leader.zxid));
    assert_eq!(leader.tree.data("/a").unwrap().0.unwrap(), "longer");

    leader.create("/a/b").unwrap();
    leader.create("/a/c").unwrap();
    leader.delete("/a/b", -1).unwrap();
    let (children, stat) = leader.tree.children("/a").unwrap();
    assert_eq!(children, ["c"]);
    // Two creations and a deletion.
    assert_eq!((stat.cversion, stat.num_children, stat.pzxid), (3, 1, leader.zxid));
}

#[test]
fn the_first_tree_is_that_of_zookeeper() {
    let tree = Tree::default();
    let (children, stat) = tree.children("/").unwrap();
    assert_eq!(children, ["zookeeper"]);
    assert_eq!((stat.cversion, stat.num_children), (-1, 1));
    assert_eq!(tree.children("/zookeeper").unwrap().0, ["config", "quota"]);
}

#[test]
fn failures_are_transactions_and_say_why() {
    let mut leader = Leader::new();
    leader.create("/a").unwrap();
    leader.create("/a/b").unwrap();
    assert_eq!(leader.create("/a"), Err(ErrorCode::NodeExists));
    assert_eq!(leader.create("/"), Err(ErrorCode::NodeExists));
    assert_eq!(leader.create("/x/y"), Err(ErrorCode::NoNode));
    assert_eq!(leader.create("/a/"), Err(ErrorCode::BadArguments));
    assert_eq!(leader.create("a"), Err(ErrorCode::BadArguments));
    assert_eq!(leader.create("/a/.."), Err(ErrorCode::BadArguments));
    assert_eq!(leader.delete("/a", -1), Err(ErrorCode::NotEmpty));
    assert_eq!(leader.delete("/a/b", 7), Err(ErrorCode::BadVersion));
    assert_eq!(leader.delete("/a/x", -1), Err(ErrorCode::NoNode));
    assert_eq!(leader.set_data("/a", "", 1), Err(ErrorCode::BadVersion));
    assert_eq!(leader.set_data("/x", "", -1), Err(ErrorCode::NoNode));
    assert_eq!(leader.submit(OpCode::Create, Bytes::new()), Err(ErrorCode::MarshallingError));
    assert_eq!(leader.submit(OpCode::Multi, Bytes::new()), Err(ErrorCode::MarshallingError));
    assert_eq!(leader.submit(OpCode::Reconfig, Bytes::new()), Err(ErrorCode::ReconfigDisabled));
    assert_eq!(leader.submit(OpCode::DeleteContainer, "/a".into()), Err(ErrorCode::Unimplemented));
}

#[test]
fn nodes_of_zookeeper_stay() {
    let mut leader = Leader::new();
    for path in ["/", "/zookeeper", "/zookeeper/config", "/zookeeper/quota"] {
        assert_eq!(leader.delete(path, -1), Err(ErrorCode::BadArguments), "{path}");
    }
    let written = leader.set_data("/zookeeper/config", "", -1);
    assert_eq!(written, Err(ErrorCode::NoAuth));
}

#[test]
fn lists_that_promise_what_is_not_kept_are_refused() {
    let mut leader = Leader::new();
    let mut submit = |acl: Vec<Acl>, path: &str| {
        let request = CreateRequest { path: path.into(), data: None, acl, flags: 0 };
        leader.submit(OpCode::Create, request.to_bytes())
    };
    assert_eq!(submit(Vec::new(), "/a"), Err(ErrorCode::InvalidAcl));
    let mut digest = Acl::open();
    digest[0].id.scheme = "digest".to_owned();
    assert_eq!(submit(digest, "/a"), Err(ErrorCode::InvalidAcl));
    let mut none = Acl::open();
    none[0].perms = 0;
    assert!(submit(none, "/a").is_ok());
    assert_eq!(submit(Acl::open(), "/a/b"), Err(ErrorCode::NoAuth));
    assert_eq!(leader.set_data("/a", "", -1), Err(ErrorCode::NoAuth));
    assert_eq!(leader.tree.permit("/a", Permission::Read, &[]), Err(ErrorCode::NoAuth));
    // What counts for a deletion is the parent's list.
    assert!(leader.delete("/a", -1).is_ok());
}

#[test]
fn pipelined_requests_see_one_another() {
    let mut leader = Leader::new();
    let ops = [
        (OpCode::Create, create("/a", 0), Ok(())),
        (OpCode::Create, create("/a/b", 0), Ok(())),
        (OpCode::Create, create("/a/b", 0), Err(ErrorCode::NodeExists)),
        (OpCode::SetData, set_data("/a/b", "1", 0), Ok(())),
        (OpCode::SetData, set_data("/a/b", "2", 0), Err(ErrorCode::BadVersion)),
        (OpCode::SetData, set_data("/a/b", "2", 1), Ok(())),
        (OpCode::Delete, delete("/a", -1), Err(ErrorCode::NotEmpty)),
        (OpCode::Delete, delete("/a/b", 2), Ok(())),
        (OpCode::Delete, delete("/a/b", 2), Err(ErrorCode::NoNode)),
        (OpCode::Delete, delete("/a", -1), Ok(())),
        (OpCode::Create, create("/a/b", 0), Err(ErrorCode::NoNode)),
    ];
    for (op, payload, _) in &ops {
        leader.propose(SESSION, HERE, op.number(), payload.clone());
    }
    for (index, (_, _, expected)) in ops.iter().enumerate() {
        assert_eq!(leader.apply_one().map(|_| ()), *expected, "request {index}");
    }
    assert!(leader.preparer.nodes.is_empty() && leader.preparer.outstanding.is_empty());
}

#[test]
fn a_session_that_is_closing_asks_for_nothing_more() {
    let mut leader = Leader::new();
    leader.propose(SESSION, HERE, OpCode::CloseSession.number(), Bytes::new());
    leader.propose(SESSION, HERE, OpCode::Create.number(), create("/a", 0));
    assert_eq!(leader.apply_one(), Ok(Change::SessionClosed));
    assert_eq!(leader.apply_one(), Err(ErrorCode::SessionExpired));
    assert_eq!(leader.create("/a"), Err(ErrorCode::SessionExpired));
    assert!(!leader.preparer.revalidate(&leader.tree, SESSION, HERE));
    assert!(leader.preparer.sessions.is_empty() && leader.preparer.owners.is_empty());
}

#[test]
fn a_session_that_moved_is_not_served_where_it_was() {
    let mut leader = Leader::new();
    assert!(leader.preparer.revalidate(&leader.tree, SESSION, 2));
    assert_eq!(leader.create("/a"), Err(ErrorCode::SessionMoved));
    leader.propose(SESSION, 2, OpCode::Create.number(), create("/a", 0));
    assert!(leader.apply_one().is_ok());
}

#[test]
fn ephemeral_nodes_of_a_java_leader_go_with_their_session() {
    let mut leader = Leader::new();
    leader.create("/a").unwrap();
    let bytes = leader.propose(SESSION, HERE, OpCode::Create.number(), create("/a/e", 0));
    let mut txn = Txn::from_bytes(&bytes).unwrap();
    let TxnBody::Create(create) = &mut txn.body else { panic!("{txn:?}") };
    create.ephemeral = true;
    txn.digest = None;
    leader.outstanding[0] = txn.to_bytes();
    leader.apply_one().unwrap();
    assert_eq!(leader.tree.stat("/a/e").unwrap().ephemeral_owner, SESSION);
    assert_eq!(leader.create("/a/e/f"), Err(ErrorCode::NoChildrenForEphemerals));

    let copy = Tree::from_file(&leader.tree.to_file(), leader.tree.last_zxid()).unwrap();
    assert_eq!(copy.ephemerals, leader.tree.ephemerals);

    let closed = leader.propose(SESSION, HERE, OpCode::CloseSession.number(), Bytes::new());
    let listed = TxnBody::CloseSession(Some(vec!["/a/e".to_owned()]));
    assert_eq!(Txn::from_bytes(&closed).unwrap().body, listed);
    leader.apply_one().unwrap();
    assert_eq!(leader.tree.stat("/a/e"), Err(ErrorCode::NoNode));
    assert!(leader.tree.ephemerals.is_empty() && leader.tree.sessions.is_empty());
}

#[test]
fn a_transaction_that_is_in_the_snapshot_already_changes_nothing() {
    let mut leader = Leader::new();
    let before = leader.tree.clone();
    let mut bytes = Vec::new();
    for (op, payload) in [(OpCode::Create, create("/a", 0)), (OpCode::Delete, delete("/a", 0))] {
        bytes.push(leader.propose(SESSION, HERE, op.number(), payload));
    }
    let mut tree = before;
    for txn in bytes.iter().chain(&bytes) {
        tree.apply(txn).unwrap();
    }
    assert_eq!(tree.stat("/a"), Err(ErrorCode::NoNode));
    assert_eq!(tree.last_zxid(), leader.zxid);
}

#[test]
fn a_clone_stays_as_it_was_and_comes_in_pieces() {
    let mut leader = Leader::new();
    leader.create("/a").unwrap();
    for number in 0..300 {
        leader.create(&format!("/a/{number}")).unwrap();
        leader.set_data(&format!("/a/{number}"), &"x".repeat(3000), -1).unwrap();
    }
    let before = leader.tree.to_file();
    let clone = leader.tree.clone();
    let mut pieces = clone.clone().into_stream();
    let mut taken = vec![pieces.next().unwrap()];
    for number in 0..300 {
        match number % 3 {
            0 => leader.delete(&format!("/a/{number}"), -1).unwrap(),
            1 => leader.set_data(&format!("/a/{number}"), "new", -1).unwrap(),
            _ => leader.create(&format!("/a/{number}/b")).unwrap(),
        };
    }
    leader.submit(OpCode::CloseSession, Bytes::new()).unwrap();
    taken.extend(pieces);
    assert!(taken.len() > 3, "{} pieces", taken.len());
    let stream = taken.concat();
    assert!(stream.ends_with(b"\0\0\0\x0aBenWasHere"));
    // In a file it stands between another header and another ending.
    assert_eq!(stream[..stream.len() - 14], before[16..before.len() - 13]);
    assert_eq!(clone.to_file(), before);
    assert_ne!(leader.tree.to_file(), before);
}

#[test]
fn snapshots_that_are_no_trees_are_refused() {
    let tree = Tree::default();
    let file = tree.to_file();
    assert!(Tree::from_file(&file, 0).is_ok());
    for at in 0..file.len() {
        let mut damaged = file.clone();
        damaged[at] ^= 0x10;
        assert!(Tree::from_file(&damaged, 0).is_err(), "damage at {at}");
        assert!(Tree::from_file(&file[..at], 0).is_err(), "cut at {at}");
    }
    // A name with a slash in it makes a node without a parent.
    let mut orphan = Tree::empty();
    for (path, child) in [("", Some("x")), ("/x", Some("y/z")), ("/x/y/z", None)] {
        let mut node = Node::new("/a/b", None, acl::OPEN, StatPersisted::default());
        node.children.extend(child.map(std::sync::Arc::from));
        orphan.nodes.insert(path.into(), node.into());
    }
    let refused = Tree::from_file(&orphan.to_file(), 0).unwrap_err();
    assert_eq!(refused, SnapshotError::Orphan("/x/y/z".to_owned()));
}

/// Requests over a few names, so that they meet.
fn request() -> impl Strategy<Value = (i32, Bytes)> {
    let path = prop::sample::select(vec!["/a", "/b", "/a/a", "/a/b", "/b/a", "/a/a/a"]);
    prop_oneof![
        path.clone().prop_map(|path| (OpCode::Create.number(), create(path, 0))),
        (path.clone(), -1..2_i32)
            .prop_map(|(path, version)| (OpCode::Delete.number(), delete(path, version))),
        (path, -1..3_i32)
            .prop_map(|(path, version)| (OpCode::SetData.number(), set_data(path, "x", version))),
    ]
}

proptest! {
    /// However far applying lags behind, a request becomes the same transaction.
    #[test]
    fn lag_changes_nothing(
        requests in prop::collection::vec((request(), 0..4_usize), 1..60),
    ) {
        let (mut prompt, mut slow) = (Leader::new(), Leader::new());
        for ((op, payload), applied) in requests {
            let expected = prompt.propose(SESSION, HERE, op, payload.clone());
            let _ = prompt.apply_one();
            prop_assert_eq!(slow.propose(SESSION, HERE, op, payload), expected);
            for _ in 0..applied.min(slow.outstanding.len()) {
                let _ = slow.apply_one();
            }
        }
        while !slow.outstanding.is_empty() {
            let _ = slow.apply_one();
        }
        prop_assert!(slow.preparer.nodes.is_empty());
        prop_assert_eq!(slow.tree.to_file(), prompt.tree.to_file());
        let copy = Tree::from_file(&prompt.tree.to_file(), prompt.zxid).unwrap();
        prop_assert_eq!(copy.to_file(), prompt.tree.to_file());
    }
}
