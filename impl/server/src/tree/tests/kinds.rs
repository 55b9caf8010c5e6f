//! Every kind of transaction: applied whole, or refused before anybody logs it.

use bytes::Bytes;
use zab_wire::txn::{
    CheckTxn, CreateContainerTxn, CreateTtlTxn, CreateTxn, DeleteTxn, MultiTxn, PartTxn, SetAclTxn,
    SetDataTxn,
};
use zab_wire::{
    Acl, ErrorCode, MAX_SERVER_BUFFER, OpCode, Record as _, Stat, Txn, TxnBody, TxnDigest,
    TxnHeader,
};

use super::super::{ApplyError, Change, Fault, Tree, check};
use super::SESSION;

fn txn(zxid: i64, kind: i32, body: TxnBody) -> Bytes {
    let header = TxnHeader { session: SESSION, cxid: 1, zxid, time: 77, kind };
    Txn { header, body, digest: None }.to_bytes()
}

fn create(path: &str) -> TxnBody {
    let (path, acl) = (path.to_owned(), Acl::open());
    TxnBody::Create(CreateTxn { path, data: None, acl, ephemeral: false, parent_cversion: -1 })
}

fn container(path: &str) -> TxnBody {
    let (path, acl) = (path.to_owned(), Acl::open());
    TxnBody::CreateContainer(CreateContainerTxn { path, data: None, acl, parent_cversion: -1 })
}

fn ttl(path: &str, ttl: i64) -> TxnBody {
    let (path, acl) = (path.to_owned(), Acl::open());
    TxnBody::CreateTtl(CreateTtlTxn { path, data: None, acl, parent_cversion: -1, ttl })
}

fn delete(path: &str) -> TxnBody {
    TxnBody::Delete(DeleteTxn { path: path.to_owned() })
}

fn set_data(path: &str, version: i32) -> TxnBody {
    let data = Some(Bytes::from_static(b"new"));
    TxnBody::SetData(SetDataTxn { path: path.to_owned(), data, version })
}

fn multi(parts: &[(OpCode, TxnBody)]) -> TxnBody {
    let parts = parts.iter().map(|(kind, body)| PartTxn::new(*kind, body)).collect();
    TxnBody::Multi(MultiTxn { parts })
}

/// One transaction of each kind that is applied.
fn good() -> Vec<(OpCode, TxnBody)> {
    let path = "/a".to_owned();
    vec![
        (OpCode::CreateSession, TxnBody::CreateSession(4000)),
        (OpCode::Create, create("/a")),
        (OpCode::Create2, create("/a/2")),
        (OpCode::CreateContainer, container("/a/c")),
        (OpCode::CreateTtl, ttl("/a/t", 5000)),
        (OpCode::DeleteContainer, delete("/a/c")),
        (OpCode::SetAcl, TxnBody::SetAcl(SetAclTxn { path, acl: Acl::open(), version: 1 })),
        (OpCode::SetData, set_data("/a", 1)),
        (
            OpCode::Multi,
            multi(&[(OpCode::Create, create("/a/m")), (OpCode::Delete, delete("/a/2"))]),
        ),
        (OpCode::Delete, delete("/a/m")),
        (OpCode::Error, TxnBody::Error(-110)),
        (OpCode::CloseSession, TxnBody::CloseSession(Some(vec!["/a/t".to_owned()]))),
    ]
}

fn apply_all(tree: &mut Tree, bodies: Vec<(OpCode, TxnBody)>) -> Vec<Result<Change, i32>> {
    let first = tree.last_zxid() + 1;
    let numbered = (first..).zip(bodies);
    numbered
        .map(|(zxid, (kind, body))| tree.apply(&txn(zxid, kind.number(), body)).unwrap().outcome)
        .collect()
}

fn stat(tree: &Tree, path: &str) -> Stat {
    tree.stat(path).unwrap()
}

#[test]
fn every_kind_that_a_leader_proposes_is_applied_but_reconfig() {
    let mut tree = Tree::default();
    let outcomes = apply_all(&mut tree, good());
    let failed: Vec<_> = outcomes.iter().filter(|outcome| outcome.is_err()).collect();
    assert_eq!(failed, [&Err(-110)], "only the error is one");
    assert_eq!((tree.node_count(), tree.session_count()), (5, 0));
    assert_eq!(stat(&tree, "/a").version, 1);

    let applied: Vec<i32> = good().iter().map(|(kind, _)| kind.number()).collect();
    let named = OpCode::ALL.iter().map(|kind| kind.number());
    for kind in named.chain([-12, -2, 10, 77, i32::MAX, i32::MIN]) {
        if applied.contains(&kind) {
            continue;
        }
        // Reconfig and check have bodies like these.
        for body in [Bytes::new(), set_data_bytes(), Bytes::from_static(&[0; 64])] {
            let bytes = txn(9, kind, TxnBody::Other(body));
            let refused = ApplyError::Txn { zxid: 9, kind, fault: Fault::Kind };
            assert_eq!(check(&bytes), Err(refused.clone()));
            let before = tree.to_file();
            assert_eq!(tree.apply(&bytes), Err(refused));
            assert_eq!(tree.to_file(), before, "kind {kind} changed nothing");
        }
    }
}

