//! What must hold of the stores of a server: under `fixed` they agree.

use super::ghost::{Established, is_prefix};
use super::properties::Case;
use super::sizes::{Flat, Log};
use crate::server::{Server, Stage, SyncMode, Synchronization};
use crate::shape::Queue;
use crate::stores::{Database, Snapshot};
use crate::types::{Phase, Role, Zxid};

/// A tree claims to be where its last transaction is, or at the beginning of a later epoch, in
/// which it has none (D-L0).
fn is_at<const N: usize, const P: usize>(
    case: &Case<'_, N, P>,
    tree: Log,
    label: Zxid<u8>,
) -> bool {
    let last = case.config.history(tree).last();
    label == last || (label.counter == 0 && label > last)
}

/// The tree in memory and that of the newest snapshot are where they claim to be. Before NEWLEADER a
/// tree that came with SNAP may not be: what comes behind the SNAP may be in it already, and changes
/// it again (D-SNAP).
pub(super) fn tree_is_what_its_label_says<const N: usize, const P: usize>(
    case: &Case<'_, N, P>,
) -> bool {
    case.members().iter().all(|server| {
        let (database, snapshot) = (&server.database, &server.disk.snapshot);
        let Synchronization { mode, stage, .. } = server.synchronization;
        let comes_with_snap = mode == SyncMode::Snap && stage == Stage::Receiving;
        (comes_with_snap || is_at(case, database.tree, database.label))
            && is_at(case, snapshot.tree, snapshot.label)
    })
}

/// Each transaction from an index on may follow the one before it, and the first of them `before`.
fn is_continuous<const N: usize, const P: usize>(
    case: &Case<'_, N, P>,
    log: Log,
    from: usize,
    mut before: Zxid<u8>,
) -> bool {
    let log = case.config.history(log);
    (from..log.length()).filter_map(|place| log.zxid(place)).all(|zxid| {
        let follows = before.next_is(zxid);
        before = zxid;
        follows
    })
}

/// Neither log nor window has a hole, a repetition, or a step back. What a start does not read of
/// the log, because a snapshot covers it, does not matter.
pub(super) fn log_and_window_are_continuous<const N: usize, const P: usize>(
    case: &Case<'_, N, P>,
) -> bool {
    case.members().iter().all(|server| {
        let (window, label) = (server.database.committed_log, server.disk.snapshot.label);
        let covered = case.config.history(server.history).count_to(label);
        let start = usize::from(window.start);
        let before = case.config.history(window.log).zxid_at(start);
        is_continuous(case, server.history, covered, label)
            && is_continuous(case, window.log, start, before)
    })
}

/// Whether one of two histories begins with the other.
fn is_alike(one: &Log, other: &Log) -> bool {
    is_prefix(one, other) || is_prefix(other, one)
}

/// What snapshot and log hold together.
pub(super) fn history<const N: usize, const P: usize>(
    case: &Case<'_, N, P>,
    server: &Server<Flat<N>>,
) -> Log {
    if server.disk.snapshot == Snapshot::default() {
        return server.history;
    }
    Database::recovered(&case.config, server.disk.snapshot, server.history).tree
}

/// Tree and window of a server are a part of what its snapshot and its log hold. Before NEWLEADER
/// has written a snapshot the tree may be newer.
pub(super) fn stores_agree<const N: usize, const P: usize>(case: &Case<'_, N, P>) -> bool {
    case.members().iter().all(|server| {
        let (database, history) = (&server.database, history(case, server));
        server.synchronization.mode != SyncMode::Diff
            || is_prefix(&database.tree, &history)
                && is_alike(&database.committed_log.log, &database.tree)
    })
}

/// Whoever follows in broadcast has, in log, tree and window, what its leader has.
pub(super) fn followers_have_their_leaders_history<const N: usize, const P: usize>(
    case: &Case<'_, N, P>,
) -> bool {
    case.members().iter().filter(|server| is_in_broadcast(server, Role::Following)).all(
        |follower| {
            let leader = case.state.server(follower.vote.leader);
            let is_led = is_in_broadcast(leader, Role::Leading)
                && leader.current_epoch == follower.current_epoch;
            let led = history(case, leader);
            let has = |log: &Log| is_prefix(log, &led);
            let database = &follower.database;
            !is_led
                || has(&history(case, follower))
                    && has(&database.tree)
                    && has(&database.committed_log.log)
        },
    )
}

/// Whoever follows in broadcast has applied the history with which its leader was established
/// (ZOOKEEPER-3023: it acknowledges UPTODATE before).
pub(super) fn followers_have_applied_what_their_leader_began_with<
    const N: usize,
    const P: usize,
>(
    case: &Case<'_, N, P>,
) -> bool {
    let established = case.state.ghost.established.as_slice();
    case.voters().iter().filter(|server| is_in_broadcast(server, Role::Following)).all(|follower| {
        let of_epoch = |leader: &&Established| leader.epoch == follower.current_epoch;
        let has_applied =
            |leader: &Established| is_prefix(&leader.initial, &follower.database.tree);
        established.iter().filter(of_epoch).all(has_applied)
    })
}

fn is_in_broadcast<const N: usize>(server: &Server<Flat<N>>, role: Role) -> bool {
    server.role == role && server.phase == Phase::Broadcast
}
