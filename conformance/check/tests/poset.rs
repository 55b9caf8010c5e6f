//! Lines that are only partially ordered: a trace in several chains conforms if some order of its
//! lines does, and costs what a total order costs where `after` leaves only one.

mod orders;

use zab_check::{Options, Summary, Verdict, check, project, sends_and_receives};
use zab_oracle::mutate::kinds;
use zab_oracle::{Rng, Walk, walk, weaken};
use zab_trace::{Chain, Event, EventKind, Header, Located, Message, Trace, TraceFile};

fn verdict(header: &Header, events: &[Event]) -> Verdict {
    check(&(header.clone(), events.to_vec()), &Options::default()).verdict
}

fn conforms(header: &Header, events: &[Event]) -> Summary {
    let verdict = verdict(header, events);
    let Verdict::Conforms(summary) = verdict else { panic!("expected CONFORMS: {verdict}") };
    summary
}

/// A run in which the sends of one server are in a chain of their own: of each it is known which
/// line of the main chain came before it, and nothing of what came after.
fn apart(seed: u64, server: u64) -> (Header, Vec<Event>) {
    let shape = Walk { servers: 2, events: 70, faults: 0, ..Walk::default() };
    let (mut header, mut events) = walk(seed, &shape);
    header.contract.state = false;
    let sends = Chain::new("sends");
    let (mut main, mut own) = (0, 0);
    for event in events.iter_mut().filter(|event| event.server == server) {
        event.state = None;
        if matches!(event.kind, EventKind::Sent(_)) {
            event.chain = sends.clone();
            event.seq = own;
            event.after = vec![(Chain::MAIN, main - 1)];
            own += 1;
            continue;
        }
        let last = |chain: &Chain, next: u64| next.checked_sub(1).map(|seq| (chain.clone(), seq));
        if event.kind == EventKind::Killed {
            let ends = [last(&Chain::MAIN, main), last(&sends, own)];
            event.after = ends.into_iter().flatten().collect();
            continue;
        }
        if event.kind == EventKind::Stop {
            event.after = last(&sends, own).into_iter().collect();
        }
        event.seq = main;
        main += 1;
    }
    (header, events)
}

#[test]
fn sends_in_a_chain_of_their_own_conform() {
    for seed in 0..12 {
        let (header, events) = apart(seed, 1);
        conforms(&header, &events);
    }
}

#[test]
fn a_message_that_no_order_explains_diverges() {
    for seed in 0..12 {
        let (header, mut events) = apart(seed, 1);
        let mut wrong = None;
        for event in &mut events {
            let (EventKind::Sent(packet) | EventKind::Received(packet)) = &mut event.kind else {
                continue;
            };
            let place = (packet.connection.clone(), packet.ordinal);
            let sends = event.server == 1 && event.chain == Chain::new("sends");
            let Message::Notification { zxid, .. } = &mut packet.message else { continue };
            if (wrong.is_none() && sends) || (wrong.as_ref() == Some(&place) && packet.peer == 1) {
                zxid.counter += 1;
                wrong = Some(place);
            }
        }
        assert!(wrong.is_some());
        let verdict = verdict(&header, &events);
        assert!(matches!(verdict, Verdict::Diverges(_)), "seed {seed}: {verdict}");
    }
}

fn persisted(kind: &EventKind) -> bool {
    matches!(kind, EventKind::Persisted(_))
}

/// A run without faults of about so many lines.
fn calm(events: usize) -> (Header, Vec<Event>) {
    walk(7, &Walk { servers: 3, events, faults: 0, ..Walk::default() })
}

#[test]
fn an_ordered_second_chain_takes_the_steps_of_a_single_one() {
    for length in [400, 1600] {
        let (header, events) = calm(length);
        let single = conforms(&header, &events);
        let one_line = |server: u64| {
            let mut seen = false;
            let mut events = events.clone();
            for event in &mut events {
                let moved = event.server == server && persisted(&event.kind) && !seen;
                seen |= moved;
                event.chain = if moved { Chain::new("disk") } else { event.chain.clone() };
            }
            let disk = |kind: &EventKind| {
                events.iter().any(|event| event.chain == Chain::new("disk") && event.kind == *kind)
            };
            weaken::second_chain(&events, server, disk)
        };
        let mut all = events.clone();
        for server in 1..=3 {
            let second = weaken::second_chain(&events, server, persisted);
            for trace in [one_line(server), second.clone()] {
                let summary = conforms(&header, &trace);
                assert_eq!(summary.steps, single.steps, "{length} lines, server {server}");
                assert_eq!(summary.frontier_max, 1);
            }
            all = weaken::second_chain(&all, server, persisted);
        }
        assert_eq!(conforms(&header, &all).steps, single.steps);
    }
}

