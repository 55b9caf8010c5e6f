//! The virtual clock: what happens next.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::rng::Rng;

/// Virtual time since the start of the run, in microseconds.
pub(crate) type Time = u64;

/// Something that will happen, with its place in the order of all that will.
#[derive(Debug)]
struct Entry<E> {
    key: (Time, u64, u64),
    event: E,
}

impl<E> PartialEq for Entry<E> {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}
impl<E> Eq for Entry<E> {}
impl<E> PartialOrd for Entry<E> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<E> Ord for Entry<E> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key.cmp(&other.key)
    }
}

/// Events ordered by (time, a number drawn from the seed, order of scheduling): of two events at
/// one moment the seed decides, and the third component makes the order total.
#[derive(Debug)]
pub(crate) struct Schedule<E> {
    now: Time,
    serial: u64,
    queue: BinaryHeap<Reverse<Entry<E>>>,
}

impl<E> Schedule<E> {
    /// Time 0, nothing scheduled.
    pub(crate) fn new() -> Self {
        Self { now: 0, serial: 0, queue: BinaryHeap::new() }
    }

    /// The present.
    pub(crate) fn now(&self) -> Time {
        self.now
    }

    /// Lets `event` happen `delay` microseconds from now.
    pub(crate) fn after(&mut self, delay: Time, rng: &mut Rng, event: E) {
        self.serial += 1;
        let key = (self.now.saturating_add(delay), rng.next(), self.serial);
        self.queue.push(Reverse(Entry { key, event }));
    }

    /// The next event; the clock moves to its time.
    pub(crate) fn next(&mut self) -> Option<E> {
        let Reverse(entry) = self.queue.pop()?;
        self.now = entry.key.0;
        Some(entry.event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_never_goes_back_and_ties_follow_the_seed() {
        let order = |seed| {
            let mut rng = Rng::new(seed);
            let mut schedule = Schedule::new();
            schedule.after(7, &mut rng, 100);
            for event in 0..8 {
                schedule.after(5, &mut rng, event);
            }
            let mut seen = Vec::new();
            while let Some(event) = schedule.next() {
                seen.push(event);
            }
            seen
        };
        assert_eq!(order(1), order(1));
        assert_ne!(order(1), order(2));
        assert_eq!(order(1).last(), Some(&100));
    }
}
