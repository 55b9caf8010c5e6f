//! Flat records of all fields that an object of a trace can have.

use serde::Deserialize;

use super::field::{RawRound, Text, present, present_object};
use super::projection::{RawRecovered, RawState};
use crate::{Epoch, EventName, Message, MessageType, Role, ServerId, TxnDigest, Zxid};

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
    pub(super) round: Option<RawRound>,
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
    pub(super) round: Option<RawRound>,
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
