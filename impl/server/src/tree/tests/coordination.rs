//! Nodes that locks, elections and queues are made of: ephemeral, sequential, containers, several
//! operations at once; and who may do what with them.

use zab_wire::client::{CheckVersionRequest, CreateTtlRequest, MultiRequest, Op, SetAclRequest};

use super::*;
use crate::tree::{ENSEMBLE, EventKind, Rules};

const OTHER: i64 = 0x0100_0000_0000_0008;

fn created(change: Result<Change, ErrorCode>) -> String {
    match change {
        Ok(Change::Created { path, .. }) => path,
        other => panic!("{other:?}"),
    }
}

fn request(path: &str, flags: i32) -> CreateRequest {
    CreateRequest { path: path.into(), data: None, acl: Acl::open(), flags }
}

fn ttl(path: &str, flags: i32, ttl: i64) -> Bytes {
    let (path, acl) = (path.into(), Acl::open());
    CreateTtlRequest { path, data: None, acl, flags, ttl }.to_bytes()
}

fn digest(name: &str) -> Id {
    Id { scheme: "digest".to_owned(), id: format!("{name}:secret") }
}

fn only(id: Id) -> Vec<Acl> {
    vec![Acl { perms: Acl::ALL, id }]
}

/// The suffix is the parent's count of created children, whatever was created.
#[test]
fn sequence_numbers_count_what_was_ever_created_under_the_parent() {
    let mut leader = Leader::new();
    leader.create("/q").unwrap();
    assert_eq!(created(leader.submit(OpCode::Create, create("/q/a-", 2))), "/q/a-0000000000");
    leader.create("/q/plain").unwrap();
    assert_eq!(created(leader.submit(OpCode::Create2, create("/q/b-", 3))), "/q/b-0000000002");
    leader.delete("/q/plain", -1).unwrap();
    assert_eq!(created(leader.submit(OpCode::Create, create("/q/", 2))), "/q/0000000003");
    // Two that are outstanding at once have two numbers.
    let first = leader.propose(SESSION, HERE, OpCode::Create.number(), create("/q/n", 2));
    let second = leader.propose(SESSION, HERE, OpCode::Create.number(), create("/q/n", 2));
    let path = |bytes: &[u8]| {
        let TxnBody::Create(create) = Txn::from_bytes(bytes).unwrap().body else { panic!() };
        create.path
    };
    assert_eq!((path(&first), path(&second)), ("/q/n0000000004".into(), "/q/n0000000005".into()));
}

#[test]
fn ephemeral_nodes_belong_to_a_session_and_go_with_it() {
    let mut leader = Leader::new();
    leader.propose(OTHER, HERE, OpCode::CreateSession.number(), 10_000_i32.to_bytes());
    leader.apply_one().unwrap();
    leader.create("/p").unwrap();
    leader.submit(OpCode::Create, create("/p/mine", 1)).unwrap();
    leader.propose(OTHER, HERE, OpCode::Create.number(), create("/p/other", 1));
    leader.apply_one().unwrap();
    assert_eq!(leader.tree.stat("/p/mine").unwrap().ephemeral_owner, SESSION);
    assert_eq!(leader.create("/p/mine/x"), Err(ErrorCode::NoChildrenForEphemerals));
    assert_eq!(leader.tree.ephemerals_of(SESSION).collect::<Vec<_>>(), ["/p/mine"]);

    // One more is outstanding when the session ends, and one is being deleted.
    leader.submit(OpCode::Create, create("/p/gone", 1)).unwrap();
    leader.propose(SESSION, HERE, OpCode::Create.number(), create("/p/late", 1));
    leader.propose(SESSION, HERE, OpCode::Delete.number(), delete("/p/gone", -1));
    let close = leader.propose(SESSION, HERE, OpCode::CloseSession.number(), Bytes::new());
    let TxnBody::CloseSession(Some(paths)) = Txn::from_bytes(&close).unwrap().body else {
        panic!("{close:?}")
    };
    assert_eq!(paths, ["/p/late", "/p/mine"]);
    // From now on nothing is created for it, and the parent will be empty but for the other's.
    leader.propose(SESSION, HERE, OpCode::Create.number(), create("/p/never", 1));
    leader.apply_one().unwrap();
    leader.apply_one().unwrap();
    assert_eq!(leader.apply_one(), Ok(Change::SessionClosed));
    assert_eq!(leader.apply_one(), Err(ErrorCode::SessionExpired));
    assert_eq!(leader.tree.children("/p").unwrap().0, ["other"]);
}

/// Expiry: the ensemble closes sessions of all servers.
#[test]
fn the_ensemble_closes_any_session_and_nobody_else_does() {
    let mut leader = Leader::new();
    leader.submit(OpCode::Create, create("/mine", 1)).unwrap();
    let close = OpCode::CloseSession.number();
    leader.propose(SESSION, 2, close, Bytes::new());
    assert_eq!(leader.apply_one(), Err(ErrorCode::SessionMoved));
    leader.propose(SESSION, ENSEMBLE, close, Bytes::new());
    assert_eq!(leader.apply_one(), Ok(Change::SessionClosed));
    assert_eq!(leader.tree.stat("/mine"), Err(ErrorCode::NoNode));
    leader.propose(SESSION, ENSEMBLE, close, Bytes::new());
    assert_eq!(leader.apply_one(), Err(ErrorCode::SessionExpired));
}

