//! Between the words of the model and the words of the trace: the only place where they meet.
//!
//! | model | trace |
//! |---|---|
//! | dense `ServerId`, 1 to the number of voters | the ids of the header's `servers`, in ascending order |
//! | `Zxid`, `Txn.payload` | zxid, digest |
//! | `Notification { role, vote, round }` | NOTIFICATION: role, leader, zxid, round, peerEpoch |
//! | `Snap { zxid, history }` | SNAP: zxid only |
//! | `Role::Down` | no event shows it |

use zab_model as model;
use zab_model::{Shape, Wide};
use zab_trace as trace;

/// A message of the model at the shape of traces.
pub type ModelMessage = model::Message<Wide>;

/// A history of the model.
pub type Log = <Wide as Shape>::Log;

/// Real ids and the model's dense ones, which have the same order, because elections compare ids.
#[derive(Clone, Debug)]
pub struct Ids(Vec<trace::ServerId>);

impl Ids {
    /// The ids of these voting members.
    #[must_use]
    pub fn new(servers: &[trace::ServerId]) -> Self {
        let mut ids = servers.to_vec();
        ids.sort_unstable();
        Self(ids)
    }

    /// The model's id of a server, unless it is no voting member.
    #[must_use]
    pub fn dense(&self, real: trace::ServerId) -> Option<model::ServerId> {
        let row = self.0.binary_search(&real).ok()?;
        u8::try_from(row + 1).ok().map(model::ServerId)
    }

    /// The real id; 0 for nobody.
    #[must_use]
    pub fn real(&self, dense: model::ServerId) -> trace::ServerId {
        dense.row().and_then(|row| self.0.get(row)).copied().unwrap_or_default()
    }

    /// All real ids, ascending.
    #[must_use]
    pub fn all(&self) -> &[trace::ServerId] {
        &self.0
    }
}

/// A position as the trace writes it.
#[must_use]
pub const fn zxid(zxid: model::Zxid<u32>) -> trace::Zxid {
    trace::Zxid::new(zxid.epoch, zxid.counter)
}

/// A position as the model holds it.
#[must_use]
pub const fn zxid_in(zxid: trace::Zxid) -> model::Zxid<u32> {
    model::Zxid { epoch: zxid.epoch, counter: zxid.counter }
}

/// A role as the trace writes it; none while the server is down.
#[must_use]
pub const fn role(role: model::Role) -> Option<trace::Role> {
    match role {
        model::Role::Down => None,
        model::Role::Looking => Some(trace::Role::Looking),
        model::Role::Following => Some(trace::Role::Following),
        model::Role::Leading => Some(trace::Role::Leading),
    }
}

/// A phase as the trace writes it.
#[must_use]
pub const fn phase(phase: model::Phase) -> trace::Phase {
    match phase {
        model::Phase::Election => trace::Phase::Election,
        model::Phase::Discovery => trace::Phase::Discovery,
        model::Phase::Synchronization => trace::Phase::Synchronization,
        model::Phase::Broadcast => trace::Phase::Broadcast,
    }
}

/// A write as the trace writes it.
#[must_use]
pub const fn persisted(write: model::Write<u32>) -> trace::Persisted {
    match write {
        model::Write::AcceptedEpoch(epoch) => trace::Persisted::AcceptedEpoch(epoch),
        model::Write::CurrentEpoch(epoch) => trace::Persisted::CurrentEpoch(epoch),
        model::Write::Log(at) => trace::Persisted::Log(zxid(at)),
        model::Write::Truncated(at) => trace::Persisted::Truncated(zxid(at)),
        model::Write::Snapshot(at) => trace::Persisted::Snapshot(zxid(at)),
    }
}

/// What a line shows of a server's state.
#[must_use]
pub const fn state(shown: model::Projection<u32>) -> trace::State {
    trace::State {
        role: role(shown.role),
        phase: Some(phase(shown.phase)),
        accepted_epoch: Some(shown.accepted_epoch),
        current_epoch: Some(shown.current_epoch),
        log_length: Some(shown.log_length as u64),
        last_zxid: Some(zxid(shown.last_zxid)),
        last_committed: Some(zxid(shown.last_committed)),
        log_digest: Some(trace::LogDigest(shown.log_digest)),
    }
}

