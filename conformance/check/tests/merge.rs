//! The order of lines comes from the lines, not from where they stand.

use std::collections::BTreeMap;

use zab_check::{Dice, Exit, Options, Summary, Verdict, check};
use zab_sim::{Config, header, simulate};
use zab_trace::{
    Chain, ConnectionName, Event, EventKind, Header, Located, Source, Trace, TraceFile,
};

fn run(seed: u64) -> (Header, Vec<Event>) {
    let config = Config { events: 250, ..Config::default() };
    (header(seed, &config), simulate(seed, &config).events)
}

fn file(name: &str, header: &Header, events: Vec<Event>) -> TraceFile {
    let located = events.into_iter().zip(2..).map(|(event, line)| Located::new(line, event));
    TraceFile { name: name.to_owned(), header: header.clone(), events: located.collect() }
}

/// One file for each life of each server, and one for the recorder.
fn apart(header: &Header, events: &[Event]) -> Vec<TraceFile> {
    let mut parts: BTreeMap<(bool, u64, u32), Vec<Event>> = BTreeMap::new();
    for event in events {
        let harness = event.chain == Chain::harness();
        let key = if harness { (true, 0, 0) } else { (false, event.server, event.incarnation) };
        parts.entry(key).or_default().push(event.clone());
    }
    let files = parts.into_iter().map(|((harness, server, incarnation), events)| {
        let source = if harness { Source::Harness } else { Source::Sim };
        let header = Header { source, ..header.clone() };
        file(&format!("{server}-{incarnation}"), &header, events)
    });
    files.collect()
}

fn accepted(files: Vec<TraceFile>) -> Summary {
    match check(&Trace { files }, &Options::default()).verdict {
        Verdict::Conforms(summary) => summary,
        other @ (Verdict::Diverges(_)
        | Verdict::Violates(_)
        | Verdict::Inconclusive(_)
        | Verdict::Refused(_)) => panic!("{other}"),
    }
}

#[test]
fn files_may_come_in_any_order() {
    let mut dice = Dice::new(7);
    for seed in 0..20 {
        let (header, events) = run(seed);
        let whole = accepted(vec![file("whole", &header, events.clone())]);
        let mut files = apart(&header, &events);
        for index in 0..files.len() {
            let other = dice.below(files.len());
            files.swap(index, other);
        }
        assert_eq!(accepted(files), whole, "seed {seed}");
    }
}

#[test]
fn chains_may_stand_one_after_the_other_in_one_file() {
    for seed in 0..10 {
        let (header, events) = run(seed);
        let whole = accepted(vec![file("whole", &header, events.clone())]);
        let mut sorted = events;
        sorted.sort_by_key(|event| (event.server, event.incarnation, event.seq));
        assert_eq!(accepted(vec![file("sorted", &header, sorted)]), whole, "seed {seed}");
    }
}

/// Behind a relay the two ends of a connection know it by different names.
#[test]
fn joined_connections_are_one() {
    for seed in 0..10 {
        let (header, events) = run(seed);
        let mut files = apart(&header, &events);
        let mut joined: BTreeMap<ConnectionName, ConnectionName> = BTreeMap::new();
        for located in files.iter_mut().flat_map(|file| &mut file.events) {
            let server = located.event.server;
            let name = match &mut located.event.kind {
                EventKind::Connected { connection, .. }
                | EventKind::Disconnected { connection } => connection,
                EventKind::Sent(packet) | EventKind::Received(packet) => &mut packet.connection,
                EventKind::Start { .. }
                | EventKind::Stop
                | EventKind::Killed
                | EventKind::Persisted(_)
                | EventKind::Delivered { .. }
                | EventKind::Looking { .. }
                | EventKind::Resent
                | EventKind::Elected { .. }
                | EventKind::Proposed { .. }
                | EventKind::Established { .. }
                | EventKind::Committed { .. }
                | EventKind::Joined { .. } => continue,
            };
            let accepts = name.as_str().contains(&format!(">10.0.0.{server}:"));
            if accepts {
                let behind = ConnectionName::new("relay", name.as_str().replace('>', "-"));
                joined.insert(name.clone(), behind.clone());
                *name = behind;
            }
        }
        let lines = joined.into_iter().zip(0..);
        let lines = lines.map(|((left, right), seq)| Event::joined(seq, left, right)).collect();
        let harness = Header { source: Source::Harness, ..header.clone() };
        let without = check(&Trace { files: files.clone() }, &Options::default()).verdict;
        assert_eq!(without.exit(), Exit::Inconclusive, "seed {seed}: {without}");
        files.push(file("relay", &harness, lines));
        accepted(files);
    }
}
