//! The graph of all reachable states, as compact as its use allows.

use super::claim::{LiveProperty, Predicate};
use crate::fault::Fault;
use crate::hash::hash;
use crate::model::ExplorerModel;
use crate::report::Memory;
use crate::stop::Stop;
use crate::stored::StoredState;
use crate::table::Table;

/// The states and steps that a model can reach, and what of the claims is so in each state.
///
/// States are numbers. Of each the graph keeps where its steps begin, how many there are, and its
/// predicates; of each step, where it leads and its class. Steps that change nothing are kept as
/// one bit of their state.
pub struct StateGraph<'m, M: ExplorerModel> {
    pub(super) model: &'m M,
    pub(super) properties: Vec<LiveProperty<M>>,
    pub(super) edges: Edges,
    /// Of the initial states.
    pub(super) initial: Vec<u32>,
    pub(super) table: Table,
    pub(super) seed: u64,
    /// Threads that judge.
    pub(super) threads: usize,
    /// Whether a run may stay in any state.
    pub(super) stutters: bool,
    /// Steps to [`OUTSIDE`].
    pub(super) steps_left_out: u64,
    /// Different states.
    pub distinct: u64,
    /// Steps, repeats and those that change nothing included, and initial states.
    pub generated: u64,
    /// Different states that were found and not expanded; 0 when the graph is complete.
    pub waiting: u64,
    /// Steps that [`within_boundary`](stateright::Model::within_boundary) left out, and initial
    /// states. Where runs go by them, nobody knows: a claim that they may decide is neither said to
    /// hold nor to be violated.
    pub left_out: u64,
    /// What the model did that no model may do, if it did.
    pub fault: Option<Fault<M::State>>,
    /// Why the graph is not complete; `None` when it is.
    pub stopped: Option<Stop>,
    /// What it takes: the table, and as the log the graph and what it takes to judge a claim.
    pub memory: Memory,
    /// Seconds that it took to explore.
    pub seconds: f64,
}

impl<M: ExplorerModel> StateGraph<'_, M> {
    /// Steps that change the state, by which runs make progress; those that were left out are not
    /// among them.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.edges.steps() - self.steps_left_out
    }

    /// The claims that can be judged, in the order in which they were given.
    #[must_use]
    pub fn properties(&self) -> &[LiveProperty<M>] {
        &self.properties
    }

    /// The same graph, in which a run may stop taking steps in any state, as in TLA+: only fairness
    /// makes it go on. Without that a run goes on as long as any step is possible.
    #[must_use]
    pub fn stuttering(mut self) -> Self {
        self.stutters = true;
        self
    }

    /// The number of a state. `None` when it is not in the graph.
    pub(super) fn node(&self, state: &M::State) -> Option<u32> {
        let key = self.table.key(hash(state.bytes(&mut Vec::new()), self.seed));
        self.table.find(key).map(|slot| self.table.tag(slot) - 1)
    }
}

/// Where steps lead that the boundary leaves out: a node whose own steps are not known. The others
/// have numbers from 1.
pub(super) const OUTSIDE: u32 = 0;

/// Most numbers of nodes, but for a few: places in a search for a stem are twice as many.
pub(super) const NODES_MAX: u32 = 1 << 30;

/// Flags of a node; its predicates are below.
pub(super) const SELF_LOOP: u32 = 1 << 31;
/// Its steps are not known.
pub(super) const UNKNOWN: u32 = 1 << 30;
/// Predicates that fit beside the flags.
pub(super) const PREDICATES_MAX: usize = 30;

/// The steps, by the number of the state from which they go. Those that one thread has found are
/// one part, where they stay as they were found.
#[derive(Default)]
pub(super) struct Edges {
    /// Where each state's steps begin.
    pub(super) starts: Vec<At>,
    /// How many there are.
    pub(super) counts: Vec<u32>,
    /// Flags and predicates of each state.
    pub(super) bits: Vec<u32>,
    pub(super) parts: Vec<Part>,
}

/// Steps, in the order in which one thread has found them.
#[derive(Default)]
pub(super) struct Part {
    pub(super) targets: Vec<u32>,
    pub(super) classes: Vec<u8>,
}

/// The place of a step: its part in the upper 16 bits, its number there in the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct At(u64);

impl At {
    const PART_SHIFT: u32 = 48;

