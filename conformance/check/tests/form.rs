//! One judgement of form: what a lint calls wrong never conforms, and the cause is named.

use std::fs;

use zab_check::{Exit, Inputs, Options, Reason, Verdict, check};
use zab_oracle::{Rng, Walk, walk};
use zab_trace::{Chain, Event, EventKind, EventName, Header, Located, Trace, TraceFile};

fn good(seed: u64) -> (Header, Vec<Event>) {
    walk(seed, &Walk::default())
}

fn verdict(header: &Header, events: &[Event]) -> Verdict {
    check(&(header.clone(), events.to_vec()), &Options::default()).verdict
}

/// The sentence of a verdict that names what is wrong with the form.
fn sentence(verdict: &Verdict) -> String {
    let Verdict::Inconclusive(inconclusive) = verdict else { panic!("{verdict}") };
    let Reason::Form { sentence, .. } = &inconclusive.reason else { panic!("{verdict}") };
    sentence.clone()
}

/// A line is lost, is there twice, or has something of another line.
fn corrupted(events: &mut Vec<Event>, rng: &mut Rng) {
    let (one, other) = (rng.below(events.len()), rng.below(events.len()));
    match rng.below(9) {
        0 => drop(events.remove(one)),
        1 => {
            let event = events[other].clone();
            events.insert(one, event);
        }
        2 => events[one].seq = events[other].seq,
        3 => events[one].incarnation += 1,
        4 => events[one].server = events[other].server,
        5 => events[one].chain = Chain::new("disk"),
        6 => events[one].after = vec![(Chain::MAIN, events[other].seq)],
        7 => events.truncate(one),
        _ => {
            let kind = events[other].kind.clone();
            events[one].kind = kind;
        }
    }
}

#[test]
fn what_a_lint_calls_wrong_never_conforms() {
    let mut rng = Rng::new(23);
    let (mut wrong, mut conform) = (0, 0);
    for seed in 0..60 {
        let (header, events) = good(seed);
        for _ in 0..12 {
            let mut events = events.clone();
            corrupted(&mut events, &mut rng);
            let trace = (header.clone(), events);
            let report = trace.lint();
            let verdict = check(&trace, &Options::default()).verdict;
            let conforms = matches!(verdict, Verdict::Conforms(_));
            assert!(!conforms || report.is_sound(), "{:?}", report.findings);
            wrong += u32::from(!report.is_sound());
            conform += u32::from(conforms);
        }
    }
    assert!(wrong > 300 && conform > 0, "{wrong} wrong, {conform} conform");
}

#[test]
fn the_cause_is_named() {
    let (header, events) = walk(1, &Walk { faults: 0, ..Walk::default() });
    let without = |keep: &dyn Fn(&Event) -> bool| -> String {
        let rest: Vec<_> = events.iter().filter(|event| keep(event)).cloned().collect();
        sentence(&verdict(&header, &rest))
    };
    assert_eq!(without(&|event| event.server != 2), "server 2 is a member and has no events");
    let mut by_pid = events.clone();
    for event in by_pid.iter_mut().filter(|event| event.server == 1) {
        event.incarnation += 999;
    }
    let told = sentence(&verdict(&header, &by_pid));
    assert_eq!(told, "incarnation 1000 of server 1, but 1 is not in the trace");
    let no_end = without(&|event| event.server != 3 || !event.kind.ends_incarnation());
    assert!(no_end.ends_with("of server 3 has no end: neither Stop nor Killed"), "{no_end}");
    let gap = without(&|event| event.server != 1 || event.incarnation > 1 || event.seq != 4);
    assert_eq!(gap, "seq 5 in chain main of incarnation 1 of server 1, expected 4: 1 missing");
}

