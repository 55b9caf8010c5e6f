//! Sessions and their nodes across kills of servers; and a server that is alone.

use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use zab_ensemble::ReservedPorts;

use crate::client::Client;
use crate::cluster::{Cluster, until};

const EPHEMERAL: i32 = 1;

/// The new leader knows the sessions of the old one from the log, and gives each its whole timeout
/// again. One that a client of a follower still uses lives on for many times its timeout, because
/// the follower tells the leader of it.
#[test]
fn sessions_live_as_long_as_they_are_used_whoever_leads() {
    let mut cluster = Cluster::started();
    let leader = cluster.all_serve();
    let followers: Vec<u64> = (1..=3).filter(|id| *id != leader).collect();
    let port = cluster.ports[&followers[0]].client;
    drop(until("a session with a node", || with_node(port, "/abandoned")));
    cluster.kill(leader);
    let mut watcher = until("a session at the new ensemble", || Client::connect(port));
    let mut attempts = 0..;
    let used = until("a session that is used and outlives others", || {
        used_session(port, &mut watcher, attempts.next()?)
    });
    until("the sessions of attempts before to expire", || {
        (watcher.children("/").unwrap() == ["used", "zookeeper"]).then_some(())
    });
    assert_eq!(watcher.children("/").unwrap(), ["used", "zookeeper"]);
    cluster.start(leader);
    cluster.all_serve();
    let other = cluster.ports[&leader].client;
    let mut late = until("a session at the server that came back", || Client::connect(other));
    assert_eq!(late.children("/").unwrap(), ["used", "zookeeper"]);
    drop(used);
    cluster.finish();
}

const USED: Duration = Duration::from_secs(5);

/// A session with the node `/used` that is used until eight others of a second each have expired,
/// which takes longer than its timeout; none if the machine stood still for so long that it had to
/// be lost. Each use asks the leader too (`sync`), so what holds a server up shows here.
fn used_session(port: u16, watcher: &mut Client, attempt: u32) -> Option<Client> {
    let timeout = i32::try_from(USED.as_millis()).unwrap();
    let mut used = Client::connect_for(port, timeout)?;
    let mut last = Instant::now();
    let mut longest = Duration::ZERO;
    let created = used.create_kind("/used", EPHEMERAL);
    // The node of an attempt before may be there still.
    if created.ok()? != 0 {
        return None;
    }
    // Expiries at the new leader are the clock: each takes at least a whole second.
    for round in 0..8 {
        let path = format!("/brief-{attempt}-{round}");
        drop(until("one more", || with_node(port, &path)));
        let lives = until("the brief session to expire", || {
            let used = used.children("/");
            longest = longest.max(last.elapsed());
            last = Instant::now();
            if used.is_err() {
                return Some(false);
            }
            let children = watcher.children("/").unwrap();
            (!children.contains(&path[1..].to_owned())).then_some(true)
        });
        if !lives {
            let held_up = longest >= USED / 2;
            assert!(held_up, "the session was lost, and used every {longest:?} at least");
            return None;
        }
    }
    Some(used)
}

/// A session of one second that has made an ephemeral node; none if it was over before, because the
/// machine held this program or the server up.
fn with_node(port: u16, path: &str) -> Option<Client> {
    let mut client = Client::connect_for(port, 1000)?;
    (client.create_kind(path, EPHEMERAL).ok()? == 0).then_some(client)
}

fn start(directory: &Path, port: u16) -> Child {
    Command::new(env!("CARGO_BIN_EXE_zab-server"))
        .arg("--standalone")
        .arg(directory)
        .args(["-D", &format!("clientPort={port}"), "-D", "tickTime=200"])
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn a_server_that_is_alone_keeps_what_it_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("new/data");
    let reserved = ReservedPorts::reserve(1).unwrap();
    let port = reserved.ports()[0];
    for life in 0..3 {
        let mut server = start(&data, port);
        let mut client = until("it to serve", || Client::connect(port));
        assert_eq!(client.create(&format!("/life-{life}")).unwrap(), 0);
        let gone = format!("/gone-{life}");
        let _until_the_kill = until("a session with a node", || with_node(port, &gone));
        server.kill().unwrap();
        server.wait().unwrap();
    }
    let mut server = start(&data, port);
    let mut client = until("it to serve", || Client::connect(port));
    until("the sessions of earlier lives to expire", || {
        let children = client.children("/").unwrap();
        (children == ["life-0", "life-1", "life-2", "zookeeper"]).then_some(())
    });
    server.kill().unwrap();
    server.wait().unwrap();
}
