//! Between the packets on the wire and the messages of the core: the only place where type
//! numbers meet rules.
//!
//! | packet | zxid | data | message |
//! |---|---|---|---|
//! | FOLLOWERINFO, OBSERVERINFO | acceptedEpoch, 0 | `LearnerInfo` | `FollowerInfo`, `ObserverInfo`; who it is tells `learner_info` |
//! | LEADERINFO | epoch, 0 | protocol version | `LeaderInfo` |
//! | ACKEPOCH | last zxid | currentEpoch, or −1 | `AckEpoch` |
//! | DIFF, TRUNC, SNAP | zxid | – | `Diff`, `Trunc`, `Snap` |
//! | PROPOSAL | zxid | transaction | `Proposal` |
//! | COMMIT | zxid | – | `Commit` |
//! | INFORM | zxid | transaction | `Inform` |
//! | NEWLEADER | epoch, 0 | configuration | `NewLeader` |
//! | ACK | epoch, 0 | – | `AckLd` |
//! | ACK | zxid, counter not 0 | – | `Ack` |
//! | UPTODATE | −1 | – | `UpToDate` |
//! | PING | last proposed zxid; of a learner, that of the PING it answers | sessions, if from a learner | `Ping` |

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use zab_core::{Epoch, Message, Notification, Role, ServerId, Txn, Vote};
use zab_wire::election as wire;
use zab_wire::quorum::{
    ForwardedRequest, LearnerInfo, PROTOCOL_VERSION, Revalidate, Revalidated, SessionPing,
    session_pings,
};
use zab_wire::{Id, PacketType, QuorumPacket, Reader, Record as _, TxnHeader};

use crate::zxid::{Zxid, from_wire, to_wire};

/// The version of a notification that carries the configuration.
const NOTIFICATION_VERSION: i32 = wire::NOTIFICATION_VERSION;

/// What a packet from the quorum port means.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Incoming {
    /// A message of the core.
    Message(Message),
    /// A client's write, or sync, from a learner, and who the client is.
    Request(ForwardedRequest, Vec<Id>),
    /// A PING of a learner, with the sessions that it has heard of.
    Heard(Vec<SessionPing>),
    /// The leader's answer to a sync.
    Synced,
    /// A client of a learner goes on with a session.
    Revalidate(Revalidate),
    /// The leader's answer to that.
    Revalidated(Revalidated),
}

/// What the server tells every other one of itself in a packet.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    /// This server.
    pub(crate) id: ServerId,
    /// The ensemble as text, see [`crate::config::Config::quorum_text`].
    pub(crate) quorum_text: Bytes,
    /// What PING shows: at a leader the last transaction that it has proposed, or the beginning of
    /// its epoch (`LearnerHandler.ping`); at a learner the same as the PING that it answers
    /// (`Learner.ping`).
    pub(crate) last: Zxid,
    /// This server leads: a learner's PING lists sessions, a leader's has no data.
    pub(crate) is_leading: bool,
    /// Those sessions; see [`heard`].
    pub(crate) heard: Bytes,
}

/// The data of a learner's PING: sessions with their timeouts in milliseconds.
pub(crate) fn heard(sessions: Vec<(i64, i32)>) -> Bytes {
    let mut out = BytesMut::new();
    for (session, timeout_ms) in sessions {
        SessionPing { session, timeout_ms }.encode(&mut out);
    }
    out.freeze()
}

/// The bytes of a message, in parts. Those of a transaction are shared and not copied: the leader
/// sends the same ones to every learner, and keeps them itself.
pub(crate) fn to_bytes(message: &Message, own: &Identity) -> [Bytes; 3] {
    to_packet(message, own).into_parts()
}

/// Data up to this length is copied.
const SHORT_MAX: usize = 1 << 12;

/// Kind, zxid and data of a message of phase 3 that is short enough to be copied. There are many of
/// them, and several leave together.
pub(crate) fn short(message: &Message) -> Option<(PacketType, i64, Option<&[u8]>)> {
    let (kind, zxid, data) = match message {
        Message::Proposal { txn } | Message::Inform { txn } => {
            let is_proposal = matches!(message, Message::Proposal { .. });
            let kind = if is_proposal { PacketType::Proposal } else { PacketType::Inform };
            (kind, txn.zxid, Some(&*txn.payload))
        }
        Message::Commit { zxid } => (PacketType::Commit, *zxid, None),
        Message::Ack { zxid } => (PacketType::Ack, *zxid, None),
        Message::FollowerInfo { .. }
        | Message::ObserverInfo { .. }
        | Message::LeaderInfo { .. }
        | Message::AckEpoch { .. }
        | Message::Diff { .. }
        | Message::Trunc { .. }
        | Message::Snap { .. }
        | Message::Stored { .. }
        | Message::NewLeader { .. }
        | Message::AckLd { .. }
        | Message::UpToDate
        | Message::Ping => return None,
    };
    data.is_none_or(|data| data.len() <= SHORT_MAX).then_some((kind, to_wire(zxid), data))
}

