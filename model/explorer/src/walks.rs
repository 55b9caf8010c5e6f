//! Random walks, for models that are too large to be explored: see [`walk`].

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rand_xoshiro::SplitMix64;
use rand_xoshiro::rand_core::{RngCore, SeedableRng};
use stateright::{Expectation, Property};

use crate::fault::{Fault, ask, ask_first};
use crate::model::ExplorerModel;
use crate::options::Refused;
use crate::rebuilt::steps;
use crate::stop::Stop;
use crate::trace::Trace;

/// How many random walks, and how far.
#[derive(Clone, Copy, Debug)]
pub struct WalkOptions<'a> {
    /// The seed of the first walk; each other one has the next seed, so that a walk can be repeated
    /// alone. A walk is the same for the same seed, and for the same model.
    pub seed: u64,
    /// Walks after which it ends.
    pub walks_max: u64,
    /// Steps after which a walk ends and the next begins.
    pub steps_max: u64,
    /// Time after which it ends.
    pub time_max: Option<Duration>,
    /// Whether it ends as soon as an `always` property is violated.
    pub stop_when_violated: bool,
    /// Ends it when somebody sets it.
    pub stop: Option<&'a AtomicBool>,
}

impl Default for WalkOptions<'_> {
    /// A thousand walks of a thousand steps, to the end.
    fn default() -> Self {
        Self {
            seed: 0,
            walks_max: 1000,
            steps_max: 1000,
            time_max: None,
            stop_when_violated: false,
            stop: None,
        }
    }
}

/// What random walks have found. They never show that something holds: other walks may break it.
#[derive(Clone, Debug)]
pub struct WalkReport<S> {
    /// Why it ended before [`WalkOptions::walks_max`], if it did.
    pub stopped: Option<Stop>,
    /// Walks, the last of which may be unfinished.
    pub walks: u64,
    /// Steps of all walks together; states are not told apart, so many may have been seen before.
    pub steps: u64,
    /// Walks that ended after [`WalkOptions::steps_max`], with more to come.
    pub cut: u64,
    /// Walks that ended in a state without a step within the boundary.
    pub ended: u64,
    /// Those of them that ended in a deadlock: without any step, and where no run
    /// [may end](ExplorerModel::may_end).
    pub deadlocks: u64,
    /// The shortest walk to a deadlock that was met.
    pub deadlock: Option<Walked<S>>,
    /// In the order of the model.
    pub properties: Vec<WalkedProperty<S>>,
    /// The panic of the model that ended it, if one did.
    pub fault: Option<Fault<S>>,
    /// Wall-clock time.
    pub seconds: f64,
}

impl<S> WalkReport<S> {
    /// The walk that shows the property of that name, if one was met.
    #[must_use]
    pub fn found(&self, name: &str) -> Option<&Trace<S>> {
        let property = self.properties.iter().find(|property| property.name == name)?;
        property.found.as_ref().map(|found| &found.walk)
    }
}

/// A walk that was met.
#[derive(Clone, Debug)]
pub struct Walked<S> {
    /// Up to what it was kept for.
    pub walk: Trace<S>,
    /// The [seed](WalkOptions::seed) with which it is the first walk.
    pub seed: u64,
}

/// What was seen of one property.
#[derive(Clone, Debug)]
pub struct WalkedProperty<S> {
    /// Its name in the model.
    pub name: &'static str,
    /// What it claims.
    pub kind: Expectation,
    /// The shortest walk that was met to a state that violates an `always` property, or shows a
    /// `sometimes` one; not the shortest that there is. `None`: no such state was met, which says
    /// nothing of the others.
    pub found: Option<Walked<S>>,
}

/// Walks at random: from an initial state, each step as likely as the others that the boundary
/// leaves in, until there is none or the walk is long enough; then again. It needs next to no memory,
/// and proves nothing: use [`check`](crate::check) where that is possible. `tell` is told after each
/// walk what all walks have found so far.
///
/// # Errors
/// When it cannot begin: see [`Refused`].
pub fn walk<M: ExplorerModel>(
    model: &M,
    options: &WalkOptions<'_>,
    tell: &mut dyn FnMut(&WalkReport<M::State>),
) -> Result<WalkReport<M::State>, Refused> {
    let properties = ask_first("its properties", || model.properties())?;
    if properties.len() > 64 {
        return Err(Refused::TooManyProperties { count: properties.len(), most: 64 });
    }
    let initial = ask_first("its initial states", || {
        let states = model.init_states().into_iter();
        states.filter(|state| model.within_boundary(state)).collect::<Vec<_>>()
    })?;
    if initial.is_empty() {
        return Err(Refused::NoInitialState);
    }
    let started = Instant::now();
    let (seed, rng) = (options.seed, SplitMix64::seed_from_u64(options.seed));
    let mut walker = Walker { model, options, properties, seed, rng, started, report: empty() };
    walker.report.properties = walker.properties.iter().map(unseen).collect();
    while walker.report.stopped.is_none() && walker.report.walks < options.walks_max {
        walker.seed = options.seed.wrapping_add(walker.report.walks);
        walker.rng = SplitMix64::seed_from_u64(walker.seed);
        walker.report.walks += 1;
        let first = initial[walker.below(initial.len())].clone();
        walker.report.stopped = walker.one_walk(first);
        walker.report.seconds = started.elapsed().as_secs_f64();
        tell(&walker.report);
    }
    Ok(walker.report)
}

