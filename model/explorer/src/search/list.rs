//! What a thread has found of the next level.

use std::path::Path;
use std::sync::Arc;

use super::pack::pack;
use crate::disk::{DiskError, Scratch};
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
    /// In few bytes, in the file of the list.
    OnDisk(Spot),
}

/// Where something is in a file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spot {
    pub(crate) start: u64,
    pub(crate) bytes: u32,
}

impl<S> Block<S> {
    /// Bytes allocated.
    pub(crate) fn bytes(&self) -> u64 {
        match self {
            Self::Plain(states) => room(states),
            Self::Packed(code) => code.len() as u64,
            Self::OnDisk(_) => 0,
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
    /// Where blocks may be written when they are packed.
    folder: Option<Arc<Path>>,
    /// The file with those that were.
    file: Option<Arc<Scratch>>,
    /// Why no more are written. They stay in memory then.
    failed: Option<DiskError>,
    /// A bit for each state: whether it turned out to be known. Behind its end, none did.
    dead: Vec<u64>,
}

/// What was in a list.
pub(crate) struct Taken<S> {
    /// All blocks with the number of their states, none of them empty.
    pub(crate) blocks: Vec<(usize, Block<S>)>,
    /// Where those on disk are.
    pub(crate) file: Option<Arc<Scratch>>,
    /// See [`List::mark_dead`].
    pub(crate) dead: Vec<u64>,
}

impl<S: StoredState> List<S> {
    /// Where memory is short, blocks go into a file in that folder.
    pub(crate) fn new(folder: Option<Arc<Path>>) -> Self {
        Self {
            folder,
            file: None,
            failed: None,
            dead: Vec::new(),
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

    /// Without those that turned out to be known.
    pub(crate) fn alive(&self) -> usize {
        self.len() - self.dead.iter().map(|word| word.count_ones() as usize).sum::<usize>()
    }

    /// Bytes allocated.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes + room(&self.full) + room(&self.last) + room(&self.code) + room(&self.dead)
    }

    /// Why blocks are not written any more.
    pub(crate) fn failed(&self) -> Option<&DiskError> {
        self.failed.as_ref()
    }

    /// The state with that number was visited before.
    pub(crate) fn mark_dead(&mut self, number: usize) {
        let word = number / 64;
        if self.dead.len() <= word {
            self.dead.resize(word + 1, 0);
        }
        self.dead[word] |= 1 << (number % 64);
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
            let spot = if self.failed.is_none() { self.write() } else { None };
            let block = match spot {
                Some(spot) => Block::OnDisk(spot),
                None => Block::Packed(self.code.as_slice().into()),
            };
            self.bytes += block.bytes();
            self.full.push(block);
        }
        saves
    }

    /// Writes what is in `code`; nothing is lost if that fails.
    fn write(&mut self) -> Option<Spot> {
        let (Some(folder), Ok(bytes)) = (&self.folder, u32::try_from(self.code.len())) else {
            return None;
        };
        let written = match &self.file {
            Some(file) => file.append(&self.code),
            None => Scratch::unnamed(folder)
                .and_then(|file| self.file.insert(Arc::new(file)).append(&self.code)),
        };
        match written {
            Ok(start) => Some(Spot { start, bytes }),
            Err(error) => {
                self.failed = Some(error);
                None
            }
        }
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

    /// All that is in it. The list is empty then.
    pub(crate) fn take(&mut self) -> Taken<S> {
        let full = std::mem::take(&mut self.full);
        self.bytes -= full.iter().map(Block::bytes).sum::<u64>();
        let mut blocks: Vec<_> = full.into_iter().map(|block| (BLOCK, block)).collect();
        if !self.last.is_empty() {
            let last = std::mem::take(&mut self.last);
            blocks.push((last.len(), Block::Plain(last)));
        }
        Taken { blocks, file: self.file.take(), dead: std::mem::take(&mut self.dead) }
    }
}
