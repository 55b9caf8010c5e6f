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
}

/// Looks for a run.
pub(crate) fn search(track: Track<'_>) -> (End, Effort) {
    let mut search = Search::default();
    if let Some(node) = Node::new(track) {
        search.add(track, node, 0);
    }
    while let Some(Waiting { node, steps, .. }) = search.waiting.pop() {
        if node.is_done(track) {
            return (End::Found, search.effort);
        }
        search.look_at(track, &node);
        if search.since > NODES_MAX || search.waiting.len() > WAITING_MAX {
            return (End::GivenUp { place: search.furthest.1 }, search.effort);
        }
        for (next, cost) in successors(track, &node, &mut Witness::None) {
            search.add(track, next, steps.saturating_add(cost));
        }
    }
    let (_, place) = search.furthest;
    let mut reasons = Reasons::at(place);
    for node in &search.there {
        successors(track, node, &mut Witness::Told(&mut reasons));
    }
    (End::Refused { place, reasons }, search.effort)
}

impl Search {
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

    fn add(&mut self, track: Track<'_>, node: Node, steps: u32) {
        let hash = |seed| FixedState::with_seed(seed).hash_one(&node);
        if !self.seen.insert((hash(1), hash(2))) {
            return;
        }
        let number = u64::try_from(self.seen.len()).unwrap_or(u64::MAX);
        let reached = (node.life, node.place(track));
        self.waiting.push(Waiting { reached, steps, number, node: Box::new(node) });
    }
}
