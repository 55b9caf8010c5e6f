//! The states of one level, in the order in which they are numbered.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use super::list::{BLOCK, Block, Spot, Taken};
use super::pack::{Reader, pack};
use crate::disk::{DiskError, Scratch};
use crate::stored::StoredState;

/// Where a state is: its level, counted from 0, and its number within it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) level: usize,
    pub(crate) position: usize,
}

/// One list of blocks by thread; numbered one list after the other. A block is given up as soon as
/// all of its states are expanded.
pub(crate) struct Level<S> {
    shelves: Vec<Shelf<S>>,
    /// The number of the first state of each list, and that after the last.
    starts: Vec<usize>,
    /// The file of each list.
    files: Vec<Option<Arc<Scratch>>>,
    /// Bytes of the blocks that are not given up.
    bytes: AtomicU64,
    /// States that turned out to be known.
    dead: usize,
}

/// A bit for each state of a block: whether it turned out to be known.
pub(crate) type Dead = [u64; BLOCK / 64];

/// A part of a level.
pub(crate) struct Part<S> {
    /// How many states each block has, and which of them are known.
    pub(crate) blocks: Vec<(usize, Dead, Block<S>)>,
    /// Where those on disk are.
    pub(crate) file: Option<Arc<Scratch>>,
}

/// A block in its place.
struct Shelf<S> {
    /// The numbers of its states.
    states: Range<usize>,
    /// The number of the list that it is of.
    part: usize,
    dead: Dead,
    /// States that are not expanded.
    left: AtomicUsize,
    /// Written once, when no states are left.
    block: RwLock<Block<S>>,
}

impl<S: StoredState> Level<S> {
    /// Of what each thread has found.
    pub(crate) fn new(lists: Vec<Taken<S>>) -> Self {
        let lists = lists.into_iter().map(|Taken { blocks, file, dead }| {
            // All blocks but the last have as many states.
            let mut words = dead.into_iter();
            let mut dead = || Dead::default().map(|_| words.next().unwrap_or(0));
            let blocks = blocks.into_iter().map(|(states, block)| (states, dead(), block));
            Part { blocks: blocks.collect(), file }
        });
        Self::of(lists.collect())
    }

    /// Of a part for each thread.
    pub(crate) fn of(parts: Vec<Part<S>>) -> Self {
        let mut shelves = Vec::with_capacity(parts.iter().map(|part| part.blocks.len()).sum());
        let (mut starts, mut start, mut bytes) = (vec![0], 0, 0);
        let (mut files, mut all_dead) = (Vec::with_capacity(parts.len()), 0);
        for (part, Part { blocks, file }) in parts.into_iter().enumerate() {
            for (length, dead, block) in blocks {
                bytes += block.bytes();
                all_dead += ones(&dead);
                shelves.push(Shelf {
                    states: start..start + length,
                    part,
                    dead,
                    left: AtomicUsize::new(length),
                    block: RwLock::new(block),
                });
                start += length;
            }
            starts.push(start);
            files.push(file);
        }
        Self { shelves, starts, files, bytes: AtomicU64::new(bytes), dead: all_dead }
    }

    /// Calls `write` with each block: how many states it has, which of them are known, and its code.
    /// None may be given up yet.
    pub(crate) fn save(
        &self,
        mut write: impl FnMut(usize, &Dead, &[u8]) -> Result<(), DiskError>,
    ) -> Result<(), DiskError> {
        let mut code = Vec::new();
        for shelf in &self.shelves {
            let block = shelf.block.read().unwrap_or_else(PoisonError::into_inner);
            code.clear();
            let code = match &*block {
                Block::Plain(states) => {
                    pack(states, &mut code);
                    &code
                }
                Block::Packed(code) => &**code,
                Block::OnDisk(spot) => {
                    self.load(shelf, *spot, &mut code)?;
                    &code
                }
            };
            write(shelf.states.len(), &shelf.dead, code)?;
        }
        Ok(())
    }

    fn load(&self, shelf: &Shelf<S>, spot: Spot, code: &mut Vec<u8>) -> Result<(), DiskError> {
        code.resize(spot.bytes as usize, 0);
        self.files[shelf.part].as_ref().map_or(Ok(()), |file| file.read(spot.start, code))
    }

