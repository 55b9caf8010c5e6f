//! The first start of Apache ZooKeeper 3.8.0 and 3.9.3: every byte has a meaning.

use std::fmt::Write;

use zab_capture::{Summary, decode};

fn decoded(file: &str) -> (Summary, String) {
    let path = format!("{}/tests/captures/{file}", env!("CARGO_MANIFEST_DIR"));
    let bytes = std::fs::read(path).expect("the capture");
    let mut text = String::new();
    let summary = decode(bytes.as_slice(), |item| {
        writeln!(text, "{item}").expect("a text");
    });
    (summary.expect("a capture"), text)
}

#[test]
fn every_byte_of_3_8_0_has_a_meaning() {
    let (summary, text) = decoded("apache-3.8.0-first-start.raw.ndjson");
    assert_eq!((summary.errors, summary.unfinished_bytes), (0, 0));
    insta::assert_snapshot!("apache-3.8.0", format!("{summary:#?}\n{text}"));
}

#[test]
fn every_byte_of_3_9_3_has_a_meaning() {
    let (summary, text) = decoded("apache-3.9.3-first-start.raw.ndjson");
    assert_eq!((summary.errors, summary.unfinished_bytes), (0, 0));
    insta::assert_snapshot!("apache-3.9.3", format!("{summary:#?}\n{text}"));
}
