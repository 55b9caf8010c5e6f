//! Captures that are given as arguments, and the folders that recordings leave them in.

use std::fs;
use std::path::{Path, PathBuf};

use zab_capture::raw::is_capture;

/// How the name of a capture ends.
const ENDING: &str = ".raw.ndjson";

/// The captures among some paths; empty if they are traces.
///
/// # Errors
/// A sentence, if some are captures and some are not: they say different things, and are checked in
/// different ways.
pub(crate) fn among(paths: &[PathBuf]) -> Result<Vec<PathBuf>, String> {
    let found: Vec<Vec<PathBuf>> = paths.iter().map(|path| in_path(path)).collect();
    match found.iter().position(Vec::is_empty) {
        None => Ok(found.concat()),
        Some(_) if found.iter().all(Vec::is_empty) => Ok(Vec::new()),
        Some(index) => Err(format!(
            "{} is no capture, and another path is one: give either captures or traces",
            paths[index].display()
        )),
    }
}

/// The captures among some paths, or the paths themselves if none is one: what they are is then told by
/// who reads them.
///
/// # Errors
/// As [`among`].
pub(crate) fn or_given(paths: &[PathBuf]) -> Result<Vec<PathBuf>, String> {
    let found = among(paths)?;
    Ok(if found.is_empty() { paths.to_vec() } else { found })
}

/// The captures in a folder by their names, or the file itself if it is one.
pub(crate) fn in_path(path: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(path) else {
        return if is_capture(path) { vec![path.to_owned()] } else { Vec::new() };
    };
    let named = |path: &PathBuf| path.to_string_lossy().ends_with(ENDING);
    let mut captures: Vec<PathBuf> =
        entries.filter_map(|entry| Some(entry.ok()?.path())).filter(named).collect();
    captures.sort();
    captures
}
