//! One state that explains what a server showed so far, and what is known of its later lines.

mod candidate;
mod context;
mod lookahead;
pub(crate) mod witness;

pub(crate) use candidate::{Candidate, Core, Ended, Fact, Notices, Owed, Wire, row_mut};
pub use context::Closure;
pub(crate) use context::{Context, Linked, Search};
pub(crate) use lookahead::{Future, Lookahead};
pub use witness::{Entry, Witness};
