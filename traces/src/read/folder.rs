//! Which files are a trace.

use std::path::{Path, PathBuf};
use std::{fs, io};

use super::unreadable;
use crate::{ReadError, ReadErrorKind};

/// How the name of a trace file ends, when a folder is searched for them.
const EXTENSION: &str = "ndjson";

/// How many files that are not read an error names.
const NAMED_MAX: usize = 3;

/// The files meant by these paths: a file is itself, a folder all its `*.ndjson`, by name.
///
/// # Errors
/// When a path cannot be read, or there is no trace file.
pub fn trace_files(paths: &[impl AsRef<Path>]) -> Result<Vec<PathBuf>, ReadError> {
    let mut files = Vec::new();
    for path in paths {
        let path = path.as_ref();
        if !path.is_dir() {
            files.push(path.to_owned());
            continue;
        }
        let Folder { mut found, others } = Folder::look(path)?;
        if found.is_empty() {
            let names = others.iter().map(|other| other.file_name().unwrap_or_default());
            let names: Vec<_> = names.map(|name| name.to_string_lossy().into_owned()).collect();
            let others = match names.len() {
                0 => String::new(),
                count if count > NAMED_MAX => format!(
                    "; {} and {} more are not read",
                    names[..NAMED_MAX].join(", "),
                    count - NAMED_MAX
                ),
                1 => format!("; {} is not read", names[0]),
                _ => format!("; {} are not read", names.join(", ")),
            };
            let file = path.display().to_string();
            let kind = ReadErrorKind::NoTraceFile { others };
            return Err(ReadError { file, line: 1, column: 1, kind });
        }
        files.append(&mut found);
    }
    if files.is_empty() {
        let what = io::Error::new(io::ErrorKind::InvalidInput, "no files given");
        return Err(unreadable(Path::new("trace"), what));
    }
    Ok(files)
}

/// The files in these folders that are not read, although someone who looks for a reason of a
/// verdict may believe that they are: all that are not named `*.ndjson`, and folders that hold such
/// files. Hidden files are left out.
#[must_use]
pub fn files_not_read(paths: &[impl AsRef<Path>]) -> Vec<PathBuf> {
    let folders = paths.iter().map(AsRef::as_ref).filter(|path| path.is_dir());
    folders.filter_map(|path| Folder::look(path).ok()).flat_map(|folder| folder.others).collect()
}

/// What is in a folder, by name.
struct Folder {
    found: Vec<PathBuf>,
    others: Vec<PathBuf>,
}

impl Folder {
    fn look(path: &Path) -> Result<Self, ReadError> {
        let (mut found, mut others) = (Vec::new(), Vec::new());
        for entry in fs::read_dir(path).map_err(|error| unreadable(path, error))? {
            let entry = entry.map_err(|error| unreadable(path, error))?.path();
            let hidden = entry.file_name().is_some_and(|name| name.as_encoded_bytes()[0] == b'.');
            if is_trace(&entry) {
                found.push(entry);
            } else if !hidden && (!entry.is_dir() || holds_traces(&entry)) {
                others.push(entry);
            }
        }
        found.sort();
        others.sort();
        Ok(Self { found, others })
    }
}

fn is_trace(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == EXTENSION)
}

fn holds_traces(folder: &Path) -> bool {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.flatten().any(|entry| is_trace(&entry.path()))
}
