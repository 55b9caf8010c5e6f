//! `Sent`.

use std::collections::VecDeque;

use zab_model::{Message, Notification, Phase, Probe, Role, Shape, Step, Wide};
use zab_trace::Packet;

use super::{Miss, peer};
use crate::state::{Candidate, Context, Notices, row_mut};
use crate::trace::{ModelMessage, convert};

/// A message goes to the socket: no step, but one that a step produced.
///
/// | trace | model |
/// |---|---|
/// | quorum port | the next message of the connection's queue, as the rules filled it; also on a connection that this end has ended, until its `Disconnected` line |
/// | election port | the next notification to the peer, or a later one, which replaces those before it; first on its connection: also the last one once more |
pub(super) fn sent<P: Probe>(
    ctx: &mut Context<'_>,
    candidate: &mut Candidate,
    packet: &Packet,
    probe: &mut P,
) -> Result<(), Miss> {
    let to = peer(ctx, packet.peer)?;
    let shown = packet.message;
    let due =
        |model_message: &ModelMessage| convert::message(ctx.ids, model_message) == Some(shown);
    candidate.sent = None;
    if let zab_trace::Message::Notification { .. } = shown {
        let Some(Message::Notification(notification)) = convert::message_in(ctx.ids, &shown) else {
            return Err(Miss::Unknown(shown));
        };
        let Some(notices) = row_mut(&mut candidate.core.notices, to) else {
            return Err(Miss::NotConnected);
        };
        return notify(notices, notification, packet.ordinal == 0, !ctx.shown.resent)
            .map_err(|due| Miss::Send { due: due.map(Message::Notification), open: true });
    }
    let Some(connection) = ctx.linked.connection else { return Err(Miss::NotConnected) };
    if !ctx.shown.connected {
        open_unseen(ctx, candidate, to, &shown, probe);
    }
    let core = &mut candidate.core;
    let unseen = !ctx.shown.connected;
    let queue = match row_mut(&mut core.wires, to) {
        Some(wire) if wire.connection == Some(connection) => Some(&mut wire.pending),
        Some(wire) if unseen && wire.connection.is_none() && !wire.pending.is_empty() => {
            wire.connection = Some(connection);
            Some(&mut wire.pending)
        }
        Some(_) | None => core
            .ended
            .iter_mut()
            .find(|ended| ended.connection == connection)
            .map(|ended| &mut ended.pending),
    };
    let Some(queue) = queue else { return Err(Miss::Send { due: None, open: false }) };
    match queue.front() {
        Some(head) if due(head) => {
            candidate.sent = queue.pop_front();
            if let Some(Message::Proposal(txn)) = candidate.sent {
                // What is behind it in the history has been requested, but not sent.
                let length = Wide::length(&core.server.history);
                let upto = ctx.cfg.history(core.server.history).count_to(txn.zxid);
                let ahead = u32::try_from(length.saturating_sub(upto)).unwrap_or(u32::MAX);
                core.ahead = core.ahead.min(ahead);
            }
            Ok(())
        }
        head => Err(Miss::Send { due: head.copied(), open: true }),
    }
}

/// Where the contract hides `Connected`, a FOLLOWERINFO shows the connection.
fn open_unseen<P: Probe>(
    ctx: &mut Context<'_>,
    candidate: &mut Candidate,
    to: zab_model::ServerId,
    shown: &zab_trace::Message,
    probe: &mut P,
) {
    let server = &candidate.core.server;
    let follows = server.role == Role::Following && server.vote.leader == to;
    if follows && matches!(shown, zab_trace::Message::FollowerInfo { .. }) {
        // If it is not enabled, the queue stays as it is, and the message is not due.
        candidate.step(ctx, Step::Connected { peer: to }, probe);
    }
}

/// Takes a notification off what is to be sent to a peer.
///
/// Taking the earliest that fits leaves the most behind, so whatever could follow another way of
/// taking it can follow this one; a repetition that fits leaves everything behind.
///
/// `first`: it is the first on its connection, which repeats the last one. `unseen`: the contract
/// hides `Resent`, so while LOOKING the last one may have been repeated at any time.
fn notify(
    notices: &mut Notices,
    notification: Notification<u32>,
    first: bool,
    unseen: bool,
) -> Result<(), Option<Notification<u32>>> {
    let repeats = first || (unseen && notification.role == Role::Looking);
    if repeats && notices.last == Some(notification) {
        return Ok(());
    }
    match notices.pending.iter().position(|pending| *pending == notification) {
        Some(index) => {
            let rest: VecDeque<_> = notices.pending.split_off(index + 1);
            notices.pending = rest;
            notices.last = Some(notification);
            Ok(())
        }
        None => Err(notices.pending.front().copied()),
    }
}

/// The rule that the line stands for: the one to read when it is wrong.
pub(super) const fn rule(message: &zab_trace::Message, phase: Phase) -> &'static str {
    use zab_trace::Message;
    let broadcast = matches!(phase, Phase::Broadcast);
    match message {
        Message::Notification { role: zab_trace::Role::Looking, .. } => "zk.fle.looking",
        Message::Notification { .. } => "zk.fle.settled_reply",
        Message::FollowerInfo { .. } => "f.1.1",
        Message::LeaderInfo { .. } => "l.1.1",
        Message::AckEpoch { .. } => "f.1.2",
        Message::Diff { .. } => "zk.sync.diff",
        Message::Trunc { .. } => "zk.sync.trunc",
        Message::Snap { .. } => "zk.sync.snap",
        Message::Proposal { .. } if broadcast => "l.3.1",
        Message::Commit { .. } if broadcast => "l.3.2",
        Message::Proposal { .. } | Message::Commit { .. } | Message::NewLeader { .. } => "l.2.1",
        Message::AckLd { .. } if broadcast => "f.2.2",
        Message::AckLd { .. } => "f.2.1",
        Message::Ack { .. } => "zk.bcast.sync",
        Message::UpToDate => "l.2.3",
    }
}
