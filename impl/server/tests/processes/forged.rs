//! Forged votes and epochs against real processes: a table of fields and values. After each the
//! leader is killed, and then all are restarted; the ensemble serves each time.
//!
//! `ZAB_RUNS` says how many rows of the table are tried. The core's own tests try all of them.

use std::io::Write as _;
use std::net::TcpStream;

use bytes::{Bytes, BytesMut};
use zab_wire::election::{InitialMessage, Notification, ServerState};
use zab_wire::quorum::{LearnerInfo, PROTOCOL_VERSION};
use zab_wire::{PacketType, QuorumPacket, Record as _};

use crate::cluster::{Cluster, connect, until};

/// Which field of which message is forged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Round,
    VoteZxid,
    VoteEpoch,
    VoteLeader,
    FollowerInfo,
    AckEpochCurrent,
    AckEpochLast,
    AckLd,
}

const FIELDS: [Field; 8] = [
    Field::Round,
    Field::VoteZxid,
    Field::VoteEpoch,
    Field::VoteLeader,
    Field::FollowerInfo,
    Field::AckEpochCurrent,
    Field::AckEpochLast,
    Field::AckLd,
];

/// When it arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    /// A server looks for a leader, and the election that follows.
    Looking,
    /// All serve.
    Settled,
}

impl Field {
    fn is_vote(self) -> bool {
        matches!(self, Self::Round | Self::VoteZxid | Self::VoteEpoch | Self::VoteLeader)
    }

    /// The ends of the field's width, as 64 bits on the wire.
    fn values(self) -> Vec<i64> {
        match self {
            Self::Round | Self::VoteZxid | Self::AckEpochLast => {
                vec![0, 1, i64::MAX - 2, i64::MAX - 1, i64::MAX, -1]
            }
            Self::VoteEpoch => {
                let max = i64::from(u32::MAX);
                vec![0, 1, max - 2, max - 1, max, i64::MAX, -1]
            }
            Self::VoteLeader => vec![0, 1, 2, 3, i64::MAX, -1],
            // An epoch of 32 bits, in the upper half of a zxid.
            Self::FollowerInfo | Self::AckLd => {
                let signed = i64::from(i32::MAX);
                let epochs = [0, 1, signed - 2, signed - 1, signed, -3, -2, -1];
                epochs.map(|epoch| epoch << 32).to_vec()
            }
            Self::AckEpochCurrent => {
                [0, 1, i32::MAX - 2, i32::MAX - 1, i32::MAX, -3, -2, -1].map(i64::from).to_vec()
            }
        }
    }
}

/// A vote in the name of `server`.
fn vote(server: i64, field: Field, value: i64) -> Vec<u8> {
    let first = InitialMessage { server, address: Some("127.0.0.1:1".to_owned()) };
    let mut forged = Notification {
        state: ServerState::Looking,
        leader: server,
        zxid: 1 << 32 | 1,
        election_epoch: 2,
        peer_epoch: 1,
        config: Some(Bytes::from_static(b"version=0")),
        version: 2,
    };
    match field {
        Field::Round => forged.election_epoch = value,
        Field::VoteZxid => forged.zxid = value,
        Field::VoteEpoch => forged.peer_epoch = value,
        Field::VoteLeader => forged.leader = value,
        Field::FollowerInfo | Field::AckEpochCurrent | Field::AckEpochLast | Field::AckLd => {
            unreachable!("{field:?} is no field of a vote")
        }
    }
    let mut out = BytesMut::from(&first.to_bytes()[..]);
    forged.put(&mut out);
    out.to_vec()
}

