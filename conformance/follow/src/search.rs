//! The search for a run of the model that explains what a capture has of one server.
//!
//! Nodes that are further in the capture are looked at first, so a capture that can be explained mostly
//! is without a detour; and if one cannot, every node is looked at that can be reached, so the answer no
//! is as good as the answer yes.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::HashSet;
use std::hash::BuildHasher as _;

use foldhash::fast::FixedState;

use crate::moves::successors;
use crate::node::Node;
use crate::node::Track;
use crate::reasons::Reasons;
use crate::reasons::Witness;

/// Nodes that are looked at, without coming further in the capture, before a search is given up.
pub(crate) const NODES_MAX: usize = 200_000;

/// Nodes that wait to be looked at. Beyond that the search is given up, which bounds its memory.
const WAITING_MAX: usize = 100_000;

/// Nodes whose reasons are told.
const EXPLAINED_MAX: usize = 200;

/// How a search ended.
pub(crate) enum End {
    /// There is a run.
    Found,
    /// There is none: the capture cannot be explained from this place on.
    Refused { place: usize, reasons: Reasons },
    /// Too many nodes at this place.
    GivenUp { place: usize },
}

/// How much was looked at.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Effort {
    /// Nodes in all.
    pub(crate) nodes: usize,
    /// Nodes between two packets of the server, at the most.
    pub(crate) largest: usize,
    /// Packets of the server that are accounted for.
    pub(crate) packets: usize,
}

struct Waiting {
    /// Its number among those that are kept.
    kept: usize,
    /// The life and the place: how far it is in the capture.
    reached: (usize, usize),
    steps: u32,
    number: u64,
    node: Box<Node>,
}

impl Waiting {
    fn rank(&self) -> (usize, usize, Reverse<u32>, u64) {
        (self.reached.0, self.reached.1, Reverse(self.steps), self.number)
    }
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.rank() == other.rank()
    }
}

impl Eq for Waiting {}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.rank().cmp(&other.rank())
    }
}

#[derive(Default)]
struct Search {
    waiting: BinaryHeap<Waiting>,
    seen: HashSet<(u64, u64), FixedState>,
    /// The furthest place, the nodes there, and how many were looked at since it was reached.
    furthest: (usize, usize),
    there: Vec<Node>,
    since: usize,
    effort: Effort,
    kept: Kept,
}

/// Every node that was added with the number of the one before it, from which a run is read at the end.
#[derive(Default)]
struct Kept {
    is_on: bool,
    nodes: Vec<(usize, Node)>,
}

impl Kept {
    fn keep(&mut self, before: usize, node: &Node) -> usize {
        if self.is_on {
            self.nodes.push((before, node.clone()));
        }
        self.nodes.len().saturating_sub(1)
    }

    /// The nodes up to one of them, the first one first; that one is its own predecessor.
    fn run_to(&self, mut last: usize) -> Vec<Node> {
        let mut run = Vec::new();
        while let Some((before, node)) = self.nodes.get(last) {
            run.push(node.clone());
            if *before == last {
                break;
            }
            last = *before;
        }
        run.reverse();
        run
    }
}

/// Looks for a run.
pub(crate) fn search(track: Track<'_>) -> (End, Effort) {
    let mut search = Search::default();
    let (end, _) = search.run(track);
    (end, search.effort)
}

/// Looks for a run, and gives its nodes, if there is one. Every node is kept for it.
pub(crate) fn search_with_run(track: Track<'_>) -> (End, Effort, Vec<Node>) {
    let mut search = Search::default();
    search.kept.is_on = true;
    let (end, last) = search.run(track);
    let run = last.map(|last| search.kept.run_to(last)).unwrap_or_default();
    (end, search.effort, run)
}

impl Search {
    /// How it ends, and the number of the last node of a run.
    fn run(&mut self, track: Track<'_>) -> (End, Option<usize>) {
        if let Some(node) = Node::new(track) {
            self.add(track, node, 0, 0);
        }
        while let Some(Waiting { node, steps, kept, .. }) = self.waiting.pop() {
            if node.is_done(track) {
                return (End::Found, Some(kept));
            }
            self.look_at(track, &node);
            if self.since > NODES_MAX || self.waiting.len() > WAITING_MAX {
                return (End::GivenUp { place: self.furthest.1 }, None);
            }
            for (next, cost) in successors(track, &node, &mut Witness::None) {
                self.add(track, next, steps.saturating_add(cost), kept);
            }
        }
        let (_, place) = self.furthest;
        let mut reasons = Reasons::at(place);
        for node in &self.there {
            successors(track, node, &mut Witness::Told(&mut reasons));
        }
        (End::Refused { place, reasons }, None)
    }

    fn look_at(&mut self, track: Track<'_>, node: &Node) {
        let reached = (node.life, node.place(track));
        self.effort.nodes += 1;
        self.since += 1;
        if reached > self.furthest {
            self.furthest = reached;
            self.effort.packets += 1;
            self.since = 0;
            self.there.clear();
        }
        self.effort.largest = self.effort.largest.max(self.since + 1);
        if reached == self.furthest && self.there.len() < EXPLAINED_MAX {
            self.there.push(node.clone());
        }
    }

    fn add(&mut self, track: Track<'_>, node: Node, steps: u32, before: usize) {
        let hash = |seed| FixedState::with_seed(seed).hash_one(&node);
        if !self.seen.insert((hash(1), hash(2))) {
            return;
        }
        let number = u64::try_from(self.seen.len()).unwrap_or(u64::MAX);
        let reached = (node.life, node.place(track));
        let kept = self.kept.keep(before, &node);
        self.waiting.push(Waiting { kept, reached, steps, number, node: Box::new(node) });
    }
}
