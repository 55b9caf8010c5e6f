//! Lines that were read before their turn.

use std::mem::size_of;

use super::{ChainKey, Merge, Source, Stall, key};
use crate::trace::input::Line;

/// How many lines are put aside, and how much memory they take.
#[derive(Debug)]
pub(super) struct Aside {
    lines: usize,
    bytes: usize,
    bytes_max: usize,
}

impl Aside {
    pub(super) const fn new(bytes_max: usize) -> Self {
        Self { lines: 0, bytes: 0, bytes_max }
    }

    pub(super) const fn lines(&self) -> usize {
        self.lines
    }

    /// Why the trace is given up, if too much is put aside.
    pub(super) fn over_budget(&self) -> Option<Stall> {
        (self.bytes > self.bytes_max).then(|| self.budget())
    }

    /// What is put aside, as a reason to give up.
    pub(super) const fn budget(&self) -> Stall {
        Stall::Budget { lines: self.lines, bytes_max: self.bytes_max }
    }
}

fn bytes(line: &Line) -> usize {
    size_of::<(u64, Line)>() + size_of_val(line.event.after.as_slice())
}

impl Merge<'_> {
    /// Puts the head of a blocked file aside, so that the file can be read on.
    pub(super) fn put_head_aside(&mut self, index: usize) {
        self.feeds[index].blocked = None;
        let Some(line) = self.take_head(index) else { return };
        let (key, seq, at) = (key(&line.event), line.event.seq, line.at);
        let bytes = bytes(&line);
        let progress = self.chains.entry(key.clone()).or_default();
        if seq < progress.next || progress.aside.insert(seq, line).is_some() {
            self.repeated = Some(at);
            return;
        }
        self.awake.rank(&key);
        if seq == progress.next {
            self.awake.add(Source::Chain { key, seq });
        }
        self.feeds[index].aside += 1;
        self.aside.lines += 1;
        self.aside.bytes += bytes;
    }

    /// Takes a line that is put aside, and hands it out.
    pub(super) fn take_aside(&mut self, key: &ChainKey, seq: u64) -> Option<Line> {
        let aside = &mut self.chains.get_mut(key)?.aside;
        let line = aside.remove(&seq)?;
        if aside.is_empty() {
            self.awake.forget(key);
        }
        if let Some(feed) =
            usize::try_from(line.at.file).ok().and_then(|file| self.feeds.get_mut(file))
        {
            feed.aside -= 1;
        }
        self.aside.lines -= 1;
        self.aside.bytes -= bytes(&line);
        self.advance(&line.event);
        Some(line)
    }
}
