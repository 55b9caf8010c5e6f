//! What a decoder says about bytes it refuses.

use std::fmt;

use thiserror::Error;

/// Bytes that are not what the format asks for.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("at byte {offset}: expected {expected}, found {found}")]
pub struct DecodeError {
    /// Bytes from the start of the record, packet or file that was being read.
    pub offset: usize,
    /// What the format asks for there.
    pub expected: &'static str,
    /// What was there.
    pub found: Found,
}

impl DecodeError {
    /// Whether more bytes could make the input valid: nothing wrong was seen before its end.
    #[must_use]
    pub fn is_incomplete(&self) -> bool {
        self.found == Found::End
    }
}

/// What stood where something else was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// The input ended.
    End,
    /// A number.
    Number(i64),
    /// A text, cut to a printable length.
    Text(String),
    /// This many bytes that nothing asked for.
    Trailing(usize),
}

impl Found {
    /// A text for an error message, at most 64 characters of it.
    pub(crate) fn text(text: &str) -> Self {
        Self::Text(text.chars().take(64).collect())
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::End => write!(f, "the end of the input"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Trailing(bytes) => write!(f, "{bytes} more bytes"),
        }
    }
}

/// Turns "the input ended" into `None`, for formats without an outer length.
pub(crate) fn or_incomplete<T>(result: Result<T, DecodeError>) -> Result<Option<T>, DecodeError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.is_incomplete() => Ok(None),
        Err(error) => Err(error),
    }
}
