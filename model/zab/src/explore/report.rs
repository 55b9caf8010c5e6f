//! What an exploration found, as a value. Nothing here prints.

use super::bounds::Bounds;

/// What an exploration says about one property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Safety: true in every state, and every state within the bounds was visited.
    Holds,
    /// Safety: false in a state that was reached; the trace leads there.
    Violated,
    /// Reachability: some state that was visited shows it; the trace leads there.
    Reached,
    /// Reachability: every state within the bounds was visited, and none shows it. That is a
    /// statement about the bounds, and no failure.
    NotReached,
    /// The run ended before it could tell.
    Unknown,
}

/// Whether a property must hold always or be seen at least once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A safety property: must hold in every state.
    Always,
    /// A reachability property: shows that an exploration is not empty of what it claims to cover.
    Sometimes,
}

/// One step of a counterexample or of an example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionText {
    /// Position in the trace, from 1.
    pub number: usize,
    /// The action with its rule ids, as [`super::Action`] displays.
    pub action: String,
    /// What the step changed, one fact a line: `server 2 phase: DISCOVERY -> SYNCHRONIZATION`.
    pub changes: Vec<String>,
}

/// The result for one property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PropertyReport {
    /// Name, unique among the properties.
    pub name: &'static str,
    /// One sentence that says what it means.
    pub statement: &'static str,
    /// Safety or reachability.
    pub kind: Kind,
    /// What was found.
    pub verdict: Verdict,
    /// The steps to the state that decided, for [`Verdict::Violated`] and [`Verdict::Reached`].
    pub trace: Option<Vec<ActionText>>,
}

/// The result of one exploration.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// What was explored.
    pub bounds: Bounds,
    /// Different states visited.
    pub distinct: u64,
    /// States generated, repeats included.
    pub generated: u64,
    /// Length of the longest path that was needed, in states (depth-first: that was taken).
    pub depth: u64,
    /// Whether every state within the bounds was visited. Without this nothing is said to hold.
    pub complete: bool,
    /// Wall-clock time in seconds.
    pub seconds: f64,
    /// One entry per property, safety first, in the order of [`super::properties::PROPERTIES`].
    pub properties: Vec<PropertyReport>,
    /// How often each kind of action led to a state, by name.
    pub actions: Vec<(&'static str, u64)>,
}

impl Report {
    /// Whether a safety property was violated.
    #[must_use]
    pub fn violated(&self) -> bool {
        self.properties.iter().any(|property| property.verdict == Verdict::Violated)
    }

    /// How likely it is that two different states had the same 64-bit fingerprint, so that one of
    /// them was never looked at: the expected number of such pairs, as TLC estimates it.
    #[must_use]
    pub fn collisions_expected(&self) -> f64 {
        let repeats = self.generated.saturating_sub(self.distinct);
        self.distinct as f64 * repeats as f64 / 2f64.powi(64)
    }

    /// The result for the property of that name.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<&PropertyReport> {
        self.properties.iter().find(|property| property.name == name)
    }
}

/// Where an exploration stops although there is more to see; the result is then incomplete.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Different states after which the run ends.
    pub states_max: u64,
    /// Seconds of wall-clock time after which the run ends.
    pub seconds_max: f64,
}

impl Default for Limits {
    /// No limit.
    fn default() -> Self {
        Self { states_max: u64::MAX, seconds_max: f64::INFINITY }
    }
}

/// How far a running exploration has come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Different states visited so far.
    pub distinct: u64,
    /// States generated so far, repeats included.
    pub generated: u64,
    /// Depth reached so far, in states.
    pub depth: u64,
    /// Seconds since the start.
    pub seconds: f64,
}