/// A message as the trace shows it; none for a notification of a server that is down, which no
/// rule sends, and for those of observers.
#[must_use]
pub fn message(ids: &Ids, message: &ModelMessage) -> Option<trace::Message> {
    Some(match message {
        ModelMessage::Notification(n) => trace::Message::Notification {
            role: role(n.role)?,
            leader: ids.real(n.vote.leader),
            zxid: zxid(n.vote.zxid),
            round: n.round,
            peer_epoch: n.vote.peer_epoch,
        },
        ModelMessage::FollowerInfo { accepted_epoch } => {
            trace::Message::FollowerInfo { accepted_epoch: *accepted_epoch }
        }
        ModelMessage::LeaderInfo { epoch } => trace::Message::LeaderInfo { epoch: *epoch },
        ModelMessage::AckEpoch { current_epoch, last_zxid } => {
            trace::Message::AckEpoch { current_epoch: *current_epoch, last_zxid: zxid(*last_zxid) }
        }
        ModelMessage::Diff { zxid: at } => trace::Message::Diff { zxid: zxid(*at) },
        ModelMessage::Trunc { zxid: at } => trace::Message::Trunc { zxid: zxid(*at) },
        ModelMessage::Snap { zxid: at, history: _ } => trace::Message::Snap { zxid: zxid(*at) },
        ModelMessage::Proposal(txn) => {
            trace::Message::Proposal { zxid: zxid(txn.zxid), digest: trace::TxnDigest(txn.payload) }
        }
        ModelMessage::Commit { zxid: at } => trace::Message::Commit { zxid: zxid(*at) },
        ModelMessage::NewLeader { epoch } => trace::Message::NewLeader { epoch: *epoch },
        ModelMessage::AckLd { epoch } => trace::Message::AckLd { epoch: *epoch },
        ModelMessage::Ack { zxid: at } => trace::Message::Ack { zxid: zxid(*at) },
        ModelMessage::UpToDate => trace::Message::UpToDate,
        // The format has no words for observers.
        ModelMessage::ObserverInfo { .. } | ModelMessage::Inform(_) => return None,
    })
}

/// A message as the model holds it. None if the line alone does not say all of it: a SNAP, whose
/// state only its sender knows, or a vote for nobody of the ensemble.
#[must_use]
pub fn message_in(ids: &Ids, message: &trace::Message) -> Option<ModelMessage> {
    Some(match message {
        trace::Message::Notification { role, leader, zxid, round, peer_epoch } => {
            let role = match role {
                trace::Role::Looking => model::Role::Looking,
                trace::Role::Following => model::Role::Following,
                trace::Role::Leading => model::Role::Leading,
                trace::Role::Observing => return None,
            };
            let vote = model::Vote {
                leader: ids.dense(*leader)?,
                zxid: zxid_in(*zxid),
                peer_epoch: *peer_epoch,
            };
            ModelMessage::Notification(model::Notification { role, vote, round: *round })
        }
        trace::Message::FollowerInfo { accepted_epoch } => {
            ModelMessage::FollowerInfo { accepted_epoch: *accepted_epoch }
        }
        trace::Message::LeaderInfo { epoch } => ModelMessage::LeaderInfo { epoch: *epoch },
        trace::Message::AckEpoch { current_epoch, last_zxid } => {
            ModelMessage::AckEpoch { current_epoch: *current_epoch, last_zxid: zxid_in(*last_zxid) }
        }
        trace::Message::Diff { zxid } => ModelMessage::Diff { zxid: zxid_in(*zxid) },
        trace::Message::Trunc { zxid } => ModelMessage::Trunc { zxid: zxid_in(*zxid) },
        trace::Message::Snap { .. } => return None,
        trace::Message::Proposal { zxid, digest } => {
            ModelMessage::Proposal(model::Txn { zxid: zxid_in(*zxid), payload: digest.0 })
        }
        trace::Message::Commit { zxid } => ModelMessage::Commit { zxid: zxid_in(*zxid) },
        trace::Message::NewLeader { epoch } => ModelMessage::NewLeader { epoch: *epoch },
        trace::Message::AckLd { epoch } => ModelMessage::AckLd { epoch: *epoch },
        trace::Message::Ack { zxid } => ModelMessage::Ack { zxid: zxid_in(*zxid) },
        trace::Message::UpToDate => ModelMessage::UpToDate,
    })
}
