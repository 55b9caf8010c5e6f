//! Whether every fair run meets a claim.

use super::acyclic::Acyclic;
use super::claim::{Claim, Fairness, Strength};
use super::components::Components;
use super::graph::{Edges, SELF_LOOP, StateGraph, UNKNOWN};
use super::lasso::{Lasso, Target};
use super::lasting::Lasting;
use crate::fault::{Fault, ask_first};
use crate::model::ExplorerModel;
use crate::options::Refused;

/// Fewer states than that are not worth a thread.
const ALONE: usize = 1 << 14;

/// What the graph says of one claim.
#[derive(Clone, Debug)]
pub struct LiveReport<S> {
    /// Its name.
    pub name: &'static str,
    /// Whether it is so.
    pub verdict: LiveVerdict<S>,
    /// States in which a run may wait for what is claimed, as far as they were looked at. For
    /// `<>[]P` all states, since no run need wait for P.
    pub waiting: u64,
    /// Cycles among them: parts of several states in which a run may go round for ever. None: only
    /// states in which a run may stay have decided.
    pub cycles: u64,
    /// States among them without a step, or with one that changes nothing: a run may stay there
    /// even if runs do not stutter anywhere else.
    pub standstills: u64,
    /// What the model did when it was asked again for the run that breaks the claim. The verdict is
    /// then unknown.
    pub fault: Option<Fault<S>>,
}

/// Whether a claim is so, as far as the graph goes.
#[derive(Clone, Debug)]
pub enum LiveVerdict<S> {
    /// Every fair run meets it.
    Holds,
    /// Every run meets it because none comes to what it speaks of: P of `P ~> Q`.
    Vacuous,
    /// This fair run does not meet it.
    Violated(Lasso<S>),
    /// No run was found that breaks it. But the graph is not complete, or the boundary leaves out
    /// steps by which a run may go on before the claim is met. Or the model did not show such a run
    /// again: [`LiveReport::fault`].
    Unknown,
}

/// Conditions of fairness as bits.
pub(super) struct Conditions {
    /// The steps that a run may take for ever.
    pub(super) lasting: Lasting,
    /// By class: the conditions that a step of it meets.
    by_class: Vec<u64>,
    weak: u64,
    strong: u64,
}

impl Conditions {
    fn new(fairness: &Fairness, classes: usize) -> Result<Self, Refused> {
        let count = fairness.conditions.len();
        if count > 64 {
            return Err(Refused::TooManyConditions { count });
        }
        let lasting = Lasting::but(&fairness.finitely, classes)?;
        let mut all = Self { lasting, by_class: vec![0; classes], weak: 0, strong: 0 };
        for (at, condition) in fairness.conditions.iter().enumerate() {
            let bit = 1 << at;
            match condition.strength {
                Strength::Weak => all.weak |= bit,
                Strength::Strong => all.strong |= bit,
            }
            for class in &condition.classes {
                let place = all.by_class.get_mut(usize::from(*class));
                *place.ok_or(Refused::NoSuchClass { class: *class })? |= bit;
            }
        }
        Ok(all)
    }

    /// The conditions that a step meets.
    #[inline]
    pub(super) fn of(&self, class: u16) -> u64 {
        self.by_class[usize::from(class)]
    }

    /// The conditions that some step from the state would meet.
    #[inline]
    pub(super) fn enabled(&self, edges: &Edges, node: u32) -> u64 {
        edges.of(node).fold(0, |enabled, (_, class)| enabled | self.of(class))
    }
}

/// What a part of the graph is.
enum Part {
    /// A fair run may stay in it, and breaks the claim.
    Fair,
    /// None may, or it does not break the claim.
    Unfair,
    /// None may visit all of it for ever; perhaps one that keeps to these states.
    Perhaps(Vec<u32>),
}

/// A search for a fair part.
struct Search<'g> {
    edges: &'g Edges,
    conditions: Conditions,
    /// Whether a run may stay in any state.
    stutters: bool,
    /// A predicate that must be false somewhere in a part: a run that stays breaks the claim only if
    /// it comes to such a state again and again. 0: it does so wherever it stays.
    avoids: u32,
    /// By state: the number of the part that was looked at last with it.
    part_of: Vec<u32>,
    parts: u32,
    /// Counts of the first pass: states, cycles, standstills.
    counts: [u64; 3],
}

