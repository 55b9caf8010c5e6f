//! Crashes, starts, and connections that end.

use super::Node;
use super::election::{zk_fle_enter, zk_fle_leave_role};
use crate::outbox::Effect;
use crate::probe::Probe;
use crate::program::Item;
use crate::server::{Link, Server, Stage};
use crate::shape::{Number, Shape, Table};
use crate::step::Enabled;
use crate::types::{Phase, Role, ServerId, Zxid};

/// zk.crash: everything in memory is lost; what the operating system may still write of the
/// unsynced tail is kept as history until the start decides. There is no tail while the history on
/// disk is still to be cut or replaced.
pub(crate) fn zk_crash<S: Shape, P: Probe>(node: &mut Node<'_, S, P>) -> Enabled {
    node.fired("zk.crash");
    let Server { id, disk, history, program, .. } = *node.me;
    *node.me = Server::recovered(id, disk);
    let replaced = program.contains(Item::Snapshot);
    let durable = S::prefix(&node.cfg.logs, &history, S::length(&disk.history));
    if durable == disk.history && !replaced {
        node.me.history = history;
    }
    Enabled::Yes
}

/// zk.start: memory is what the disk holds, with a prefix of the tail; then an election.
pub(crate) fn zk_start<S: Shape, P: Probe>(node: &mut Node<'_, S, P>, survived: S::Num) -> Enabled {
    let (role, tail) = (node.me.role, node.me.unsynced());
    if !node.check("zk.start", "role = DOWN", role == Role::Down, role, Role::Down)
        || !node.check("zk.start", "survived <= tail", survived.to_usize() <= tail, survived, tail)
    {
        return Enabled::No;
    }
    let logs = &node.cfg.logs;
    let length = S::length(&node.me.disk.history) + survived.to_usize();
    let history = S::prefix(logs, &node.me.history, length);
    let (ahead, accepted) = (S::last(logs, &history).epoch, node.me.disk.accepted_epoch);
    if !node.check("zk.start", "epoch(last) <= acceptedEpoch", ahead <= accepted, ahead, accepted) {
        return Enabled::No;
    }
    node.fired("zk.start");
    node.me.history = history;
    node.me.disk.history = history;
    zk_fle_enter(node)
}

/// Whether a follower's connection to its leader is up.
pub(crate) fn is_connected<S: Shape>(me: &Server<S>) -> bool {
    me.phase > Phase::Discovery || me.learner.stage == Stage::Registered
}

/// zk.fail.learner_link: the connection to the leader ends.
pub(crate) fn zk_fail_learner_link<S: Shape, P: Probe>(
    node: &mut Node<'_, S, P>,
    peer: ServerId,
) -> Enabled {
    let leader = node.me.vote.leader;
    let up = is_connected(node.me);
    if !node.check("zk.fail.learner_link", "peer = leader", peer == leader, peer, leader)
        || !node.check("zk.fail.learner_link", "the connection was up", up, up, true)
    {
        return Enabled::No;
    }
    node.fired("zk.fail.learner_link");
    zk_fle_leave_role(node)
}

/// zk.fail.leader_link: the connection to a learner ends; what it acknowledged stays counted.
pub(crate) fn zk_fail_leader_link<S: Shape, P: Probe>(
    node: &mut Node<'_, S, P>,
    peer: ServerId,
) -> Enabled {
    let known = node.me.leader.links.row(peer) != Link::None;
    if !node.check("zk.fail.leader_link", "the learner was connected", known, known, true) {
        return Enabled::No;
    }
    node.fired("zk.fail.leader_link");
    node.me.leader.links.set(peer, Link::None);
    node.me.leader.reported.set(peer, Zxid::default());
    Enabled::Yes
}

/// zk.fail.leader_quorum: a leader gives up for want of a quorum, a follower for want of an answer
/// (`zk.fail.learner_link`). Without a clock: at any time.
pub(crate) fn zk_fail_leader_quorum<S: Shape, P: Probe>(node: &mut Node<'_, S, P>) -> Enabled {
    match node.me.role {
        Role::Leading => node.fired("zk.fail.leader_quorum"),
        Role::Following => node.fired("zk.fail.learner_link"),
        Role::Looking | Role::Down => {
            let role = node.me.role;
            node.check("zk.fle.leave_role", "there is a role to leave", false, role, Role::Looking);
            return Enabled::No;
        }
    }
    zk_fle_leave_role(node)
}

/// A learner breaks the protocol: this end closes its connection.
pub(crate) fn close<S: Shape, P: Probe>(node: &mut Node<'_, S, P>, peer: ServerId) -> Enabled {
    if zk_fail_leader_link(node, peer) == Enabled::No {
        return Enabled::No;
    }
    node.out.push(Effect::Closed(peer));
    Enabled::Yes
}