fn set_data_bytes() -> Bytes {
    let path = "/zookeeper/config".to_owned();
    SetDataTxn { path, data: None, version: 1 }.to_bytes()
}

#[test]
fn a_transaction_that_is_cut_or_goes_on_is_refused() {
    for (kind, body) in good() {
        // Without its list, the end of a session is the old form.
        let is_close = kind == OpCode::CloseSession;
        let whole = txn(3, kind.number(), body);
        assert_eq!(check(&whole), Ok(()), "{kind:?}");
        for length in 0..whole.len() {
            let refused = check(&whole[..length]).is_err();
            assert!(refused || is_close && length == 32, "{kind:?} cut to {length} bytes");
        }
        for extra in [1, 11, 13, 24] {
            let longer = [&whole[..], &vec![0; extra]].concat();
            assert!(check(&longer).is_err(), "{kind:?} with {extra} bytes more");
        }
        let digest = TxnDigest { version: 2, tree: 5 }.to_bytes();
        assert_eq!(check(&[&whole[..], &digest].concat()), Ok(()), "{kind:?} with a digest");
    }
}

#[test]
fn paths_that_no_tree_can_hold_are_refused_in_every_kind() {
    let bad = ["", "/", "a", "a/b", "/a/", "//", "/a//b", "/.", "/a/..", "/../a", "/\0", "/a/\0b"];
    for path in bad {
        let is_root = matches!(path, "" | "/");
        let acl = SetAclTxn { path: path.to_owned(), acl: Acl::open(), version: 1 };
        let check_txn = TxnBody::Check(CheckTxn { path: path.to_owned(), version: 1 });
        let bodies = [
            (OpCode::Create, create(path), false),
            (OpCode::Create2, create(path), false),
            (OpCode::CreateContainer, container(path), false),
            (OpCode::CreateTtl, ttl(path, 1), false),
            (OpCode::Delete, delete(path), false),
            (OpCode::DeleteContainer, delete(path), false),
            (OpCode::CloseSession, TxnBody::CloseSession(Some(vec![path.to_owned()])), false),
            (OpCode::SetAcl, TxnBody::SetAcl(acl), is_root),
            (OpCode::SetData, set_data(path, 1), is_root),
            (
                OpCode::Multi,
                multi(&[(OpCode::Delete, delete("/b")), (OpCode::Create, create(path))]),
                false,
            ),
            (OpCode::Multi, multi(&[(OpCode::SetData, set_data(path, 1))]), is_root),
            (OpCode::Multi, multi(&[(OpCode::Check, check_txn)]), is_root),
        ];
        for (kind, body, is_good) in bodies {
            let bytes = txn(3, kind.number(), body);
            assert_eq!(check(&bytes).is_ok(), is_good, "{kind:?} {path:?}: {:?}", check(&bytes));
        }
    }
    for path in ["/a", "/a/b", "/a/...", "/\u{1}", "/\u{7f}", "/\u{1f600}", "/ "] {
        assert_eq!(check(&txn(3, OpCode::Create.number(), create(path))), Ok(()), "{path:?}");
    }
}

#[test]
fn lengths_and_times_to_live_have_limits() {
    let with = |length: usize| {
        let data = Some(Bytes::from(vec![0; length]));
        let path = "/a".to_owned();
        let set_data = TxnBody::SetData(SetDataTxn { path, data, version: 1 });
        txn(3, OpCode::SetData.number(), set_data)
    };
    let around = with(0).len();
    assert_eq!(check(&with(MAX_SERVER_BUFFER - around)), Ok(()));
    for length in [MAX_SERVER_BUFFER - around + 1, MAX_SERVER_BUFFER, MAX_SERVER_BUFFER + 1] {
        let error = check(&with(length)).unwrap_err();
        let ApplyError::Txn { fault: Fault::Length(found), .. } = error else { panic!("{error}") };
        assert_eq!(found, around + length);
    }
    for (time, is_good) in
        [(1, true), (0xff_ffff_ffff, true), (0, false), (-1, false), (0x100_0000_0000, false)]
    {
        let bytes = txn(3, OpCode::CreateTtl.number(), ttl("/a", time));
        assert_eq!(check(&bytes).is_ok(), is_good, "{time}");
    }
}

#[test]
fn a_refusal_names_zxid_and_kind() {
    let say = |kind, body| check(&txn(0x5_0000_0007, kind, body)).unwrap_err().to_string();
    let other = || TxnBody::Other(Bytes::new());
    assert_eq!(
        say(16, other()),
        "transaction 0x500000007 of kind 16 (Reconfig) cannot be applied by this server"
    );
    assert_eq!(
        say(99, other()),
        "transaction 0x500000007 of kind 99 cannot be applied by this server"
    );
    assert_eq!(
        say(14, multi(&[(OpCode::SetAcl, create("/a"))])),
        "transaction 0x500000007 of kind 14 (Multi) has a part of kind 7 (SetAcl), which cannot be \
         applied by this server"
    );
    assert_eq!(
        say(1, create("/a/")),
        "transaction 0x500000007 of kind 1 (Create) names the node \"/a/\", which no tree can hold"
    );
    assert!(check(&[0; 31]).unwrap_err().to_string().starts_with("not a transaction: at byte 28"));
}

