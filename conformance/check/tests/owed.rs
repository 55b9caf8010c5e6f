//! What the contract promises must come.

use std::collections::{BTreeMap, BTreeSet};

use zab_check::{Options, Reason, Summary, Verdict, check};
use zab_sim::{Config, header, simulate};
use zab_trace::{Chain, Event, EventName, Header, State};

/// The kinds of line that no later line would miss.
const CONSEQUENCES: [EventName; 6] = [
    EventName::Looking,
    EventName::Elected,
    EventName::Established,
    EventName::Committed,
    EventName::Delivered,
    EventName::Disconnected,
];

fn run(seed: u64) -> (Header, Vec<Event>) {
    let config = Config { events: 300, ..Config::default() };
    (header(seed, &config), simulate(seed, &config).events)
}

fn verdict(header: &Header, events: Vec<Event>) -> Verdict {
    check(&(header.clone(), events), &Options::default()).verdict
}

fn summary(verdict: &Verdict) -> &Summary {
    let Verdict::Conforms(summary) = verdict else { panic!("{verdict}") };
    summary
}

/// The trace of an emitter that never wrote these lines.
fn forget(events: &[Event], forgotten: impl Fn(&Event) -> bool) -> Vec<Event> {
    let mut next: BTreeMap<(u64, u32, Chain), u64> = BTreeMap::new();
    let mut kept = Vec::new();
    for event in events.iter().filter(|event| !forgotten(event)) {
        let mut event = event.clone();
        let seq = next.entry((event.server, event.incarnation, event.chain.clone())).or_default();
        event.seq = *seq;
        *seq += 1;
        for (chain, last) in &mut event.after {
            *last = next[&(event.server, event.incarnation, chain.clone())] - 1;
        }
        kept.push(event);
    }
    kept
}

/// Whether the server takes so many steps in its role after a line of this kind.
fn goes_on(events: &[Event], kind: EventName, steps: usize) -> bool {
    let steps_of = |event: &Event| {
        let name = event.kind.name();
        matches!(name, EventName::Received | EventName::Persisted | EventName::Proposed)
    };
    events.iter().enumerate().filter(|(_, event)| event.kind.name() == kind).any(|(at, first)| {
        let life =
            |event: &&Event| (event.server, event.incarnation) == (first.server, first.incarnation);
        let later = events[at + 1..].iter().filter(life);
        let in_role = later.take_while(|event| event.kind.name() != EventName::Looking);
        in_role.filter(|event| steps_of(event)).count() > steps
    })
}

/// What was named, if the verdict is that something never came.
fn never(verdict: &Verdict) -> Option<&zab_check::NeverSeen> {
    let Verdict::Inconclusive(inconclusive) = verdict else { return None };
    let Reason::NeverSeen(never) = &inconclusive.reason else { return None };
    Some(never)
}

#[test]
fn a_kind_that_never_comes_is_named() {
    let mut named: BTreeMap<EventName, u32> = BTreeMap::new();
    for seed in 0..40 {
        let (header, events) = run(seed);
        summary(&verdict(&header, events.clone()));
        for kind in CONSEQUENCES {
            let forgot = forget(&events, |event| event.kind.name() == kind);
            let verdict = verdict(&header, forgot);
            // The end of a connection may be known by its own line only.
            if kind != EventName::Disconnected && goes_on(&events, kind, 4) {
                assert!(!matches!(verdict, Verdict::Conforms(_)), "seed {seed}, {kind}: {verdict}");
            }
            if let Some(never) = never(&verdict) {
                assert_eq!((never.name, never.server), (kind.as_str(), None), "{verdict}");
                assert!(verdict.to_string().contains(&format!("no {kind} line")), "{verdict}");
                *named.entry(kind).or_default() += 1;
            }
        }
    }
    // Without its `Elected` line most often a server follows or leads for no reason.
    for kind in CONSEQUENCES.into_iter().filter(|kind| *kind != EventName::Elected) {
        assert!(named.contains_key(&kind), "{kind} was never named: {named:?}");
    }
}

#[test]
fn a_kind_that_never_comes_from_one_server_is_named() {
    let mut named = 0;
    for seed in 0..40 {
        let (header, events) = run(seed);
        for kind in CONSEQUENCES {
            for server in &header.servers {
                let of = |event: &Event| event.server == *server && event.kind.name() == kind;
                let own: Vec<_> =
                    events.iter().filter(|event| event.server == *server).cloned().collect();
                let verdict = verdict(&header, forget(&events, of));
                if kind != EventName::Disconnected && goes_on(&own, kind, 4) {
                    let conforms = matches!(verdict, Verdict::Conforms(_));
                    assert!(!conforms, "seed {seed}, {kind} of {server}: {verdict}");
                }
                named += u32::from(never(&verdict).is_some_and(|n| n.server == Some(*server)));
            }
        }
    }
    assert!(named > 20, "only {named}");
}

