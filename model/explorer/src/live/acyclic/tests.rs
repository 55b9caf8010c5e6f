use std::collections::BTreeSet;

use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::Dfs;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use super::{ACYCLIC, Acyclic, CHUNK, UNSEEN};
use crate::live::graph::{At, Edges, Part};
use crate::live::lasting::Lasting;

/// More than a chunk for each of three threads.
const NODES: u32 = 20_557;

const _: () = assert!(NODES as usize > 5 * CHUNK);

fn edges(steps: &[Vec<u32>]) -> Edges {
    let mut edges = Edges::default();
    edges.resize(steps.len());
    let mut part = Part::default();
    for (node, targets) in steps.iter().enumerate() {
        edges.starts[node] = At::new(0, part.targets.len());
        edges.counts[node] = u32::try_from(targets.len()).expect("few");
        part.targets.extend(targets);
    }
    part.classes.resize(part.targets.len(), 0);
    edges.parts = vec![part];
    edges
}

/// What the roots reach through the nodes inside, and what of that is on a cycle of several.
fn expected(
    steps: &[Vec<u32>],
    roots: &[u32],
    inside: impl Fn(u32) -> bool,
) -> (BTreeSet<u32>, BTreeSet<u32>) {
    let mut graph: DiGraph<(), ()> = DiGraph::new();
    let ids: Vec<NodeIndex> = steps.iter().map(|_| graph.add_node(())).collect();
    for (from, targets) in (0..).zip(steps) {
        for to in targets.iter().filter(|to| inside(from) && inside(**to)) {
            graph.add_edge(ids[from as usize], ids[*to as usize], ());
        }
    }
    let number = |id: NodeIndex| u32::try_from(id.index()).expect("few");
    let mut reached = BTreeSet::new();
    for root in roots.iter().filter(|root| inside(**root)) {
        let mut walk = Dfs::new(&graph, ids[*root as usize]);
        while let Some(id) = walk.next(&graph) {
            reached.insert(number(id));
        }
    }
    let cycles = tarjan_scc(&graph).into_iter().filter(|part| part.len() > 1);
    let cyclic = cycles.flatten().map(number).filter(|node| reached.contains(node)).collect();
    (reached, cyclic)
}

/// What is reached is exactly that, with any number of threads; what is found to be on no cycle is
/// told once, and is on none.
#[test]
fn random_graphs_are_as_petgraph_has_them() {
    let mut random = SmallRng::seed_from_u64(5);
    for round in 0..12 {
        let back = [0.0, 0.0005, 0.02, 0.5][round % 4];
        let steps: Vec<Vec<u32>> = (0..NODES)
            .map(|node| {
                let count = random.random_range(0..4);
                let target = |random: &mut SmallRng| match random.random_bool(back) {
                    true => random.random_range(0..NODES),
                    false => (node + random.random_range(1..12_000)).min(NODES - 1),
                };
                let targets = (0..count).map(|_| target(&mut random));
                targets.filter(|to| *to != node).collect()
            })
            .collect();
        let roots: Vec<u32> = (0..3).map(|_| random.random_range(0..NODES / 2)).collect();
        let inside = |node: u32| node % 11 != 3;
        let (reached, cyclic) = expected(&steps, &roots, inside);
        let edges = edges(&steps);
        for threads in [1, 2, 3] {
            let acyclic = Acyclic::reach(&edges, &roots, inside, threads);
            let seen = (0..NODES).filter(|node| acyclic.mark(*node) != UNSEEN);
            assert_eq!(seen.collect::<BTreeSet<u32>>(), reached, "round {round}");
            let tell = |told: &mut Vec<u32>, node| told.push(node);
            let told = acyclic.peel(&Lasting::all(), tell).concat();
            let peeled: BTreeSet<u32> = told.iter().copied().collect();
            assert_eq!(peeled.len(), told.len());
            assert!(peeled.iter().all(|node| acyclic.mark(*node) == ACYCLIC));
            assert!(peeled.is_disjoint(&cyclic), "round {round}");
            let left: BTreeSet<u32> = acyclic.left().collect();
            assert_eq!(&left | &peeled, reached);
            assert!(left.is_disjoint(&peeled));
            if back == 0.0 {
                assert!(left.len() <= peeled.len() / 8, "{} are left", left.len());
            }
        }
    }
}

/// A graph whose numbers all run backwards is reached to its end.
#[test]
fn numbers_need_not_be_in_order() {
    let steps: Vec<Vec<u32>> =
        (0..NODES).map(|node| node.checked_sub(1).into_iter().collect()).collect();
    let edges = edges(&steps);
    for threads in [1, 2, 3] {
        let acyclic = Acyclic::reach(&edges, &[NODES - 1], |_| true, threads);
        assert_eq!(acyclic.left().count(), NODES as usize);
    }
}
