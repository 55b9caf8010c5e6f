//! Visits every reachable state once, and checks it.

use stateright::Expectation;

use crate::model::FlatModel;
use crate::options::{Options, Refused};
use crate::report::{Progress, PropertyReport, Report, Stop, Verdict};
use crate::search::{Driver, Edge, Place, Recorder, Setup, Worker};
use crate::table::Table;
use crate::trace::{Trace, replay};

/// Visits every state that the model can reach, level by level, and checks its `always` and
/// `sometimes` properties. Counts and verdicts are the same with any number of threads; which of
/// several shortest runs is shown may differ.
///
/// `progress` is called now and then from the thread that called.
///
/// # Errors
/// When the run cannot begin: see [`Refused`].
///
/// # Panics
/// When the model panics, or breaks its contract: a class that has no name, or steps that are not
/// the same when asked again.
pub fn check<M: FlatModel>(
    model: &M,
    options: &Options<'_>,
    progress: &mut dyn FnMut(&Progress),
) -> Result<Report<M::State>, Refused> {
    let logs = (0..options.threads).map(|_| Log::default()).collect();
    let mut driver = Driver::start(
        Setup { model, options, properties: model.properties(), tagged: false },
        logs,
    )?;
    mark_levels(&mut driver);
    let violated =
        |driver: &Driver<'_, M, Log>| {
            driver.setup.properties.iter().zip(&driver.decided).any(|(property, place)| {
                property.expectation == Expectation::Always && place.is_some()
            })
        };
    let stopped = loop {
        if options.stop_when_violated && violated(&driver) {
            break Some(Stop::Violated);
        }
        if u32::try_from(driver.level.len()).is_err() {
            break Some(Stop::Size);
        }
        if driver.levels.len() as u64 >= options.depth_max {
            break Some(Stop::Depth);
        }
        let stopped = driver.run_level(progress);
        let more = driver.advance();
        mark_levels(&mut driver);
        if stopped.is_some() {
            break stopped;
        }
        if !more {
            break None;
        }
    };
    Ok(report(&driver, stopped))
}

/// One thread's part of the log: how each state was reached first.
#[derive(Default)]
struct Log {
    /// The number of the state before, within the level before; an initial state's own number.
    parents: Vec<u32>,
    /// The number of the step among those of the state before.
    ordinals: Vec<u16>,
    /// By level: entries at its end.
    ends: Vec<usize>,
}

impl<S> Recorder<S> for Log {
    const EVERY_STEP: bool = false;

    #[inline]
    fn new_state(&mut self, _table: &Table, edge: &Edge<S>, _slot: usize) -> u32 {
        self.parents.push(edge.source);
        self.ordinals.push(edge.ordinal);
        0
    }

    fn bytes(&self) -> u64 {
        let entry = size_of::<u32>() + size_of::<u16>();
        (self.parents.len() * entry + self.ends.len() * size_of::<usize>()) as u64
    }
}

fn mark_levels<M: FlatModel>(driver: &mut Driver<'_, M, Log>) {
    for worker in &mut driver.workers {
        let log = &mut worker.recorder;
        log.ends.push(log.parents.len());
    }
}

/// The entry of a state.
fn entry(logs: &[&Log], place: Place) -> Option<(u32, u16)> {
    let mut at = usize::try_from(place.position).ok()?;
    for log in logs {
        let start = if place.level == 0 { 0 } else { log.ends[place.level - 1] };
        let length = log.ends[place.level] - start;
        if at < length {
            return Some((log.parents[start + at], log.ordinals[start + at]));
        }
        at -= length;
    }
    None
}

/// The run that reached a state first.
fn trace<M: FlatModel>(model: &M, logs: &[&Log], mut place: Place) -> Option<Trace<M::State>> {
    let mut ordinals = Vec::new();
    loop {
        let (parent, ordinal) = entry(logs, place)?;
        if place.level == 0 {
            ordinals.reverse();
            return replay(model, parent, &ordinals);
        }
        ordinals.push(ordinal);
        place = Place { level: place.level - 1, position: parent };
    }
}

fn report<M: FlatModel>(driver: &Driver<'_, M, Log>, stopped: Option<Stop>) -> Report<M::State> {
    let (model, options) = (driver.setup.model, driver.setup.options);
    let logs: Vec<&Log> = driver.workers.iter().map(|worker| &worker.recorder).collect();
    let properties =
        driver.setup.properties.iter().zip(&driver.decided).map(|(property, place)| {
            let shown = place.map(|place| {
                trace(model, &logs, place).expect("the model takes the steps that it took before")
            });
            let verdict = match (&property.expectation, shown) {
                (Expectation::Always, Some(trace)) => Verdict::Violated(trace),
                (Expectation::Sometimes, Some(trace)) => Verdict::Reached(trace),
                (Expectation::Always, None) if stopped.is_none() => Verdict::Holds,
                (Expectation::Sometimes, None) if stopped.is_none() => Verdict::NeverReached,
                (Expectation::Always | Expectation::Sometimes, None)
                | (Expectation::Eventually, _) => Verdict::Unknown,
            };
            PropertyReport { name: property.name, kind: property.expectation.clone(), verdict }
        });
    let sum =
        |count: fn(&Worker<M::State, Log>) -> u64| driver.workers.iter().map(count).sum::<u64>();
    Report {
        stopped,
        distinct: driver.distinct(),
        generated: driver.generated(),
        unreduced: options.symmetry.then(|| sum(|worker| worker.unreduced)),
        waiting: driver.waiting(),
        terminal: sum(|worker| worker.terminal),
        levels: driver.levels.clone(),
        properties: properties.collect(),
        actions: actions(driver),
        memory: driver.memory(),
        identity: driver.identity(),
        threads: options.threads,
        seconds: driver.seconds(),
    }
}

/// How often each action was taken: the classes of one action together.
fn actions<M: FlatModel>(driver: &Driver<'_, M, Log>) -> Vec<(String, u64)> {
    let model = driver.setup.model;
    let mut actions: Vec<(String, u64)> = Vec::new();
    for (class, _) in (0..).zip(model.class_names()) {
        let name = model.action_name(class);
        let of_class = |worker: &Worker<M::State, Log>| worker.fired.of(class);
        let fired = driver.workers.iter().map(of_class).sum::<u64>();
        match actions.iter_mut().find(|(known, _)| *known == name) {
            Some((_, count)) => *count += fired,
            None => actions.push((name, fired)),
        }
    }
    actions
}
