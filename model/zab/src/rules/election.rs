//! Phase 0: fast leader election.

use std::cmp::Ordering;

use super::{Node, discovery};
use crate::config::{Config, Mutant};
use crate::message::Notification;
use crate::outbox::{Decision, Effect, Outbox};
use crate::probe::Probe;
use crate::program::Item;
use crate::server::{Election, Heard, Leader, Learner, Server};
use crate::shape::{Number, Shape, Table};
use crate::step::Enabled;
use crate::types::{Phase, Role, ServerId, ServerSet, Vote, Zxid};

/// zk.fle.enter: on start and after a role: write the unsynced tail; then a new round with the own
/// proposal, sent to every other voter.
pub(crate) fn zk_fle_enter<S: Shape, P: Probe>(node: &mut Node<'_, S, P>) -> Enabled {
    node.fired("zk.fle.enter");
    let tail = if node.me.unsynced() > 0 { Item::Log } else { Item::None };
    let vote = own_vote(node.cfg, node.me);
    let me = &mut *node.me;
    me.role = Role::Looking;
    me.phase = Phase::Election;
    // D-ROUND: after the last round comes the first.
    me.round = me.round.next().unwrap_or(S::Num::ONE);
    me.vote = vote;
    me.election = Election::default();
    hear_own(me);
    node.run([tail, Item::Notify, Item::None, Item::None, Item::None])
}

/// What follows the write of `zk.fle.enter`.
pub(crate) fn notify<S: Shape, P: Probe>(node: &mut Node<'_, S, P>) {
    node.decide(Decision::Looking { round: node.me.round });
    node.notify_all();
}

/// The vote for this server itself.
fn own_vote<S: Shape>(cfg: &Config<S>, me: &Server<S>) -> Vote<S::Num> {
    Vote { leader: me.id, zxid: me.last(cfg), peer_epoch: me.current_epoch }
}

/// Puts the proposal into `recvset` (D-4892: at once, not when it comes back).
fn hear_own<S: Shape>(me: &mut Server<S>) {
    me.election.received.set(me.id, Heard { vote: me.vote, leading: false });
}

/// zk.fle.order: of two votes the greater (peerEpoch, zxid, leader) wins.
pub(crate) fn zk_fle_order<S: Shape>(
    cfg: &Config<S>,
    left: &Vote<S::Num>,
    right: &Vote<S::Num>,
) -> Ordering {
    if cfg.has(Mutant::VoteIgnoresEpoch) {
        return (left.zxid, left.leader).cmp(&(right.zxid, right.leader));
    }
    let key = |vote: &Vote<S::Num>| (vote.peer_epoch, vote.zxid, vote.leader);
    key(left).cmp(&key(right))
}

/// zk.fle.settled_reply: a server that has a role tells a LOOKING one its vote and round.
pub(crate) fn zk_fle_settled_reply<S: Shape, P: Probe>(
    node: &mut Node<'_, S, P>,
    from: ServerId,
    n: &Notification<S::Num>,
) -> Enabled {
    if n.role == Role::Looking {
        node.fired("zk.fle.settled_reply");
        node.send(from, node.notification());
    }
    Enabled::Yes
}

/// zk.fle.looking: a LOOKING server hears the proposal of another.
pub(crate) fn zk_fle_looking<S: Shape, P: Probe>(
    node: &mut Node<'_, S, P>,
    from: ServerId,
    n: &Notification<S::Num>,
) -> Enabled {
    node.fired("zk.fle.looking");
    let Server { round, vote, .. } = *node.me;
    if !node.check("zk.fle.looking", "round >= own round", n.round >= round, n.round, round) {
        node.send(from, node.notification());
        return Enabled::Yes;
    }
    let better = zk_fle_order(node.cfg, &n.vote, &vote) == Ordering::Greater;
    if n.round > round {
        let initial = own_vote(node.cfg, node.me);
        let better = zk_fle_order(node.cfg, &n.vote, &initial) == Ordering::Greater;
        node.me.round = n.round;
        node.me.election.received = Default::default();
        node.me.vote = if better { n.vote } else { initial };
        hear_own(node.me);
        node.notify_all();
    } else if node.check("zk.fle.order", "vote > proposal", better, n.vote, vote) {
        node.fired("zk.fle.order");
        node.me.vote = n.vote;
        hear_own(node.me);
        node.notify_all();
    }
    node.me.election.received.set(from, Heard { vote: n.vote, leading: false });
    Enabled::Yes
}

