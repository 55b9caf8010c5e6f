//! The lines of a history in the orders that the rules need.

use std::collections::BTreeMap;

use zab_trace::Zxid;

use crate::history::History;
use crate::record::{Call, Line, Operation, What};

/// An operation with the index of its line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Op<'a> {
    pub(crate) index: usize,
    pub(crate) line: &'a Line,
    pub(crate) operation: &'a Operation,
}

impl Op<'_> {
    /// The zxid of its reply.
    pub(crate) fn zxid(&self) -> Option<Zxid> {
        self.operation.zxid
    }

    /// When its reply came; never, if it did not.
    pub(crate) fn returned(&self) -> u64 {
        self.operation.returned.unwrap_or(u64::MAX)
    }

    /// Whether it changed something, as its client knows.
    pub(crate) fn wrote(&self) -> bool {
        self.operation.call.is_write() && self.zxid().is_some() && self.operation.error.is_none()
    }

    /// Whether it may have changed something, and its client does not know.
    pub(crate) fn is_unknown_write(&self) -> bool {
        self.operation.call.is_write() && self.operation.returned.is_none()
    }

    /// Whose it is, for messages.
    pub(crate) fn whose(&self) -> String {
        format!("client {}", self.line.client)
    }
}

/// All operations, and those of each session.
pub(crate) struct Events<'a> {
    pub(crate) history: &'a History,
    /// In the order of the lines.
    pub(crate) ops: Vec<Op<'a>>,
    /// Places in `ops`, in the order of the requests.
    pub(crate) sessions: BTreeMap<&'a str, Vec<usize>>,
    /// The largest zxid that each session was answered: until then it lived.
    pub(crate) alive: BTreeMap<&'a str, Zxid>,
    /// The zxid at which each session was closed by its client.
    pub(crate) closed: BTreeMap<&'a str, Zxid>,
}

impl<'a> Events<'a> {
    pub(crate) fn new(history: &'a History) -> Self {
        let ops: Vec<Op<'a>> = history
            .operations()
            .map(|(index, operation)| Op { index, line: &history.lines[index], operation })
            .collect();
        let mut sessions: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        let (mut alive, mut closed) = (BTreeMap::new(), BTreeMap::new());
        for (place, op) in ops.iter().enumerate() {
            let Some(session) = op.line.session.as_deref() else { continue };
            sessions.entry(session).or_default().push(place);
            let Some(zxid) = op.zxid() else { continue };
            if op.operation.call == Call::Close && op.operation.error.is_none() {
                closed.insert(session, zxid);
            } else if !matches!(op.operation.error.as_deref(), Some("SessionExpired")) {
                let seen: &mut Zxid = alive.entry(session).or_default();
                *seen = zxid.max(*seen);
            }
        }
        for places in sessions.values_mut() {
            places.sort_by_key(|place| ops[*place].operation.invoked);
        }
        Self { history, ops, sessions, alive, closed }
    }

    /// What happened to each client, in its order: the moment, and the index of the line. An operation
    /// has two.
    pub(crate) fn by_client(&self) -> BTreeMap<u32, Vec<(u64, usize)>> {
        let mut clients: BTreeMap<u32, Vec<(u64, usize)>> = BTreeMap::new();
        for (index, line) in self.history.lines.iter().enumerate() {
            let of_client = clients.entry(line.client).or_default();
            match &line.what {
                What::Operation(operation) => {
                    of_client.push((operation.invoked, index));
                    of_client.extend(operation.returned.map(|at| (at, index)));
                }
                What::Connected { at }
                | What::Disconnected { at }
                | What::Expired { at }
                | What::Watch { at, .. } => of_client.push((*at, index)),
                What::Mark(mark) => of_client.push((mark.at, index)),
            }
        }
        for of_client in clients.values_mut() {
            of_client.sort_unstable();
        }
        clients
    }
}