impl Search<'_> {
    fn count(&mut self, members: &[u32]) {
        let [waiting, cycles, standstills] = &mut self.counts;
        *waiting += members.len() as u64;
        *cycles += u64::from(members.len() > 1);
        let stays = |node: &&u32| self.edges.has(**node, SELF_LOOP) || self.edges.is_end(**node);
        *standstills += members.iter().filter(stays).count() as u64;
    }

    /// Whether a fair run may stay in that state.
    fn may_stay(&self, node: u32) -> bool {
        let stays = self.stutters || self.edges.has(node, SELF_LOOP) || self.edges.is_end(node);
        stays && self.breaks(&[node]) && self.conditions.enabled(self.edges, node) == 0
    }

    /// Whether a run that visits all of these states again and again breaks the claim.
    fn breaks(&self, members: &[u32]) -> bool {
        self.avoids == 0 || members.iter().any(|node| !self.edges.has(*node, self.avoids))
    }

    fn look_at(&mut self, members: &[u32]) -> Part {
        if let [node] = members {
            return if self.may_stay(*node) { Part::Fair } else { Part::Unfair };
        }
        if !self.breaks(members) {
            return Part::Unfair;
        }
        self.parts += 1;
        for node in members {
            self.part_of[*node as usize] = self.parts;
        }
        let (mut taken, mut somewhere, mut everywhere) = (0, 0, u64::MAX);
        for node in members {
            let mut enabled = 0;
            for (target, class) in self.edges.of(*node) {
                let met = self.conditions.of(class);
                enabled |= met;
                let stays = self.part_of[target as usize] == self.parts;
                if stays && self.conditions.lasting.has(class) {
                    taken |= met;
                }
            }
            somewhere |= enabled;
            everywhere &= enabled;
        }
        if self.conditions.weak & everywhere & !taken != 0 {
            return Part::Unfair;
        }
        let neglected = self.conditions.strong & somewhere & !taken;
        if neglected == 0 {
            return Part::Fair;
        }
        let keeps = |node: &u32| self.conditions.enabled(self.edges, *node) & neglected == 0;
        Part::Perhaps(members.iter().copied().filter(keeps).collect())
    }
}

impl<M: ExplorerModel> StateGraph<'_, M> {
    /// Judges the claim with that number among those given when the graph was explored.
    ///
    /// # Errors
    /// When a class is named that the model does not have, there are more than 64 conditions, or runs
    /// are to take some steps finitely often although they do not stutter.
    ///
    /// # Panics
    /// When there is no such claim.
    pub fn judge(
        &self,
        number: usize,
        fairness: &Fairness,
    ) -> Result<LiveReport<M::State>, Refused> {
        let property = &self.properties[number];
        let classes = ask_first("the names of its classes", || self.model.class_names())?.len();
        let conditions = Conditions::new(fairness, classes)?;
        if !conditions.lasting.is_all() && !self.stutters {
            return Err(Refused::FinitelyWithoutStuttering);
        }
        let (goal, before) = (1 << (2 * number), 1 << (2 * number + 1));
        let edges = &self.edges;
        // A run that breaks `<>[]P` may come to P as often as it likes.
        let comes_back = matches!(property.claim, Claim::EventuallyAlways(_));
        let (barred, avoids) = if comes_back { (UNKNOWN, goal) } else { (goal | UNKNOWN, 0) };
        let inside = |node: u32| !edges.has(node, barred);
        let is_start = |node: &u32| inside(*node) && edges.has(*node, before);
        let all = || 0..u32::try_from(edges.nodes()).unwrap_or(u32::MAX);
        let roots: Vec<u32> = match property.claim {
            Claim::Eventually(_) | Claim::EventuallyAlways(_) => self.initial.clone(),
            Claim::AlwaysEventually(_) => all().filter(|node| inside(*node)).collect(),
            Claim::LeadsTo(..) => all().filter(is_start).collect(),
        };
        let part_of = vec![0; edges.nodes()];
        let stutters = self.stutters;
        let (parts, counts) = (0, [0; 3]);
        let mut search = Search { edges, conditions, stutters, avoids, part_of, parts, counts };
        let searched = find_fair(&mut search, &roots, barred, self.threads, self.left_out > 0);
        // Elsewhere a run may also meet the claim, go outside, and break it there.
        let once = matches!(property.claim, Claim::Eventually(_));
        let open = if once {
            searched.leaves || self.left_out > self.steps_left_out
        } else {
            self.left_out > 0
        };
        let [waiting, cycles, standstills] = search.counts;
        let meant = |node: u32| edges.has(node, before);
        let mut fault = None;
        let verdict = match (searched.fair, &property.claim) {
            (Some(members), claim) => {
                let target = Target { claim, members, goal, before };
                match self.lasso(&target, &search.conditions, &fairness.conditions) {
                    Ok(lasso) => LiveVerdict::Violated(lasso),
                    Err(other) => {
                        fault = Some(other);
                        LiveVerdict::Unknown
                    }
                }
            }
            (None, _) if self.stopped.is_some() || open => LiveVerdict::Unknown,
            (None, Claim::LeadsTo(..)) if !all().any(meant) => LiveVerdict::Vacuous,
            (None, _) => LiveVerdict::Holds,
        };
        Ok(LiveReport { name: property.name, verdict, waiting, cycles, standstills, fault })
    }
}

