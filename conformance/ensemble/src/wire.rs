//! Recording what goes over the wires between servers that are run as they are.
//!
//! [`WireRecording::run`] takes the servers of a [`Target`] through a [`WireScenario`]: each dials the
//! others through a recorder, which writes down every byte and can act on any packet. Nothing is
//! asked of a server but that it reads a `zoo.cfg`.

mod apache;
mod clients;
mod cost;
mod disk;
mod files;
mod mixed;
mod packets;
mod run;
mod scenarios;
mod slow;
mod told;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use zab_capture::Item;

use crate::error::RecordError;
use crate::target::Target;

pub use apache::{ApacheError, ApacheServer};
pub use cost::{Cost, UNDISTURBED};
pub use mixed::Mixed;
pub use scenarios::WIRE_SCENARIOS;

use run::Run;

/// The name of the capture in the folder of a recording.
pub(crate) const CAPTURE: &str = "capture.raw.ndjson";

/// A scenario for servers that are known by their packets.
pub struct WireScenario {
    /// Its name: the situation.
    pub name: &'static str,
    /// What happens, in a sentence.
    pub story: &'static str,
    /// How many observers there are beside the voters.
    pub observers: u8,
    /// How many committed transactions a leader keeps for DIFF, if it can be told less than 500.
    pub window: u32,
    /// After how many ticks without a word a server gives another one up.
    pub sync_limit: u32,
    /// How many servers vote, if it is not about any number.
    pub servers: Option<u8>,
    /// What is done to the servers.
    pub(crate) run: fn(&mut Run<'_>) -> Result<(), RecordError>,
    /// What the capture must show, or the scenario was not what it says.
    pub(crate) shown: fn(&[Item]) -> Result<(), String>,
}

impl WireScenario {
    /// The scenario of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        WIRE_SCENARIOS.iter().find(|scenario| scenario.name == name)
    }
}

/// What is to be recorded.
#[derive(Clone, Copy)]
pub struct WireRecording<'a> {
    /// Which servers.
    pub target: &'a dyn Target,
    /// How many of them vote, an odd number.
    pub servers: u8,
    /// What happens to them.
    pub scenario: &'a WireScenario,
    /// What a scenario that chooses by chance begins with.
    pub seed: u64,
    /// How long such a scenario goes on, and how often others repeat what they do.
    pub duration: Duration,
    /// How often a scenario does what it can do again and again.
    pub rounds: u32,
    /// How long any wait may take.
    pub wait_max: Duration,
    /// Set when the run is to end before that.
    pub stop: &'a AtomicBool,
}

/// A recorded run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WireRecorded {
    /// Messages in the capture.
    pub messages: u64,
    /// Writes that were acknowledged.
    pub acknowledged: usize,
    /// Of these, those that were not found at the end.
    pub lost: usize,
}

impl WireRecording<'_> {
    /// Takes the servers through the scenario and leaves its capture in `out`: also that of a run
    /// that fails or is stopped.
    ///
    /// # Errors
    /// When the folder is in use, a server or client fails, or the run does not show what the
    /// scenario promises.
    pub fn run(&self, out: &Path) -> Result<WireRecorded, RecordError> {
        let mut run = Run::prepare(self, out)?;
        let ran = (self.scenario.run)(&mut run).and_then(|()| run.check());
        let ended = run.end();
        let (acknowledged, lost) = (run.acknowledged(), run.lost());
        drop(run);
        // What the user ended fails in many ways.
        if self.stop.load(Ordering::Relaxed) {
            return Err(RecordError::Interrupted);
        }
        // A disk that is full fails the servers, too.
        if let Err(RecordError::Capture(why)) = ended {
            return Err(RecordError::Capture(why));
        }
        ran.and(ended)?;
        let (items, messages) = packets::of(&out.join(CAPTURE))?;
        (self.scenario.shown)(&items)
            .map_err(|what| RecordError::NotShown { name: self.scenario.name, what })?;
        Ok(WireRecorded { messages, acknowledged, lost })
    }
}
