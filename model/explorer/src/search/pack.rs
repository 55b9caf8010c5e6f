//! States in few bytes, while they wait.
//!
//! States that were found one after the other differ in few bytes, and most of those are small
//! fields that were zero. So each is kept as what differs from the one before it: for every eight
//! words a byte that says which of them differ, then for each of these a byte that says which of its
//! bytes do, and these bytes, each as the exclusive or of old and new. The first state of a block
//! differs from zeros. Where states are not flat, each begins with how many bytes it has, and differs
//! from as many of the one before it, with zeros behind these.

use crate::stored::StoredState;

/// Bytes of a word. The last word of a state may be shorter.
const WORD: usize = 8;

/// Appends these states to `code`.
pub(crate) fn pack<S: StoredState>(states: &[S], code: &mut Vec<u8>) {
    let (mut before, mut scratch) = (Vec::new(), Vec::new());
    for state in states {
        let state = state.bytes(&mut scratch);
        if !S::FLAT {
            pack_word(state.len() as u64, code);
        }
        before.resize(state.len(), 0);
        pack_one(state, &before, code);
        before.copy_from_slice(state);
    }
}

/// `before` has as many bytes.
fn pack_one(state: &[u8], before: &[u8], code: &mut Vec<u8>) {
    let group = WORD * WORD;
    for (words, before) in state.chunks(group).zip(before.chunks(group)) {
        let place = code.len();
        code.push(0);
        let mut differing = 0;
        for (bit, (word, before)) in words.chunks(WORD).zip(before.chunks(WORD)).enumerate() {
            let difference = number(word) ^ number(before);
            if difference != 0 {
                differing |= 1 << bit;
                pack_word(difference, code);
            }
        }
        code[place] = differing;
    }
}

/// A word of at most eight bytes.
#[inline]
fn number(word: &[u8]) -> u64 {
    if let Ok(bytes) = word.try_into() {
        return u64::from_le_bytes(bytes);
    }
    word.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[inline]
fn pack_word(difference: u64, code: &mut Vec<u8>) {
    let place = code.len();
    code.push(0);
    let mut differing = 0;
    for (bit, byte) in difference.to_le_bytes().into_iter().enumerate() {
        if byte != 0 {
            differing |= 1 << bit;
            code.push(byte);
        }
    }
    code[place] = differing;
}

/// Reads packed blocks, each from its beginning, and remembers how far it has come: the states of a
/// block are mostly asked for in order. For the blocks of one level.
#[derive(Default)]
pub(crate) struct Reader {
    /// The block that was read last, by the number that it was given.
    block: Option<usize>,
    /// States of it that were read.
    states: usize,
    /// Where the next begins.
    offset: usize,
    /// The bytes of the state that was read last.
    bytes: Vec<u8>,
}

impl Reader {
    /// The state with that number in a block, given the block's number and code.
    ///
    /// # Panics
    /// When the code is not that of so many states.
    pub(crate) fn read<S: StoredState>(&mut self, block: usize, code: &[u8], number: usize) -> S {
        if self.block != Some(block) || self.states > number {
            self.bytes.clear();
            self.bytes.resize(if S::FLAT { size_of::<S>() } else { 0 }, 0);
            (self.block, self.states, self.offset) = (Some(block), 0, 0);
        }
        while self.states <= number {
            self.offset += unpack_one(&code[self.offset..], &mut self.bytes, S::FLAT);
            self.states += 1;
        }
        S::decode(&self.bytes)
    }
}

/// Makes of a state the next one, which is as long if it is flat. Gives back how many bytes of the
/// code told that.
fn unpack_one(code: &[u8], state: &mut Vec<u8>, flat: bool) -> usize {
    let mut offset = 0;
    let mut next = || {
        offset += 1;
        code[offset - 1]
    };
    if !flat {
        let bytes = ones(next()).fold(0, |length, byte| length | usize::from(next()) << (8 * byte));
        state.resize(bytes, 0);
    }
    for words in state.chunks_mut(WORD * WORD) {
        for word in ones(next()) {
            for byte in ones(next()) {
                words[word * WORD + byte] ^= next();
            }
        }
    }
    offset
}

/// The numbers of the bits that are set, the lowest first.
#[inline]
fn ones(mut bits: u8) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let lowest = bits.trailing_zeros();
        bits &= bits.wrapping_sub(1);
        (lowest < u8::BITS).then_some(lowest as usize)
    })
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::{any, proptest};

    use super::{Reader, pack};
    use crate::stored::StoredState;

    /// Packed and read in order, backwards, and from wherever.
    fn round_trip<S: StoredState + std::fmt::Debug>(states: &[S], asked: &[usize]) {
        let mut code = Vec::new();
        pack(states, &mut code);
        let in_order = 0..states.len();
        let numbers = in_order.clone().chain(in_order.rev());
        let asked = asked.iter().map(|number| number % states.len().max(1));
        let mut reader = Reader::default();
        for number in numbers.chain(asked.filter(|_| !states.is_empty())) {
            assert_eq!(reader.read::<S>(0, &code, number), states[number]);
        }
    }

    /// A state of which few bytes are not zero, with the last word cut short.
    fn sparse<const N: usize>(changes: &[(usize, u8)]) -> Vec<[u8; N]> {
        let mut state = [0; N];
        let change = |(at, byte): &(usize, u8)| {
            state[at % N] = *byte;
            state
        };
        changes.iter().map(change).collect()
    }

    #[derive(Clone, Debug, PartialEq)]
    struct Text(Vec<u8>);

    impl StoredState for Text {
        fn encode(&self, bytes: &mut Vec<u8>) {
            bytes.extend(&self.0);
        }

        fn decode(bytes: &[u8]) -> Self {
            Self(bytes.to_vec())
        }
    }

    proptest! {
        #[test]
        fn what_is_packed_is_read_again(
            words in vec(any::<u64>(), 0..20),
            bytes in vec(any::<[u8; 13]>(), 0..20),
            bools in vec(any::<[bool; 3]>(), 0..20),
            changes in vec((any::<usize>(), any::<u8>()), 0..300),
            asked in vec(any::<usize>(), 0..20),
        ) {
            round_trip(&words, &asked);
            round_trip(&bytes, &asked);
            round_trip(&bools, &asked);
            round_trip(&sparse::<64>(&changes), &asked);
            round_trip(&sparse::<67>(&changes), &asked);
            round_trip(&sparse::<301>(&changes), &asked);
        }

        /// States of any length, none of them flat.
        #[test]
        fn what_is_not_flat_is_read_again(
            texts in vec(vec(0_u8..3, 0..150), 0..20),
            asked in vec(any::<usize>(), 0..20),
        ) {
            let texts: Vec<Text> = texts.into_iter().map(Text).collect();
            round_trip(&texts, &asked);
        }
    }

    #[test]
    fn what_differs_in_little_takes_little() {
        let states = sparse::<301>(&[(7, 1), (7, 2), (300, 3)]);
        let mut code = Vec::new();
        pack(&states, &mut code);
        // Five groups of words each, and a word and a byte for what differs.
        assert_eq!(code.len(), 3 * (5 + 2));
        round_trip(&[(), ()], &[1]);
    }
}
