//! Phase 1: agreeing on a new epoch.

use super::Node;
use super::election::zk_fle_leave_role;
use super::failure::close;
use super::synchronization::l_2_1;
use crate::config::Mutant;
use crate::message::Message;
use crate::outbox::Effect;
use crate::probe::Probe;
use crate::program::Item;
use crate::server::{Leader, Link, Stage};
use crate::shape::{Number, Shape, Table};
use crate::step::Enabled;
use crate::types::{Phase, ServerId, ServerSet, Zxid};

/// D-EPOCH: how far a new epoch may be above the leader's own acceptedEpoch.
const STEP_MAX: usize = 1 << 16;

/// D-EPOCH: how far a follower lets an epoch be above its acceptedEpoch and its vote's epoch.
const LEAP_MAX: usize = 1 << 24;

/// zk.disc.lead: a new leader counts itself and wants an epoch after the one it accepted.
pub(crate) fn zk_disc_lead<S: Shape, P: Probe>(node: &mut Node<'_, S, P>) {
    node.fired("zk.disc.lead");
    let me = &mut *node.me;
    me.leader = Leader {
        new_epoch: me.accepted_epoch.next().unwrap_or(me.accepted_epoch),
        connecting: ServerSet::of(me.id),
        electing: ServerSet::of(me.id),
        ..Leader::default()
    };
}

/// f.1.1: connected to the leader, the follower reports its acceptedEpoch.
pub(crate) fn f_1_1<S: Shape, P: Probe>(node: &mut Node<'_, S, P>, peer: ServerId) -> Enabled {
    let leader = node.me.vote.leader;
    if !node.check("f.1.1", "peer = leader", peer == leader, peer, leader) {
        return Enabled::No;
    }
    let fresh = node.me.phase == Phase::Discovery && node.me.learner.stage == Stage::Idle;
    if !node.check("f.1.1", "the connection is the first", fresh, fresh, true) {
        return Enabled::No;
    }
    node.fired("f.1.1");
    node.me.learner.stage = Stage::Registered;
    let accepted_epoch = node.me.accepted_epoch;
    node.send(peer, Message::FollowerInfo { accepted_epoch });
    Enabled::Yes
}

/// l.1.1: a learner reports its acceptedEpoch; a quorum of reports decides the new epoch.
pub(crate) fn l_1_1<S: Shape, P: Probe>(
    node: &mut Node<'_, S, P>,
    from: ServerId,
    accepted_epoch: S::Num,
) -> Enabled {
    node.fired("l.1.1");
    if node.me.leader.links.row(from) != Link::None {
        node.me.leader.reported.set(from, Zxid::default());
        node.out.push(Effect::Replaced(from));
    }
    if node.me.leader.decided {
        let epoch = node.me.accepted_epoch;
        node.me.leader.links.set(from, Link::Offered);
        node.send(from, Message::LeaderInfo { epoch });
        return Enabled::Yes;
    }
    let leader = &mut node.me.leader;
    leader.links.set(from, Link::Waiting);
    leader.connecting.insert(from);
    let wanted = accepted_epoch.next().unwrap_or(accepted_epoch);
    let reach = S::Num::from_usize(node.me.accepted_epoch.to_usize().saturating_add(STEP_MAX));
    leader.new_epoch = leader.new_epoch.max(wanted.min(reach));
    let connecting = leader.connecting;
    let quorum = node.cfg.is_quorum(connecting);
    if !node.check("l.1.1", "reports >= quorum", quorum, connecting, node.cfg.quorum()) {
        return Enabled::Yes;
    }
    node.me.accepted_epoch = node.me.leader.new_epoch;
    node.me.leader.decided = true;
    node.me.leader.new_epoch = S::Num::ZERO;
    node.me.leader.connecting = ServerSet::default();
    node.run([Item::AcceptedEpoch, Item::LeaderInfo, Item::None, Item::None, Item::None])
}

/// What follows the write of `l.1.1`.
pub(crate) fn offer_to_waiting<S: Shape, P: Probe>(node: &mut Node<'_, S, P>) {
    let epoch = node.me.accepted_epoch;
    for learner in node.learners(Link::Waiting) {
        node.me.leader.links.set(learner, Link::Offered);
        node.send(learner, Message::LeaderInfo { epoch });
    }
}

