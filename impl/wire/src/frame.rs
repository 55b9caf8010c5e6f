//! Frames: a 4-byte length, then that many bytes. Client port and election port use them.

use bytes::{Buf, Bytes, BytesMut};

use crate::error::{DecodeError, Found, or_incomplete};
use crate::jute::{Reader, wire_length};

/// Takes one frame's content from the front of `buffer`; `None` if it is not all there yet.
///
/// # Errors
/// If the length is negative or above `max` bytes.
pub fn take(buffer: &mut BytesMut, max: usize) -> Result<Option<Bytes>, DecodeError> {
    let mut reader = Reader::new(buffer);
    let Some(number) = or_incomplete(reader.read::<i32>())? else { return Ok(None) };
    let length = match usize::try_from(number) {
        Ok(length) if length <= max => length,
        _ => {
            let found = Found::Number(number.into());
            return Err(DecodeError {
                offset: 0,
                expected: "a frame length within the limit",
                found,
            });
        }
    };
    if reader.remaining() < length {
        return Ok(None);
    }
    buffer.advance(4);
    Ok(Some(buffer.split_to(length).freeze()))
}

/// Appends a frame whose content `fill` writes.
pub fn put(out: &mut BytesMut, fill: impl FnOnce(&mut BytesMut)) {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    fill(out);
    let length = wire_length(out.len() - start - 4);
    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_taken_once_it_is_whole() {
        let mut wire = BytesMut::new();
        put(&mut wire, |out| out.extend_from_slice(b"abc"));
        let mut buffer = BytesMut::new();
        for byte in &wire[..6] {
            buffer.extend_from_slice(&[*byte]);
            assert_eq!(take(&mut buffer, 3), Ok(None));
        }
        buffer.extend_from_slice(b"cX");
        assert_eq!(take(&mut buffer, 3), Ok(Some(Bytes::from_static(b"abc"))));
        assert_eq!(&buffer[..], b"X");
    }

    #[test]
    fn lengths_outside_the_limit_are_refused_at_once() {
        for length in [-1_i32, 4, i32::MAX, i32::MIN] {
            let mut buffer = BytesMut::from(&length.to_be_bytes()[..]);
            assert_eq!(take(&mut buffer, 3).unwrap_err().found, Found::Number(length.into()));
        }
    }
}
