//! What is said in the end: the verdict, and why.

mod archive;
pub(crate) mod describe;
pub(crate) mod diagnose;
mod exit;
mod explain;
mod legal;
pub(crate) mod notes;
mod owed;
mod summary;
mod verdict;

pub(crate) use archive::Archive;
pub use describe::{event as describe_event, message as describe_message};
pub(crate) use diagnose::Found;
pub use exit::Exit;
pub use explain::{Divergence, LINES_MAX, Mismatch, Past};
pub(crate) use notes::Case;
pub(crate) use owed::Ledger;
pub use owed::{Count, Counts, NeverSeen};
pub use summary::Summary;
pub use verdict::{Inconclusive, Reason, Refusal, Verdict, Violation};
