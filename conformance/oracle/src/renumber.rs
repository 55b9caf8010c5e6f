//! Numbers of lines and ordinals of messages, given anew.

use std::collections::HashMap;

use zab_trace::{Chain, Event, EventKind, EventName, Port, ServerId};

/// Gives every event its number in its chain anew, in the order of the list, and every message its
/// ordinal, in the order of its sends and of its receives; the end of an incarnation names the last
/// event of its main chain. What was removed or added then looks like something the protocol did,
/// and not like a gap of the recording.
///
/// Ordinals begin at 0 again where a use of a connection's name begins: with a life of the server,
/// with `Connected`, and on the election port with a message that had the ordinal 0.
pub fn renumber(events: &mut [Event]) {
    let mut seqs: HashMap<(ServerId, u32, Chain), u64> = HashMap::new();
    // By server and name: how many messages were sent, and received.
    let mut counts: HashMap<(ServerId, String), [u64; 2]> = HashMap::new();
    for event in events.iter_mut() {
        let next = seqs.entry(key(event, &event.chain)).or_default();
        event.seq = *next;
        *next += 1;
        let server = event.server;
        if let EventKind::Start { .. } = event.kind {
            counts.retain(|(owner, _), _| *owner != server);
        } else if let EventKind::Connected { connection, .. } = &event.kind {
            counts.insert((server, connection.to_string()), [0; 2]);
        }
        let direction = usize::from(event.kind.name() == EventName::Received);
        let Some(packet) = event.kind.packet_mut() else { continue };
        let count = counts.entry((server, packet.connection.to_string())).or_default();
        if packet.ordinal == 0 && packet.message.port() == Port::Election {
            count[direction] = 0;
        }
        packet.ordinal = count[direction];
        count[direction] += 1;
    }
    for event in events.iter_mut() {
        if event.kind == EventKind::Killed {
            let last = seqs.get(&key(event, &Chain::MAIN)).and_then(|next| next.checked_sub(1));
            event.after = last.map(|seq| (Chain::MAIN, seq)).into_iter().collect();
        }
    }
}

fn key(event: &Event, chain: &Chain) -> (ServerId, u32, Chain) {
    (event.server, event.incarnation, chain.clone())
}