#[test]
fn containers_and_nodes_with_a_time_to_live_are_deleted_when_their_time_is_over() {
    let mut leader = Leader::new();
    assert_eq!(leader.submit(OpCode::CreateTtl, ttl("/t", 5, 50)), Err(ErrorCode::Unimplemented));
    leader.preparer =
        Preparer::new(Rules { extended_types: true, digests: true, enforce_quota: true });
    leader.preparer.revalidate(&leader.tree, SESSION, HERE);
    for (flags, time) in [(5, 0), (5, -1), (5, 1 << 40), (0, 50), (7, 50)] {
        let made = leader.submit(OpCode::CreateTtl, ttl("/t", flags, time));
        assert_eq!(made, Err(ErrorCode::BadArguments), "{flags} {time}");
    }
    for flags in [5, 6, 7, -1] {
        let made = leader.submit(OpCode::Create, create("/t", flags));
        assert_eq!(made, Err(ErrorCode::BadArguments), "{flags}");
    }
    leader.submit(OpCode::CreateTtl, ttl("/t", 5, 50)).unwrap();
    assert_eq!(created(leader.submit(OpCode::CreateTtl, ttl("/t", 6, 50))), "/t0000000001");
    leader.create("/t0000000001/child").unwrap();
    leader.submit(OpCode::CreateContainer, create("/c", 4)).unwrap();
    leader.submit(OpCode::CreateContainer, create("/unused", 4)).unwrap();
    leader.create("/c/child").unwrap();
    // All were made at 1000.
    assert!(leader.tree.expired_nodes(1050).is_empty());
    assert_eq!(leader.tree.expired_nodes(1051), ["/t"]);
    leader.delete("/c/child", -1).unwrap();
    assert_eq!(leader.tree.expired_nodes(1051), ["/c", "/t"]);

    let mut take = |path: &str| {
        let payload = Bytes::copy_from_slice(path.as_bytes());
        leader.propose(0, ENSEMBLE, OpCode::DeleteContainer.number(), payload);
        leader.apply_one()
    };
    assert_eq!(take("/c"), Ok(Change::Deleted));
    assert_eq!(take("/c"), Err(ErrorCode::NoNode));
    assert_eq!(take("/t0000000001"), Err(ErrorCode::NotEmpty));
    assert_eq!(take("/t0000000001/child"), Err(ErrorCode::BadVersion), "it is a plain node");
    assert_eq!(take("/t"), Ok(Change::Deleted));
    let copy = Tree::from_file(&leader.tree.to_file(), leader.zxid).unwrap();
    assert_eq!(copy.expired_nodes(9999), leader.tree.expired_nodes(9999));
}

#[test]
fn all_parts_of_a_multi_happen_or_none_does() {
    let mut leader = Leader::new();
    leader.create("/a").unwrap();
    let check = |version| Op::Check(CheckVersionRequest { path: "/a".into(), version });
    let multi = |ops: Vec<Op>| MultiRequest { ops }.to_bytes();
    let good = vec![
        check(0),
        Op::Create(OpCode::Create, request("/a/b", 0)),
        Op::Create(OpCode::Create2, request("/a/b/s-", 2)),
        Op::Delete(DeleteRequest { path: "/a/b/s-0000000000".into(), version: 0 }),
        Op::SetData(SetDataRequest { path: "/a/b".into(), data: None, version: 0 }),
    ];
    let Ok(Change::Several(parts)) = leader.submit(OpCode::Multi, multi(good)) else { panic!() };
    assert!(parts.iter().all(|part| part.outcome.is_ok()), "{parts:?}");
    let kinds: Vec<i32> = parts.iter().map(|part| part.kind).collect();
    assert_eq!(kinds, [13, 1, 15, 2, 5]);
    assert_eq!(leader.tree.stat("/a/b").unwrap().version, 1);

    let bad = vec![
        Op::Create(OpCode::Create, request("/a/c", 1)),
        Op::Delete(DeleteRequest { path: "/a/b".into(), version: -1 }),
        check(7),
        Op::Create(OpCode::Create, request("/a/d", 0)),
    ];
    let before = leader.tree.stat("/a").unwrap();
    leader.propose(SESSION, HERE, OpCode::Multi.number(), multi(bad));
    // What was prepared for the parts is forgotten at once: the next request sees none of it.
    leader.propose(SESSION, HERE, OpCode::Create.number(), create("/a/b/e", 0));
    let Ok(Change::Several(parts)) = leader.apply_one() else { panic!() };
    let outcomes: Vec<i32> = parts.into_iter().map(|part| part.outcome.unwrap_err()).collect();
    let codes = [ErrorCode::BadVersion, ErrorCode::RuntimeInconsistency].map(ErrorCode::number);
    assert_eq!(outcomes, [0, 0, codes[0], codes[1]]);
    assert_eq!(leader.tree.stat("/a").unwrap(), before);
    assert_eq!(created(leader.apply_one()), "/a/b/e");
    assert!(leader.preparer.nodes.is_empty());
}

