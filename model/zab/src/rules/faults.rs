//! Faults besides a crash: what no server does, and what happens to it.

use super::guard::{Guard, holds, is};
use super::{Node, Outcome};
use crate::outbox::{Effect, Write};
use crate::probe::Probe;
use crate::profile::FailedAppend;
use crate::shape::Shape;
use crate::stores::Disk;
use crate::types::Role;

impl<S: Shape, P: Probe> Node<'_, S, P> {
    /// A server that is down finds its log as it was before a cut that was not durable; what was
    /// appended after the cut is in a later file, and so comes behind it (H-06).
    pub(crate) fn cut_returns(&mut self) -> Outcome {
        self.require("zk.start", "role = DOWN", is(self.me.role, Role::Down))?;
        let cut = self.cfg.history(self.me.disk.cut);
        let was_cut = holds(cut.length() > 0);
        self.require("f.2.0", "a cut is not durable", was_cut)?;
        let synced = self.cfg.history(self.me.disk.history);
        let kept = (0..cut.length()).take_while(|place| cut.get(*place) == synced.get(*place));
        let log = cut.continued(&synced, kept.count());
        self.me.history = log;
        self.me.disk.history = log;
        self.me.disk.cut = S::Log::default();
        Ok(())
    }

    /// A server that is down has lost everything that it ever wrote.
    pub(crate) fn lose_disk(&mut self) -> Outcome {
        self.require("zk.start", "role = DOWN", is(self.me.role, Role::Down))?;
        self.me.disk = Disk::default();
        self.me.history = S::Log::default();
        (self.me.accepted_epoch, self.me.current_epoch) = <(S::Num, S::Num)>::default();
        Ok(())
    }

    /// The sync thread cannot write the unsynced tail and ends, the server leaves its role, and the
    /// process lives (ZOOKEEPER-4882).
    pub(crate) fn append_fails(&mut self) -> Outcome {
        let tail = self.me.unsynced();
        self.require("zk.bcast.sync", "there is a tail to write", Guard::new(tail > 0, tail, 1))?;
        self.me.history = self.me.disk.history;
        match self.profile().failed_append {
            FailedAppend::ReadAgain => self.reload(),
            FailedAppend::Kept => {}
        }
        self.zk_fle_leave_role();
        Ok(())
    }

    /// The sync thread of an earlier role appends what it has, behind all that is in the log by now
    /// (ZOOKEEPER-4712).
    pub(crate) fn zombie_writes(&mut self) -> Outcome {
        let zombie = self.cfg.history(self.me.zombie);
        let waits = holds(zombie.length() > 0);
        self.require("zk.bcast.sync", "an earlier sync thread has something to write", waits)?;
        self.me.history = self.history().continued(&zombie, 0);
        self.me.disk.history = self.me.history;
        self.me.zombie = S::Log::default();
        self.out.push(Effect::Persisted(Write::Log(self.last())));
        Ok(())
    }
}
