//! What a lint found.

use std::fmt;

use crate::Printable;

/// How many findings of each kind ([`About`]) are kept; the rest are counted. A trace with more has
/// one fault, not many.
pub const FINDINGS_MAX: usize = 1000;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The trace breaks the format's rules; a check cannot be conclusive.
    Error,
    /// Allowed, and probably not meant.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// What a finding is about. What comes first here is the cause of what comes later: where a file is
/// not read, events are missing, and then messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum About {
    /// A file.
    File,
    /// A member of the ensemble, or a life of one.
    Member,
    /// The events of a chain.
    Chain,
    /// One event, or a message.
    Event,
}

/// One thing that is wrong, and where.
///
/// Shown as `file:line: severity: sentence`, without the line where it is about the whole file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The file's name, as it was given.
    pub file: String,
    /// The line, from 1; 0 for the whole file.
    pub line: u64,
    /// How bad it is.
    pub severity: Severity,
    /// What it is about.
    pub about: About,
    /// What is wrong. Names in it are escaped for a terminal.
    pub sentence: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Printable(&self.file).fmt(f)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        write!(f, ": {}: {}", self.severity, Printable(&self.sentence))
    }
}

/// What a lint found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LintReport {
    /// The findings, by file and line, at most [`FINDINGS_MAX`] of a kind.
    pub findings: Vec<Finding>,
    /// How many more there were.
    pub left_out: u64,
    /// How many errors there were, those left out included.
    pub errors: u64,
    /// How many files were read.
    pub files: usize,
    /// How many events were read.
    pub events: u64,
}

impl LintReport {
    /// Whether nothing was found that breaks the format's rules.
    #[must_use]
    pub const fn is_sound(&self) -> bool {
        self.errors == 0
    }

    /// The error that is most likely the cause of the others, if there is one.
    #[must_use]
    pub fn cause(&self) -> Option<&Finding> {
        let errors = self.findings.iter().filter(|finding| finding.severity == Severity::Error);
        // The first of the least: findings are in the order of files and lines.
        errors.min_by_key(|finding| finding.about)
    }
}

/// A line of one of the files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) file: usize,
    pub(super) line: u64,
}

/// Findings with their places, before files have names again.
#[derive(Debug, Default)]
pub(super) struct Findings {
    found: Vec<(Place, Severity, About, String)>,
    /// How many of each kind were kept.
    kept: [usize; 4],
    left_out: u64,
    errors: u64,
}

impl Findings {
    /// An event, or a message, is wrong.
    pub(super) fn error(&mut self, place: Place, sentence: String) {
        self.add(place, Severity::Error, About::Event, sentence);
    }

    /// An event is allowed, and probably not meant.
    pub(super) fn warning(&mut self, place: Place, sentence: String) {
        self.add(place, Severity::Warning, About::Event, sentence);
    }

    pub(super) fn add(&mut self, place: Place, severity: Severity, about: About, sentence: String) {
        self.errors += u64::from(severity == Severity::Error);
        let kept = &mut self.kept[about as usize];
        if *kept < FINDINGS_MAX {
            *kept += 1;
            self.found.push((place, severity, about, sentence));
        } else {
            self.left_out += 1;
        }
    }

    /// All findings, by place. The files `beside` those that were read count from the greatest index
    /// downwards.
    pub(super) fn report(self, files: &[String], beside: &[String], events: u64) -> LintReport {
        let Self { mut found, left_out, errors, .. } = self;
        found.sort_by_key(|(place, ..)| *place);
        let name = |file: usize| {
            let read = files.get(file);
            read.or_else(|| beside.get(usize::MAX - file - 1)).cloned().unwrap_or_default()
        };
        let findings = found.into_iter().map(|(place, severity, about, sentence)| Finding {
            file: name(place.file),
            line: place.line,
            severity,
            about,
            sentence,
        });
        LintReport { findings: findings.collect(), left_out, errors, files: files.len(), events }
    }
}
