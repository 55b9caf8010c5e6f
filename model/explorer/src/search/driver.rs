//! Goes from level to level, keeps to the budgets, and lets the table grow.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use stateright::{Expectation, Property};

use super::claims::Claims;
use super::failures::{At, Cause, Failed};
use super::level::{Level, Place};
use super::shared::{Pause, Shared, Usage};
use super::spill::Spill;
use super::worker::{Deadlock, Finding, Recorder, Worker};
use crate::disk::DiskError;
use crate::fault::{ask, ask_first};
use crate::hash::hash;
use crate::model::ExplorerModel;
use crate::options::{Options, Refused, memory_budget};
use crate::report::{Identity, Memory, Progress};
use crate::stop::Stop;
use crate::stored::StoredState;
use crate::table::{BASE_BITS_MAX, BASE_BITS_MIN, Table};

/// How full the table may become. Then it grows by a third, so that an entry takes at most 12 bytes:
/// 8 / 0.9 before, and 8 / 0.9 * 4 / 3 after.
pub(super) const LOAD_MAX: f64 = 0.9;

/// Levels shorter than that are not worth waking other threads for.
const ALONE: usize = 512;

/// States that a thread claims at a time.
const CHUNK_MAX: usize = 1024;

/// Threads that may work: each takes half a mebibyte.
const THREADS_MAX: usize = 1024;

/// Classes of steps: a number has 16 bits, and the number of numbers too.
const CLASSES_MAX: usize = u16::MAX as usize;

/// What a run is given.
pub(crate) struct Setup<'a, M: ExplorerModel> {
    pub(crate) model: &'a M,
    pub(crate) options: &'a Options<'a>,
    /// What to check of every state.
    pub(crate) properties: Vec<Property<M>>,
    /// Whether slots of the table have tags.
    pub(crate) tagged: bool,
    /// Different states that the engine can number; it may pass them by a few.
    pub(crate) size_max: u64,
}

/// A state that decides something, and where it is.
#[derive(Clone, Debug)]
pub(crate) struct Found<S> {
    pub(crate) place: Place,
    pub(crate) state: S,
}

/// A run between two rounds.
pub(crate) struct Driver<'a, M: ExplorerModel, R> {
    pub(crate) setup: Setup<'a, M>,
    pub(crate) table: Table,
    pub(crate) workers: Vec<Worker<M::State, R>>,
    pub(crate) level: Level<M::State>,
    /// States of each level so far, that of [`level`](Self::level) the last.
    pub(crate) levels: Vec<u64>,
    /// By property: where it was decided first.
    pub(crate) decided: Vec<Option<Found<M::State>>>,
    /// The first state without a step in which no run may end.
    pub(crate) deadlock: Option<Found<M::State>>,
    /// Why no further level is to be begun.
    pub(crate) stopped: Option<Stop>,
    /// A failure of the model; the run has ended with it.
    pub(crate) failed: Option<Failed<M::State>>,
    /// Bytes that the engine keeps elsewhere.
    pub(crate) bytes_kept: u64,
    /// What is on disk, if anything may be.
    pub(super) spill: Option<Spill>,
    /// A file that cannot be written or read; the run has ended with it.
    pub(crate) disk: Option<DiskError>,
    pub(super) distinct: AtomicU64,
    pub(super) generated: AtomicU64,
    pub(super) budget: u64,
    frontier_peak: u64,
    bytes_peak: u64,
    /// States of the levels so far that were not expanded.
    pub(super) unexpanded: u64,
    started: Instant,
    /// Time that a run took which this one goes on with.
    pub(super) before: Duration,
    reported: Instant,
}

impl<'a, M: ExplorerModel, R: Recorder<M::State>> Driver<'a, M, R> {
    /// Looks up the initial states. There is a recorder for each thread.
    pub(crate) fn start(setup: Setup<'a, M>, recorders: Vec<R>) -> Result<Self, Refused> {
        let mut driver = Self::empty(setup, recorders)?;
        driver.add_initial_states()?;
        Ok(driver)
    }

