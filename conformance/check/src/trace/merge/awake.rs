//! Which source is looked at next.

use std::collections::BTreeMap;

use foldhash::HashMap;

use super::{ChainKey, Source};

/// Sources to be looked at: they are new, or what they waited for has come.
///
/// Lines that are put aside come first, those of the chain of which a line was put aside first before
/// others; then the file from which the last line came, and then those behind it.
#[derive(Debug, Default)]
pub(super) struct Awake {
    chains: BTreeMap<u64, (ChainKey, u64)>,
    /// Of the file from which the last line came.
    same: Option<u64>,
    /// Of the other files.
    feeds: BTreeMap<usize, u64>,
    /// By chain of which lines are put aside: its place in the order.
    ranks: HashMap<ChainKey, u64>,
    next_rank: u64,
    turn: usize,
}

impl Awake {
    /// A line of this chain is put aside.
    pub(super) fn rank(&mut self, key: &ChainKey) {
        if !self.ranks.contains_key(key) {
            self.ranks.insert(key.clone(), self.next_rank);
            self.next_rank += 1;
        }
    }

    /// No line of this chain is put aside any more.
    pub(super) fn forget(&mut self, key: &ChainKey) {
        self.ranks.remove(key);
    }

    pub(super) fn add(&mut self, source: Source) {
        match source {
            Source::Feed { index, number } if index == self.turn => {
                self.same = self.same.max(Some(number));
            }
            Source::Feed { index, number } => {
                // What waits may have been overtaken by a later line of the same file.
                let awake = self.feeds.entry(index).or_default();
                *awake = number.max(*awake);
            }
            Source::Chain { key, seq } => {
                if let Some(rank) = self.ranks.get(&key) {
                    let (_, awake) = self.chains.entry(*rank).or_insert((key, seq));
                    *awake = seq.max(*awake);
                }
            }
        }
    }

    pub(super) fn next(&mut self) -> Option<Source> {
        if let Some((_, (key, seq))) = self.chains.pop_first() {
            return Some(Source::Chain { key, seq });
        }
        if let Some(number) = self.same.take() {
            return Some(Source::Feed { index: self.turn, number });
        }
        let behind = self.feeds.range(self.turn..).next();
        let (index, number) = behind.or_else(|| self.feeds.first_key_value())?;
        let (index, number) = (*index, *number);
        self.feeds.remove(&index);
        self.turn = index;
        Some(Source::Feed { index, number })
    }
}
