//! Bytes that no server and no client sends.

use std::io::{Read as _, Write as _};

use bytes::BytesMut;
use zab_wire::election::{InitialMessage, Notification, ServerState};
use zab_wire::{PacketType, QuorumPacket, Record as _};

use crate::client::Client;
use crate::cluster::{Cluster, connect, until};

/// Sends bytes, and waits until the server closes the connection if it must.
fn send(port: u16, bytes: &[u8], is_closed: bool) {
    let Some(mut stream) = connect(port) else { return };
    // The server may close before everything is written.
    let _ = stream.write_all(bytes);
    if is_closed {
        let mut rest = Vec::new();
        match stream.read_to_end(&mut rest) {
            Ok(_) => {}
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{error}"),
        }
    }
}

fn packet(kind: PacketType, data: Option<&'static [u8]>) -> Vec<u8> {
    let data = data.map(bytes::Bytes::from_static);
    QuorumPacket { kind, zxid: -1, data, auth: None }.to_bytes().to_vec()
}

fn greeting(server: i64) -> Vec<u8> {
    InitialMessage { server, address: Some("127.0.0.1:1".to_owned()) }.to_bytes().to_vec()
}

fn notification(leader: i64, config: &'static [u8]) -> Vec<u8> {
    let mut out = BytesMut::new();
    let vote = Notification {
        state: ServerState::Looking,
        leader,
        zxid: i64::MAX,
        election_epoch: i64::MAX,
        peer_epoch: i64::MAX,
        config: Some(bytes::Bytes::from_static(config)),
        version: 2,
    };
    vote.put(&mut out);
    out.to_vec()
}

/// Whether the ensemble still takes a write and all servers agree on it.
fn works(cluster: &Cluster, name: &str) {
    for id in 1..=3 {
        until("a write", || {
            let mut client = Client::connect(cluster.ports[&id].client)?;
            let error = client.create(&format!("/{name}-{id}")).ok()?;
            (error == 0 || error == -110).then_some(())
        });
    }
    let mut views = (1..=3).map(|id| {
        until("a read", || Client::connect(cluster.ports[&id].client)?.children("/").ok())
    });
    let first = views.next().unwrap();
    assert!(views.all(|view| view == first));
}

#[test]
fn the_election_port_survives_anything() {
    let mut cluster = Cluster::started();
    let leader = cluster.all_serve();
    for id in 1..=3 {
        let port = cluster.ports[&id].election;
        send(port, b"GET / HTTP/1.1\r\n\r\n", true);
        send(port, &[0xff; 1024], true);
        send(port, &[], false);
        send(port, &greeting(2)[..7], false);
        send(port, &greeting(i64::MIN), true);
        send(port, &greeting(99), true);
        // Longer than any address, and longer than the machine.
        let huge = i32::MAX.to_be_bytes();
        send(port, &[&greeting(2)[..16], &huge[..]].concat(), true);
        // From here on as a server that this one believes: the greatest other id.
        let as_peer = |bytes: &[u8]| [&greeting(if id == 3 { 2 } else { 3 }), bytes].concat();
        for bytes in [
            huge.to_vec(),
            (-1_i32).to_be_bytes().to_vec(),
            0_i32.to_be_bytes().to_vec(),
            [&28_i32.to_be_bytes()[..], &[0xff; 28]].concat(),
            [&5_i32.to_be_bytes()[..], &[0; 5]].concat(),
            notification(99, b""),
            notification(1, b"nonsense"),
            notification(1, &[0xff; 64]),
        ] {
            send(port, &as_peer(&bytes), true);
        }
        send(port, &as_peer(&100_i32.to_be_bytes()), false);
    }
    assert_eq!(cluster.all_serve(), leader, "nobody was elected anew");
    works(&cluster, "after");
    // A server that must be elected into its place needs the election ports of the others.
    let follower = (1..=3).find(|id| *id != leader).unwrap();
    cluster.kill(follower);
    cluster.start(follower);
    cluster.serves(follower);
    works(&cluster, "again");
    cluster.finish();
}

#[test]
fn the_quorum_port_survives_anything() {
    let cluster = Cluster::started();
    let leader = cluster.all_serve();
    let port = cluster.ports[&leader].quorum;
    let huge =
        [&PacketType::Request.number().to_be_bytes()[..], &[0; 8], &[0x7f, 0xff, 0xff, 0xff]];
    let good = packet(PacketType::Ping, None);
    for bytes in [
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        vec![0xff; 1024],
        huge.concat(),
        good.clone(),
        packet(PacketType::FollowerInfo, None),
        packet(PacketType::FollowerInfo, Some(&[0; 3])),
        packet(PacketType::Snap, None),
        packet(PacketType::Proposal, Some(&[0; 40])),
        packet(PacketType::UpToDate, None),
        packet(PacketType::ObserverInfo, Some(&[0; 20])),
    ] {
        send(port, &bytes, true);
    }
    send(port, &good[..9], false);
    let held = connect(port);
    assert_eq!(cluster.all_serve(), leader);
    works(&cluster, "after");
    drop(held);
    for id in (1..=3).filter(|id| *id != leader) {
        assert!(connect(cluster.ports[&id].quorum).is_none(), "only a leader listens");
    }
    cluster.finish();
}

#[test]
fn the_client_port_survives_anything() {
    let cluster = Cluster::started();
    let leader = cluster.all_serve();
    for id in 1..=3 {
        let port = cluster.ports[&id].client;
        send(port, b"GET / HTTP/1.1\r\n\r\n", true);
        send(port, &[0xff; 1024], true);
        send(port, &i32::MAX.to_be_bytes(), true);
        send(port, &0_i32.to_be_bytes(), true);
        send(port, &[&44_i32.to_be_bytes()[..], &[0; 10]].concat(), false);
    }
    assert_eq!(cluster.all_serve(), leader);
    works(&cluster, "after");
    cluster.finish();
}