    pub(crate) fn len(&self) -> usize {
        self.starts.last().copied().unwrap_or(0)
    }

    /// States that are new; the others turned out to be known, and only keep their numbers.
    pub(crate) fn alive(&self) -> usize {
        self.len() - self.dead
    }

    /// States with numbers in these ranges that are new.
    pub(crate) fn alive_in(&self, ranges: &[Range<usize>]) -> usize {
        let length: usize = ranges.iter().map(ExactSizeIterator::len).sum();
        if self.dead == 0 {
            return length;
        }
        let pieces = ranges.iter().flat_map(|range| self.pieces(range.clone()));
        pieces.map(|piece| piece.numbers().count()).sum()
    }

    /// Bytes allocated.
    pub(crate) fn bytes(&self) -> u64 {
        let shelves = (self.shelves.capacity() * size_of::<Shelf<S>>()) as u64;
        self.bytes.load(Ordering::Relaxed) + shelves
    }

    /// States of the blocks that are not given up: all that are not expanded, and a few more.
    pub(crate) fn left(&self) -> usize {
        let left = |shelf: &Shelf<S>| match shelf.left.load(Ordering::Relaxed) {
            0 => 0,
            left => left.saturating_sub(ones(&shelf.dead)),
        };
        self.shelves.iter().map(left).sum()
    }

    /// The number of the first state of a thread's list.
    pub(crate) fn start(&self, segment: usize) -> usize {
        self.starts[segment]
    }

    /// The numbers of the states of each list.
    pub(crate) fn ranges(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        self.starts.windows(2).map(|two| two[0]..two[1])
    }

    /// The parts of blocks that together are the states with these numbers.
    pub(crate) fn pieces(&self, range: Range<usize>) -> impl Iterator<Item = Piece<'_, S>> {
        let first = self.shelves.partition_point(|shelf| shelf.states.end <= range.start);
        let shelves = self.shelves.iter().enumerate().skip(first);
        let shelves = shelves.take_while(move |(_, shelf)| shelf.states.start < range.end);
        let pieces = shelves.map(move |(block, shelf)| {
            let from = shelf.states.start.max(range.start);
            Piece { level: self, block, states: from..shelf.states.end.min(range.end) }
        });
        // A range of none may lie within a block.
        pieces.filter(|piece| !piece.states.is_empty())
    }
}

/// A part of a block.
pub(crate) struct Piece<'a, S> {
    level: &'a Level<S>,
    block: usize,
    states: Range<usize>,
}

fn ones(dead: &Dead) -> usize {
    dead.iter().map(|word| word.count_ones() as usize).sum()
}

