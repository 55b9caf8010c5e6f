//! A trace that does not say enough is never a pass.

use zab_check::{Exit, Options, Reason, Refusal, Verdict, check};
use zab_oracle::{Walk, walk};
use zab_trace::{Contract, Event, EventKind, EventName, Header};

fn good() -> (Header, Vec<Event>) {
    walk(3, &Walk { faults: 0, ..Walk::default() })
}

fn verdict(header: &Header, events: &[Event]) -> Verdict {
    check(&(header.clone(), events.to_vec()), &Options::default()).verdict
}

fn reason(header: &Header, events: &[Event]) -> Reason {
    let verdict = verdict(header, events);
    let Verdict::Inconclusive(inconclusive) = verdict else {
        panic!("expected INCONCLUSIVE: {verdict}");
    };
    inconclusive.reason
}

#[test]
fn the_whole_trace_conforms() {
    let (header, events) = good();
    assert_eq!(verdict(&header, &events).exit(), Exit::Good);
}

#[test]
fn an_empty_trace_is_refused() {
    let (header, _) = good();
    let empty = verdict(&header, &[]);
    assert!(matches!(empty, Verdict::Refused(Refusal::Empty)), "{empty}");
    assert_eq!(empty.exit().code(), 3);
}

#[test]
fn no_line_can_be_removed() {
    let (header, events) = good();
    for index in 0..events.len() {
        let mut events = events.clone();
        events.remove(index);
        let verdict = verdict(&header, &events);
        assert_ne!(verdict.exit(), Exit::Good, "without line {}", index + 2);
        assert_eq!(verdict.exit(), Exit::Unknown, "without line {}: {verdict}", index + 2);
    }
}

#[test]
fn no_tail_can_be_cut() {
    let (header, events) = good();
    for length in 1..events.len() {
        let verdict = verdict(&header, &events[..length]);
        assert_eq!(verdict.exit(), Exit::Unknown, "{length} lines: {verdict}");
    }
}

#[test]
fn no_server_can_be_left_out() {
    let (header, events) = good();
    for server in &header.servers {
        let mut rest = events.clone();
        rest.retain(|event| event.server != *server);
        assert_eq!(verdict(&header, &rest).exit(), Exit::Unknown, "without server {server}");
    }
    // Even one that nobody heard of.
    let mut header = header;
    header.servers.push(4);
    let missing = verdict(&header, &events);
    assert_ne!(missing.exit(), Exit::Good, "{missing}");
}

#[test]
fn a_kill_that_vouches_for_nothing_is_not_believed() {
    let (header, mut events) = good();
    for event in &mut events {
        if event.kind == EventKind::Killed {
            event.after.clear();
        }
    }
    let reason = reason(&header, &events);
    let told = reason.to_string();
    assert!(told.contains("does not say where its chain main ends"), "{told}");
}

#[test]
fn a_disk_with_an_unknown_past_is_not_guessed() {
    let (header, mut events) = good();
    let EventKind::Start { recovered } = &mut events[0].kind else { panic!("a trace starts") };
    recovered.accepted_epoch = 3;
    events[0].state = None;
    let reason = reason(&header, &events);
    assert!(matches!(reason, Reason::UnknownPast { .. }), "{reason}");
}

#[test]
fn contracts_that_hide_too_much_are_refused() {
    let (header, events) = good();
    for name in [EventName::Sent, EventName::Received, EventName::Start, EventName::Killed] {
        let hidden = Contract { hidden: vec![name], ..Contract::full() };
        let (header, events) = zab_check::project(&header, &events, &hidden);
        let verdict = verdict(&header, &events);
        assert!(matches!(verdict, Verdict::Refused(Refusal::Contract { .. })), "{name}: {verdict}");
    }
}

#[test]
fn a_line_that_the_contract_hides_is_refused() {
    let (mut header, events) = good();
    header.contract = zab_check::sends_and_receives();
    let verdict = verdict(&header, &events);
    assert!(matches!(verdict, Verdict::Refused(Refusal::NotHidden { .. })), "{verdict}");
}

#[test]
fn a_cut_line_is_inconclusive() {
    let (header, events) = good();
    let mut writer = zab_trace::Writer::new(Vec::new(), &header).expect("memory");
    for event in &events {
        writer.write(event).expect("memory");
    }
    let mut text = writer.into_inner();
    text.truncate(text.len() - 5);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("cut.ndjson");
    std::fs::write(&path, text).expect("written");
    let verdict = check([path].as_slice(), &Options::default()).verdict;
    assert_eq!(verdict.exit(), Exit::Unknown, "{verdict}");
}

#[test]
fn a_seeded_defect_of_the_rules_breaks_a_property() {
    // A committed transaction that no quorum holds: every step is legal under the defect.
    let profile = zab_model::Profile::FIXED.with("commit=first_ack").unwrap();
    let mut seen = Vec::new();
    for seed in 0..400 {
        let (header, events) = zab_oracle::walk_with(seed, &Walk::default(), profile);
        let options = Options { profile, ..Options::default() };
        let verdict = check(&(header, events), &options).verdict;
        if let Verdict::Violates(violation) = &verdict {
            seen.push(violation.property);
        } else {
            assert!(matches!(verdict, Verdict::Conforms(_)), "seed {seed}: {verdict}");
        }
    }
    assert!(seen.contains(&"committed_is_durable_on_a_quorum"), "{seen:?}");
}
