//! The graph of all reachable states, as compact as its use allows.

use super::claim::{LiveProperty, Predicate};
use crate::hash::hash;
use crate::model::FlatModel;
use crate::report::{Memory, Stop};
use crate::table::Table;

/// The states and steps that a model can reach, and what of the claims is so in each state.
///
/// States are numbers. Of each the graph keeps where its steps begin, how many there are, and its
/// predicates; of each step, where it leads and its class. Steps that change nothing are kept as
/// one bit of their state.
pub struct StateGraph<'m, M: FlatModel> {
    pub(super) model: &'m M,
    pub(super) properties: Vec<LiveProperty<M>>,
    pub(super) edges: Edges,
    /// Of the initial states.
    pub(super) initial: Vec<u32>,
    pub(super) table: Table,
    pub(super) seed: u64,
    /// Different states.
    pub distinct: u64,
    /// Steps, repeats and those that change nothing included, and initial states.
    pub generated: u64,
    /// Why the graph is not complete; `None` when it is.
    pub stopped: Option<Stop>,
    /// What it takes: the table, and the graph as the log.
    pub memory: Memory,
    /// Seconds that it took to explore.
    pub seconds: f64,
}

impl<M: FlatModel> StateGraph<'_, M> {
    /// Steps that change the state, by which runs make progress.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.edges.targets.len() as u64
    }

    /// The claims that can be judged, in the order in which they were given.
    #[must_use]
    pub fn properties(&self) -> &[LiveProperty<M>] {
        &self.properties
    }

    /// The number of a state. `None` when it is not in the graph.
    pub(super) fn node(&self, state: &M::State) -> Option<u32> {
        use zerocopy::IntoBytes;
        let key = self.table.key(hash(state.as_bytes(), self.seed));
        self.table.find(key).map(|slot| self.table.tag(slot) - 1)
    }
}

/// Flags of a node; its predicates are below.
pub(super) const SELF_LOOP: u32 = 1 << 31;
/// Its steps are not known.
pub(super) const UNKNOWN: u32 = 1 << 30;
/// Predicates that fit beside the flags.
pub(super) const PREDICATES_MAX: usize = 30;

/// The steps, by the number of the state from which they go.
#[derive(Default)]
pub(super) struct Edges {
    /// Where each state's steps begin.
    pub(super) starts: Vec<u64>,
    /// How many there are.
    pub(super) counts: Vec<u32>,
    /// Flags and predicates of each state.
    pub(super) bits: Vec<u32>,
    pub(super) targets: Vec<u32>,
    pub(super) classes: Vec<u16>,
}

impl Edges {
    /// Makes room for states up to that number. Numbers that are never used look as if their steps
    /// were not known; nothing leads to them.
    pub(super) fn resize(&mut self, nodes: usize) {
        self.starts.resize(nodes, 0);
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
        let range = self.range(node);
        let targets = &self.targets[range.clone()];
        targets.iter().copied().zip(self.classes[range].iter().copied())
    }

    #[inline]
    pub(super) fn range(&self, node: u32) -> std::ops::Range<usize> {
        let start = usize::try_from(self.starts[node as usize]).unwrap_or(usize::MAX);
        start..start + self.counts[node as usize] as usize
    }

    pub(super) fn bytes(&self) -> u64 {
        let node = size_of::<u64>() + 2 * size_of::<u32>();
        let edge = size_of::<u32>() + size_of::<u16>();
        (self.nodes() * node + self.targets.len() * edge) as u64
    }
}

/// All predicates of the claims, two for each: what must come, and what it must come after.
pub(super) fn predicates<M: FlatModel>(properties: &[LiveProperty<M>]) -> Vec<Predicate<M>> {
    use super::claim::Claim;
    let two = |property: &LiveProperty<M>| match property.claim {
        Claim::Eventually(p) | Claim::AlwaysEventually(p) => [p, p],
        Claim::LeadsTo(p, q) => [q, p],
    };
    properties.iter().flat_map(two).collect()
}