impl<'a, S: StoredState> Piece<'a, S> {
    /// The numbers of those that are new.
    fn numbers(&self) -> impl Iterator<Item = usize> + use<'a, S> {
        let shelf = &self.level.shelves[self.block];
        self.states.clone().filter(|number| {
            let at = number - shelf.states.start;
            shelf.dead[at / 64] >> (at % 64) & 1 == 0
        })
    }

    /// Calls `visit` with each state that is new and its number.
    #[inline]
    pub(crate) fn for_each(
        &self,
        reader: &mut Reader,
        mut visit: impl FnMut(usize, &S),
    ) -> Result<(), DiskError> {
        let shelf = &self.level.shelves[self.block];
        // A panic of another thread ends the run; it does not leave a block half changed.
        let block = shelf.block.read().unwrap_or_else(PoisonError::into_inner);
        let mut loaded = Vec::new();
        let code = match &*block {
            Block::Plain(states) => {
                self.numbers()
                    .for_each(|number| visit(number, &states[number - shelf.states.start]));
                return Ok(());
            }
            Block::Packed(code) => code,
            Block::OnDisk(spot) => {
                self.level.load(shelf, *spot, &mut loaded)?;
                loaded.as_slice()
            }
        };
        for number in self.numbers() {
            visit(number, &reader.read(self.block, code, number - shelf.states.start));
        }
        Ok(())
    }

    /// Says that these states are expanded, each of them once. The block, if they were its last.
    pub(crate) fn done(self) -> Option<Block<S>> {
        let shelf = &self.level.shelves[self.block];
        let count = self.states.len();
        // Whoever comes last has nobody reading beside it.
        if shelf.left.fetch_sub(count, Ordering::AcqRel) > count {
            return None;
        }
        let mut block = shelf.block.write().unwrap_or_else(PoisonError::into_inner);
        let block = std::mem::take(&mut *block);
        self.level.bytes.fetch_sub(block.bytes(), Ordering::Relaxed);
        Some(block)
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::Level;
    use crate::search::list::{BLOCK, List};
    use crate::search::pack::Reader;

    fn list(states: impl IntoIterator<Item = u64>, is_short: bool) -> List<u64> {
        let mut list = List::new(None);
        for state in states {
            list.push(state, || is_short);
        }
        list
    }

    #[test]
    fn ranges_go_on_from_one_list_to_the_next() {
        let lists: [&[u64]; 4] = [&[10, 11, 12], &[], &[13], &[14, 15]];
        let lists = lists.map(|states| list(states.iter().copied(), false).take());
        let level = Level::new(lists.into());
        assert_eq!((level.len(), level.start(2), level.start(3)), (6, 3, 4));
        let seen = |range| {
            let mut seen = Vec::new();
            for piece in level.pieces(range) {
                let seen = |number, state: &u64| seen.push((number, *state));
                piece.for_each(&mut Reader::default(), seen).expect("nothing is on disk");
            }
            seen
        };
        assert_eq!(seen(0..2), [(0, 10), (1, 11)]);
        assert_eq!(seen(2..5), [(2, 12), (3, 13), (4, 14)]);
        assert_eq!(seen(5..9), [(5, 15)]);
        assert_eq!(seen(4..4), []);
        assert_eq!(level.ranges().collect::<Vec<_>>(), [0..3, 3..3, 3..4, 4..6]);
    }

    proptest! {
        /// Whatever the lists and whoever reads which part first, every state is read once, from
        /// where it was put, and every block is given up once.
        #[test]
        fn levels_are_read_as_they_were_written(
            lengths in vec((0..3 * BLOCK, any::<bool>()), 0..4),
            cuts in vec(any::<usize>(), 0..20),
        ) {
            let mut next = 0_u64..;
            let mut lists: Vec<_> = lengths
                .iter()
                .map(|(length, is_short)| list(next.by_ref().take(*length), *is_short))
                .collect();
            let packed = lists.iter().map(List::packed).sum::<u64>();
            let full = lengths.iter().map(|(length, is_short)| {
                if *is_short { length.saturating_sub(1) / BLOCK * BLOCK } else { 0 }
            });
            prop_assert_eq!(packed, full.sum::<usize>() as u64);
            let level = Level::new(lists.iter_mut().map(List::take).collect());
            let blocks: usize = lengths.iter().map(|(length, _)| length.div_ceil(BLOCK)).sum();
            let mut cuts: Vec<_> = cuts.iter().map(|cut| cut % (level.len() + 1)).collect();
            cuts.extend([0, level.len()]);
            cuts.sort_unstable();
            let ranges = cuts.windows(2).map(|two| two[0]..two[1]);
            let (odd, even): (Vec<_>, Vec<_>) = ranges.enumerate().partition(|(at, _)| at % 2 == 1);
            let (mut reader, mut seen, mut freed) = (Reader::default(), Vec::new(), 0);
            for (_, range) in odd.into_iter().chain(even) {
                for piece in level.pieces(range) {
                    let seen = |number, state: &u64| seen.push((number, *state));
                    piece.for_each(&mut reader, seen).expect("nothing is on disk");
                    freed += usize::from(piece.done().is_some());
                }
            }
            seen.sort_unstable();
            let wanted = (0..level.len()).map(|number| (number, number as u64));
            prop_assert_eq!(seen, wanted.collect::<Vec<_>>());
            prop_assert_eq!(freed, blocks);
            prop_assert_eq!(Level::<u64>::new(Vec::new()).len(), 0);
            prop_assert_eq!(level.bytes.into_inner(), 0);
        }
    }
}