/// A line of the main chain, of the server of another line.
fn line(of: &Event, seq: u64, kind: EventKind) -> Event {
    Event { chain: Chain::MAIN, seq, kind, after: Vec::new(), state: None, ..of.clone() }
}

/// One line of a second chain, and many that may come before it or after it.
fn resent(lines: u64) -> (Header, Vec<Event>) {
    let (header, events) = walk(1, &Walk { servers: 3, events: 6, faults: 0, ..Walk::default() });
    let mut kept: Vec<Event> = Vec::new();
    for server in 1..=3 {
        let mut own = events.iter().filter(|event| event.server == server);
        let start = own.next().expect("every server starts").clone();
        let end = events.iter().rfind(|event| event.server == server);
        let end = end.expect("every server ends").clone();
        kept.push(start);
        kept.push(line(&end, 1, EventKind::Looking { round: 1 }));
        if server == 2 {
            kept.extend((0..lines).map(|seq| line(&end, seq + 2, EventKind::Resent)));
        }
        let seq = kept.last().map_or(0, |last| last.seq + 1);
        kept.push(line(&end, seq, EventKind::Stop));
    }
    kept.iter_mut().for_each(|event| event.state = None);
    let contract = zab_check::no_state();
    (Header { contract, ..header }, kept)
}

#[test]
fn one_line_of_a_second_chain_and_many_that_follow() {
    for lines in [100, 400, 1600] {
        let (header, mut events) = resent(lines);
        let mut own = events.iter_mut().filter(|event| event.server == 2);
        let third = own.nth(2).expect("it repeats its vote");
        third.chain = Chain::new("t");
        third.seq = 0;
        third.after = vec![(Chain::MAIN, 1)];
        for (seq, event) in (2..).zip(own) {
            event.seq = seq;
            let ends = event.kind == EventKind::Stop;
            event.after = if seq == 2 || ends { vec![(Chain::new("t"), 0)] } else { Vec::new() };
        }
        let summary = conforms(&header, &events);
        assert!(summary.steps <= 2 * lines + 20, "{lines}: {summary}");
    }
}

