//! The explorations that commands and CI run by name ([`Preset`]), how any exploration of either
//! family is run ([`Exploration::run`]), and its model for those who look by hand ([`Family::look`]).
//!
//! The `paper` family is a type for each number of servers and transactions. The engine is compiled
//! for each of them here, once; what comes out ([`Outcome`], [`Look`]) knows nothing of these types.

mod live;
mod look;
mod now;
mod outcome;
mod presets;
mod reported;
mod run;
mod told;
mod unlimited;
mod walks;

pub use look::{Astray, Choice, Look, Place, Shown, Stated};
pub use now::Now;
pub use outcome::{
    Counts, Ending, Ends, Fault, Liveness, NO_DEADLOCK, Outcome, Property, Verdict, kind,
};
pub use presets::{Exploration, Family, PaperRun, Preset};
pub use run::{GHOSTS, Impossible, explore};
pub use walks::{Shortest, Walks};
