//! What a state of the model has in common with a state of a trace.
//!
//! Compared are: whether a server runs, role, phase, both epochs on disk, the log on disk, what was
//! appended and not written yet, how much is known to be committed by a server that serves, and the
//! vote of one that looks for a leader. A server that is elected is in SYNCHRONIZATION at once in the
//! specifications, so DISCOVERY and SYNCHRONIZATION are not told apart.

use std::fmt::Display;

use zab_model::explore::{Flat, Log, SERVERS, State};
use zab_model::{Phase, Role, Server, ServerId, ServerSet, Table, Zxid};

use crate::order::Order;
use crate::read::Post;

/// The zxids of a history.
pub(crate) fn zxids(state: &State, log: Log) -> Vec<Zxid<u8>> {
    let numbers = log.numbers().iter();
    numbers.map(|number| state.transactions[usize::from(*number) - 1].zxid).collect()
}

/// What differs of the server at a place of a trace, in words.
pub(crate) fn differences(
    state: &State,
    order: &Order<'_>,
    place: usize,
    post: &Post,
) -> Vec<String> {
    let id = order.id(place);
    let mut all = Differences { server: order.name(id), found: Vec::new() };
    let server = state.server(id);
    let is_online = server.role != Role::Down;
    all.note("status", told(post.online), told(is_online));
    all.note("acceptedEpoch", post.accepted_epoch, server.disk.accepted_epoch);
    all.note("currentEpoch", post.current_epoch, server.disk.current_epoch);
    let on_disk = zxids(state, server.disk.history);
    all.note_logs("history", &post.history, &on_disk);
    if !post.online || !is_online {
        all.note("state", post.role, Role::Looking);
        all.note("zabState", post.phase, Phase::Election);
        return all.found;
    }
    let log = zxids(state, server.history);
    let with_queue: Vec<Zxid<u8>> = post.history.iter().chain(&post.queued).copied().collect();
    // Amid NEWLEADER what is to be logged is taken for the log already, in memory.
    if server.program.is_finished() && on_disk == post.history {
        all.note_logs("history and queuedRequests", &with_queue, &log);
    }
    all.note("state", post.role, server.role);
    all.note("zabState", coarse(post.phase), coarse(server.phase));
    if server.role == Role::Looking && post.role == Role::Looking {
        all.note("lastProcessed", post.last_processed, position(state, server));
    }
    if server.phase == Phase::Broadcast && post.phase == Phase::Broadcast {
        let committed = log.iter().filter(|zxid| **zxid <= server.last_committed).count();
        let known = usize::from(post.committed) + post.to_commit;
        all.note("the number of committed transactions", known, committed);
        if post.to_commit == 0 {
            all.note("lastProcessed", post.last_processed, position(state, server));
        }
    }
    if server.role == Role::Leading && post.role == Role::Leading {
        all.note(
            "forwarding",
            order.names(order.set(&post.forwarding)),
            order.names(forwarding(server)),
        );
    }
    all.found
}

/// The position of a tree as the specifications have it: they do not know the beginning of an epoch,
/// (epoch, 0), at which an established leader is in ZooKeeper.
pub(crate) fn position(state: &State, server: &Server<Flat>) -> Zxid<u8> {
    let label = server.database.label;
    if label.counter > 0 {
        return label;
    }
    zxids(state, server.database.tree).last().copied().unwrap_or_default()
}

/// Whom a leader sends every PROPOSAL.
fn forwarding(server: &Server<Flat>) -> ServerSet {
    let mut set = ServerSet::default();
    for id in (1..=u8::MAX).map(ServerId).take(SERVERS) {
        if server.leader.learners.row(id).progress.is_forwarding() {
            set.insert(id);
        }
    }
    set
}

struct Differences<'a> {
    server: &'a str,
    found: Vec<String>,
}

impl Differences<'_> {
    fn note<T: Display + PartialEq>(&mut self, what: &str, told: T, model: T) {
        if told != model {
            let server = self.server;
            self.found.push(format!("{what} of {server} is {told}, and {model} in the model"));
        }
    }

    fn note_logs(&mut self, what: &str, told: &[Zxid<u8>], model: &[Zxid<u8>]) {
        self.note(what, listed(told), listed(model));
    }
}

fn told(online: bool) -> &'static str {
    if online { "ONLINE" } else { "OFFLINE" }
}

/// The specifications have no DISCOVERY between an election and SYNCHRONIZATION.
fn coarse(phase: Phase) -> Phase {
    if phase == Phase::Discovery { Phase::Synchronization } else { phase }
}

fn listed(zxids: &[Zxid<u8>]) -> String {
    let zxids: Vec<String> = zxids.iter().map(ToString::to_string).collect();
    format!("[{}]", zxids.join(", "))
}
