//! Captures that others made: the decoder, its pictures for people and machines, and the properties.

use bytes::BytesMut;
use zab_capture::properties::{self, Members};
use zab_capture::raw::Port;
use zab_capture::{Stream, What};
use zab_wire::Record;

use crate::wire;

/// The first byte says whether the rest is a capture, or what one end of a connection sends.
pub(crate) fn run(bytes: &[u8]) {
    let Some((choice, bytes)) = bytes.split_first() else { return };
    let chunk = usize::from(choice / 8) + 1;
    match choice % 8 {
        0..4 => capture(bytes),
        4 => stream(Port::Election, true, bytes, chunk),
        5 => stream(Port::Election, false, bytes, chunk),
        6 => stream(Port::Quorum, true, bytes, chunk),
        _ => stream(Port::Quorum, false, bytes, chunk),
    }
}

/// Whatever it holds, every entry can be shown, and the properties say the same of it twice.
fn capture(bytes: &[u8]) {
    let mut shown = 0;
    // The error, if there is one, is as good as the capture.
    let _ = zab_capture::decode(bytes, |item| {
        shown += item.to_string().len();
        let is_message = !matches!(item.what, What::Other(_));
        assert_eq!(zab_capture::json(item).is_some(), is_message);
    });
    let members = Members { servers: [1, 2, 3].into(), observers: [].into() };
    let report = || properties::check(&members, bytes).map(|report| report.findings);
    if let (Ok(first), Ok(second)) = (report(), report()) {
        assert_eq!(first, second);
    }
}

/// The messages do not depend on how the bytes arrive.
fn stream(port: Port, by_dialler: bool, bytes: &[u8], chunk: usize) {
    let read = |chunk: usize| {
        let mut stream = Stream::new(port, by_dialler);
        let mut messages = Vec::new();
        for part in bytes.chunks(chunk) {
            stream.push(part);
            loop {
                match stream.take() {
                    Ok(Some(message)) => messages.push(message),
                    Ok(None) => break,
                    Err(broken) => return (messages, Some(broken)),
                }
            }
        }
        (messages, None)
    };
    let (at_once, in_pieces) = (read(bytes.len().max(1)), read(chunk));
    assert_eq!(at_once.0, in_pieces.0, "{chunk} bytes at a time");
    assert_eq!(at_once.1.is_some(), in_pieces.1.is_some(), "{chunk} bytes at a time");
}

/// A capture of Apache `ZooKeeper`, whole and in parts, and streams.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    const SAMPLE: &str = include_str!(
        "../../../conformance/capture/tests/captures/apache-3.8.0-first-start.raw.ndjson"
    );
    let lines: Vec<&str> = SAMPLE.lines().collect();
    let part = |count: usize| {
        let text: String = lines.iter().take(count).map(|line| format!("{line}\n")).collect();
        [&[0], text.as_bytes()].concat()
    };
    let mut packets = BytesMut::from(&[7 + 8 * 4][..]);
    wire::packets().iter().for_each(|packet| packet.encode(&mut packets));
    vec![part(20), part(60), part(120), packets.to_vec()]
}
