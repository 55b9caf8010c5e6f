//! Runs an exploration on stateright's checkers and turns what they found into a [`Report`].
//!
//! stateright ends as soon as every property has a discovery, reports a timeout like a normal end,
//! and keeps the last discovery of a property rather than the first. So the checker does not see
//! the model itself but [`Watched`]: all safety properties are one, which has no discovery unless
//! one is violated, so that nothing else ends a run; each discovery is reported once, which makes a
//! breadth-first trace shortest; the run can be told to stop, and remembers that it was; and
//! actions are counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use stateright::{Checker, Model, Path, Property};

use super::action::Action;
use super::model::Zab;
use super::properties::{PROPERTIES, violations};
use super::render::trace_text;
use super::report::{ActionText, Kind, Limits, Progress, PropertyReport, Report, Verdict};
use super::state::State;

/// The order in which an exploration visits states. Both visit the same states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Search {
    /// Breadth first: shortest traces, more memory.
    Breadth,
    /// Depth first: faster, long traces.
    Depth,
}

/// How long the watching thread waits between two looks at a running checker.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Looks between two calls of the progress callback.
const LOOKS_PER_PROGRESS: u32 = 25;

/// What the checker's thread and the watching thread share.
#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    seen: AtomicU64,
    actions: [AtomicU64; Action::NAMES.len()],
}

/// The model as stateright's checker sees it.
struct Watched {
    model: Zab,
    shared: Arc<Shared>,
}

impl Model for Watched {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        self.model.init_states()
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if !self.shared.stop.load(Ordering::Relaxed) {
            self.model.actions(state, actions);
        }
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        let next = self.model.next_state(state, action)?;
        self.shared.actions[action.kind()].fetch_add(1, Ordering::Relaxed);
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties = vec![Property::always(SAFETY, Self::is_safe)];
        for (property, watch) in PROPERTIES.iter().zip(WATCHES) {
            match property.kind {
                Kind::Always => {}
                Kind::Sometimes => {
                    if property.applies(&self.model) {
                        properties.push(Property::sometimes(property.name, watch));
                    }
                }
            }
        }
        properties
    }
}

/// The name under which all safety properties are checked together.
const SAFETY: &str = "safety";

/// The bit of [`Shared::seen`] for [`SAFETY`]; the others are positions in [`PROPERTIES`].
const SAFETY_BIT: usize = 63;

impl Watched {
    /// Whether the state satisfies every safety property, or an earlier one did not.
    fn is_safe(&self, state: &State) -> bool {
        let first_violation = violations(&self.model, state) != 0 && self.is_first(SAFETY_BIT);
        if first_violation {
            self.shared.stop.store(true, Ordering::Relaxed);
        }
        !first_violation
    }

    /// Whether the state is the first that shows the reachability property at that position.
    fn watch<const PLACE: usize>(&self, state: &State) -> bool {
        self.shared.seen.load(Ordering::Relaxed) & (1 << PLACE) == 0
            && PROPERTIES.get(PLACE).is_some_and(|property| (property.check)(&self.model, state))
            && self.is_first(PLACE)
    }

    fn is_first(&self, bit: usize) -> bool {
        self.shared.seen.fetch_or(1 << bit, Ordering::Relaxed) & (1 << bit) == 0
    }
}

/// stateright takes plain functions, so there is one for each position.
macro_rules! watches {
    ($($place:literal)*) => { [$(Watched::watch::<$place> as fn(&Watched, &State) -> bool),*] };
}

const WATCHES: [fn(&Watched, &State) -> bool; 48] = watches!(
    0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23
    24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47
);

const _: () = assert!(PROPERTIES.len() <= WATCHES.len());

/// Explores every state within the model's bounds, or as many as the limits allow.
///
/// `progress` is called about twice a second from the calling thread.
///
/// # Panics
/// When the model panics; that is a defect of the model.
pub fn run(
    model: &Zab,
    search: Search,
    limits: Limits,
    progress: &mut dyn FnMut(Progress),
) -> Report {
    let shared = Arc::new(Shared::default());
    let builder = Watched { model: model.clone(), shared: Arc::clone(&shared) }.checker();
    match search {
        Search::Breadth => watch_run(model, builder.spawn_bfs(), &shared, limits, progress),
        Search::Depth => watch_run(model, builder.spawn_dfs(), &shared, limits, progress),
    }
}

