//! Which of DIFF, TRUNC and SNAP brings a learner up to date; pure.

use crate::config::Config;
use crate::history::History;
use crate::message::Message;
use crate::number::Number;
use crate::profile::{DiffCursor, Profile, SyncMembership, TruncPoint};
use crate::server::Server;
use crate::shape::Shape;
use crate::types::{Phase, Zxid};

/// How a learner is brought up to date: a header, then everything after the cursor.
pub(crate) struct SyncPlan<S: Shape> {
    /// The rule that chose it.
    pub(crate) rule: &'static str,
    pub(crate) header: Message<S>,
    /// Where the learner's history ends after the header.
    pub(crate) cursor: Zxid<S::Num>,
}

/// The last committed transactions that the leader knows one by one.
pub(crate) struct Window<'a, S: Shape> {
    history: History<'a, S>,
    /// Length of the history before the window.
    start: usize,
    /// Length of the committed history S, which the window ends with.
    end: usize,
    profile: &'a Profile,
}

impl<'a, S: Shape> Window<'a, S> {
    /// The window of this leader: before `l.2.2` the whole history counts as committed.
    pub(crate) fn of(cfg: &'a Config<S>, me: &Server<S>) -> Self {
        let history = cfg.history(me.history);
        let is_established = me.phase == Phase::Broadcast;
        let end = if is_established { me.committed(cfg) } else { history.length() };
        let start = end.saturating_sub(cfg.ensemble.window.max(1)).max(me.base.to_usize()).min(end);
        Self { history, start, end, profile: &cfg.ensemble.profile }
    }

    /// The last zxid of the window; of what lies before, if it is empty.
    pub(crate) fn max(&self) -> Zxid<S::Num> {
        self.history.zxid_at(self.end)
    }

    /// The first zxid of the window; of what lies before, if it is empty.
    fn min(&self) -> Zxid<S::Num> {
        self.history.zxid_at(self.end.min(self.start + 1))
    }

    /// How many transactions of S are at or before `p`.
    fn count_to(&self, p: Zxid<S::Num>) -> usize {
        self.history.count_to(p).min(self.end)
    }

    fn contains(&self, p: Zxid<S::Num>) -> bool {
        let count = self.count_to(p);
        count > self.start && self.history.zxid_at(count) == p
    }

    /// l.2.1, its table: how to bring a learner that reported `p` to S.
    pub(crate) fn choose(&self, p: Zxid<S::Num>) -> SyncPlan<S> {
        self.zk_sync_diff(p)
            .or_else(|| self.zk_sync_trunc(p))
            .unwrap_or_else(|| self.zk_sync_snap())
    }

    /// zk.sync.diff: row 1, the learner is there; row 3, it stands on a transaction of the window;
    /// row 3b, it stands inside the window before the first transaction of an epoch.
    fn zk_sync_diff(&self, p: Zxid<S::Num>) -> Option<SyncPlan<S>> {
        let inside = self.min() <= p && p < self.max();
        let is_known = match self.profile.sync_membership {
            SyncMembership::OnTransaction => self.contains(p) || p.counter == S::Num::ZERO,
            SyncMembership::WithinWindow => true,
        };
        let cursor = match self.profile.diff_cursor {
            DiffCursor::Position => p,
            DiffCursor::Max => self.max(),
        };
        (p == self.max() || inside && is_known).then_some(SyncPlan {
            rule: "zk.sync.diff",
            header: Message::Diff { zxid: self.max() },
            cursor,
        })
    }

    /// zk.sync.trunc: row 2, the learner is ahead; row 3c, it left the window in the middle of an
    /// epoch that goes on in the window.
    fn zk_sync_trunc(&self, p: Zxid<S::Num>) -> Option<SyncPlan<S>> {
        if p.counter == S::Num::ZERO {
            return None;
        }
        if p > self.max() {
            return Some(self.cut_at(self.end));
        }
        let count = self.count_to(p);
        let inside = self.min() <= p && p < self.max() && !self.contains(p);
        let same_epoch = self.history.zxid_at(count + 1).epoch == p.epoch;
        (inside && same_epoch).then(|| self.cut_at(count))
    }

    fn cut_at(&self, length: usize) -> SyncPlan<S> {
        let length = match self.profile.trunc_point {
            TruncPoint::Common => length,
            TruncPoint::OneBelow => length.saturating_sub(1),
        };
        let cursor = self.history.zxid_at(length);
        SyncPlan { rule: "zk.sync.trunc", header: Message::Trunc { zxid: cursor }, cursor }
    }

    /// zk.sync.snap: otherwise the whole state, however little the learner lacks (D-LOG).
    fn zk_sync_snap(&self) -> SyncPlan<S> {
        let cursor = self.max();
        let header = Message::Snap { zxid: cursor, history: self.history.prefix(self.end) };
        SyncPlan { rule: "zk.sync.snap", header, cursor }
    }
}

/// What a leader chooses a synchronization from: the first and the last zxid of its window.
pub fn sync_window<S: Shape>(cfg: &Config<S>, me: &Server<S>) -> (Zxid<S::Num>, Zxid<S::Num>) {
    let window = Window::of(cfg, me);
    (window.min(), window.max())
}
