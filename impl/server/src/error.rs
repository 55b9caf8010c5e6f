//! Why a server ends, and with which exit code.

use std::process::ExitCode;

use zab_core::RecoverError;

use crate::config::{ConfigError, Endpoint};
use crate::storage::StorageError;
use crate::trace::TraceError;
use crate::tree::ApplyError;

/// Why a server ended, if it was not told to.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The configuration is not usable.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The disk cannot be used, or holds what this server must not go on with.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The files are whole, but no run of the protocol leaves them like this.
    #[error("the data directory is refused: {0}")]
    Recover(#[from] RecoverError),
    /// A transaction cannot be applied.
    #[error("a transaction cannot be applied: {0}")]
    Apply(#[from] ApplyError),
    /// A port is not to be had.
    #[error("cannot listen on {what} {endpoint}: {source}")]
    Listen {
        /// Which port.
        what: &'static str,
        /// Its address.
        endpoint: Endpoint,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The trace cannot be written.
    #[error(transparent)]
    Trace(#[from] TraceError),
    /// The process cannot be set up.
    #[error("cannot start: {0}")]
    Runtime(std::io::Error),
}

impl ServerError {
    /// The exit code, as `zab-server --help` lists them.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Trace(_) | Self::Runtime(_) => ExitCode::from(1),
            Self::Storage(StorageError::Io { .. } | StorageError::LogEnded) => ExitCode::from(1),
            Self::Config(_) => ExitCode::from(3),
            Self::Storage(
                StorageError::Corrupt { .. }
                | StorageError::NotApplicable { .. }
                | StorageError::Malformed { .. }
                | StorageError::NotKept { .. }
                | StorageError::Locked { .. },
            )
            | Self::Recover(_)
            | Self::Apply(_) => ExitCode::from(4),
            Self::Listen { .. } => ExitCode::from(5),
        }
    }
}
