//! Phase 2: taking over the leader's history.

use super::Node;
use super::broadcast::{f_3_1, f_3_3};
use super::election::{zk_fle_leave_role, zk_fle_update_vote};
use super::failure::close;
use super::plan::{Window, zk_sync_diff, zk_sync_snap, zk_sync_trunc};
use crate::config::Mutant;
use crate::message::Message;
use crate::outbox::Decision;
use crate::probe::Probe;
use crate::program::Item;
use crate::server::{Learner, Link, Stage};
use crate::shape::{Number, Queue, Shape, Table};
use crate::step::Enabled;
use crate::types::{Phase, ServerId, ServerSet, TxnOf, Zxid};

/// l.2.1: bring a learner that reported `p` to the committed history and join it to the stream.
pub(crate) fn l_2_1<S: Shape, P: Probe>(
    node: &mut Node<'_, S, P>,
    learner: ServerId,
    p: Zxid<S::Num>,
) {
    node.fired("l.2.1");
    let window = Window::of(node.cfg, node.me);
    let (end, max) = (window.end, window.max());
    let (rule, header, cursor) = if let Some(cursor) = zk_sync_diff(&window, p) {
        ("zk.sync.diff", Message::Diff { zxid: max }, cursor)
    } else if let Some(cursor) = zk_sync_trunc(&window, p) {
        ("zk.sync.trunc", Message::Trunc { zxid: cursor }, cursor)
    } else {
        let zxid = zk_sync_snap(&window);
        let history = S::prefix(&node.cfg.logs, &node.me.history, end);
        ("zk.sync.snap", Message::Snap { zxid, history }, zxid)
    };
    node.fired(rule);
    node.send(learner, header);
    let after = S::count_up_to(&node.cfg.logs, &node.me.history, cursor);
    for index in after..S::length(&node.me.history) {
        let Some(txn) = node.txn(index) else { break };
        node.send(learner, Message::Proposal(txn));
        if index < end {
            node.send(learner, Message::Commit { zxid: txn.zxid });
        }
    }
    zk_sync_withdraw(node, learner, cursor);
    let epoch = node.me.accepted_epoch;
    node.send(learner, Message::NewLeader { epoch });
    node.me.leader.reported.set(learner, Zxid::default());
    node.me.leader.links.set(learner, Link::Forwarding);
}

/// zk.sync.withdraw: what a learner acknowledged and is about to lose, or to get again, no longer
/// counts (H-01).
pub(crate) fn zk_sync_withdraw<S: Shape, P: Probe>(
    node: &mut Node<'_, S, P>,
    learner: ServerId,
    cursor: Zxid<S::Num>,
) {
    if node.cfg.has(Mutant::NothingWithdrawn) {
        return;
    }
    let committed = node.me.committed(node.cfg);
    let kept = S::count_up_to(&node.cfg.logs, &node.me.history, cursor);
    let mut withdrawn = false;
    for acks in
        node.me.leader.outstanding.as_mut_slice().iter_mut().skip(kept.saturating_sub(committed))
    {
        withdrawn |= acks.contains(learner);
        acks.remove(learner);
    }
    if withdrawn {
        node.fired("zk.sync.withdraw");
    }
}

/// What follows the write of `l.1.2`: `l.2.1` for every learner that waits.
pub(crate) fn synchronize_waiting<S: Shape, P: Probe>(node: &mut Node<'_, S, P>) {
    for learner in node.learners(Link::Reported) {
        let p = node.me.leader.reported.row(learner);
        l_2_1(node, learner, p);
    }
    if node.cfg.has(Mutant::EstablishedWithoutQuorum) {
        establish(node);
    }
}

/// The first packet of a synchronization.
pub(crate) enum Header<S: Shape> {
    /// DIFF.
    Diff,
    /// TRUNC, to a position.
    Trunc(Zxid<S::Num>),
    /// SNAP, of a history.
    Snap(S::Log),
}

/// f.2.0: the first packet of a synchronization says from which base it starts.
pub(crate) fn f_2_0<S: Shape, P: Probe>(node: &mut Node<'_, S, P>, header: &Header<S>) -> Enabled {
    if !in_stage(node, "f.2.0", "the header comes first", &[Stage::Header]) {
        return zk_fle_leave_role(node);
    }
    match header {
        Header::Diff => begin(node, node.me.history, false),
        Header::Trunc(zxid) => return f_2_0_trunc(node, *zxid),
        Header::Snap(history) => begin(node, *history, true),
    }
    Enabled::Yes
}

