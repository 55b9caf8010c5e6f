//! Digests: the leader says what the tree will be before it is, and a tree that differs is noticed.

use zab_wire::client::{CheckVersionRequest, MultiRequest, Op, SetAclRequest};

use super::*;

/// One of each kind of change, each over what is outstanding of those before it. Ephemeral nodes
/// are created, and one of them is deleted, before the session's end takes the others.
fn requests() -> Vec<(OpCode, Bytes)> {
    let node = |path: &str, flags| {
        let (path, data) = (path.into(), Some(Bytes::from_static(b"d")));
        CreateRequest { path, data, acl: Acl::open(), flags }
    };
    let remove = |path: &str| DeleteRequest { path: path.into(), version: -1 };
    let multi = MultiRequest {
        ops: vec![
            Op::Create(OpCode::Create, node("/m", 0)),
            Op::Create(OpCode::Create, node("/m/s-", 2)),
            Op::Check(CheckVersionRequest { path: "/m".into(), version: 0 }),
            Op::Delete(remove("/m/s-0000000000")),
            Op::SetData(SetDataRequest { path: "/m".into(), data: None, version: -1 }),
        ],
    };
    let failing = MultiRequest { ops: vec![Op::Delete(remove("/m")), Op::Delete(remove("/none"))] };
    let acl = SetAclRequest { path: "/".into(), acl: Acl::open(), version: -1 };
    vec![
        (OpCode::Create, create("/a", 0)),
        (OpCode::Create2, create("/a/e", 1)),
        (OpCode::Create, create("/a/s-", 3)),
        (OpCode::CreateContainer, create("/c", 4)),
        (OpCode::SetData, set_data("/", "root", -1)),
        (OpCode::SetData, set_data("/zookeeper/config", "not counted", -1)),
        (OpCode::SetAcl, acl.to_bytes()),
        (OpCode::Multi, multi.to_bytes()),
        (OpCode::Multi, failing.to_bytes()),
        (OpCode::Delete, delete("/a/e", -1)),
        (OpCode::Create, create("/a", 0)),
        (OpCode::DeleteContainer, "/c".into()),
        (OpCode::CloseSession, Bytes::new()),
    ]
}

fn propose(leader: &mut Leader, op: OpCode, payload: Bytes) {
    let origin = if op == OpCode::DeleteContainer { super::super::ENSEMBLE } else { HERE };
    leader.propose(SESSION, origin, op.number(), payload);
}

#[test]
fn the_leader_knows_the_digest_of_what_is_outstanding() {
    // However far the tree lags behind.
    for lag in 0..=requests().len() {
        let mut leader = Leader::new();
        for (op, payload) in requests() {
            propose(&mut leader, op, payload);
            if leader.outstanding.len() > lag {
                // Compares.
                let _ = leader.apply_one();
            }
        }
        while !leader.outstanding.is_empty() {
            let _ = leader.apply_one();
        }
        let copy = Tree::from_file(&leader.tree.to_file(), leader.zxid).unwrap();
        assert_eq!(copy.digest(), leader.tree.digest(), "after a lag of {lag}");
    }
}

#[test]
fn every_transaction_carries_one_but_those_of_failures() {
    let mut leader = Leader::new();
    for (op, payload) in requests() {
        propose(&mut leader, op, payload);
        let txn = Txn::from_bytes(&leader.outstanding[0]).unwrap();
        assert_eq!(txn.digest.is_some(), !matches!(txn.body, TxnBody::Error(_)), "{txn:?}");
        let _ = leader.apply_one();
    }
    let mut silent = Leader::new();
    silent.preparer = Preparer::new(Rules::default());
    silent.propose(SESSION, HERE, OpCode::Create.number(), create("/a", 0));
    assert_eq!(Txn::from_bytes(&silent.outstanding[0]).unwrap().digest, None);
}

#[test]
fn a_tree_that_differs_is_noticed() {
    type Defect = (&'static str, fn(&mut Tree));
    let defects: [Defect; 5] = [
        ("data", |tree| {
            tree.change("/a", |node| node.content ^= 1);
        }),
        ("a version", |tree| {
            tree.change("/a", |node| node.stat.version += 1);
        }),
        ("a time", |tree| {
            tree.change("/a", |node| node.stat.mtime += 1);
        }),
        ("a parent's pzxid", |tree| {
            tree.change("", |node| node.stat.pzxid -= 1);
        }),
        ("a node that is missing", |tree| {
            tree.leave("/b");
        }),
    ];
    for (what, spoil) in defects {
        let mut leader = Leader::new();
        leader.create("/a").unwrap();
        leader.create("/b").unwrap();
        leader.propose(SESSION, HERE, OpCode::Create.number(), create("/a/c", 0));
        let mut other = leader.tree.clone();
        spoil(&mut other);
        let applied = other.apply(&leader.outstanding[0]).unwrap();
        let mismatch = applied.mismatch.unwrap_or_else(|| panic!("{what} is not noticed"));
        leader.apply_one().unwrap();
        assert_eq!(mismatch.expected, leader.tree.digest(), "{what}");
        assert_eq!(mismatch.found, other.digest(), "{what}");
    }
}

#[test]
fn the_first_digest_is_that_of_apache() {
    // As Apache 3.8.0 sends it with the first transaction, which makes a session.
    assert_eq!(Tree::default().digest(), 0x51c6_d660);
}
