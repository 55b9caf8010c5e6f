//! Somebody who uses the name of a server, and many who say nothing.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;

use bytes::{Bytes, BytesMut};
use rustix::process::{Resource, getrlimit, setrlimit};
use zab_trace::EventKind;
use zab_wire::quorum::{ForwardedRequest, LearnerInfo, PROTOCOL_VERSION};
use zab_wire::{OpCode, PacketType, QuorumPacket, Record as _};

use crate::client::Client;
use crate::cluster::{Cluster, connect, until};

fn packet(kind: PacketType, zxid: i64, data: Option<Bytes>) -> QuorumPacket {
    QuorumPacket { kind, zxid, data, auth: None }
}

fn follower_info(server: u64) -> QuorumPacket {
    let server = i64::try_from(server).unwrap();
    let info = LearnerInfo { server, protocol_version: PROTOCOL_VERSION, config_version: 0 };
    packet(PacketType::FollowerInfo, 0, Some(info.to_bytes()))
}

fn close_session(session: i64) -> QuorumPacket {
    let request = ForwardedRequest {
        session,
        cxid: 1,
        op: OpCode::CloseSession.number(),
        payload: Bytes::new(),
    };
    packet(PacketType::Request, -1, Some(request.to_bytes()))
}

/// A learner that no server is.
struct Impostor {
    stream: TcpStream,
    input: BytesMut,
}

impl Impostor {
    fn connect(port: u16, name: u64) -> Self {
        let stream = connect(port).unwrap();
        let mut impostor = Self { stream, input: BytesMut::new() };
        impostor.say(&follower_info(name));
        impostor
    }

    fn say(&mut self, packet: &QuorumPacket) {
        // The server may have closed.
        let _ = self.stream.write_all(&packet.to_bytes());
    }

    /// The next packet of this kind; `None` if the connection has ended.
    fn hear(&mut self, kind: PacketType) -> Option<QuorumPacket> {
        loop {
            if let Some(packet) = QuorumPacket::take(&mut self.input).unwrap() {
                if packet.kind == kind {
                    return Some(packet);
                }
                continue;
            }
            let mut bytes = [0; 4096];
            match self.stream.read(&mut bytes) {
                Ok(read) if read > 0 => self.input.extend_from_slice(&bytes[..read]),
                Ok(_) => return None,
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}");
                    return None;
                }
            }
        }
    }
}

/// Three servers that serve, and take nobody for silent while a loaded machine holds it up.
fn patient() -> Cluster {
    let mut cluster = Cluster::new("initLimit=1000\nsyncLimit=1000\n");
    for id in 1..=3 {
        cluster.start(id);
    }
    cluster.all_serve();
    cluster
}

/// While the followers are connected, nobody gets their places by saying their names.
#[test]
fn a_name_does_not_replace_a_follower() {
    let mut cluster = patient();
    let leader = cluster.all_serve();
    let ports = cluster.ports[&leader];
    let mut writer = until("a session", || Client::connect(ports.client));
    let ended = |cluster: &Cluster| {
        let events = cluster.events(leader, 1);
        events.iter().filter(|e| matches!(e.event.kind, EventKind::Disconnected { .. })).count()
    };
    let before = ended(&cluster);
    let mut impostors = Vec::new();
    for number in 0..30 {
        for name in (1..=3).filter(|name| *name != leader) {
            impostors.push(Impostor::connect(ports.quorum, name));
        }
        assert_eq!(writer.create(&format!("/node-{number}")).unwrap(), 0);
    }
    assert_eq!(cluster.all_serve(), leader);
    assert_eq!(ended(&cluster), before, "no follower has lost its connection");
    // When the follower really is gone and comes back, those who wait do not keep it out.
    let follower = (1..=3).find(|id| *id != leader).unwrap();
    cluster.kill(follower);
    cluster.start(follower);
    cluster.serves(follower);
    stop(&mut cluster);
}

