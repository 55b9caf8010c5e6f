//! How a leader brings a learner up to date: the table of rows, as pure functions.

use crate::config::{Config, Mutant};
use crate::server::Server;
use crate::shape::{Number, Shape};
use crate::types::{Phase, Zxid};

/// The last committed transactions that the leader knows one by one.
pub(crate) struct Window<'a, S: Shape> {
    logs: &'a S::Logs,
    history: &'a S::Log,
    /// Length of the history before the window.
    start: usize,
    /// Length of the committed history S, which the window ends with.
    pub(crate) end: usize,
    mutant: Option<Mutant>,
}

impl<'a, S: Shape> Window<'a, S> {
    /// The window of this leader: before `l.2.2` the whole history counts as committed.
    pub(crate) fn of(cfg: &'a Config<S>, me: &'a Server<S>) -> Self {
        let whole = S::length(&me.history);
        let end = if me.phase == Phase::Broadcast { me.committed(cfg) } else { whole };
        let start = end.saturating_sub(cfg.window.max(1)).max(me.base.to_usize()).min(end);
        Self { logs: &cfg.logs, history: &me.history, start, end, mutant: cfg.mutant }
    }

    fn zxid_at(&self, length: usize) -> Zxid<S::Num> {
        S::zxid_at(self.logs, self.history, length)
    }

    /// The last zxid of the window; of what lies before, if it is empty.
    pub(crate) fn max(&self) -> Zxid<S::Num> {
        self.zxid_at(self.end)
    }

    /// The first zxid of the window; of what lies before, if it is empty.
    pub(crate) fn min(&self) -> Zxid<S::Num> {
        self.zxid_at(self.end.min(self.start + 1))
    }

    /// How many transactions of S are not after `p`.
    fn count_up_to(&self, p: Zxid<S::Num>) -> usize {
        S::count_up_to(self.logs, self.history, p).min(self.end)
    }

    fn contains(&self, p: Zxid<S::Num>) -> bool {
        let count = self.count_up_to(p);
        count > self.start && self.zxid_at(count) == p
    }
}

/// What a leader chooses a synchronization from: the first and the last zxid of its window.
pub fn sync_window<S: Shape>(cfg: &Config<S>, me: &Server<S>) -> (Zxid<S::Num>, Zxid<S::Num>) {
    let window = Window::of(cfg, me);
    (window.min(), window.max())
}

/// zk.sync.diff: the learner's position is in the window, or before every transaction of its
/// epoch: it gets what comes after. Returns the cursor.
pub(crate) fn zk_sync_diff<S: Shape>(
    window: &Window<'_, S>,
    p: Zxid<S::Num>,
) -> Option<Zxid<S::Num>> {
    let inside = window.min() <= p && p < window.max();
    let row1 = p == window.max();
    let row3 = inside && window.contains(p);
    let row3b = inside && p.counter == S::Num::ZERO;
    let cursor = if window.mutant == Some(Mutant::DiffFromMax) { window.max() } else { p };
    (row1 || row3 || row3b).then_some(cursor)
}

/// zk.sync.trunc: the learner has what the leader has not: it goes back to the last transaction
/// they share. Returns where to, which is the cursor as well.
pub(crate) fn zk_sync_trunc<S: Shape>(
    window: &Window<'_, S>,
    p: Zxid<S::Num>,
) -> Option<Zxid<S::Num>> {
    if p.counter == S::Num::ZERO {
        return None;
    }
    if p > window.max() {
        return Some(cut_at(window, window.end));
    }
    let count = window.count_up_to(p);
    let inside = window.min() <= p && p < window.max() && !window.contains(p);
    let same_epoch = window.zxid_at(count + 1).epoch == p.epoch;
    (inside && same_epoch).then(|| cut_at(window, count))
}

fn cut_at<S: Shape>(window: &Window<'_, S>, length: usize) -> Zxid<S::Num> {
    let below = usize::from(window.mutant == Some(Mutant::TruncBelowCommitted));
    window.zxid_at(length.saturating_sub(below))
}

/// zk.sync.snap: no row fits: the learner gets the whole state. Returns its end, which is the
/// cursor as well.
pub(crate) fn zk_sync_snap<S: Shape>(window: &Window<'_, S>) -> Zxid<S::Num> {
    window.max()
}