/// The voters whose entry in a table of votes fits.
fn supporters<S: Shape>(
    cfg: &Config<S>,
    table: &S::Table<Heard<S::Num>>,
    fits: impl Fn(&Vote<S::Num>) -> bool,
) -> ServerSet {
    let mut set = ServerSet::default();
    for id in cfg.voters() {
        let vote = table.row(id).vote;
        if vote.leader != ServerId::NOBODY && fits(&vote) {
            set.insert(id);
        }
    }
    set
}

/// zk.fle.terminate: who voted, in this round, exactly as this server proposes; the election can
/// end when they are a quorum.
pub(crate) fn zk_fle_terminate<S: Shape>(cfg: &Config<S>, me: &Server<S>) -> ServerSet {
    supporters(cfg, &me.election.received, |vote| *vote == me.vote)
}

/// zk.fle.check_leader: the leader says itself that it is LEADING; and a server takes itself for
/// the leader only in its own round.
pub(crate) fn zk_fle_check_leader<S: Shape>(
    me: &Server<S>,
    table: &S::Table<Heard<S::Num>>,
    n: &Notification<S::Num>,
) -> bool {
    if n.vote.leader == me.id { n.round == me.round } else { table.row(n.vote.leader).leading }
}

/// zk.fle.settle: the proposal has a quorum and nothing more arrives.
pub(crate) fn zk_fle_settle<S: Shape, P: Probe>(node: &mut Node<'_, S, P>) -> Enabled {
    if !is_looking(node, "zk.fle.settle") {
        return Enabled::No;
    }
    let supporters = zk_fle_terminate(node.cfg, node.me);
    let quorum = node.cfg.is_quorum(supporters);
    let guard = "votes for the proposal >= quorum";
    if !node.check("zk.fle.terminate", guard, quorum, supporters, node.cfg.quorum()) {
        return Enabled::No;
    }
    node.fired("zk.fle.terminate");
    node.fired("zk.fle.settle");
    settle(node, node.me.vote, node.me.round)
}

fn is_looking<S: Shape, P: Probe>(node: &mut Node<'_, S, P>, rule: &'static str) -> bool {
    let role = node.me.role;
    node.check(rule, "role = LOOKING", role == Role::Looking, role, Role::Looking)
}

/// Takes the role that a vote gives, in a round, and forgets the election.
fn settle<S: Shape, P: Probe>(
    node: &mut Node<'_, S, P>,
    vote: Vote<S::Num>,
    round: S::Num,
) -> Enabled {
    let me = &mut *node.me;
    me.vote = vote;
    me.round = round;
    me.election = Election::default();
    me.phase = Phase::Discovery;
    let leads = vote.leader == me.id;
    me.role = if leads { Role::Leading } else { Role::Following };
    node.decide(Decision::Elected { leader: vote.leader, round });
    if leads {
        discovery::zk_disc_lead(node);
    }
    Enabled::Yes
}

/// zk.fle.same_round: a LOOKING server hears from one that has settled in its own round.
pub(crate) fn zk_fle_same_round<S: Shape, P: Probe>(
    node: &mut Node<'_, S, P>,
    from: ServerId,
    n: &Notification<S::Num>,
) -> Enabled {
    let own = node.me.round;
    if !node.check("zk.fle.same_round", "round = own round", n.round == own, n.round, own) {
        return zk_fle_join(node, from, n);
    }
    node.fired("zk.fle.same_round");
    let leading = n.role == Role::Leading;
    node.me.election.received.set(from, Heard { vote: n.vote, leading });
    let table = node.me.election.received.clone();
    if agreed(node, "zk.fle.same_round", &table, n) {
        return settle(node, n.vote, n.round);
    }
    zk_fle_join(node, from, n)
}

