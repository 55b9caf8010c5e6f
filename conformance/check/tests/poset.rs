//! Lines that are only partially ordered: a trace in several chains conforms if some order of its
//! lines does.

use zab_check::{Options, Verdict, Walk, check, walk};
use zab_trace::{Chain, Event, EventKind, Header, Message};

/// A run in which the sends of one server are in a chain of their own: of each it is known which
/// line of the main chain came before it, and nothing of what came after.
fn apart(seed: u64, server: u64) -> (Header, Vec<Event>) {
    let shape = Walk { servers: 2, events: 70, faults: 0, ..Walk::default() };
    let (header, mut events) = walk(seed, &shape);
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
        let verdict = check(&apart(seed, 1), &Options::default()).verdict;
        assert!(matches!(verdict, Verdict::Conforms(_)), "seed {seed}: {verdict}");
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
        let verdict = check(&(header, events), &Options::default()).verdict;
        assert!(matches!(verdict, Verdict::Diverges(_)), "seed {seed}: {verdict}");
    }
}