fn f_2_0_trunc<S: Shape, P: Probe>(node: &mut Node<'_, S, P>, zxid: Zxid<S::Num>) -> Enabled {
    let logs = &node.cfg.logs;
    let base = node.me.base.to_usize();
    let length = S::length_at(logs, &node.me.history, zxid);
    let known = length.filter(|length| *length == 0 || *length >= base);
    let last = node.last();
    if !node.check("f.2.0", "TRUNC zxid is in the history up to", known.is_some(), zxid, last) {
        return zk_fle_leave_role(node);
    }
    if !node.cfg.has(Mutant::TruncIgnored) {
        let length = known.unwrap_or_default();
        node.me.history = S::prefix(logs, &node.me.history, length);
        node.me.base = S::Num::from_usize(base.min(length));
    }
    begin(node, node.me.history, false);
    node.run([Item::Truncate, Item::None, Item::None, Item::None, Item::None])
}

/// Starts a synchronization from a base.
fn begin<S: Shape, P: Probe>(node: &mut Node<'_, S, P>, base: S::Log, snapshot: bool) {
    node.fired("f.2.0");
    let length = S::Num::from_usize(S::length(&base));
    node.me.learner = Learner {
        stage: Stage::Receiving,
        snapshot,
        start: length,
        received: base,
        committed: length,
    };
}

/// Whether the follower is in SYNCHRONIZATION and in one of these stages.
fn in_stage<S: Shape, P: Probe>(
    node: &mut Node<'_, S, P>,
    rule: &'static str,
    guard: &'static str,
    stages: &[Stage],
) -> bool {
    let holds = node.me.phase == Phase::Synchronization && stages.contains(&node.me.learner.stage);
    node.check(rule, guard, holds, holds, true)
}

/// zk.sync.proposal: a transaction that the leader sends before UPTODATE is kept, not logged.
pub(crate) fn zk_sync_proposal<S: Shape, P: Probe>(
    node: &mut Node<'_, S, P>,
    txn: TxnOf<S>,
) -> Enabled {
    let stages = [Stage::Receiving, Stage::Acknowledged];
    if !in_stage(node, "zk.sync.proposal", "PROPOSAL comes after the header", &stages) {
        return zk_fle_leave_role(node);
    }
    let last = S::last(&node.cfg.logs, &node.me.learner.received);
    let follows = last.next_is(txn.zxid);
    if !node.check("zk.sync.proposal", "zxid = next(received)", follows, txn.zxid, last) {
        return zk_fle_leave_role(node);
    }
    let Some(received) = S::append(&node.cfg.logs, &node.me.learner.received, txn) else {
        return Enabled::No;
    };
    node.fired("zk.sync.proposal");
    node.me.learner.received = received;
    Enabled::Yes
}

/// zk.sync.commit: commits before UPTODATE come in the order of the proposals.
pub(crate) fn zk_sync_commit<S: Shape, P: Probe>(
    node: &mut Node<'_, S, P>,
    zxid: Zxid<S::Num>,
) -> Enabled {
    let stages = [Stage::Receiving, Stage::Acknowledged];
    if !in_stage(node, "zk.sync.commit", "COMMIT comes after the header", &stages) {
        return zk_fle_leave_role(node);
    }
    let committed = node.me.learner.committed;
    let first = S::zxid(&node.cfg.logs, &node.me.learner.received, committed.to_usize());
    let held = first.unwrap_or_default();
    if !node.check("zk.sync.commit", "zxid = first not committed", first == Some(zxid), zxid, held)
    {
        return zk_fle_leave_role(node);
    }
    node.fired("zk.sync.commit");
    node.me.learner.committed = committed.next().unwrap_or(committed);
    Enabled::Yes
}

/// f.2.1: NEWLEADER: make the committed history durable, then the epoch, then acknowledge.
pub(crate) fn f_2_1<S: Shape, P: Probe>(node: &mut Node<'_, S, P>, epoch: S::Num) -> Enabled {
    if !in_stage(node, "f.2.1", "NEWLEADER comes once, after the header", &[Stage::Receiving]) {
        return zk_fle_leave_role(node);
    }
    let accepted = node.me.accepted_epoch;
    if !node.check("f.2.1", "epoch = acceptedEpoch", epoch == accepted, epoch, accepted) {
        return zk_fle_leave_role(node);
    }
    node.fired("f.2.1");
    let me = &mut *node.me;
    let learner = me.learner;
    me.learner.stage = Stage::Acknowledged;
    me.history = S::prefix(&node.cfg.logs, &learner.received, learner.committed.to_usize());
    me.current_epoch = epoch;
    if learner.snapshot {
        me.base = learner.start;
    }
    let snapshot = if learner.snapshot { Item::Snapshot } else { Item::None };
    let log = if learner.committed > learner.start { Item::Log } else { Item::None };
    let program = match node.cfg.mutant {
        Some(Mutant::EpochBeforeHistory) => {
            [Item::CurrentEpoch, snapshot, log, Item::Deliver, Item::AckLd]
        }
        Some(Mutant::AckLdBeforeWrites) => {
            [Item::AckLd, snapshot, log, Item::Deliver, Item::CurrentEpoch]
        }
        None | Some(_) => [snapshot, log, Item::Deliver, Item::CurrentEpoch, Item::AckLd],
    };
    node.run(program)
}