    /// Knows no state yet.
    pub(super) fn empty(setup: Setup<'a, M>, recorders: Vec<R>) -> Result<Self, Refused> {
        if setup.options.threads == 0 {
            return Err(Refused::NoThreads);
        }
        if setup.options.threads > THREADS_MAX {
            let count = setup.options.threads;
            return Err(Refused::TooManyThreads { count, most: THREADS_MAX });
        }
        let properties = &setup.properties;
        if properties.len() > 64 {
            return Err(Refused::TooManyProperties { count: properties.len(), most: 64 });
        }
        let undecided = properties.iter().enumerate().fold(0, |bits, (at, property)| {
            bits | u64::from(property.expectation != Expectation::Eventually) << at
        });
        let budget = memory_budget(setup.options.memory_max);
        let table = table(setup.options, budget, setup.tagged)?;
        let model = setup.model;
        let classes = ask_first("the names of its classes", || model.class_names())?.len();
        if classes > CLASSES_MAX {
            return Err(Refused::TooManyClasses { count: classes, most: CLASSES_MAX });
        }
        let folder: Option<Arc<Path>> = setup.options.spill.map(Arc::from);
        let worker =
            |(thread, recorder)| Worker::new(thread, recorder, classes, undecided, folder.clone());
        let now = Instant::now();
        Ok(Self {
            decided: vec![None; properties.len()],
            deadlock: None,
            stopped: None,
            failed: None,
            table,
            workers: recorders.into_iter().enumerate().map(worker).collect(),
            level: Level::new(Vec::new()),
            levels: Vec::new(),
            bytes_kept: 0,
            spill: setup.options.spill.map(Spill::new),
            disk: None,
            distinct: AtomicU64::new(0),
            generated: AtomicU64::new(0),
            budget,
            frontier_peak: 0,
            bytes_peak: 0,
            unexpanded: 0,
            started: now,
            before: Duration::ZERO,
            reported: now,
            setup,
        })
    }

    fn add_initial_states(&mut self) -> Result<(), Refused> {
        let model = self.setup.model;
        let states = ask_first("its initial states", || model.init_states())?;
        for (number, state) in states.into_iter().enumerate() {
            // The log has 32 bits for it.
            let Ok(number) = u32::try_from(number) else {
                self.stopped = Some(Stop::Size);
                break;
            };
            if let Some(stop) = self.add_initial(state, number) {
                self.stopped = Some(stop);
                break;
            }
        }
        if self.distinct() == 0 && self.stopped.is_none() {
            return Err(Refused::NoInitialState);
        }
        self.advance();
        Ok(())
    }

    /// Looks up an initial state. `Some` when there is no room for it, or the model fails.
    fn add_initial(&mut self, state: M::State, number: u32) -> Option<Stop> {
        let (mut room, mut is_known) = (self.make_room(false) && !self.is_full(), false);
        let mut workers = std::mem::take(&mut self.workers);
        while let Some(first) = workers.first_mut()
            && room
            && !is_known
        {
            let (pause, claims, usage) = (Pause::default(), self.claims(), Usage::default());
            let shared = self.shared(&pause, &claims, &usage);
            let cause = match ask(|| first.add_initial(&shared, &state, number)) {
                Ok(Ok(added)) => {
                    is_known = added;
                    None
                }
                Ok(Err(bad)) => Some(Cause::Encoding(bad)),
                Err(message) => {
                    first.give_up(&self.table);
                    Some(Cause::Panic(message))
                }
            };
            if let Some(cause) = cause {
                self.failed = Some(Failed { at: At::Initial(state), cause });
                break;
            }
            room = is_known || self.make_room(true);
        }
        self.workers = workers;
        if let Some(failed) = &self.failed {
            return Some(failed.stop());
        }
        (!room).then_some(Stop::Memory)
    }

