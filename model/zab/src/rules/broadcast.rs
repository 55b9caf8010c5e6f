//! Phase 3: replicating requests.

use super::Node;
use super::election::zk_fle_leave_role;
use super::failure::close;
use crate::config::Mutant;
use crate::message::Message;
use crate::outbox::{Decision, Effect, Write};
use crate::probe::Probe;
use crate::server::Link;
use crate::shape::{Number, Queue, Shape, Table};
use crate::step::Enabled;
use crate::types::{Phase, Role, ServerId, ServerSet, Txn, TxnOf, Zxid};

/// l.3.1: a request becomes the next transaction of the epoch and is proposed to every forwarding
/// learner.
pub(crate) fn l_3_1<S: Shape, P: Probe>(node: &mut Node<'_, S, P>, payload: S::Payload) -> Enabled {
    let (role, phase, epoch) = (node.me.role, node.me.phase, node.me.current_epoch);
    if !node.check("l.3.1", "role = LEADING", role == Role::Leading, role, Role::Leading)
        || !node.check(
            "l.3.1",
            "phase = BROADCAST",
            phase == Phase::Broadcast,
            phase,
            Phase::Broadcast,
        )
    {
        return Enabled::No;
    }
    let last = node.last();
    let counter = if last.epoch == epoch { last.counter } else { S::Num::ZERO };
    let Some(counter) = counter.next() else { return Enabled::No };
    let txn = Txn { zxid: Zxid::new(epoch, counter), payload };
    let Some(history) = S::append(&node.cfg.logs, &node.me.history, txn) else {
        return Enabled::No;
    };
    let own = node.cfg.has(Mutant::OwnAckBeforeSync);
    let acks = if own { ServerSet::of(node.me.id) } else { ServerSet::default() };
    if !node.me.leader.outstanding.push(acks) {
        return Enabled::No;
    }
    node.fired("l.3.1");
    node.me.history = history;
    node.decide(Decision::Proposed { zxid: txn.zxid });
    node.send_forwarding(Message::Proposal(txn));
    Enabled::Yes
}

/// f.3.1: a proposal is appended to the history; it is acknowledged when it is durable.
pub(crate) fn f_3_1<S: Shape, P: Probe>(node: &mut Node<'_, S, P>, txn: TxnOf<S>) -> Enabled {
    let last = node.last();
    let follows = last.next_is(txn.zxid);
    if !node.check("f.3.1", "zxid = next(last)", follows, txn.zxid, last) {
        return zk_fle_leave_role(node);
    }
    let Some(history) = S::append(&node.cfg.logs, &node.me.history, txn) else {
        return Enabled::No;
    };
    node.fired("f.3.1");
    node.me.history = history;
    if node.cfg.has(Mutant::AckBeforeSync) {
        node.send(node.me.vote.leader, Message::Ack { zxid: txn.zxid });
    }
    Enabled::Yes
}

/// zk.bcast.sync: a prefix of the unsynced tail is durable, and is acknowledged.
pub(crate) fn zk_bcast_sync<S: Shape, P: Probe>(
    node: &mut Node<'_, S, P>,
    up_to: Zxid<S::Num>,
) -> Enabled {
    let durable = S::length(&node.me.disk.history);
    let length = S::length_at(&node.cfg.logs, &node.me.history, up_to);
    let tail = length.filter(|length| *length > durable);
    let synced = node.zxid_at(durable);
    if !node.check("zk.bcast.sync", "zxid is in the history after", tail.is_some(), up_to, synced) {
        return Enabled::No;
    }
    node.fired("zk.bcast.sync");
    let length = tail.unwrap_or(durable);
    let before = deliverable(node);
    node.me.disk.history = S::prefix(&node.cfg.logs, &node.me.history, length);
    node.out.push(Effect::Persisted(Write::Log(up_to)));
    for index in durable..length {
        if node.me.phase == Phase::Broadcast
            && let Some(txn) = node.txn(index)
        {
            acknowledge(node, txn.zxid);
        }
    }
    zk_bcast_apply(node, before);
    Enabled::Yes
}