#[test]
fn a_list_is_kept_on_every_operation() {
    let mut leader = Leader::new();
    let set = |acl, version| SetAclRequest { path: "/a".into(), acl, version }.to_bytes();
    leader.create("/a").unwrap();
    leader.create("/a/b").unwrap();
    let auth = Id { scheme: "auth".to_owned(), id: String::new() };
    let without = leader.submit(OpCode::SetAcl, set(only(auth.clone()), -1));
    assert_eq!(without, Err(ErrorCode::InvalidAcl), "nobody is authenticated");
    leader.auth = vec![digest("ann")];
    assert_eq!(leader.submit(OpCode::SetAcl, set(Vec::new(), -1)), Err(ErrorCode::InvalidAcl));
    assert_eq!(leader.submit(OpCode::SetAcl, set(only(auth), 3)), Err(ErrorCode::BadVersion));
    let auth = Id { scheme: "auth".to_owned(), id: "whatever".to_owned() };
    let Ok(Change::Replaced { stat }) = leader.submit(OpCode::SetAcl, set(only(auth), 0)) else {
        panic!()
    };
    assert_eq!((stat.aversion, stat.version), (1, 0));
    assert_eq!(leader.tree.list("/a").unwrap()[..], only(digest("ann")));

    leader.auth = vec![digest("bob")];
    assert_eq!(leader.set_data("/a", "", -1), Err(ErrorCode::NoAuth));
    assert_eq!(leader.create("/a/c"), Err(ErrorCode::NoAuth));
    assert_eq!(leader.delete("/a/b", -1), Err(ErrorCode::NoAuth));
    assert_eq!(leader.submit(OpCode::SetAcl, set(Acl::open(), -1)), Err(ErrorCode::NoAuth));
    let check = Op::Check(CheckVersionRequest { path: "/a".into(), version: 0 });
    let checked = leader.submit(OpCode::Multi, MultiRequest { ops: vec![check] }.to_bytes());
    let Ok(Change::Several(parts)) = checked else { panic!() };
    assert_eq!(parts[0].outcome, Err(ErrorCode::NoAuth.number()));
    assert!(leader.set_data("/a/b", "", -1).is_ok(), "a list says nothing about nodes below");

    leader.auth.push(Id { scheme: "super".to_owned(), id: String::new() });
    assert!(leader.set_data("/a", "", -1).is_ok());
    leader.auth = vec![digest("bob"), digest("ann")];
    assert!(leader.create("/a/c").is_ok());
}

#[test]
fn a_transaction_tells_what_happened_to_nodes_in_order() {
    let mut leader = Leader::new();
    leader.create("/a").unwrap();
    let ops = vec![
        Op::Create(OpCode::Create, request("/a/b", 0)),
        Op::SetData(SetDataRequest { path: "/a".into(), data: None, version: -1 }),
        Op::Delete(DeleteRequest { path: "/a/b".into(), version: -1 }),
        Op::Delete(DeleteRequest { path: "/a".into(), version: -1 }),
    ];
    let multi = OpCode::Multi.number();
    let txn = leader.propose(SESSION, HERE, multi, MultiRequest { ops }.to_bytes());
    let applied = leader.tree.apply(&txn).unwrap();
    let told: Vec<(EventKind, &str)> =
        applied.events.iter().map(|event| (event.kind, &*event.path)).collect();
    use EventKind as Kind;
    assert_eq!(
        told,
        [
            (Kind::Created, "/a/b"),
            (Kind::ChildrenChanged, "/a"),
            (Kind::DataChanged, "/a"),
            (Kind::Deleted, "/a/b"),
            (Kind::ChildrenChanged, "/a"),
            (Kind::Deleted, "/a"),
            (Kind::ChildrenChanged, "/"),
        ]
    );
}

#[test]
fn bytes_and_descendants_are_counted() {
    let mut leader = Leader::new();
    let empty = leader.tree.data_bytes();
    leader.create("/a").unwrap();
    leader.create("/a/b").unwrap();
    leader.create("/a/b/c").unwrap();
    leader.create("/ab").unwrap();
    assert_eq!(leader.tree.data_bytes() - empty, 2 + 4 + 6 + 3 + 4 * 4);
    assert_eq!(leader.tree.descendants("/a"), Ok(2));
    assert_eq!(leader.tree.descendants("/"), Ok(7));
    assert_eq!(leader.tree.descendants("/x"), Err(ErrorCode::NoNode));
    leader.set_data("/ab", "longer", -1).unwrap();
    leader.delete("/a/b/c", -1).unwrap();
    assert_eq!(leader.tree.data_bytes() - empty, 2 + 4 + 3 + 4 * 2 + 6);
}