/// Neither who has only said a name, nor who plays a whole follower, closes others' sessions.
#[test]
fn only_a_sessions_own_server_closes_it() {
    let mut cluster = patient();
    let leader = cluster.all_serve();
    let (victims, absent) = {
        let mut followers = (1..=3).filter(|id| *id != leader);
        (followers.next().unwrap(), followers.next().unwrap())
    };
    let quorum = cluster.ports[&leader].quorum;
    let mut victim = until("a session", || Client::connect(cluster.ports[&victims].client));
    let mut at_leader = until("a session", || Client::connect(cluster.ports[&leader].client));
    let mut waiting = Impostor::connect(quorum, victims);
    waiting.say(&close_session(victim.session()));

    cluster.kill(absent);
    let mut early = Impostor::connect(quorum, absent);
    early.say(&close_session(victim.session()));
    assert_eq!(early.hear(PacketType::Sync), None, "asking before it follows ends the connection");

    let mut whole = Impostor::connect(quorum, absent);
    let epoch = whole.hear(PacketType::LeaderInfo).unwrap().zxid;
    // It claims to have the first transaction, so that it gets the others one by one.
    whole.say(&packet(PacketType::AckEpoch, 1 << 32 | 1, Some(1_i32.to_bytes())));
    whole.hear(PacketType::NewLeader).unwrap();
    whole.say(&packet(PacketType::Ack, epoch, None));
    whole.hear(PacketType::UpToDate).unwrap();
    for session in [victim.session(), at_leader.session()] {
        whole.say(&close_session(session));
    }
    // Its answer says that everything before it has been taken up.
    let sync = ForwardedRequest {
        session: 0,
        cxid: 2,
        op: OpCode::Sync.number(),
        payload: Bytes::from_static(&[0, 0, 0, 1, b'/']),
    };
    whole.say(&packet(PacketType::Request, -1, Some(sync.to_bytes())));
    whole.hear(PacketType::Sync).unwrap();
    assert_eq!(victim.create("/victim").unwrap(), 0);
    assert_eq!(at_leader.create("/at-leader").unwrap(), 0);
    drop(whole);
    cluster.start(absent);
    cluster.serves(absent);
    stop(&mut cluster);
}

/// `LearnerHandler.ping`: the last zxid that was proposed, and before that where the epoch begins.
#[test]
fn a_leader_without_transactions_pings_with_the_beginning_of_its_epoch() {
    let mut cluster = Cluster::new("initLimit=1000\nsyncLimit=1000\n");
    cluster.start(1);
    cluster.start(2);
    let leader = until("a leader", || {
        (1..=2).find(|id| cluster.word(*id, "srvr").is_some_and(|said| said.contains("leader")))
    });
    let mut learner = Impostor::connect(cluster.ports[&leader].quorum, 3);
    let epoch = learner.hear(PacketType::LeaderInfo).unwrap().zxid;
    learner.say(&packet(PacketType::AckEpoch, 0, Some(0_i32.to_bytes())));
    learner.hear(PacketType::NewLeader).unwrap();
    learner.say(&packet(PacketType::Ack, epoch, None));
    learner.hear(PacketType::UpToDate).unwrap();
    assert_eq!(learner.hear(PacketType::Ping).unwrap().zxid, epoch);
    for id in 1..=2 {
        assert_eq!(cluster.stop(id).code(), Some(0), "server {id} stops cleanly");
    }
}

/// A learner in this name at whoever leads, which never says anything again; if it `serves`, it has
/// been brought up to date before. `None`: its connection has ended meanwhile.
fn silent(cluster: &Cluster, name: u64, serves: bool) -> Option<Impostor> {
    let leads = |id: &u64| cluster.mode(*id).is_some_and(|mode| mode == "leader");
    let leader = (1..=3).find(leads)?;
    let mut learner =
        Impostor { stream: connect(cluster.ports[&leader].quorum)?, input: BytesMut::new() };
    learner.say(&follower_info(name));
    let epoch = learner.hear(PacketType::LeaderInfo)?.zxid;
    if serves {
        learner.say(&packet(PacketType::AckEpoch, 1 << 32 | 1, Some(1_i32.to_bytes())));
        learner.hear(PacketType::NewLeader)?;
        learner.say(&packet(PacketType::Ack, epoch, None));
        learner.hear(PacketType::UpToDate)?;
    }
    Some(learner)
}

