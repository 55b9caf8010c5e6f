//! Grains: how much of what a server does is one step.

use std::fmt;

/// How much one step of a server does.
///
/// A grain is scheduling, and no rule of its own: a step of [`Grain::Writes`] calls steps of
/// [`Grain::Threads`] in a fixed order, so whatever the coarse grain does the fine one can do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Grain {
    /// Everything up to the next durable write.
    #[default]
    Writes,
    /// One item of one thread: the main thread, the sync thread, the commit thread
    /// (`CommitProcessor`), and at a leader one handler for each learner (`LearnerHandler`). A
    /// thread that has something to do waits for no other one.
    Threads,
}

impl Grain {
    /// Every grain, the coarse one first.
    pub const ALL: [Self; 2] = [Self::Writes, Self::Threads];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Writes => "writes",
            Self::Threads => "threads",
        }
    }
}

impl fmt::Display for Grain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
