//! Runs along the graph, rebuilt by asking the model again: it must answer as the graph has it.

use std::collections::VecDeque;

use super::graph::{OUTSIDE, PREDICATES_MAX, SELF_LOOP, StateGraph, predicates};
use crate::fault::Fault;
use crate::model::ExplorerModel;
use crate::rebuilt::{Rebuilt, steps};
use crate::search::{At, Failed, Place};
use crate::stored::StoredState;

/// No node, or no place: not reached.
pub(super) const NEVER: u32 = u32::MAX;

/// The class of a step that changes nothing, as long as it is not known.
pub(super) const ANY_CLASS: u16 = u16::MAX;

/// A walk: the states, and the classes of the steps between them.
#[derive(Default)]
pub(super) struct Walk {
    pub(super) nodes: Vec<u32>,
    pub(super) classes: Vec<u16>,
}

impl Walk {
    pub(super) fn step(&mut self, class: u16, node: u32) {
        self.classes.push(class);
        self.nodes.push(node);
    }
}

impl<'m, M: ExplorerModel> StateGraph<'m, M> {
    /// The initial state with that number.
    pub(super) fn start(&self, node: u32) -> Result<Rebuilt<'m, M>, Fault<M::State>> {
        Rebuilt::start(self.model, &|_, state| self.node(state) == Some(node))
    }

    /// Takes the steps of a walk.
    pub(super) fn follow(
        &self,
        run: &mut Rebuilt<'m, M>,
        walk: &Walk,
    ) -> Result<(), Fault<M::State>> {
        for (class, target) in walk.classes.iter().zip(&walk.nodes[1..]) {
            run.step(&|_, taken, next| {
                (taken == *class || *class == ANY_CLASS) && self.node(next) == Some(*target)
            })?;
        }
        Ok(())
    }

    /// Takes the steps of a walk; each state on it must have the steps and predicates that the graph
    /// has: fairness and the claim depend on them.
    pub(super) fn follow_and_confirm(
        &self,
        run: &mut Rebuilt<'m, M>,
        walk: &Walk,
    ) -> Result<(), Fault<M::State>> {
        for (at, node) in walk.nodes.iter().enumerate() {
            self.confirm(run, *node)?;
            if let (Some(class), Some(target)) = (walk.classes.get(at), walk.nodes.get(at + 1)) {
                let step = Walk { nodes: vec![*node, *target], classes: vec![*class] };
                self.follow(run, &step)?;
            }
        }
        Ok(())
    }

    /// Asks again for all that the graph has of the last state of the run.
    fn confirm(&self, run: &Rebuilt<'m, M>, node: u32) -> Result<(), Fault<M::State>> {
        const STEPS: &str = "the steps of this state";
        const PREDICATES: &str = "the predicates of this state";
        let (model, state) = (self.model, run.last().clone());
        let (mut now, mut loops) = (Vec::new(), false);
        run.asked(STEPS, || {
            for (class, next) in steps(model, &state) {
                if next.is_same(&state) {
                    loops = true;
                } else if model.within_boundary(&next) {
                    now.push((self.node(&next).unwrap_or(NEVER), class));
                } else {
                    now.push((OUTSIDE, class));
                }
            }
        })?;
        let mut before: Vec<(u32, u16)> = self.edges.of(node).collect();
        now.sort_unstable();
        before.sort_unstable();
        if now != before || loops != self.edges.has(node, SELF_LOOP) {
            return Err(run.unsteady(STEPS, "it has others than before"));
        }
        let mask = run.asked(PREDICATES, || {
            let all = predicates(&self.properties).into_iter().enumerate();
            all.fold(0, |mask, (at, holds)| mask | u32::from(holds(model, &state)) << at)
        })?;
        if mask != self.edges.bits[node as usize] & ((1 << PREDICATES_MAX) - 1) {
            return Err(run.unsteady(PREDICATES, "it judges differently"));
        }
        Ok(())
    }

    /// The failure that has ended the exploration, with the run to the state that it was about.
    /// `level` holds the numbers of the states that were being expanded.
    pub(super) fn failure(&self, failed: &Failed<M::State>, level: &[u32]) -> Fault<M::State> {
        let (asked, run) = match &failed.at {
            At::Initial(state) => (
                "an initial state and its predicates",
                Some(Rebuilt::from(self.model, state.clone())),
            ),
            At::Source(place) => ("the steps of this state", self.run_to(*place, level)),
            At::After(place, ordinal) => (
                "the predicates of this state",
                self.run_to(*place, level).and_then(|mut run| {
                    run.step(&|at, _, _| at == usize::from(*ordinal)).ok()?;
                    Some(run)
                }),
            ),
        };
        failed.fault(asked, run.map(Rebuilt::finish))
    }

    /// A shortest run to a state that was being expanded.
    fn run_to(&self, place: Place, level: &[u32]) -> Option<Rebuilt<'m, M>> {
        let walk = self.path_to(*level.get(place.position)?)?;
        let mut run = self.start(*walk.nodes.first()?).ok()?;
        self.follow(&mut run, &walk).ok()?;
        Some(run)
    }

    /// A shortest walk from an initial state, by steps that are known.
    fn path_to(&self, node: u32) -> Option<Walk> {
        let mut from = vec![(NEVER, 0); self.edges.nodes()];
        let mut queue = VecDeque::new();
        for first in &self.initial {
            from[*first as usize] = (*first, 0);
            queue.push_back(*first);
        }
        while let Some(here) = queue.pop_front() {
            if here == node {
                break;
            }
            for (next, class) in self.edges.of(here) {
                if from[next as usize].0 == NEVER {
                    from[next as usize] = (here, class);
                    queue.push_back(next);
                }
            }
        }
        let (mut nodes, mut classes) = (vec![node], Vec::new());
        let mut here = node;
        loop {
            let (before, class) = *from.get(here as usize)?;
            if before == NEVER {
                return None;
            }
            if before == here {
                break;
            }
            nodes.push(before);
            classes.push(class);
            here = before;
        }
        nodes.reverse();
        classes.reverse();
        Some(Walk { nodes, classes })
    }
}
