//! Second witnesses for the checker, and traces to try it on: for tests, `selftest` and tools.
//!
//! No verdict of a command depends on this crate. Three witnesses speak for or against the checker.
//! Each has a network and queues of its own, and none uses the checker's links, order or search; the
//! search over the whole ensemble and the stepper put lines in order in the same way:
//!
//! * [`walk`]: random runs of the model, which must be accepted; [`script`]: a run that an exploration
//!   has found.
//! * [`brute`]: a search over the states of the whole ensemble, which must say the same.
//! * [`replay`]: takes the model through the steps of a witness that the checker wrote.
//!
//! The others change traces: [`corrupt`] and [`mutate`] make them wrong, [`weaken`] takes order
//! away, [`renumber`] closes gaps.

mod brute;
pub mod corrupt;
mod in_order;
pub mod mutate;
mod renumber;
mod rng;
mod stepper;
mod uses;
mod walk;
pub mod weaken;

pub use brute::{Brute, brute};
pub use renumber::renumber;
pub use rng::Rng;
pub use stepper::{Rejected, replay};
pub use walk::{NotShown, Walk, script, walk, walk_with};