/// f.1.2: the leader offers an epoch; a newer one is accepted, an older one is refused.
pub(crate) fn f_1_2<S: Shape, P: Probe>(node: &mut Node<'_, S, P>, epoch: S::Num) -> Enabled {
    let stage = node.me.learner.stage;
    let expected = node.me.phase == Phase::Discovery && stage == Stage::Registered;
    if !node.check("f.1.2", "LEADERINFO comes first", expected, expected, true) {
        return zk_fle_leave_role(node);
    }
    let held = node.me.accepted_epoch;
    let allowed = epoch >= held || node.cfg.has(Mutant::OlderEpochAccepted);
    if !node.check("f.1.2", "epoch >= acceptedEpoch", allowed, epoch, held) {
        return zk_fle_leave_role(node);
    }
    let known = held.max(node.me.vote.peer_epoch);
    // Not a guard of the probe: only wide numbers can leap this far.
    if epoch.to_usize().saturating_sub(known.to_usize()) > LEAP_MAX {
        return zk_fle_leave_role(node);
    }
    node.fired("f.1.2");
    node.me.phase = Phase::Synchronization;
    node.me.learner.stage = Stage::Header;
    if !node.check("f.1.2", "epoch > acceptedEpoch", epoch != held, epoch, held) {
        let last_zxid = node.last();
        node.send(node.me.vote.leader, Message::AckEpoch { current_epoch: None, last_zxid });
        return Enabled::Yes;
    }
    node.me.accepted_epoch = epoch;
    let skip = node.cfg.has(Mutant::AcceptedEpochNotWritten);
    let write = if skip { Item::None } else { Item::AcceptedEpoch };
    node.run([write, Item::AckEpoch, Item::None, Item::None, Item::None])
}

/// What follows the write of `f.1.2`.
pub(crate) fn answer_epoch<S: Shape, P: Probe>(node: &mut Node<'_, S, P>) {
    let current_epoch = Some(node.me.current_epoch);
    let last_zxid = node.last();
    node.send(node.me.vote.leader, Message::AckEpoch { current_epoch, last_zxid });
}

/// l.1.2: a learner accepts the epoch; a quorum of those that know no more than the leader passes
/// the gate to synchronization.
pub(crate) fn l_1_2<S: Shape, P: Probe>(
    node: &mut Node<'_, S, P>,
    from: ServerId,
    current_epoch: Option<S::Num>,
    last_zxid: Zxid<S::Num>,
) -> Enabled {
    let offered = node.me.leader.links.row(from) == Link::Offered;
    if !node.check("l.1.2", "LEADERINFO was sent and not answered", offered, offered, true) {
        return close(node, from);
    }
    if node.me.phase != Phase::Discovery {
        node.fired("l.1.2");
        l_2_1(node, from, last_zxid);
        return Enabled::Yes;
    }
    if let Some(epoch) = current_epoch
        && !is_no_fresher(node, epoch, last_zxid)
    {
        return close(node, from);
    }
    node.fired("l.1.2");
    let leader = &mut node.me.leader;
    leader.links.set(from, Link::Reported);
    leader.reported.set(from, last_zxid);
    if current_epoch.is_some() {
        leader.electing.insert(from);
    }
    let electing = leader.electing;
    let quorum = node.cfg.is_quorum(electing);
    if !node.check("l.1.2", "acknowledgements >= quorum", quorum, electing, node.cfg.quorum()) {
        return Enabled::Yes;
    }
    let me = &mut *node.me;
    me.leader.electing = ServerSet::default();
    me.current_epoch = me.accepted_epoch;
    me.phase = Phase::Synchronization;
    me.leader.new_leader_acks = ServerSet::of(me.id);
    node.run([Item::CurrentEpoch, Item::Synchronize, Item::None, Item::None, Item::None])
}

/// Whether a learner's epoch and position are not after the leader's own.
fn is_no_fresher<S: Shape, P: Probe>(
    node: &mut Node<'_, S, P>,
    epoch: S::Num,
    zxid: Zxid<S::Num>,
) -> bool {
    let own = (node.me.current_epoch, node.last());
    let holds = (epoch, zxid) <= own || node.cfg.has(Mutant::FresherLearnerAccepted);
    node.check(
        "l.1.2",
        "(currentEpoch, lastZxid) <= the leader's",
        holds,
        format_args!("({epoch}, {zxid})"),
        format_args!("({}, {})", own.0, own.1),
    )
}
