//! Which of DIFF, TRUNC and SNAP brings a learner up to date; pure.

use crate::config::Config;
use crate::history::History;
use crate::message::Message;
use crate::number::Number;
use crate::profile::{DiffCursor, OndiskDiff, Profile, SyncMembership, TruncPoint};
use crate::server::Server;
use crate::shape::{Shape, TxnOf};
use crate::stores::{CommittedLog, Database};
use crate::types::Zxid;

/// How a learner is brought up to date: a header, then everything after the cursor.
pub(crate) struct SyncPlan<S: Shape> {
    /// The rule that chose it.
    pub(crate) rule: &'static str,
    /// `None` is SNAP, which carries the state at the moment at which it is sent.
    pub(crate) header: Option<Message<S>>,
    /// Where the learner's history ends after the header.
    pub(crate) cursor: Zxid<S::Num>,
    /// Up to here what comes after the cursor is that of the log, and not of the window; `0.0` if
    /// all is of the window.
    pub(crate) from_log: Zxid<S::Num>,
}

/// The last committed transactions that the leader knows one by one.
pub(crate) struct Window<'a, S: Shape> {
    /// The window is the end of it.
    history: History<'a, S>,
    /// Length of what is before the window.
    start: usize,
    /// The position of the tree.
    label: Zxid<S::Num>,
    profile: &'a Profile,
}

impl<'a, S: Shape> Window<'a, S> {
    /// The window of this leader.
    pub(crate) fn of(cfg: &'a Config<S>, me: &Server<S>) -> Self {
        let Database { committed_log: CommittedLog { log, start }, label, .. } = me.database;
        let profile = &cfg.ensemble.profile;
        Self { history: cfg.history(log), start: start.to_usize(), label, profile }
    }

    /// The last zxid of the window; the position of the tree, if it is empty.
    pub(crate) fn max(&self) -> Zxid<S::Num> {
        if self.is_empty() { self.label } else { self.history.last() }
    }

    /// The first zxid of the window; the position of the tree, if it is empty.
    fn min(&self) -> Zxid<S::Num> {
        if self.is_empty() { self.label } else { self.history.zxid_at(self.start + 1) }
    }

    fn is_empty(&self) -> bool {
        self.history.length() <= self.start
    }

    /// What the window has after `cursor`, in order.
    pub(crate) fn after(
        &self,
        cursor: Zxid<S::Num>,
    ) -> impl Iterator<Item = TxnOf<S>> + use<'a, S> {
        let (history, from) = (self.history, self.start.max(self.history.count_to(cursor)));
        (from..history.length()).filter_map(move |place| history.get(place))
    }

    fn contains(&self, p: Zxid<S::Num>) -> bool {
        let count = self.history.count_to(p);
        count > self.start && self.history.zxid_at(count) == p
    }

    /// Where the leader is: the last zxid of its window, or its position, if that is later.
    pub(crate) fn end(&self) -> Zxid<S::Num> {
        self.max().max(self.label)
    }

    /// l.2.1, its table: how to bring a learner that reported `p` to S.
    /// `log` is the leader's on its disk.
    pub(crate) fn choose(&self, p: Zxid<S::Num>, log: History<'a, S>) -> SyncPlan<S> {
        self.zk_sync_diff(p)
            .or_else(|| self.zk_sync_trunc(p))
            .or_else(|| self.diff_of_log(p, log))
            .unwrap_or_else(|| self.zk_sync_snap())
    }

    /// Row 5, which `fixed` does not have (D-LOG): the learner is behind the window, and stands on a
    /// record of the log, which goes on to where the window begins. What a snapshot of the leader
    /// bridges is missing from it.
    fn diff_of_log(&self, p: Zxid<S::Num>, log: History<'a, S>) -> Option<SyncPlan<S>> {
        match self.profile.ondisk_diff {
            OndiskDiff::No => None,
            OndiskDiff::WhereReached => {
                let (min, count) = (self.min(), log.count_to(p));
                let is_known = count > 0 && (log.zxid_at(count) == p || p.counter == S::Num::ZERO);
                let is_reached = log.zxid_at(log.count_to(min)) == min;
                (p < min && is_known && is_reached).then_some(SyncPlan {
                    rule: "zk.sync.diff",
                    header: Some(Message::Diff { zxid: self.max() }),
                    cursor: p,
                    from_log: min,
                })
            }
        }
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
        // At the leader's position, though not on its last transaction: nothing is missing.
        let zxid = if p == self.end() { p } else { self.max() };
        (p == zxid || inside && is_known).then_some(SyncPlan {
            rule: "zk.sync.diff",
            header: Some(Message::Diff { zxid }),
            cursor,
            from_log: Zxid::default(),
        })
    }

    /// zk.sync.trunc: row 2, the learner is ahead; row 3c, it left the window in the middle of an
    /// epoch that goes on in the window.
    fn zk_sync_trunc(&self, p: Zxid<S::Num>) -> Option<SyncPlan<S>> {
        if p.counter == S::Num::ZERO {
            return None;
        }
        if p > self.max() {
            return Some(self.cut_to(self.max(), self.history.length()));
        }
        let count = self.history.count_to(p);
        let inside = self.min() <= p && p < self.max() && !self.contains(p);
        let same_epoch = self.history.zxid_at(count + 1).epoch == p.epoch;
        (inside && same_epoch).then(|| self.cut_to(self.history.zxid_at(count), count))
    }

    /// TRUNC to a position, at which the window's history has that length.
    fn cut_to(&self, position: Zxid<S::Num>, length: usize) -> SyncPlan<S> {
        let cursor = match self.profile.trunc_point {
            TruncPoint::Common => position,
            TruncPoint::OneBelow => self.history.zxid_at(length.saturating_sub(1)),
        };
        let header = Some(Message::Trunc { zxid: cursor });
        SyncPlan { rule: "zk.sync.trunc", header, cursor, from_log: Zxid::default() }
    }

    /// zk.sync.snap: otherwise the whole state, however little the learner lacks (D-LOG).
    fn zk_sync_snap(&self) -> SyncPlan<S> {
        let (cursor, from_log) = (self.end(), Zxid::default());
        SyncPlan { rule: "zk.sync.snap", header: None, cursor, from_log }
    }
}

/// What a leader chooses a synchronization from: the first and the last zxid of its window.
pub fn sync_window<S: Shape>(cfg: &Config<S>, me: &Server<S>) -> (Zxid<S::Num>, Zxid<S::Num>) {
    let window = Window::of(cfg, me);
    (window.min(), window.max())
}
