//! The four phases of the protocol, as the seed documents count them and an operator sees them.

use std::fs::File;
use std::io::{Read as _, Write as _};

use serde_json::Value;
use zab_ensemble::ReservedPorts;
use zab_trace::Phase;

use crate::cluster::{Cluster, connect, until};

/// In which phases the first life of a server was, one after the other.
fn phases(cluster: &Cluster, id: u64) -> Vec<Phase> {
    let events = cluster.events(id, 1);
    let mut phases: Vec<Phase> =
        events.iter().filter_map(|located| located.event.state?.phase).collect();
    phases.dedup();
    phases
}

/// What `/commands/zabstate` says of the phase.
fn told(port: u16) -> Option<String> {
    let mut stream = connect(port)?;
    stream
        .write_all(b"GET /commands/zabstate HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (_, body) = answer.split_once("\r\n\r\n")?;
    let state: Value = serde_json::from_str(body).unwrap();
    Some(state["zabstate"].as_str().unwrap().to_owned())
}

#[test]
fn a_server_goes_through_the_four_phases_in_order_and_tells_which() {
    let mut cluster = Cluster::new("");
    let reserved = ReservedPorts::reserve(3).unwrap();
    for (id, port) in (1..=3).zip(reserved.ports()) {
        let path = cluster.folder(id).join("zoo.cfg");
        let mut config = File::options().append(true).open(path).unwrap();
        write!(config, "\nadmin.serverAddress=127.0.0.1\nadmin.serverPort={port}\n").unwrap();
    }
    let tells = |id: u64, phase: &str| {
        let port = reserved.ports()[usize::try_from(id - 1).unwrap()];
        until(&format!("server {id} to tell of {phase}"), || (told(port)? == phase).then_some(()));
    };
    cluster.start(1);
    tells(1, "election");
    until("the beginning of its trace", || phases(&cluster, 1).first().copied());
    assert_eq!(phases(&cluster, 1), [Phase::Election], "nobody else is there");
    cluster.start(2);
    cluster.start(3);
    cluster.all_serve();
    let order = [Phase::Election, Phase::Discovery, Phase::Synchronization, Phase::Broadcast];
    for id in 1..=3 {
        tells(id, "broadcast");
        let phases = phases(&cluster, id);
        assert!(phases.windows(4).any(|four| four == order), "server {id}: {phases:?}");
        let legal =
            |from, to| to == Phase::Election || order.windows(2).any(|two| two == [from, to]);
        assert!(phases.windows(2).all(|two| legal(two[0], two[1])), "server {id}: {phases:?}");
    }
    cluster.finish();
}
