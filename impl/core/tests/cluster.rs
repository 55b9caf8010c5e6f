//! Three peers in memory: whole runs, from the election to a committed transaction.

mod support;

use support::Cluster;
use zab_core::{Config, Phase, ServerId, Zxid};

fn three(id: ServerId) -> Config {
    Config::new(id, [1, 2, 3])
}

fn zxids(cluster: &Cluster, id: ServerId) -> Vec<Zxid> {
    cluster.nodes[&id].delivered.iter().map(|txn| txn.zxid).collect()
}

#[test]
fn three_servers_elect_the_highest_id_and_commit() {
    let mut cluster = Cluster::start(three);
    cluster.elect(20);
    assert_eq!(cluster.leader(), Some(3));
    assert!(cluster.nodes.values().all(|node| node.peer.phase() == Phase::Broadcast));

    cluster.request(3, "a");
    cluster.request(3, "b");
    cluster.settle();
    for id in [1, 2, 3] {
        assert_eq!(zxids(&cluster, id), [Zxid::new(1, 1), Zxid::new(1, 2)], "server {id}");
    }
}