fn empty<S>() -> WalkReport<S> {
    WalkReport {
        stopped: None,
        walks: 0,
        steps: 0,
        cut: 0,
        ended: 0,
        deadlocks: 0,
        deadlock: None,
        properties: Vec::new(),
        fault: None,
        seconds: 0.0,
    }
}

fn unseen<M: ExplorerModel>(property: &Property<M>) -> WalkedProperty<M::State> {
    let kind = property.expectation.clone();
    WalkedProperty { name: property.name, kind, found: None }
}

struct Walker<'a, M: ExplorerModel> {
    model: &'a M,
    options: &'a WalkOptions<'a>,
    properties: Vec<Property<M>>,
    /// Of the walk that goes on.
    seed: u64,
    rng: SplitMix64,
    started: Instant,
    report: WalkReport<M::State>,
}

/// What the model says of the last state of a walk.
struct Answer<S> {
    mask: u64,
    /// Steps within the boundary.
    steps: Vec<(u16, S)>,
    /// Whether there is no other either, and no run may end there.
    is_deadlock: bool,
}

impl<M: ExplorerModel> Walker<'_, M> {
    /// A number below that. The remainder of 64 bits is even enough for a few choices.
    fn below(&mut self, count: usize) -> usize {
        usize::try_from(self.rng.next_u64() % count as u64).unwrap_or(0)
    }

    /// One walk; why there is to be no other.
    fn one_walk(&mut self, first: M::State) -> Option<Stop> {
        let mut walk = Trace { states: vec![first], classes: Vec::new() };
        loop {
            let Answer { mask, mut steps, is_deadlock } = match self.ask(&walk) {
                Ok(answer) => answer,
                Err(fault) => {
                    self.report.fault = Some(*fault);
                    return Some(Stop::Panicked);
                }
            };
            let violated = self.note(mask, &walk);
            if violated && self.options.stop_when_violated {
                return Some(Stop::Violated);
            }
            if steps.is_empty() {
                self.report.ended += 1;
                if is_deadlock {
                    self.report.deadlocks += 1;
                    keep_shorter(&mut self.report.deadlock, &walk, self.seed);
                }
                return None;
            }
            if walk.classes.len() as u64 >= self.options.steps_max {
                self.report.cut += 1;
                return None;
            }
            if let Some(stop) = self.reason_to_stop() {
                return Some(stop);
            }
            let chosen = self.below(steps.len());
            let (class, next) = steps.swap_remove(chosen);
            self.report.steps += 1;
            walk.classes.push(class);
            walk.states.push(next);
        }
    }

    fn ask(&self, walk: &Trace<M::State>) -> Result<Answer<M::State>, Box<Fault<M::State>>> {
        let (model, [.., state]) = (self.model, walk.states.as_slice()) else {
            unreachable!("a walk has a state")
        };
        let fault =
            |asked| move |message| Box::new(Fault::panicked(asked, message, Some(walk.clone())));
        let mask = ask(|| model.property_mask(&self.properties, state));
        let mask = mask.map_err(fault("the properties of this state"))?;
        let answer = ask(|| {
            let mut steps = steps(model, state);
            let is_deadlock = steps.is_empty() && !model.may_end(state);
            steps.retain(|(_, next)| model.within_boundary(next));
            Answer { mask, steps, is_deadlock }
        });
        answer.map_err(fault("the steps of this state"))
    }

    /// Keeps the walk for the properties that its last state decides. Whether one is violated.
    fn note(&mut self, mask: u64, walk: &Trace<M::State>) -> bool {
        let mut violated = false;
        for (at, property) in self.report.properties.iter_mut().enumerate() {
            let holds = mask >> at & 1 == 1;
            let shows = match property.kind {
                Expectation::Always => !holds,
                Expectation::Sometimes => holds,
                // Not decided by a state.
                Expectation::Eventually => false,
            };
            if shows {
                violated |= property.kind == Expectation::Always;
                keep_shorter(&mut property.found, walk, self.seed);
            }
        }
        violated
    }

    fn reason_to_stop(&self) -> Option<Stop> {
        let asked = self.options.stop.is_some_and(|stop| stop.load(Ordering::Relaxed));
        let late = self.options.time_max.is_some_and(|time| self.started.elapsed() >= time);
        asked.then_some(Stop::Asked).or(late.then_some(Stop::Time))
    }
}

fn keep_shorter<S: Clone>(kept: &mut Option<Walked<S>>, walk: &Trace<S>, seed: u64) {
    if kept.as_ref().is_none_or(|kept| kept.walk.steps() > walk.steps()) {
        *kept = Some(Walked { walk: walk.clone(), seed });
    }
}
