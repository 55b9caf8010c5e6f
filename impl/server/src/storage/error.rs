//! Why the disk cannot be used.

use std::path::{Path, PathBuf};

use crate::tree::ApplyError;
use crate::zxid::Zxid;

/// Why the disk cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The operating system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was attempted.
        action: &'static str,
        /// On which file or directory.
        path: PathBuf,
        /// What it said.
        source: std::io::Error,
    },
    /// A log or snapshot is damaged where it cannot be the trace of a kill.
    #[error(
        "{} is damaged at byte {offset}: {reason}; nothing was changed. What follows may have been \
         acknowledged, so this server does not guess: restore the file, or empty the data \
         directory (but for myid) if a quorum of the others is healthy",
        path.display()
    )]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Where the damage starts.
        offset: usize,
        /// What is wrong.
        reason: String,
    },
    /// A log holds a transaction that this server cannot apply.
    #[error(
        "{} holds, at byte {offset}, what this server cannot apply: {error}; nothing was changed. \
         It may have been acknowledged, so this server does not leave it out: start the server \
         that wrote it, or empty the data directory (but for myid) if a quorum of the others is \
         healthy",
        path.display()
    )]
    NotApplicable {
        /// The file.
        path: PathBuf,
        /// Where its record starts.
        offset: usize,
        /// Which transaction, and why not.
        error: ApplyError,
    },
    /// A small file does not hold what it must.
    #[error("{}: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The log is to be cut where no snapshot that is left lies before.
    #[error(
        "the log is to be cut after {keep}, but the oldest snapshot in {} is of {oldest}: what is \
         to be cut was committed here, so this server does not do it; empty the data directory \
         (but for myid) if a quorum of the others is healthy",
        path.display()
    )]
    NotKept {
        /// The directory of the snapshots.
        path: PathBuf,
        /// After which transaction.
        keep: Zxid,
        /// The end of the oldest snapshot.
        oldest: Zxid,
    },
    /// The thread that writes the log has ended, after an error that it reported.
    #[error("the log is no longer written, after an earlier error")]
    LogEnded,
    /// Another process uses the directory.
    #[error("{} is locked: another server uses this data directory", path.display())]
    Locked {
        /// The lock.
        path: PathBuf,
    },
}

impl StorageError {
    /// For `map_err`: the failure of `action` on `path`.
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}
