//! Where a test can let the process die: before each change of a file or directory.

#[cfg(not(test))]
use std::path::Path;

use super::StorageError;

/// Fails if a test has ended this directory's process, and so do all changes after it.
#[cfg(not(test))]
#[inline]
#[expect(clippy::unnecessary_wraps, reason = "in tests it fails")]
pub(super) fn before(_: &'static str, _: &Path) -> Result<(), StorageError> {
    Ok(())
}

#[cfg(test)]
pub(super) use armed::{arm, before, disarm};

#[cfg(test)]
mod armed {
    use std::collections::HashMap;
    use std::path::{Path, PathBuf};
    use std::sync::Mutex;

    use super::StorageError;

    /// After how many more changes the process that uses this directory dies.
    static LEFT: Mutex<Option<HashMap<PathBuf, usize>>> = Mutex::new(None);

    fn with<R>(look: impl FnOnce(&mut HashMap<PathBuf, usize>) -> R) -> R {
        look(LEFT.lock().unwrap().get_or_insert_default())
    }

    /// The process that uses `directory` dies after so many more changes.
    pub(in super::super) fn arm(directory: &Path, changes: usize) {
        with(|left| left.insert(directory.to_owned(), changes));
    }

    /// A new process uses it. Whether the old one died.
    pub(in super::super) fn disarm(directory: &Path) -> bool {
        with(|left| left.remove(directory)) == Some(0)
    }

    pub(in super::super) fn before(action: &'static str, path: &Path) -> Result<(), StorageError> {
        let lives = with(|left| match left.iter_mut().find(|(root, _)| path.starts_with(root)) {
            Some((_, 0)) => false,
            Some((_, changes)) => {
                *changes -= 1;
                true
            }
            None => true,
        });
        let died = || StorageError::io(action, path)(std::io::Error::other("the process died"));
        if lives { Ok(()) } else { Err(died()) }
    }
}
