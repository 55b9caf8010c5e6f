//! What the lint says.

use std::fs;

use zab_trace::{
    Chain, ConnectionName, Contract, Event, EventKind, EventName, Header, Lint, LintReport,
    Located, Message, Packet, Persisted, Reader, Recovered, ServerId, State, Zxid,
};

use crate::common::{hand_written, header, text, traces};

/// Lints one file with these events, from line 2 on.
fn lint(header: &Header, events: &[Event]) -> LintReport {
    files(&[(header, events)])
}

fn files(files: &[(&Header, &[Event])]) -> LintReport {
    let mut lint = Lint::default();
    for (number, (header, events)) in files.iter().enumerate() {
        lint.file(&format!("{}.ndjson", ["a", "b", "c"][number]), header);
        for (line, event) in (2..).zip(*events) {
            lint.event(&Located::new(line, event.clone()));
        }
    }
    lint.finish()
}

fn told(report: &LintReport) -> String {
    report.findings.iter().map(|finding| format!("{finding}\n")).collect()
}

/// A header of server 1 alone, so that the absence of others is not found.
fn alone() -> Header {
    Header { servers: vec![1], ..header() }
}

fn pair() -> Header {
    Header { servers: vec![1, 2], ..header() }
}

fn start(server: ServerId, incarnation: u32) -> Event {
    Event::new(server, incarnation, 0, EventKind::Start { recovered: Recovered::default() })
}

fn stop(server: ServerId, seq: u64) -> Event {
    Event::new(server, 1, seq, EventKind::Stop)
}

fn looking(server: ServerId, seq: u64) -> Event {
    Event::new(server, 1, seq, EventKind::Looking { round: seq.cast_signed() })
}

fn packet(connection: &str, ordinal: u64, peer: ServerId) -> Packet {
    let connection = ConnectionName::parse(connection).expect("a name");
    Packet { connection, ordinal, peer, message: Message::UpToDate }
}

fn sent(server: ServerId, seq: u64, connection: &str, ordinal: u64, peer: ServerId) -> Event {
    Event::new(server, 1, seq, EventKind::Sent(packet(connection, ordinal, peer)))
}

fn received(server: ServerId, seq: u64, connection: &str, ordinal: u64, peer: ServerId) -> Event {
    Event::new(server, 1, seq, EventKind::Received(packet(connection, ordinal, peer)))
}

#[test]
fn accepted_traces_are_sound() {
    for path in traces("accept") {
        let report = zab_trace::lint(&[&path]).expect("files");
        assert_eq!(told(&report), "", "{}", path.display());
        assert!(report.events > 0, "{}", path.display());
    }
}

/// Every line of a good trace matters: whichever is removed, the lint notices.
#[test]
fn a_removed_line_is_noticed() {
    let good = fs::read_to_string(hand_written()).expect("a readable file");
    let lines: Vec<_> = good.lines().collect();
    for removed in 1..lines.len() {
        let mut less = lines.clone();
        less.remove(removed);
        let text = less.join("\n") + "\n";
        let reader = Reader::new("less", text.as_bytes()).expect("a header");
        let mut lint = Lint::default();
        lint.file("less", reader.header());
        reader.for_each(|located| lint.event(&located.expect("a good line")));
        assert!(!lint.finish().is_sound(), "line {} removed", removed + 1);
    }
}

