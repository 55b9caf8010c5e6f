//! What this server's tree came to, and whether the leader's came to the same.
//! Source: `DataTree.logZxidDigest`, `DataTree.reportDigestMismatch` (ZOOKEEPER-3114).

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::tree::Mismatch;

/// A digest is kept after every so many transactions (`DIGEST_LOG_INTERVAL`).
const INTERVAL: i64 = 128;

/// Most digests that are kept (`DIGEST_LOG_LIMIT`).
const KEPT_MAX: usize = 1024;

/// Digests of the past, and how many were not the leader's.
#[derive(Debug, Default)]
pub(crate) struct Digests {
    mismatches: AtomicU64,
    /// The tree came from a leader that went on while it sent it: it may hold what the next
    /// transactions do, and is the leader's only after those.
    is_settling: AtomicBool,
    /// Zxids and digests.
    kept: Mutex<VecDeque<(i64, i64)>>,
}

impl Digests {
    /// The tree has come from a leader.
    pub(super) fn settle(&self) {
        self.is_settling.store(true, Ordering::Relaxed);
    }

    /// What the leader had done while it sent the tree has been applied.
    pub(super) fn settled(&self) {
        self.is_settling.store(false, Ordering::Relaxed);
    }

    /// A transaction was applied, and this is the tree's digest now.
    pub(super) fn note(&self, zxid: i64, digest: i64, mismatch: Option<Mismatch>) {
        if zxid % INTERVAL == 0 {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.len() == KEPT_MAX {
                kept.pop_front();
            }
            kept.push_back((zxid, digest));
        }
        let Some(mismatch) = mismatch.filter(|_| !self.is_settling.load(Ordering::Relaxed)) else {
            return;
        };
        let count = self.mismatches.fetch_add(1, Ordering::Relaxed) + 1;
        // Once the trees differ, every digest does.
        if count.is_power_of_two() {
            tracing::error!("after transaction 0x{zxid:x} {mismatch} ({count} such so far)");
        }
    }

    /// How many digests were not the leader's.
    pub(crate) fn mismatches(&self) -> u64 {
        self.mismatches.load(Ordering::Relaxed)
    }

    /// Zxids, and the tree's digest after each, the oldest first.
    pub(crate) fn kept(&self) -> Vec<(i64, i64)> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect()
    }
}
