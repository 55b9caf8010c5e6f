//! What a run may reach, and what of that is on no cycle, by all threads together: most graphs have
//! few cycles, and only those need a search for components, which is for one thread.
//!
//! States have numbers in about the order in which they were found. So most steps lead to higher
//! numbers, and one pass upwards finds most of what can be reached, one downwards most of what no
//! cycle goes through.

use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

use super::graph::Edges;
use super::lasting::Lasting;

/// Not reached, as far as is known.
const UNSEEN: u8 = 0;
/// Reached; where its steps lead is still to be marked.
const SEEN: u8 = 1;
/// Reached, and so is where its steps lead.
const EXPANDED: u8 = 2;
/// Reached, and on no cycle.
const ACYCLIC: u8 = 3;

/// States that a thread takes at a time.
const CHUNK: usize = 4096;

/// Passes go on while they find at least this part of what is left.
const WORTHWHILE: usize = 8;

/// The states of a part of a graph, by what is known of them.
pub(super) struct Acyclic<'g, I> {
    edges: &'g Edges,
    /// Which states belong to the part.
    inside: I,
    marks: Vec<AtomicU8>,
    threads: usize,
}

impl<'g, I: Fn(u32) -> bool + Sync> Acyclic<'g, I> {
    /// Marks all that the roots reach without leaving the part.
    pub(super) fn reach(edges: &'g Edges, roots: &[u32], inside: I, threads: usize) -> Self {
        let marks = std::iter::repeat_with(|| AtomicU8::new(UNSEEN)).take(edges.nodes()).collect();
        let all = Self { edges, inside, marks, threads };
        for root in roots.iter().filter(|root| (all.inside)(**root)) {
            all.marks[*root as usize].store(SEEN, Ordering::Relaxed);
        }
        // A pass may overlook what another thread marks behind it; so until there is none.
        while all.expand_all() > 0 {}
        all
    }

    /// Finds states that are on no cycle of these steps within the part, if not all. Each thread tells its own
    /// tally what it finds; gives back the tallies.
    pub(super) fn peel<T: Default + Send>(
        &self,
        lasting: &Lasting,
        found: impl Fn(&mut T, u32) + Sync,
    ) -> Vec<T> {
        let mut tallies: Vec<T> = Vec::new();
        tallies.resize_with(self.threads, T::default);
        let mut left = self.count(EXPANDED);
        loop {
            let peeled: usize = self.peel_once(lasting, &mut tallies, &found);
            left -= peeled;
            if left == 0 || peeled <= left / WORTHWHILE {
                return tallies;
            }
        }
    }

    /// Whether a state was reached and may be on a cycle.
    pub(super) fn is_left(&self, node: u32) -> bool {
        self.mark(node) == EXPANDED
    }

    /// The states that were reached and may be on a cycle.
    pub(super) fn left(&self) -> impl Iterator<Item = u32> + '_ {
        (0..)
            .zip(&self.marks)
            .filter_map(|(node, mark)| (mark.load(Ordering::Relaxed) == EXPANDED).then_some(node))
    }

    /// All states that were reached.
    pub(super) fn reached(&self) -> impl Iterator<Item = u32> + '_ {
        (0..)
            .zip(&self.marks)
            .filter_map(|(node, mark)| (mark.load(Ordering::Relaxed) != UNSEEN).then_some(node))
    }

    fn mark(&self, node: u32) -> u8 {
        self.marks[node as usize].load(Ordering::Relaxed)
    }

    fn count(&self, wanted: u8) -> usize {
        self.marks.iter().filter(|mark| mark.load(Ordering::Relaxed) == wanted).count()
    }

    /// Goes from one mark to the next; `false` when another thread was first.
    fn advance(&self, node: u32, from: u8, to: u8) -> bool {
        let mark = &self.marks[node as usize];
        mark.compare_exchange(from, to, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// One pass upwards; how many states it expanded.
    fn expand_all(&self) -> usize {
        let taken = AtomicUsize::new(0);
        let part = |_: &mut ()| {
            let (mut expanded, mut stack) = (0, Vec::new());
            while let Some(chunk) = self.chunk(&taken) {
                for node in chunk {
                    stack.push(node);
                    while let Some(node) = stack.pop() {
                        if self.mark(node) == SEEN && self.advance(node, SEEN, EXPANDED) {
                            expanded += 1;
                            self.mark_targets(node, &taken, &mut stack);
                        }
                    }
                }
            }
            expanded
        };
        self.run(&mut vec![(); self.threads], part)
    }

    /// Marks where the steps of a state lead. Those that the pass does not come to any more are to
    /// be expanded by this thread.
    fn mark_targets(&self, node: u32, taken: &AtomicUsize, stack: &mut Vec<u32>) {
        for target in self.edges.targets(node) {
            let is_new = self.mark(*target) == UNSEEN && (self.inside)(*target);
            if is_new && self.advance(*target, UNSEEN, SEEN) {
                let passed = taken.load(Ordering::Relaxed) * CHUNK;
                if (*target as usize) < passed {
                    stack.push(*target);
                }
            }
        }
    }

    /// One pass downwards; how many states it found to be on no cycle.
    fn peel_once<T: Send>(
        &self,
        lasting: &Lasting,
        tallies: &mut [T],
        found: &(impl Fn(&mut T, u32) + Sync),
    ) -> usize {
        let taken = AtomicUsize::new(0);
        let nodes = u32::try_from(self.marks.len()).unwrap_or(u32::MAX);
        let part = |tally: &mut T| {
            let mut peeled = 0;
            while let Some(chunk) = self.chunk(&taken) {
                for node in chunk.map(|node| nodes - 1 - node) {
                    let leads_back = |target: u32| self.mark(target) == EXPANDED;
                    if self.mark(node) == EXPANDED && !lasting.leads(self.edges, node, leads_back) {
                        self.marks[node as usize].store(ACYCLIC, Ordering::Relaxed);
                        peeled += 1;
                        found(tally, node);
                    }
                }
            }
            peeled
        };
        self.run(tallies, part)
    }

    /// The next states of a pass.
    fn chunk(&self, taken: &AtomicUsize) -> Option<std::ops::Range<u32>> {
        let start = taken.fetch_add(1, Ordering::Relaxed) * CHUNK;
        let end = (start + CHUNK).min(self.marks.len());
        let [start, end] = [start, end].map(|node| u32::try_from(node).unwrap_or(u32::MAX));
        (start < end).then_some(start..end)
    }

    /// Lets every thread work with its tally; the sum of what they give back.
    fn run<T: Send>(&self, tallies: &mut [T], part: impl Fn(&mut T) -> usize + Sync) -> usize {
        let Some((first, others)) = tallies.split_first_mut() else { return 0 };
        std::thread::scope(|scope| {
            let part = &part;
            let running: Vec<_> =
                others.iter_mut().map(|tally| scope.spawn(move || part(tally))).collect();
            let own = part(first);
            let join = |thread: std::thread::ScopedJoinHandle<'_, usize>| {
                thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            own + running.into_iter().map(join).sum::<usize>()
        })
    }
}

#[cfg(test)]
mod tests;
