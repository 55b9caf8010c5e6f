//! What an ensemble promises: acknowledged writes stay, whoever is killed.

use zab_trace::{EventKind, Persisted, Port};

use crate::client::Client;
use crate::cluster::{Cluster, until};

/// The children of `/` that clients made, as one server has them after a sync.
fn children(cluster: &Cluster, id: u64) -> Vec<String> {
    let mut children = until("a server that serves", || {
        Client::connect(cluster.ports[&id].client)?.children("/").ok()
    });
    children.retain(|name| name != "zookeeper");
    children
}

fn client(cluster: &Cluster, id: u64) -> Client {
    until("a session", || Client::connect(cluster.ports[&id].client))
}

/// Creates nodes until the connection is lost; the names that were acknowledged.
fn create_until_lost(client: &mut Client, prefix: &str) -> Vec<String> {
    let mut acknowledged = Vec::new();
    for number in 0.. {
        let name = format!("{prefix}-{number}");
        match client.create(&format!("/{name}")) {
            Ok(0) => acknowledged.push(name),
            Ok(error) => panic!("creating {name} failed: {error}"),
            Err(_) => break,
        }
    }
    acknowledged
}

fn assert_all_hold(cluster: &Cluster, acknowledged: &[String]) {
    let first = children(cluster, 1);
    for name in acknowledged {
        assert!(first.contains(name), "{name} was acknowledged");
    }
    assert_eq!(children(cluster, 2), first);
    assert_eq!(children(cluster, 3), first);
}

/// Every notification travels on a connection that the server with the greater id dialled.
fn assert_the_greater_dials(cluster: &Cluster) {
    let mut seen = 0;
    for id in 1..=3 {
        for located in cluster.events(id, 1) {
            let EventKind::Sent(packet) = &located.event.kind else { continue };
            if packet.message.port() == Port::Election {
                let acceptor = cluster.ports[&id.min(packet.peer)].election;
                let name = packet.connection.as_str();
                assert!(name.ends_with(&format!(":{acceptor}")), "{id} sent on {name}");
                seen += 1;
            }
        }
    }
    assert!(seen > 0);
}

#[test]
fn servers_that_start_in_order_elect_the_second() {
    let mut cluster = Cluster::new("");
    cluster.start(1);
    until("server 1 to answer", || cluster.word(1, "ruok").filter(|answer| answer == "imok"));
    let answer = cluster.word(1, "srvr").unwrap();
    assert!(answer.contains("not currently serving requests"), "{answer}");
    cluster.start(2);
    assert_eq!(cluster.serves(2), "leader");
    assert_eq!(cluster.serves(1), "follower");
    cluster.start(3);
    assert_eq!(cluster.serves(3), "follower");
    assert_eq!(client(&cluster, 3).create("/a").unwrap(), 0);
    assert_all_hold(&cluster, &["a".to_owned()]);
    assert_the_greater_dials(&cluster);
    cluster.finish();
}

#[test]
fn a_killed_leader_loses_nothing_that_was_acknowledged() {
    let mut cluster = Cluster::started();
    let mut acknowledged = Vec::new();
    for round in 0..3 {
        let leader = cluster.all_serve();
        let follower = (1..=3).find(|id| *id != leader).unwrap();
        let mut writer = client(&cluster, follower);
        let at_leader = client(&cluster, leader);
        let writing = std::thread::spawn(move || {
            drop(at_leader);
            create_until_lost(&mut writer, &format!("round-{round}"))
        });
        until("some writes to be committed", || {
            let committed = |kind: &EventKind| matches!(kind, EventKind::Committed { zxid } if zxid.counter > 20);
            cluster.has_event(leader, committed).then_some(())
        });
        cluster.kill(leader);
        acknowledged.extend(writing.join().unwrap());
        until("a new leader", || {
            (1..=3).find(|id| *id != leader && cluster.mode(*id).as_deref() == Some("leader"))
        });
        assert_eq!(client(&cluster, follower).create(&format!("/after-{round}")).unwrap(), 0);
        acknowledged.push(format!("after-{round}"));
        cluster.start(leader);
        assert_eq!(cluster.serves(leader), "follower");
    }
    assert!(acknowledged.len() > 45);
    assert_all_hold(&cluster, &acknowledged);
    cluster.finish();
}

#[test]
fn an_ensemble_that_is_killed_as_a_whole_comes_back_with_everything() {
    let mut cluster = Cluster::started();
    let mut writer = client(&cluster, 1);
    let acknowledged: Vec<String> = (0..50).map(|number| format!("node-{number}")).collect();
    for name in &acknowledged {
        assert_eq!(writer.create(&format!("/{name}")).unwrap(), 0);
    }
    for id in 1..=3 {
        cluster.kill(id);
    }
    for id in 1..=3 {
        cluster.start(id);
    }
    cluster.all_serve();
    assert_all_hold(&cluster, &acknowledged);
    cluster.finish();
}

