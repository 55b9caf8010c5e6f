//! What the engines ask of a state: that it can be kept as bytes.

use zerocopy::{Immutable, IntoBytes, TryFromBytes};

/// A state that the engines can keep as bytes, and make of these bytes again.
///
/// Of a [`FlatState`] they are its memory; nothing is to be done for it. Any other type, with
/// vectors, maps or whatever it likes, says itself what its bytes are: by hand, or with a
/// serialization crate whose output is the same for equal values.
///
/// # Contract
/// Equal states have equal bytes, and [`decode`](Self::decode) gives back a state that is equal to
/// the one that was encoded. The engines confirm it for every state that a model generates: decoded,
/// it must be equal, and encoded again it must have the same bytes. They end with
/// [`Stop::Encoding`](crate::Stop::Encoding), and the run to the state for which it is not so. A map
/// is to be encoded in the order of its keys: a `BTreeMap` has it.
pub trait StoredState: Clone + PartialEq + Send + Sync {
    /// Appends the bytes of the state.
    fn encode(&self, bytes: &mut Vec<u8>);

    /// The state whose bytes these are. They are never others than [`encode`](Self::encode) has
    /// given.
    fn decode(bytes: &[u8]) -> Self;

    /// Whether the state's memory is its bytes. Only for flat states.
    #[doc(hidden)]
    const FLAT: bool = false;

    /// The bytes of the state, in `scratch` unless they are its memory.
    #[doc(hidden)]
    #[inline]
    fn bytes<'a>(&'a self, scratch: &'a mut Vec<u8>) -> &'a [u8] {
        scratch.clear();
        self.encode(scratch);
        scratch
    }

    /// Whether both are the same state.
    #[doc(hidden)]
    #[inline]
    fn is_same(&self, other: &Self) -> bool {
        self == other
    }
}

/// A state without heap and without padding: hashing it is hashing its bytes, copying it is
/// copying them, which is several times as fast as encoding. Every type with these traits is one;
/// derive `zerocopy::IntoBytes`, which refuses padding, `zerocopy::TryFromBytes`, which makes it of
/// its bytes again after it was packed, and `zerocopy::Immutable`.
pub trait FlatState: Copy + PartialEq + IntoBytes + TryFromBytes + Immutable + Send + Sync {}

impl<S: Copy + PartialEq + IntoBytes + TryFromBytes + Immutable + Send + Sync> FlatState for S {}

impl<S: FlatState> StoredState for S {
    const FLAT: bool = true;

    fn encode(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(self.as_bytes());
    }

    fn decode(bytes: &[u8]) -> Self {
        let Ok(state) = Self::try_read_from_bytes(bytes) else {
            unreachable!("these are the bytes of a state")
        };
        state
    }

    #[inline]
    fn bytes<'a>(&'a self, _scratch: &'a mut Vec<u8>) -> &'a [u8] {
        self.as_bytes()
    }

    #[inline]
    fn is_same(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

/// A state is not what its encoding gives back; the value says how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BadCode(pub(crate) &'static str);

/// Confirms that these bytes, which are those of the state, give it back.
#[inline]
pub(crate) fn confirm<S: StoredState>(state: &S, bytes: &[u8]) -> Result<(), BadCode> {
    if S::FLAT {
        return Ok(());
    }
    let again = S::decode(bytes);
    if again != *state {
        return Err(BadCode("what it is decoded to is another state"));
    }
    if again.bytes(&mut Vec::with_capacity(bytes.len())) != bytes {
        return Err(BadCode("what it is decoded to has other bytes, though it is equal"));
    }
    Ok(())
}
