//! Builds the graph, level by level, with the same search that checks safety.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::claim::{LiveProperty, Predicate};
use super::graph::{
    At, Edges, NODES_MAX, OUTSIDE, PREDICATES_MAX, Part, SELF_LOOP, StateGraph, UNKNOWN, predicates,
};
use crate::fault::ask_first;
use crate::model::ExplorerModel;
use crate::options::{Options, Refused};
use crate::report::Progress;
use crate::search::{Driver, Edge, NOWHERE, Recorder, Setup};
use crate::stop::Stop;
use crate::table::Table;

/// Numbers that a thread takes at a time for the states that it finds.
const BLOCK: u32 = 256;

/// Classes of steps that the graph can tell apart.
const CLASSES_MAX: usize = 256;

impl<'m, M: ExplorerModel> StateGraph<'m, M> {
    /// Visits every reachable state and keeps the graph, so that claims can be judged under as
    /// many fairness conditions as one likes.
    ///
    /// # Errors
    /// When the run cannot begin: see [`Refused`].
    ///
    /// # Panics
    /// When `progress` panics, or a state cannot be decoded that could be decoded before.
    pub fn explore(
        model: &'m M,
        options: &Options<'_>,
        properties: Vec<LiveProperty<M>>,
        progress: &mut dyn FnMut(&Progress),
    ) -> Result<Self, Refused> {
        confirm_possible(options)?;
        let predicates = predicates(&properties);
        if predicates.len() > PREDICATES_MAX {
            return Err(Refused::TooManyProperties {
                count: properties.len(),
                most: PREDICATES_MAX / 2,
            });
        }
        let classes = ask_first("the names of its classes", || model.class_names())?.len();
        if classes > CLASSES_MAX {
            return Err(Refused::TooManyClasses { count: classes, most: CLASSES_MAX });
        }
        let numbers = Arc::new(AtomicU32::new(OUTSIDE + 1));
        let recorder = |_| EdgeLog::new(model, &predicates, &numbers);
        let recorders = (0..options.threads).map(recorder).collect();
        let size_max = NODES_MAX.into();
        let setup = Setup { model, options, properties: Vec::new(), tagged: true, size_max };
        let mut driver = Driver::start(setup, recorders)?;
        let mut edges = Edges::default();
        let mut level = take_nodes(&mut driver, &mut edges, &numbers);
        let initial = level.to_vec();
        let stopped = loop {
            if driver.stopped.is_some() {
                break driver.stopped;
            }
            let too_many = numbers.load(Ordering::Relaxed) > NODES_MAX;
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
            driver.bytes_kept = edges.bytes_of_nodes() + (level.len() * size_of::<u32>()) as u64;
            if !driver.advance() {
                break None;
            }
        };
        let memory = driver.memory();
        let left_out = driver.workers.iter().map(|worker| worker.left_out).sum();
        let parts = driver.workers.iter_mut().map(|worker| &mut worker.recorder.part);
        edges.parts = parts.map(std::mem::take).collect();
        let mut graph = Self {
            model,
            distinct: driver.distinct(),
            generated: driver.generated(),
            seconds: driver.seconds(),
            waiting: driver.waiting(),
            left_out,
            stopped,
            fault: None,
            memory,
            initial,
            seed: options.seed,
            threads: options.threads,
            stutters: false,
            steps_left_out: if left_out > 0 { edges.steps_to(OUTSIDE) } else { 0 },
            properties,
            edges,
            table: driver.table,
        };
        graph.fault = driver.failed.map(|failed| graph.failure(&failed, &level));
        Ok(graph)
    }
}

/// Refuses what is for safety only.
fn confirm_possible(options: &Options<'_>) -> Result<(), Refused> {
    if options.symmetry {
        return Err(Refused::SymmetryInLiveness);
    }
    if options.spill.is_some() || options.checkpoint.is_some() {
        return Err(Refused::DiskInLiveness);
    }
    Ok(())
}

/// One thread's part of the graph, since the level began.
struct EdgeLog<'a, M: ExplorerModel> {
    model: &'a M,
    predicates: &'a [Predicate<M>],
    /// The next number that no thread has taken.
    numbers: Arc<AtomicU32>,
    /// The numbers that this thread has taken and not used.
    free: std::ops::Range<u32>,
    /// The numbers of the states of this level.
    level: Arc<Vec<u32>>,
    /// New states and their predicates.
    nodes: Vec<(u32, u32)>,
    /// States of this level that were expanded.
    sources: Vec<Source>,
    /// All steps that this thread has found.
    part: Part,
}

