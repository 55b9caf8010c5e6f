//! Quotas: what is counted, and what a hard limit refuses.

use super::*;

const ROOT: &str = "/zookeeper/quota";

/// A leader that keeps hard limits.
fn leader() -> Leader {
    let mut leader = Leader::new();
    leader.preparer =
        Preparer::new(Rules { digests: true, enforce_quota: true, ..Rules::default() });
    leader.preparer.revalidate(&leader.tree, SESSION, HERE);
    leader.create("/a").unwrap();
    leader
}

fn node(leader: &mut Leader, path: &str, data: &str) -> Result<Change, ErrorCode> {
    let data = Some(Bytes::copy_from_slice(data.as_bytes()));
    let request = CreateRequest { path: path.into(), data, acl: Acl::open(), flags: 0 };
    leader.submit(OpCode::Create, request.to_bytes())
}

/// As `setquota` of zkCli does it.
fn limit(leader: &mut Leader, path: &str, limits: &str) {
    let mut above = ROOT.to_owned();
    for name in path.split('/').skip(1) {
        above = format!("{above}/{name}");
        let _ = node(leader, &above, "");
    }
    node(leader, &format!("{ROOT}{path}/zookeeper_limits"), limits).unwrap();
    node(leader, &format!("{ROOT}{path}/zookeeper_stats"), "count=0,bytes=0").unwrap();
}

fn stats(tree: &Tree, path: &str) -> String {
    let data = tree.data(&format!("{ROOT}{path}/zookeeper_stats")).unwrap().0.unwrap();
    String::from_utf8(data.to_vec()).unwrap()
}

#[test]
fn nodes_and_bytes_under_a_path_are_counted() {
    let mut leader = leader();
    limit(&mut leader, "/a", "count=5,bytes=100");
    assert_eq!(stats(&leader.tree, "/a"), "count=1,bytes=4");
    node(&mut leader, "/a/b", "123").unwrap();
    node(&mut leader, "/a/b/c", "").unwrap();
    assert_eq!(stats(&leader.tree, "/a"), "count=3,bytes=7");
    leader.set_data("/a/b", "1", -1).unwrap();
    assert_eq!(stats(&leader.tree, "/a"), "count=3,bytes=5");
    leader.delete("/a/b/c", -1).unwrap();
    // A name that begins the same is another node.
    node(&mut leader, "/ab", "1234567").unwrap();
    assert_eq!(stats(&leader.tree, "/a"), "count=2,bytes=5");
    let stat = leader.tree.stat(&format!("{ROOT}/a/zookeeper_stats")).unwrap();
    assert_eq!((stat.version, stat.czxid), (0, stat.mzxid), "servers count in no transaction");

    let copy = Tree::from_file(&leader.tree.to_file(), leader.zxid).unwrap();
    assert_eq!(copy.to_file(), leader.tree.to_file());
    assert_eq!((copy.quotas.len(), copy.data_bytes()), (1, leader.tree.data_bytes()));
}

#[test]
fn the_longest_path_with_limits_counts() {
    let mut leader = leader();
    node(&mut leader, "/a/b", "12").unwrap();
    limit(&mut leader, "/a", "count=-1,bytes=-1");
    limit(&mut leader, "/a/b", "count=-1,bytes=-1");
    node(&mut leader, "/a/b/c", "123").unwrap();
    assert_eq!(stats(&leader.tree, "/a"), "count=2,bytes=6");
    assert_eq!(stats(&leader.tree, "/a/b"), "count=2,bytes=5");
    leader.delete(&format!("{ROOT}/a/b/zookeeper_limits"), -1).unwrap();
    node(&mut leader, "/a/b/d", "1").unwrap();
    assert_eq!(stats(&leader.tree, "/a"), "count=3,bytes=7");
    assert_eq!(stats(&leader.tree, "/a/b"), "count=2,bytes=5");
}

#[test]
fn hard_limits_are_kept_and_soft_ones_are_not() {
    let mut leader = leader();
    limit(&mut leader, "/a", "count=1,bytes=1=;byteHardLimit=9;countHardLimit=3");
    node(&mut leader, "/a/b", "12345").unwrap();
    assert_eq!(node(&mut leader, "/a/c", "x"), Err(ErrorCode::QuotaExceeded));
    node(&mut leader, "/a/c", "").unwrap();
    assert_eq!(node(&mut leader, "/a/d", ""), Err(ErrorCode::QuotaExceeded));
    assert_eq!(leader.set_data("/a/b", "123456", -1), Err(ErrorCode::QuotaExceeded));
    leader.set_data("/a/b", "1234", -1).unwrap();
    leader.delete("/a/c", -1).unwrap();
    node(&mut leader, "/a/d", "1").unwrap();

    limit(&mut leader, "/ab", "count=0,bytes=0");
    node(&mut leader, "/ab", "beyond the soft limits").unwrap();
    leader.preparer = Preparer::new(Rules { digests: true, ..Rules::default() });
    leader.preparer.revalidate(&leader.tree, SESSION, HERE);
    node(&mut leader, "/a/e", "limits are not kept unless asked for").unwrap();
}

#[test]
fn what_is_no_number_is_no_limit() {
    let mut leader = leader();
    for (index, text) in
        ["", "count", "=", "count=x,bytes==;byteHardLimit", "\u{0}"].iter().enumerate()
    {
        let path = format!("/n{index}");
        node(&mut leader, &path, "").unwrap();
        limit(&mut leader, &path, text);
        node(&mut leader, &format!("{path}/child"), "1").unwrap();
        assert_eq!(stats(&leader.tree, &path), "count=2,bytes=1");
    }
    // The root's limits are not kept, and a quota of nothing harms nobody.
    node(&mut leader, &format!("{ROOT}/zookeeper_limits"), "countHardLimit=0").unwrap();
    limit(&mut leader, "/nothing", "countHardLimit=0");
    node(&mut leader, "/more", "").unwrap();
    assert_eq!(stats(&leader.tree, "/nothing"), "count=0,bytes=0");
}