#[test]
fn a_kind_that_never_comes_in_one_life_is_named() {
    let mut named = 0;
    for seed in 0..40 {
        let (header, events) = run(seed);
        let lives: BTreeSet<_> = events.iter().map(|e| (e.server, e.incarnation)).collect();
        for kind in [EventName::Looking, EventName::Delivered] {
            for life in &lives {
                let of_life = |event: &&Event| (event.server, event.incarnation) == *life;
                let own: Vec<_> = events.iter().filter(of_life).cloned().collect();
                let of = |event: &Event| of_life(&event) && event.kind.name() == kind;
                let verdict = verdict(&header, forget(&events, of));
                if goes_on(&own, kind, 4) {
                    assert!(!matches!(verdict, Verdict::Conforms(_)), "seed {seed}: {verdict}");
                }
                let never = never(&verdict).and_then(|never| never.incarnation);
                named += u32::from(never == Some(life.1));
            }
        }
    }
    assert!(named > 3, "only {named}");
}

#[test]
fn state_and_its_fields_must_come() {
    let (header, events) = run(1);
    let with = |change: &dyn Fn(&mut Event)| {
        let mut events = events.clone();
        events.iter_mut().for_each(change);
        let verdict = verdict(&header, events);
        let never = never(&verdict).unwrap_or_else(|| panic!("{verdict}")).clone();
        (never.name, never.server)
    };
    assert_eq!(with(&|event| event.state = None), ("state", None));
    let only_one = |event: &mut Event| {
        if event.server != 2 {
            event.state = None;
        }
    };
    assert_eq!(with(&only_one), ("state", Some(1)));
    let forget_field: [fn(&mut State); 8] = [
        |state| state.role = None,
        |state| state.phase = None,
        |state| state.accepted_epoch = None,
        |state| state.current_epoch = None,
        |state| state.log_length = None,
        |state| state.last_zxid = None,
        |state| state.last_committed = None,
        |state| state.log_digest = None,
    ];
    for (name, forget) in State::FIELDS.into_iter().zip(forget_field) {
        assert_eq!(with(&|event| event.state.iter_mut().for_each(forget)), (name, None));
        let of_one = |event: &mut Event| {
            if event.server == 3 {
                event.state.iter_mut().for_each(forget);
            }
        };
        assert_eq!(with(&of_one), (name, Some(3)));
    }
}

/// A run in which nothing was committed owes no `Committed`, and what is hidden is not owed.
#[test]
fn what_is_not_owed_is_not_missed() {
    let mut short = 0;
    for seed in 0..60 {
        let config = Config { events: 20, ..Config::default() };
        let (header, events) = (header(seed, &config), simulate(seed, &config).events);
        let verdict = verdict(&header, events);
        short += u32::from(summary(&verdict).committed == 0);
    }
    assert!(short > 10, "only {short} short runs");
    let (header, events) = run(1);
    for contract in [zab_check::sends_and_receives(), zab_check::silent(2), zab_check::no_state()] {
        let trace = zab_check::project(&header, &events, &contract);
        let verdict = check(&trace, &Options::default()).verdict;
        let counts = &summary(&verdict).counts;
        let hidden = |name: &str| counts.lines.iter().any(|c| c.name == name && !c.promised);
        assert_eq!(hidden("Committed"), contract.hidden.contains(&EventName::Committed));
    }
}

#[test]
fn seen_and_owed_are_counted() {
    for seed in 0..10 {
        let (header, events) = run(seed);
        let verdict = verdict(&header, events.clone());
        let counts = &summary(&verdict).counts;
        assert_eq!(counts.lines.len(), EventName::ALL.len() + 1);
        for count in &counts.lines {
            let seen = events.iter().filter(|event| {
                event.kind.name().as_str() == count.name
                    || (count.name == "state" && event.state.is_some())
            });
            assert_eq!(count.seen, seen.count() as u64, "{}", count.name);
            assert!(count.promised);
            assert!(count.owed.is_none_or(|owed| owed >= count.seen), "{count:?}");
        }
        for (count, name) in counts.fields.iter().zip(State::FIELDS) {
            assert_eq!(count.name, name);
            assert!(count.owed.is_some_and(|owed| owed >= count.seen), "{count:?}");
        }
    }
}
