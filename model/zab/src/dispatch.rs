//! Which rule a step meets in which role.

use crate::config::Config;
use crate::message::{Message, Notification};
use crate::outbox::Outbox;
use crate::probe::Probe;
use crate::rules::synchronization::Header;
use crate::rules::{Node, broadcast, discovery, election, failure, synchronization};
use crate::server::Server;
use crate::shape::Shape;
use crate::step::{Enabled, Step};
use crate::types::{Phase, Role, ServerId};

/// Takes a server through one step.
///
/// The effects are appended to `out`. The guards that were looked at, and the rules that fired, are
/// shown to `probe`. After [`Enabled::No`] the server and the outbox are as they were.
///
/// A reaction that the rules prescribe is a step like any other: a follower that must leave its
/// role because of a message does so, and the step is [`Enabled::Yes`]. Only what no server that
/// follows the rules can do is [`Enabled::No`].
pub fn apply<S: Shape, P: Probe>(
    cfg: &Config<S>,
    server: &mut Server<S>,
    step: Step<S>,
    out: &mut Outbox<S>,
    probe: &mut P,
) -> Enabled {
    let mut node = Node { cfg, me: server, out, probe };
    let node = &mut node;
    if !may_act(node, &step) {
        return Enabled::No;
    }
    let role = node.me.role;
    match step {
        Step::Start { survived } => failure::zk_start(node, survived),
        Step::Crash => failure::zk_crash(node),
        Step::ProgramNext => node.program_next(),
        Step::SyncLog { up_to } => broadcast::zk_bcast_sync(node, up_to),
        Step::Settle => election::zk_fle_settle(node),
        Step::Resend => election::zk_fle_resend(node),
        Step::LeaveRole => failure::zk_fail_leader_quorum(node),
        Step::Request { payload } => broadcast::l_3_1(node, payload),
        Step::Connected { peer } => match role {
            Role::Following => discovery::f_1_1(node, peer),
            Role::Down | Role::Looking | Role::Leading => no_connection(node),
        },
        Step::Disconnected { peer } => match role {
            Role::Following => failure::zk_fail_learner_link(node, peer),
            Role::Leading => failure::zk_fail_leader_link(node, peer),
            Role::Down | Role::Looking => no_connection(node),
        },
        Step::Receive { from, message } => receive(node, from, message),
    }
}

/// While a program is unfinished only its next write and a crash can happen; and a server that is
/// down can only start.
fn may_act<S: Shape, P: Probe>(node: &mut Node<'_, S, P>, step: &Step<S>) -> bool {
    let (while_writing, while_down) = match step {
        Step::Start { .. } => (false, true),
        Step::ProgramNext | Step::Crash => (true, false),
        Step::Connected { .. }
        | Step::Disconnected { .. }
        | Step::Receive { .. }
        | Step::SyncLog { .. }
        | Step::Settle
        | Step::Resend
        | Step::LeaveRole
        | Step::Request { .. } => (false, false),
    };
    let up = node.me.role != Role::Down;
    let finished = node.me.program.is_finished();
    node.check("zk.start", "the server is up", up || while_down, up, true)
        && node.check(
            "program",
            "the program is finished",
            finished || while_writing,
            finished,
            true,
        )
}

fn no_connection<S: Shape, P: Probe>(node: &mut Node<'_, S, P>) -> Enabled {
    let role = node.me.role;
    node.check("quorum", "the role has quorum connections", false, role, "FOLLOWING or LEADING");
    Enabled::No
}

fn receive<S: Shape, P: Probe>(
    node: &mut Node<'_, S, P>,
    from: ServerId,
    message: Message<S>,
) -> Enabled {
    let other = node.cfg.is_voter(from) && from != node.me.id;
    if !node.check("receive", "the sender is another voter", other, from, node.cfg.voters) {
        return Enabled::No;
    }
    match (node.me.role, message) {
        (Role::Looking, Message::Notification(n)) => looking_hears(node, from, &n),
        (Role::Following | Role::Leading, Message::Notification(n)) => {
            election::zk_fle_settled_reply(node, from, &n)
        }
        (Role::Following, message) => following_receives(node, from, message),
        (Role::Leading, message) => leading_receives(node, from, message),
        // Connections end with the role.
        (Role::Looking | Role::Down, _) => no_connection(node),
    }
}

