//! A set of zxids, most of which follow one another.

use std::collections::BTreeMap;

/// The set, as the first and the last of each row without a gap.
#[derive(Debug, Default)]
pub(super) struct Zxids(BTreeMap<i64, i64>);

impl Zxids {
    pub(super) fn insert(&mut self, zxid: i64) {
        if self.contains(zxid) {
            return;
        }
        let before = self.0.range(..zxid).next_back().map(|(first, last)| (*first, *last));
        let first = before.filter(|(_, last)| last.checked_add(1) == Some(zxid));
        let first = first.map_or(zxid, |(first, _)| first);
        let last = zxid.checked_add(1).and_then(|next| self.0.remove(&next)).unwrap_or(zxid);
        self.0.insert(first, last);
    }

    pub(super) fn contains(&self, zxid: i64) -> bool {
        self.0.range(..=zxid).next_back().is_some_and(|(_, last)| *last >= zxid)
    }

    /// Whether it holds a zxid of this epoch.
    pub(super) fn has_epoch(&self, epoch: i64) -> bool {
        let first = epoch << 32;
        let end = first.saturating_add(1 << 32);
        self.contains(first) || self.0.range(first..end).next().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_grow_together() {
        let mut zxids = Zxids::default();
        for zxid in [5, 3, 4, 9, 1, 5, i64::MAX] {
            zxids.insert(zxid);
        }
        let held: Vec<i64> = (0..12).filter(|zxid| zxids.contains(*zxid)).collect();
        assert_eq!(held, [1, 3, 4, 5, 9]);
        assert_eq!(zxids.0.len(), 4);
        assert!(zxids.contains(i64::MAX));
    }

    #[test]
    fn an_epoch_is_the_upper_half() {
        let mut zxids = Zxids::default();
        zxids.insert(2 << 32 | 7);
        let epochs: Vec<i64> = (0..4).filter(|epoch| zxids.has_epoch(*epoch)).collect();
        assert_eq!(epochs, [2]);
    }
}
