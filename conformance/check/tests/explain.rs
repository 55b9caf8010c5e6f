//! What a person reads when a trace does not conform.

use std::collections::BTreeSet;
use std::path::Path;

use zab_check::{LINES_MAX, Options, check};
use zab_oracle::{Walk, renumber, walk};
use zab_trace::{Event, EventKind, Header, Message, Persisted, Zxid};

/// The report on a file of the corpus, without the part of its path that differs between machines.
fn report(name: &str) -> String {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../traces/corpus");
    let path = corpus.join("reject").join(format!("{name}.ndjson"));
    let verdict = check([path].as_slice(), &Options::default()).verdict;
    verdict.to_string().replace(&corpus.display().to_string(), "corpus")
}

#[test]
fn a_report_has_at_most_forty_lines() {
    for corruption in zab_oracle::corrupt::corruptions() {
        let report = report(corruption.name);
        assert!(report.lines().count() <= LINES_MAX, "{report}");
        assert!(report.starts_with("DIVERGES"), "{report}");
        for part in ["  event ", "  rule ", "  next "] {
            assert!(report.contains(part), "{} lacks {part}: {report}", corruption.name);
        }
    }
}

#[test]
fn an_ack_before_its_fsync() {
    insta::assert_snapshot!(report("ack_before_fsync"));
}

#[test]
fn a_guard_that_fails() {
    insta::assert_snapshot!(report("winner_that_should_lose"));
}

#[test]
fn a_field_that_differs() {
    insta::assert_snapshot!(report("state_with_wrong_last_committed"));
}

#[test]
fn a_message_before_it_is_sent() {
    insta::assert_snapshot!(report("received_before_sent"));
}

#[test]
fn a_truncation_below_what_is_committed() {
    insta::assert_snapshot!(report("trunc_below_committed"));
}

/// The lines of a report that begin with a word.
fn parts<'a>(report: &'a str, word: &str) -> Vec<&'a str> {
    let begins = |line: &&str| line.split_whitespace().next() == Some(word);
    report.lines().filter(begins).map(|line| line.trim()[word.len()..].trim()).collect()
}

/// The names of all rejected traces.
fn rejected() -> Vec<String> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../traces/corpus/reject");
    let files = std::fs::read_dir(corpus).expect("the corpus is there");
    let names = files.map(|file| file.expect("readable").path());
    let mut names: Vec<String> =
        names.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).collect();
    names.sort();
    names
}

/// The report on events in memory.
fn report_on(header: &Header, events: &[Event]) -> String {
    check(&(header.clone(), events.to_vec()), &Options::default()).verdict.to_string()
}

#[test]
fn what_is_refused_is_never_offered() {
    let mut offers = 0;
    for name in rejected() {
        let report = report(&name);
        let event = parts(&report, "event").concat();
        for legal in parts(&report, "legal") {
            assert!(!event.starts_with(legal), "{name}: {report}");
            offers += 1;
        }
    }
    assert!(offers > 50, "{offers}");
}

#[test]
fn leaving_while_a_write_is_due() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/diverging/looking_while_writing");
    let path = path.with_extension("ndjson");
    let report = check([&path].as_slice(), &Options::default()).verdict.to_string();
    let report = report.replace(&path.display().to_string(), "looking_while_writing.ndjson");
    assert!(parts(&report, "legal").iter().all(|legal| !legal.contains("Looking")), "{report}");
    insta::assert_snapshot!(report);
}

/// The places of lines that happened before one: found anew, line by line.
fn causes(events: &[Event], of: usize) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let mut open = vec![of];
    while let Some(index) = open.pop() {
        let event = &events[index];
        let earlier = events[..index].iter().rposition(|other| other.server == event.server);
        let received = matches!(event.kind, EventKind::Received(_));
        let sent = event.kind.packet().filter(|_| received).and_then(|got| {
            events[..index].iter().rposition(|other| {
                matches!(&other.kind, EventKind::Sent(packet)
                    if other.server == got.peer
                        && packet.connection == got.connection
                        && packet.ordinal == got.ordinal)
            })
        });
        open.extend(earlier.into_iter().chain(sent).filter(|cause| found.insert(*cause)));
    }
    found
}

