//! Traces that are given as arguments; `-` is standard input.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// What stands for standard input, and the name that it has in messages.
const STDIN: (&str, &str) = ("-", "standard-input.ndjson");

/// The paths, and the folder of a copy of standard input, if it is one of them: a trace is read more
/// than once.
pub(crate) struct Given {
    pub(crate) paths: Vec<PathBuf>,
    _folder: Option<TempDir>,
}

impl Given {
    /// Reads standard input to its end, if it is asked for.
    ///
    /// # Errors
    /// When it cannot be read or kept.
    pub(crate) fn new(paths: &[PathBuf]) -> Result<Self, String> {
        let is_stdin = |path: &PathBuf| path == Path::new(STDIN.0);
        match paths.iter().filter(|path| is_stdin(path)).count() {
            0 => return Ok(Self { paths: paths.to_vec(), _folder: None }),
            1 => {}
            _ => return Err("standard input (-) is given twice, and can be read once".to_owned()),
        }
        let (folder, copy) = copy().map_err(|error| format!("standard input: {error}"))?;
        let name = |path: &PathBuf| if is_stdin(path) { copy.clone() } else { path.clone() };
        Ok(Self { paths: paths.iter().map(name).collect(), _folder: Some(folder) })
    }
}

fn copy() -> io::Result<(TempDir, PathBuf)> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join(STDIN.1);
    io::copy(&mut io::stdin().lock(), &mut File::create(&path)?)?;
    Ok((folder, path))
}
