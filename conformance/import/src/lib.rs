//! Traces that the authors of ZooKeeper's TLA+ specifications make of TLC's output, and whether a
//! run of the model agrees with one.
//!
//! Such a trace begins in the middle (`SetInitState`), has steps of several servers at once
//! (`ElectionAndDiscovery`, and what follows from a crash), and tells the state of every server after
//! each step, but no message on its way. So [`judge`] looks for runs: it keeps every state of the
//! model that agrees with the trace so far, takes the step that the trace names together with any
//! steps that the trace does not show, and keeps what agrees with the state that the trace tells.
//!
//! [`read`] reads the file, and says which field is not as it should be.

mod closure;
mod compare;
mod fields;
mod judge;
mod order;
mod read;
mod start;

pub use fields::NotRead;
pub use judge::{Judged, Rejected, judge};
pub use read::{ACTIONS, ActionKind, Claim, Post, Sync, TlcStep, TlcTrace, VERSIONS, read};
pub use start::Unsupported;
