//! Which run was it? The causal order of a trace as a number.

use std::collections::BTreeMap;

use zab_trace::{ConnectionName, Event, EventKind, Packet, ServerId, fnv1a};

/// A digest of who did what after what: each server's sequence of events, and which message each
/// receipt belongs to. Addresses, payloads and times are not part of it. Two runs with the same
/// digest have the same causal order.
pub(crate) fn causal_order(events: &[Event]) -> u64 {
    let mut servers: BTreeMap<(ServerId, u32), Life> = BTreeMap::new();
    for event in events {
        servers.entry((event.server, event.incarnation)).or_default().add(event);
    }
    let text: String =
        servers.iter().map(|(who, life)| format!("{who:?}\n{}", life.text)).collect();
    fnv1a(text.as_bytes())
}

/// One life of a server, as text without addresses.
#[derive(Default)]
struct Life {
    text: String,
    /// The connections with each peer, numbered as they appear.
    connections: BTreeMap<ServerId, Vec<ConnectionName>>,
}

impl Life {
    fn add(&mut self, event: &Event) {
        let kind = &event.kind;
        // The recorder writes these when the run is over.
        if matches!(kind, EventKind::Joined { .. }) {
            return;
        }
        let mut line = kind.name().to_string();
        if let EventKind::Sent(packet) | EventKind::Received(packet) = kind {
            let (message, number) = (packet.message.kind(), self.number(packet));
            line = format!("{line} {message} {} {number} {}", packet.peer, packet.ordinal);
        }
        self.text.push_str(&line);
        self.text.push('\n');
    }

    fn number(&mut self, packet: &Packet) -> usize {
        let known = self.connections.entry(packet.peer).or_default();
        known.iter().position(|name| *name == packet.connection).unwrap_or_else(|| {
            known.push(packet.connection.clone());
            known.len() - 1
        })
    }
}

#[cfg(test)]
mod tests {
    use zab_trace::{Message, Zxid};

    use super::*;

    fn commit(server: ServerId, seq: u64, port: u16, counter: u32) -> Event {
        let packet = Packet {
            connection: ConnectionName::new(format!("a:{port}"), "b:1"),
            ordinal: 0,
            peer: 3,
            message: Message::Commit { zxid: Zxid { epoch: 1, counter } },
        };
        Event::new(server, 1, seq, EventKind::Received(packet))
    }

    #[test]
    fn addresses_and_zxids_do_not_matter_but_the_order_does() {
        let one = [commit(1, 0, 10, 1), Event::new(1, 1, 1, EventKind::Resent)];
        let same = [commit(1, 0, 11, 2), Event::new(1, 1, 1, EventKind::Resent)];
        let other = [Event::new(1, 1, 0, EventKind::Resent), commit(1, 1, 10, 1)];
        assert_eq!(causal_order(&one), causal_order(&same));
        assert_ne!(causal_order(&one), causal_order(&other));
    }

    #[test]
    fn lines_of_different_servers_may_come_in_any_order() {
        let (one, two) = (commit(1, 0, 10, 1), commit(2, 0, 12, 1));
        assert_eq!(causal_order(&[one.clone(), two.clone()]), causal_order(&[two, one]));
    }
}
