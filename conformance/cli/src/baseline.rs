//! Counts of earlier runs, to tell whether the model has changed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;
use zab_presets::{Exploration, Outcome};

use crate::exit::Exit;
use crate::report::write_with;

/// The version of the format.
const VERSION: u32 = 1;

/// A baseline is small: a longer file is none.
const BYTES_MAX: u64 = 1 << 20;

/// The file.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Format {
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
    /// These counts are the baseline now, if the file could be written.
    Written(Exit),
    /// All counts are the same.
    Same,
    /// Exploration, count, value in the baseline, value now.
    Drift(Vec<[String; 4]>),
}

/// Why there is nothing to compare with.
#[derive(Debug, Error)]
pub(crate) enum BaselineError {
    /// It cannot be read.
    #[error(
        "cannot read the baseline {}: {source} (hint: --write-baseline writes it)", path.display()
    )]
    Io {
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

/// A file of counts, looked at before anything is explored: nobody is to wait for hours, only to
/// learn that it is of no use.
pub(crate) struct Baseline<'p> {
    path: &'p Path,
    state: State,
}

/// What there is of the file.
enum State {
    /// It is to be written.
    New,
    /// The counts of the explorations that are asked for.
    Known(Vec<Entry>),
}

impl<'p> Baseline<'p> {
    /// The file.
    pub(crate) fn path(&self) -> &'p Path {
        self.path
    }

    /// One that is to be written.
    pub(crate) fn new(path: &'p Path) -> Self {
        Self { path, state: State::New }
    }

    /// The baseline in that file.
    ///
    /// # Errors
    /// When the file cannot be read, is no baseline, or is one of other explorations.
    pub(crate) fn open(path: &'p Path, wanted: &[Exploration]) -> Result<Self, BaselineError> {
        let failed = |source| BaselineError::Io { path: path.to_owned(), source };
        let wrong = |why: String| BaselineError::Format { path: path.to_owned(), why };
        // A device may have no length and no end.
        let mut text = String::new();
        let read = File::open(path)
            .and_then(|file| file.take(BYTES_MAX + 1).read_to_string(&mut text))
            .map_err(failed)?;
        if read as u64 > BYTES_MAX {
            return Err(wrong(format!("it has more than {BYTES_MAX} bytes")));
        }
        let file: Format = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        if file.zab_baseline != VERSION {
            return Err(wrong(format!("it says version {}", file.zab_baseline)));
        }
        let none = || "no more".to_owned();
        for at in 0..file.explorations.len().max(wanted.len()) {
            let theirs = file.explorations.get(at).map_or_else(none, Entry::identity);
            let ours = wanted.get(at).map_or_else(none, identity);
            if theirs != ours {
                return Err(BaselineError::OtherBounds { path: path.to_owned(), theirs, ours });
            }
        }
        Ok(Self { path, state: State::Known(file.explorations) })
    }

    /// Compares the counts of the explorations, all complete, with those of the file, or writes them
    /// there.
    pub(crate) fn settle(self, outcomes: &[Outcome]) -> Compared {
        let ours: Vec<Entry> = outcomes.iter().map(Entry::of).collect();
        match self.state {
            State::New => Compared::Written(write(self.path, ours)),
            State::Known(theirs) => {
                let pairs = theirs.iter().zip(&ours);
                let rows: Vec<_> =
                    pairs.flat_map(|(theirs, ours)| theirs.differences(ours)).collect();
                if rows.is_empty() { Compared::Same } else { Compared::Drift(rows) }
            }
        }
    }
}

fn write(path: &Path, explorations: Vec<Entry>) -> Exit {
    write_with(path, |out| {
        serde_json::to_writer_pretty(&mut *out, &Format { zab_baseline: VERSION, explorations })?;
        writeln!(out)
    })
}

/// What an exploration is, in words.
fn identity(exploration: &Exploration) -> String {
    let family = &exploration.family;
    described(exploration.name, family.name(), &family.to_string())
}

fn described(name: &str, model: &str, bounds: &str) -> String {
    format!("{name} of model {model} ({bounds})")
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
        described(&self.name, &self.model, &self.bounds)
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
        let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
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
