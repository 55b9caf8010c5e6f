//! What a run keeps in files, where memory is short or the run shall outlive its process.
//!
//! Breadth-first search makes that easy: the states of a level are read in the order in which they
//! were written, and how each state was reached is only ever appended to ([`Spool`]). States that were
//! visited are in memory as long as there is room, and then a sorted list of their identities
//! ([`Run`]), which is compared with all that was found since at once.

mod run;
mod scratch;
mod spool;

use std::io;
use std::path::Path;

use thiserror::Error;

pub(crate) use run::{Page, Reader, Run, Writer};
pub(crate) use scratch::Scratch;
pub(crate) use spool::Spool;

/// A file that cannot be written or read.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{0}")]
pub(crate) struct DiskError(pub(crate) String);

impl DiskError {
    pub(crate) fn new(doing: &str, path: &Path, error: &io::Error) -> Self {
        Self(format!("cannot {doing} {}: {error}", path.display()))
    }
}