    /// What the threads of a round are given.
    fn shared<'r>(
        &'r self,
        pause: &'r Pause,
        claims: &'r Claims,
        usage: &'r Usage,
    ) -> Shared<'r, M> {
        let options = self.setup.options;
        Shared {
            model: self.setup.model,
            properties: &self.setup.properties,
            seed: options.seed,
            symmetry: options.symmetry,
            stop_when_violated: options.stop_when_violated,
            visited: options.visited,
            asked: options.stop,
            deadline: options.time_max.and_then(|time| self.started.checked_add(time)),
            table: &self.table,
            level: &self.level,
            claims,
            distinct: &self.distinct,
            generated: &self.generated,
            usage,
            distinct_pause: self.distinct_limit().min(options.states_max).min(self.setup.size_max),
            bytes_pause: self.budget.saturating_sub(self.table.bytes()),
            bytes_short: match &self.spill {
                Some(spill) => spill.bytes_in_memory(self.budget),
                None => (self.budget / 2).saturating_sub(self.table.bytes()),
            },
            pause,
        }
    }

    /// Different states at which the table is to grow.
    fn distinct_limit(&self) -> u64 {
        let held = self.spill.as_ref().map_or(self.distinct(), |spill| spill.held(self.distinct()));
        self.distinct() + self.held_limit().saturating_sub(held)
    }

    /// Entries at which the table is to grow.
    fn held_limit(&self) -> u64 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a part of the slots is a number of slots"
        )]
        let limit = (self.table.capacity() as f64 * LOAD_MAX) as u64;
        limit
    }

    /// The level as the threads claim it, each beginning with what it has found.
    fn claims(&self) -> Claims {
        let chunk = self.level.len() / (self.workers.len().max(1) * 8);
        Claims::new(self.level.ranges(), chunk.clamp(16, CHUNK_MAX))
    }

    /// Expands every state of the level. `Some` when the run ends before that.
    ///
    /// # Panics
    /// When anything but the model panics, such as `progress`.
    pub(crate) fn run_level(&mut self, progress: &mut dyn FnMut(&Progress)) -> Option<Stop> {
        let stopped = self.expand_level(progress);
        if let Err(error) = self.settle_suspects() {
            self.disk.get_or_insert(error);
        }
        match stopped {
            // What a model has done wrong is told first.
            Some(stop) if self.failed.is_some() || self.disk.is_none() => Some(stop),
            _ => self.disk.as_ref().map(|_| Stop::Disk),
        }
    }

    fn expand_level(&mut self, progress: &mut dyn FnMut(&Progress)) -> Option<Stop> {
        let claims = self.claims();
        loop {
            let pause = Pause::default();
            let usage = Usage::new(self.bytes_besides_table(), self.frontier_bytes());
            self.run_round(&pause, &claims, &usage, progress);
            let (all, waiting) = usage.peaks();
            self.frontier_peak = self.frontier_peak.max(waiting);
            self.bytes_peak = self.bytes_peak.max(all + self.table.bytes());
            self.unexpanded = self.level.alive_in(&claims.ranges()) as u64;
            let level = self.levels.len() - 1;
            self.failed = self.workers.iter_mut().find_map(|worker| worker.take_failure(level));
            if let Some(failed) = &self.failed {
                self.unexpanded = self.level.left() as u64;
                return Some(failed.stop());
            }
            if pause.too_many_steps.load(Ordering::Relaxed) {
                return Some(Stop::Size);
            }
            self.disk = self.workers.iter_mut().find_map(Worker::take_disk_error);
            if self.disk.is_some() {
                self.unexpanded = self.level.left() as u64;
                return Some(Stop::Disk);
            }
            let idle = self.workers.iter().all(Worker::is_idle);
            if idle && claims.left() == 0 {
                let violated = pause.violated.load(Ordering::Relaxed);
                return violated.then_some(Stop::Violated);
            }
            if let Some(stop) = self.reason_to_stop(&pause) {
                return Some(stop);
            }
            if !self.make_room(pause.table_full.load(Ordering::Relaxed)) {
                return Some(Stop::Memory);
            }
        }
    }

    /// Lets the threads work until they are done or pause.
    fn run_round(
        &mut self,
        pause: &Pause,
        claims: &Claims,
        usage: &Usage,
        progress: &mut dyn FnMut(&Progress),
    ) {
        let mut workers = std::mem::take(&mut self.workers);
        let mut reported = self.reported;
        {
            let shared = self.shared(pause, claims, usage);
            let every = self.setup.options.progress_every;
            let between = || {
                if reported.elapsed() >= every {
                    reported = Instant::now();
                    progress(&self.progress(&shared));
                }
            };
            let alone = self.level.len() < ALONE;
            if let Some((first, others)) = workers.split_first_mut() {
                // Also alone, the others look up what a pause has left them with.
                std::thread::scope(|scope| {
                    for worker in others.iter_mut().filter(|worker| !alone || !worker.is_idle()) {
                        let shared = &shared;
                        scope.spawn(move || worker.work_until_failure(shared, || {}));
                    }
                    first.work_until_failure(&shared, between);
                });
            }
        }
        self.workers = workers;
        self.reported = reported;
    }

    fn reason_to_stop(&self, pause: &Pause) -> Option<Stop> {
        let options = self.setup.options;
        let set = |flag: &std::sync::atomic::AtomicBool| flag.load(Ordering::Relaxed);
        let late = options.time_max.is_some_and(|time| self.started.elapsed() >= time);
        let reasons = [
            (set(&pause.violated), Stop::Violated),
            (self.distinct() >= self.setup.size_max, Stop::Size),
            (options.stop.is_some_and(set), Stop::Asked),
            (late, Stop::Time),
            (self.distinct() >= options.states_max, Stop::States),
            (self.is_full(), Stop::Memory),
        ];
        reasons.into_iter().find(|(is_so, _)| *is_so).map(|(_, stop)| stop)
    }

    /// Whether the budget is used up.
    fn is_full(&self) -> bool {
        self.bytes_besides_table() + self.table.bytes() >= self.budget
    }

    /// Lets the table grow or, where it cannot and something may be on disk, empties it. `false` when
    /// neither helps.
    /// `full`: somebody found no room, however many slots are free.
    fn make_room(&mut self, full: bool) -> bool {
        if !full && self.distinct() < self.distinct_limit() {
            return true;
        }
        let free = match &self.spill {
            Some(spill) => spill.bytes_of_table(self.budget).saturating_sub(self.table.bytes()),
            // The other half is for the states that the new room is for.
            None => {
                let used = self.bytes_besides_table() + self.table.bytes();
                self.budget.saturating_sub(used) / 2
            }
        };
        if self.table.grow_by_a_third(free, self.workers.len().max(1)) {
            return true;
        }
        match self.empty_table() {
            Ok(emptied) => emptied,
            Err(error) => {
                self.disk = Some(error);
                false
            }
        }
    }

    /// Makes what is new the level to be expanded. `false` when nothing is.
    pub(crate) fn advance(&mut self) -> bool {
        let level = Level::new(self.workers.iter_mut().map(|worker| worker.next.take()).collect());
        let number = self.levels.len();
        for (thread, worker) in self.workers.iter_mut().enumerate() {
            // The list is empty now, and all was found out of those that were in it.
            if let Some(suspects) = &mut worker.suspects {
                suspects.restart(0);
            }
            for Finding { property, at, state } in worker.findings.drain(..) {
                let place = Place { level: number, position: level.start(thread) + at };
                self.decided[property].get_or_insert(Found { place, state });
            }
        }
        // That of the level that was expanded; of several, the first.
        let deadlocks = self.workers.iter_mut().filter_map(|worker| worker.deadlock.take());
        if let Some(Deadlock { position, state }) = deadlocks.min_by_key(|found| found.position) {
            let place = Place { level: number.saturating_sub(1), position };
            self.deadlock.get_or_insert(Found { place, state });
        }
        let known = self.decided.iter().enumerate().filter(|(_, place)| place.is_some());
        let known = known.fold(0, |bits, (at, _)| bits | 1 << at);
        for worker in &mut self.workers {
            worker.undecided &= !known;
        }
        self.level = level;
        let alive = self.level.alive() as u64;
        if alive > 0 {
            self.levels.push(alive);
        }
        self.unexpanded += alive;
        alive > 0
    }

    /// Whether the state was visited, or with symmetry one of its orbit. What is on disk and cannot be
    /// read was not.
    pub(crate) fn has(&self, state: &M::State) -> bool {
        let options = self.setup.options;
        let state = if options.symmetry { &self.setup.model.representative(state) } else { state };
        let key = self.table.key(hash(state.bytes(&mut Vec::new()), options.seed));
        let on_disk = |spill: &Spill| spill.has(self.table.number(key)).unwrap_or(false);
        self.table.find(key).is_some() || self.spill.as_ref().is_some_and(on_disk)
    }

    /// Different states that were found and not expanded.
    pub(crate) fn waiting(&self) -> u64 {
        let next: usize = self.workers.iter().map(|worker| worker.next.alive()).sum();
        self.unexpanded + next as u64
    }

    /// Different states so far.
    pub(crate) fn distinct(&self) -> u64 {
        self.distinct.load(Ordering::Relaxed)
    }

    /// States generated so far.
    pub(crate) fn generated(&self) -> u64 {
        self.generated.load(Ordering::Relaxed)
    }

    pub(crate) fn seconds(&self) -> f64 {
        (self.before + self.started.elapsed()).as_secs_f64()
    }

    pub(crate) fn identity(&self) -> Identity {
        Identity::new(self.table.identity_bits(), self.distinct())
    }

    pub(crate) fn memory(&self) -> Memory {
        Memory {
            budget: self.budget,
            table: self.table.bytes(),
            log: self.workers.iter().map(|worker| worker.recorder.bytes()).sum::<u64>()
                + self.bytes_kept,
            frontier_peak: self.frontier_peak,
            packed: self.workers.iter().map(|worker| worker.next.packed()).sum(),
            emptied: self.spill.as_ref().map_or(0, Spill::emptied),
            peak: self.bytes_peak,
        }
    }

    /// Bytes of the states that are not expanded.
    fn frontier_bytes(&self) -> u64 {
        let next = self.workers.iter().map(|worker| worker.next.bytes()).sum::<u64>();
        self.level.bytes() + next
    }

    fn bytes_besides_table(&self) -> u64 {
        let spill = self.spill.as_ref().map_or(0, Spill::memory);
        let workers = self.workers.iter().map(Worker::bytes).sum::<u64>();
        workers + self.level.bytes() + self.bytes_kept + spill
    }

    fn progress(&self, shared: &Shared<'_, M>) -> Progress {
        let before: u64 = self.levels.iter().sum();
        let expanded = before.saturating_sub(shared.claims.left() as u64);
        let distinct = shared.distinct.load(Ordering::Relaxed);
        Progress {
            distinct,
            generated: shared.generated.load(Ordering::Relaxed),
            depth: self.levels.len() as u64,
            waiting: distinct.saturating_sub(expanded),
            memory: shared.usage.all() + self.table.bytes(),
            seconds: self.seconds(),
        }
    }
}

/// The table that a run begins with.
fn table(options: &Options<'_>, budget: u64, tagged: bool) -> Result<Table, Refused> {
    let slots = (options.states_expected as f64 / LOAD_MAX).min(1e15);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a guess, far below the largest number"
    )]
    let buckets = ((slots / 8.0) as usize).max(1 << BASE_BITS_MIN);
    let base_bits = buckets.ilog2().min(BASE_BITS_MAX);
    // Without room for states beside the table the run would end before it begins.
    let needed = Table::bytes_of(buckets, tagged) / 2 * 3;
    if budget < needed {
        return Err(Refused::TooLittleMemory { needed, given: budget });
    }
    let table = Table::new(budget, buckets, base_bits, tagged);
    table.ok_or(Refused::NoAddressSpace { bytes: budget })
}
