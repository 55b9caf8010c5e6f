//! What is pending comes before the role ends, or never; before a clean stop everything has come.

use zab_check::{Exit, Options, Verdict, check};
use zab_oracle::{Walk, corrupt, walk};
use zab_trace::{Event, EventKind, EventName, Header};

fn verdict(header: &Header, events: &[Event]) -> Verdict {
    check(&(header.clone(), events.to_vec()), &Options::default()).verdict
}

/// Random runs without faults, in which some servers stop at the end.
fn runs() -> impl Iterator<Item = (Header, Vec<Event>)> {
    (0..60).map(|seed| walk(seed, &Walk { faults: 2, ..Walk::default() }))
}

/// The last line of this kind before each clean stop, with the stop, where the server does not
/// begin an election in between.
fn before_stops(events: &[Event], name: EventName) -> Vec<(usize, usize)> {
    let stops = events.iter().enumerate().filter(|(_, event)| event.kind == EventKind::Stop);
    let found = stops.filter_map(|(stop, event)| {
        let mut own = (0..stop).rev().filter(|at| {
            let other = &events[*at];
            (other.server, other.incarnation) == (event.server, event.incarnation)
        });
        let last = own.find(|at| {
            let kind = events[*at].kind.name();
            kind == name || (kind == EventName::Looking && name != EventName::Looking)
        })?;
        (events[last].kind.name() == name).then_some((last, stop))
    });
    found.collect()
}

/// A stop without this line before it diverges at the stop, under this rule.
fn a_stop_waits_for(name: EventName, rule: &str) {
    let mut tried = 0;
    for (header, events) in runs() {
        for (line, stop) in before_stops(&events, name) {
            let mut events = events.clone();
            events.remove(line);
            zab_oracle::renumber(&mut events);
            let verdict = verdict(&header, &events);
            let place = verdict.place().map(|place| place.line);
            assert_eq!(verdict.exit(), Exit::Bad, "{verdict}");
            if place == Some(stop as u64 + 1) {
                assert_eq!(verdict.rule(), Some(rule), "{verdict}");
                tried += 1;
            }
        }
    }
    assert!(tried > 0);
}

#[test]
fn a_delivery_is_due_before_a_stop() {
    a_stop_waits_for(EventName::Delivered, "zk.bcast.apply");
}

#[test]
fn a_commit_is_due_before_a_stop() {
    a_stop_waits_for(EventName::Committed, "l.3.2");
}

#[test]
fn a_killed_server_owes_nothing() {
    let mut tried = 0;
    for (header, events) in runs() {
        for (line, stop) in before_stops(&events, EventName::Delivered) {
            let mut events = events[..=stop].to_vec();
            events.remove(stop);
            events.remove(line);
            let killed = corrupt::cut(&events, &events);
            let verdict = verdict(&header, &killed);
            assert!(!matches!(verdict, Verdict::Diverges(_)), "{verdict}");
            tried += u32::from(verdict.exit() == Exit::Good);
        }
    }
    assert!(tried > 0);
}
