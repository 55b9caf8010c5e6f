use proptest::prelude::*;

use super::*;

fn own(is_leading: bool) -> Identity {
    let quorum_text = Bytes::from_static(b"server.1=a:1:2:participant\nversion=0");
    Identity { id: 2, quorum_text, last: Zxid::new(1, 2), is_leading, heard: Bytes::new() }
}

fn payload(zxid: Zxid) -> Vec<u8> {
    let header = TxnHeader { session: 1, cxid: 2, zxid: to_wire(zxid), time: 3, kind: -1 };
    [header.to_bytes(), (-101_i32).to_bytes()].concat()
}

fn messages() -> Vec<Message> {
    let zxid = Zxid::new(3, 17);
    vec![
        Message::LeaderInfo { new_epoch: 4 },
        Message::AckEpoch { current_epoch: None, last_zxid: zxid },
        Message::AckEpoch { current_epoch: Some(3), last_zxid: Zxid::ZERO },
        Message::Diff { zxid },
        Message::Trunc { zxid: Zxid::ZERO },
        Message::Snap { zxid },
        Message::Proposal { txn: Txn::new(zxid, payload(zxid)) },
        Message::Commit { zxid },
        Message::NewLeader { epoch: 4 },
        Message::AckLd { epoch: 4 },
        Message::Ack { zxid },
        Message::UpToDate,
        Message::Ping,
        Message::FollowerInfo { accepted_epoch: 3 },
    ]
}

#[test]
fn every_message_means_the_same_after_the_wire() {
    for message in messages() {
        for is_leading in [true, false] {
            let packet = to_packet(&message, &own(is_leading));
            let expected = if message == Message::Ping && !is_leading {
                Incoming::Heard(Vec::new())
            } else {
                Incoming::Message(message.clone())
            };
            assert_eq!(from_packet(&packet), Ok(expected));
            assert_eq!(to_bytes(&message, &own(is_leading)).concat(), packet.to_bytes());
        }
    }
    let packet = to_packet(&Message::FollowerInfo { accepted_epoch: 3 }, &own(false));
    assert_eq!(learner_info(&packet), Ok((2, 3)));
}

/// As in a capture of Apache ZooKeeper 3.8.0: an 8-byte session and a 4-byte timeout, back to back.
#[test]
fn a_learners_ping_lists_the_sessions_that_it_has_heard_of() {
    let sessions = vec![(0x0100_0000_0000_0007, 10_000), (5, 4000)];
    let own = Identity { heard: heard(sessions.clone()), ..own(false) };
    let packet = to_packet(&Message::Ping, &own);
    let data = packet.data.as_deref().unwrap();
    assert_eq!(data[..12], [1, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0x27, 0x10]);
    let Ok(Incoming::Heard(pings)) = from_packet(&packet) else { panic!("{packet:?}") };
    let told: Vec<_> = pings.iter().map(|ping| (ping.session, ping.timeout_ms)).collect();
    assert_eq!(told, sessions);
    let cut = QuorumPacket { data: Some(Bytes::copy_from_slice(&data[..23])), ..packet };
    assert!(from_packet(&cut).unwrap_err().starts_with("the data of PING"));
}