#[test]
fn containers_and_nodes_with_a_time_to_live_are_no_ones_ephemerals() {
    let mut tree = Tree::default();
    let bodies = vec![
        (OpCode::CreateContainer, container("/c")),
        (OpCode::CreateTtl, ttl("/t", 0x1234)),
        (OpCode::Create, create("/c/child")),
        (OpCode::Create, create("/t/child")),
        (OpCode::CloseSession, TxnBody::CloseSession(None)),
    ];
    assert!(apply_all(&mut tree, bodies).iter().all(Result::is_ok));
    let owner = |path| tree.node(path).unwrap().stat.ephemeral_owner.cast_unsigned();
    assert_eq!((owner("/c"), owner("/t")), (1 << 63, 0xff00_0000_0000_1234));
    // As Apache's servers show them.
    let shown = |path| stat(&tree, path).ephemeral_owner;
    assert_eq!((shown("/c"), shown("/t")), (0, 0));
    assert_eq!((stat(&tree, "/c").num_children, stat(&tree, "/t").num_children), (1, 1));
    assert!(tree.ephemerals.is_empty());
    let copy = Tree::from_file(&tree.to_file(), tree.last_zxid()).unwrap();
    assert!(copy.ephemerals.is_empty());
    assert_eq!(copy.to_file(), tree.to_file());
}

/// The errors of the parts of a `multi` in which all fail.
fn errors(outcomes: &[Result<Change, i32>]) -> Vec<i32> {
    let [Ok(Change::Several(parts))] = outcomes else { panic!("{outcomes:?}") };
    parts.iter().map(|part| part.outcome.clone().unwrap_err()).collect()
}

#[test]
fn a_multi_with_an_error_changes_nothing_and_one_that_fails_here_goes_on() {
    let mut tree = Tree::default();
    let before = stat(&tree, "/").pzxid;
    // The parts before the failed one have error 0, those after it another.
    let failed = multi(&[
        (OpCode::Error, TxnBody::Error(0)),
        (OpCode::Error, TxnBody::Error(ErrorCode::BadVersion.number())),
        (OpCode::Create, create("/never")),
        (OpCode::Error, TxnBody::Error(ErrorCode::RuntimeInconsistency.number())),
    ]);
    let outcomes = apply_all(&mut tree, vec![(OpCode::Multi, failed)]);
    let number = ErrorCode::number;
    let (version, not_reached) =
        (number(ErrorCode::BadVersion), number(ErrorCode::RuntimeInconsistency));
    assert_eq!(errors(&outcomes), [0, version, not_reached, not_reached]);
    assert_eq!((stat(&tree, "/").pzxid, tree.node_count()), (before, 4));

    // A snapshot may hold the effects of some parts already.
    let again = multi(&[
        (OpCode::Create, create("/a")),
        (OpCode::Create, create("/a")),
        (OpCode::Check, TxnBody::Check(CheckTxn { path: "/a".to_owned(), version: 9 })),
        (OpCode::SetData, set_data("/a", 4)),
    ]);
    let outcomes = apply_all(&mut tree, vec![(OpCode::Multi, again)]);
    let Ok(Change::Several(parts)) = &outcomes[0] else { panic!("{outcomes:?}") };
    assert!(matches!(parts[0].outcome, Ok(Change::Created { .. })));
    assert_eq!(parts[1].outcome, Err(ErrorCode::NodeExists.number()));
    assert_eq!(parts[2].outcome, Ok(Change::Compared));
    assert_eq!((stat(&tree, "/a").version, tree.last_zxid()), (4, 2));
}

#[test]
fn what_a_multi_cannot_hold_is_refused_whole() {
    let mut tree = Tree::default();
    let session = TxnBody::CreateSession(1);
    for (kind, body) in [
        (OpCode::SetAcl, create("/x")),
        (OpCode::CreateSession, session.clone()),
        (OpCode::CloseSession, TxnBody::CloseSession(None)),
        (OpCode::Multi, multi(&[(OpCode::Create, create("/x"))])),
        (OpCode::Reconfig, set_data("/zookeeper/config", 1)),
        (OpCode::Sync, create("/x")),
        // Kinds that fit, with bodies that do not.
        (OpCode::Create, session.clone()),
        (OpCode::Delete, create("/x")),
        (OpCode::Check, session),
    ] {
        let bytes = txn(3, 14, multi(&[(OpCode::Create, create("/a")), (kind, body)]));
        assert!(check(&bytes).is_err(), "{kind:?}");
        assert!(tree.apply(&bytes).is_err(), "{kind:?}");
    }
    assert_eq!((tree.node_count(), tree.last_zxid()), (4, 0));
}