#[test]
fn what_is_shown_as_before_happened_before() {
    let line_of = |text: &str| -> usize {
        let number: String = text.chars().take_while(char::is_ascii_digit).collect();
        number.parse().expect("a line's number")
    };
    let (mut shown, mut of_others) = (0, 0);
    for name in rejected() {
        let report = report(&name);
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../traces/corpus/reject");
        let path = corpus.join(format!("{name}.ndjson"));
        let reader = zab_trace::Reader::open(&path).expect("a trace");
        let events: Vec<Event> = reader.map(|line| line.expect("a line").event).collect();
        let refused = report.split_once(".ndjson:").map(|(_, rest)| line_of(rest));
        // The header is line 1.
        let refused = refused.expect("a place") - 2;
        if name == "received_before_sent" {
            // It is in a circle: it comes before itself.
            continue;
        }
        let causes = causes(&events, refused);
        for before in parts(&report, "before") {
            let place = before.split_once(".ndjson:").map(|(_, rest)| line_of(rest));
            let index = place.expect("a place") - 2;
            assert!(causes.contains(&index), "{name}: {before}\n{report}");
            of_others += u32::from(events[index].server != events[refused].server);
            shown += 1;
        }
    }
    assert!(shown > 150 && of_others > 20, "{shown} {of_others}");
}

#[test]
fn what_happened_before_a_commit() {
    insta::assert_snapshot!(report("commit_without_quorum"));
}

#[test]
fn what_happened_before_a_synchronization() {
    insta::assert_snapshot!(report("diff_from_wrong_zxid"));
}

#[test]
fn what_happened_before_a_transaction_was_skipped() {
    insta::assert_snapshot!(report("proposal_skipped"));
}

#[test]
fn who_is_part_of_a_quorum() {
    for name in [
        "commit_without_quorum",
        "commit_sent_without_quorum",
        "established_before_quorum",
        "uptodate_before_quorum",
        "epoch_decided_before_quorum",
    ] {
        let report = report(name);
        let notes = parts(&report, "note");
        let tells = |note: &&str| note.contains("a quorum is 2 of 3") && note.contains("not by ");
        assert!(notes.iter().any(tells), "{name}: {report}");
    }
    insta::assert_snapshot!(report("commit_sent_without_quorum"));
}

#[test]
fn what_a_synchronization_was_chosen_from() {
    for name in ["diff_from_wrong_zxid", "trunc_below_committed", "snap_of_an_older_state"] {
        let report = report(name);
        let notes = parts(&report, "note");
        let tells = |note: &&str| note.contains("last zxid is") && note.contains("window is [");
        assert!(notes.iter().any(tells), "{name}: {report}");
    }
}

/// A run of which a line of a server stands before the line that makes it legal, and the event
/// that does; none if the run has no such pair.
fn too_early(
    seed: u64,
    causes: impl Fn(&EventKind) -> bool,
    follows: impl Fn(&EventKind) -> bool,
) -> Option<(Header, Vec<Event>)> {
    let shape = Walk { faults: 0, events: 300, state: false, ..Walk::default() };
    let (header, mut events) = walk(seed, &shape);
    let (cause, effect) = (0..events.len()).find_map(|cause| {
        let server = events[cause].server;
        let fits = |event: &Event| event.server == server && follows(&event.kind);
        let effect = events[cause..].iter().position(fits)?;
        causes(&events[cause].kind).then_some((cause, cause + effect))
    })?;
    let line = events.remove(effect);
    events.insert(cause, line);
    renumber(&mut events);
    Some((header, events))
}

