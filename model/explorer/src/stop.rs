//! Why runs end.

use std::fmt;

/// Why a run ended before it had seen everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// [`Options::states_max`](crate::Options::states_max).
    States,
    /// [`Options::depth_max`](crate::Options::depth_max).
    Depth,
    /// [`Options::time_max`](crate::Options::time_max).
    Time,
    /// The memory budget is used up.
    Memory,
    /// A file cannot be written or read: see [`Report::disk`](crate::Report::disk).
    Disk,
    /// The caller set [`Options::stop`](crate::Options::stop).
    Asked,
    /// A property is violated, and the caller wanted to know no more.
    Violated,
    /// A state has more than 65,536 steps, a level more than 2^32 states, or a graph for liveness
    /// more than 2^30.
    Size,
    /// The model panicked: see [`Report::fault`](crate::Report::fault) or [`StateGraph::fault`](crate::StateGraph::fault).
    Panicked,
    /// The model answered differently when it was asked again, so nothing is said of it.
    Unsteady,
    /// A state is not what its encoding gives back: see [`StoredState`](crate::StoredState).
    Encoding,
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::States => "the limit of states is reached",
            Self::Depth => "the limit of depth is reached",
            Self::Time => "the time is over",
            Self::Memory => "the memory budget is used up",
            Self::Disk => "a file cannot be written or read",
            Self::Asked => "interrupted",
            Self::Violated => "a property is violated",
            Self::Size => "a state has too many steps, or a level too many states",
            Self::Panicked => "the model panicked",
            Self::Unsteady => "the model is not deterministic",
            Self::Encoding => "the encoding of a state does not give it back",
        })
    }
}
