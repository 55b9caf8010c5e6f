//! Visits every reachable state once, and checks it.

use stateright::Expectation;

use crate::checkpoint::Folder;
use crate::disk::DiskError;
use crate::fault::{Fault, ask_first};
use crate::log::{Log, entry};
use crate::model::ExplorerModel;
use crate::options::{Options, Refused};
use crate::rebuilt::{Rebuilt, steps};
use crate::report::{Progress, PropertyReport, Report, Verdict};
use crate::search::{At, Driver, Failed, Found, Place, Setup, Worker};
use crate::stop::Stop;
use crate::trace::Trace;

/// Visits every state that the model can reach, level by level, and checks its `always` and
/// `sometimes` properties. Counts and verdicts are the same with any number of threads; which of
/// several shortest runs is shown may differ.
///
/// `progress` is called now and then from the thread that called.
///
/// A run that is shown was rebuilt by asking the model again, and judged again. A model that panics,
/// answers differently then, or has a state that its [encoding](crate::StoredState) does not give
/// back, ends the run with a [`Fault`].
///
/// # Errors
/// When the run cannot begin: see [`Refused`].
///
/// # Panics
/// When `progress` panics, or a state cannot be decoded that could be decoded before.
pub fn check<M: ExplorerModel>(
    model: &M,
    options: &Options<'_>,
    progress: &mut dyn FnMut(&Progress),
) -> Result<Report<M::State>, Refused> {
    let classes = ask_first("the names of its classes", || model.class_names())?.len();
    let names = ask_first("the names of its actions", || action_names(model, classes))?;
    let mut reductions = ask_first("its reductions", || model.reductions())?;
    reductions.extend(options.symmetry.then_some("symmetry"));
    let mut run = Run::begin(model, options, &reductions)?;
    let stopped = run.go_on(progress);
    Ok(Report { reductions, ..report(&run, stopped, names) })
}

/// A run with the logs from which counterexamples are rebuilt.
struct Run<'a, M: ExplorerModel> {
    driver: Driver<'a, M, Log>,
    /// Logs of threads that there were before the run was resumed, and are not now.
    rest: Vec<Log>,
    folder: Option<Folder>,
}

impl<'a, M: ExplorerModel> Run<'a, M> {
    /// From the initial states, or from where it was saved.
    fn begin(model: &'a M, options: &'a Options<'a>, reductions: &[&str]) -> Result<Self, Refused> {
        let properties = ask_first("its properties", || model.properties())?;
        let names: Vec<&str> = properties.iter().map(|property| property.name).collect();
        let identity = vec![
            ("reductions".to_owned(), reductions.join(", ")),
            ("seed".to_owned(), options.seed.to_string()),
            ("bytes of a state".to_owned(), size_of::<M::State>().to_string()),
            ("properties".to_owned(), names.join(", ")),
        ];
        let opened = options.checkpoint.map(|checkpoint| Folder::open(&checkpoint, identity));
        let (folder, resumed) = opened.transpose()?.unzip();
        let mut logs = Vec::new();
        let resumed = resumed.flatten().map(|resumed| {
            logs = resumed.logs;
            (resumed.saved, resumed.visited, resumed.level)
        });
        let levels = resumed.as_ref().map_or(0, |(saved, ..)| saved.levels.len());
        for thread in logs.len()..options.threads {
            logs.push(match (&folder, options.spill) {
                (Some(folder), _) => folder.log(thread, levels)?,
                (None, Some(folder)) => {
                    Log::spilled(folder).map_err(|DiskError(message)| Refused::Disk(message))?
                }
                (None, None) => Log::default(),
            });
        }
        let rest = logs.split_off(options.threads.min(logs.len()));
        let setup = Setup { model, options, properties, tagged: false, size_max: u64::MAX };
        let is_new = resumed.is_none();
        let driver = match resumed {
            Some((saved, visited, level)) => Driver::resume(setup, logs, saved, visited, level)?,
            None => Driver::start(setup, logs)?,
        };
        let mut run = Self { driver, rest, folder };
        if is_new {
            run.mark_levels();
        }
        Ok(run)
    }

    /// Goes from level to level. Why it stopped before there was no other, if it did.
    fn go_on(&mut self, progress: &mut dyn FnMut(&Progress)) -> Option<Stop> {
        let options = self.driver.setup.options;
        loop {
            if self.driver.stopped.is_some() {
                return self.driver.stopped;
            }
            if options.stop_when_violated && self.is_violated() {
                return Some(Stop::Violated);
            }
            if u32::try_from(self.driver.level.len()).is_err() {
                return Some(Stop::Size);
            }
            let is_last = self.driver.levels.len() as u64 >= options.depth_max;
            if let Some(stop) = self.save(is_last) {
                return Some(stop);
            }
            if is_last {
                return Some(Stop::Depth);
            }
            let stopped = self.driver.run_level(progress);
            let more = self.driver.advance();
            self.mark_levels();
            if stopped.is_some() || !more {
                return stopped;
            }
        }
    }

