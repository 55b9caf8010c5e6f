//! What a thread has found of the next level.

use super::pack::pack;
use crate::stored::StoredState;

/// States that are kept, packed and given back together; the last block of a list may have fewer.
pub(crate) const BLOCK: usize = 256;

/// Blocks that a thread keeps for what it will find: memory that is asked for anew costs more than
/// what is written to it.
const SPARE_MAX: usize = 16;

/// Some states of a level.
pub(crate) enum Block<S> {
    /// As they are.
    Plain(Vec<S>),
    /// In few bytes: see [`pack`].
    Packed(Box<[u8]>),
}

impl<S> Block<S> {
    /// Bytes allocated.
    pub(crate) fn bytes(&self) -> u64 {
        match self {
            Self::Plain(states) => room(states),
            Self::Packed(code) => code.len() as u64,
        }
    }
}

impl<S> Default for Block<S> {
    fn default() -> Self {
        Self::Plain(Vec::new())
    }
}

/// Bytes allocated.
fn room<T>(list: &Vec<T>) -> u64 {
    (list.capacity() * size_of::<T>()) as u64
}

/// States in the order in which they were found.
pub(crate) struct List<S> {
    /// Blocks of [`BLOCK`] states.
    full: Vec<Block<S>>,
    last: Vec<S>,
    spare: Vec<Vec<S>>,
    /// Bytes of what is in `full` and `spare`.
    bytes: u64,
    /// States that were packed so far, those of earlier levels too.
    packed: u64,
    /// Where a block is packed first, before its size is known.
    code: Vec<u8>,
}

impl<S: StoredState> List<S> {
    pub(crate) fn new() -> Self {
        Self {
            full: Vec::new(),
            last: Vec::new(),
            spare: Vec::new(),
            bytes: 0,
            packed: 0,
            code: Vec::new(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.full.len() * BLOCK + self.last.len()
    }

    /// Bytes allocated.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes + room(&self.full) + room(&self.last) + room(&self.code)
    }

    /// States that were packed so far.
    pub(crate) fn packed(&self) -> u64 {
        self.packed
    }

    /// Appends a state. `is_short` tells whether a block is to be packed that has become full.
    #[inline]
    pub(crate) fn push(&mut self, state: S, is_short: impl FnOnce() -> bool) {
        if self.last.len() == BLOCK || self.last.is_empty() {
            self.begin_block(is_short);
        }
        self.last.push(state);
    }

    fn begin_block(&mut self, is_short: impl FnOnce() -> bool) {
        if self.last.len() == BLOCK {
            if (!S::FLAT || is_short()) && self.pack_last() {
                return;
            }
            self.bytes += room(&self.last);
            self.full.push(Block::Plain(std::mem::take(&mut self.last)));
        }
        if self.last.capacity() == 0 {
            self.last = self.spare.pop().unwrap_or_default();
            self.bytes -= room(&self.last);
            self.last.reserve_exact(BLOCK);
        }
    }

    /// Packs the last block, unless that would not save anything. What a state that is not flat has
    /// on the heap is not known, so it always saves something.
    fn pack_last(&mut self) -> bool {
        self.code.clear();
        pack(&self.last, &mut self.code);
        let saves = !S::FLAT || self.code.len() < size_of_val(self.last.as_slice());
        if saves {
            self.last.clear();
            self.packed += if S::FLAT { BLOCK as u64 } else { 0 };
            let block = Block::Packed(self.code.as_slice().into());
            self.bytes += block.bytes();
            self.full.push(block);
        }
        saves
    }

    /// A block that is not needed any more: kept for what will be found, or given back.
    pub(crate) fn reuse(&mut self, block: Block<S>) {
        if let Block::Plain(mut states) = block
            && self.spare.len() < SPARE_MAX
        {
            states.clear();
            self.bytes += room(&states);
            self.spare.push(states);
        }
    }

    /// All blocks with the number of their states. The list is empty then.
    pub(crate) fn take(&mut self) -> Vec<(usize, Block<S>)> {
        let full = std::mem::take(&mut self.full);
        self.bytes -= full.iter().map(Block::bytes).sum::<u64>();
        let mut blocks: Vec<_> = full.into_iter().map(|block| (BLOCK, block)).collect();
        if !self.last.is_empty() {
            let last = std::mem::take(&mut self.last);
            blocks.push((last.len(), Block::Plain(last)));
        }
        blocks
    }
}
