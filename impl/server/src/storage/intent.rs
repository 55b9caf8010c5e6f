//! Changes that touch several files, made whole again after a crash in their middle.
//!
//! The intent is durable before the first file changes and is removed after the last; recovery
//! finishes what an intent says. So a crash leaves the old history or the new one.

use std::path::{Path, PathBuf};

use super::{StorageError, file};
use crate::zxid::{Zxid, from_wire, to_wire};

/// What is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Intent {
    /// Cut the log after this transaction.
    Truncate(Zxid),
    /// Put the snapshot that ends here in place of the log. Valid only if that snapshot exists.
    Replace(Zxid),
}

/// The file that holds the intent.
#[derive(Debug)]
pub(crate) struct IntentFile {
    path: PathBuf,
}

impl IntentFile {
    /// The intent kept in `directory`.
    pub(crate) fn new(directory: &Path) -> Self {
        Self { path: directory.join("intent") }
    }

    /// Makes the intent durable.
    pub(crate) fn write(&self, intent: Intent) -> Result<(), StorageError> {
        let text = match intent {
            Intent::Truncate(zxid) => format!("truncate {:x}\n", to_wire(zxid)),
            Intent::Replace(zxid) => format!("replace {:x}\n", to_wire(zxid)),
        };
        file::replace(&self.path, text.as_bytes())
    }

    /// The intent that a crash left, if any.
    pub(crate) fn read(&self) -> Result<Option<Intent>, StorageError> {
        let text = match std::fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(StorageError::io("read", &self.path)(error)),
        };
        let zxid =
            |digits| u64::from_str_radix(digits, 16).ok().map(|n| from_wire(n.cast_signed()));
        let intent = match text.trim_end().split_once(' ') {
            Some(("truncate", digits)) => zxid(digits).map(Intent::Truncate),
            Some(("replace", digits)) => zxid(digits).map(Intent::Replace),
            Some(_) | None => None,
        };
        match intent {
            Some(intent) => Ok(Some(intent)),
            None => Err(StorageError::Malformed {
                path: self.path.clone(),
                reason: "expected \"truncate\" or \"replace\" and a zxid in hexadecimal".to_owned(),
            }),
        }
    }

    /// The change is complete.
    pub(crate) fn clear(&self) -> Result<(), StorageError> {
        file::remove(&self.path)?;
        file::sync_directory(self.path.parent().unwrap_or(Path::new(".")))
    }
}