/// Both commands say the same of a file that is no trace.
#[test]
fn files_that_are_no_traces_are_refused_by_both() {
    let (header, events) = good(1);
    let mut writer = zab_trace::Writer::new(Vec::new(), &header).expect("memory");
    events.iter().for_each(|event| writer.write(event).expect("memory"));
    let text = writer.into_inner();
    let lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
    let between = |what: &[u8]| [&lines[..5].concat(), what, &lines[5..].concat()].concat();
    for (content, cause) in [
        (between(b"\n"), "an empty line, expected an event"),
        (between(b"  \r\n"), "an empty line, expected an event"),
        (between(lines[0]), "a second header inside the file, expected an event"),
        (between(b"\0\0\0\0\n"), "zero bytes, expected text"),
        ([b"\xef\xbb\xbf", text.as_slice()].concat(), "a byte order mark, expected UTF-8"),
        ([b"\x1f\x8b\x08\x00", text.as_slice()].concat(), "compressed with gzip: unpack it first"),
        ([b"\xff\xfe", text.as_slice()].concat(), "UTF-16, expected UTF-8"),
        ([b"[", text.as_slice()].concat(), "a JSON array, expected one JSON object on each line"),
        (text.replace_all(b"}\n", b"},\n"), "a comma after the object"),
        (Vec::new(), "the file is empty, expected a header line"),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.ndjson");
        fs::write(&path, content).expect("written");
        let verdict = check([&path].as_slice(), &Options::default()).verdict;
        assert_eq!(verdict.exit(), Exit::Usage, "{cause}: {verdict}");
        assert!(verdict.to_string().contains(cause), "{cause}: {verdict}");
        let report = zab_trace::lint(&[&path]).expect("a file");
        let named = report.cause().map(|finding| finding.sentence.as_str()).unwrap_or_default();
        assert!(named.contains(cause), "{cause}: {:?}", report.findings);
    }
    // Ends of lines as other systems write them are blanks.
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.ndjson");
    fs::write(&path, text.replace_all(b"\n", b"\r\n")).expect("written");
    let conforms = check([&path].as_slice(), &Options::default()).verdict;
    assert_eq!(conforms.exit(), Exit::Good, "{conforms}");
    assert_eq!(zab_trace::lint(&[&path]).expect("a file").findings, []);
}

trait ReplaceAll {
    fn replace_all(&self, what: &[u8], with: &[u8]) -> Vec<u8>;
}

impl ReplaceAll for Vec<u8> {
    fn replace_all(&self, what: &[u8], with: &[u8]) -> Vec<u8> {
        let text = String::from_utf8(self.clone()).expect("text");
        let [what, with] = [what, with].map(|part| std::str::from_utf8(part).expect("text"));
        text.replace(what, with).into_bytes()
    }
}

/// Files of a folder that are not read are told beside the verdict, whatever it is.
#[test]
fn files_that_are_not_read_are_noted() {
    let (header, events) = good(1);
    let folder = tempfile::tempdir().expect("a folder");
    for server in &header.servers {
        let ending = if *server == 2 { ".gz" } else { "" };
        let path = folder.path().join(format!("server-{server}.ndjson{ending}"));
        let file = fs::File::create(path).expect("a file");
        let mut writer = zab_trace::Writer::new(file, &header).expect("written");
        for event in events.iter().filter(|event| event.server == *server) {
            writer.write(event).expect("written");
        }
    }
    let outcome = check([folder.path()].as_slice(), &Options::default());
    assert_eq!(sentence(&outcome.verdict), "server 2 is a member and has no events");
    let notes: Vec<_> = outcome.notes.iter().map(ToString::to_string).collect();
    let told = notes.iter().any(|note| note.contains("server-2.ndjson.gz: warning: not read"));
    assert!(told, "{notes:?}");
}

#[test]
fn warnings_are_noted_and_change_no_verdict() {
    let (mut header, events) = good(1);
    header.contract.silent = vec![17];
    let mut files = vec![TraceFile {
        name: "a".to_owned(),
        header,
        events: (2..).zip(events).map(|(line, event)| Located::new(line, event)).collect(),
    }];
    files[0].events[3].unknown = vec!["lastCommited".to_owned()];
    let outcome = check(&Trace { files }, &Options::default());
    assert_eq!(outcome.verdict.exit(), Exit::Good, "{}", outcome.verdict);
    let notes: Vec<_> = outcome.notes.iter().map(ToString::to_string).collect();
    assert_eq!(notes.len(), 2, "{notes:?}");
    assert!(notes[0].contains("server 17, which the contract calls silent, is no member"));
    assert!(notes[1].starts_with("a:5: warning: field \"lastCommited\" is ignored"), "{notes:?}");
}

/// One line in a chain of its own, which a line of the main chain names: the end names only that
/// chain, its own or by `after`.
#[test]
fn an_end_vouches_for_what_is_in_its_past() {
    let mut tried = 0;
    for seed in 0..40 {
        let (header, mut events) = good(seed);
        let Some(index) = events.iter().position(|e| e.kind.name() == EventName::Persisted) else {
            continue;
        };
        let (server, incarnation, seq) =
            (events[index].server, events[index].incarnation, events[index].seq);
        events[index].after = vec![(Chain::MAIN, seq - 1)];
        events[index].chain = Chain::new("disk");
        events[index].seq = 0;
        for event in
            events.iter_mut().filter(|e| (e.server, e.incarnation) == (server, incarnation))
        {
            if event.chain.is_main() && event.seq > seq {
                event.seq -= 1;
                if event.seq == seq {
                    event.after.push((Chain::new("disk"), 0));
                }
            }
            if event.kind == EventKind::Killed {
                event.after[0].1 -= 1;
            }
        }
        let verdict = verdict(&header, &events);
        assert_eq!(verdict.exit(), Exit::Good, "seed {seed}: {verdict}");
        tried += 1;
    }
    assert!(tried > 10, "only {tried}");
}
