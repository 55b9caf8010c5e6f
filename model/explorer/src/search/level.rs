//! The states of one level, in the order in which they are numbered.

use std::ops::Range;

/// Where a state is: its level, counted from 0, and its number within it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) level: usize,
    pub(crate) position: u32,
}

/// One list of states by thread; numbered one list after the other.
pub(crate) struct Level<S> {
    segments: Vec<Vec<S>>,
    /// The number of the first state of each list.
    starts: Vec<usize>,
    length: usize,
}

impl<S> Level<S> {
    pub(crate) fn new(segments: Vec<Vec<S>>) -> Self {
        let mut length = 0;
        let mut starts = Vec::with_capacity(segments.len());
        for segment in &segments {
            starts.push(length);
            length += segment.len();
        }
        Self { segments, starts, length }
    }

    /// The lists, emptied, with room for at most twice as many states as the next level has: memory
    /// that is asked for anew costs more than what is written to it.
    pub(crate) fn recycle(self, next_length: usize) -> Vec<Vec<S>> {
        let mut segments = self.segments;
        let room = next_length * 2 / segments.len().max(1);
        for segment in &mut segments {
            segment.clear();
            segment.shrink_to(room);
        }
        segments
    }

    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// The number of the first state of a thread's list.
    pub(crate) fn start(&self, segment: usize) -> usize {
        self.starts[segment]
    }

    /// The numbers of the states of each list.
    pub(crate) fn ranges(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        let parts = self.segments.iter().zip(&self.starts);
        parts.map(|(segment, start)| *start..start + segment.len())
    }

    /// The states with these numbers, each with its number.
    pub(crate) fn range(&self, range: Range<usize>) -> impl Iterator<Item = (usize, &S)> {
        let parts = self.segments.iter().zip(&self.starts);
        parts.flat_map(move |(segment, start)| {
            let from = range.start.saturating_sub(*start).min(segment.len());
            let to = range.end.saturating_sub(*start).min(segment.len());
            (from..to).map(move |at| (start + at, &segment[at]))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Level;

    #[test]
    fn ranges_go_on_from_one_list_to_the_next() {
        let level = Level::new(vec![vec![10, 11, 12], vec![], vec![13], vec![14, 15]]);
        assert_eq!((level.len(), level.start(2), level.start(3)), (6, 3, 4));
        let seen = |range| level.range(range).collect::<Vec<_>>();
        assert_eq!(seen(0..2), [(0, &10), (1, &11)]);
        assert_eq!(seen(2..5), [(2, &12), (3, &13), (4, &14)]);
        assert_eq!(seen(5..9), [(5, &15)]);
        assert_eq!(seen(4..4), []);
        assert_eq!(level.ranges().collect::<Vec<_>>(), [0..3, 3..3, 3..4, 4..6]);
    }
}