/// zk.fle.join: a LOOKING server joins an election that others have settled, in whichever round.
pub(crate) fn zk_fle_join<S: Shape, P: Probe>(
    node: &mut Node<'_, S, P>,
    from: ServerId,
    n: &Notification<S::Num>,
) -> Enabled {
    node.fired("zk.fle.join");
    let vote = Vote { zxid: Zxid::default(), ..n.vote };
    let leading = n.role == Role::Leading;
    node.me.election.settled.set(from, Heard { vote, leading });
    let table = node.me.election.settled.clone();
    if agreed(node, "zk.fle.join", &table, n) {
        return settle(node, n.vote, n.round);
    }
    Enabled::Yes
}

/// Whether a table shows a quorum for n's leader and epoch, and that leader itself.
fn agreed<S: Shape, P: Probe>(
    node: &mut Node<'_, S, P>,
    rule: &'static str,
    table: &S::Table<Heard<S::Num>>,
    n: &Notification<S::Num>,
) -> bool {
    let Vote { leader, peer_epoch, .. } = n.vote;
    let fits = |vote: &Vote<S::Num>| vote.leader == leader && vote.peer_epoch == peer_epoch;
    let supporters = supporters(node.cfg, table, fits);
    let quorum = node.cfg.is_quorum(supporters);
    let guard = "votes for leader and epoch >= quorum";
    if !node.check(rule, guard, quorum, supporters, node.cfg.quorum()) {
        return false;
    }
    let leads = zk_fle_check_leader(node.me, table, n);
    node.fired("zk.fle.check_leader");
    node.check("zk.fle.check_leader", "the leader says that it leads", leads, leads, true)
}

/// zk.fle.resend: a LOOKING server repeats its proposal.
pub(crate) fn zk_fle_resend<S: Shape, P: Probe>(node: &mut Node<'_, S, P>) -> Enabled {
    if !is_looking(node, "zk.fle.resend") {
        return Enabled::No;
    }
    node.fired("zk.fle.resend");
    node.decide(Decision::Resent);
    node.notify_all();
    Enabled::Yes
}

/// zk.fle.update_vote: an established epoch becomes part of the vote that others are told.
pub(crate) fn zk_fle_update_vote<S: Shape, P: Probe>(node: &mut Node<'_, S, P>) {
    node.fired("zk.fle.update_vote");
    node.me.vote.peer_epoch = node.me.current_epoch;
}

/// zk.fle.leave_role: give up FOLLOWING or LEADING, whatever the reason, and look again.
pub(crate) fn zk_fle_leave_role<S: Shape, P: Probe>(node: &mut Node<'_, S, P>) -> Enabled {
    node.fired("zk.fle.leave_role");
    let me = &mut *node.me;
    me.learner = Learner::default();
    me.leader = Leader::default();
    if node.cfg.forget_committed {
        me.last_committed = Zxid::default();
    }
    node.out.push(Effect::ClosedAll);
    zk_fle_enter(node)
}

/// Gives a LOOKING server the outcome of an election that took place elsewhere: the coarse grain
/// of elections, for exploration only.
pub fn elect<S: Shape, P: Probe>(
    cfg: &Config<S>,
    server: &mut Server<S>,
    vote: Vote<S::Num>,
    round: S::Num,
    out: &mut Outbox<S>,
    probe: &mut P,
) -> Enabled {
    let mut node = Node { cfg, me: server, out, probe };
    let idle = node.me.program.is_finished();
    if !is_looking(&mut node, "oracle")
        || !node.check("oracle", "program finished", idle, idle, true)
    {
        return Enabled::No;
    }
    settle(&mut node, vote, round)
}
