//! Who expands which states of a level.

use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The states of a level that nobody has claimed, by their numbers. Each thread has a range of its
/// own, at first what it has found itself: neighbours have many successors in common, and a thread
/// remembers those that it has met lately. A thread whose range is empty takes half of another's.
pub(crate) struct Claims {
    ranges: Vec<Mutex<Range<usize>>>,
    /// States that are claimed at a time.
    chunk: usize,
}

impl Claims {
    /// A range for each thread; together they are the level.
    pub(crate) fn new(ranges: impl IntoIterator<Item = Range<usize>>, chunk: usize) -> Self {
        Self { ranges: ranges.into_iter().map(Mutex::new).collect(), chunk: chunk.max(1) }
    }

    /// The next states for that thread; `None` when all are claimed.
    pub(crate) fn claim(&self, thread: usize) -> Option<Range<usize>> {
        loop {
            if let Some(claimed) = self.claim_own(thread) {
                return Some(claimed);
            }
            let count = self.ranges.len();
            let stolen = (1..count).find_map(|other| self.halve((thread + other) % count))?;
            // Nobody but this thread adds to its range, so it still is empty.
            *self.range(thread) = stolen;
        }
    }

    fn claim_own(&self, thread: usize) -> Option<Range<usize>> {
        let mut range = self.range(thread);
        let start = range.start;
        range.start = (start + self.chunk).min(range.end);
        (start < range.end).then_some(start..range.start)
    }

    /// The upper half of a range, which its thread comes to last, or all if it is short.
    fn halve(&self, thread: usize) -> Option<Range<usize>> {
        let mut range = self.range(thread);
        let (left, end) = (range.len(), range.end);
        let middle = if left <= self.chunk { range.start } else { end - left / 2 };
        range.end = middle;
        (left > 0).then_some(middle..end)
    }

    /// States that nobody has claimed.
    pub(crate) fn left(&self) -> usize {
        (0..self.ranges.len()).map(|thread| self.range(thread).len()).sum()
    }

    /// The numbers of these states.
    pub(crate) fn ranges(&self) -> Vec<Range<usize>> {
        (0..self.ranges.len()).map(|thread| self.range(thread).clone()).collect()
    }

    /// A panic of another thread ends the run; it does not leave a range half changed.
    fn range(&self, thread: usize) -> MutexGuard<'_, Range<usize>> {
        self.ranges[thread].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::Claims;

    #[test]
    fn one_takes_its_own_first_and_then_half_of_what_another_has() {
        let claims = Claims::new([0..4, 4..12], 2);
        let taken: Vec<_> = std::iter::from_fn(|| claims.claim(0)).collect();
        assert_eq!(taken, [0..2, 2..4, 8..10, 10..12, 6..8, 4..6]);
        assert_eq!((claims.left(), claims.claim(1)), (0, None));
    }

    /// Every state is claimed by exactly one thread, also by those that have no range at first.
    #[test]
    fn everything_is_claimed_once() {
        for chunk in [1, 3, 64] {
            let claims = Claims::new([0..0, 0..500, 500..500, 500..1000], chunk);
            assert_eq!(claims.left(), 1000);
            let seen = Mutex::new(vec![0; 1000]);
            std::thread::scope(|scope| {
                for thread in 0..4 {
                    let (claims, seen) = (&claims, &seen);
                    scope.spawn(move || {
                        while let Some(range) = claims.claim(thread) {
                            seen.lock().expect("nobody panics")[range]
                                .iter_mut()
                                .for_each(|n| *n += 1);
                        }
                    });
                }
            });
            assert!(seen.into_inner().expect("nobody panics").iter().all(|times| *times == 1));
        }
    }
}
