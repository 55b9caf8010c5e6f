//! Role × message: what becomes of every message in every role that has connections.
//!
//! There is no catch-all: a new message does not compile until both roles have decided.

use crate::follower::Follower;
use crate::leader::Leader;
use crate::server::Server;
use crate::{ConnectionId, Effects, Message, ProtocolError, ServerId};

/// FOLLOWING × message. An error leaves the role.
pub(super) fn follower_message(
    follower: &mut Follower,
    server: &mut Server,
    message: Message,
    out: &mut Effects,
) -> Result<(), ProtocolError> {
    match message {
        Message::LeaderInfo { new_epoch } => follower.on_leader_info(server, new_epoch, out),
        Message::Diff { zxid: _ } => follower.on_diff(server),
        Message::Trunc { zxid } => follower.on_trunc(server, zxid, out),
        Message::Snap { zxid } => follower.on_snap(server, zxid),
        Message::Proposal { txn } => follower.on_proposal(server, txn, out),
        Message::Commit { zxid } => follower.on_commit(server, zxid, out),
        Message::Inform { txn } => follower.on_inform(server, txn, out),
        Message::NewLeader { epoch } => follower.on_new_leader(server, epoch, out),
        Message::UpToDate => follower.on_up_to_date(server, out),
        Message::Ping => {
            follower.on_ping(out);
            Ok(())
        }
        Message::FollowerInfo { .. }
        | Message::ObserverInfo { .. }
        | Message::AckEpoch { .. }
        | Message::Stored { .. }
        | Message::AckLd { .. }
        | Message::Ack { .. } => Err(follower.unexpected(message.name())),
    }
}

/// LEADING × message. An error closes the connection.
pub(super) fn leader_message(
    leader: &mut Leader,
    server: &mut Server,
    from: ServerId,
    connection: ConnectionId,
    message: Message,
    out: &mut Effects,
) -> Result<(), ProtocolError> {
    if leader.is_unnamed(connection) {
        let (observes, accepted_epoch) = if let Message::FollowerInfo { accepted_epoch } = message {
            (false, accepted_epoch)
        } else if let Message::ObserverInfo { accepted_epoch } = message {
            (true, accepted_epoch)
        } else {
            return Err(Leader::unexpected_before_name(from, message.name()));
        };
        if server.config.observers.contains(&from) != observes {
            return Err(ProtocolError::NotAPeer { from });
        }
        return leader.on_follower_info(server, from, connection, accepted_epoch, out);
    }
    match message {
        Message::AckEpoch { current_epoch, last_zxid } => {
            leader.on_ack_epoch(server, from, current_epoch, last_zxid, out)
        }
        Message::AckLd { epoch } => leader.on_ack_ld(server, from, epoch, out),
        Message::Ack { zxid } => leader.on_ack(server, from, zxid, out),
        Message::Ping => Ok(()),
        Message::FollowerInfo { .. }
        | Message::ObserverInfo { .. }
        | Message::Inform { .. }
        | Message::LeaderInfo { .. }
        | Message::Diff { .. }
        | Message::Trunc { .. }
        | Message::Snap { .. }
        | Message::Proposal { .. }
        | Message::Stored { .. }
        | Message::Commit { .. }
        | Message::NewLeader { .. }
        | Message::UpToDate => Err(leader.unexpected(from, message.name())),
    }
}
