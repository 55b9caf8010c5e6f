//! What an ensemble promises: acknowledged writes stay, whoever is killed.

use std::sync::mpsc;

use zab_trace::{EventKind, Persisted, Port, Zxid};

use crate::client::Client;
use crate::cluster::{Cluster, newest_log, until};

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

/// Creates a node; an attempt whose answer was lost may have done it already.
fn write(cluster: &Cluster, id: u64, name: &str) {
    write_all(cluster, id, &[name.to_owned()]);
}

/// The same with many, on one session as long as that lives.
fn write_all(cluster: &Cluster, id: u64, names: &[String]) {
    let mut session = client(cluster, id);
    for name in names {
        until("a write", || match session.create(&format!("/{name}")) {
            Ok(0 | NODE_EXISTS) => Some(()),
            Ok(error) => panic!("creating {name} failed: {error}"),
            Err(_) => {
                session = client(cluster, id);
                None
            }
        });
    }
}

/// ZooKeeper's number of this error.
const NODE_EXISTS: i32 = -110;

/// Creates nodes until the connection is lost; the names that were acknowledged. Tells `begun`
/// when the first one is.
fn create_until_lost(client: &mut Client, prefix: &str, begun: &mpsc::Sender<()>) -> Vec<String> {
    let mut acknowledged = Vec::new();
    for number in 0.. {
        let name = format!("{prefix}-{number}");
        match client.create(&format!("/{name}")) {
            Ok(0) => acknowledged.push(name),
            Ok(error) => panic!("creating {name} failed: {error}"),
            Err(_) => break,
        }
        // Only the first one is waited for.
        let _ = begun.send(());
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
    write(&cluster, 3, "a");
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
        let quiet: Vec<String> = (0..15).map(|number| format!("quiet-{round}-{number}")).collect();
        write_all(&cluster, follower, &quiet);
        acknowledged.extend(quiet);
        let mut writer = client(&cluster, follower);
        let (begun, begins) = mpsc::channel();
        let writing = std::thread::spawn(move || {
            create_until_lost(&mut writer, &format!("round-{round}"), &begun)
        });
        // It does not begin if the ensemble loses its leader by itself; the kill is none then.
        let _ = begins.recv();
        cluster.kill(leader);
        acknowledged.extend(writing.join().unwrap());
        until("a new leader", || {
            (1..=3).find(|id| *id != leader && cluster.mode(*id).as_deref() == Some("leader"))
        });
        let after = format!("after-{round}");
        write(&cluster, follower, &after);
        acknowledged.push(after);
        cluster.start(leader);
        cluster.serves(leader);
    }
    assert!(acknowledged.len() >= 48);
    assert_all_hold(&cluster, &acknowledged);
    cluster.finish();
}

