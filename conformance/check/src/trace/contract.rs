//! What a contract hides, and what a trace looks like under one.

use std::collections::HashMap;

use zab_trace::{Chain, Contract, Event, EventName, Header, ServerId};

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
#[must_use]
pub fn shows(contract: &Contract, server: ServerId, name: EventName) -> bool {
    let silent = contract.silent.contains(&server) && SILENT.contains(&name);
    !silent && !contract.hidden.contains(&name)
}

/// What the lines of one server show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Whether there are `Persisted` lines.
    pub persisted: bool,
    /// Whether there are `Delivered` lines.
    pub delivered: bool,
    /// Whether there are `Looking` lines.
    pub looking: bool,
    /// Whether there are `Resent` lines.
    pub resent: bool,
    /// Whether there are `Elected` lines.
    pub elected: bool,
    /// Whether there are `Proposed` lines.
    pub proposed: bool,
    /// Whether there are `Established` lines.
    pub established: bool,
    /// Whether there are `Committed` lines.
    pub committed: bool,
    /// Whether there are `Connected` lines.
    pub connected: bool,
    /// Whether there are `Disconnected` lines.
    pub disconnected: bool,
}

impl Shown {
    /// What this contract lets this server's lines show.
    #[must_use]
    pub fn new(contract: &Contract, server: ServerId) -> Self {
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