/// A state that was expanded.
struct Source {
    node: u32,
    /// Where its steps begin, and how many there are that change it.
    start: usize,
    count: u32,
    /// Whether one changes nothing.
    loops: bool,
}

impl<'a, M: ExplorerModel> EdgeLog<'a, M> {
    fn new(model: &'a M, predicates: &'a [Predicate<M>], numbers: &Arc<AtomicU32>) -> Self {
        Self {
            model,
            predicates,
            numbers: Arc::clone(numbers),
            free: 0..0,
            level: Arc::default(),
            nodes: Vec::new(),
            sources: Vec::new(),
            part: Part::default(),
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

impl<M: ExplorerModel> Recorder<M::State> for EdgeLog<'_, M> {
    const EVERY_STEP: bool = true;

    #[inline]
    fn new_state(&mut self, table: &Table, edge: &Edge<M::State>, slot: usize) -> u32 {
        let tag = self.add_node(&edge.state) + 1;
        table.set_tag(slot, tag);
        tag
    }

    #[inline]
    fn source(&mut self, number: u32) {
        // Levels are as long as the list of their numbers.
        let node = self.level.get(number as usize).copied().unwrap_or(u32::MAX);
        let start = self.part.targets.len();
        self.sources.push(Source { node, start, count: 0, loops: false });
    }

    #[inline]
    fn stay(&mut self) {
        if let Some(source) = self.sources.last_mut() {
            source.loops = true;
        }
    }

    #[inline]
    fn step(&mut self, class: u16, tag: u32) -> usize {
        if let Some(source) = self.sources.last_mut() {
            source.count += 1;
        }
        let place = self.part.targets.len();
        self.part.targets.push(tag.wrapping_sub(1));
        let [class, _] = class.to_le_bytes();
        self.part.classes.push(class);
        place
    }

    #[inline]
    fn leave(&mut self, class: u16) {
        self.step(class, OUTSIDE + 1);
    }

    fn abandon(&mut self, table: &Table, slot: usize) {
        table.set_tag(slot, OUTSIDE + 1);
    }

    #[inline]
    fn leads_to(&mut self, place: usize, tag: u32) {
        // Initial states come as steps of nowhere.
        if place != NOWHERE {
            self.part.targets[place] = tag - 1;
        }
    }

    fn bytes(&self) -> u64 {
        let nodes = self.nodes.len() * size_of::<(u32, u32)>();
        let sources = self.sources.len() * size_of::<Source>();
        let edge = size_of::<u32>() + size_of::<u8>();
        (nodes + sources + self.part.targets.len() * edge) as u64
    }
}

/// Adds the states that the threads have found; gives back their numbers, in the order of the next
/// level, and lets the threads know them.
fn take_nodes<M: ExplorerModel>(
    driver: &mut Driver<'_, M, EdgeLog<'_, M>>,
    edges: &mut Edges,
    numbers: &AtomicU32,
) -> Arc<Vec<u32>> {
    edges.resize(numbers.load(Ordering::Relaxed) as usize);
    let mut level = Vec::new();
    for worker in &mut driver.workers {
        for (node, bits) in worker.recorder.nodes.drain(..) {
            edges.bits[node as usize] = bits | UNKNOWN;
            level.push(node);
        }
    }
    let level = Arc::new(level);
    for worker in &mut driver.workers {
        worker.recorder.level = Arc::clone(&level);
    }
    level
}

/// Adds the steps of a level all of whose states were expanded.
fn take_edges<M: ExplorerModel>(
    driver: &mut Driver<'_, M, EdgeLog<'_, M>>,
    edges: &mut Edges,
    level: &[u32],
) {
    for node in level {
        edges.bits[*node as usize] &= !UNKNOWN;
    }
    for (part, worker) in driver.workers.iter_mut().enumerate() {
        for source in worker.recorder.sources.drain(..) {
            let node = source.node as usize;
            edges.starts[node] = At::new(part, source.start);
            edges.counts[node] = source.count;
            if source.loops {
                edges.bits[node] |= SELF_LOOP;
            }
        }
    }
}
