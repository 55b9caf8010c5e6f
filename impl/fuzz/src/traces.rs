//! The reader of traces.

use zab_trace::{
    ConnectionName, Event, EventKind, Header, Implementation, Lint, Message, Packet, Persisted,
    Reader, Recovered, Role, Source, Writer, Zxid,
};

/// A trace file: what is read is written and read again, and the lint takes all of it.
pub(crate) fn run(bytes: &[u8]) {
    let Ok(reader) = Reader::new("trace", bytes) else { return };
    let header = reader.header().clone();
    let mut lint = Lint::default();
    lint.file("trace", &header);
    let mut events = Vec::new();
    for located in reader {
        let Ok(located) = located else { break };
        lint.event(&located);
        events.push(located.event);
    }
    let _ = lint.finish();
    let written = write(&header, &events);
    let again = Reader::new("again", &*written).expect("the own header");
    assert_eq!(again.header(), &header);
    let again: Vec<Event> = again.map(|located| located.expect("an own line").event).collect();
    assert_eq!(again, events);
}

fn write(header: &Header, events: &[Event]) -> Vec<u8> {
    // The canonical spelling is never longer than the one that was read, but for escapes.
    let mut writer = Writer::new(Vec::new(), header).expect("a line within the limit");
    for event in events {
        writer.write(event).expect("a line within the limit");
    }
    writer.into_inner()
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let implementation = Implementation { name: "fuzz".to_owned(), version: "1".to_owned() };
    let mut header = Header::new(Source::Hand, implementation, vec![1, 2]);
    header.seed = Some(7);
    header.note = Some("a \"note\"".to_owned());
    let zxid = Zxid::new(1, 2);
    let packet = |message| Packet {
        connection: ConnectionName::new("10.0.0.1:40001", "10.0.0.2:2888"),
        ordinal: 0,
        peer: 2,
        message,
    };
    let vote =
        Message::Notification { role: Role::Looking, leader: 2, zxid, round: 1, peer_epoch: 1 };
    let kinds = [
        EventKind::Start { recovered: Recovered::default() },
        EventKind::Looking { round: 1 },
        EventKind::Sent(packet(vote)),
        EventKind::Received(packet(Message::Diff { zxid })),
        EventKind::Persisted(Persisted::Log(zxid)),
        EventKind::Committed { zxid },
        EventKind::Stop,
    ];
    let events: Vec<Event> =
        (0..).zip(kinds).map(|(seq, kind)| Event::new(1, 1, seq, kind)).collect();
    vec![write(&header, &events), write(&header, &events[..2])]
}
