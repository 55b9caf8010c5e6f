//! Captures of real servers, one for each scenario and implementation: every byte of them has a
//! meaning, and exactly the listed properties are violated.
//!
//! `conformance/capture/corpus/IMPLEMENTATION/SCENARIO.raw.ndjson`; the header of each says where it
//! comes from. To record one again: `zabcheck record --target apache --scenario SCENARIO --out DIR`,
//! and take `DIR/capture.raw.ndjson`.

mod corpus_files;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use corpus_files::{captures, members};
use zab_capture::properties::{
    self, Members, W_ACKNOWLEDGED, W_CLIENT, W_COMMITTED, W_DIGEST, W_QUORUM,
};
use zab_capture::raw::{Header, Reader};

/// What is violated, where something is.
const VIOLATED: &[(&str, &[&str])] = &[
    ("apache-3.8.0/kill-at-newleader-ack", &[W_ACKNOWLEDGED]),
    ("apache-3.8.0/stale-ack", &[W_CLIENT, W_COMMITTED, W_QUORUM]),
    ("apache-3.8.0/stale-ack-late", &[W_CLIENT, W_COMMITTED, W_QUORUM]),
    ("apache-3.8.0/truncate-after-snap", &[W_QUORUM]),
    ("apache-3.8.0/truncate-first", &[W_QUORUM]),
    ("apache-3.9.3/stale-ack", &[W_CLIENT, W_COMMITTED, W_QUORUM]),
    ("apache-3.9.3/stale-ack-late", &[W_CLIENT, W_COMMITTED, W_QUORUM]),
    ("apache-3.9.3/truncate-first", &[W_QUORUM]),
];

fn open(path: &Path) -> BufReader<File> {
    BufReader::new(File::open(path).expect("the capture"))
}

fn header(path: &Path) -> Header {
    let mut reader = Reader::new(open(path));
    reader.next_entry().expect("an entry");
    reader.header().cloned().expect("a header")
}

#[test]
fn exactly_the_listed_properties_are_violated() {
    let captures = captures();
    assert!(captures.len() > 20, "{} captures", captures.len());
    for (name, path) in &captures {
        let header = header(path);
        assert!(header.software.is_some() && header.note.is_some(), "{name} has no origin");
        let members = members(Some(&header));
        let report = properties::check(&members, open(path)).expect("a capture");
        let found: BTreeSet<&str> = report.findings.iter().map(|finding| finding.rule).collect();
        let expected =
            VIOLATED.iter().find(|(listed, _)| listed == name).map_or(&[][..], |(_, rules)| rules);
        assert_eq!(found, expected.iter().copied().collect(), "{name}: {:?}", report.findings);
        assert_eq!(report.doubts, Vec::<String>::new(), "{name}");
        assert_eq!(report.summary.errors, 0, "{name}");
        let looked_at = |rule: &str| {
            report.counts.iter().filter(|count| count.rule == rule).map(|count| count.number).sum()
        };
        let numbers: [u64; 2] = [looked_at(W_QUORUM), looked_at(W_DIGEST)];
        assert!(numbers.iter().all(|number| *number > 4), "{name}: {numbers:?}");
    }
    for (name, _) in VIOLATED {
        assert!(captures.iter().any(|(there, _)| there == name), "{name} is not there");
    }
}

/// The order in which the finding of a stale acknowledgement is told.
#[test]
fn a_stale_acknowledgement_is_told_with_its_packets() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let path = root.join("apache-3.8.0/stale-ack.raw.ndjson");
    let members = Members { servers: [1, 2, 3].into(), observers: BTreeSet::new() };
    let report = properties::check(&members, open(&path)).expect("a capture");
    let finding =
        report.findings.iter().find(|finding| finding.rule == W_QUORUM).expect("a finding");
    let words = ["ACK ", "ended: cut", "ACKEPOCH ", "TRUNC ", "COMMIT "];
    assert_eq!(finding.packets.len(), words.len(), "{finding:?}");
    for (packet, word) in finding.packets.iter().zip(words) {
        assert!(packet.text.contains(word), "{word}: {}", packet.text);
    }
}