/// Explores depth first, which is faster; when that finds a violation, explores again breadth
/// first, for the shortest counterexample. The result is that of the last exploration.
///
/// # Panics
/// When the model panics; that is a defect of the model.
pub fn check(model: &Zab, limits: Limits, progress: &mut dyn FnMut(Progress)) -> Report {
    let report = run(model, Search::Depth, limits, progress);
    if !report.violated() {
        return report;
    }
    let shortest = run(model, Search::Breadth, limits, progress);
    // The limits may end the second exploration before it finds what the first one found.
    if shortest.violated() { shortest } else { report }
}

fn watch_run(
    model: &Zab,
    mut checker: impl Checker<Watched>,
    shared: &Shared,
    limits: Limits,
    progress: &mut dyn FnMut(Progress),
) -> Report {
    let start = Instant::now();
    let handles = checker.handles();
    let mut stopped = false;
    let mut looks = 0;
    while handles.iter().any(|handle| !handle.is_finished()) {
        std::thread::sleep(LOOK_EVERY);
        let now = progress_of(&checker, start);
        stopped |= now.distinct >= limits.states_max || now.seconds >= limits.seconds_max;
        shared.stop.fetch_or(stopped, Ordering::Relaxed);
        looks += 1;
        if looks % LOOKS_PER_PROGRESS == 0 {
            progress(now);
        }
    }
    for handle in handles {
        if let Err(panic) = handle.join() {
            std::panic::resume_unwind(panic);
        }
    }
    let end = progress_of(&checker, start);
    progress(end);
    let actions = Action::NAMES
        .into_iter()
        .zip(&shared.actions)
        .map(|(name, count)| (name, count.load(Ordering::Relaxed)))
        .collect();
    // Paths are replayed through the model, which must offer its actions for that.
    shared.stop.store(false, Ordering::Relaxed);
    let found = checker.discoveries();
    let complete = !stopped && !found.contains_key(SAFETY);
    let violated = found.get(SAFETY).map_or(0, |path| violations(model, path.last_state()));
    let properties = PROPERTIES
        .iter()
        .enumerate()
        .filter(|(_, property)| property.applies(model))
        .map(|(place, property)| {
            let path = match property.kind {
                Kind::Always if violated & (1 << place) != 0 => found.get(SAFETY),
                Kind::Always => None,
                Kind::Sometimes => found.get(property.name),
            };
            let verdict = match (property.kind, path.is_some(), complete) {
                (Kind::Always, true, _) => Verdict::Violated,
                (Kind::Always, false, true) => Verdict::Holds,
                (Kind::Sometimes, true, _) => Verdict::Reached,
                (Kind::Sometimes, false, true) => Verdict::NotReached,
                (Kind::Always | Kind::Sometimes, false, false) => Verdict::Unknown,
            };
            let trace = path.map(|path| steps_of(model, path.clone()));
            let (name, statement, kind) = (property.name, property.statement, property.kind);
            PropertyReport { name, statement, kind, verdict, trace }
        })
        .collect();
    Report {
        bounds: model.bounds,
        distinct: end.distinct,
        generated: end.generated,
        depth: end.depth,
        complete,
        seconds: end.seconds,
        properties,
        actions,
    }
}

/// The steps of a path as text.
fn steps_of(model: &Zab, path: Path<State, Action>) -> Vec<ActionText> {
    let steps = path.into_vec();
    let actions: Vec<Action> = steps.iter().filter_map(|(_, action)| *action).collect();
    steps.first().map_or_else(Vec::new, |(start, _)| trace_text(model, start, &actions))
}

fn progress_of(checker: &impl Checker<Watched>, start: Instant) -> Progress {
    Progress {
        distinct: checker.unique_state_count() as u64,
        generated: checker.state_count() as u64,
        depth: checker.max_depth() as u64,
        seconds: start.elapsed().as_secs_f64(),
    }
}
