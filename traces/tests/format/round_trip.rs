//! Reading and writing are inverse to each other.

use std::fs;

use crate::common::{corpus, event, header, text};
use proptest::collection::vec;
use proptest::prelude::*;
use zab_trace::{
    Contract, EventName, Expect, Header, Implementation, Located, Reader, Source, Trace, Verdict,
};

proptest! {
    #[test]
    fn what_is_written_is_read(events in vec(event(), 0..8)) {
        let written = text(&header(), &events);
        let reader = Reader::new("test", written.as_slice()).expect("a header");
        let read: Vec<Located> = reader.collect::<Result<_, _>>().expect("good events");
        for (index, (event, located)) in events.iter().zip(&read).enumerate() {
            prop_assert_eq!(event, &located.event);
            prop_assert_eq!(index as u64 + 2, located.line);
        }
        prop_assert_eq!(events.len(), read.len());
    }
}

#[test]
fn every_file_of_the_corpus_is_canonical() {
    for path in corpus() {
        let bytes = fs::read(&path).expect("a readable file");
        let trace = Trace::load(&[&path]).expect("a readable trace");
        let events: Vec<_> = trace.files[0].events.iter().map(|l| l.event.clone()).collect();
        assert!(!events.is_empty(), "{}", path.display());
        assert_eq!(text(trace.header(), &events), bytes, "{}", path.display());
    }
}

#[test]
fn a_header_with_everything_is_read_as_written() {
    let full = Header {
        version: 1,
        source: Source::Sim,
        implementation: Implementation { name: "a \"b\"".to_owned(), version: "\u{e9}".to_owned() },
        servers: vec![1, 2, u64::MAX],
        observers: vec![7],
        profile: "fixed".to_owned(),
        window: 1,
        seed: Some(u64::MAX),
        contract: Contract {
            hidden: vec![EventName::Sent, EventName::Start],
            state: false,
            silent: vec![2],
        },
        expect: Some(Expect {
            verdict: Verdict::Diverges,
            line: Some(17),
            rule: Some("f.1.2".to_owned()),
        }),
        note: Some("why".to_owned()),
    };
    let written = text(&full, &[]);
    let reader = Reader::new("test", written.as_slice()).expect("a header");
    assert_eq!(reader.header(), &full);
}

/// Unknown fields are ignored, wherever they stand, and so are spaces and the order of keys.
#[test]
fn a_line_need_not_be_canonical() {
    let line = r#" { "event" : "Sent", "seq":0, "t":[1,{"a":null}], "incarnation":1, "message":
        {"zxid":"1.2","x":{},"type":"ACK"}, "connection":"a\u003eb", "peer":2, "ordinal":0,
        "server":1, "chain":"main", "after":[], "state":{"mood":"good"}} "#;
    let mut bytes = text(&header(), &[]);
    bytes.extend(line.replace('\n', " ").bytes());
    bytes.push(b'\n');
    let mut reader = Reader::new("test", bytes.as_slice()).expect("a header");
    let event = reader.next().expect("an event").expect("a good event").event;
    let canonical = text(&header(), &[event]);
    let canonical = String::from_utf8_lossy(&canonical);
    assert_eq!(
        canonical.lines().nth(1),
        Some(
            r#"{"server":1,"incarnation":1,"seq":0,"event":"Sent","connection":"a>b","ordinal":0,"peer":2,"message":{"type":"ACK","zxid":"1.2"},"state":{}}"#
        )
    );
}

/// A writer hands over whole lines, one call each, so that a kill cannot cut one.
#[test]
fn every_line_is_one_write() {
    #[derive(Default)]
    struct Calls(Vec<Vec<u8>>);

    impl std::io::Write for Calls {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.push(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    let event = zab_trace::Event::new(1, 1, 0, zab_trace::EventKind::Stop);
    let mut writer = zab_trace::Writer::new(Calls::default(), &header()).expect("a header");
    writer.write(&event).expect("an event");
    writer.write(&event).expect("an event");
    let calls = writer.into_inner().0;
    assert_eq!(calls.len(), 3);
    assert!(calls.iter().all(|call| call.ends_with(b"}\n")));
}
