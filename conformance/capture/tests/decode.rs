//! Captures made by hand: snapshots to their last byte, bytes in any pieces, and bad input.

use bytes::{BufMut, Bytes, BytesMut};
use proptest::prelude::*;
use zab_capture::{CaptureError, Item, Message, Summary, What, decode};
use zab_wire::election::{InitialMessage, NOTIFICATION_VERSION, Notification, ServerState};
use zab_wire::snapshot::{put_end, put_head, put_signature};
use zab_wire::{PacketType, QuorumPacket, Record};

fn entry(fields: &str) -> String {
    format!("{{\"t\":1000,{fields}}}\n")
}

fn open(port: &str) -> String {
    entry(&format!(r#""ev":"open","cid":1,"ch":"{port}","frm":1,"to":2"#))
}

fn data(port: &str, from: i64, bytes: &[u8]) -> String {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let to = 3 - from;
    entry(&format!(r#""ev":"data","cid":1,"ch":"{port}","frm":{from},"to":{to},"hex":"{hex}""#))
}

fn read(capture: &str) -> (Result<Summary, CaptureError>, Vec<Item>) {
    let mut items = Vec::new();
    let summary = decode(capture.as_bytes(), |item| items.push(item.clone()));
    (summary, items)
}

fn messages(items: &[Item]) -> Vec<String> {
    let message = |item: &Item| match &item.what {
        What::Sent { message, .. } => Some(message.to_string()),
        What::Lost { .. } => Some(format!("LOST {}", item.what)),
        What::Other(_) => None,
    };
    items.iter().filter_map(message).collect()
}

/// SNAP, its snapshot, and NEWLEADER behind it.
fn synchronization() -> BytesMut {
    let mut bytes = BytesMut::new();
    QuorumPacket::bare(PacketType::Snap, 0x1_0000_0000).encode(&mut bytes);
    put_head(&mut bytes, &[], &[]);
    put_end(&mut bytes);
    put_signature(&mut bytes);
    let config = Bytes::from_static(b"server.1=a");
    QuorumPacket::with_data(PacketType::NewLeader, 0x1_0000_0000, config).encode(&mut bytes);
    bytes
}

fn election() -> BytesMut {
    let mut bytes = BytesMut::new();
    InitialMessage { server: 1, address: Some("0.0.0.0:1".to_owned()) }.encode(&mut bytes);
    for round in 1..4 {
        let notification = Notification {
            state: ServerState::Looking,
            leader: 1,
            zxid: 0,
            election_epoch: round,
            peer_epoch: 0,
            config: Some(Bytes::from_static(b"version=0")),
            version: NOTIFICATION_VERSION,
        };
        notification.put(&mut bytes);
    }
    bytes
}

proptest! {
    /// How a recorder reads a connection says nothing about its messages.
    #[test]
    fn pieces_make_no_difference(cuts in proptest::collection::vec(1_usize..40, 1..40)) {
        let streams = [("q", 2, synchronization()), ("e", 1, election())];
        for (port, from, bytes) in streams {
            let whole = open(port) + &data(port, from, &bytes);
            let (mut rest, mut pieces) = (bytes.as_ref(), open(port));
            for cut in cuts.iter().chain(&[usize::MAX]) {
                let (piece, left) = rest.split_at((*cut).min(rest.len()));
                pieces += &data(port, from, piece);
                rest = left;
            }
            let (summary, items) = read(&whole);
            let (of_pieces, items_of_pieces) = read(&pieces);
            prop_assert_eq!(messages(&items), messages(&items_of_pieces));
            prop_assert_eq!(summary?.messages, of_pieces?.messages);
        }
    }

    /// No bytes of a server and no text stop the decoder other than with an error that it returns.
    #[test]
    fn hostile_bytes_are_told(bytes: Vec<u8>, text in "\\PC{0,80}") {
        for (port, from) in [("q", 1), ("q", 2), ("e", 1), ("e", 2)] {
            let (summary, items) = read(&(open(port) + &data(port, from, &bytes)));
            let lost = items.iter().filter(|item| matches!(item.what, What::Lost { .. })).count();
            prop_assert!(summary?.errors >= lost as u64);
        }
        let _ = read(&text);
    }
}

#[test]
fn a_snapshot_ends_with_its_signature() {
    let (summary, items) = read(&(open("q") + &data("q", 2, &synchronization())));
    assert_eq!(
        messages(&items),
        ["SNAP 1.0", "SNAPSHOT sessions=0 acls=0 nodes=0 bytes=27", "NEWLEADER epoch=1 bytes=10"]
    );
    assert_eq!(summary.expect("a capture").unfinished_bytes, 0);
}

#[test]
fn what_does_not_end_is_counted() {
    let bytes = synchronization();
    let (summary, items) = read(&(open("q") + &data("q", 2, &bytes[..bytes.len() - 3])));
    assert_eq!(messages(&items).len(), 2);
    // NEWLEADER has 30 bytes.
    assert_eq!(summary.expect("a capture").unfinished_bytes, 27);
}

/// What follows bytes that are no packet belongs to nobody.
#[test]
fn a_direction_that_is_lost_stays_lost() {
    let mut bytes = BytesMut::new();
    bytes.put_i32(77);
    bytes.put_bytes(0, 16);
    let bad = data("q", 2, &bytes);
    let other = data("q", 1, &QuorumPacket::bare(PacketType::Ack, 0x1_0000_0001).to_bytes());
    let (summary, items) = read(&(open("q") + &bad + &bad + &other));
    let shown = messages(&items);
    assert_eq!(shown.len(), 2, "{shown:?}");
    assert!(
        shown[0].contains("expected the number of a quorum packet type, found 77"),
        "{shown:?}"
    );
    assert_eq!(shown[1], "ACK 1.1");
    assert_eq!(summary.expect("a capture").errors, 1);
}

/// A packet whose data is broken is told; the next packet can still be read.
#[test]
fn data_that_is_broken_does_not_lose_the_next_packet() {
    let mut bytes = BytesMut::new();
    let data_of = Bytes::from_static(b"x");
    QuorumPacket::with_data(PacketType::Proposal, 0x1_0000_0001, data_of).encode(&mut bytes);
    QuorumPacket::bare(PacketType::Commit, 0x1_0000_0001).encode(&mut bytes);
    let (summary, items) = read(&(open("q") + &data("q", 2, &bytes)));
    let shown = messages(&items);
    assert!(shown[0].starts_with("PROPOSAL 1.1 unreadable data: at byte 0"), "{shown:?}");
    assert_eq!(shown[1], "COMMIT 1.1");
    let names = items.iter().filter_map(|item| match &item.what {
        What::Sent { message, .. } => Some(Message::is_unreadable(message)),
        What::Lost { .. } | What::Other(_) => None,
    });
    assert_eq!(names.collect::<Vec<_>>(), [true, false]);
    assert_eq!(summary.expect("a capture").errors, 1);
}

#[test]
fn a_file_that_is_no_capture_says_where_and_why() {
    let cases = [
        (String::new(), "there is no entry in it"),
        ("{}\n".to_owned(), "line 1: expected an entry of a capture"),
        ("{\"capture\":2}\n".to_owned(), "line 1: capture form 2, expected 1"),
        (entry(r#""ev":"jump""#), "unknown variant `jump`, expected one of `listen`"),
        (entry(r#""ev":"open","cid":1,"ch":"q","frm":1"#), "missing field `to`"),
        (entry(r#""ev":"open","cid":1,"ch":"z","frm":1,"to":2"#), "unknown variant `z`"),
        (data("q", 1, &[0]), "line 1: connection 1 is not open"),
        (open("q") + &data("q", 3, &[0]), "line 2: server 3 is no end of connection 1"),
        (open("q") + &open("q"), "line 2: connection 1 was opened before"),
        (open("q") + &data("q", 1, &[7]).replace("07", "0g"), "line 2: expected an entry"),
        (
            entry(r#""ev":"mark","what":"start","sid":"3""#),
            r#""sid" is "3", expected the number of a server"#,
        ),
        (entry(r#""ev":"close","cid":4"#), "line 1: connection 4 is not open"),
    ];
    for (capture, words) in cases {
        let error = read(&capture).0.expect_err(words).to_string();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn a_header_is_read() {
    let header = r#"{"capture":1,"servers":[1,2],"observers":[],"software":"zookeeper 3.8.0"}"#;
    let (summary, _) = read(&format!("{header}\n{}", open("q")));
    let header = summary.expect("a capture").header.expect("a header");
    assert_eq!((header.servers, header.software.as_deref()), (vec![1, 2], Some("zookeeper 3.8.0")));
}
