//! `state` and `recovered`: the only objects of which unknown fields are told, because all or some
//! of their fields may be absent, so that a misspelt one would not be missed.

use std::fmt;

use serde::de::{self, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::field::Text;
use crate::{Recovered, State};

/// A `state`.
#[derive(Default)]
pub(super) struct RawState {
    pub(super) state: State,
    pub(super) unknown: Vec<String>,
}

/// A `recovered`.
pub(super) struct RawRecovered {
    pub(super) recovered: Recovered,
    pub(super) unknown: Vec<String>,
}

/// The fields of both, and others.
#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum Field<'a> {
    Role,
    Phase,
    AcceptedEpoch,
    CurrentEpoch,
    LogLength,
    LastZxid,
    LastCommitted,
    LogDigest,
    #[serde(borrow)]
    Other(Text<'a>),
}

/// Sets a field that is in the object for the first time.
fn set<'de, A, T>(map: &mut A, to: &mut Option<T>, field: &'static str) -> Result<(), A::Error>
where
    A: MapAccess<'de>,
    T: Deserialize<'de>,
{
    if to.is_some() {
        return Err(de::Error::duplicate_field(field));
    }
    *to = Some(map.next_value()?);
    Ok(())
}

impl<'de> Deserialize<'de> for RawState {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = RawState;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawState, A::Error> {
                let mut raw = RawState::default();
                let state = &mut raw.state;
                while let Some(field) = map.next_key::<Field<'de>>()? {
                    let map = &mut map;
                    match field {
                        Field::Role => set(map, &mut state.role, "role")?,
                        Field::Phase => set(map, &mut state.phase, "phase")?,
                        Field::AcceptedEpoch => {
                            set(map, &mut state.accepted_epoch, "acceptedEpoch")?;
                        }
                        Field::CurrentEpoch => set(map, &mut state.current_epoch, "currentEpoch")?,
                        Field::LogLength => set(map, &mut state.log_length, "logLength")?,
                        Field::LastZxid => set(map, &mut state.last_zxid, "lastZxid")?,
                        Field::LastCommitted => {
                            set(map, &mut state.last_committed, "lastCommitted")?;
                        }
                        Field::LogDigest => set(map, &mut state.log_digest, "logDigest")?,
                        Field::Other(name) => {
                            map.next_value::<IgnoredAny>()?;
                            raw.unknown.push(name.0.into_owned());
                        }
                    }
                }
                Ok(raw)
            }
        }

        from.deserialize_map(Fields)
    }
}

impl<'de> Deserialize<'de> for RawRecovered {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let RawState { state, mut unknown } = RawState::deserialize(from)?;
        let State { role, phase, last_committed, .. } = state;
        for (name, is_there) in [
            ("role", role.is_some()),
            ("phase", phase.is_some()),
            ("lastCommitted", last_committed.is_some()),
        ] {
            if is_there {
                unknown.push(name.to_owned());
            }
        }
        let recovered = Recovered {
            accepted_epoch: needed(state.accepted_epoch, "acceptedEpoch")?,
            current_epoch: needed(state.current_epoch, "currentEpoch")?,
            last_zxid: needed(state.last_zxid, "lastZxid")?,
            log_length: state.log_length,
            log_digest: state.log_digest,
        };
        Ok(Self { recovered, unknown })
    }
}

fn needed<T, E: de::Error>(value: Option<T>, field: &'static str) -> Result<T, E> {
    value.ok_or_else(|| E::missing_field(field))
}
