//! Counts of earlier runs, to tell whether the model has changed.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::report::outcome::Outcome;

/// The version of the format.
const VERSION: u32 = 1;

/// A baseline is small: a longer file is none.
const BYTES_MAX: u64 = 1 << 20;

/// The file.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Baseline {
    zab_baseline: u32,
    explorations: Vec<Entry>,
}

/// The counts of one exploration.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    model: String,
    bounds: String,
    distinct: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    unreduced: Option<u64>,
    generated: u64,
    depth: u64,
    actions: BTreeMap<String, u64>,
}

/// What became of a comparison.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Compared {
    /// There was no file; there is one now.
    Written,
    /// All counts are the same.
    Same,
    /// Exploration, count, value in the baseline, value now.
    Drift(Vec<[String; 4]>),
}

/// Why there is nothing to compare with.
#[derive(Debug, Error)]
pub(crate) enum BaselineError {
    /// It cannot be read or written.
    #[error("cannot {what} the baseline {}: {source}", path.display())]
    Io {
        /// Read or write.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It is something else, or of another version.
    #[error("{} is no baseline of version {VERSION}: {why}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// It is of something else.
    #[error(
        "{} is a baseline of other bounds: it has {theirs}, this run has {ours} \
         (hint: give the bounds or preset it was written with, or another file)",
        path.display()
    )]
    OtherBounds {
        /// The file.
        path: PathBuf,
        /// The first exploration of the file that differs.
        theirs: String,
        /// The exploration in its place.
        ours: String,
    },
}

/// Compares the counts of complete runs with a file; writes the file if there is none.
///
/// # Errors
/// When the file cannot be read or written, is no baseline, or is one of other bounds.
pub(crate) fn compare(path: &Path, outcomes: &[Outcome]) -> Result<Compared, BaselineError> {
    let ours: Vec<Entry> = outcomes.iter().map(Entry::of).collect();
    let failed = |what| move |source| BaselineError::Io { what, path: path.to_owned(), source };
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            write(path, ours).map_err(failed("write"))?;
            return Ok(Compared::Written);
        }
        Err(error) => return Err(failed("read")(error)),
        Ok(found) if found.len() > BYTES_MAX => {
            let why = format!("it has {} bytes, but {BYTES_MAX} at most", found.len());
            return Err(BaselineError::Format { path: path.to_owned(), why });
        }
        Ok(_) => {}
    }
    let text = fs::read_to_string(path).map_err(failed("read"))?;
    let wrong = |why: String| BaselineError::Format { path: path.to_owned(), why };
    let theirs: Baseline = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    if theirs.zab_baseline != VERSION {
        return Err(wrong(format!("it says version {}", theirs.zab_baseline)));
    }
    difference(path, &theirs.explorations, &ours)
}

/// Writes all of it or nothing.
fn write(path: &Path, explorations: Vec<Entry>) -> io::Result<()> {
    let text = serde_json::to_string_pretty(&Baseline { zab_baseline: VERSION, explorations })?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut file = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
    writeln!(file, "{text}")?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

fn difference(path: &Path, theirs: &[Entry], ours: &[Entry]) -> Result<Compared, BaselineError> {
    let identity = |entry: Option<&Entry>| {
        entry.map_or_else(|| "no more".to_owned(), |entry| entry.identity())
    };
    for at in 0..theirs.len().max(ours.len()) {
        let (theirs, ours) = (identity(theirs.get(at)), identity(ours.get(at)));
        if theirs != ours {
            return Err(BaselineError::OtherBounds { path: path.to_owned(), theirs, ours });
        }
    }
    let rows: Vec<[String; 4]> =
        theirs.iter().zip(ours).flat_map(|(theirs, ours)| theirs.differences(ours)).collect();
    Ok(if rows.is_empty() { Compared::Same } else { Compared::Drift(rows) })
}

impl Entry {
    fn of(outcome: &Outcome) -> Self {
        let counts = &outcome.counts;
        Self {
            name: outcome.name.to_owned(),
            model: outcome.model.to_owned(),
            bounds: outcome.bounds.clone(),
            distinct: counts.distinct,
            unreduced: counts.unreduced,
            generated: counts.generated,
            depth: counts.depth,
            actions: counts.actions.iter().cloned().collect(),
        }
    }

    /// What it is a count of.
    fn identity(&self) -> String {
        format!("{} of model {} ({})", self.name, self.model, self.bounds)
    }

    /// A row for every count that differs.
    fn differences(&self, now: &Self) -> Vec<[String; 4]> {
        let all = |entry: &Self| {
            let counts = [
                ("distinct", Some(entry.distinct)),
                ("unreduced", entry.unreduced),
                ("generated", Some(entry.generated)),
                ("depth", Some(entry.depth)),
            ];
            let counts = counts.into_iter().filter_map(|(name, n)| Some((name.to_owned(), n?)));
            let actions = entry.actions.iter().map(|(name, n)| (format!("action {name}"), *n));
            counts.chain(actions).collect::<BTreeMap<String, u64>>()
        };
        let (before, after) = (all(self), all(now));
        let names: std::collections::BTreeSet<&String> =
            before.keys().chain(after.keys()).collect();
        let shown = |count: Option<&u64>| count.map_or_else(|| "none".to_owned(), u64::to_string);
        names
            .into_iter()
            .map(|name| (name, before.get(name), after.get(name)))
            .filter(|(_, before, after)| before != after)
            .map(|(name, before, after)| {
                [self.name.clone(), name.clone(), shown(before), shown(after)]
            })
            .collect()
    }
}