#[test]
fn packets_are_zookeepers() {
    let packet = |message, is_leading| to_packet(&message, &own(is_leading));
    let ack_ld = packet(Message::AckLd { epoch: 4 }, false);
    assert_eq!((ack_ld.kind, ack_ld.zxid, ack_ld.data), (PacketType::Ack, 4 << 32, None));
    assert_eq!(packet(Message::UpToDate, true).zxid, -1);
    let refused = packet(Message::AckEpoch { current_epoch: None, last_zxid: Zxid::ZERO }, false);
    assert_eq!(refused.data.as_deref(), Some(&[0xff; 4][..]));
    let info = packet(Message::FollowerInfo { accepted_epoch: 1 }, false).data.unwrap();
    assert_eq!(&info[..], [0, 0, 0, 0, 0, 0, 0, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let text = packet(Message::NewLeader { epoch: 1 }, true).data.unwrap();
    assert!(text.ends_with(b"\nversion=0"));
    // Java reads the data of a learner's PING without asking, and expects none of a leader's.
    assert_eq!(packet(Message::Ping, false).data.as_deref(), Some(&[][..]));
    assert_eq!(packet(Message::Ping, true).data, None);
}

#[test]
fn packets_that_contradict_themselves_end_the_connection() {
    let zxid = Zxid::new(3, 17);
    let data = Bytes::from(payload(Zxid::new(3, 18)));
    let other = QuorumPacket::with_data(PacketType::Proposal, to_wire(zxid), data);
    assert_eq!(from_packet(&other).unwrap_err(), "PROPOSAL 3.17 holds transaction 3.18");
    let bare = |kind| QuorumPacket::bare(kind, to_wire(zxid));
    let mut old = to_packet(&Message::FollowerInfo { accepted_epoch: 3 }, &own(false));
    old.data = Some(LearnerInfo { server: 2, protocol_version: 1, config_version: 0 }.to_bytes());
    let mut negative = old.clone();
    let info = LearnerInfo { server: -2, protocol_version: PROTOCOL_VERSION, config_version: 0 };
    negative.data = Some(info.to_bytes());
    let cases = [
        (bare(PacketType::Proposal), "without a transaction"),
        (bare(PacketType::NewLeader), "no start of an epoch"),
        (bare(PacketType::LeaderInfo), "no start of an epoch"),
        (bare(PacketType::AckEpoch), "without data"),
        (bare(PacketType::Request), "without data"),
        (bare(PacketType::Inform), "without a transaction"),
        (bare(PacketType::ObserverInfo), "without data"),
        (bare(PacketType::CommitAndActivate), "not supported"),
        (old, "too old"),
        (negative, "no id of a server"),
    ];
    for (packet, expected) in cases {
        let reason = from_packet(&packet).unwrap_err();
        assert!(reason.contains(expected), "{packet:?}: {reason}");
    }
}

#[test]
fn a_notification_means_the_same_after_the_wire() {
    let vote = Vote { leader: 3, zxid: Zxid::new(2, 1), peer_epoch: 2 };
    for role in [Role::Looking, Role::Following, Role::Leading] {
        let sent = Notification { role, vote, round: 7 };
        let text = Bytes::from_static(b"version=0");
        let wire = notification_to_wire(&sent, &text);
        assert_eq!((wire.version, wire.config.as_ref()), (2, Some(&text)));
        assert_eq!(notification(&wire, &[1, 2, 3]), Ok(Some(sent)));
        assert!(notification(&wire, &[1, 2]).unwrap_err().contains("3, who is no voter"));
    }
}

/// D-ROUND: a server in Java counts on into negative rounds, and compares them as numbers.
#[test]
fn a_negative_round_is_before_every_round() {
    let vote = Vote { leader: 1, zxid: Zxid::ZERO, peer_epoch: 0 };
    let sent = Notification { role: Role::Looking, vote, round: 1 };
    let wire = notification_to_wire(&sent, &Bytes::new());
    for (election_epoch, round) in
        [(i64::MIN, 0), (-1, 0), (0, 0), (1, 1), (i64::MAX, zab_core::ROUND_MAX)]
    {
        let wire = wire::Notification { election_epoch, ..wire.clone() };
        assert_eq!(notification(&wire, &[1, 2]), Ok(Some(Notification { round, ..sent })));
    }
}

#[test]
fn notifications_of_observers_do_not_count_and_absurd_ones_are_refused() {
    let vote = Vote { leader: 1, zxid: Zxid::ZERO, peer_epoch: 0 };
    let sent = Notification { role: Role::Observing, vote, round: 1 };
    let good = notification_to_wire(&sent, &Bytes::new());
    assert_eq!(notification(&good, &[1, 2]), Ok(None));
    let looking = wire::Notification { state: wire::ServerState::Looking, ..good };
    // While it looks for a leader it is answered, by whoever knows that it is an observer.
    let nobody = Vote { leader: 0, zxid: Zxid::ZERO, peer_epoch: 0 };
    let asking = Notification { role: Role::Looking, vote: nobody, round: 1 };
    let wire = notification_to_wire(&asking, &Bytes::new());
    assert_eq!((wire.leader, wire.zxid, wire.peer_epoch), (i64::MIN, i64::MIN, i64::MIN));
    assert_eq!(notification(&wire, &[1, 2]), Ok(Some(asking)));
    let following = wire::ServerState::Following;
    let absurd = [
        wire::Notification { leader: i64::MIN, state: following, ..looking.clone() },
        wire::Notification { leader: 3, ..looking.clone() },
        wire::Notification { peer_epoch: -1, ..looking.clone() },
        wire::Notification { peer_epoch: 1 << 32, ..looking },
    ];
    for wire in absurd {
        notification(&wire, &[1, 2]).unwrap_err();
    }
}

proptest! {
    #[test]
    fn any_packet_is_understood_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..64), kind in 1_i32..=19, zxid: i64) {
        let mut buffer = BytesMut::new();
        kind.encode(&mut buffer);
        zxid.encode(&mut buffer);
        Some(Bytes::from(bytes)).encode(&mut buffer);
        None::<Vec<Id>>.encode(&mut buffer);
        let packet = QuorumPacket::take(&mut buffer).unwrap().unwrap();
        let _ = from_packet(&packet);
    }
}
