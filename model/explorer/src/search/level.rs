//! The states of one level, in the order in which they are numbered.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{PoisonError, RwLock};

use super::list::Block;
use super::pack::Reader;
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
    /// Bytes of the blocks that are not given up.
    bytes: AtomicU64,
}

/// A block in its place.
struct Shelf<S> {
    /// The numbers of its states.
    states: Range<usize>,
    /// States that are not expanded.
    left: AtomicUsize,
    /// Written once, when no states are left.
    block: RwLock<Block<S>>,
}

impl<S: StoredState> Level<S> {
    /// Of the blocks of each thread with the number of their states, none of them empty.
    pub(crate) fn new(lists: Vec<Vec<(usize, Block<S>)>>) -> Self {
        let mut shelves = Vec::with_capacity(lists.iter().map(Vec::len).sum());
        let (mut starts, mut start, mut bytes) = (vec![0], 0, 0);
        for list in lists {
            for (length, block) in list {
                bytes += block.bytes();
                shelves.push(Shelf {
                    states: start..start + length,
                    left: AtomicUsize::new(length),
                    block: RwLock::new(block),
                });
                start += length;
            }
            starts.push(start);
        }
        Self { shelves, starts, bytes: AtomicU64::new(bytes) }
    }

    pub(crate) fn len(&self) -> usize {
        self.starts.last().copied().unwrap_or(0)
    }

    /// Bytes allocated.
    pub(crate) fn bytes(&self) -> u64 {
        let shelves = (self.shelves.capacity() * size_of::<Shelf<S>>()) as u64;
        self.bytes.load(Ordering::Relaxed) + shelves
    }

    /// States of the blocks that are not given up: all that are not expanded, and a few more.
    pub(crate) fn left(&self) -> usize {
        self.shelves.iter().map(|shelf| shelf.left.load(Ordering::Relaxed)).sum()
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

impl<S: StoredState> Piece<'_, S> {
    /// Calls `visit` with each state and its number.
    #[inline]
    pub(crate) fn for_each(&self, reader: &mut Reader, mut visit: impl FnMut(usize, &S)) {
        let shelf = &self.level.shelves[self.block];
        // A panic of another thread ends the run; it does not leave a block half changed.
        let block = shelf.block.read().unwrap_or_else(PoisonError::into_inner);
        for number in self.states.clone() {
            let at = number - shelf.states.start;
            let unpacked;
            let state = match &*block {
                Block::Plain(states) => &states[at],
                Block::Packed(code) => {
                    unpacked = reader.read(self.block, code, at);
                    &unpacked
                }
            };
            visit(number, state);
        }
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
        let mut list = List::new();
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
                piece.for_each(&mut Reader::default(), |number, state| seen.push((number, *state)));
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
                    piece.for_each(&mut reader, |number, state| seen.push((number, *state)));
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