fn looking_hears<S: Shape, P: Probe>(
    node: &mut Node<'_, S, P>,
    from: ServerId,
    n: &Notification<S::Num>,
) -> Enabled {
    // A vote for a server that cannot lead is not looked at (`validVoter`).
    let voter = node.cfg.is_voter(n.vote.leader);
    if !node.check("zk.fle.looking", "the leader is a voter", voter, n.vote.leader, node.cfg.voters)
    {
        return Enabled::Yes;
    }
    match n.role {
        Role::Looking => election::zk_fle_looking(node, from, n),
        Role::Following | Role::Leading => election::zk_fle_same_round(node, from, n),
        Role::Down => Enabled::No,
    }
}

fn following_receives<S: Shape, P: Probe>(
    node: &mut Node<'_, S, P>,
    from: ServerId,
    message: Message<S>,
) -> Enabled {
    let leader = node.me.vote.leader;
    if !node.check("quorum", "the sender is the leader", from == leader, from, leader) {
        return Enabled::No;
    }
    let registered = failure::is_connected(node.me);
    if !node.check("f.1.1", "the connection to the leader is up", registered, registered, true) {
        return Enabled::No;
    }
    let broadcast = node.me.phase == Phase::Broadcast;
    match message {
        Message::LeaderInfo { epoch } => discovery::f_1_2(node, epoch),
        Message::Diff { .. } => synchronization::f_2_0(node, &Header::Diff),
        Message::Trunc { zxid } => synchronization::f_2_0(node, &Header::Trunc(zxid)),
        Message::Snap { history, .. } => synchronization::f_2_0(node, &Header::Snap(history)),
        Message::Proposal(txn) if broadcast => broadcast::f_3_1(node, txn),
        Message::Proposal(txn) => synchronization::zk_sync_proposal(node, txn),
        Message::Commit { zxid } if broadcast => broadcast::f_3_3(node, zxid),
        Message::Commit { zxid } => synchronization::zk_sync_commit(node, zxid),
        Message::NewLeader { epoch } => synchronization::f_2_1(node, epoch),
        Message::UpToDate => synchronization::f_2_2(node),
        // Only learners send these: the leader is none.
        Message::FollowerInfo { .. }
        | Message::AckEpoch { .. }
        | Message::AckLd { .. }
        | Message::Ack { .. } => {
            node.check("quorum", "the leader sends what leaders send", false, false, true);
            election::zk_fle_leave_role(node)
        }
        // Notifications come on the election port and were handled before.
        Message::Notification(_) => Enabled::No,
    }
}

fn leading_receives<S: Shape, P: Probe>(
    node: &mut Node<'_, S, P>,
    from: ServerId,
    message: Message<S>,
) -> Enabled {
    match message {
        Message::FollowerInfo { accepted_epoch } => discovery::l_1_1(node, from, accepted_epoch),
        Message::AckEpoch { current_epoch, last_zxid } => {
            discovery::l_1_2(node, from, current_epoch, last_zxid)
        }
        Message::AckLd { epoch } => synchronization::l_2_2(node, from, epoch),
        Message::Ack { zxid } => broadcast::l_3_2(node, from, zxid),
        // Only leaders send these: the learner is none.
        Message::LeaderInfo { .. }
        | Message::Diff { .. }
        | Message::Trunc { .. }
        | Message::Snap { .. }
        | Message::Proposal(_)
        | Message::Commit { .. }
        | Message::NewLeader { .. }
        | Message::UpToDate => {
            node.check("quorum", "the learner sends what learners send", false, false, true);
            failure::close(node, from)
        }
        // Notifications come on the election port and were handled before.
        Message::Notification(_) => Enabled::No,
    }
}
