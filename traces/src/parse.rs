//! From JSON to events. Every argument is read where it stands, into a flat record of all
//! arguments there are, and then the event's name decides which of them it needs. Nothing is
//! buffered or searched twice, and serde_json knows the place of every mistake.

mod field;
mod projection;
mod record;

use std::fmt;

use serde::de::{self, DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Deserializer};

use crate::names::Interner;
use crate::{Chain, Event, EventKind, EventName, Message, MessageType, Packet, Persisted};

use field::Text;
use record::{RawEvent, RawMessage};

pub(crate) use field::{object, present, present_object};

/// Why a line is no event: the column in bytes, from 1, and a sentence.
pub(crate) struct Misread {
    pub(crate) column: u64,
    pub(crate) sentence: String,
}

impl Misread {
    /// What serde_json says, without the place that it appends.
    fn json(error: &serde_json::Error) -> Self {
        let mut sentence = error.to_string();
        if let Some(place) = sentence.rfind(" at line ") {
            sentence.truncate(place);
        }
        for (jargon, plain) in [
            ("expected u64", "expected a whole number from 0 to 18446744073709551615"),
            ("expected u32", "expected a whole number from 0 to 4294967295"),
            ("EOF while parsing", "the line ends inside"),
        ] {
            sentence = sentence.replace(jargon, plain);
        }
        Self { column: error.column().max(1) as u64, sentence }
    }
}

/// Parses one JSON object that fills the whole line.
pub(crate) fn parse_owned<T: DeserializeOwned>(line: &str) -> Result<T, Misread> {
    let mut from = serde_json::Deserializer::from_str(line);
    object(&mut from)
        .and_then(|value| from.end().map(|()| value))
        .map_err(|error| Misread::json(&error))
}

/// Whether the object on this line has the field.
pub(crate) fn has_field(line: &str, field: &str) -> bool {
    parse_owned::<std::collections::BTreeMap<String, IgnoredAny>>(line)
        .is_ok_and(|fields| fields.contains_key(field))
}

/// An event line, read.
pub(crate) struct Parsed {
    pub(crate) event: Event,
    /// Fields of `state` and `recovered` that the format does not know.
    pub(crate) unknown: Vec<String>,
}

/// Parses an event line.
pub(crate) fn event(line: &str, names: &mut Interner) -> Result<Parsed, Misread> {
    let mut from = serde_json::Deserializer::from_str(line);
    let mut raw: RawEvent<'_> = object(&mut from)
        .and_then(|raw| from.end().map(|()| raw))
        .map_err(|error| Misread::json(&error))?;
    let event = convert(&raw, names)
        .map_err(|sentence| Misread { column: line.len().max(1) as u64, sentence })?;
    let mut unknown = Vec::new();
    if let Some(state) = &mut raw.state {
        unknown.append(&mut state.unknown);
    }
    if let Some(recovered) = &mut raw.recovered {
        unknown.append(&mut recovered.unknown);
    }
    Ok(Parsed { event, unknown })
}

fn convert(raw: &RawEvent<'_>, names: &mut Interner) -> Result<Event, String> {
    if raw.incarnation == 0 {
        return Err("incarnation 0, expected 1 or more".to_owned());
    }
    let chain = raw.chain.as_ref().map_or(Chain::MAIN, |name| names.chain(&name.0));
    let after = raw.after.iter().map(|(name, seq)| (names.chain(&name.0), *seq)).collect();
    Ok(Event {
        server: raw.server,
        incarnation: raw.incarnation,
        seq: raw.seq,
        chain,
        after,
        kind: kind(raw, names)?,
        state: raw.state.as_ref().map(|raw| raw.state),
    })
}

