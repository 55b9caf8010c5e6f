use std::collections::BTreeSet;

use petgraph::algo::tarjan_scc;
use petgraph::graph::DiGraph;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use super::Components;
use crate::live::graph::{At, Edges, Part};
use crate::live::lasting::Lasting;

type Parts = BTreeSet<BTreeSet<u32>>;

fn edges(nodes: u32, pairs: &[(u32, u32)]) -> Edges {
    let mut edges = Edges::default();
    edges.resize(nodes as usize);
    edges.parts = vec![Part::default(), Part::default()];
    for node in 0..nodes {
        let targets = pairs.iter().filter(|pair| pair.0 == node).map(|pair| pair.1);
        let number = usize::from(node % 3 == 0);
        let part = &mut edges.parts[number];
        let start = part.targets.len();
        part.targets.extend(targets);
        part.classes.resize(part.targets.len(), 0);
        edges.starts[node as usize] = At::new(number, start);
        edges.counts[node as usize] = u32::try_from(part.targets.len() - start).expect("few");
    }
    edges
}

fn ours(edges: &Edges, inside: impl Fn(u32) -> bool + Copy) -> Parts {
    let lasting = Lasting::all();
    let mut components = Components::new(edges, &lasting);
    let mut parts = Parts::new();
    for root in 0..u32::try_from(edges.nodes()).expect("few") {
        components.visit(root, 0, inside, |members| {
            assert!(parts.insert(members.iter().copied().collect()), "{members:?} came twice");
            true
        });
    }
    parts
}

fn petgraphs(nodes: u32, pairs: &[(u32, u32)], inside: impl Fn(u32) -> bool) -> Parts {
    let mut graph: DiGraph<u32, ()> = DiGraph::new();
    let ids: Vec<_> = (0..nodes).map(|node| graph.add_node(node)).collect();
    for (from, to) in pairs {
        if inside(*from) && inside(*to) {
            graph.add_edge(ids[*from as usize], ids[*to as usize], ());
        }
    }
    let parts = tarjan_scc(&graph).into_iter();
    let parts = parts.map(|part| part.into_iter().map(|id| graph[id]).collect::<BTreeSet<u32>>());
    parts.filter(|part| part.iter().all(|node| inside(*node))).collect()
}

#[test]
fn components_of_random_graphs_are_those_of_petgraph() {
    let mut random = SmallRng::seed_from_u64(11);
    for round in 0..400 {
        let nodes = random.random_range(1..60);
        let steps = random.random_range(0..3 * nodes);
        let mut end = || random.random_range(0..nodes);
        let pairs: Vec<(u32, u32)> = (0..steps).map(|_| (end(), end())).collect();
        let edges = edges(nodes, &pairs);
        assert_eq!(ours(&edges, |_| true), petgraphs(nodes, &pairs, |_| true), "round {round}");
        let inside = |node: u32| node % 4 != 1;
        assert_eq!(ours(&edges, inside), petgraphs(nodes, &pairs, inside), "round {round}");
    }
}

/// A cycle of a million states needs no stack.
#[test]
fn depth_does_not_matter() {
    let nodes = 1_000_000;
    let mut edges = Edges::default();
    edges.resize(nodes as usize);
    let targets = (0..nodes).map(|node| (node + 1) % nodes).collect();
    edges.parts = vec![Part { targets, classes: vec![0; nodes as usize] }];
    edges.counts = vec![1; nodes as usize];
    edges.starts = (0..nodes as usize).map(|node| At::new(0, node)).collect();
    let mut sizes = Vec::new();
    let lasting = Lasting::all();
    Components::new(&edges, &lasting).visit(
        7,
        0,
        |_| true,
        |members| {
            sizes.push(members.len());
            true
        },
    );
    assert_eq!(sizes, [1_000_000]);
}

/// After regrouping, a part falls apart without the states that are left out.
#[test]
fn a_group_is_searched_on_its_own() {
    let edges = edges(4, &[(0, 1), (1, 2), (2, 0), (2, 3), (3, 2)]);
    let lasting = Lasting::all();
    let mut components = Components::new(&edges, &lasting);
    let mut parts = Vec::new();
    components.visit(
        0,
        0,
        |_| true,
        |members| {
            parts.push(members.to_vec());
            true
        },
    );
    assert_eq!(parts.len(), 1);
    components.regroup(&[0, 1, 3], 1);
    parts.clear();
    for root in [0, 1, 3] {
        components.visit(
            root,
            1,
            |_| true,
            |members| {
                parts.push(members.to_vec());
                true
            },
        );
    }
    assert_eq!(parts, [vec![1], vec![0], vec![3]]);
}