#[test]
fn sequence() {
    let report =
        lint(&alone(), &[start(1, 1), looking(1, 1), looking(1, 4), looking(1, 4), stop(1, 5)]);
    insta::assert_snapshot!(told(&report), @r"
    a.ndjson:4: error: seq 4 in chain main of incarnation 1 of server 1, expected 2: 2 missing
    a.ndjson:5: error: seq 4 in chain main of incarnation 1 of server 1 a second time
    ");
    let missing = lint(&alone(), &[start(1, 1), looking(1, 2), looking(1, 4), stop(1, 5)]);
    insta::assert_snapshot!(told(&missing), @r"
    a.ndjson:3: error: seq 2 in chain main of incarnation 1 of server 1, expected 1: 1 missing
    a.ndjson:4: error: seq 4 in chain main of incarnation 1 of server 1, expected 3: 1 missing
    ");
}

/// How the lines of a chain are spread over files and where they stand in them says nothing.
#[test]
fn lines_may_stand_anywhere() {
    let wire: Vec<_> = (0..4).map(|n| sent(1, n + 1, "a>b", n, 2)).collect();
    let mut one = vec![start(1, 1)];
    one.extend(wire);
    one.push(stop(1, 5));
    let two = [start(2, 1), stop(2, 1)];
    for order in [[0, 1, 2, 3, 4, 5], [5, 4, 3, 2, 1, 0], [1, 0, 3, 2, 5, 4], [3, 4, 5, 0, 1, 2]] {
        let shuffled: Vec<_> = order.map(|index: usize| one[index].clone()).to_vec();
        let (first, rest) = shuffled.split_at(2);
        let spread = [(&pair(), first), (&pair(), two.as_slice()), (&pair(), rest)];
        assert_eq!(told(&files(&spread)), "", "{order:?}");
        // A line less is noticed in any order.
        let less: Vec<_> = shuffled.iter().filter(|event| event.seq != 3).cloned().collect();
        let told = told(&files(&[(&pair(), &less), (&pair(), &two)]));
        assert!(
            told.contains("seq 4 in chain main of incarnation 1 of server 1, expected 3"),
            "{told}"
        );
    }
}

#[test]
fn files_written_one_after_the_other_may_have_any_names() {
    let folder = tempfile::tempdir().expect("a folder");
    let events: Vec<_> = (0..40).map(|n| looking(1, n + 1)).collect();
    let all = [vec![start(1, 1)], events, vec![stop(1, 41)]].concat();
    for (number, part) in all.chunks(4).enumerate() {
        // 10 comes before 2.
        let path = folder.path().join(format!("server-1.{number}.ndjson"));
        fs::write(path, text(&alone(), part)).expect("a file");
    }
    assert_eq!(told(&zab_trace::lint(&[folder.path()]).expect("files")), "");
    fs::remove_file(folder.path().join("server-1.7.ndjson")).expect("a file");
    let told = told(&zab_trace::lint(&[folder.path()]).expect("files"));
    assert!(told.contains("server-1.8.ndjson:2: error: seq 32"), "{told}");
}

#[test]
fn beginnings_and_ends() {
    let no_start = lint(&alone(), &[looking(1, 0), stop(1, 1)]);
    insta::assert_snapshot!(told(&no_start), @"a.ndjson:2: error: incarnation 1 of server 1 begins with Looking, expected Start");
    let two_starts = lint(&alone(), &[start(1, 1), Event { seq: 1, ..start(1, 1) }, stop(1, 2)]);
    insta::assert_snapshot!(told(&two_starts), @"a.ndjson:3: error: a second Start of incarnation 1 of server 1");
    let no_end = lint(&alone(), &[start(1, 1), looking(1, 1)]);
    insta::assert_snapshot!(told(&no_end), @"a.ndjson:3: error: incarnation 1 of server 1 has no end: neither Stop nor Killed");
    let after_stop = lint(&alone(), &[start(1, 1), stop(1, 1), looking(1, 2)]);
    insta::assert_snapshot!(told(&after_stop), @"a.ndjson:4: error: Looking after the Stop of incarnation 1 of server 1");
    let skipped = lint(
        &alone(),
        &[start(1, 1), stop(1, 1), start(1, 3), Event { incarnation: 3, ..stop(1, 1) }],
    );
    insta::assert_snapshot!(told(&skipped), @"a.ndjson:4: error: incarnation 3 of server 1, but 2 is not in the trace");
}

#[test]
fn kills() {
    let main = |seq| vec![(Chain::MAIN, seq)];
    let life = [start(1, 1), looking(1, 1)];
    let killed = |after| files(&[(&alone(), &life), (&alone(), &[Event::killed(1, 1, 0, after)])]);
    assert_eq!(told(&killed(main(1))), "");
    insta::assert_snapshot!(told(&killed(main(2))), @"a.ndjson:3: error: chain main of incarnation 1 of server 1 ends at seq 2, says Killed, but the file before that: its tail is cut");
    insta::assert_snapshot!(told(&killed(main(0))), @"a.ndjson:3: error: chain main of incarnation 1 of server 1 ends at seq 0, says Killed, but it goes on to 1");
    insta::assert_snapshot!(told(&killed(vec![])), @"b.ndjson:2: error: Killed of incarnation 1 of server 1 does not say where its chain main ends: found up to 1");
    let before_anything = lint(&alone(), &[Event::killed(1, 1, 0, vec![])]);
    insta::assert_snapshot!(told(&before_anything), @r"
    a.ndjson:1: error: server 1 is a member and has no events
    a.ndjson:2: error: incarnation 1 of server 1 has no Start: its chain main has no events
    ");
    let twice = lint(
        &alone(),
        &[start(1, 1), Event::killed(1, 1, 0, main(0)), Event::killed(1, 1, 1, main(0))],
    );
    insta::assert_snapshot!(told(&twice), @"a.ndjson:4: error: incarnation 1 of server 1 was killed before");
    let and_stopped = lint(&alone(), &[start(1, 1), stop(1, 1), Event::killed(1, 1, 0, main(1))]);
    insta::assert_snapshot!(told(&and_stopped), @"a.ndjson:4: error: incarnation 1 of server 1 has two ends: Stop and Killed");
    let by_itself = lint(&alone(), &[start(1, 1), Event::new(1, 1, 1, EventKind::Killed)]);
    insta::assert_snapshot!(told(&by_itself), @r"
    a.ndjson:3: error: Killed outside the chain harness: a killed process writes nothing
    a.ndjson:3: error: incarnation 1 of server 1 has no end: neither Stop nor Killed
    ");
}

fn chain(name: &str) -> Chain {
    Chain::new(name)
}

/// An event of this chain, after events of others.
fn of(name: &str, seq: u64, after: &[(&str, u64)]) -> Event {
    let after = after.iter().map(|(name, seq)| (chain(name), *seq)).collect();
    Event { chain: chain(name), after, ..looking(1, seq) }
}

/// The end of a life has the last event of every chain in its past, by whatever way.
#[test]
fn an_end_vouches_for_all_chains() {
    let stopped = |middle: &[Event], after: &[(&str, u64)]| {
        let stop = Event { kind: EventKind::Stop, ..of("main", 2, after) };
        let mut events = vec![start(1, 1)];
        events.extend_from_slice(middle);
        events.push(stop);
        told(&lint(&alone(), &events))
    };
    let disk = of("disk", 0, &[("main", 0)]);
    let main = |after| of("main", 1, after);
    // Named by the end, or by a line before it, or by a line of a chain that is named.
    assert_eq!(stopped(&[disk.clone(), main(&[])], &[("disk", 0)]), "");
    assert_eq!(stopped(&[disk.clone(), main(&[("disk", 0)])], &[]), "");
    let net = of("net", 0, &[("disk", 0)]);
    assert_eq!(stopped(&[main(&[]), net.clone(), disk.clone()], &[("net", 0)]), "");
    insta::assert_snapshot!(stopped(&[disk.clone(), main(&[])], &[]), @"a.ndjson:5: error: Stop of incarnation 1 of server 1 does not say where its chain disk ends: found up to 0, which is not in its past");
    let tail = of("net", 1, &[]);
    insta::assert_snapshot!(stopped(&[main(&[]), net, disk.clone(), tail], &[("net", 0)]), @r"
    a.ndjson:7: error: Stop of incarnation 1 of server 1 does not say where its chain disk ends: found up to 0, which is not in its past
    a.ndjson:7: error: Stop of incarnation 1 of server 1 does not say where its chain net ends: found up to 1, which is not in its past
    ");
    insta::assert_snapshot!(stopped(&[disk.clone(), main(&[("disk", 0), ("net", 3)])], &[("disk", 1)]), @r"
    a.ndjson:4: error: `after` names event 3 of chain net of incarnation 1 of server 1, which is not in the trace
    a.ndjson:5: error: Stop of incarnation 1 of server 1 does not say where its chain disk ends: found up to 0, which is not in its past
    a.ndjson:5: error: `after` names event 1 of chain disk of incarnation 1 of server 1, which is not in the trace
    ");
    let killed = |after: Vec<(Chain, u64)>| {
        let life = [start(1, 1), disk.clone(), main(&[("disk", 0)])];
        told(&files(&[(&alone(), &life), (&alone(), &[Event::killed(1, 1, 0, after)])]))
    };
    assert_eq!(killed(vec![(Chain::MAIN, 1)]), "");
    assert_eq!(killed(vec![(Chain::MAIN, 1), (chain("disk"), 0)]), "");
    insta::assert_snapshot!(killed(vec![(chain("disk"), 0)]), @"b.ndjson:2: error: Killed of incarnation 1 of server 1 does not say where its chain main ends: found up to 1");
}

/// Chains of one life may stand in any order, also behind the Stop.
#[test]
fn chains_may_stand_behind_the_stop() {
    let stop = Event { kind: EventKind::Stop, ..of("main", 1, &[("disk", 1)]) };
    let disk = [of("disk", 0, &[("main", 0)]), of("disk", 1, &[])];
    let [first, second] = disk;
    assert_eq!(
        told(&lint(&alone(), &[start(1, 1), stop.clone(), first.clone(), second.clone()])),
        ""
    );
    assert_eq!(told(&lint(&alone(), &[first, second, stop, start(1, 1)])), "");
    let no_main = lint(
        &alone(),
        &[of("disk", 0, &[]), Event { kind: EventKind::Stop, ..of("disk", 1, &[]) }],
    );
    insta::assert_snapshot!(told(&no_main), @"a.ndjson:2: error: incarnation 1 of server 1 has no Start: its chain main has no events");
    let late = Event { chain: chain("disk"), ..start(1, 1) };
    let late = lint(
        &alone(),
        &[looking(1, 0), late, Event { kind: EventKind::Stop, ..of("main", 1, &[("disk", 0)]) }],
    );
    insta::assert_snapshot!(told(&late), @r"
    a.ndjson:2: error: incarnation 1 of server 1 begins with Looking, expected Start
    a.ndjson:3: error: Start of incarnation 1 of server 1 is event 0 of chain disk, expected event 0 of chain main
    ");
}

/// The first error named is the cause of the others.
#[test]
fn causes_come_first() {
    let cause = |report: &LintReport| report.cause().map(|finding| finding.sentence.clone());
    let gap = [start(1, 1), received(1, 2, "a>b", 0, 2), stop(1, 3)];
    let other = [start(2, 1), stop(2, 1)];
    assert_eq!(
        cause(&files(&[(&pair(), &gap), (&pair(), &other)])).as_deref(),
        Some("seq 2 in chain main of incarnation 1 of server 1, expected 1: 1 missing")
    );
    assert_eq!(
        cause(&lint(&pair(), &gap)).as_deref(),
        Some("server 2 is a member and has no events")
    );
    let by_pid = |event: Event| Event { incarnation: 1000, ..event };
    let numbered = [by_pid(start(1, 1)), by_pid(looking(1, 2)), by_pid(stop(1, 3))];
    assert_eq!(
        cause(&lint(&alone(), &numbered)).as_deref(),
        Some("incarnation 1000 of server 1, but 1 is not in the trace")
    );
    assert_eq!(cause(&lint(&alone(), &[start(1, 1), stop(1, 1)])), None);
}

#[test]
fn unknown_fields_and_unknown_servers_are_told() {
    let line = r#"{"server":1,"incarnation":1,"seq":1,"event":"Looking","round":1,"state":{"rol":"LOOKING","lastCommited":"0.0"}}"#;
    let again = line.replace("\"seq\":1", "\"seq\":2");
    let start = r#"{"server":1,"incarnation":1,"seq":0,"event":"Start","recovered":{"acceptedEpoch":0,"currentEpoch":0,"lastZxid":"0.0","loglength":0,"role":"LOOKING"}}"#;
    let stop = r#"{"server":1,"incarnation":1,"seq":3,"event":"Stop"}"#;
    let mut header = alone();
    header.contract.silent = vec![7];
    let header = String::from_utf8(text(&header, &[])).expect("text");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.ndjson");
    fs::write(&path, format!("{header}{start}\n{line}\n{again}\n{stop}\n")).expect("a file");
    let report = zab_trace::lint(&[&path]).expect("files");
    let told = told(&report).replace(&folder.path().display().to_string(), "DIR");
    insta::assert_snapshot!(told, @r#"
    DIR/a.ndjson:1: warning: server 7, which the contract calls silent, is no member
    DIR/a.ndjson:2: warning: field "loglength" is ignored: `state` has role, phase, acceptedEpoch, currentEpoch, logLength, lastZxid, lastCommitted, logDigest
    DIR/a.ndjson:2: warning: field "role" is ignored: `state` has role, phase, acceptedEpoch, currentEpoch, logLength, lastZxid, lastCommitted, logDigest
    DIR/a.ndjson:3: warning: field "rol" is ignored: `state` has role, phase, acceptedEpoch, currentEpoch, logLength, lastZxid, lastCommitted, logDigest
    DIR/a.ndjson:3: warning: field "lastCommited" is ignored: `state` has role, phase, acceptedEpoch, currentEpoch, logLength, lastZxid, lastCommitted, logDigest
    "#);
    assert!(report.is_sound());
}

#[test]
fn connections() {
    let both = |one: &[Event], two: &[Event]| {
        let with_ends = |server, events: &[Event]| {
            let mut all = vec![start(server, 1)];
            all.extend_from_slice(events);
            all.push(stop(server, all.len() as u64));
            all
        };
        told(&files(&[(&pair(), &with_ends(1, one)), (&pair(), &with_ends(2, two))]))
    };
    let two = [sent(1, 1, "a>b", 0, 2), sent(1, 2, "a>b", 1, 2)];
    assert_eq!(both(&two, &[received(2, 1, "a>b", 0, 1)]), "");
    insta::assert_snapshot!(
        both(&two[..1], &[received(2, 1, "a>b", 0, 1), received(2, 2, "a>b", 1, 1)]), @"b.ndjson:4: error: server 2 received up to ordinal 1 from server 1 on a>b, where 1 were sent"
    );
    insta::assert_snapshot!(both(&two, &[received(2, 1, "a>b", 1, 1)]), @"b.ndjson:3: error: received ordinal 1 on a>b by server 2, expected 0: a message is missing");
    insta::assert_snapshot!(
        both(&two, &[received(2, 1, "a>b", 0, 1), received(2, 2, "a>b", 0, 1)]), @"b.ndjson:4: error: received ordinal 0 on a>b by server 2, expected 1: repeated or out of order"
    );
    insta::assert_snapshot!(both(&[sent(1, 1, "a>b", 1, 2)], &[]), @"a.ndjson:3: error: sent ordinal 1 on a>b by server 1, expected 0: a message is missing");
    insta::assert_snapshot!(both(&two, &[received(2, 1, "x>b", 0, 1)]), @"b.ndjson:3: error: server 2 received up to ordinal 0 from server 1 on x>b, where 0 were sent");
    insta::assert_snapshot!(
        both(&[sent(1, 1, "a>b", 0, 2), sent(1, 2, "a>b", 1, 1)], &[]), @"a.ndjson:4: error: sent ordinal 1 on a>b by server 1 names peer 1, and peer 2 before"
    );
}

#[test]
fn a_relay_joins_two_names() {
    let name = |text| ConnectionName::parse(text).expect("a name");
    let joined = Event::joined(0, name("a>r"), name("s>b"));
    let one = [start(1, 1), sent(1, 1, "a>r", 0, 2), stop(1, 2)];
    let two = [start(2, 1), received(2, 1, "s>b", 0, 1), stop(2, 2)];
    let with =
        |recorder: &[Event]| told(&files(&[(&pair(), &one), (&pair(), &two), (&pair(), recorder)]));
    assert_eq!(with(std::slice::from_ref(&joined)), "");
    insta::assert_snapshot!(with(&[]), @"b.ndjson:3: error: server 2 received up to ordinal 0 from server 1 on s>b, where 0 were sent");
    // The dialler's port was given out again, and the relay made a connection of another name.
    assert_eq!(with(&[joined, Event::joined(1, name("a>r"), name("t>b"))]), "");
    let stranger = Event { server: 1, ..Event::joined(0, name("c>d"), name("e>f")) };
    insta::assert_snapshot!(told(&lint(&alone(), &[start(1, 1), stranger, stop(1, 1)])), @"a.ndjson:3: error: Joined of server 1: server 0 is the recorder, and only it writes Joined");
}

#[test]
fn a_name_is_used_again() {
    let name = || ConnectionName::parse("a>b").expect("a name");
    let connected =
        |seq| Event::new(1, 1, seq, EventKind::Connected { connection: name(), peer: Some(2) });
    let gone = |seq| Event::new(1, 1, seq, EventKind::Disconnected { connection: name() });
    let two = [
        start(2, 1),
        received(2, 1, "a>b", 0, 1),
        Event::new(2, 1, 2, EventKind::Disconnected { connection: name() }),
        Event::new(2, 1, 3, EventKind::Connected { connection: name(), peer: None }),
        received(2, 4, "a>b", 0, 1),
        stop(2, 5),
    ];
    let with = |between: &[Event], last: u64, peer| {
        let mut one = vec![start(1, 1), connected(1), sent(1, 2, "a>b", 0, 2)];
        one.extend_from_slice(between);
        let seq = one.len() as u64;
        one.extend([sent(1, seq, "a>b", last, peer), stop(1, seq + 1)]);
        told(&files(&[(&pair(), &one), (&pair(), &two)]))
    };
    assert_eq!(with(&[gone(3), connected(4)], 0, 2), "");
    insta::assert_snapshot!(with(&[gone(3)], 1, 2), @r"
    a.ndjson:6: error: sent ordinal 1 on a>b by server 1 after Disconnected
    b.ndjson:6: error: server 2 received up to ordinal 0 from server 1 on a>b, where 0 were sent
    ");
    insta::assert_snapshot!(with(&[gone(3), connected(4)], 1, 2), @"a.ndjson:7: error: sent ordinal 1 on a>b by server 1, expected 0: a message is missing");
    insta::assert_snapshot!(with(&[], 0, 2), @r"
    a.ndjson:5: error: sent ordinal 0 on a>b by server 1, expected 1: repeated or out of order
    b.ndjson:6: error: server 2 received up to ordinal 0 from server 1 on a>b, where 0 were sent
    ");
    insta::assert_snapshot!(with(&[gone(3), connected(4)], 0, 1), @r"
    a.ndjson:7: error: sent ordinal 0 on a>b by server 1 names peer 1, and peer 2 before
    b.ndjson:6: error: server 2 received up to ordinal 0 from server 1 on a>b, where 0 were sent
    ");
    let once = [start(1, 1), connected(1), sent(1, 2, "a>b", 0, 2), stop(1, 3)];
    insta::assert_snapshot!(told(&files(&[(&pair(), &once), (&pair(), &two)])), @"b.ndjson:6: error: server 2 received up to ordinal 0 from server 1 on a>b, where 0 were sent");
}

#[test]
fn both_ends_of_a_connection_name_each_other() {
    let connected = |server, seq, peer| {
        let connection = ConnectionName::parse("a>b").expect("a name");
        Event::new(server, 1, seq, EventKind::Connected { connection, peer })
    };
    let three = Header { servers: vec![1, 2, 3], ..header() };
    let with = |one: Event, two: Event, more: &[Event]| {
        let third: Vec<Event> = [start(3, 1)].into_iter().chain(more.iter().cloned()).collect();
        let end = stop(3, third.len() as u64);
        let third = [third, vec![end]].concat();
        let one = [start(1, 1), one, stop(1, 2)];
        let two = [start(2, 1), two, stop(2, 2)];
        told(&files(&[(&three, &one), (&three, &two), (&three, &third)]))
    };
    assert_eq!(with(connected(1, 1, Some(2)), connected(2, 1, Some(1)), &[]), "");
    // Who accepts need not know, and who is named may have ended before it wrote a line.
    assert_eq!(with(connected(1, 1, Some(2)), connected(2, 1, None), &[]), "");
    assert_eq!(with(connected(1, 1, Some(2)), looking(2, 1), &[]), "");
    insta::assert_snapshot!(with(connected(1, 1, Some(2)), connected(2, 1, Some(3)), &[]), @"b.ndjson:3: error: server 2 names peer 3 on a>b, and server 1 is at its other end");
    insta::assert_snapshot!(with(connected(1, 1, Some(3)), connected(2, 1, Some(1)), &[]), @"a.ndjson:3: error: server 1 names peer 3 on a>b, and server 2 is at its other end");
    insta::assert_snapshot!(with(connected(1, 1, Some(2)), sent(2, 1, "a>b", 0, 3), &[]), @"b.ndjson:3: error: server 2 names peer 3 on a>b, and server 1 is at its other end");
    // Server 3 got the name when server 1 was gone.
    let again = connected(3, 1, Some(2));
    assert_eq!(with(connected(1, 1, Some(2)), connected(2, 1, Some(3)), &[again]), "");
}

#[test]
fn a_name_is_of_one_port() {
    let vote = Message::Notification {
        role: zab_trace::Role::Looking,
        leader: 1,
        zxid: Zxid::ZERO,
        round: 1,
        peer_epoch: 0,
    };
    let line = |seq, message| {
        let packet = Packet { message, ..packet("a>b", 0, 2) };
        Event::new(1, 1, seq, EventKind::Sent(packet))
    };
    let connection = || ConnectionName::parse("a>b").expect("a name");
    let connected = |seq| {
        Event::new(1, 1, seq, EventKind::Connected { connection: connection(), peer: Some(2) })
    };
    let gone = |seq| Event::new(1, 1, seq, EventKind::Disconnected { connection: connection() });
    let with = |lines: &[Event]| {
        let one = [vec![start(1, 1)], lines.to_vec(), vec![stop(1, 1 + lines.len() as u64)]];
        told(&files(&[(&pair(), &one.concat()), (&pair(), &[start(2, 1), stop(2, 1)])]))
    };
    assert_eq!(with(&[line(1, vote)]), "");
    assert_eq!(with(&[connected(1), line(2, Message::UpToDate)]), "");
    insta::assert_snapshot!(with(&[connected(1), line(2, vote)]), @"a.ndjson:4: error: connection a>b is used on the quorum port and on the election port");
    insta::assert_snapshot!(with(&[line(1, vote), connected(2)]), @"a.ndjson:4: error: connection a>b is used on the quorum port and on the election port");
    insta::assert_snapshot!(with(&[line(1, vote), gone(2)]), @"a.ndjson:4: error: connection a>b is used on the quorum port and on the election port");
}

#[test]
fn members() {
    let elected = |leader, seq| Event::new(1, 1, seq, EventKind::Elected { leader, round: 1 });
    let report = lint(&pair(), &[start(1, 1), elected(9, 1), elected(9, 2), stop(1, 3)]);
    insta::assert_snapshot!(told(&report), @r"
    a.ndjson:1: error: server 2 is a member and has no events
    a.ndjson:3: error: server 9 is not in the header
    ");
    let report = lint(&alone(), &[start(1, 1), stop(1, 1), start(3, 1), stop(3, 1)]);
    insta::assert_snapshot!(told(&report), @"a.ndjson:4: error: server 3 is not in the header");
    let recorder = Event { server: 0, ..stop(1, 0) };
    insta::assert_snapshot!(told(&lint(&alone(), &[start(1, 1), stop(1, 1), recorder])), @r"
    a.ndjson:4: error: Stop of server 0: server 0 is the recorder, and only it writes Joined
    a.ndjson:4: error: incarnation 1 of server 0 begins with Stop, expected Start
    ");
}

#[test]
fn headers_agree() {
    let other = Header { profile: "3.9.4".to_owned(), ..alone() };
    let report = files(&[(&alone(), &[start(1, 1), stop(1, 1)]), (&other, &[])]);
    insta::assert_snapshot!(told(&report), @"b.ndjson:1: error: profile differs from that of a.ndjson");
}

#[test]
fn epochs_go_forward() {
    let state = |accepted_epoch| State { accepted_epoch: Some(accepted_epoch), ..State::default() };
    let persisted = |seq, what| Event::new(1, 1, seq, EventKind::Persisted(what));
    let report = lint(
        &alone(),
        &[
            start(1, 1),
            looking(1, 1).with_state(state(3)),
            looking(1, 2).with_state(state(2)),
            persisted(3, Persisted::CurrentEpoch(2)),
            persisted(4, Persisted::CurrentEpoch(1)),
            persisted(5, Persisted::Log(Zxid::new(1, 1))),
            stop(1, 6),
        ],
    );
    insta::assert_snapshot!(told(&report), @r"
    a.ndjson:4: warning: acceptedEpoch of incarnation 1 of server 1 goes back from 3 to 2
    a.ndjson:6: warning: currentEpoch of incarnation 1 of server 1 goes back from 2 to 1
    ");
    assert!(report.is_sound());
}

#[test]
fn contracts_are_kept() {
    let contract = Contract { hidden: vec![EventName::Looking], state: false, silent: vec![1] };
    let header = Header { contract, ..alone() };
    let delivered = Event::new(1, 1, 2, EventKind::Delivered { zxid: Zxid::new(1, 1) });
    let events = [start(1, 1), looking(1, 1), delivered, stop(1, 3).with_state(State::default())];
    insta::assert_snapshot!(told(&lint(&header, &events)), @r"
    a.ndjson:3: error: Looking is among the contract's hidden events
    a.ndjson:3: error: Looking of server 1, which the contract calls silent
    a.ndjson:4: error: Delivered of server 1, which the contract calls silent
    a.ndjson:5: warning: state, which the contract does not promise
    ");
    let hidden = vec![EventName::Start, EventName::Stop, EventName::Sent];
    let contract = Contract { hidden, state: true, silent: vec![] };
    let header = Header { contract, ..pair() };
    let wire = [received(1, 0, "a>b", 0, 2), received(2, 0, "a>b", 0, 1)];
    assert_eq!(told(&lint(&header, &wire)), "");
}

#[test]
fn findings_are_bounded() {
    let events: Vec<_> = (0..2000).map(|_| looking(1, 7)).collect();
    let report = lint(&alone(), &events);
    assert_eq!(report.findings.len(), zab_trace::FINDINGS_MAX);
    assert!(report.left_out > 900);
    assert!(!report.is_sound());
}

#[test]
fn a_file_that_cannot_be_read_is_a_finding() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("a.ndjson"), "").expect("a file");
    let report = zab_trace::lint(&[folder.path()]).expect("files");
    let told = told(&report).replace(&folder.path().display().to_string(), "DIR");
    insta::assert_snapshot!(told, @"DIR/a.ndjson:1: error: column 1: the file is empty, expected a header line");
}
