//! What must hold of the stores of a server: under `fixed` they agree.

use super::ghost::is_prefix;
use super::properties::Case;
use super::sizes::{Flat, Log};
use crate::server::{Server, Stage, SyncMode};
use crate::types::{Phase, Role, Zxid};

/// A tree claims to be where its last transaction is, or at the beginning of a later epoch, in
/// which it has none (D-L0).
fn is_at(case: &Case<'_>, tree: Log, label: Zxid<u8>) -> bool {
    let last = case.config.history(tree).last();
    label == last || (label.counter == 0 && label > last)
}

/// The tree in memory and that of the newest snapshot are where they claim to be.
pub fn tree_is_what_its_label_says(case: &Case<'_>) -> bool {
    case.voters().iter().all(|server| {
        let (database, snapshot) = (&server.database, &server.disk.snapshot);
        is_at(case, database.tree, database.label) && is_at(case, snapshot.tree, snapshot.label)
    })
}

/// Each transaction may follow the one before it.
fn is_continuous(case: &Case<'_>, log: Log, from: usize) -> bool {
    let log = case.config.history(log);
    let zxid = |place: usize| log.zxid(place).unwrap_or_default();
    (from + 1..log.length()).all(|place| zxid(place - 1).next_is(zxid(place)))
}

/// Neither log nor window has a hole, a repetition, or a step back.
pub fn log_and_window_are_continuous(case: &Case<'_>) -> bool {
    case.voters().iter().all(|server| {
        let window = server.database.committed_log;
        is_continuous(case, server.history, 0)
            && is_continuous(case, window.log, usize::from(window.start))
    })
}

/// Whether one of two histories begins with the other.
fn is_alike(one: &Log, other: &Log) -> bool {
    is_prefix(one, other) || is_prefix(other, one)
}

/// Whether the stores of a server tell one history. While a SNAP is received, the tree is newer
/// than the log.
fn agrees(server: &Server<Flat>) -> bool {
    let is_received = server.synchronization.mode == SyncMode::Snap
        && server.synchronization.stage == Stage::Receiving;
    let database = &server.database;
    is_received
        || is_prefix(&database.tree, &server.history)
            && is_alike(&database.committed_log.log, &database.tree)
}

/// Tree and window of a server are a part of its log.
pub fn stores_agree(case: &Case<'_>) -> bool {
    case.voters().iter().all(agrees)
}

/// Whoever follows in broadcast has, in log, tree and window, what its leader has.
pub fn followers_have_their_leaders_history(case: &Case<'_>) -> bool {
    case.voters().iter().filter(|server| is_in_broadcast(server, Role::Following)).all(|follower| {
        let leader = case.state.server(follower.vote.leader);
        let is_led = is_in_broadcast(leader, Role::Leading)
            && leader.current_epoch == follower.current_epoch;
        let has = |log: &Log| is_prefix(log, &leader.history);
        let database = &follower.database;
        !is_led || has(&follower.history) && has(&database.tree) && has(&database.committed_log.log)
    })
}

fn is_in_broadcast(server: &Server<Flat>, role: Role) -> bool {
    server.role == role && server.phase == Phase::Broadcast
}
