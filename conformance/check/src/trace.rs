//! Reading a trace: its files, the order of its lines, what its contract hides, and what is on its
//! way between servers.

pub(crate) mod causes;
mod contract;
pub mod convert;
mod input;
pub(crate) mod links;
mod merge;
pub(crate) mod order;
mod read_ahead;

pub(crate) use causes::{Causes, Mark};
pub use contract::{Shown, everything, no_state, project, sends_and_receives, shows, silent};
pub(crate) use convert::{Ids, Log, ModelMessage};
pub(crate) use input::{At, Files, Line, RECORDER, in_order};
pub use input::{Input, Inputs, Place};
pub(crate) use links::{
    ConnectionId, Direction, End, Fault, InFlight, Links, Plan, Shows, is_sent_elsewhere, pairing,
};
pub(crate) use merge::{Merge, Missing, Next, Stall};
pub(crate) use order::{Orders, Problem};