#[test]
fn an_ensemble_that_is_killed_as_a_whole_comes_back_with_everything() {
    let mut cluster = Cluster::started();
    let acknowledged: Vec<String> = (0..50).map(|number| format!("node-{number}")).collect();
    write_all(&cluster, 1, &acknowledged);
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

/// Kills the followers and hands the leader one more write: the leader, and the number of that
/// write if it is in the leader's log. It is not if the leader has noticed before that it is
/// alone. Nobody can say which comes first.
fn leave_a_write_alone(cluster: &mut Cluster) -> (u64, Option<u32>) {
    let leader = cluster.all_serve();
    let followers = (1..=3).filter(|id| *id != leader);
    write(cluster, leader, "kept");
    for id in followers.clone() {
        until("everything to be committed everywhere", || {
            (children(cluster, id) == ["kept"]).then_some(())
        });
    }
    let mut writer = client(cluster, leader);
    let given_up = |cluster: &Cluster| {
        let life = cluster.present_life(leader);
        life.iter().filter(|kind| matches!(kind, EventKind::Looking { .. })).count()
    };
    let before = given_up(cluster);
    for id in followers {
        cluster.kill(id);
    }
    // The connection ends when the leader notices.
    let _ = writer.ask_create("/lost");
    let logged = until("the leader to log the write, or to notice that it is alone", || {
        let life = cluster.present_life(leader);
        match last_open(&life) {
            Some(last) => life
                .contains(&EventKind::Persisted(Persisted::Log(last)))
                .then_some(Some(last.counter)),
            None => (given_up(cluster) > before).then_some(None),
        }
    });
    (leader, logged)
}

/// The last transaction that a leader proposed, if it is not committed.
fn last_open(life: &[EventKind]) -> Option<Zxid> {
    let last = life.iter().rev().find_map(|kind| {
        let EventKind::Proposed { zxid, .. } = kind else { return None };
        Some(*zxid)
    })?;
    (!life.contains(&EventKind::Committed { zxid: last })).then_some(last)
}

#[test]
fn what_only_a_killed_leader_has_is_truncated() {
    // A leader notices at a tick that it is alone.
    let mut cluster = Cluster::new("tickTime=3000\ninitLimit=5\nsyncLimit=5\n");
    for id in 1..=3 {
        cluster.start(id);
    }
    let (leader, counter) = loop {
        let (leader, logged) = leave_a_write_alone(&mut cluster);
        if let Some(counter) = logged {
            break (leader, counter);
        }
        for id in (1..=3).filter(|id| *id != leader) {
            cluster.start(id);
        }
    };
    cluster.kill(leader);
    let followers: Vec<u64> = (1..=3).filter(|id| *id != leader).collect();
    for id in &followers {
        cluster.start(*id);
    }
    let other = followers[0];
    cluster.serves(other);
    // Before anything new is proposed: over the end of an epoch there is no TRUNC, but SNAP.
    cluster.start(leader);
    cluster.serves(leader);
    write(&cluster, other, "new");
    assert_eq!(children(&cluster, leader), ["kept", "new"]);
    let is_cut = |kind: &EventKind| matches!(kind, EventKind::Persisted(Persisted::Truncated(zxid)) if zxid.counter < counter);
    assert!(cluster.has_event(leader, is_cut));
    assert_all_hold(&cluster, &["kept".to_owned(), "new".to_owned()]);
    cluster.finish();
}

#[test]
fn a_server_that_is_far_behind_gets_a_snapshot_and_recovers_from_it() {
    let mut cluster = Cluster::new("commitLogCount=10\n");
    for id in 1..=3 {
        cluster.start(id);
    }
    let leader = cluster.all_serve();
    let behind = (1..=3).find(|id| *id != leader).unwrap();
    cluster.kill(behind);
    let names: Vec<String> = (0..30).map(|number| format!("node-{number:02}")).collect();
    write_all(&cluster, leader, &names);
    cluster.start(behind);
    cluster.serves(behind);
    let is_snapshot =
        |kind: &EventKind| matches!(kind, EventKind::Persisted(Persisted::Snapshot(_)));
    assert!(cluster.has_event(behind, is_snapshot));
    assert_eq!(children(&cluster, behind), names);
    cluster.kill(behind);
    write(&cluster, leader, "last");
    cluster.start(behind);
    cluster.serves(behind);
    assert!(!cluster.has_event(behind, is_snapshot));
    assert_all_hold(&cluster, &["last".to_owned()]);
    cluster.finish();
}

/// The window holds more than the leader keeps in memory: the rest comes from its log.
#[test]
fn a_server_that_missed_large_writes_gets_them_one_by_one() {
    let mut cluster = Cluster::started();
    let leader = cluster.all_serve();
    let behind = (1..=3).find(|id| *id != leader).unwrap();
    let mut writer = client(&cluster, leader);
    assert_eq!(writer.create("/before").unwrap(), 0);
    assert_eq!(children(&cluster, behind), ["before"]);
    cluster.kill(behind);
    let large = vec![7; 1_000_000];
    let mut names: Vec<String> = (0..24).map(|number| format!("node-{number:02}")).collect();
    for name in &names {
        assert_eq!(writer.create_with(&format!("/{name}"), &large).unwrap(), 0);
    }
    names.insert(0, "before".to_owned());
    cluster.start(behind);
    cluster.serves(behind);
    let is_snapshot =
        |kind: &EventKind| matches!(kind, EventKind::Persisted(Persisted::Snapshot(_)));
    assert!(!cluster.has_event(behind, is_snapshot));
    assert_eq!(children(&cluster, behind), names);
    cluster.kill(behind);
    cluster.start(behind);
    cluster.serves(behind);
    assert_all_hold(&cluster, &names);
    cluster.finish();
}

#[test]
fn a_follower_with_a_torn_log_says_so_and_catches_up() {
    let mut cluster = Cluster::started();
    let leader = cluster.all_serve();
    let torn = (1..=3).find(|id| *id != leader).unwrap();
    let names: Vec<String> = (0..5).map(|number| format!("node-{number}")).collect();
    write_all(&cluster, leader, &names);
    assert_eq!(children(&cluster, torn).len(), 5);
    cluster.kill(torn);
    let log = newest_log(&cluster.folder(torn));
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