/// What a learner says in the name of `server`, up to the forged field.
fn learner(server: i64, field: Field, value: i64) -> Vec<u8> {
    let or = |which, otherwise| if field == which { value } else { otherwise };
    let info = LearnerInfo { server, protocol_version: PROTOCOL_VERSION, config_version: 0 };
    let info = (PacketType::FollowerInfo, or(Field::FollowerInfo, 1 << 32), Some(info.to_bytes()));
    let current = i32::try_from(or(Field::AckEpochCurrent, 1)).unwrap();
    let last = or(Field::AckEpochLast, 0);
    let epoch = (PacketType::AckEpoch, last, Some(current.to_bytes()));
    let adopted = (PacketType::Ack, or(Field::AckLd, 1 << 32), None);
    let said = if field == Field::FollowerInfo { vec![info] } else { vec![info, epoch, adopted] };
    let packets = said.into_iter().map(|(kind, zxid, data)| {
        QuorumPacket { kind, zxid, data, auth: None }.to_bytes().to_vec()
    });
    packets.collect::<Vec<_>>().concat()
}

/// Sends this to the servers, in the name of each other one; the connections stay open. Only a
/// leader listens on the quorum port.
fn attack(cluster: &Cluster, to: &[u64], field: Field, value: i64) -> Vec<TcpStream> {
    let mut open = Vec::new();
    for id in to {
        for name in (1..=3).filter(|name| name != id) {
            let ports = cluster.ports[id];
            let name = i64::try_from(name).unwrap();
            let (port, bytes) = if field.is_vote() {
                (ports.election, vote(name, field, value))
            } else {
                (ports.quorum, learner(name, field, value))
            };
            if let Some(mut stream) = connect(port) {
                // The server may have closed already.
                let _ = stream.write_all(&bytes);
                open.push(stream);
            }
        }
    }
    open
}

fn restart_all(cluster: &mut Cluster, attack_now: impl FnOnce(&Cluster) -> Vec<TcpStream>) {
    for id in 1..=3 {
        cluster.kill(id);
    }
    cluster.start(1);
    until("server 1 to look for a leader", || cluster.word(1, "ruok"));
    let _open = attack_now(cluster);
    cluster.start(2);
    cluster.start(3);
    cluster.all_serve();
}

fn survives(cluster: &mut Cluster, moment: Moment, field: Field, value: i64) {
    println!("{moment:?} {field:?} {value}");
    let open = match moment {
        Moment::Settled => attack(cluster, &[1, 2, 3], field, value),
        Moment::Looking if field.is_vote() => {
            restart_all(cluster, |cluster| attack(cluster, &[1], field, value));
            Vec::new()
        }
        // A port that is listened on for the first time belongs to a leader that has just been
        // elected: it is attacked at that moment.
        Moment::Looking => {
            let leader = cluster.all_serve();
            cluster.kill(leader);
            let open = until("somebody to listen", || {
                let open = attack(cluster, &[1, 2, 3], field, value);
                (!open.is_empty()).then_some(open)
            });
            cluster.start(leader);
            open
        }
    };
    let leader = cluster.all_serve();
    drop(open);
    cluster.kill(leader);
    for id in (1..=3).filter(|id| *id != leader) {
        cluster.serves(id);
    }
    cluster.start(leader);
    cluster.all_serve();
    restart_all(cluster, |_| Vec::new());
}

#[test]
fn no_forged_vote_or_epoch_stops_an_ensemble() {
    let mut table = Vec::new();
    for moment in [Moment::Looking, Moment::Settled] {
        for field in FIELDS {
            table.extend(field.values().into_iter().map(|value| (moment, field, value)));
        }
    }
    let rows = std::env::var("ZAB_RUNS").ok().and_then(|runs| runs.parse().ok());
    let rows = rows.unwrap_or(3_usize).clamp(1, table.len());
    // Without a share of their own: those that stopped ensembles.
    let known = [
        (Moment::Looking, Field::Round, i64::MAX),
        (Moment::Looking, Field::FollowerInfo, -3 << 32),
    ];
    let mut cluster = Cluster::started();
    let step = table.len() / rows;
    for (moment, field, value) in known.into_iter().chain(table.into_iter().step_by(step)) {
        survives(&mut cluster, moment, field, value);
    }
    for id in 1..=3 {
        assert_eq!(cluster.stop(id).code(), Some(0), "server {id} stops cleanly");
    }
}