/// A server whose power fails leaves its connection half open: nobody ends it. When the server comes
/// again, on a second connection, the leader ends the first one, because it is silent: after
/// `syncLimit` if it served, and much sooner than after `initLimit` if it did not.
#[test]
fn a_follower_comes_again_beside_its_half_open_connection() {
    let mut cluster = Cluster::new("initLimit=10000\n");
    for id in 1..=3 {
        cluster.start(id);
    }
    let leader = cluster.all_serve();
    let follower = (1..=3).find(|id| *id != leader).unwrap();
    for serves in [false, true] {
        cluster.kill(follower);
        let mut half_open =
            until("a connection in its name", || silent(&cluster, follower, serves));
        cluster.start(follower);
        cluster.serves(follower);
        assert_eq!(half_open.hear(PacketType::Snap), None, "the older connection has ended");
        until("a write", || {
            let mut client = Client::connect(cluster.ports[&follower].client)?;
            // The answer to an attempt before may have been lost.
            client.create(&format!("/{serves}")).ok().filter(|error| [0, -110].contains(error))
        });
    }
    stop(&mut cluster);
}

/// Many connections that say nothing, while a follower comes back: on the quorum port for longer
/// than the test waits, because `initLimit` is; on the election port they are renewed.
#[test]
fn those_who_say_nothing_keep_nobody_out() {
    let mut cluster = Cluster::new("initLimit=10000\n");
    for id in 1..=3 {
        cluster.start(id);
    }
    let leader = cluster.all_serve();
    let follower = (1..=3).find(|id| *id != leader).unwrap();
    let idle = |port: u16| (0..300).filter_map(|_| connect(port)).collect::<Vec<_>>();
    more_descriptors();
    cluster.kill(follower);
    let quorum = idle(cluster.ports[&leader].quorum);
    let election: Vec<_> = (1..=3).map(|id| idle(cluster.ports[&id].election)).collect();
    cluster.start(follower);
    cluster.serves(follower);
    drop((quorum, election));
    cluster.finish();
}

/// `ulimit -n` and more clients than that: the server that becomes the leader can listen.
#[test]
fn clients_do_not_use_up_what_the_quorum_needs() {
    let mut cluster = Cluster::new("maxClientCnxns=0\n");
    cluster.descriptors = Some(200);
    for id in 1..=3 {
        cluster.start(id);
    }
    let leader = cluster.all_serve();
    more_descriptors();
    let idle: Vec<TcpStream> = (1..=3)
        .flat_map(|id| {
            (0..250).filter_map(|_| connect(cluster.ports[&id].client)).collect::<Vec<_>>()
        })
        .collect();
    cluster.kill(leader);
    let is_established = |kind: &EventKind| matches!(kind, EventKind::Established { .. });
    let others: Vec<u64> = (1..=3).filter(|id| *id != leader).collect();
    until("one of the others to lead", || {
        others.iter().any(|id| cluster.has_event(*id, is_established)).then_some(())
    });
    drop(idle);
    for id in others {
        cluster.serves(id);
    }
    cluster.start(leader);
    cluster.serves(leader);
    cluster.finish();
}

/// All stop cleanly. Their traces hold messages that no server sent, and are not looked at.
fn stop(cluster: &mut Cluster) {
    for id in 1..=3 {
        assert_eq!(cluster.stop(id).code(), Some(0), "server {id} stops cleanly");
    }
}

/// This process plays many clients.
fn more_descriptors() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
}