/// The packet of a PROPOSAL with these bytes.
pub(crate) fn proposed(zxid: Zxid, payload: Bytes) -> QuorumPacket {
    QuorumPacket::with_data(PacketType::Proposal, to_wire(zxid), payload)
}

/// The packet of a message.
fn to_packet(message: &Message, own: &Identity) -> QuorumPacket {
    use PacketType as Kind;
    let bare = |kind, zxid| QuorumPacket::bare(kind, to_wire(zxid));
    let start = |epoch| Zxid::new(epoch, 0);
    let with = |kind, zxid, data| QuorumPacket::with_data(kind, to_wire(zxid), data);
    match message {
        Message::FollowerInfo { accepted_epoch } | Message::ObserverInfo { accepted_epoch } => {
            let observes = matches!(message, Message::ObserverInfo { .. });
            let kind = if observes { Kind::ObserverInfo } else { Kind::FollowerInfo };
            let server = own.id.cast_signed();
            let info =
                LearnerInfo { server, protocol_version: PROTOCOL_VERSION, config_version: 0 };
            with(kind, start(*accepted_epoch), info.to_bytes())
        }
        Message::LeaderInfo { new_epoch } => {
            with(Kind::LeaderInfo, start(*new_epoch), PROTOCOL_VERSION.to_bytes())
        }
        Message::AckEpoch { current_epoch, last_zxid } => {
            let epoch = current_epoch.map_or(-1, u32::cast_signed);
            with(Kind::AckEpoch, *last_zxid, epoch.to_bytes())
        }
        Message::Diff { zxid } => bare(Kind::Diff, *zxid),
        Message::Trunc { zxid } => bare(Kind::Trunc, *zxid),
        Message::Snap { zxid } => bare(Kind::Snap, *zxid),
        Message::Proposal { txn } => {
            proposed(txn.zxid, Bytes::from_owner(Arc::clone(&txn.payload)))
        }
        Message::Stored { .. } => unreachable!("its bytes are in the log: see `proposed`"),
        Message::Commit { zxid } => bare(Kind::Commit, *zxid),
        Message::Inform { txn } => {
            with(Kind::Inform, txn.zxid, Bytes::from_owner(Arc::clone(&txn.payload)))
        }
        Message::NewLeader { epoch } => {
            with(Kind::NewLeader, start(*epoch), own.quorum_text.clone())
        }
        Message::AckLd { epoch } => bare(Kind::Ack, start(*epoch)),
        Message::Ack { zxid } => bare(Kind::Ack, *zxid),
        Message::UpToDate => QuorumPacket::bare(Kind::UpToDate, -1),
        Message::Ping if own.is_leading => bare(Kind::Ping, own.last),
        // A leader in Java reads the sessions without asking whether there are any.
        Message::Ping => with(Kind::Ping, own.last, own.heard.clone()),
    }
}

/// What a packet means; an error ends its connection.
pub(crate) fn from_packet(packet: &QuorumPacket) -> Result<Incoming, String> {
    use PacketType as Kind;
    let zxid = from_wire(packet.zxid);
    let message = match packet.kind {
        Kind::Request => {
            return Ok(Incoming::Request(data(packet)?, packet.auth.clone().unwrap_or_default()));
        }
        Kind::Sync => return Ok(Incoming::Synced),
        Kind::Revalidate => return revalidate(packet),
        Kind::FollowerInfo => Message::FollowerInfo { accepted_epoch: learner_info(packet)?.1 },
        Kind::ObserverInfo => Message::ObserverInfo { accepted_epoch: learner_info(packet)?.1 },
        Kind::LeaderInfo => Message::LeaderInfo { new_epoch: epoch_start(packet)? },
        Kind::AckEpoch => {
            let current_epoch = match data::<i32>(packet)? {
                -1 => None,
                epoch => Some(epoch.cast_unsigned()),
            };
            Message::AckEpoch { current_epoch, last_zxid: zxid }
        }
        Kind::Diff => Message::Diff { zxid },
        Kind::Trunc => Message::Trunc { zxid },
        Kind::Snap => Message::Snap { zxid },
        Kind::Proposal => Message::Proposal { txn: proposal(packet)? },
        Kind::Inform => Message::Inform { txn: proposal(packet)? },
        Kind::Commit => Message::Commit { zxid },
        Kind::NewLeader => Message::NewLeader { epoch: epoch_start(packet)? },
        Kind::Ack if zxid.counter == 0 => Message::AckLd { epoch: zxid.epoch },
        Kind::Ack => Message::Ack { zxid },
        Kind::UpToDate => Message::UpToDate,
        // Only a learner's has data, which is empty if it has heard of nobody.
        Kind::Ping => match &packet.data {
            None => Message::Ping,
            Some(data) => {
                let sessions = session_pings(data);
                let sessions = sessions.map_err(|error| format!("the data of PING: {error}"))?;
                return Ok(Incoming::Heard(sessions));
            }
        },
        Kind::CommitAndActivate | Kind::InformAndActivate => {
            return Err(format!("{:?} packets are not supported", packet.kind));
        }
    };
    Ok(Incoming::Message(message))
}

