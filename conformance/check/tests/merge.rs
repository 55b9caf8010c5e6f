//! The order of lines comes from the lines, not from where they stand.

use std::collections::BTreeMap;

use zab_check::{Exit, Inputs, Options, Summary, Verdict, check};
use zab_oracle::Rng;
use zab_sim::{Config, header, simulate};
use zab_trace::{
    Chain, ConnectionName, Event, EventKind, Header, Located, LogDigest, Phase, Recovered, Role,
    Source, State, Trace, TraceFile, Writer, Zxid,
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
    let mut rng = Rng::new(7);
    for seed in 0..20 {
        let (header, events) = run(seed);
        let whole = accepted(vec![file("whole", &header, events.clone())]);
        let mut files = apart(&header, &events);
        for index in 0..files.len() {
            let other = rng.below(files.len());
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
        let lines = behind_a_relay(&mut files);
        let harness = Header { source: Source::Harness, ..header.clone() };
        let without = check(&Trace { files: files.clone() }, &Options::default()).verdict;
        assert_eq!(without.exit(), Exit::Unknown, "seed {seed}: {without}");
        files.push(file("relay", &harness, lines));
        accepted(files);
    }
}

/// Joins what is behind a relay: every connection gets another name at its acceptor's end.
fn behind_a_relay(files: &mut [TraceFile]) -> Vec<Event> {
    let mut joined: BTreeMap<ConnectionName, ConnectionName> = BTreeMap::new();
    for located in files.iter_mut().flat_map(|file| &mut file.events) {
        let server = located.event.server;
        let Some(name) = located.event.kind.connection_mut() else { continue };
        if name.as_str().contains(&format!(">10.0.0.{server}:")) {
            let behind = ConnectionName::new("relay", name.as_str().replace('>', "-"));
            joined.insert(name.clone(), behind.clone());
            *name = behind;
        }
    }
    let lines = joined.into_iter().zip(0..);
    lines.map(|((left, right), seq)| Event::joined(seq, left, right)).collect()
}

/// The same lines, spread anew: each file is cut in three, neighbours change places, files change
/// places, and what a header says of its source is anything.
fn spread(files: &[TraceFile], rng: &mut Rng) -> Vec<TraceFile> {
    let mut spread = Vec::new();
    for part in files {
        let mut events: Vec<_> = part.events.iter().map(|l| l.event.clone()).collect();
        for index in 1..events.len() {
            if rng.below(4) == 0 {
                events.swap(index - 1, index);
            }
        }
        let length = events.len().div_ceil(3).max(1);
        for (number, piece) in events.chunks(length).enumerate() {
            let source = Source::ALL[rng.below(Source::ALL.len())];
            let header = Header { source, ..part.header.clone() };
            spread.push(file(&format!("{}.{number}", part.name), &header, piece.to_vec()));
        }
    }
    for index in 0..spread.len() {
        let other = rng.below(spread.len());
        spread.swap(index, other);
    }
    spread
}

#[test]
fn lines_may_stand_anywhere() {
    let mut rng = Rng::new(11);
    for seed in 0..20 {
        let (header, events) = run(seed);
        let whole = accepted(vec![file("whole", &header, events.clone())]);
        let mut files = apart(&header, &events);
        assert_eq!(accepted(spread(&files, &mut rng)), whole, "seed {seed}");
        let report = Trace { files: spread(&files, &mut rng) }.lint();
        assert_eq!(report.findings, [], "seed {seed}");
        let joined = behind_a_relay(&mut files);
        let count = joined.len() as u64;
        files.push(file("relay", &header, joined));
        let all = accepted(spread(&files, &mut rng));
        assert_eq!(all.events, whole.events + count, "seed {seed}");
        assert_eq!((all.steps, all.committed), (whole.steps, whole.committed), "seed {seed}");
    }
}

/// One file with everything, the relay's lines behind all others, and `source` says `server`.
#[test]
fn one_file_may_hold_everything() {
    for seed in 0..10 {
        let (header, events) = run(seed);
        let mut files = apart(&header, &events);
        let joined = behind_a_relay(&mut files);
        let mut lines: Vec<Event> =
            files.into_iter().flat_map(|file| file.events).map(|located| located.event).collect();
        lines.extend(joined);
        for source in [Source::Server, Source::Harness, Source::Hand] {
            let header = Header { source, ..header.clone() };
            accepted(vec![file("everything", &header, lines.clone())]);
        }
    }
}

/// Files on disk that were begun one after the other, whose names sort in another order, and of
/// which there are more than a process may open.
#[test]
fn a_trace_may_have_more_files_than_can_be_opened() {
    let (header, events) = run(3);
    let whole = accepted(vec![file("whole", &header, events.clone())]);
    let folder = tempfile::tempdir().expect("a folder");
    for (number, part) in events.chunks(1).enumerate() {
        let path = folder.path().join(format!("trace.{number}.ndjson"));
        let mut writer =
            Writer::new(std::fs::File::create(path).expect("a file"), &header).expect("written");
        part.iter().for_each(|event| writer.write(event).expect("written"));
    }
    let verdict = check([folder.path()].as_slice(), &Options::default()).verdict;
    let Verdict::Conforms(summary) = verdict else { panic!("{verdict}") };
    assert_eq!(summary, whole);
}

/// What is put aside is bounded in bytes, and the message says what to do.
#[test]
fn lines_put_aside_are_bounded() {
    let (header, events) = run(5);
    let mut lines = events;
    lines.reverse();
    let trace = Trace { files: vec![file("backwards", &header, lines)] };
    let verdict = |early_bytes_max| {
        let options = Options { early_bytes_max, ..Options::default() };
        check(&trace, &options).verdict
    };
    assert_eq!(verdict(256 << 20).exit(), Exit::Good);
    let given_up = verdict(20_000);
    assert_eq!(given_up.exit(), Exit::Unknown);
    assert!(given_up.to_string().contains("lines were read before their turn"), "{given_up}");
}

/// What is known beforehand of a trace that hides steps is read in the order of the chains.
#[test]
fn lines_of_a_trace_that_hides_steps_may_stand_anywhere() {
    let mut rng = Rng::new(12);
    for seed in 0..10 {
        let (header, events) = run(seed);
        for contract in [zab_check::sends_and_receives(), zab_check::silent(2)] {
            let (header, events) = zab_check::project(&header, &events, &contract);
            accepted(vec![file("whole", &header, events.clone())]);
            accepted(spread(&apart(&header, &events), &mut rng));
        }
    }
}

/// Lives and chains cost what their lines cost; see `ZAB_RUNS`.
#[test]
fn many_lives_and_many_files() {
    let lives = std::env::var("ZAB_RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(3_000);
    let (header, _) = run(0);
    let header = Header { servers: vec![1, 2], ..header };
    let state = |role, phase| State {
        role: Some(role),
        phase: Some(phase),
        accepted_epoch: Some(0),
        current_epoch: Some(0),
        log_length: Some(0),
        last_zxid: Some(Zxid::ZERO),
        last_committed: Some(Zxid::ZERO),
        log_digest: Some(LogDigest(0)),
    };
    let looking = state(Role::Looking, Phase::Election);
    let life = |server, incarnation| {
        let event = |seq, kind| Event::new(server, incarnation, seq, kind);
        let recovered = Recovered {
            log_length: Some(0),
            log_digest: Some(LogDigest(0)),
            ..Recovered::default()
        };
        vec![
            event(0, EventKind::Start { recovered }),
            event(1, EventKind::Looking { round: 1 }).with_state(looking),
            event(2, EventKind::Stop),
        ]
    };
    // One file for each life of server 1, the last life first; all lives of server 2 in one file,
    // the last life first; and kills, in the order of the lives.
    let mut files: Vec<TraceFile> =
        (1..=lives).rev().map(|n| file(&format!("1-{n}"), &header, life(1, n))).collect();
    let mut kills = Vec::new();
    let mut backwards = Vec::new();
    for n in (1..=lives).rev() {
        let mut events = life(2, n);
        events.pop();
        backwards.extend(events);
        kills.push(Event::killed(2, n, 0, vec![(Chain::MAIN, 1)]));
    }
    kills.reverse();
    files.push(file("2", &header, backwards));
    files.push(file("kills", &header, kills));
    let summary = accepted(files);
    assert_eq!(summary.incarnations, 2 * u64::from(lives));
}