/// A state on no cycle in which a fair run may stay. Counts what it looks at.
fn find_standstill<I: Fn(u32) -> bool + Sync>(
    search: &mut Search<'_>,
    acyclic: &Acyclic<'_, I>,
) -> Option<u32> {
    /// What one thread has found.
    #[derive(Default)]
    struct Tally {
        waiting: u64,
        standstills: u64,
        fair: Option<u32>,
    }
    let (edges, seen) = (search.edges, &*search);
    let tallies = acyclic.peel(&seen.conditions.lasting, |tally: &mut Tally, node| {
        tally.waiting += 1;
        tally.standstills += u64::from(edges.has(node, SELF_LOOP) || edges.is_end(node));
        if seen.may_stay(node) {
            tally.fair = tally.fair.into_iter().chain([node]).min();
        }
    });
    for tally in &tallies {
        search.counts[0] += tally.waiting;
        search.counts[2] += tally.standstills;
    }
    tallies.iter().filter_map(|tally| tally.fair).min()
}

/// What a search has found.
struct Searched {
    /// A part in which a fair run may stay.
    fair: Option<Vec<u32>>,
    /// Whether a run may leave by a step that the boundary leaves out.
    leaves: bool,
}

/// Looks for a part in which a fair run may stay, among what the roots reach without a state that has
/// one of the barred bits.
fn find_fair(
    search: &mut Search<'_>,
    roots: &[u32],
    barred: u32,
    threads: usize,
    has_boundary: bool,
) -> Searched {
    let edges = search.edges;
    // Where a run may wait for ever, as far as its steps are known.
    let inside = |node: u32| !edges.has(node, barred);
    let threads = if search.edges.nodes() < ALONE { 1 } else { threads };
    let acyclic = Acyclic::reach(search.edges, roots, inside, threads);
    let leaves = has_boundary && acyclic.reached().any(|node| search.edges.leaves(node));
    let fair = match find_standstill(search, &acyclic) {
        Some(node) => Some(vec![node]),
        None => find_fair_component(search, &acyclic),
    };
    Searched { fair, leaves }
}

/// A part of several states in which a fair run may stay, or one with a step that changes nothing.
fn find_fair_component<I: Fn(u32) -> bool + Sync>(
    search: &mut Search<'_>,
    acyclic: &Acyclic<'_, I>,
) -> Option<Vec<u32>> {
    let inside = |node: u32| acyclic.is_left(node);
    let roots: Vec<u32> = acyclic.left().collect();
    let lasting = Lasting::clone(&search.conditions.lasting);
    let mut components = Components::new(search.edges, &lasting);
    let mut smaller: Vec<Vec<u32>> = Vec::new();
    let mut fair = None;
    for root in &roots {
        let go_on = components.visit(*root, 0, inside, |members| {
            search.count(members);
            match search.look_at(members) {
                Part::Fair => fair = Some(members.to_vec()),
                Part::Unfair => {}
                Part::Perhaps(kept) => smaller.push(kept),
            }
            fair.is_none()
        });
        if !go_on {
            return fair;
        }
    }
    let mut group = 0;
    while let Some(kept) = smaller.pop() {
        group += 1;
        components.regroup(&kept, group);
        for root in &kept {
            let go_on = components.visit(*root, group, inside, |members| {
                match search.look_at(members) {
                    Part::Fair => fair = Some(members.to_vec()),
                    Part::Unfair => {}
                    Part::Perhaps(kept) => smaller.push(kept),
                }
                fair.is_none()
            });
            if !go_on {
                return fair;
            }
        }
    }
    None
}