    fn is_violated(&self) -> bool {
        let decided = self.driver.setup.properties.iter().zip(&self.driver.decided);
        let mut violated = decided.filter(|(property, found)| {
            property.expectation == Expectation::Always && found.is_some()
        });
        violated.next().is_some()
    }

    /// Saves the run if it is time for that, or in any case.
    fn save(&mut self, in_any_case: bool) -> Option<Stop> {
        let folder = self.folder.as_mut()?;
        if !in_any_case && !folder.is_due() {
            return None;
        }
        let error = folder.save(&mut self.driver, &mut self.rest).err()?;
        self.driver.disk = Some(error);
        Some(Stop::Disk)
    }

    fn mark_levels(&mut self) {
        let logs = self.driver.workers.iter_mut().map(|worker| &mut worker.recorder);
        logs.chain(&mut self.rest).for_each(Log::mark_level);
    }
}

/// Rebuilds runs from the log.
struct Replay<'r, 'a, M: ExplorerModel> {
    driver: &'r Driver<'a, M, Log>,
    logs: Vec<&'r Log>,
}

impl<'r, 'a, M: ExplorerModel> Replay<'r, 'a, M> {
    fn new(run: &'r Run<'a, M>) -> Self {
        let logs = run.driver.workers.iter().map(|worker| &worker.recorder);
        Self { driver: &run.driver, logs: logs.chain(&run.rest).collect() }
    }

    /// The run that reached a state first. All of its states were visited.
    fn run_to(&self, mut place: Place) -> Result<Rebuilt<'a, M>, Fault<M::State>> {
        let mut ordinals = Vec::new();
        let first = loop {
            let (parent, ordinal) = entry(&self.logs, place).map_err(Fault::disk)?;
            if place.level == 0 {
                break parent as usize;
            }
            ordinals.push(ordinal);
            place = Place { level: place.level - 1, position: parent as usize };
        };
        let mut run = Rebuilt::start(self.driver.setup.model, &|at, _| at == first)?;
        self.confirm_visited(&run)?;
        for ordinal in ordinals.into_iter().rev() {
            run.step(&|at, _, _| at == usize::from(ordinal))?;
            self.confirm_visited(&run)?;
        }
        Ok(run)
    }

    fn confirm_visited(&self, run: &Rebuilt<'a, M>) -> Result<(), Fault<M::State>> {
        const ASKED: &str = "the steps that lead here";
        let is_known = run.asked(ASKED, || self.driver.has(run.last()))?;
        if is_known { Ok(()) } else { Err(run.unsteady(ASKED, "it leads to a new state")) }
    }

    /// The run to a state that was found, which is that state again.
    fn run_to_found(&self, found: &Found<M::State>) -> Result<Rebuilt<'a, M>, Fault<M::State>> {
        let run = self.run_to(found.place)?;
        if *run.last() == found.state {
            return Ok(run);
        }
        Err(run.unsteady("the steps that lead here", "it leads to another state"))
    }

    /// The run to a state that decides a property, judged again.
    fn deciding(
        &self,
        property: usize,
        found: &Found<M::State>,
    ) -> Result<Trace<M::State>, Fault<M::State>> {
        const ASKED: &str = "the properties of this state";
        let setup = &self.driver.setup;
        let run = self.run_to_found(found)?;
        let mask = run.asked(ASKED, || setup.model.property_mask(&setup.properties, run.last()))?;
        let decides = setup.properties[property].expectation == Expectation::Sometimes;
        if (mask >> property & 1 == 1) == decides {
            return Ok(run.finish());
        }
        Err(run.unsteady(ASKED, "it judges differently"))
    }

    /// The run to a deadlock, which is one again.
    fn to_deadlock(&self, found: &Found<M::State>) -> Result<Trace<M::State>, Fault<M::State>> {
        const ASKED: &str = "the steps of this state";
        let model = self.driver.setup.model;
        let run = self.run_to_found(found)?;
        let steps = run.asked(ASKED, || steps(model, run.last()))?;
        let may_end = run.asked("whether a run may end here", || model.may_end(run.last()))?;
        if steps.is_empty() && !may_end {
            return Ok(run.finish());
        }
        Err(run.unsteady(ASKED, "a run that ended here goes on"))
    }

    /// The failure that has ended the run, with the run to the state that it was about.
    fn failure(&self, failed: &Failed<M::State>) -> Fault<M::State> {
        let model = self.driver.setup.model;
        let (asked, run) = match &failed.at {
            At::Initial(state) => {
                ("an initial state and its properties", Ok(Rebuilt::from(model, state.clone())))
            }
            At::Source(place) => ("the steps of this state", self.run_to(*place)),
            At::After(place, ordinal) => (
                "the properties of this state",
                self.run_to(*place).and_then(|mut run| {
                    run.step(&|at, _, _| at == usize::from(*ordinal))?;
                    Ok(run)
                }),
            ),
        };
        failed.fault(asked, run.ok().map(Rebuilt::finish))
    }
}