#[test]
fn what_only_a_killed_leader_has_is_truncated() {
    // The leader notices the loss of its quorum at a tick, and must not before it has the write.
    let mut cluster = Cluster::new("tickTime=3000\n");
    for id in 1..=3 {
        cluster.start(id);
    }
    let leader = cluster.all_serve();
    let followers: Vec<u64> = (1..=3).filter(|id| *id != leader).collect();
    let mut writer = client(&cluster, leader);
    assert_eq!(writer.create("/kept").unwrap(), 0);
    until("everything to be committed everywhere", || {
        followers.iter().all(|id| children(&cluster, *id) == ["kept"]).then_some(())
    });
    for id in &followers {
        cluster.kill(*id);
    }
    writer.ask_create("/lost").unwrap();
    let counter = until("the leader to log what nobody else has", || {
        let events = cluster.events(leader, 1);
        let last = events.iter().rev().find_map(|located| {
            let EventKind::Proposed { zxid, .. } = &located.event.kind else { return None };
            Some(*zxid)
        })?;
        let is_logged =
            cluster.has_event(leader, |kind| *kind == EventKind::Persisted(Persisted::Log(last)));
        let is_open =
            !cluster.has_event(leader, |kind| *kind == EventKind::Committed { zxid: last });
        (is_logged && is_open).then_some(last.counter)
    });
    cluster.kill(leader);
    for id in &followers {
        cluster.start(*id);
    }
    let other = followers[0];
    cluster.serves(other);
    // Before anything new is proposed: over the end of an epoch there is no TRUNC, but SNAP.
    cluster.start(leader);
    cluster.serves(leader);
    assert_eq!(client(&cluster, other).create("/new").unwrap(), 0);
    assert_eq!(children(&cluster, leader), ["kept", "new"]);
    let is_cut = |kind: &EventKind| matches!(kind, EventKind::Persisted(Persisted::Truncated(zxid)) if zxid.counter < counter);
    assert!(cluster.has_event(leader, is_cut));
    assert_all_hold(&cluster, &["kept".to_owned(), "new".to_owned()]);
    cluster.finish();
}

#[test]
fn a_server_that_is_far_behind_gets_a_snapshot_and_recovers_from_it() {
    let mut cluster = Cluster::new("commitLogCount=3\n");
    for id in 1..=3 {
        cluster.start(id);
    }
    let leader = cluster.all_serve();
    let behind = (1..=3).find(|id| *id != leader).unwrap();
    cluster.kill(behind);
    let mut writer = client(&cluster, leader);
    let names: Vec<String> = (0..30).map(|number| format!("node-{number:02}")).collect();
    for name in &names {
        assert_eq!(writer.create(&format!("/{name}")).unwrap(), 0);
    }
    cluster.start(behind);
    cluster.serves(behind);
    let is_snapshot =
        |kind: &EventKind| matches!(kind, EventKind::Persisted(Persisted::Snapshot(_)));
    assert!(cluster.has_event(behind, is_snapshot));
    assert_eq!(children(&cluster, behind), names);
    cluster.kill(behind);
    assert_eq!(writer.create("/last").unwrap(), 0);
    cluster.start(behind);
    cluster.serves(behind);
    assert!(!cluster.has_event(behind, is_snapshot));
    assert_all_hold(&cluster, &["last".to_owned()]);
    cluster.finish();
}

#[test]
fn a_follower_with_a_torn_log_says_so_and_catches_up() {
    let mut cluster = Cluster::started();
    let leader = cluster.all_serve();
    let torn = (1..=3).find(|id| *id != leader).unwrap();
    let mut writer = client(&cluster, leader);
    for number in 0..5 {
        assert_eq!(writer.create(&format!("/node-{number}")).unwrap(), 0);
    }
    assert_eq!(children(&cluster, torn).len(), 5);
    cluster.kill(torn);
    let log = std::fs::read_dir(cluster.folder(torn).join("version-2"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.file_name().unwrap().to_str().unwrap().starts_with("log."))
        .unwrap();
    let length = std::fs::metadata(&log).unwrap().len();
    std::fs::OpenOptions::new().write(true).open(&log).unwrap().set_len(length - 2).unwrap();
    cluster.start(torn);
    cluster.serves(torn);
    let said = cluster.stderr(torn);
    assert!(said.contains("ends in the middle of a write"), "{said}");
    assert!(said.contains(&format!("cut from {} to ", length - 2)), "{said}");
    assert_eq!(children(&cluster, torn).len(), 5);
    // No trace: a disk that loses what was synced is not what the protocol promises anything for.
}
