//! Settings of the disk. The first two are Java properties in ZooKeeper, which may be written with
//! `zookeeper.` before them.

use std::time::Duration;

use super::parse::Draft;
use super::{Purge, SnapLimits};

impl Draft {
    /// Source: `ZooKeeperServer.getSnapCount`, `getSnapSizeInBytes`.
    pub(super) fn snap_limits(&self) -> Result<SnapLimits, String> {
        let count: u64 = self.java_value("snapCount")?.unwrap_or(100_000);
        let kilobytes: i64 = self.java_value("snapSizeLimitInKb")?.unwrap_or(1 << 22);
        // ZooKeeper also takes 2 for less, and no limit for a size that is not positive.
        let bytes = u64::try_from(kilobytes).ok().filter(|kilobytes| *kilobytes > 0);
        let bytes = bytes.map(|kilobytes| kilobytes.saturating_mul(1024));
        Ok(SnapLimits { count: count.max(2), bytes })
    }

    /// Source: `DatadirCleanupManager.start`, `QuorumPeerConfig.MIN_SNAP_RETAIN_COUNT`.
    pub(super) fn purge(&self) -> Result<Option<Purge>, String> {
        let hours: u64 = self.number("autopurge.purgeInterval")?.unwrap_or(0);
        let retained: usize = self.number("autopurge.snapRetainCount")?.unwrap_or(3);
        let interval = Duration::from_secs(hours.saturating_mul(60 * 60));
        Ok((hours > 0).then_some(Purge { retained: retained.max(3), interval }))
    }
}
