//! Builds the graph, level by level, with the same search that checks safety.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::claim::{LiveProperty, Predicate};
use super::graph::{Edges, PREDICATES_MAX, SELF_LOOP, StateGraph, UNKNOWN, predicates};
use crate::model::FlatModel;
use crate::options::{Options, Refused};
use crate::report::{Progress, Stop};
use crate::search::{Driver, Edge, Recorder, Setup};
use crate::table::Table;

/// Numbers that a thread takes at a time for the states that it finds.
const BLOCK: u32 = 256;

impl<'m, M: FlatModel> StateGraph<'m, M> {
    /// Visits every reachable state and keeps the graph, so that claims can be judged under as
    /// many fairness conditions as one likes.
    ///
    /// # Errors
    /// When the run cannot begin: see [`Refused`].
    ///
    /// # Panics
    /// When the model panics or breaks its contract.
    pub fn explore(
        model: &'m M,
        options: &Options<'_>,
        properties: Vec<LiveProperty<M>>,
        progress: &mut dyn FnMut(&Progress),
    ) -> Result<Self, Refused> {
        if options.symmetry {
            return Err(Refused::SymmetryInLiveness);
        }
        let predicates = predicates(&properties);
        if predicates.len() > PREDICATES_MAX {
            return Err(Refused::TooManyProperties {
                count: properties.len(),
                most: PREDICATES_MAX / 2,
            });
        }
        let numbers = Arc::new(AtomicU32::new(0));
        let recorder = |_| EdgeLog::new(model, &predicates, &numbers);
        let recorders = (0..options.threads).map(recorder).collect();
        let setup = Setup { model, options, properties: Vec::new(), tagged: true };
        let mut driver = Driver::start(setup, recorders)?;
        let mut edges = Edges::default();
        let mut level = take_nodes(&mut driver, &mut edges, &numbers);
        let initial = level.clone();
        let stopped = loop {
            let too_many = numbers.load(Ordering::Relaxed) > u32::MAX / 2;
            if too_many || u32::try_from(level.len()).is_err() {
                break Some(Stop::Size);
            }
            if driver.levels.len() as u64 >= options.depth_max {
                break Some(Stop::Depth);
            }
            if let Some(stop) = driver.run_level(progress) {
                take_nodes(&mut driver, &mut edges, &numbers);
                break Some(stop);
            }
            take_edges(&mut driver, &mut edges, &level);
            level = take_nodes(&mut driver, &mut edges, &numbers);
            driver.bytes_kept = edges.bytes() + (level.len() * size_of::<u32>()) as u64;
            if !driver.advance() {
                break None;
            }
        };
        let (distinct, generated, seconds) =
            (driver.distinct(), driver.generated(), driver.seconds());
        Ok(Self {
            model,
            distinct,
            generated,
            seconds,
            stopped,
            memory: driver.memory(),
            initial,
            seed: options.seed,
            table: driver.into_table(),
            properties,
            edges,
        })
    }
}

/// One thread's part of the graph, since the level began.
struct EdgeLog<'a, M: FlatModel> {
    model: &'a M,
    predicates: &'a [Predicate<M>],
    /// The next number that no thread has taken.
    numbers: Arc<AtomicU32>,
    /// The numbers that this thread has taken and not used.
    free: std::ops::Range<u32>,
    /// New states and their predicates.
    nodes: Vec<(u32, u32)>,
    /// States that were expanded, by their place in the level, and the steps of each.
    sources: Vec<(u32, u32)>,
    targets: Vec<u32>,
    classes: Vec<u16>,
}

impl<'a, M: FlatModel> EdgeLog<'a, M> {
    fn new(model: &'a M, predicates: &'a [Predicate<M>], numbers: &Arc<AtomicU32>) -> Self {
        Self {
            model,
            predicates,
            numbers: Arc::clone(numbers),
            free: 0..0,
            nodes: Vec::new(),
            sources: Vec::new(),
            targets: Vec::new(),
            classes: Vec::new(),
        }
    }

    fn add_node(&mut self, state: &M::State) -> u32 {
        if self.free.is_empty() {
            let start = self.numbers.fetch_add(BLOCK, Ordering::Relaxed);
            self.free = start..start + BLOCK;
        }
        let node = self.free.start;
        self.free.start += 1;
        let bit = |(at, holds): (usize, &Predicate<M>)| u32::from(holds(self.model, state)) << at;
        let bits = self.predicates.iter().enumerate().map(bit).fold(0, |all, bit| all | bit);
        self.nodes.push((node, bits));
        node
    }
}

impl<M: FlatModel> Recorder<M::State> for EdgeLog<'_, M> {
    const EVERY_STEP: bool = true;

    #[inline]
    fn edge(&mut self, table: &Table, edge: &Edge<M::State>, slot: usize, new: Option<u64>) {
        let target = if new.is_some() {
            let node = self.add_node(&edge.state);
            table.set_tag(slot, node + 1);
            node
        } else {
            table.tag(slot) - 1
        };
        match self.sources.last_mut() {
            Some((source, count)) if *source == edge.source => *count += 1,
            _ => self.sources.push((edge.source, 1)),
        }
        self.targets.push(target);
        self.classes.push(edge.class);
    }

    fn bytes(&self) -> u64 {
        let pairs = (self.nodes.len() + self.sources.len()) * size_of::<(u32, u32)>();
        let edge = size_of::<u32>() + size_of::<u16>();
        (pairs + self.targets.len() * edge) as u64
    }
}

/// Adds what the threads have found; gives back its numbers, in the order of the next level.
fn take_nodes<M: FlatModel>(
    driver: &mut Driver<'_, M, EdgeLog<'_, M>>,
    edges: &mut Edges,
    numbers: &AtomicU32,
) -> Vec<u32> {
    edges.resize(numbers.load(Ordering::Relaxed) as usize);
    let mut level = Vec::new();
    for worker in &mut driver.workers {
        for (node, bits) in worker.recorder.nodes.drain(..) {
            edges.bits[node as usize] = bits | UNKNOWN;
            level.push(node);
        }
        // Initial states have come as steps of nowhere, and of a stopped level nothing is kept.
        worker.recorder.sources.clear();
        worker.recorder.targets.clear();
        worker.recorder.classes.clear();
    }
    level
}

/// Adds the steps of a level all of whose states were expanded.
fn take_edges<M: FlatModel>(
    driver: &mut Driver<'_, M, EdgeLog<'_, M>>,
    edges: &mut Edges,
    level: &[u32],
) {
    for node in level {
        edges.bits[*node as usize] &= !UNKNOWN;
    }
    for worker in &mut driver.workers {
        let log = &mut worker.recorder;
        let mut at = 0;
        for (place, count) in log.sources.drain(..) {
            let source = level[place as usize];
            let start = edges.targets.len();
            let end = at + count as usize;
            for (target, class) in log.targets[at..end].iter().zip(&log.classes[at..end]) {
                if *target == source {
                    edges.bits[source as usize] |= SELF_LOOP;
                } else {
                    edges.targets.push(*target);
                    edges.classes.push(*class);
                }
            }
            at = end;
            edges.starts[source as usize] = start as u64;
            let kept = edges.targets.len() - start;
            edges.counts[source as usize] = u32::try_from(kept).unwrap_or(u32::MAX);
        }
        log.targets.clear();
        log.classes.clear();
    }
}
