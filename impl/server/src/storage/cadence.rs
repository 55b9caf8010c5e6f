//! When the next snapshot is due. Source: `SyncRequestProcessor.shouldSnapshot`.

use std::hash::{BuildHasher as _, RandomState};

use zab_core::Txn;

/// After how much a snapshot is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapLimits {
    /// `zookeeper.snapCount`: so many transactions, at least 2.
    pub count: u64,
    /// `zookeeper.snapSizeLimitInKb`: so many bytes of them, if limited.
    pub bytes: Option<u64>,
}

/// Counts what was appended since the last snapshot.
#[derive(Debug)]
pub(super) struct Cadence {
    limits: SnapLimits,
    count: u64,
    bytes: u64,
    /// By how much of its second half each limit is missed this time.
    missed: (u64, u64),
}

impl Cadence {
    pub(super) fn new(limits: SnapLimits) -> Self {
        let mut cadence = Self { limits, count: 0, bytes: 0, missed: (0, 0) };
        cadence.reset();
        cadence
    }

    /// These are appended, or were replayed after the last snapshot.
    pub(super) fn count(&mut self, txns: &[Txn]) {
        self.count += txns.len() as u64;
        self.bytes += txns.iter().map(|txn| txn.payload.len() as u64).sum::<u64>();
    }

    /// A random point in the second half of either limit is passed: servers of an ensemble, which
    /// log the same, are not to write their snapshots at the same time.
    pub(super) fn is_due(&self) -> bool {
        let SnapLimits { count, bytes } = self.limits;
        self.count > count / 2 + self.missed.0
            || bytes.is_some_and(|bytes| self.bytes > bytes / 2 + self.missed.1)
    }

    /// A snapshot begins.
    pub(super) fn reset(&mut self) {
        (self.count, self.bytes) = (0, 0);
        let SnapLimits { count, bytes } = self.limits;
        self.missed = (below(count / 2), below(bytes.unwrap_or(0) / 2));
    }
}

/// A random number below `end`, or 0. A hasher's keys are the randomness that the standard library
/// has.
fn below(end: u64) -> u64 {
    RandomState::new().hash_one(()).checked_rem(end).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use zab_core::Zxid;

    use super::*;

    /// How many transactions of `bytes` it takes.
    fn taken(limits: SnapLimits, bytes: usize) -> u64 {
        let mut cadence = Cadence::new(limits);
        while !cadence.is_due() {
            cadence.count(&[Txn::new(Zxid::new(1, 1), vec![0; bytes])]);
        }
        cadence.count
    }

    #[test]
    fn a_snapshot_is_due_at_a_random_point_in_the_second_half_of_a_limit() {
        let limits = SnapLimits { count: 100, bytes: None };
        let counts: Vec<u64> = (0..400).map(|_| taken(limits, 1)).collect();
        assert!(counts.iter().all(|count| (51..=100).contains(count)), "{counts:?}");
        assert!(counts.iter().min() < Some(&60) && counts.iter().max() > Some(&90), "{counts:?}");
        let limits = SnapLimits { count: 100_000, bytes: Some(1000) };
        let counts: Vec<u64> = (0..100).map(|_| taken(limits, 10)).collect();
        assert!(counts.iter().all(|count| (51..=100).contains(count)), "{counts:?}");
        assert_eq!(taken(SnapLimits { count: 2, bytes: None }, 1), 2);
    }
}