#[test]
fn where_a_line_would_be_legal() {
    let sends = |kind: &EventKind, fits: &dyn Fn(&Message) -> bool| matches!(kind, EventKind::Sent(packet) if fits(&packet.message));
    let ack = Zxid::new(1, 1);
    type Fits = Box<dyn Fn(&EventKind) -> bool>;
    let pairs: [(&str, Fits, Fits); 4] = [
        (
            "an ACK before its sync",
            Box::new(|kind| {
                matches!(kind, EventKind::Received(packet)
                if matches!(packet.message, Message::UpToDate))
            }),
            Box::new(move |kind| sends(kind, &|message| *message == Message::Ack { zxid: ack })),
        ),
        (
            "an ACKEPOCH before its write",
            Box::new(|kind| {
                matches!(kind, EventKind::Received(packet)
                if matches!(packet.message, Message::LeaderInfo { .. }))
            }),
            Box::new(move |kind| {
                sends(kind, &|message| matches!(message, Message::AckEpoch { .. }))
            }),
        ),
        (
            "an ACK-LD before its write",
            Box::new(|kind| matches!(kind, EventKind::Persisted(Persisted::CurrentEpoch(_)))),
            Box::new(move |kind| sends(kind, &|message| matches!(message, Message::AckLd { .. }))),
        ),
        (
            "a delivery before its commit",
            Box::new(|kind| {
                matches!(kind, EventKind::Received(packet)
                if matches!(packet.message, Message::Commit { .. }))
            }),
            Box::new(|kind| matches!(kind, EventKind::Delivered { .. })),
        ),
    ];
    for (name, causes, follows) in &pairs {
        let mut told = 0;
        for (header, events) in (0..40).filter_map(|seed| too_early(seed, causes, follows)) {
            let report = report_on(&header, &events);
            assert!(report.starts_with("DIVERGES"), "{name}: {report}");
            told += parts(&report, "later").len();
        }
        assert!(told >= 3, "{name}: {told}");
    }
    // Nothing makes these legal.
    for name in ["winner_that_should_lose", "ackld_of_another_epoch", "vote_boasts"] {
        let report = report(name);
        assert!(parts(&report, "later").is_empty(), "{name}: {report}");
    }
}

/// A run in which a server has acknowledged transactions and says later, in one message, that it
/// has less.
fn forgetful(change: impl Fn(&mut Message, u64) -> bool) -> Option<(Header, Vec<Event>)> {
    (0..200).find_map(|seed| {
        let shape = Walk { faults: 12, events: 400, state: false, ..Walk::default() };
        let (header, mut events) = walk(seed, &shape);
        let mut acked = BTreeSet::new();
        let mut changed = None;
        for event in &mut events {
            if let EventKind::Sent(packet) = &mut event.kind {
                if matches!(packet.message, Message::Ack { .. }) {
                    acked.insert(event.server);
                }
                let place = (packet.connection.clone(), packet.ordinal, event.server);
                if changed.is_none()
                    && acked.contains(&event.server)
                    && change(&mut packet.message, event.server)
                {
                    changed = Some((place, packet.message));
                }
            } else if let Some(packet) = event.kind.packet_mut() {
                let place = (packet.connection.clone(), packet.ordinal, packet.peer);
                if let Some((other, message)) = &changed
                    && *other == place
                {
                    packet.message = *message;
                }
            }
        }
        changed.map(|_| (header, events))
    })
}

#[test]
fn a_lost_transaction_is_named_with_its_lines() {
    let lower = |zxid: &mut Zxid| {
        let lowers = *zxid != Zxid::ZERO;
        *zxid = Zxid::ZERO;
        lowers
    };
    let reported = forgetful(|message, _| match message {
        Message::AckEpoch { last_zxid, .. } => lower(last_zxid),
        Message::Notification { .. }
        | Message::FollowerInfo { .. }
        | Message::LeaderInfo { .. }
        | Message::Diff { .. }
        | Message::Trunc { .. }
        | Message::Snap { .. }
        | Message::Proposal { .. }
        | Message::Commit { .. }
        | Message::Ack { .. }
        | Message::NewLeader { .. }
        | Message::AckLd { .. }
        | Message::UpToDate => false,
    });
    let voted = forgetful(|message, server| match message {
        Message::Notification { leader, zxid, .. } => *leader == server && lower(zxid),
        Message::AckEpoch { .. }
        | Message::FollowerInfo { .. }
        | Message::LeaderInfo { .. }
        | Message::Diff { .. }
        | Message::Trunc { .. }
        | Message::Snap { .. }
        | Message::Proposal { .. }
        | Message::Commit { .. }
        | Message::Ack { .. }
        | Message::NewLeader { .. }
        | Message::AckLd { .. }
        | Message::UpToDate => false,
    });
    for (header, events) in [reported.expect("a report"), voted.expect("a vote")] {
        let report = report_on(&header, &events);
        let notes = parts(&report, "note");
        let tells = |note: &&str| note.starts_with("lost: ") && note.contains("persisted at ");
        assert!(notes.iter().any(tells), "{report}");
    }
    let report = report("restart_lost_synced_transactions");
    let notes = parts(&report, "note");
    assert!(notes.iter().any(|note| note.starts_with("lost: ")), "{report}");
    insta::assert_snapshot!(report);
}
