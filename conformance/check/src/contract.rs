//! What a contract hides, and what a trace looks like under one.

use std::collections::{HashMap, VecDeque};

use zab_trace::{Chain, Contract, Event, EventKind, EventName, Header, Port, ServerId};

/// The hidden steps of a silent server: what it does on its own, without a message.
const SILENT: [EventName; 8] = [
    EventName::Persisted,
    EventName::Delivered,
    EventName::Looking,
    EventName::Resent,
    EventName::Elected,
    EventName::Proposed,
    EventName::Established,
    EventName::Committed,
];

/// Whether events of this name are written for this server.
pub(crate) fn shows(contract: &Contract, server: ServerId, name: EventName) -> bool {
    let silent = contract.silent.contains(&server) && SILENT.contains(&name);
    !silent && !contract.hidden.contains(&name)
}

/// What the lines of one server show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) persisted: bool,
    pub(crate) delivered: bool,
    pub(crate) looking: bool,
    pub(crate) resent: bool,
    pub(crate) elected: bool,
    pub(crate) proposed: bool,
    pub(crate) established: bool,
    pub(crate) committed: bool,
    pub(crate) connected: bool,
    pub(crate) disconnected: bool,
}

impl Shown {
    /// What this contract lets this server's lines show.
    pub(crate) fn new(contract: &Contract, server: ServerId) -> Self {
        let shows = |name| shows(contract, server, name);
        Self {
            persisted: shows(EventName::Persisted),
            delivered: shows(EventName::Delivered),
            looking: shows(EventName::Looking),
            resent: shows(EventName::Resent),
            elected: shows(EventName::Elected),
            proposed: shows(EventName::Proposed),
            established: shows(EventName::Established),
            committed: shows(EventName::Committed),
            connected: shows(EventName::Connected),
            disconnected: shows(EventName::Disconnected),
        }
    }

    /// Empties the queues of what no line shows: deliveries, then decisions as in
    /// [`crate::walk::node::Node`].
    pub(crate) fn forget_hidden<T>(self, lines: &mut [VecDeque<T>; 5]) {
        let Self { delivered, looking, elected, established, committed, .. } = self;
        let shows = [delivered, looking, elected, established, committed];
        for (lines, shows) in lines.iter_mut().zip(shows) {
            if !shows {
                lines.clear();
            }
        }
    }

    /// Whether every step of the model is shown by a line, so that none has to be guessed.
    pub(crate) const fn every_step(self) -> bool {
        self.persisted && self.looking && self.elected && self.proposed && self.disconnected
    }
}

/// Everything: nothing is hidden.
#[must_use]
pub fn everything() -> Contract {
    Contract::full()
}

/// Every event, but no state.
#[must_use]
pub fn no_state() -> Contract {
    Contract { state: false, ..Contract::full() }
}

/// Sends, receives, connections, starts and ends; what a server does in between is not shown.
#[must_use]
pub fn sends_and_receives() -> Contract {
    Contract { hidden: SILENT.to_vec(), state: false, silent: Vec::new() }
}

/// Everything, except what this one server does on its own.
#[must_use]
pub fn silent(server: ServerId) -> Contract {
    Contract { hidden: Vec::new(), state: true, silent: vec![server] }
}

/// The same trace under another contract: what it hides is left out, and the numbers of chains
/// close up. `contract` must hide at least what the trace's own contract hides.
#[must_use]
pub fn project(header: &Header, events: &[Event], contract: &Contract) -> (Header, Vec<Event>) {
    let mut kept: HashMap<(ServerId, u32, Chain), Vec<u64>> = HashMap::new();
    for event in events {
        if shows(contract, event.server, event.kind.name()) {
            kept.entry(key(event, &event.chain)).or_default().push(event.seq);
        }
    }
    for seqs in kept.values_mut() {
        seqs.sort_unstable();
    }
    // How many events of a chain are kept up to an old number.
    let count = |key: &(ServerId, u32, Chain), seq: u64| {
        kept.get(key).map_or(0, |seqs| seqs.partition_point(|kept| *kept <= seq) as u64)
    };
    let shown = events.iter().filter(|event| shows(contract, event.server, event.kind.name())).map(
        |event| {
            let mut event = event.clone();
            event.seq = count(&key(&event, &event.chain), event.seq) - 1;
            let after = std::mem::take(&mut event.after);
            event.after = after
                .into_iter()
                .filter_map(|(chain, seq)| {
                    let last = count(&key(&event, &chain), seq).checked_sub(1)?;
                    Some((chain, last))
                })
                .collect();
            if !contract.state {
                event.state = None;
            }
            event
        },
    );
    (Header { contract: contract.clone(), ..header.clone() }, shown.collect())
}

fn key(event: &Event, chain: &Chain) -> (ServerId, u32, Chain) {
    (event.server, event.incarnation, chain.clone())
}

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
        let (packet, direction) = match &mut event.kind {
            EventKind::Sent(packet) => (packet, 0),
            EventKind::Received(packet) => (packet, 1),
            EventKind::Start { .. } => {
                counts.retain(|(owner, _), _| *owner != server);
                continue;
            }
            EventKind::Connected { connection, .. } => {
                counts.insert((server, connection.to_string()), [0; 2]);
                continue;
            }
            EventKind::Stop
            | EventKind::Killed
            | EventKind::Disconnected { .. }
            | EventKind::Persisted(_)
            | EventKind::Delivered { .. }
            | EventKind::Looking { .. }
            | EventKind::Resent
            | EventKind::Elected { .. }
            | EventKind::Proposed { .. }
            | EventKind::Established { .. }
            | EventKind::Committed { .. }
            | EventKind::Joined { .. } => continue,
        };
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
