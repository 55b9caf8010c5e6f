//! Recording: a scenario on real servers, and the trace that it leaves.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use zab_trace::{Event, Trace};

use crate::ensemble::{Ensemble, Plan};
use crate::error::RecordError;
use crate::harness::TRACE;
use crate::life;
use crate::order::causal_order;
use crate::scenario::Scenario;
use crate::target::Target;

/// A recorded run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Lives of all servers.
    pub incarnations: usize,
    /// Lines of the trace.
    pub events: usize,
    /// Which causal order it was: equal numbers, equal orders.
    pub order: u64,
    /// Writes that were acknowledged; all of them were read from every server at the end.
    pub acknowledged: usize,
}

/// What is to be recorded.
#[derive(Clone, Copy)]
pub struct Recording<'a> {
    /// Which servers.
    pub target: &'a dyn Target,
    /// How many of them, at least 3; an odd number is one that scenarios are meant for.
    pub servers: u8,
    /// What happens to them.
    pub scenario: &'a Scenario,
    /// How long any wait may take.
    pub wait_max: Duration,
    /// Set when the run is to end before that.
    pub stop: &'a AtomicBool,
}

impl Recording<'_> {
    /// Takes the servers through the scenario and leaves its trace in `out`: also that of a run that
    /// fails or is stopped, with the end of every life, so that it can be checked up to there.
    ///
    /// # Errors
    /// When the folder is in use, a server or client fails, an acknowledged write is lost, or the
    /// run does not show what the scenario promises.
    pub fn run(&self, out: &Path) -> Result<Recorded, RecordError> {
        let (scenario, traced) = (self.scenario, self.target.writes_traces());
        if scenario.needs_trace && !traced {
            return Err(RecordError::NeedsTrace(scenario.name));
        }
        let io = |what| move |source| RecordError::Io { what, source };
        fs::create_dir_all(out).map_err(io("making the folder for the trace"))?;
        let out = out.canonicalize().map_err(io("finding the folder for the trace"))?;
        let mut entries = fs::read_dir(&out).map_err(io("reading the folder for the trace"))?;
        if entries.next().is_some() {
            return Err(RecordError::NotEmpty(out));
        }
        let plan = Plan {
            target: self.target,
            servers: self.servers,
            window: scenario.window,
            sync_limit: scenario.sync_limit,
            wait_max: self.wait_max,
            note: format!("{}: {}", scenario.name, scenario.story),
            stop: self.stop,
        };
        let mut ensemble = Ensemble::prepare(&plan, out.clone())?;
        let ran = (scenario.run)(&mut ensemble).and_then(|()| ensemble.stop());
        let ended = ensemble.end();
        let acknowledged = ensemble.acknowledged();
        drop(ensemble);
        // What the user ended fails in many ways.
        if self.stop.load(Ordering::Relaxed) {
            return Err(RecordError::Interrupted);
        }
        ran.and(ended)?;
        let files = Trace::load(&[&out])?.files;
        let incarnations = files.len() - 1;
        let lines = files.into_iter().flat_map(|file| file.events);
        let events: Vec<Event> = lines.map(|located| located.event).collect();
        if traced {
            (scenario.shown)(&events)
                .map_err(|what| RecordError::NotShown { name: scenario.name, what })?;
        }
        let order = causal_order(&events);
        Ok(Recorded { incarnations, events: events.len(), order, acknowledged })
    }
}

/// Whether a recording, however it ended, has left something to check in its folder: the trace of at
/// least one life of a server.
#[must_use]
pub fn left_a_run(recorded: &Result<Recorded, RecordError>, out: &Path) -> bool {
    if let Err(RecordError::NotEmpty(_) | RecordError::NeedsTrace(_)) = recorded {
        return false;
    }
    out.join(TRACE).is_file() && life::any(out)
}