/// Everything that is shown, or why nothing is.
struct Shown<S> {
    /// By property.
    decided: Vec<Option<Trace<S>>>,
    deadlock: Option<Trace<S>>,
}

fn shown<M: ExplorerModel>(replay: &Replay<'_, '_, M>) -> Result<Shown<M::State>, Fault<M::State>> {
    let decided = replay.driver.decided.iter().enumerate();
    let decided = decided.map(|(property, found)| {
        found.as_ref().map(|found| replay.deciding(property, found)).transpose()
    });
    let decided = decided.collect::<Result<_, _>>()?;
    let deadlock = replay.driver.deadlock.as_ref();
    let deadlock = deadlock.map(|found| replay.to_deadlock(found)).transpose()?;
    Ok(Shown { decided, deadlock })
}

fn report<M: ExplorerModel>(
    run: &Run<'_, M>,
    stopped: Option<Stop>,
    names: Vec<String>,
) -> Report<M::State> {
    let (driver, replay) = (&run.driver, Replay::new(run));
    let failure = driver.failed.as_ref().map(|failed| replay.failure(failed));
    let (shown, fault) = match shown(&replay) {
        Ok(shown) => (shown, failure),
        // Of a model that is not what it was, nothing is said.
        Err(fault) => {
            (Shown { decided: vec![None; driver.decided.len()], deadlock: None }, Some(fault))
        }
    };
    let stopped = fault.as_ref().map(|fault| fault.stop).or(stopped);
    let properties = driver.setup.properties.iter().zip(shown.decided).map(|(property, shown)| {
        let verdict = match (&property.expectation, shown) {
            (Expectation::Always, Some(trace)) => Verdict::Violated(trace),
            (Expectation::Sometimes, Some(trace)) => Verdict::Reached(trace),
            (Expectation::Always, None) if stopped.is_none() => Verdict::Holds,
            (Expectation::Sometimes, None) if stopped.is_none() => Verdict::NeverReached,
            (Expectation::Always | Expectation::Sometimes, None) | (Expectation::Eventually, _) => {
                Verdict::Unknown
            }
        };
        PropertyReport { name: property.name, kind: property.expectation.clone(), verdict }
    });
    let sum =
        |count: fn(&Worker<M::State, Log>) -> u64| driver.workers.iter().map(count).sum::<u64>();
    let options = driver.setup.options;
    Report {
        stopped,
        distinct: driver.distinct(),
        generated: driver.generated(),
        unreduced: options.symmetry.then(|| sum(|worker| worker.unreduced)),
        reductions: Vec::new(),
        waiting: driver.waiting(),
        left_out: sum(|worker| worker.left_out),
        terminal: sum(|worker| worker.terminal),
        deadlocks: sum(|worker| worker.deadlocks),
        deadlock: shown.deadlock,
        disk: driver.disk.as_ref().map(ToString::to_string),
        fault,
        levels: driver.levels.clone(),
        properties: properties.collect(),
        actions: actions(driver, names),
        memory: driver.memory(),
        identity: driver.identity(),
        threads: options.threads,
        seconds: driver.seconds(),
    }
}

/// The name of the action of each class.
fn action_names<M: ExplorerModel>(model: &M, classes: usize) -> Vec<String> {
    (0..).take(classes).map(|class| model.action_name(class)).collect()
}

/// How often each action was taken: the classes of one action together.
fn actions<M: ExplorerModel>(
    driver: &Driver<'_, M, Log>,
    names: Vec<String>,
) -> Vec<(String, u64)> {
    let mut actions: Vec<(String, u64)> = Vec::new();
    for (class, name) in (0..).zip(names) {
        let of_class = |worker: &Worker<M::State, Log>| worker.fired.of(class);
        let fired = driver.workers.iter().map(of_class).sum::<u64>();
        match actions.iter_mut().find(|(known, _)| *known == name) {
            Some((_, count)) => *count += fired,
            None => actions.push((name, fired)),
        }
    }
    actions
}
