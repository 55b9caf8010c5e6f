//! How single values are read.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};

use crate::{LogDigest, ROUND_MIN, Round, TxnDigest, Zxid};

/// Reads a field that may be absent but not `null`: absent means unknown, `null` means none.
pub(crate) fn present<'de, D, T>(from: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(from).map(Some)
}

/// Reads an object, and only an object: serde would take a list of the values, too.
pub(crate) fn object<'de, D, T>(from: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct Object<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for Object<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
            T::deserialize(MapAccessDeserializer::new(map))
        }
    }

    from.deserialize_map(Object(PhantomData))
}

/// [`object`] for a field that may be absent.
pub(crate) fn present_object<'de, D, T>(from: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    object(from).map(Some)
}

/// A round as it is written.
#[derive(Clone, Copy)]
pub(crate) struct RawRound(pub(crate) Round);

impl<'de> Deserialize<'de> for RawRound {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct RoundVisitor;

        impl Visitor<'_> for RoundVisitor {
            type Value = RawRound;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a whole number from {ROUND_MIN} to {}", Round::MAX)
            }

            fn visit_i64<E: de::Error>(self, round: i64) -> Result<RawRound, E> {
                let is_round = round >= ROUND_MIN;
                let refused = || E::invalid_value(Unexpected::Signed(round), &self);
                is_round.then_some(RawRound(round)).ok_or_else(refused)
            }

            fn visit_u64<E: de::Error>(self, round: u64) -> Result<RawRound, E> {
                let refused = |_| E::invalid_value(Unexpected::Unsigned(round), &self);
                Round::try_from(round).map(RawRound).map_err(refused)
            }
        }

        from.deserialize_i64(RoundVisitor)
    }
}

/// A string, borrowed from the line where it has no escapes.
pub(crate) struct Text<'a>(pub(crate) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct TextVisitor;

        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }

        from.deserialize_str(TextVisitor)
    }
}

/// Reads a string that has its own grammar.
fn from_text<'de, D, T>(from: D, what: &'static str) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: fmt::Display>,
{
    struct Parsed<T>(&'static str, PhantomData<T>);

    impl<T: FromStr<Err: fmt::Display>> Visitor<'_> for Parsed<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
            text.parse().map_err(|error| E::custom(format_args!("{text:?}: {error}")))
        }
    }

    from.deserialize_str(Parsed(what, PhantomData))
}

impl<'de> Deserialize<'de> for Zxid {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from_text(from, "a zxid such as \"3.17\"")
    }
}

impl<'de> Deserialize<'de> for TxnDigest {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from_text(from, "a digest of 16 hexadecimal digits")
    }
}

impl<'de> Deserialize<'de> for LogDigest {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from_text(from, "a digest of 16 hexadecimal digits")
    }
}
