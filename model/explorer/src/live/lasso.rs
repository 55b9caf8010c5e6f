//! A fair run that breaks a claim: a stem, and a cycle that goes on for ever.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet, VecDeque};

use super::claim::{Claim, Condition, Strength};
use super::graph::{Edges, SELF_LOOP, StateGraph, UNKNOWN};
use super::judge::Conditions;
use super::lasting::Lasting;
use super::rebuild::{ANY_CLASS, NEVER, Walk};
use crate::fault::Fault;
use crate::model::ExplorerModel;
use crate::rebuilt::Rebuilt;
use crate::trace::Trace;

/// A run that never meets the claim, although it is fair.
#[derive(Clone, Debug)]
pub struct Lasso<S> {
    /// From an initial state to where the cycle begins.
    pub stem: Trace<S>,
    /// From there back to it. Without a step: the run stutters.
    pub cycle: Trace<S>,
    /// How the cycle meets each condition of fairness, in their order.
    pub fairness: Vec<Met>,
}

impl<S> Lasso<S> {
    /// Whether the run ends in a state in which no step is taken any more.
    #[must_use]
    pub fn stutters(&self) -> bool {
        self.cycle.classes.is_empty()
    }
}

/// How a cycle meets a condition of fairness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Met {
    /// By its step with this number.
    Taken(usize),
    /// No step of these classes would change its state with this number.
    Disabled(usize),
    /// In none of its states would a step of these classes change anything.
    NeverEnabled,
}

/// What a lasso is to show.
pub(super) struct Target<'a, M: ExplorerModel> {
    pub(super) claim: &'a Claim<M>,
    /// Where the cycle is to be.
    pub(super) members: Vec<u32>,
    /// The predicate that the claim says must come.
    pub(super) goal: u32,
    /// The predicate after which it must come.
    pub(super) before: u32,
}

impl<M: ExplorerModel> StateGraph<'_, M> {
    /// The run that goes to the members and stays there, fairly.
    ///
    /// # Errors
    /// When the model answers otherwise than it did when the graph was explored.
    pub(super) fn lasso(
        &self,
        target: &Target<'_, M>,
        conditions: &Conditions,
        names: &[Condition],
    ) -> Result<Lasso<M::State>, Fault<M::State>> {
        let members: HashSet<u32> = target.members.iter().copied().collect();
        let stem = self.stem(target, &members).expect("every state of the graph is reachable");
        let entry = *stem.nodes.last().expect("a stem has a state");
        let comes_back = matches!(target.claim, Claim::EventuallyAlways(_));
        let avoids = if comes_back { target.goal } else { 0 };
        let within = Within { members: &members, lasting: &conditions.lasting };
        let cycle = self.edges.cycle(entry, &within, avoids, (conditions, names));
        let met = names.iter().enumerate().map(|(at, condition)| {
            self.edges
                .met(&cycle, 1 << at, condition.strength, conditions)
                .expect("the part is fair")
        });
        let fairness = met.collect();
        let mut run = self.start(stem.nodes[0])?;
        self.follow_and_confirm(&mut run, &stem)?;
        let stem = run.finish();
        let begins = stem.states.last().expect("a trace has a state").clone();
        let mut run = Rebuilt::from(self.model, begins);
        self.follow_and_confirm(&mut run, &cycle)?;
        Ok(Lasso { stem, cycle: run.finish(), fairness })
    }

    /// A shortest walk from an initial state to a member, for a run that does not meet the claim:
    /// in the second phase it waits for the goal.
    fn stem(&self, target: &Target<'_, M>, members: &HashSet<u32>) -> Option<Walk> {
        let edges = &self.edges;
        let inside = |node: u32| !edges.has(node, target.goal | UNKNOWN);
        // Whether the second phase may begin here, when the first is not empty.
        let begins = |node: u32| match target.claim {
            Claim::Eventually(_) => false,
            Claim::AlwaysEventually(_) | Claim::EventuallyAlways(_) => members.contains(&node),
            Claim::LeadsTo(..) => inside(node) && edges.has(node, target.before),
        };
        let waits_at_once = matches!(target.claim, Claim::Eventually(_));
        // A place is a state and a phase; by place: from which place it was reached first.
        let place = |node: u32, waits: bool| node * 2 + u32::from(waits);
        let mut from = vec![NEVER; edges.nodes() * 2];
        let mut queue = VecDeque::new();
        for node in &self.initial {
            let first = place(*node, waits_at_once);
            if (!waits_at_once || inside(*node)) && from[first as usize] == NEVER {
                from[first as usize] = first;
                queue.push_back(first);
            }
        }
        while let Some(here) = queue.pop_front() {
            let (node, waits) = (here / 2, here % 2 == 1);
            if waits && members.contains(&node) {
                return Some(self.edges.walk_back(here, &from));
            }
            // Another phase is no step further.
            if !waits && begins(node) && from[place(node, true) as usize] == NEVER {
                from[place(node, true) as usize] = here;
                queue.push_front(place(node, true));
            }
            for (next, _) in edges.of(node) {
                let next_place = place(next, waits);
                if (!waits || inside(next)) && from[next_place as usize] == NEVER {
                    from[next_place as usize] = here;
                    queue.push_back(next_place);
                }
            }
        }
        None
    }
}

