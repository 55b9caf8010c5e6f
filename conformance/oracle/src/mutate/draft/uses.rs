//! Which lines belong to one connection, where a name is used more than once.

use std::collections::HashMap;

use zab_trace::{ConnectionName, Event, EventKind, Port, ServerId};

use super::{connection, is_sent};

/// A connection: one use of a name on one port, whatever the lines call it later.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::mutate) struct Link {
    /// The name that the honest run gives it.
    pub(in crate::mutate) name: ConnectionName,
    pub(in crate::mutate) port: Port,
    pub(super) usage: u32,
}

/// Which use of a name each server is in. A use begins with a life of the server, with `Connected`,
/// and on the election port with a message of ordinal 0.
#[derive(Debug, Default)]
pub(super) struct Uses(HashMap<(ServerId, ConnectionName, Port), Usage>);

#[derive(Debug, Default)]
struct Usage {
    number: u32,
    /// Whether a message was sent, and received.
    counted: [bool; 2],
    /// Whether a new life has begun since.
    over: bool,
}

impl Uses {
    pub(super) fn link(&mut self, event: &Event) -> Option<Link> {
        if matches!(event.kind, EventKind::Start { .. }) {
            let own = self.0.iter_mut().filter(|((server, ..), _)| *server == event.server);
            own.for_each(|(_, usage)| usage.over = true);
        }
        let (name, port) = connection(event)?;
        let key = (event.server, name.clone(), port);
        let known = self.0.contains_key(&key);
        let usage = self.0.entry(key).or_default();
        let direction = usize::from(!is_sent(event));
        let again = event.kind.packet().is_some_and(|packet| packet.ordinal == 0)
            && port == Port::Election
            && usage.counted[direction];
        let begins = usage.over || again || matches!(event.kind, EventKind::Connected { .. });
        if known && begins {
            *usage = Usage { number: usage.number + 1, ..Usage::default() };
        }
        usage.counted[direction] |= event.kind.packet().is_some();
        Some(Link { name, port, usage: usage.number })
    }

    /// The server is in this use of the name.
    pub(super) fn set(&mut self, server: ServerId, link: Link) {
        self.0.entry((server, link.name, link.port)).or_default().number = link.usage;
    }
}