fn kind(raw: &RawEvent<'_>, names: &mut Interner) -> Result<EventKind, String> {
    let name = raw.event;
    let zxid = || needed(raw.zxid, "zxid", name);
    let round = || needed(raw.round, "round", name).map(|round| round.0);
    let mut connection = |text: &Option<Text<'_>>, field| {
        let text = needed(text.as_ref(), field, name)?;
        names.connection(&text.0).map_err(|error| format!("{:?}: {error}", text.0))
    };
    let mut packet = || {
        Ok::<_, String>(Packet {
            connection: connection(&raw.connection, "connection")?,
            ordinal: needed(raw.ordinal, "ordinal", name)?,
            peer: needed(raw.peer, "peer", name)?,
            message: needed(raw.message, "message", name)?,
        })
    };
    Ok(match name {
        EventName::Start => {
            let recovered = needed(raw.recovered.as_ref(), "recovered", name)?;
            EventKind::Start { recovered: recovered.recovered }
        }
        EventName::Stop => EventKind::Stop,
        EventName::Killed => EventKind::Killed,
        EventName::Connected => EventKind::Connected {
            connection: connection(&raw.connection, "connection")?,
            peer: raw.peer,
        },
        EventName::Disconnected => {
            EventKind::Disconnected { connection: connection(&raw.connection, "connection")? }
        }
        EventName::Received => EventKind::Received(packet()?),
        EventName::Persisted => EventKind::Persisted(persisted(raw)?),
        EventName::Sent => EventKind::Sent(packet()?),
        EventName::Delivered => EventKind::Delivered { zxid: zxid()? },
        EventName::Looking => EventKind::Looking { round: round()? },
        EventName::Resent => EventKind::Resent,
        EventName::Elected => {
            EventKind::Elected { leader: needed(raw.leader, "leader", name)?, round: round()? }
        }
        EventName::Proposed => {
            EventKind::Proposed { zxid: zxid()?, digest: needed(raw.digest, "digest", name)? }
        }
        EventName::Established => {
            EventKind::Established { epoch: needed(raw.epoch, "epoch", name)? }
        }
        EventName::Committed => EventKind::Committed { zxid: zxid()? },
        EventName::Joined => EventKind::Joined {
            left: connection(&raw.left, "left")?,
            right: connection(&raw.right, "right")?,
        },
    })
}

/// `Persisted` says exactly one thing.
fn persisted(raw: &RawEvent<'_>) -> Result<Persisted, String> {
    let mut facts = [
        raw.accepted_epoch.map(Persisted::AcceptedEpoch),
        raw.current_epoch.map(Persisted::CurrentEpoch),
        raw.log.map(Persisted::Log),
        raw.truncated.map(Persisted::Truncated),
        raw.snapshot.map(Persisted::Snapshot),
    ]
    .into_iter()
    .flatten();
    match (facts.next(), facts.next()) {
        (Some(fact), None) => Ok(fact),
        (None, _) | (Some(_), Some(_)) => Err("Persisted needs exactly one of \"acceptedEpoch\", \
             \"currentEpoch\", \"log\", \"truncated\", \"snapshot\""
            .to_owned()),
    }
}

impl<'de> Deserialize<'de> for Message {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        message(&object(from)?).map_err(de::Error::custom)
    }
}

/// The field of a message or event that must be there.
fn needed<T>(value: Option<T>, field: &str, what: impl fmt::Display) -> Result<T, String> {
    value.ok_or_else(|| format!("{what} without \"{field}\""))
}

fn message(raw: &RawMessage) -> Result<Message, String> {
    let kind = raw.r#type;
    let zxid = || needed(raw.zxid, "zxid", kind);
    let epoch = || needed(raw.epoch, "epoch", kind);
    Ok(match kind {
        MessageType::Notification => Message::Notification {
            role: needed(raw.role, "role", kind)?,
            leader: needed(raw.leader, "leader", kind)?,
            zxid: zxid()?,
            round: needed(raw.round, "round", kind)?.0,
            peer_epoch: needed(raw.peer_epoch, "peerEpoch", kind)?,
        },
        MessageType::FollowerInfo => Message::FollowerInfo {
            accepted_epoch: needed(raw.accepted_epoch, "acceptedEpoch", kind)?,
        },
        MessageType::LeaderInfo => Message::LeaderInfo { epoch: epoch()? },
        MessageType::AckEpoch => Message::AckEpoch {
            current_epoch: needed(raw.current_epoch, "currentEpoch", kind)?,
            last_zxid: needed(raw.last_zxid, "lastZxid", kind)?,
        },
        MessageType::Diff => Message::Diff { zxid: zxid()? },
        MessageType::Trunc => Message::Trunc { zxid: zxid()? },
        MessageType::Snap => Message::Snap { zxid: zxid()? },
        MessageType::Proposal => {
            Message::Proposal { zxid: zxid()?, digest: needed(raw.digest, "digest", kind)? }
        }
        MessageType::Commit => Message::Commit { zxid: zxid()? },
        MessageType::NewLeader => Message::NewLeader { epoch: epoch()? },
        MessageType::AckLd => Message::AckLd { epoch: epoch()? },
        MessageType::Ack => Message::Ack { zxid: zxid()? },
        MessageType::UpToDate => Message::UpToDate,
    })
}
