//! Jute primitives: big-endian numbers, and strings, buffers and vectors behind a 4-byte length
//! of which −1 means null. Source: `BinaryInputArchive`, `BinaryOutputArchive`.

use bytes::{BufMut, Bytes, BytesMut};

use crate::error::{DecodeError, Found};

/// Longest string or buffer that a client may send, in bytes (`jute.maxbuffer`).
pub const MAX_BUFFER: usize = 0xf_ffff;

/// Longest string or buffer between servers, in bytes
/// (`jute.maxbuffer` + `zookeeper.jute.maxbuffer.extrasize`, whose default doubles it).
pub const MAX_SERVER_BUFFER: usize = 2 * MAX_BUFFER;

/// A place in a record that is being read. Never reads past the end, never panics.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
    max_buffer: usize,
}

impl<'a> Reader<'a> {
    /// Reads `bytes` with [`MAX_SERVER_BUFFER`] as the limit of each string and buffer.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self::with_limit(bytes, MAX_SERVER_BUFFER)
    }

    /// Reads `bytes`; a string or buffer longer than `max_buffer` bytes is an error.
    #[must_use]
    pub fn with_limit(bytes: &'a [u8], max_buffer: usize) -> Self {
        Self { bytes, offset: 0, max_buffer }
    }

    /// Bytes read so far.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Bytes left.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.bytes.len() - self.offset
    }

    /// The next `length` bytes.
    ///
    /// # Errors
    /// If fewer are left.
    pub fn take(&mut self, length: usize, expected: &'static str) -> Result<&'a [u8], DecodeError> {
        let end = self.offset.checked_add(length).filter(|end| *end <= self.bytes.len());
        let Some(end) = end else {
            return Err(DecodeError { offset: self.offset, expected, found: Found::End });
        };
        let taken = &self.bytes[self.offset..end];
        self.offset = end;
        Ok(taken)
    }

    /// Steps over a buffer, and says where its bytes are; `None` is null.
    pub(crate) fn skip_buffer(&mut self) -> Result<Option<(usize, usize)>, DecodeError> {
        Ok(self.buffer()?.map(|bytes| (self.offset - bytes.len(), self.offset)))
    }

    /// The bytes from `start` to `end`, which [`Self::skip_buffer`] gave.
    pub(crate) fn range(&self, start: usize, end: usize) -> &'a [u8] {
        &self.bytes[start..end]
    }

    /// All bytes that are left.
    pub fn rest(&mut self) -> &'a [u8] {
        let rest = &self.bytes[self.offset..];
        self.offset = self.bytes.len();
        rest
    }

    /// The next value of type `T`.
    ///
    /// # Errors
    /// If the bytes are not a `T`.
    pub fn read<T: Record>(&mut self) -> Result<T, DecodeError> {
        T::decode(self)
    }

    /// Nothing must be left.
    ///
    /// # Errors
    /// If something is.
    pub fn finish(&self) -> Result<(), DecodeError> {
        match self.remaining() {
            0 => Ok(()),
            left => Err(self.refuse("the end of the record", Found::Trailing(left))),
        }
    }

    /// An error at the current place.
    pub(crate) fn refuse(&self, expected: &'static str, found: Found) -> DecodeError {
        DecodeError { offset: self.offset, expected, found }
    }

    /// A length: `None` is null.
    fn length(&mut self, max: usize, expected: &'static str) -> Result<Option<usize>, DecodeError> {
        let at = self.clone();
        let number: i32 = self.read()?;
        match usize::try_from(number) {
            Ok(length) if length <= max => Ok(Some(length)),
            _ if number == -1 => Ok(None),
            _ => Err(at.refuse(expected, Found::Number(number.into()))),
        }
    }

    /// A string; null is an empty one.
    pub(crate) fn string_or_null(&mut self) -> Result<String, DecodeError> {
        let mut ahead = self.clone();
        if ahead.read::<i32>()? == -1 {
            *self = ahead;
            return Ok(String::new());
        }
        self.read()
    }

    /// Bytes behind a length; `None` is null.
    fn buffer(&mut self) -> Result<Option<&'a [u8]>, DecodeError> {
        match self.length(self.max_buffer, "a buffer length within the limit")? {
            Some(length) => self.take(length, "a whole buffer").map(Some),
            None => Ok(None),
        }
    }
}

/// Something with a jute encoding.
pub trait Record: Sized {
    /// Appends the encoding to `out`.
    fn encode(&self, out: &mut BytesMut);

    /// Reads one value.
    ///
    /// # Errors
    /// If the bytes at the reader's place are not one.
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError>;

    /// The encoding on its own.
    fn to_bytes(&self) -> Bytes {
        let mut out = BytesMut::new();
        self.encode(&mut out);
        out.freeze()
    }

    /// Reads one value from exactly these bytes.
    ///
    /// # Errors
    /// If they are not one value, or if bytes are left over.
    fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let value = reader.read()?;
        reader.finish()?;
        Ok(value)
    }
}

impl Record for bool {
    fn encode(&self, out: &mut BytesMut) {
        out.put_u8(u8::from(*self));
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let at = reader.clone();
        match reader.take(1, "a boolean")? {
            [0] => Ok(false),
            [1] => Ok(true),
            other => Err(at.refuse("a boolean (0 or 1)", Found::Number(other[0].into()))),
        }
    }
}