/// Who sent a FOLLOWERINFO or an OBSERVERINFO, as it says, and its acceptedEpoch.
pub(crate) fn learner_info(packet: &QuorumPacket) -> Result<(ServerId, Epoch), String> {
    let info: LearnerInfo = data(packet)?;
    if info.protocol_version < PROTOCOL_VERSION {
        return Err(format!("protocol version {:#x} is too old", info.protocol_version));
    }
    let server = ServerId::try_from(info.server)
        .map_err(|_| format!("{} is no id of a server", info.server))?;
    Ok((server, epoch_start(packet)?))
}

/// The answer to REVALIDATE is one byte long where the question has a timeout.
fn revalidate(packet: &QuorumPacket) -> Result<Incoming, String> {
    match packet.data.as_ref().map_or(0, Bytes::len) {
        9 => Ok(Incoming::Revalidated(data(packet)?)),
        _ => Ok(Incoming::Revalidate(data(packet)?)),
    }
}

/// The transaction of a PROPOSAL or an INFORM, whose header must name the packet's zxid: the log is found
/// again by it. One that this server cannot apply is refused before it is logged, so that it is
/// never acknowledged.
fn proposal(packet: &QuorumPacket) -> Result<Txn, String> {
    let kind = if packet.kind == PacketType::Inform { "INFORM" } else { "PROPOSAL" };
    let payload = packet.data.as_ref().ok_or_else(|| format!("{kind} without a transaction"))?;
    let header: TxnHeader = Reader::new(payload)
        .read()
        .map_err(|error| format!("the transaction of {kind}: {error}"))?;
    let (zxid, inside) = (from_wire(packet.zxid), from_wire(header.zxid));
    if zxid != inside {
        return Err(format!("{kind} {zxid} holds transaction {inside}"));
    }
    crate::tree::check(payload).map_err(|error| error.to_string())?;
    Ok(Txn::new(zxid, &payload[..]))
}

/// The epoch of a packet whose zxid is the start of one.
fn epoch_start(packet: &QuorumPacket) -> Result<Epoch, String> {
    match from_wire(packet.zxid) {
        Zxid { epoch, counter: 0 } => Ok(epoch),
        zxid => Err(format!("{:?} with {zxid}, which is no start of an epoch", packet.kind)),
    }
}

/// The data of a packet as a record. More bytes than that are left alone: newer versions add
/// fields at the end.
fn data<T: zab_wire::Record>(packet: &QuorumPacket) -> Result<T, String> {
    let data = packet.data.as_ref().ok_or_else(|| format!("{:?} without data", packet.kind))?;
    Reader::new(data).read().map_err(|error| format!("the data of {:?}: {error}", packet.kind))
}

/// The bytes of a notification, around the configuration text.
pub(crate) fn notification_to_wire(
    notification: &Notification,
    quorum_text: &Bytes,
) -> wire::Notification {
    let state = match notification.role {
        Role::Looking => wire::ServerState::Looking,
        Role::Following => wire::ServerState::Following,
        Role::Leading => wire::ServerState::Leading,
        Role::Observing => wire::ServerState::Observing,
    };
    let vote = notification.vote;
    let (leader, zxid, peer_epoch) = match vote.leader {
        // An observer's vote for nobody (`FastLeaderElection.getInitId`).
        0 => (i64::MIN, i64::MIN, i64::MIN),
        leader => (leader.cast_signed(), to_wire(vote.zxid), vote.peer_epoch.into()),
    };
    wire::Notification {
        state,
        leader,
        zxid,
        election_epoch: notification.round.cast_signed(),
        peer_epoch,
        config: Some(quorum_text.clone()),
        version: NOTIFICATION_VERSION,
    }
}

/// What a notification says; `None` for one of an observer, which does not count. An error ends
/// its connection.
pub(crate) fn notification(
    wire: &wire::Notification,
    voters: &[ServerId],
) -> Result<Option<Notification>, String> {
    let role = match wire.state {
        wire::ServerState::Looking => Role::Looking,
        wire::ServerState::Following => Role::Following,
        wire::ServerState::Leading => Role::Leading,
        wire::ServerState::Observing => return Ok(None),
    };
    // D-ROUND: a negative round is before every other.
    let round = u64::try_from(wire.election_epoch).unwrap_or(0);
    if wire.leader < 0 && role == Role::Looking {
        let vote = Vote { leader: 0, zxid: Zxid::ZERO, peer_epoch: 0 };
        return Ok(Some(Notification { role, vote, round }));
    }
    let leader = ServerId::try_from(wire.leader)
        .ok()
        .filter(|leader| voters.contains(leader))
        .ok_or_else(|| format!("a vote for {}, who is no voter", wire.leader))?;
    let peer_epoch =
        Epoch::try_from(wire.peer_epoch).map_err(|_| format!("{} is no epoch", wire.peer_epoch))?;
    let vote = Vote { leader, zxid: from_wire(wire.zxid), peer_epoch };
    Ok(Some(Notification { role, vote, round }))
}

#[cfg(test)]
mod tests;