/// Where a cycle is to be, and of which steps.
struct Within<'a> {
    members: &'a HashSet<u32>,
    lasting: &'a Lasting,
}

impl Within<'_> {
    fn has(&self, (target, class): (u32, u16)) -> bool {
        self.members.contains(&target) && self.lasting.has(class)
    }
}

// What needs no model is compiled once for all of them.
impl Edges {
    /// The walk that ends in a place, without the change of phase.
    fn walk_back(&self, end: u32, from: &[u32]) -> Walk {
        let mut nodes = vec![end / 2];
        let mut here = end;
        while from[here as usize] != here {
            let before = from[here as usize];
            if before / 2 != here / 2 {
                nodes.push(before / 2);
            }
            here = before;
        }
        nodes.reverse();
        let class = |pair: &[u32]| {
            let step = self.of(pair[0]).find(|(target, _)| *target == pair[1]);
            step.map_or(0, |(_, class)| class)
        };
        Walk { classes: nodes.windows(2).map(class).collect(), nodes }
    }

    /// A closed walk from `entry` among the members that meets every condition, and comes to a state
    /// without the bit `avoids`, if that is not 0.
    fn cycle(
        &self,
        entry: u32,
        within: &Within<'_>,
        avoids: u32,
        (conditions, names): (&Conditions, &[Condition]),
    ) -> Walk {
        let mut walk = Walk { nodes: vec![entry], classes: Vec::new() };
        if within.members.len() == 1 {
            if self.has(entry, SELF_LOOP) && within.lasting.is_all() {
                // Its class is found when the states are.
                walk.step(ANY_CLASS, entry);
            }
            return walk;
        }
        let met = |walk: &Walk, at: usize| {
            self.met(walk, 1 << at, names[at].strength, conditions).is_some()
        };
        // A way to one place may enable what was never enabled until then. A step of it is taken at
        // the next time, and stays taken.
        for _ in 0..=names.len() {
            for at in 0..names.len() {
                if walk.classes.is_empty() || !met(&walk, at) {
                    self.meet(&mut walk, within, 1 << at, conditions);
                }
            }
            if avoids != 0 && walk.nodes.iter().all(|node| self.has(*node, avoids)) {
                self.go_to(&mut walk, within, |node| !self.has(node, avoids));
            }
            if walk.classes.is_empty() {
                let step = self.of(entry).find(|step| within.has(*step));
                if let Some((target, class)) = step {
                    walk.step(class, target);
                }
            }
            self.go_to(&mut walk, within, |node| node == entry);
            if (0..names.len()).all(|at| met(&walk, at)) {
                break;
            }
        }
        walk
    }

    /// Goes to where a step that meets the condition can be taken, and takes it; or else to where no
    /// such step is possible.
    fn meet(&self, walk: &mut Walk, within: &Within<'_>, bit: u64, conditions: &Conditions) {
        let step = |node: u32| {
            self.of(node).find(|step| within.has(*step) && conditions.of(step.1) & bit != 0)
        };
        if self.go_to(walk, within, |node| step(node).is_some()) {
            if let Some((target, class)) = walk.nodes.last().and_then(|here| step(*here)) {
                walk.step(class, target);
            }
        } else {
            self.go_to(walk, within, |node| conditions.enabled(self, node) & bit == 0);
        }
    }

    /// Goes on, by a shortest way among the members, to where `there` is so. `false` when there is
    /// no such place.
    fn go_to(&self, walk: &mut Walk, within: &Within<'_>, there: impl Fn(u32) -> bool) -> bool {
        let Some(here) = walk.nodes.last().copied() else { return false };
        let mut from: HashMap<u32, Option<(u32, u16)>> = HashMap::from([(here, None)]);
        let mut queue = VecDeque::from([here]);
        while let Some(node) = queue.pop_front() {
            if there(node) {
                let mut steps = Vec::new();
                let mut at = node;
                while let Some((before, class)) = from[&at] {
                    steps.push((class, at));
                    at = before;
                }
                steps.iter().rev().for_each(|(class, node)| walk.step(*class, *node));
                return true;
            }
            for (next, class) in self.of(node) {
                if within.has((next, class))
                    && let Entry::Vacant(place) = from.entry(next)
                {
                    place.insert(Some((node, class)));
                    queue.push_back(next);
                }
            }
        }
        false
    }

    /// How a closed walk meets a condition, if it does.
    fn met(
        &self,
        walk: &Walk,
        bit: u64,
        strength: Strength,
        conditions: &Conditions,
    ) -> Option<Met> {
        // A step that changes nothing takes nothing; its place in the walk holds no class.
        let takes = |class: &u16| *class != ANY_CLASS && conditions.of(*class) & bit != 0;
        if let Some(step) = walk.classes.iter().position(takes) {
            return Some(Met::Taken(step));
        }
        let disabled = |node: &u32| conditions.enabled(self, *node) & bit == 0;
        match strength {
            Strength::Weak => walk.nodes.iter().position(disabled).map(Met::Disabled),
            Strength::Strong => walk.nodes.iter().all(disabled).then_some(Met::NeverEnabled),
        }
    }
}
