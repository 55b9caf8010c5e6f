//! The runs by which the checker tells whether a contract shows enough are what they say they are.

use std::fs;
use std::path::Path;

use zab_oracle::corrupt::corruptions;
use zab_oracle::{Walk, walk};
use zab_trace::{Event, Header, Reader, Writer};

/// The seed of the good run.
const SEED: u64 = 4;

/// The corruptions of it.
const CORRUPTIONS: [&str; 6] = [
    "leaderinfo_of_a_later_epoch",
    "newleader_of_the_older_epoch",
    "ackld_of_another_epoch",
    "proposal_with_wrong_zxid",
    "ack_of_a_transaction_never_received",
    "commit_of_wrong_zxid",
];

/// Compares a file with what it should hold; `ZAB_WRITE_CORPUS=1` writes it anew.
fn holds(name: &str, header: &Header, events: &[Event]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../check/src/check/adequacy");
    let path = folder.join(format!("{name}.ndjson"));
    if std::env::var_os("ZAB_WRITE_CORPUS").is_some() {
        let mut writer = Writer::new(Vec::new(), header).expect("memory");
        events.iter().for_each(|event| writer.write(event).expect("memory"));
        fs::write(&path, writer.into_inner()).expect("writable");
    }
    let lines = Reader::open(&path).expect("a trace");
    let held: Vec<Event> = lines.map(|line| line.expect("an event").event).collect();
    assert_eq!(held, events, "{name}");
}

#[test]
fn the_runs_are_a_walk_and_its_corruptions() {
    let (header, good) =
        walk(SEED, &Walk { servers: 2, events: 120, faults: 0, ..Walk::default() });
    holds("good", &header, &good);
    for name in CORRUPTIONS {
        let mut all = corruptions().into_iter();
        let corruption = all.find(|corruption| corruption.name == name).expect("a corruption");
        holds(name, &header, &corruption.apply(&good).expect("an opportunity").events);
    }
}