/// The delivery in the program of `f.2.1`. What lies before it is in the state machine already:
/// `zk.fle.enter` and SNAP put it there.
pub(crate) fn deliver_received<S: Shape, P: Probe>(node: &mut Node<'_, S, P>) {
    let start = node.me.learner.start.to_usize();
    node.deliver(start, S::length(&node.me.history));
    node.me.learner.start = S::Num::ZERO;
    node.me.learner.snapshot = false;
}

/// The last item in the program of `f.2.1`.
pub(crate) fn acknowledge_new_leader<S: Shape, P: Probe>(node: &mut Node<'_, S, P>) {
    let epoch = node.me.accepted_epoch;
    node.send(node.me.vote.leader, Message::AckLd { epoch });
}

/// l.2.2: a learner has taken over the history; a quorum of them establishes the leader.
pub(crate) fn l_2_2<S: Shape, P: Probe>(
    node: &mut Node<'_, S, P>,
    from: ServerId,
    epoch: S::Num,
) -> Enabled {
    let link = node.me.leader.links.row(from);
    if link == Link::Acknowledged {
        return Enabled::Yes;
    }
    let (own, expected) = (node.me.accepted_epoch, link == Link::Forwarding);
    if !node.check("l.2.2", "NEWLEADER was sent", expected, expected, true)
        || !node.check("l.2.2", "epoch = newEpoch", epoch == own, epoch, own)
    {
        return close(node, from);
    }
    node.fired("l.2.2");
    node.me.leader.links.set(from, Link::Acknowledged);
    if node.me.phase == Phase::Broadcast {
        l_2_3(node, from);
        return Enabled::Yes;
    }
    node.me.leader.new_leader_acks.insert(from);
    let acks = node.me.leader.new_leader_acks;
    let quorum = node.cfg.is_quorum(acks);
    if !node.check("l.2.2", "acknowledgements >= quorum", quorum, acks, node.cfg.quorum()) {
        return Enabled::Yes;
    }
    establish(node);
    Enabled::Yes
}

/// The quorum of `l.2.2` is complete.
fn establish<S: Shape, P: Probe>(node: &mut Node<'_, S, P>) {
    node.me.leader.new_leader_acks = ServerSet::default();
    node.me.last_committed = node.last();
    node.me.phase = Phase::Broadcast;
    zk_fle_update_vote(node);
    node.decide(Decision::Established { epoch: node.me.accepted_epoch });
    for learner in node.learners(Link::Acknowledged) {
        l_2_3(node, learner);
    }
}

/// l.2.3: tell a learner that the leader is established.
pub(crate) fn l_2_3<S: Shape, P: Probe>(node: &mut Node<'_, S, P>, learner: ServerId) {
    node.fired("l.2.3");
    node.send(learner, Message::UpToDate);
}

/// f.2.2: UPTODATE: the follower is in BROADCAST, and what it has not logged becomes ordinary
/// traffic.
pub(crate) fn f_2_2<S: Shape, P: Probe>(node: &mut Node<'_, S, P>) -> Enabled {
    if !in_stage(node, "f.2.2", "UPTODATE comes after NEWLEADER", &[Stage::Acknowledged]) {
        return zk_fle_leave_role(node);
    }
    node.fired("f.2.2");
    let epoch = node.me.accepted_epoch;
    node.send(node.me.vote.leader, Message::AckLd { epoch });
    let Learner { received, committed, .. } = node.me.learner;
    node.me.learner = Learner::default();
    node.me.phase = Phase::Broadcast;
    node.me.last_committed = node.last();
    zk_fle_update_vote(node);
    let logged = S::length(&node.me.history);
    let get = |index| S::get(&node.cfg.logs, &received, index);
    for txn in (logged..S::length(&received)).map_while(get).collect::<Vec<_>>() {
        if f_3_1(node, txn) == Enabled::No {
            return Enabled::No;
        }
    }
    for txn in (logged..committed.to_usize()).map_while(get).collect::<Vec<_>>() {
        if f_3_3(node, txn.zxid) == Enabled::No {
            return Enabled::No;
        }
    }
    Enabled::Yes
}
