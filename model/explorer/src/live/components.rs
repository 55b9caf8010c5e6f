//! Strongly connected components by the steps that a run may take for ever, by Tarjan's algorithm without recursion: graphs are deeper than
//! any stack.

use super::graph::Edges;
use super::lasting::Lasting;

/// What is remembered of each node while components are searched for.
pub(super) struct Components<'g> {
    edges: &'g Edges,
    lasting: &'g Lasting,
    /// In which search a node takes part: it is passed by in others.
    group: Vec<u32>,
    /// When a node was first met, from 1; 0 before that.
    index: Vec<u32>,
    /// The earliest node on the stack that is known to be reachable from it; [`DONE`] when its
    /// component is known.
    low: Vec<u32>,
}

const DONE: u32 = u32::MAX;

/// A node that is being visited, and its next step.
struct Frame {
    node: u32,
    next: u32,
}

impl<'g> Components<'g> {
    /// All nodes are in group 0 and none is visited.
    pub(super) fn new(edges: &'g Edges, lasting: &'g Lasting) -> Self {
        let nodes = edges.nodes();
        Self { edges, lasting, group: vec![0; nodes], index: vec![0; nodes], low: vec![0; nodes] }
    }

    /// Puts nodes into a group of their own, as if they had never been visited.
    pub(super) fn regroup(&mut self, nodes: &[u32], group: u32) {
        for node in nodes {
            self.group[*node as usize] = group;
            self.index[*node as usize] = 0;
        }
    }

    /// Visits what can be reached from `root` through nodes of the group that are `inside`, and
    /// calls `found` with every component, in an order in which no component reaches a later one.
    /// What was visited before is not visited again. `found` says whether to go on.
    pub(super) fn visit(
        &mut self,
        root: u32,
        group: u32,
        inside: impl Fn(u32) -> bool,
        mut found: impl FnMut(&[u32]) -> bool,
    ) -> bool {
        let takes_part = |groups: &[u32], node: u32| groups[node as usize] == group && inside(node);
        if self.index[root as usize] != 0 || !takes_part(&self.group, root) {
            return true;
        }
        let mut stack: Vec<u32> = Vec::new();
        let mut frames: Vec<Frame> = Vec::new();
        let mut clock = 0;
        self.enter(root, &mut clock, &mut stack, &mut frames);
        while let Some(frame) = frames.last_mut() {
            let node = frame.node as usize;
            if let Some((target, next)) = self.lasting.next(self.edges, frame.node, frame.next) {
                frame.next = next;
                let at = target as usize;
                if self.index[at] == 0 {
                    if takes_part(&self.group, target) {
                        self.enter(target, &mut clock, &mut stack, &mut frames);
                    }
                } else if self.group[at] == group && self.low[at] != DONE {
                    self.low[node] = self.low[node].min(self.index[at]);
                }
                continue;
            }
            frames.pop();
            let low = self.low[node];
            if let Some(parent) = frames.last() {
                let parent = parent.node as usize;
                self.low[parent] = self.low[parent].min(low);
            }
            if low == self.index[node] {
                let from = stack.iter().rposition(|on_stack| *on_stack as usize == node);
                let from = from.unwrap_or(0);
                for member in &stack[from..] {
                    self.low[*member as usize] = DONE;
                }
                if !found(&stack[from..]) {
                    return false;
                }
                stack.truncate(from);
            }
        }
        true
    }

    fn enter(&mut self, node: u32, clock: &mut u32, stack: &mut Vec<u32>, frames: &mut Vec<Frame>) {
        *clock += 1;
        self.index[node as usize] = *clock;
        self.low[node as usize] = *clock;
        stack.push(node);
        frames.push(Frame { node, next: 0 });
    }
}

#[cfg(test)]
mod tests;