/// A transaction is durable here: tell the leader, or count it.
fn acknowledge<S: Shape, P: Probe>(node: &mut Node<'_, S, P>, zxid: Zxid<S::Num>) {
    match node.me.role {
        Role::Following if node.cfg.has(Mutant::AckBeforeSync) => {}
        Role::Following => node.send(node.me.vote.leader, Message::Ack { zxid }),
        Role::Leading => count(node, node.me.id, zxid),
        Role::Looking | Role::Down => {}
    }
}

/// l.3.2: an acknowledgement joins its transaction's; the first outstanding transactions that have
/// a quorum are committed.
pub(crate) fn l_3_2<S: Shape, P: Probe>(
    node: &mut Node<'_, S, P>,
    from: ServerId,
    zxid: Zxid<S::Num>,
) -> Enabled {
    let acknowledged = node.me.leader.links.row(from) == Link::Acknowledged;
    let guard = "ACK-LD came before ACK";
    if !node.check("l.2.2", guard, acknowledged, acknowledged, true) {
        return close(node, from);
    }
    let before = deliverable(node);
    count(node, from, zxid);
    zk_bcast_apply(node, before);
    Enabled::Yes
}

/// The effect of `l.3.2`, for a learner's acknowledgement or the leader's own.
fn count<S: Shape, P: Probe>(node: &mut Node<'_, S, P>, from: ServerId, zxid: Zxid<S::Num>) {
    let committed = node.me.committed(node.cfg);
    let place = S::length_at(&node.cfg.logs, &node.me.history, zxid)
        .and_then(|length| length.checked_sub(committed + 1));
    let acks = place.and_then(|place| node.me.leader.outstanding.as_mut_slice().get_mut(place));
    let Some(acks) = acks else { return };
    acks.insert(from);
    node.fired("l.3.2");
    for index in committed.. {
        let Some(acks) = node.me.leader.outstanding.as_slice().first().copied() else { break };
        let quorum = node.cfg.is_quorum(acks)
            || node.cfg.has(Mutant::CommitWithoutQuorum) && !acks.is_empty();
        let Some(txn) = node.txn(index) else { break };
        if !node.check("l.3.2", "acknowledgements >= quorum", quorum, acks, node.cfg.quorum()) {
            break;
        }
        node.me.leader.outstanding.pop();
        node.me.last_committed = txn.zxid;
        node.decide(Decision::Committed { zxid: txn.zxid });
        node.send_forwarding(Message::Commit { zxid: txn.zxid });
    }
}

/// f.3.3: commits come in the order of the history.
pub(crate) fn f_3_3<S: Shape, P: Probe>(node: &mut Node<'_, S, P>, zxid: Zxid<S::Num>) -> Enabled {
    let next = node.txn(node.me.committed(node.cfg)).map(|txn| txn.zxid);
    let held = next.unwrap_or_default();
    if !node.check("f.3.3", "zxid = next to commit", next == Some(zxid), zxid, held) {
        return zk_fle_leave_role(node);
    }
    node.fired("f.3.3");
    let before = deliverable(node);
    node.me.last_committed = if node.cfg.has(Mutant::CommitAhead) { node.last() } else { zxid };
    zk_bcast_apply(node, before);
    Enabled::Yes
}

/// How many transactions are committed and durable here.
fn deliverable<S: Shape, P: Probe>(node: &Node<'_, S, P>) -> usize {
    let committed = node.me.committed(node.cfg);
    if node.cfg.has(Mutant::DeliveredBeforeSync) {
        return committed;
    }
    committed.min(S::length(&node.me.disk.history))
}

/// zk.bcast.apply: what has become deliverable in this step is delivered.
pub(crate) fn zk_bcast_apply<S: Shape, P: Probe>(node: &mut Node<'_, S, P>, before: usize) {
    let now = deliverable(node);
    if node.me.phase == Phase::Broadcast && now > before {
        node.fired("zk.bcast.apply");
        node.deliver(before, now);
    }
}
