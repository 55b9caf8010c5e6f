//! Flat records of all fields that an object of a trace can have.

use serde::Deserialize;

use super::field::{Text, present, present_object};
use crate::{
    Epoch, EventName, LogDigest, Message, MessageType, Phase, Recovered, Role, ServerId, State,
    TxnDigest, Zxid,
};

/// Every field that an event can have.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RawEvent<'a> {
    pub(super) server: ServerId,
    pub(super) incarnation: u32,
    pub(super) seq: u64,
    #[serde(borrow, default, deserialize_with = "present")]
    pub(super) chain: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) after: Vec<(Text<'a>, u64)>,
    pub(super) event: EventName,
    #[serde(default, deserialize_with = "present_object")]
    pub(super) recovered: Option<RawRecovered>,
    #[serde(borrow, default, deserialize_with = "present")]
    pub(super) connection: Option<Text<'a>>,
    #[serde(default, deserialize_with = "present")]
    pub(super) ordinal: Option<u64>,
    #[serde(default, deserialize_with = "present")]
    pub(super) peer: Option<ServerId>,
    #[serde(default, deserialize_with = "present")]
    pub(super) message: Option<Message>,
    #[serde(default, deserialize_with = "present")]
    pub(super) accepted_epoch: Option<Epoch>,
    #[serde(default, deserialize_with = "present")]
    pub(super) current_epoch: Option<Epoch>,
    #[serde(default, deserialize_with = "present")]
    pub(super) log: Option<Zxid>,
    #[serde(default, deserialize_with = "present")]
    pub(super) truncated: Option<Zxid>,
    #[serde(default, deserialize_with = "present")]
    pub(super) snapshot: Option<Zxid>,
    #[serde(default, deserialize_with = "present")]
    pub(super) zxid: Option<Zxid>,
    #[serde(default, deserialize_with = "present")]
    pub(super) digest: Option<TxnDigest>,
    #[serde(default, deserialize_with = "present")]
    pub(super) round: Option<u64>,
    #[serde(default, deserialize_with = "present")]
    pub(super) leader: Option<ServerId>,
    #[serde(default, deserialize_with = "present")]
    pub(super) epoch: Option<Epoch>,
    #[serde(borrow, default, deserialize_with = "present")]
    pub(super) left: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "present")]
    pub(super) right: Option<Text<'a>>,
    #[serde(default, deserialize_with = "present_object")]
    pub(super) state: Option<RawState>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RawRecovered {
    pub(super) accepted_epoch: Epoch,
    pub(super) current_epoch: Epoch,
    pub(super) last_zxid: Zxid,
    #[serde(default, deserialize_with = "present")]
    pub(super) log_length: Option<u64>,
    #[serde(default, deserialize_with = "present")]
    pub(super) log_digest: Option<LogDigest>,
}

impl From<RawRecovered> for Recovered {
    fn from(raw: RawRecovered) -> Self {
        let RawRecovered { accepted_epoch, current_epoch, last_zxid, log_length, log_digest } = raw;
        Self { accepted_epoch, current_epoch, last_zxid, log_length, log_digest }
    }
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RawState {
    #[serde(default, deserialize_with = "present")]
    pub(super) role: Option<Role>,
    #[serde(default, deserialize_with = "present")]
    pub(super) phase: Option<Phase>,
    #[serde(default, deserialize_with = "present")]
    pub(super) accepted_epoch: Option<Epoch>,
    #[serde(default, deserialize_with = "present")]
    pub(super) current_epoch: Option<Epoch>,
    #[serde(default, deserialize_with = "present")]
    pub(super) log_length: Option<u64>,
    #[serde(default, deserialize_with = "present")]
    pub(super) last_zxid: Option<Zxid>,
    #[serde(default, deserialize_with = "present")]
    pub(super) last_committed: Option<Zxid>,
    #[serde(default, deserialize_with = "present")]
    pub(super) log_digest: Option<LogDigest>,
}

impl From<RawState> for State {
    fn from(raw: RawState) -> Self {
        Self {
            role: raw.role,
            phase: raw.phase,
            accepted_epoch: raw.accepted_epoch,
            current_epoch: raw.current_epoch,
            log_length: raw.log_length,
            last_zxid: raw.last_zxid,
            last_committed: raw.last_committed,
            log_digest: raw.log_digest,
        }
    }
}

/// Every field that a message can have.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RawMessage {
    pub(super) r#type: MessageType,
    #[serde(default, deserialize_with = "present")]
    pub(super) role: Option<Role>,
    #[serde(default, deserialize_with = "present")]
    pub(super) leader: Option<ServerId>,
    #[serde(default, deserialize_with = "present")]
    pub(super) zxid: Option<Zxid>,
    #[serde(default, deserialize_with = "present")]
    pub(super) round: Option<u64>,
    #[serde(default, deserialize_with = "present")]
    pub(super) peer_epoch: Option<Epoch>,
    #[serde(default, deserialize_with = "present")]
    pub(super) accepted_epoch: Option<Epoch>,
    /// Here `null` has a meaning: known to be none.
    #[serde(default, deserialize_with = "present")]
    pub(super) current_epoch: Option<Option<Epoch>>,
    #[serde(default, deserialize_with = "present")]
    pub(super) last_zxid: Option<Zxid>,
    #[serde(default, deserialize_with = "present")]
    pub(super) epoch: Option<Epoch>,
    #[serde(default, deserialize_with = "present")]
    pub(super) digest: Option<TxnDigest>,
}
