//! What the data of a quorum packet means, which depends on its type and its direction.

use bytes::Bytes;
use zab_wire::quorum::{
    ForwardedRequest, LearnerInfo, Revalidate, Revalidated, SessionPing, session_pings,
};
use zab_wire::{DecodeError, PacketType, QuorumPacket, Record, Txn};

/// The data of a quorum packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// None.
    None,
    /// Of FOLLOWERINFO and OBSERVERINFO.
    Learner(LearnerInfo),
    /// Of LEADERINFO: the version of the protocol.
    Version(i32),
    /// Of ACKEPOCH: the learner's currentEpoch; −1 if it had accepted the epoch before.
    CurrentEpoch(i32),
    /// Of PROPOSAL and INFORM.
    Txn(Box<Txn>),
    /// Of REQUEST.
    Request(ForwardedRequest),
    /// Of a learner's PING: the sessions that it has heard from.
    Sessions(Vec<SessionPing>),
    /// Of a learner's REVALIDATE.
    Revalidate(Revalidate),
    /// Of a leader's REVALIDATE.
    Revalidated(Revalidated),
    /// Of any other packet.
    Bytes(Bytes),
    /// Bytes that are not what such a packet carries.
    Unreadable(DecodeError),
}

impl Payload {
    /// The data of a packet; `by_learner` says who sent it.
    #[must_use]
    pub fn of(packet: &QuorumPacket, by_learner: bool) -> Self {
        let Some(data) = &packet.data else { return Self::None };
        let payload = match packet.kind {
            PacketType::FollowerInfo | PacketType::ObserverInfo => {
                LearnerInfo::from_bytes(data).map(Self::Learner)
            }
            PacketType::LeaderInfo => i32::from_bytes(data).map(Self::Version),
            PacketType::AckEpoch => i32::from_bytes(data).map(Self::CurrentEpoch),
            PacketType::Proposal | PacketType::Inform => {
                Txn::from_bytes(data).map(|txn| Self::Txn(Box::new(txn)))
            }
            PacketType::Request => ForwardedRequest::from_bytes(data).map(Self::Request),
            PacketType::Ping if by_learner => session_pings(data).map(Self::Sessions),
            PacketType::Revalidate if by_learner => {
                Revalidate::from_bytes(data).map(Self::Revalidate)
            }
            PacketType::Revalidate => Revalidated::from_bytes(data).map(Self::Revalidated),
            PacketType::Ping
            | PacketType::Ack
            | PacketType::Commit
            | PacketType::Sync
            | PacketType::CommitAndActivate
            | PacketType::NewLeader
            | PacketType::UpToDate
            | PacketType::Diff
            | PacketType::Trunc
            | PacketType::Snap
            | PacketType::InformAndActivate => Ok(Self::Bytes(data.clone())),
        };
        payload.unwrap_or_else(Self::Unreadable)
    }
}