impl Record for i32 {
    fn encode(&self, out: &mut BytesMut) {
        out.put_i32(*self);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut number = [0; 4];
        number.copy_from_slice(reader.take(4, "a 4-byte number")?);
        Ok(Self::from_be_bytes(number))
    }
}

impl Record for i64 {
    fn encode(&self, out: &mut BytesMut) {
        out.put_i64(*self);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut number = [0; 8];
        number.copy_from_slice(reader.take(8, "an 8-byte number")?);
        Ok(Self::from_be_bytes(number))
    }
}

/// A string that must not be null.
impl Record for String {
    fn encode(&self, out: &mut BytesMut) {
        put_buffer(out, self.as_bytes());
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let at = reader.clone();
        let Some(bytes) = reader.buffer()? else {
            return Err(at.refuse("a string", Found::Number(-1)));
        };
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text.to_owned()),
            Err(_) => Err(at.refuse("UTF-8 text", Found::text(&Self::from_utf8_lossy(bytes)))),
        }
    }
}

/// A buffer that must not be null.
impl Record for Bytes {
    fn encode(&self, out: &mut BytesMut) {
        put_buffer(out, self);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let at = reader.clone();
        match reader.buffer()? {
            Some(bytes) => Ok(Self::copy_from_slice(bytes)),
            None => Err(at.refuse("a buffer", Found::Number(-1))),
        }
    }
}

/// A buffer that may be null.
impl Record for Option<Bytes> {
    fn encode(&self, out: &mut BytesMut) {
        match self {
            Some(bytes) => put_buffer(out, bytes),
            None => out.put_i32(-1),
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(reader.buffer()?.map(Bytes::copy_from_slice))
    }
}

/// A vector that must not be null.
impl<T: Record> Record for Vec<T> {
    fn encode(&self, out: &mut BytesMut) {
        out.put_i32(wire_length(self.len()));
        for item in self {
            item.encode(out);
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let at = reader.clone();
        match Option::<Self>::decode(reader)? {
            Some(items) => Ok(items),
            None => Err(at.refuse("a vector", Found::Number(-1))),
        }
    }
}

/// A vector that may be null.
impl<T: Record> Record for Option<Vec<T>> {
    fn encode(&self, out: &mut BytesMut) {
        match self {
            Some(items) => items.encode(out),
            None => out.put_i32(-1),
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let Some(count) = reader.length(reader.max_buffer, "a vector length within the limit")?
        else {
            return Ok(None);
        };
        // The count is a peer's claim: memory is taken as items are really there. Every item of
        // the formats here has at least four bytes, so the loop is bounded by the input too.
        let mut items = Vec::with_capacity(count.min(reader.remaining() / 4));
        for _ in 0..count {
            items.push(reader.read()?);
        }
        Ok(Some(items))
    }
}

/// Appends bytes behind their length.
pub(crate) fn put_buffer(out: &mut BytesMut, bytes: &[u8]) {
    out.put_i32(wire_length(bytes.len()));
    out.put_slice(bytes);
}

/// A length as it is on the wire.
///
/// # Panics
/// If it does not fit four bytes: nothing that passed a decoder's limits is that long.
pub(crate) fn wire_length(length: usize) -> i32 {
    i32::try_from(length).expect("lengths on the wire are below 2 GiB")
}

/// Defines a struct whose encoding is that of its fields in order.
macro_rules! record {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $type,)*
        }

        impl $crate::jute::Record for $name {
            fn encode(&self, out: &mut bytes::BytesMut) {
                $($crate::jute::Record::encode(&self.$field, out);)*
            }

            fn decode(
                reader: &mut $crate::jute::Reader<'_>,
            ) -> Result<Self, $crate::error::DecodeError> {
                Ok(Self { $($field: reader.read()?,)* })
            }
        }
    };
}
pub(crate) use record;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_above_the_limit_is_refused_before_its_bytes_arrive() {
        let error = Reader::with_limit(&[0, 0, 0, 9], 8).read::<Bytes>().unwrap_err();
        assert_eq!(error.found, Found::Number(9));
        assert!(!error.is_incomplete());
    }

    #[test]
    fn a_length_within_the_limit_asks_for_more() {
        let error = Reader::with_limit(&[0, 0, 0, 8], 8).read::<Bytes>().unwrap_err();
        assert!(error.is_incomplete());
    }

    #[test]
    fn a_huge_vector_takes_no_memory_before_its_items_are_there() {
        let claim = [0x00, 0x0f, 0xff, 0xff];
        let error = Reader::new(&claim).read::<Vec<i64>>().unwrap_err();
        assert!(error.is_incomplete());
    }

    #[test]
    fn null_is_told_from_empty() {
        assert_eq!(Option::<Bytes>::from_bytes(&[0xff; 4]), Ok(None));
        assert_eq!(Option::<Bytes>::from_bytes(&[0; 4]), Ok(Some(Bytes::new())));
        assert!(Bytes::from_bytes(&[0xff; 4]).is_err());
        assert!(String::from_bytes(&[0xff; 4]).is_err());
    }

    #[test]
    fn an_error_names_place_and_both_sides() {
        let error = String::from_bytes(&[0, 0, 0, 1, 0xc3]).unwrap_err();
        assert_eq!(error.to_string(), "at byte 0: expected UTF-8 text, found \"\u{fffd}\"");
    }
}