    pub(super) fn new(part: usize, number: usize) -> Self {
        Self((part as u64) << Self::PART_SHIFT | number as u64)
    }

    #[inline]
    fn part(self) -> usize {
        usize::try_from(self.0 >> Self::PART_SHIFT).unwrap_or(usize::MAX)
    }

    #[inline]
    fn number(self) -> usize {
        usize::try_from(self.0 & ((1 << Self::PART_SHIFT) - 1)).unwrap_or(usize::MAX)
    }
}

impl Edges {
    /// Makes room for states up to that number. Numbers that are never used look as if their steps
    /// were not known; nothing leads to them.
    pub(super) fn resize(&mut self, nodes: usize) {
        self.starts.resize(nodes, At::default());
        self.counts.resize(nodes, 0);
        self.bits.resize(nodes, UNKNOWN);
    }

    pub(super) fn nodes(&self) -> usize {
        self.bits.len()
    }

    pub(super) fn has(&self, node: u32, bit: u32) -> bool {
        self.bits[node as usize] & bit != 0
    }

    /// Whether no step changes the state.
    pub(super) fn is_end(&self, node: u32) -> bool {
        self.counts[node as usize] == 0
    }

    /// Where the steps of a state lead, and their classes.
    #[inline]
    pub(super) fn of(&self, node: u32) -> impl Iterator<Item = (u32, u16)> + '_ {
        let count = self.counts[node as usize] as usize;
        let start = self.starts[node as usize];
        // A state without steps may be in a graph without parts.
        let part = self.parts.get(start.part()).filter(|_| count > 0);
        part.into_iter().flat_map(move |part| {
            let range = start.number()..start.number() + count;
            let classes = &part.classes[range.clone()];
            part.targets[range].iter().copied().zip(classes.iter().map(|class| u16::from(*class)))
        })
    }

    /// Where the steps of a state lead.
    #[inline]
    pub(super) fn targets(&self, node: u32) -> &[u32] {
        let count = self.counts[node as usize] as usize;
        let start = self.starts[node as usize];
        // A state without steps may be in a graph without parts.
        let part = self.parts.get(start.part()).filter(|_| count > 0);
        part.map_or(&[], |part| &part.targets[start.number()..start.number() + count])
    }

    /// Where one step of a state leads, by its number among them, and its class.
    #[inline]
    pub(super) fn step(&self, node: u32, step: u32) -> Option<(u32, u16)> {
        if step >= self.counts[node as usize] {
            return None;
        }
        let start = self.starts[node as usize];
        let (part, at) = (&self.parts[start.part()], start.number() + step as usize);
        Some((part.targets[at], u16::from(part.classes[at])))
    }

    /// Number of steps.
    pub(super) fn steps(&self) -> u64 {
        self.counts.iter().map(|count| u64::from(*count)).sum()
    }

    /// Number of steps that lead to that node.
    pub(super) fn steps_to(&self, wanted: u32) -> u64 {
        let nodes = 0..u32::try_from(self.nodes()).unwrap_or(u32::MAX);
        let of_node = |node| self.targets(node).iter().filter(|target| **target == wanted).count();
        nodes.map(|node| of_node(node) as u64).sum()
    }

    /// Whether a step of that state is left out by the boundary.
    pub(super) fn leaves(&self, node: u32) -> bool {
        self.targets(node).contains(&OUTSIDE)
    }

    /// Bytes of what is kept for each state, and of what it takes to judge a claim.
    pub(super) fn bytes_of_nodes(&self) -> u64 {
        let kept = size_of::<At>() + 2 * size_of::<u32>();
        let judging = 4 * size_of::<u32>() + size_of::<u8>();
        (self.nodes() * (kept + judging)) as u64
    }
}

/// All predicates of the claims, two for each: what must come, and what it must come after.
pub(super) fn predicates<M: ExplorerModel>(properties: &[LiveProperty<M>]) -> Vec<Predicate<M>> {
    use super::claim::Claim;
    let two = |property: &LiveProperty<M>| match property.claim {
        Claim::Eventually(p) | Claim::AlwaysEventually(p) | Claim::EventuallyAlways(p) => [p, p],
        Claim::LeadsTo(p, q) => [q, p],
    };
    properties.iter().flat_map(two).collect()
}
