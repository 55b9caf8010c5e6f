//! Own snapshots and what they make superfluous: when.

use std::time::{Duration, Instant};

use super::Driver;
use crate::config::Purge;
use crate::error::ServerError;
use crate::tree::Tree;
use crate::zxid::to_wire;

/// When old files are removed next, if at all.
#[derive(Debug)]
pub(crate) struct Purges {
    setting: Option<Purge>,
    next: Option<Instant>,
}

impl Purges {
    /// The first time is at the start (`DatadirCleanupManager.start`).
    pub(crate) fn new(setting: Option<Purge>) -> Self {
        Self { setting, next: setting.map(|_| Instant::now()) }
    }

    /// How many snapshots to keep, if it is time.
    fn due(&self, now: Instant) -> Option<Purge> {
        self.setting.filter(|_| self.next.is_some_and(|next| next <= now))
    }

    fn done(&mut self, now: Instant, interval: Duration) {
        // Beyond what the clock can tell is never.
        self.next = now.checked_add(interval);
    }
}

impl Driver {
    /// Begins a snapshot if it is time for one.
    ///
    /// While clients are served, what is applied is committed and durable, so a snapshot never
    /// holds what may have to be cut. It is of one moment, not fuzzy as in ZooKeeper: a clone of
    /// the tree shares all nodes, so nobody waits for it, and replaying a log behind it needs no
    /// second thoughts about effects that are there already.
    pub(super) fn take_due_snapshot(&mut self) -> Result<(), ServerError> {
        if !self.state.is_serving || !self.storage.is_snapshot_due() {
            return Ok(());
        }
        let tree = self.service.read(Tree::clone);
        assert_eq!(tree.last_zxid(), to_wire(self.peer.applied()), "the tree is what was applied");
        Ok(self.storage.take_snapshot(tree, self.peer.base())?)
    }

    /// Begins to remove old files if it is time to.
    pub(super) fn purge_if_due(&mut self) -> Result<(), ServerError> {
        let now = Instant::now();
        if let Some(Purge { retained, interval }) = self.purges.due(now)
            && self.storage.purge(retained)?
        {
            self.purges.done(now, interval);
        }
        Ok(())
    }
}
