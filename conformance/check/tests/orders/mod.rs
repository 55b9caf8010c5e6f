//! Small partial orders, and all total orders that they allow.

use zab_oracle::{Rng, Walk, corrupt, renumber, walk, weaken};
use zab_trace::{Chain, Event, EventKind, Header, Message, Persisted, ServerId};

/// A trace of which one server is partially ordered, and the same with each total order of that
/// server's lines.
pub(crate) struct Case {
    pub(crate) header: Header,
    pub(crate) partial: Vec<Event>,
    pub(crate) total: Vec<Vec<Event>>,
}

/// More total orders than this are not tried.
const ORDERS_MAX: usize = 300;

/// A small random case, good or corrupted; none if it allows too many orders.
pub(crate) fn case(seed: u64) -> Option<Case> {
    let mut rng = Rng::new(seed ^ 0x9a57);
    let state = rng.often(300);
    let length = 12 + rng.below(30);
    let shape = Walk { servers: 2, events: length, faults: 10, state, ..Walk::default() };
    let (header, events) = walk(seed, &shape);
    let events = if rng.often(500) { corrupt::corrupt(&events, &mut rng) } else { events };
    if events.iter().any(|event| event.incarnation > 1) {
        return None;
    }
    let partial = weaken::weaken(&events, 1, 800, &mut rng);
    let own: Vec<Event> = partial.iter().filter(|event| event.server == 1).cloned().collect();
    let mut found = Vec::new();
    extend(&own, &mut Vec::new(), &mut found);
    if found.len() > ORDERS_MAX {
        return None;
    }
    let others = partial.iter().filter(|event| event.server != 1);
    let others: Vec<Event> = others.cloned().collect();
    let total = found.into_iter().map(|own| {
        let all = own.into_iter().chain(others.iter().cloned());
        all.collect()
    });
    let total = total.collect();
    Some(Case { header, partial, total })
}

/// Adds every total order that begins with these lines: the lines in one chain, numbered anew.
fn extend(own: &[Event], taken: &mut Vec<usize>, found: &mut Vec<Vec<Event>>) {
    if found.len() > ORDERS_MAX {
        return;
    }
    if taken.len() == own.len() {
        let mut lines: Vec<Event> = taken.iter().map(|index| own[*index].clone()).collect();
        let mut next = 0;
        for line in &mut lines {
            line.after.clear();
            if line.chain == Chain::harness() {
                line.after.push((Chain::MAIN, next - 1));
                continue;
            }
            line.chain = Chain::MAIN;
            line.seq = next;
            next += 1;
        }
        found.push(lines);
        return;
    }
    let has = |taken: &[usize], chain: &Chain, seq: u64| {
        taken.iter().any(|index| own[*index].chain == *chain && own[*index].seq == seq)
    };
    for index in 0..own.len() {
        let line = &own[index];
        let first = taken.is_empty() == matches!(line.kind, EventKind::Start { .. });
        let in_chain = line.seq == 0 || has(taken, &line.chain, line.seq - 1);
        let named = line.after.iter().all(|(chain, seq)| has(taken, chain, *seq));
        if !taken.contains(&index) && first && in_chain && named {
            taken.push(index);
            extend(own, taken, found);
            taken.pop();
        }
    }
}

/// The run with a `Persisted` line moved behind the COMMIT of its transaction, and what the server
/// sends in a chain of its own; none if the server does not follow.
pub(crate) fn acknowledged_early(events: &[Event], server: ServerId) -> Option<Vec<Event>> {
    let of = |event: &Event| event.server == server;
    let acked = events.iter().find_map(|event| {
        if let EventKind::Sent(packet) = &event.kind
            && let Message::Ack { zxid } = packet.message
        {
            return of(event).then_some(zxid);
        }
        None
    })?;
    let persisted = events.iter().position(|event| {
        of(event)
            && matches!(event.kind, EventKind::Persisted(Persisted::Log(zxid)) if zxid >= acked)
    })?;
    let committed = events.iter().position(|event| {
        of(event)
            && matches!(&event.kind, EventKind::Received(packet)
                if matches!(packet.message, Message::Commit { zxid } if zxid >= acked))
    })?;
    if committed < persisted {
        return None;
    }
    let mut events = events.to_vec();
    let line = events.remove(persisted);
    events.insert(committed, line);
    renumber(&mut events);
    let (mut main, mut sends) = (0, 0);
    for event in events.iter_mut().filter(|event| event.server == server) {
        if event.chain == Chain::harness() {
            event.after = vec![(Chain::MAIN, main - 1)];
            if sends > 0 {
                event.after.push((Chain::new("sends"), sends - 1));
            }
            continue;
        }
        let is_send = matches!(event.kind, EventKind::Sent(_));
        event.seq = if is_send { sends } else { main };
        event.after.clear();
        if is_send {
            event.chain = Chain::new("sends");
            event.after.push((Chain::MAIN, main - 1));
            sends += 1;
        } else {
            if event.kind == EventKind::Stop {
                event.after.push((Chain::new("sends"), sends - 1));
            }
            main += 1;
        }
    }
    Some(events)
}
