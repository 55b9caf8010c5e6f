//! Which of DIFF, TRUNC and SNAP brings a learner up to date; pure.

use crate::{Message, Zxid};

/// The header of a synchronization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Header {
    /// The learner's history is a prefix of the leader's.
    Diff,
    /// The learner's history is cut after the cursor.
    Trunc,
    /// The learner gets the whole state.
    Snap,
}

/// How a learner is brought up to date: a header, then everything after the cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SyncPlan {
    pub(super) header: Header,
    /// The zxid that goes with the header.
    pub(super) zxid: Zxid,
    /// Where the learner's history is after the header.
    pub(super) cursor: Zxid,
}

impl SyncPlan {
    /// The header as a message.
    pub(super) fn message(self) -> Message {
        match self.header {
            Header::Diff => Message::Diff { zxid: self.zxid },
            Header::Trunc => Message::Trunc { zxid: self.zxid },
            Header::Snap => Message::Snap { zxid: self.zxid },
        }
    }
}

/// l.2.1, its table: how to bring a learner that reported `last` to a committed history that ends
/// at `max` and whose last transactions, in order, are `window`.
pub(super) fn choose(window: &[Zxid], max: Zxid, last: Zxid) -> SyncPlan {
    diff(window, max, last).or_else(|| trunc(window, max, last)).unwrap_or_else(|| snap(max))
}

/// The first zxid of the window; with an empty window min = max.
fn min(window: &[Zxid], max: Zxid) -> Zxid {
    window.first().copied().unwrap_or(max)
}

/// zk.sync.diff: row 1, the learner is there; row 3, it stands on a transaction of the window;
/// row 3b, it stands inside the window before the first transaction of an epoch.
fn diff(window: &[Zxid], max: Zxid, last: Zxid) -> Option<SyncPlan> {
    let inside = min(window, max) <= last && last < max;
    let is_known = window.binary_search(&last).is_ok() || last.counter == 0;
    (last == max || inside && is_known).then_some(SyncPlan {
        header: Header::Diff,
        zxid: max,
        cursor: last,
    })
}

/// zk.sync.trunc: row 2, the learner is ahead; row 3c, it left the window in the middle of an
/// epoch that goes on in the window.
fn trunc(window: &[Zxid], max: Zxid, last: Zxid) -> Option<SyncPlan> {
    if last.counter == 0 {
        return None;
    }
    if last > max {
        return Some(SyncPlan { header: Header::Trunc, zxid: max, cursor: max });
    }
    if last < min(window, max) {
        return None;
    }
    let above = window.partition_point(|zxid| *zxid <= last);
    let before = window[..above].last()?;
    let next = window.get(above)?;
    (next.epoch == last.epoch && *before != last).then_some(SyncPlan {
        header: Header::Trunc,
        zxid: *before,
        cursor: *before,
    })
}

/// zk.sync.snap: otherwise the whole state, also if the log on disk has what is lacking (D-LOG), as
/// it is now and not when it is sent (D-SNAP).
fn snap(max: Zxid) -> SyncPlan {
    SyncPlan { header: Header::Snap, zxid: max, cursor: max }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    /// `tests/sync_plan.txt`; `REWRITE=1` fills in what follows `----`.
    #[test]
    fn the_table_of_l_2_1() {
        let mut files = 0;
        datadriven::walk("tests/sync_plan.txt", |file| {
            files += 1;
            file.run(|case| {
                assert_eq!(case.directive, "plan");
                let zxids = |key: &str| -> Vec<Zxid> {
                    let values = case.args.get(key).into_iter().flatten();
                    values.filter(|v| !v.is_empty()).map(|v| v.parse().expect("a zxid")).collect()
                };
                let history = zxids("history");
                let base = zxids("base").first().copied().unwrap_or(Zxid::ZERO);
                let max = history.last().copied().unwrap_or(base);
                let window: usize = case.args["window"][0].parse().expect("a number");
                let window = &history[history.len().saturating_sub(window)..];
                let mut text = String::new();
                for last in zxids("learner") {
                    let SyncPlan { header, zxid, cursor } = choose(window, max, last);
                    writeln!(text, "{last}: {header:?} {zxid}, then after {cursor}")
                        .expect("a string takes everything");
                }
                text
            });
        });
        assert_eq!(files, 1, "the table was not found");
    }
}