#[test]
fn the_order_of_chains_in_a_file_changes_no_verdict() {
    let runs = std::env::var("ZAB_RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(60);
    let (mut partial, mut snapshots) = (0, 0);
    for seed in 0..runs {
        // So small a window that learners get snapshots.
        let shape = Walk { servers: 3, events: 200, faults: 8, window: 1, ..Walk::default() };
        let (header, events) = walk(seed, &shape);
        let sender = events.iter().find(|event| sends_snapshot(event));
        snapshots += u32::from(sender.is_some());
        let server = sender.map_or(1 + seed % 3, |event| event.server);
        let events = weaken::weaken(&events, server, 600, &mut Rng::new(seed));
        partial += u32::from(events.iter().any(|event| !event.after.is_empty()));
        let mut by_chain = events.clone();
        by_chain.sort_by_key(|event| (event.server, event.incarnation, event.chain.clone()));
        let mut main_last = events.clone();
        main_last.sort_by_key(|event| (event.server, event.chain.is_main(), event.incarnation));
        for order in [&events, &by_chain, &main_last] {
            let verdict = verdict(&header, order);
            assert!(matches!(verdict, Verdict::Conforms(_)), "seed {seed}: {verdict}");
        }
    }
    assert!(partial > 10 && snapshots > 4, "{partial} {snapshots}");
}

/// The lines of the main chain and those of all others, in files of their own.
fn files(header: &Header, events: &[Event]) -> [TraceFile; 2] {
    let located = |main: bool| {
        let chosen = events.iter().filter(|event| event.chain.is_main() == main);
        (2..).zip(chosen).map(|(line, event)| Located::new(line, event.clone())).collect()
    };
    [true, false].map(|main| {
        let name = if main { "main" } else { "others" }.to_owned();
        TraceFile { name, header: header.clone(), events: located(main) }
    })
}

/// What later lines say of hidden steps is read in the order of the lines, not in that of the file.
#[test]
fn a_chain_that_stands_apart_changes_no_verdict_where_steps_are_hidden() {
    let runs = std::env::var("ZAB_RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(12);
    let kinds = kinds();
    let apart = |title: &str| title.starts_with("legal variant") && title.contains("the file");
    let mut tried = 0;
    for seed in 0..runs {
        let shape =
            Walk { events: 120, faults: if seed % 2 == 0 { 0 } else { 8 }, ..Walk::default() };
        let (header, events) = walk(seed, &shape);
        let (header, events) = project(&header, &events, &sends_and_receives());
        for kind in kinds.iter().filter(|kind| apart(&kind.title())) {
            let Some(events) = kind.apply(&events, &mut Rng::new(seed)) else { continue };
            conforms(&header, &events);
            let [main, others] = files(&header, &events);
            for files in [vec![main.clone(), others.clone()], vec![others, main]] {
                let verdict = check(&Trace { files }, &Options::default()).verdict;
                let title = kind.title();
                assert!(matches!(verdict, Verdict::Conforms(_)), "seed {seed}, {title}: {verdict}");
            }
            tried += 1;
        }
    }
    assert!(tried >= 2 * runs, "{tried} traces only");
}

fn sends_snapshot(event: &Event) -> bool {
    matches!(&event.kind, EventKind::Sent(packet)
        if matches!(packet.message, Message::Snap { .. }))
}

#[test]
fn a_line_that_the_end_does_not_follow_is_not_vouched_for() {
    let (header, events) = calm(200);
    let second = weaken::second_chain(&events, 1, persisted);
    let mut loose = second.clone();
    for event in loose.iter_mut().filter(|event| event.server == 1) {
        // Nothing orders the last line of the second chain before anything else.
        event.after.retain(|(chain, _)| chain.is_main());
    }
    conforms(&header, &second);
    let verdict = verdict(&header, &loose);
    assert!(matches!(verdict, Verdict::Inconclusive(_)), "{verdict}");
}

#[test]
fn an_answer_is_after_what_it_answers() {
    // Server 1 acknowledges a transaction before it is durable. It shows what it sends in a chain
    // of its own, so only the COMMIT that answers the acknowledgement tells in which order the two
    // were.
    let mut tried = 0;
    for seed in 0..40 {
        let shape = Walk { servers: 2, events: 150, faults: 0, state: false, ..Walk::default() };
        let (header, events) = walk(seed, &shape);
        let Some(early) = orders::acknowledged_early(&events, 1) else { continue };
        let verdict = verdict(&header, &early);
        assert!(matches!(verdict, Verdict::Diverges(_)), "seed {seed}: {verdict}");
        tried += 1;
    }
    assert!(tried >= 3, "{tried}");
}

#[test]
fn a_partial_order_conforms_if_one_of_its_total_orders_does() {
    let runs = std::env::var("ZAB_RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(2000);
    let (mut good, mut bad, mut several) = (0_u32, 0_u32, 0_u32);
    for seed in 0..runs {
        let Some(case) = orders::case(seed) else { continue };
        let (header, partial) = (&case.header, &case.partial);
        several += u32::from(case.total.len() > 1);
        let any = case.total.iter().any(|total| {
            let verdict = verdict(header, total);
            matches!(verdict, Verdict::Conforms(_))
        });
        let verdict = verdict(header, partial);
        match &verdict {
            Verdict::Conforms(_) => good += 1,
            Verdict::Diverges(_) => bad += 1,
            Verdict::Violates(_) | Verdict::Inconclusive(_) | Verdict::Refused(_) => continue,
        }
        let orders = case.total.len();
        let says = matches!(verdict, Verdict::Conforms(_));
        assert_eq!(says, any, "seed {seed}, {orders} orders: {verdict}");
    }
    assert!(good > 20 && bad > 20 && several > 40, "{good} {bad} {several}");
}

/// The verdict on a folder beside this file.
fn recorded(name: &str) -> Verdict {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/partial").join(name);
    check([folder].as_slice(), &Options::default()).verdict
}

#[test]
fn recorded_runs_with_unordered_syncs_conform() {
    for name in ["main_chain_first", "sync_chain_first"] {
        let verdict = recorded(name);
        assert!(matches!(verdict, Verdict::Conforms(_)), "{name}: {verdict}");
    }
}

#[test]
fn a_recorded_run_with_one_line_apart_costs_what_a_single_chain_costs() {
    // The Stop names no line of the other chain; it follows one that does.
    let Verdict::Conforms(summary) = recorded("one_line_apart") else {
        panic!("{}", recorded("one_line_apart"));
    };
    assert_eq!((summary.steps, summary.frontier_max), (261, 1), "{summary}");
}

#[test]
fn a_long_unordered_chain_of_syncs_is_no_limit() {
    // Nothing orders what a follower writes: at every line it may have synced any number.
    let config = zab_sim::Config { events: 6_000, ..zab_sim::Config::calm() };
    let header = zab_sim::header(5, &config);
    let events = zab_sim::simulate(5, &config).events;
    let leads = events.iter().find(|event| matches!(event.kind, EventKind::Established { .. }));
    let leader = leads.expect("a leader is established").server;
    let follower = 1 + u64::from(leader == 1);
    let single = conforms(&header, &events);
    let disk = weaken::second_chain(&events, follower, persisted);
    let mut loose = disk.clone();
    let loosened = |event: &&mut Event| {
        let orders = event.kind.ends_incarnation();
        event.server == follower && !orders
    };
    loose.iter_mut().filter(loosened).for_each(|event| event.after.clear());
    let summary = conforms(&header, &loose);
    assert!(summary.steps < 3 * single.steps, "{single} then {summary}");
}
